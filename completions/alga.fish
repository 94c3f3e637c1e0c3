function __alga_completion
    set --local lines (env _ALGA_COMPLETE=complete_lines _TYPER_COMPLETE_ARGS=(commandline --cut-at-cursor --current-process) alga 2>/dev/null)
    if test -n "$lines"
        string join \n -- $lines
    else
        __fish_complete_path (commandline --current-token)
    end
end
complete --command alga --no-files --arguments "(__alga_completion)"
