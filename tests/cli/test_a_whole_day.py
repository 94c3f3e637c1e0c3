"""A technician's day as it is typed, every screen of it: on practice data word for word, and in real shells."""

import json
import os
import pty
import re
import shlex
import signal
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.cli.test_completion import KEYS, PATH, TESTED, read_until
from tests.cli.test_processes import alga, environment, served
from tests.support import Desk

DAY = (  # the hours and minutes that pass before, the command, and what is answered
    ("-1:12", 'config set hours "8:00-12:00 13:00-17:00"', ""),
    ("0:00", "config set target 8h", ""),
    ("0:00", "start tk_9c41 -m 'On-site VPN repair'", ""),
    ("0:48", "switch tk_77d0 -m 'Mailbox full'", ""),
    ("0:30", "switch -", ""),
    ("0:42", "stop", ""),
    ("0:30", "log tk_9c42 10:00+10m 10:10+5m 10:15+2m 10:17+3m 10:20+5m -m Call", ""),
    ("0:00", "log tk_9c41 10:15-10:45 -m Printer", ""),
    ("0:00", "log tk_9c41 10:25+5m -m Wrong", ""),
    ("0:00", "undo", "y\n"),
    ("0:00", "edit last --work-item tk_77d0", "y\n"),
    ("1:30", "log tk_77d0 --from last -m 'Patched the server'", ""),
    ("5:12", "fill", "1 13:00-14:00\nRouter\ntk_9c41 2h\nCabling\n-\ny\n"),
    ("0:00", "day", ""),
    ("0:00", "week", ""),
)


def typed_day(desk: Desk) -> str:
    """The screens of the day, with every id as 8 zeros."""
    screens = []
    for passes, line, answers in DAY:
        hours, minutes = (int(each) for each in passes.lstrip("-").split(":"))
        sign = -1 if passes.startswith("-") else 1
        desk.clock.pass_by(hours=sign * hours, minutes=sign * minutes)
        result = desk(*shlex.split(line), typed=answers)
        screens.append(f"$ alga {line}\n{result.err}{result.out}")
    return re.sub(r"\b[0-9a-f]{8}\b", "0" * 8, "".join(screens))


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_day_word_for_word(desk: Desk, columns: int) -> None:
    desk.env["NO_COLOR"] = "1"
    desk.columns = columns
    expected = Path(__file__).with_name(f"day_at_{columns}.txt")
    assert typed_day(desk) == expected.read_text()


# --- in real shells --------------------------------------------------------------------------------


class Prompt:
    """A shell in a terminal of its own."""

    def __init__(self, terminal: int) -> None:
        self.terminal, self._count = terminal, 0

    def types(self, line: str, *answers: tuple[str, str]) -> str:
        """Type a line, and answers where a text is shown: what the terminal shows until the line has ended."""
        self._count += 1
        ended = f"ENDED{self._count}."
        os.write(self.terminal, f"{line}; echo ENDED''{self._count}.\n".encode())
        screen = ""
        for wanted, answer in answers:
            screen += read_until(self.terminal, wanted.encode())
            os.write(self.terminal, answer.encode())
        return screen + read_until(self.terminal, ended.encode())


def midday() -> str:
    """The time zone in which it is between 12:00 and 13:00."""
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"


@contextmanager
def prompt(shell: str, home: Path, columns: int, **more: str) -> Iterator[Prompt]:
    """A shell at its prompt."""
    env = environment(home, TERM="xterm", PS1="> ", TZ=midday(), LC_ALL="C.UTF-8", **more) | {"PATH": PATH}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home)
        os.execvpe(KEYS[shell].split()[0], KEYS[shell].split(), env)
    try:
        ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        read_until(terminal, b"")
        yield Prompt(terminal)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


WIDTHS = {"bash": 80, "zsh": 120, "fish": 40}


@pytest.mark.parametrize("shell", TESTED)
def test_the_day_in_a_real_shell(shell: str, tmp_path: Path) -> None:
    with prompt(shell, tmp_path, WIDTHS[shell]) as at:
        assert "Started" in at.types("alga start tk_1 --at 8:00 -m Router")
        assert "Stopped" in at.types("alga switch tk_2 --at 9:00")
        assert "30m worked" in at.types("alga stop --at 9:30")
        calls = at.types("alga log tk_3 9:30+10m 9:40+5m 9:45+5m 9:50+5m 9:55+5m -m Call")
        assert calls.count("Logged tk_3") == 5
        at.types("alga log tk_4 10:00-11:00 -m Wrong")
        assert "Taken back" in at.types("alga undo", ("[Y/n]", "\n"))
        interrupted = at.types("alga fill", ("ends)?", "tk_5 1h\n"), ("Notes:", "On site\n"), ("ends)?", "\x03"))
        assert "Traceback" not in interrupted
        again = at.types("alga fill", ("[Y/n]", "y\n"), ("ends)?", "q\n"), ("[Y/n]", "y\n"))
        assert "Logged tk_5" in again
        assert "3h" in at.types("alga week")
    rows = json.loads(alga(tmp_path, "day", "--json", TZ=midday()).stdout)["entries"]
    assert [(each["work_item_id"], each["duration_minutes"]) for each in rows] == [
        ("tk_1", 60), ("tk_2", 30), ("tk_3", 10), *[("tk_3", 5)] * 4, ("tk_5", 60),
    ]  # fmt: skip


@pytest.mark.parametrize("shell", TESTED)
def test_the_day_as_technician_with_a_connection_that_goes_away(shell: str, tmp_path: Path) -> None:
    with (
        served(tmp_path / "server", "--strict", "--role", "technician") as connection,
        prompt(shell, tmp_path, WIDTHS[shell], **connection) as at,
    ):
        assert "Logged TIC1042" in at.types("alga log 1042 8:00-9:00 -s basic -m One")
        assert "TIC1011" in at.types("alga log vpn 9:00-9:30 -s basic -m Two", ("[Y/n]", "y\n"))
        assert "may not delete" in at.types("alga undo").replace("\r\n", " ")
    with prompt(shell, tmp_path, WIDTHS[shell], **connection) as at:
        assert "Saved TIC1042" in at.types("alga log TIC1042 9:30-10:00 -s basic -m Three")
        assert "Three" in at.types("alga day")
        assert "Taken back" in at.types("alga undo", ("[Y/n]", "y\n"))
        assert "Three" not in at.types("alga day")
        assert "Nothing waits" in at.types("alga queue").replace("\r\n", " ")
