"""The running timer in a prompt or a status bar: the template, the small file, and the recipes of the guide."""

import os
import pty
import re
import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.test_completion import read_until
from tests.cli.test_processes import alga
from tests.conftest import Strict
from tests.support import Desk

GUIDE = (Path(__file__).parents[2] / "docs" / "guide.md").read_text()
RECIPES = dict(re.findall(r"```(\w+)\n(.*?)```", GUIDE, re.DOTALL))
SHELLS = os.environ.get("ALGA_TEST_SHELLS", " ".join(name for name in ("bash", "zsh") if shutil.which(name))).split()

BARS = ["tmux"] if shutil.which("tmux") or "ALGA_TEST_SHELLS" in os.environ else []  # CI has it


def template(desk: Desk, text: str = "{elapsed} {work_item}", *more: str) -> str:
    """What a prompt gets."""
    return desk.ok("status", "--template", text, *more).out


def test_a_template_is_filled_and_empty_where_nothing_runs(desk: Desk) -> None:
    assert template(desk) == ""
    desk.ok("start", "tk_9c41", "-m", "On-site VPN repair")
    desk.clock.pass_by(minutes=47, seconds=31)
    assert template(desk) == template(desk, "{elapsed} {work_item}", "--offline") == "0:47:31 tk_9c41\n"
    assert (
        template(desk, "{minutes}m since {since}: {notes} ({profile})")
        == "47m since 09:12: On-site VPN repair (local)\n"
    )
    desk.ok("stop")
    assert template(desk) == template(desk, "{elapsed} {work_item}", "--offline") == ""


def test_a_template_is_a_format_of_its_own(desk: Desk) -> None:
    refused = desk("status", "--template", "{elapsed}", "--json", tty=False)
    assert (refused.code, "cannot be combined" in refused.err) == (2, True)


def test_an_unknown_word_in_a_template_is_refused(desk: Desk) -> None:
    refused = desk("status", "--template", "{elapsd}")
    assert refused.code == 2
    assert refused.err == (
        "alga: Unknown field {elapsd} in the template.\n"
        "Choose from: elapsed, minutes, since, work_item, notes, profile\n"
    )


def timers(desk: Desk) -> list[list[str]]:
    """The lines of the file for prompts."""
    path = desk.home / "state" / "timer"
    return [line.split("\t") for line in path.read_text().splitlines()] if path.exists() else []


def test_the_file_follows_the_timer(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "VPN")
    assert timers(desk) == [["1795421520", "tk_1", "VPN", "local", "ticket", "tk_1"]]
    desk.clock.pass_by(minutes=5)
    desk.ok("switch", "tk_2")
    assert [row[1] for row in timers(desk)] == ["tk_2"]
    desk.ok("cancel", "--yes")
    assert timers(desk) == []
    desk.ok("resume")
    desk.clock.pass_by(minutes=5)
    desk.ok("stop")
    assert timers(desk) == []


def test_the_file_has_the_timer_of_each_login_the_latest_first(strict: Strict) -> None:
    replace(strict.desk, transport=None).ok("start", "tk_1", "--profile", "local")
    strict.desk.ok("start", "TIC1042", "-s", "Basic Support")
    assert [row[1:4:2] for row in timers(strict.desk)] == [["TIC1042", "env"], ["tk_1", "local"]]
    (strict.desk.home / "state" / "timer").unlink()
    strict.desk.ok("status")
    assert [row[1] for row in timers(strict.desk)] == ["TIC1042"], "it is seen again"


def test_a_timer_that_was_stopped_elsewhere_leaves_the_file_with_the_next_look(desk: Desk) -> None:
    desk.ok("start", "tk_1")
    line = (desk.home / "state" / "timer").read_text()
    desk.ok("stop")
    (desk.home / "state" / "timer").write_text(line)
    desk.ok("status")
    assert timers(desk) == []


def test_what_would_be_more_than_text_to_a_prompt_is_left_out(desk: Desk) -> None:
    desk.ok("start", "tk_$(id)", "-m", "100% `id` #{x} \\[\x1b[31m\ttab")
    assert timers(desk)[0][1:3] == ["tk_(id)", "100 id x [\ufffd[31m tab"]


@pytest.mark.parametrize("content", ["", "x", "a\tb\tc\td\te\tf\n", "1\t2\n", "\xff"])
def test_a_damaged_file_is_the_same_as_none(desk: Desk, content: str) -> None:
    (desk.home / "state").mkdir(parents=True)
    (desk.home / "state" / "timer").write_text(content, encoding="latin-1")
    assert template(desk, "{work_item}", "--offline") == ""
    desk.ok("start", "tk_1")
    assert len(timers(desk)) == 1


# --- the recipes ----------------------------------------------------------------------------------


def running(home: Path) -> None:
    """A timer that began 47 minutes ago, in a home as the guide has it."""
    state = home / ".local" / "state" / "alga"
    started = alga(home, "start", "tk_9c41", "--ago", "47m", "-m", "VPN", ALGA_STATE_DIR=str(state))
    assert started.returncode == 0, started.stderr


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell in RECIPES])
def test_the_recipe_of_a_shell(shell: str, tmp_path: Path) -> None:
    hook = {
        "bash": '(exit 7); eval "$PROMPT_COMMAND"; printf "%s|" "${PS1@P}"',
        "zsh": 'for each in $precmd_functions; do $each; done; print -nP "$PROMPT|"',
    }[shell]
    before = {"bash": "PROMPT_COMMAND='echo -n \"$? \"'", "zsh": 'precmd_functions=(other); other() { echo -n "7 " }'}[
        shell
    ]
    recipe = f"{RECIPES[shell]}\n{RECIPES[shell]}"  # a file that is read twice
    script = f"PS1='$ '; {before}\n{recipe}\n{hook}"

    def prompt() -> str:
        env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        options = ["--norc"] if shell == "bash" else ["-f"]
        done = subprocess.run([shell, *options, "-c", script], env=env, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout

    assert prompt() == "7 $ |", "what was there before sees what it saw"
    running(tmp_path)
    assert re.fullmatch(r"7 4[78]m tk_9c41 \$ \|", prompt())


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell in RECIPES])
def test_the_recipe_for_starship_reads_what_the_shells_export(shell: str, tmp_path: Path) -> None:
    (variable,) = tomllib.loads(RECIPES["toml"])["env_var"]
    export = f"export {variable}" if shell == "bash" else ""
    running(tmp_path)
    done = subprocess.run(
        [shell, "-c", f"PS1=; {RECIPES[shell]}\n{export}\nalga_timer\nenv"],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(rf"^{variable}=4[78]m tk_9c41 $", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("bar", BARS)
def test_the_recipe_for_a_status_bar(bar: str, tmp_path: Path) -> None:
    running(tmp_path)
    (tmp_path / "tmux.conf").write_text(RECIPES[bar])
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TMUX_TMPDIR": str(tmp_path), "LANG": "C.UTF-8"}
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(
            bar, [bar, "-u", "-f", str(tmp_path / "tmux.conf"), "new-session", "sleep 60"], env | {"TERM": "xterm"}
        )
    try:
        screen = read_until(terminal, b"m tk_9c41")
    finally:
        subprocess.run([bar, "kill-server"], env=env, check=True, timeout=20)
        os.waitpid(pid, 0)
        os.close(terminal)
    assert re.search(r"4[78]m tk_9c41", screen)
