"""alga completion: TAB in bash, zsh, fish and PowerShell."""

from pathlib import Path, PurePath
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]
from typer.completion import install as install_for  # type: ignore[attr-defined]

from alga.command import command
from alga.context import TAB
from alga.errors import UsageError
from alga.output import Shown
from alga.session import Session
from alga.tab import LINES, SHELLS

Shell = Annotated[str | None, typer.Argument(metavar="[SHELL]", help="bash, zsh, fish or powershell; none: this one.")]

# Typer's own scripts have the shell run what alga prints, and what alga prints has words of others in it. These do not.
ASKED = f"{TAB}=complete_{LINES} _TYPER_COMPLETE_ARGS"
BASH = f"""\
_alga_completion() {{
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        [[ -n $line ]] && COMPREPLY+=("$(printf %q "${{line%%$'\\t'*}}")")
    done < <({ASKED}="${{COMP_WORDS[*]:0:COMP_CWORD+1}}" command alga 2>/dev/null)
}}
complete -o default -F _alga_completion alga"""
ZSH = f"""\
#compdef alga
_alga() {{
    local line
    local -a values shown
    while IFS= read -r line; do
        [[ -n $line ]] || continue
        values+=("${{line%%$'\\t'*}}")
        shown+=("${{line/$'\\t'/  -- }}")
    done < <({ASKED}="${{(j: :)words[1,CURRENT]}}" command alga 2>/dev/null)
    if (( $#values )); then
        compadd -l -d shown -a values
    else
        _files
    fi
}}
if [[ $funcstack[1] == _alga ]]; then
    _alga  # found on the fpath by the first TAB
else
    compdef _alga alga
fi"""
FISH = f"""\
function __alga_completion
    set --local lines (env {ASKED}=(commandline --cut-at-cursor --current-process) alga 2>/dev/null)
    if test -n "$lines"
        string join \\n -- $lines
    else
        __fish_complete_path (commandline --current-token)
    end
end
complete --command alga --no-files --arguments "(__alga_completion)\""""
OURS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


@command
def install(session: Session, shell: Shell = None) -> Shown:
    """Install TAB completion for a shell."""
    wanted = shell or PurePath(session.outside.env.get("SHELL", "")).name
    if wanted not in SHELLS:
        raise UsageError(f"There is no completion for '{wanted}'.", f"Say which: {', '.join(SHELLS)}")
    name, path = install_for(shell=wanted, prog_name="alga", complete_var=TAB)
    if wanted in OURS:  # Typer knows where it belongs and how the shell finds it there
        Path(path).write_text(f"{OURS[wanted]}\n", encoding="utf-8")
    return Shown(
        {"shell": name, "path": str(path)}, f"Completion for {name} is in {path}. Open a new terminal to use it."
    )


@command
def show(
    session: Session, shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")]
) -> Shown:
    """Print a shell's completion script."""
    script = script_for(shell)
    return Shown({"shell": shell, "script": script}, script)


def script_for(shell: str) -> str:
    """A shell's script. Raises UsageError for a shell there is none for."""
    if shell not in SHELLS:
        raise UsageError(f"There is no completion for '{shell}'.", f"There is: {', '.join(SHELLS)}")
    return OURS.get(shell) or get_completion_script(prog_name="alga", complete_var=TAB, shell=shell)


SUBCOMMANDS = {"install": install, "show": show}
