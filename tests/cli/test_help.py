"""What --help shows: an overview of one line a command, and each command in whole messages."""

from pathlib import Path

import pytest

from alga.cli import HIDDEN, NAMES, PANELS
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
    assert "..." not in out.partition("\n")[2].replace("ID...", ""), "nothing is cut"
