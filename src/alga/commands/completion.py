"""alga completion: TAB in bash, zsh, fish and PowerShell."""

from pathlib import PurePath
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]
from typer.completion import install as install_for  # type: ignore[attr-defined]

from alga.command import command
from alga.errors import UsageError
from alga.output import Shown
from alga.session import Session

SHELLS = ("bash", "zsh", "fish", "powershell")
COMPLETE_VAR = "_ALGA_COMPLETE"
Shell = Annotated[str | None, typer.Argument(metavar="[SHELL]", help="bash, zsh, fish or powershell; none: this one.")]


@command
def install(session: Session, shell: Shell = None) -> Shown:
    """Install TAB completion for a shell."""
    wanted = shell or PurePath(session.outside.env.get("SHELL", "")).name
    if wanted not in SHELLS:
        raise UsageError(f"There is no completion for '{wanted}'.", f"Say which: {', '.join(SHELLS)}")
    name, path = install_for(shell=wanted, prog_name="alga", complete_var=COMPLETE_VAR)
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
    """The script, from Typer's own generator. Raises UsageError for a shell it does not know."""
    if shell not in SHELLS:
        raise UsageError(f"There is no completion for '{shell}'.", f"There is: {', '.join(SHELLS)}")
    return get_completion_script(prog_name="alga", complete_var=COMPLETE_VAR, shell=shell)


SUBCOMMANDS = {"install": install, "show": show}
