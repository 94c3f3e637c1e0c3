"""What --help shows: an overview of one line a command, and each command in whole messages."""

import re
from pathlib import Path

import pytest

from alga.cli import HIDDEN, NAMES, PANELS
from alga.state.config import LOCAL_SETTINGS, SETTINGS
from tests.support import Desk

COMMANDS = Path(__file__).parents[2] / "src" / "alga" / "commands"


def test_every_command_file_is_in_a_panel_or_hidden() -> None:
    files = {path.stem for path in COMMANDS.glob("*.py")} - {"__init__", "home"}
    assert {name.replace("_", "-") for name in files} == set(NAMES)
    assert set(HIDDEN) == {"serve"}


def test_the_overview_is_a_line_for_each_command(desk: Desk) -> None:
    lines = desk.ok("--help").out.splitlines()
    for panel, commands in PANELS.items():
        assert f"{panel}:" in lines
        for name, sentence in commands.items():
            assert f"  {name.ljust(15)}  {sentence}" in lines
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if line.startswith("  serve")]


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command_is_whole_and_fits(name: str, desk: Desk) -> None:
    out = desk.ok(name, "--help").out
    assert out.startswith(f"Usage: alga {name} [OPTIONS]")
    assert max(map(len, out.splitlines())) <= 80
    assert "{" not in out.splitlines()[0]
    rest = re.sub(r"(ID|\[SPAN\]|TIME)\.\.\.", "", out.partition("\n")[2])
    assert "..." not in rest, "nothing is cut"


def test_help_and_version_are_words_too(desk: Desk) -> None:
    assert desk.ok("help").out == desk.ok("--help").out
    assert desk.ok("help", "log").out == desk.ok("log", "--help").out
    assert desk.ok("help", "queue", "retry").out == desk.ok("queue", "retry", "--help").out
    desk.ok("start", "tk_1")
    assert desk.ok("help", "stop", "-m").out == desk.ok("stop", "--help").out
    assert desk.ok("status", "--json").json is not None, "no option takes --help for its value"
    assert desk.ok("version").out == desk.ok("-V").out == desk.ok("--version").out
    assert desk("help", "lgo").err.startswith("alga: No such command 'lgo'. Did you mean log")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("ls", "list"), ("rm", "delete"), ("pause", "stop"), ("continue", "resume"), ("in", "start"), ("out", "stop")],
)
def test_the_words_of_other_trackers_are_known(desk: Desk, typed: str, meant: str) -> None:
    assert desk(typed).err.startswith(f"alga: No such command '{typed}'. Did you mean {meant}?")


def test_guesses_are_not_far_fetched(desk: Desk) -> None:
    assert "Did you mean" not in desk("list", "--year").err
    assert "Did you mean --from?" in desk("list", "--fom").err


def test_every_setting_is_shown_with_its_meaning(desk: Desk) -> None:
    desk.ok("config", "set", "target", "8h", "--profile", "local")
    shown = desk.ok("config", "list", "--profile", "local", tty=False).out
    assert shown.startswith("Settings of profile local\n")
    for name in LOCAL_SETTINGS:
        assert any(line.startswith(name) and line.endswith(SETTINGS[name]) for line in shown.splitlines())
    assert any(line.split()[:2] == ["target", "8h"] for line in shown.splitlines())
    assert desk.ok("config", "list", "--profile", "local", "--json").json["target"] == "8h"
