"""alga completion: set up TAB completion for bash, zsh, fish and PowerShell."""

from collections.abc import Mapping
from pathlib import Path, PurePath
from shlex import quote
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]
from typer.completion import install as install_for  # type: ignore[attr-defined]

from alga.app.session import Session
from alga.core.errors import UsageError
from alga.core.files import replacing
from alga.ui.command import command
from alga.ui.command_line import TAB
from alga.ui.completion import LINES, SHELLS
from alga.ui.output import Output

Shell = Annotated[
    str | None, typer.Argument(metavar="[SHELL]", help="bash, zsh, fish or powershell; by default your login shell.")
]

# Typer's own scripts let the shell evaluate what alga prints, which contains other people's text. These scripts do not:
# each value is quoted in the same way as the word that it completes.
ASKED = f"{TAB}=complete_{LINES} _TYPER_COMPLETE_ARGS"
BASH = f"""\
_alga_completion() {{
    local IFS=$' \\t\\n' line value cur=${{COMP_WORDS[COMP_CWORD]}}
    line="${{COMP_WORDS[*]:0:COMP_CWORD+1}}"
    line=${{line// = /=}}
    line=${{line/% =/=}}
    COMPREPLY=()
    while IFS= read -r value; do
        value=${{value%%$'\\t'*}}
        [[ -n $value ]] || continue
        case $cur in
            \\"*)
                value=${{value//\\\\/\\\\\\\\}}
                value=${{value//\\"/\\\\\\"}}
                value=${{value//\\$/\\\\\\$}}
                value=${{value//\\`/\\\\\\`}}
                value=${{value//!/\\"\\'!\\'\\"}}
                ;;
            \\'*) value=${{value//\\'/\\'\\\\\\'\\'}} ;;
            *[\\"\\']*) continue ;;
            *) printf -v value %q "$value" ;;
        esac
        COMPREPLY+=("$value")
    done < <({ASKED}="$line" command alga 2>/dev/null)
}}
complete -o default -o nosort -F _alga_completion alga 2>/dev/null ||
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
    [[ $PREFIX == --*=* ]] && compset -P '*='
    if (( $#values )); then
        compadd -M 'm:{{a-zA-Z}}={{A-Za-z}}' -V alga -l -d shown -a -- values
    else
        _files
    fi
}}
if [[ $funcstack[1] == _alga ]]; then
    _alga  # found on the fpath by the first TAB
else
    (( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}
    compdef _alga alga
fi"""
FISH = f"""\
function __alga_completion
    set --local token (commandline --cut-at-cursor --current-token)
    set --local option (string match --regex -- '^--[a-z-]+=' $token; or echo)
    set --local lines (env {ASKED}=(commandline --cut-at-cursor --current-process) alga 2>/dev/null)
    if test -n "$lines"
        printf "$option%s\\n" $lines
    else
        __fish_complete_path (commandline --current-token)
    end
end
complete --command alga --no-files --keep-order --arguments "(__alga_completion)\""""
OURS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


@command
def install(session: Session, shell: Shell = None) -> Output:
    """Install TAB completion for a shell."""
    env = session.environment.env
    wanted = shell or PurePath(env.get("SHELL", "")).name
    if wanted not in SHELLS:
        raise UsageError(f"No completion exists for shell '{wanted}'.", f"Choose from: {', '.join(SHELLS)}")
    if wanted not in OURS:
        path = Path(install_for(shell=wanted, prog_name="alga", complete_var=TAB)[1])
        return Output({"shell": wanted, "path": str(path)}, f"Completion for {wanted} is in {path}. {OPEN}")
    path, start = _places(wanted, env)
    _write(path, f"{OURS[wanted]}\n")
    text = f"Completion for {wanted} is in {path}"
    if start:
        line, there = f"source {quote(str(path))}", start.read_text(encoding="utf-8") if start.exists() else ""
        if line not in there:
            _write(start, "\n".join([*there.splitlines(), line, ""]))
        text = f"{text}, and {start} reads it"
    return Output({"shell": wanted, "path": str(path)}, f"{text}. {OPEN}")


OPEN = "Open a new terminal to use it."


def _places(shell: str, env: Mapping[str, str]) -> tuple[Path, Path | None]:
    """The path of a shell's script, and the start-up file that must load the script, if any."""
    home = Path(env.get("HOME") or Path.home())
    zsh, fish = Path(env.get("ZDOTDIR") or home), Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "fish"
    return {
        "bash": (home / ".bash_completions" / "alga.sh", home / ".bashrc"),
        "zsh": (zsh / ".zfunc" / "_alga", zsh / ".zshrc"),
        "fish": (fish / "completions" / "alga.fish", None),
    }[shell]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(text.encode())


@command
def show(
    session: Session, shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")]
) -> Output:
    """Print a shell's completion script."""
    script = script_for(shell)
    return Output({"shell": shell, "script": script}, script)


def script_for(shell: str) -> str:
    """A shell's completion script. Raises UsageError for an unknown shell."""
    if shell not in SHELLS:
        raise UsageError(f"No completion exists for shell '{shell}'.", f"Choose from: {', '.join(SHELLS)}")
    return OURS.get(shell) or get_completion_script(prog_name="alga", complete_var=TAB, shell=shell)


SUBCOMMANDS = {"install": install, "show": show}
