"""alga completion: set up TAB completion for bash, zsh, fish and PowerShell."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path, PurePath
from shlex import quote
from typing import Annotated, NamedTuple

import typer

from alga.app.session import Session
from alga.core.errors import ConfigError, UsageError
from alga.core.files import make_private, replacing
from alga.ui.command import command
from alga.ui.command_line import TAB
from alga.ui.completion import LINES, SHELLS
from alga.ui.options import Yes
from alga.ui.output import Output, confirm

Shell = Annotated[
    str | None, typer.Argument(metavar="[SHELL]", help="bash, zsh, fish or powershell; by default your login shell.")
]

# Typer's own scripts let the shell evaluate what alga prints, which contains other people's text. These scripts do not:
# each value is quoted in the same way as the word that it completes. They call algapsa, since there are other algas.
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
    done < <({ASKED}="$line" command algapsa 2>/dev/null)
}}
complete -o default -o nosort -F _alga_completion alga algapsa 2>/dev/null ||
    complete -o default -F _alga_completion alga algapsa"""
ZSH = f"""\
#compdef alga algapsa
_alga() {{
    local line
    local -a values shown
    while IFS= read -r line; do
        [[ -n $line ]] || continue
        values+=("${{line%%$'\\t'*}}")
        shown+=("${{line/$'\\t'/  -- }}")
    done < <({ASKED}="${{(j: :)words[1,CURRENT]}}" command algapsa 2>/dev/null)
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
    compdef _alga alga algapsa
fi"""
FISH = f"""\
function __alga_completion
    set --local token (commandline --cut-at-cursor --current-token)
    set --local option (string match --regex -- '^--[a-z-]+=' $token; or echo)
    set --local lines (env {ASKED}=(commandline --cut-at-cursor --current-process) algapsa 2>/dev/null)
    if test -n "$lines"
        printf "$option%s\\n" $lines
    else
        __fish_complete_path (commandline --current-token)
    end
end
complete --command alga --no-files --keep-order --arguments "(__alga_completion)\""""
FISH_TOO = "complete --command algapsa --wraps alga"
POWERSHELL = f"""\
Register-ArgumentCompleter -Native -CommandName alga, algapsa -ScriptBlock {{
    param($wordToComplete, $commandAst, $cursorPosition)
    $Env:{TAB} = "complete_powershell"
    $Env:_TYPER_COMPLETE_ARGS = $commandAst.ToString()
    $Env:_TYPER_COMPLETE_WORD_TO_COMPLETE = $wordToComplete
    try {{
        algapsa | ForEach-Object {{
            $value, $meaning = $_ -split ":::", 2
            [System.Management.Automation.CompletionResult]::new($value, $value, "ParameterValue", $meaning)
        }}
    }} finally {{
        Remove-Item Env:{TAB}, Env:_TYPER_COMPLETE_ARGS, Env:_TYPER_COMPLETE_WORD_TO_COMPLETE
    }}
}}"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH, "powershell": POWERSHELL}
MARKED = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}  # as Windows PowerShell may write a file
PROFILE = "[Console]::OutputEncoding = [Text.Encoding]::UTF8; $PROFILE"  # prints where PowerShell's start-up file is


class ShellFile(NamedTuple):
    """A file that a shell reads, what it will contain, and a sentence that says so."""

    path: Path
    content: bytes
    said: str


@command
def install(session: Session, shell: Shell = None, yes: Yes = False) -> Output:
    """Install TAB completion for a shell: shows what changes, and asks."""
    env = session.environment.env
    wanted = shell or PurePath(env.get("SHELL", "")).name
    script_for(wanted)  # refuses an unknown shell
    path, changes = _changes(wanted, env, session.paths.config_dir)
    if not changes:
        text = f"Completion for {wanted} is set up already, in {path}."
        return Output({"shell": wanted, "path": str(path)}, text)
    otherwise = "\n".join([f"To go ahead: alga completion install {wanted} --yes", *(each.said for each in changes)])
    question = f"Set up TAB completion for {wanted}?"
    if not yes and not confirm(question, True, otherwise, [change.said for change in changes]):
        return Output(None, "Nothing was changed.")
    _write(changes)
    text = f"Completion for {wanted} is in {path}. Open a new terminal to use it."
    return Output({"shell": wanted, "path": str(path)}, text)


def _write(changes: list[ShellFile]) -> None:
    """Write all files or none: each is moved into place when all are complete, the start-up file first."""
    try:
        with ExitStack() as unfinished:
            for change in changes:
                make_private(change.path.parent)
                unfinished.enter_context(replacing(change.path)).write(change.content)
    except OSError as fault:
        told = f"{fault.filename or 'A file'} cannot be written: {fault.strerror}. Nothing was changed."
        raise ConfigError(told, "Check the permissions.") from fault


def _changes(shell: str, env: Mapping[str, str], config_dir: Path) -> tuple[Path, list[ShellFile]]:
    """The path of a shell's script, and the files that must change."""
    home = Path(env.get("HOME") or Path.home())
    zsh, fish = Path(env.get("ZDOTDIR") or home), Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "fish"
    match shell:
        case "bash":
            path, starts = home / ".bash_completions" / "alga.sh", [home / ".bashrc"]
        case "zsh":
            path, starts = zsh / ".zfunc" / "_alga", [zsh / ".zshrc"]
        case "fish":
            path, starts = fish / "completions" / "alga.fish", []
        case _:
            path, starts = config_dir / "alga.ps1", _powershell_profiles()
    files = {path: SCRIPTS[shell], **({path.with_name("algapsa.fish"): FISH_TOO} if shell == "fish" else {})}
    scripts = [ShellFile(each, f"{text}\n".encode(), f"Write {each}") for each, text in files.items()]
    line = f". '{str(path).replace(chr(39), 2 * chr(39))}'" if shell == "powershell" else f"source {quote(str(path))}"
    changes = [*scripts, *(_with_line(start, line) for start in starts)]
    return path, [each for each in changes if not each.path.exists() or each.path.read_bytes() != each.content]


def _with_line(start: Path, line: str) -> ShellFile:
    """A start-up file with one line more, unless it has the line; everything else stays as it is, byte for byte."""
    if start.exists() and not start.is_file():
        raise ConfigError(f"{start} is not a file. Nothing was changed.", "The script: alga completion show SHELL")
    there = start.read_bytes() if start.exists() else b""
    encoding = next((name for mark, name in MARKED.items() if there.startswith(mark)), "utf-8")
    if line not in map(str.strip, there.decode(encoding, "replace").splitlines()):
        end = "\n".encode(encoding)
        there += (b"" if not there or there.endswith(end) else end) + line.encode(encoding) + end
    return ShellFile(start, there, f"Add to {start}: {line}")


def _powershell_profiles() -> list[Path]:
    """The start-up file of each PowerShell on this computer. Raises UsageError when there is no PowerShell.

    Whether PowerShell may run it is up to its execution policy, which alga leaves alone.
    """
    no_key = {name: value for name, value in os.environ.items() if name != "ALGA_API_KEY"}
    found = []
    for program in filter(None, map(shutil.which, ("pwsh", "powershell"))):
        command = [program, "-NoProfile", "-NonInteractive", "-Command", PROFILE]
        with suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(command, stdout=subprocess.PIPE, env=no_key, timeout=60, check=False)
            said = done.stdout.decode("utf-8", "replace").strip()
            if said.isprintable() and Path(said).is_absolute():
                found.append(Path(said))
    if found:
        return found
    raise UsageError("No PowerShell was found. Nothing was changed.", "The script: alga completion show powershell")


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
    return SCRIPTS[shell]


SUBCOMMANDS = {"install": install, "show": show}
