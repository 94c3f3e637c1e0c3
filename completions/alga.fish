function __alga_completion
    set --local token (commandline --cut-at-cursor --current-token)
    set --local option (string match --regex -- '^--[a-z-]+=' $token; or echo)
    set --local lines (env _ALGA_COMPLETE=complete_lines _TYPER_COMPLETE_ARGS=(commandline --cut-at-cursor --current-process) algapsa 2>/dev/null)
    if test -n "$lines"
        printf "$option%s\n" $lines
    else
        __fish_complete_path (commandline --current-token)
    end
end
complete --command alga --no-files --keep-order --arguments "(__alga_completion)"
