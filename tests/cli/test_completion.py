"""TAB in real shells, and the scripts in completions/."""

import json
import os
import pty
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from alga.commands.completion import MARKED, script_for
from alga.ui.completion import SHELLS
from tests.cli.test_processes import alga, environment, served
from tests.support import Desk

SCRIPTS = Path(__file__).parents[2] / "completions"
HERE = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell)]
TESTED = os.environ.get("ALGA_TEST_SHELLS", " ".join(HERE)).split()
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

BASH = """
source {script}
COMP_WORDS=({words}); COMP_CWORD={last}
_alga_completion
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
compdef() {{ :; }}
compadd() {{ printf '%s\\n' $values }}
_files() {{ print FILES }}
source {script}
words=({words}); CURRENT=$(( {last} + 1 ))
_alga
"""
FISH = "source {script}; complete --do-complete '{line}'"


def tab(shell: str, line: str, home: Path, **more: str) -> list[str]:
    """The values that a shell offers after `line`."""
    words = line.split(" ")
    script = {"bash": BASH, "zsh": ZSH, "fish": FISH}[shell].format(
        script=SCRIPTS / f"alga.{shell}", words=" ".join(f"'{word}'" for word in words), last=len(words) - 1, line=line
    )
    env = environment(home, **more) | {"PATH": PATH}
    done = subprocess.run([shell, "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "", done.stderr
    return [offered.partition("\t")[0] for offered in done.stdout.splitlines()]


@pytest.mark.parametrize("shell", TESTED)
def test_commands_and_options_are_completed(shell: str, tmp_path: Path) -> None:
    assert sorted(tab(shell, "alga st", tmp_path)) == ["start", "stats", "status", "stop"]
    assert sorted(tab(shell, "alga log --no", tmp_path)) == ["--no-billable", "--notes"]
    assert tab(shell, "alga config pa", tmp_path) == ["path"]
    assert "serve" not in tab(shell, "alga ", tmp_path), "it is hidden"


@pytest.mark.parametrize("shell", TESTED)
def test_what_was_worked_on_is_completed_from_this_computer(shell: str, tmp_path: Path) -> None:
    alga(tmp_path, "log", "tk_9c41", "9:00-9:30", "--date", "2026-06-02", "-m", "On-site VPN repair")
    made = alga(
        tmp_path, "log", "tk_77d0", "8:00-8:30", "--date", "2026-06-02", "-m", "Patch night", "-f", "ids"
    ).stdout
    assert tab(shell, "alga log tk_", tmp_path) == ["tk_9c41", "tk_77d0"], "the latest first"
    assert tab(shell, "alga list --work-item tk_7", tmp_path) == ["tk_77d0"]
    assert tab(shell, f"alga edit {made[:4]}", tmp_path) == [made[:8]]
    assert tab(shell, "alga list --status ch", tmp_path) == ["changes_requested"]
    assert tab(shell, "alga list --profile l", tmp_path) == ["local"]
    assert tab(shell, "alga --profile l", tmp_path) == ["local"]
    assert tab(shell, "alga log x 30m --type ti", tmp_path) == ["ticket"]


@pytest.mark.parametrize("shell", TESTED)
def test_services_and_tickets_of_a_server_are_completed_without_asking_it(shell: str, tmp_path: Path) -> None:
    with served(tmp_path / "server", "--strict", "--role", "admin") as connection:
        alga(tmp_path, "services", **connection)
        alga(tmp_path, "tickets", "VPN", **connection)
        alga(tmp_path, "log", "TIC1011", "9:00-9:30", "--date", "2026-06-02", "-s", "Basic Support", **connection)
    assert tab(shell, "alga start TIC101", tmp_path, **connection) == ["TIC1011"]
    offered = tab(shell, "alga log TIC1011 30m -s B", tmp_path, **connection)
    assert offered == [r"Basic\ Support" if shell == "bash" else "Basic Support"]


@pytest.mark.parametrize("shell", TESTED)
def test_where_alga_knows_nothing_the_shell_offers_files(shell: str, tmp_path: Path) -> None:
    offered = tab(shell, f"alga export -o {SCRIPTS}/alga.ba", tmp_path)
    assert offered == {"bash": [""], "zsh": ["FILES"], "fish": [f"{SCRIPTS}/alga.bash"]}[shell]


HOSTILE = (
    "$(touch TOUCHED) `touch TOUCHED` \\$(touch TOUCHED) ';touch TOUCHED;' \";touch TOUCHED;\" &touch TOUCHED\x1b[31m"
)


@pytest.mark.parametrize("shell", TESTED)
def test_no_word_of_others_is_run_or_drives_the_terminal(
    shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    notes = f"\x07\x1b]0;title{HOSTILE}"
    made = alga(
        tmp_path, "log", HOSTILE[:60], "9:00-9:30", "--exact", "--date", "2026-06-02", "-m", notes, "-f", "ids"
    ).stdout
    assert made, "it was recorded"
    for line in ("alga log ", "alga log $", "alga edit ", f"alga edit {made[:4]}"):
        tab(shell, line, tmp_path)
        asked = {"_ALGA_COMPLETE": "complete_lines", "_TYPER_COMPLETE_ARGS": line}
        assert not re.search("[\x00-\x08\x0b-\x1f]", alga(tmp_path, **asked).stdout)
    assert not list(tmp_path.rglob("TOUCHED"))


KEYS = {"bash": "bash --norc -i", "zsh": "zsh -f -i", "fish": "fish --no-config -i"}


def typed(shell: str, home: Path, before_tab: str, after: str, wanted: str, **more: str) -> str:
    """What a real prompt shows after a TAB in a line, and then the rest of it."""
    env = environment(home, TERM="xterm", PS1="> ", **more) | {"PATH": PATH}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home)
        os.execvpe(KEYS[shell].split()[0], KEYS[shell].split(), env)
    try:
        read_until(terminal, b"")
        os.write(terminal, f"source {SCRIPTS}/alga.{shell}; echo READ''Y\n".encode())
        read_until(terminal, b"READY")
        os.write(terminal, f"{before_tab}\t".encode())
        time.sleep(1)  # a shell that is busy completing may drop what is typed meanwhile
        os.write(terminal, f"{after}\n".encode())
        return read_until(terminal, wanted.encode())
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


@pytest.mark.parametrize("shell", TESTED)
def test_tab_at_a_real_prompt_completes_an_id(shell: str, tmp_path: Path) -> None:
    made = alga(tmp_path, "log", "tk_9c41", "9:00-9:30", "--date", "2026-06-02", "-f", "ids").stdout.strip()
    wanted = f'"id": "{made}"'
    assert wanted in typed(shell, tmp_path, f"alga show {made[:4]}", " --json", wanted)


QUOTED = [(shell, quote, "C.UTF-8") for shell in TESTED for quote in ("", '"', "'")]
CRON = [(shell, '"', "C") for shell in TESTED if shell == "bash"]  # whose printf %q has another form there


@pytest.mark.parametrize(("shell", "quote", "locale"), [*QUOTED, *CRON])
def test_a_completed_name_is_the_name_whatever_quotes_are_open(
    shell: str, quote: str, locale: str, tmp_path: Path
) -> None:
    name = 'Zulu \u0378 $(touch A) `touch A` it\'s "so" \\ !x'
    with served(tmp_path / "server", "--strict", "--role", "admin") as connection:
        with closing(sqlite3.connect(tmp_path / "server" / "data" / "strict.db")) as db:
            db.execute("UPDATE services SET service_name = ? WHERE service_name = 'Premium Support'", (name,))
            db.commit()
        alga(tmp_path, "services", **connection)
        line = f"alga log TIC1011 9:00-9:30 --date 2026-06-02 -m x -s {quote}Zu"
        screen = typed(shell, tmp_path, line, " --json", '"delivery"', LC_ALL=locale, **connection)
        assert '"delivery": "delivered"' in screen
        listed = alga(tmp_path, "list", "--everyone", "--from", "2026-06-01", "--json", **connection)
    assert json.loads(listed.stdout)[0]["service_name"] == name
    assert not list(tmp_path.rglob("A"))


@pytest.mark.parametrize("shell", TESTED)
def test_a_value_behind_an_equals_sign(shell: str, tmp_path: Path) -> None:
    alga(tmp_path, "log", "tk_9c41", "9:00-9:30", "--date", "2026-06-02")
    line = "alga list --from 2026-06-01 --work-item=tk_"
    assert '"work_item_id": "tk_9c41"' in typed(shell, tmp_path, line, " --json", '"work_item_id": "tk_9c41"')


def read_until(terminal: int, wanted: bytes) -> str:
    """What a terminal shows until it has shown what is wanted, for 20 seconds at most."""
    screen, until = b"", time.monotonic() + 20
    while time.monotonic() < until and not (wanted and wanted in screen):
        ready, _, _ = select.select([terminal], [], [], 0.5)
        if ready:
            screen += os.read(terminal, 65536)
        elif not wanted:
            break  # it has nothing more to say
    return screen.decode(errors="replace")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts_are_up_to_date(shell: str) -> None:
    fresh = script_for(shell) + "\n"
    assert (SCRIPTS / f"alga.{shell}").read_text() == fresh, "run make completions"


def test_there_is_a_script_for_every_shell_and_no_other() -> None:
    assert {path.name for path in SCRIPTS.iterdir()} == {f"alga.{shell}" for shell in SHELLS}


@pytest.mark.parametrize(
    ("shell", "file", "start"),
    [
        ("bash", ".bash_completions/alga.sh", ".bashrc"),
        ("zsh", ".zfunc/_alga", ".zshrc"),
        ("fish", ".config/fish/completions/alga.fish", None),
    ],
)
def test_install(shell: str, file: str, start: str | None, tmp_path: Path) -> None:
    home = tmp_path / "it's home"
    home.mkdir()
    if start:
        (home / start).write_text("\n# mine\nalias x=y")
    before = sorted(home.rglob("*"))
    refused = alga(home, "completion", "install", shell)
    assert (refused.returncode, sorted(home.rglob("*"))) == (2, before), "without a terminal nothing changes"
    done, again = (alga(home, "completion", "install", shell, "--yes") for _ in range(2))
    assert (home / file).read_text().strip() == script_for(shell).strip()
    assert done.stdout == f"Completion for {shell} is in {home / file}. Open a new terminal to use it.\n"
    assert again.stdout == f"Completion for {shell} is set up already, in {home / file}.\n"
    if start:
        line = f"source '{str(home / file).replace(chr(39), chr(39) + chr(34) + chr(39) + chr(34) + chr(39))}'"
        assert f"Add to {home / start}: {line}" in refused.stderr, "the line is shown"
        assert (home / start).read_text() == f"\n# mine\nalias x=y\n{line}\n", "once, and the rest as it was"


def test_install_obeys_zdotdir_and_xdg_config_home(tmp_path: Path) -> None:
    alga(tmp_path, "completion", "install", "zsh", "-y", ZDOTDIR=str(tmp_path / "zsh"))
    alga(tmp_path, "completion", "install", "fish", "-y", XDG_CONFIG_HOME=str(tmp_path / "xdg"))
    assert (tmp_path / "zsh" / ".zshrc").read_text() == f"source {tmp_path}/zsh/.zfunc/_alga\n"
    assert (tmp_path / "xdg" / "fish" / "completions" / "alga.fish").exists()


def test_install_shows_the_line_and_asks_in_a_terminal(desk: Desk, tmp_path: Path) -> None:
    desk.env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    shown = desk("completion", "install", "bash", typed="n\n", columns=300)
    assert (shown.code, shown.out) == (0, "Nothing was changed.\n")
    assert shown.err == (
        f"Write {tmp_path}/.bash_completions/alga.sh\n"
        f"Add to {tmp_path}/.bashrc: source {tmp_path}/.bash_completions/alga.sh\n"
        "Set up TAB completion for bash? [Y/n] "
    )
    assert not (tmp_path / ".bashrc").exists()
    desk.ok("completion", "install", "bash", typed="\n")
    assert (tmp_path / ".bashrc").read_text() == f"source {tmp_path}/.bash_completions/alga.sh\n"


WINDOWS = [mark + "Set-Alias é y\r\n".encode(name) for mark, name in MARKED.items()]


@pytest.mark.parametrize("before", [b"", b"Set-Alias x y", *WINDOWS])
def test_powershell_gets_one_line_and_keeps_its_policy(tmp_path: Path, before: bytes) -> None:
    programs, profile = tmp_path / "bin", tmp_path / "profile.ps1"
    programs.mkdir()
    pwsh = programs / "pwsh"
    pwsh.write_text(f"#!/bin/sh\n(echo \"$@\"; env) >> '{tmp_path}/asked'\necho '{profile}'\n")
    pwsh.chmod(0o755)
    profile.write_bytes(before)
    path = f"{programs}:{os.environ['PATH']}"
    for _ in range(2):
        done = alga(tmp_path, "completion", "install", "powershell", "--yes", PATH=path, ALGA_API_KEY="secret")
        assert done.returncode == 0, done.stderr
    script = tmp_path / "config" / "alga.ps1"
    assert script.read_text() == f"{script_for('powershell')}\n"
    encoding = MARKED.get(before[:2], "utf-8")
    kept = before.decode(encoding)
    line_end = "" if not kept or kept.endswith("\n") else "\n"
    assert profile.read_bytes().decode(encoding) == f"{kept}{line_end}. '{script}'\n"
    told = (tmp_path / "asked").read_text()
    assert "Policy" not in told and "secret" not in told
    assert "Policy" not in script_for("powershell")
    profile.unlink()
    none = alga(tmp_path, "completion", "install", "powershell", "--yes", PATH="/nowhere")
    assert (none.returncode, "No PowerShell was found." in none.stderr) == (2, True)


@pytest.mark.parametrize("shell", TESTED)
def test_both_names_are_completed(shell: str, tmp_path: Path) -> None:
    if shell == "fish":  # it looks for a file of the command's name
        alga(tmp_path, "completion", "install", "fish", "-y", HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path / "x"))
        script = "complete --do-complete 'algapsa sto'"
        env = environment(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "x")) | {"PATH": PATH}
        done = subprocess.run(["fish", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.split("\t")[0] == "stop"
    else:
        assert tab(shell, "algapsa sto", tmp_path) == ["stop"]
        assert "alga algapsa" in script_for(shell)


def test_an_unknown_shell(desk: Desk) -> None:
    for command in ("install", "show"):
        refused = desk("completion", command, "csh")
        assert (refused.code, "bash, zsh, fish, powershell" in refused.err) == (2, True)


def test_install_without_a_name_takes_the_login_shell(tmp_path: Path) -> None:
    assert "Completion for zsh" in alga(tmp_path, "completion", "install", "-y", SHELL="/usr/bin/zsh").stdout
    assert alga(tmp_path, "completion", "install").returncode == 2
