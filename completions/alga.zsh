#compdef alga

_alga_completion() {
  eval $(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _ALGA_COMPLETE=complete_zsh alga)
}

compdef _alga_completion alga
