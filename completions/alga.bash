_alga_completion() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        [[ -n $line ]] && COMPREPLY+=("$(printf %q "${line%%$'\t'*}")")
    done < <(_ALGA_COMPLETE=complete_lines _TYPER_COMPLETE_ARGS="${COMP_WORDS[*]:0:COMP_CWORD+1}" command alga 2>/dev/null)
}
complete -o default -F _alga_completion alga
