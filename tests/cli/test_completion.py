"""TAB in real shells, and the scripts in completions/."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alga.commands.completion import SHELLS, script_for
from tests.cli.test_processes import alga, environment
from tests.support import Desk

SCRIPTS = Path(__file__).parents[2] / "completions"
HERE = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell)]
TESTED = os.environ.get("ALGA_TEST_SHELLS", " ".join(HERE)).split()

BASH = """
source {script}
COMP_WORDS=({words}); COMP_CWORD={last}; COMP_LINE="{line}"
_alga_completion alga
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
compdef() {{ :; }}
_arguments() {{ print -r -- "$@" }}
source {script}
words=({words}); CURRENT=$(( {last} + 1 ))
_alga_completion
"""
FISH = "source {script}; complete --do-complete '{line}'"


def tab(shell: str, line: str, home: Path) -> str:
    """What a shell offers after `line`."""
    words = line.split(" ")
    script = {"bash": BASH, "zsh": ZSH, "fish": FISH}[shell].format(
        script=SCRIPTS / f"alga.{shell}", words=" ".join(f"'{word}'" for word in words), last=len(words) - 1, line=line
    )
    env = environment(home) | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run([shell, "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "", done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", TESTED)
def test_commands_and_options_are_completed(shell: str, tmp_path: Path) -> None:
    assert "start" in tab(shell, "alga st", tmp_path)
    assert "stop" in tab(shell, "alga st", tmp_path)
    assert "login" not in tab(shell, "alga st", tmp_path)
    assert "--no-billable" in tab(shell, "alga log --no", tmp_path)
    assert "path" in tab(shell, "alga config pa", tmp_path)
    assert "serve" not in tab(shell, "alga se", tmp_path), "it is hidden"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts_are_up_to_date(shell: str) -> None:
    fresh = script_for(shell) + "\n"
    assert (SCRIPTS / f"alga.{shell}").read_text() == fresh, "run make completions"


def test_there_is_a_script_for_every_shell_and_no_other() -> None:
    assert {path.name for path in SCRIPTS.iterdir()} == {f"alga.{shell}" for shell in SHELLS}


@pytest.mark.parametrize(
    ("shell", "file"),
    [("bash", ".bash_completions/alga.sh"), ("zsh", ".zfunc/_alga"), ("fish", ".config/fish/completions/alga.fish")],
)
def test_install(shell: str, file: str, tmp_path: Path) -> None:
    done = alga(tmp_path, "completion", "install", shell)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / file) in done.stdout
    assert (tmp_path / file).read_text().strip() == script_for(shell).strip()


def test_an_unknown_shell(desk: Desk) -> None:
    for command in ("install", "show"):
        refused = desk("completion", command, "csh")
        assert (refused.code, "bash, zsh, fish, powershell" in refused.err) == (2, True)


def test_install_without_a_name_takes_the_login_shell(tmp_path: Path) -> None:
    assert "Completion for zsh" in alga(tmp_path, "completion", "install", SHELL="/usr/bin/zsh").stdout
    assert alga(tmp_path, "completion", "install").returncode == 2
