#compdef alga algapsa
_alga() {
    local line
    local -a values shown
    while IFS= read -r line; do
        [[ -n $line ]] || continue
        values+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
    done < <(_ALGA_COMPLETE=complete_lines _TYPER_COMPLETE_ARGS="${(j: :)words[1,CURRENT]}" command algapsa 2>/dev/null)
    [[ $PREFIX == --*=* ]] && compset -P '*='
    if (( $#values )); then
        compadd -M 'm:{a-zA-Z}={A-Za-z}' -V alga -l -d shown -a -- values
    else
        _files
    fi
}
if [[ $funcstack[1] == _alga ]]; then
    _alga  # found on the fpath by the first TAB
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _alga alga algapsa
fi
