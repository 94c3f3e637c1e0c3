_alga_completion() {
    local IFS=$' \t\n' line value cur=${COMP_WORDS[COMP_CWORD]}
    line="${COMP_WORDS[*]:0:COMP_CWORD+1}"
    line=${line// = /=}
    line=${line/% =/=}
    COMPREPLY=()
    while IFS= read -r value; do
        value=${value%%$'\t'*}
        [[ -n $value ]] || continue
        case $cur in
            \"*)
                value=${value//\\/\\\\}
                value=${value//\"/\\\"}
                value=${value//\$/\\\$}
                value=${value//\`/\\\`}
                value=${value//!/\"\'!\'\"}
                ;;
            \'*) value=${value//\'/\'\\\'\'} ;;
            *[\"\']*) continue ;;
            *) printf -v value %q "$value" ;;
        esac
        COMPREPLY+=("$value")
    done < <(_ALGA_COMPLETE=complete_lines _TYPER_COMPLETE_ARGS="$line" command algapsa 2>/dev/null)
}
complete -o default -o nosort -F _alga_completion alga algapsa 2>/dev/null ||
    complete -o default -F _alga_completion alga algapsa
