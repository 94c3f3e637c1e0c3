"""Screens narrower than 60 columns, and wider ones: nothing breaks inside a word, a row takes two lines."""

import os
import re
import shutil

import pytest

from alga.cli import NAMES
from tests.conftest import Strict
from tests.support import Desk

LONG = "Replaced the switch in the basement and labelled all the cables"


def lines(text: str) -> list[str]:
    """Without colours, and with every id as 8 zeros."""
    return re.sub(r"\b[0-9a-f]{8}\b", "0" * 8, re.sub(r"\x1b\[[0-9;]*m", "", text)).splitlines()


def test_a_list_at_40_columns(desk: Desk) -> None:
    desk.ok("log", "tk_77d0", "7:40-9:10", "-m", LONG)
    desk.ok("start", "tk_9c41", "-m", "VPN")
    desk.clock.pass_by(minutes=48)
    assert lines(desk.ok("list", columns=40).out) == [
        "Mine, this week (23-29 Nov)",
        "TIME         WORKED  BILLABLE  WORK ITEM",
        "────────────────────────────────────────",
        "Mon 23 Nov   1h 30m    1h 30m",
        "  + 48m running",
        "07:40-09:10  1h 30m    1h 30m  tk_77d0",
        "  Replaced the switch in the…  00000000",
        "09:12-          48m   running  tk_9c41",
        "  VPN  00000000",
        "",
        "1 entry      1h 30m    1h 30m",
        "  + 48m running",
    ]


def test_what_is_explained_is_wrapped_between_words_and_not_cut(desk: Desk) -> None:
    shown = lines(desk.ok("config", "list", columns=40).out)
    assert max(map(len, shown)) <= 40
    at = shown.index("longest")
    assert " ".join(line.strip() for line in shown[at + 1 : at + 4]) == (
        "the longest that a timer runs before a stop asks when it ended, e.g. 10h (the default)"
    )


@pytest.mark.parametrize("command", ["list", "day", "status", "stats --by day", "config list", "services", "tickets e"])
def test_no_line_is_wider_than_the_screen(desk: Desk, command: str) -> None:
    desk.ok("log", "TIC1042", "1:40-9:10", "-m", LONG)
    for columns in (40, 59, 60, 80, 100, 120):
        shown = lines(desk.ok(*command.split(), columns=columns).out)
        assert max(map(len, shown)) <= columns


@pytest.mark.parametrize("command", ["", *NAMES])
def test_help_fits_into_40_columns_and_breaks_no_word(
    desk: Desk, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda fallback=(80, 24): os.terminal_size((40, 24)))
    narrow = lines(desk.ok(*command.split(), "--help", columns=40).out)
    monkeypatch.undo()
    wide = desk.ok(*command.split(), "--help", columns=300).out.split()
    assert max(map(len, narrow)) <= 40
    assert sorted(" ".join(narrow).split()) == sorted(wide)


def test_gaps_narrow_before_notes_are_cut(desk: Desk) -> None:
    def list_of(notes: str) -> str:
        desk.ok("log", "tk_77d0", "7:40-9:10", "-m", notes)
        shown = lines(desk.ok("list").out)[4]
        desk.ok("delete", "--yes", desk.ok("list", "-f", "ids").out.strip())
        return shown

    assert list_of("x" * 22).startswith("07:40-09:10   1h 30m     1h 30m   tk_77d0")
    assert f"tk_77d0    {'x' * 27}" in list_of("x" * 27)
    assert f"tk_77d0   {'x' * 32}" in list_of("x" * 32)


def test_a_wide_screen_shows_the_titles(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "7:40-9:10", "-s", "basic", "-m", "x")
    assert "Mailbox full, cannot send" in strict.desk.ok("list", columns=100).out
    assert "Mailbox full, cannot send" not in strict.desk.ok("list", columns=99).out
    assert "Mailbox full, cannot send" not in strict.desk.ok("list", tty=False).out
