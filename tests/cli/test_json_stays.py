"""The JSON that scripts read stays: what the build before printed is printed still, with additions at most."""

import json
import re
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import Strict
from tests.support import Desk

KEPT = Path(__file__).with_name("json_before.json")  # of the build before the house was rebuilt
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ROWS = """date,start,end,item,service,notes
2026-11-20,9:00,10:00,TIC1042,Basic Support,first
2026-11-20,10:00,11:00,TIC1042,Basic Support,second
"""
WRONG = "2026-11-20,10:30,11:30,TIC1042,Basic Support,overlaps\n"


class Typed:
    """Types commands and keeps what each printed, with ids by the order in which they first came."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.said: list[list[Any]] = []

    def __call__(self, desk: Desk, *words: str, typed: str = "") -> Any:
        """One of them."""
        result = desk(*words, "--json", typed=typed, tty=False)
        printed = json.loads(result.out) if result.out else None
        self.said.append([" ".join(map(self.plain, words)), result.code, json.loads(self.plain(json.dumps(printed)))])
        return printed

    def plain(self, text: str) -> str:
        """Without what is other in each run."""
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", text)
        text = re.sub(r"/[\w/.-]*/home/", "/home/", text)
        return UUID.sub(lambda match: self.names.setdefault(match[0], f"id{len(self.names)}"), text)


def practice(say: Typed, desk: Desk) -> None:
    """A day without a login."""
    say(desk, "start", "tk_1", "-m", "x")
    say(desk, "status")
    desk.clock.pass_by(minutes=48)
    say(desk, "switch", "tk_2")
    desk.clock.pass_by(minutes=10)
    say(desk, "stop", "--billable", "5")
    entry = say(desk, "log", "tk_3", "9:00-9:30", "--date", "2026-11-19", "-m", "y")["id"]
    say(desk, "log", "tk_3", "9:10-9:40", "--date", "2026-11-19")
    for words in (
        ["list"],
        ["show", entry],
        ["day"],
        ["stats"],
        ["search", "y"],
        ["queue"],
        ["templates"],
        ["services"],
    ):
        say(desk, *words)
    say(desk, "edit", entry, "9:00-10:00")
    say(desk, "edit", entry, "-m", "z")
    rows = "".join(f"{line}\n" for line in ROWS.splitlines())
    made = say(desk, "--profile", "local", "bulk", "create", "-", "--yes", typed=rows + WRONG)
    say(desk, "--profile", "local", "bulk", "create", "-", "--yes", typed=rows)
    ids = [row["id"] for row in made if row["id"]]
    say(desk, "--profile", "local", "bulk", "update", "-", "--yes", typed=f"id,notes\n{ids[0]},new\n{ids[1]},second\n")
    say(desk, "--profile", "local", "bulk", "delete", ids[0], "99999999-9999-4999-8999-999999999999", "--yes")
    say(desk, "delete", entry, "--yes")
    say(desk, "stop")
    say(desk, "config", "list")


def deployed(say: Typed, strict: Strict) -> None:
    """A login, with a connection that comes and goes."""
    desk, admin = strict.desk, strict.as_role("admin")
    first = say(desk, "log", "TIC1042", "8:00-8:30", "-s", "Basic Support", "-m", "x")["id"]
    say(desk, "start", "TIC1011", "-m", "here", "-s", "basic")
    say(desk, "status")
    desk.clock.pass_by(minutes=20)
    say(desk, "stop")

    def down(request: httpx.Request) -> None:
        raise httpx.ConnectError("down", request=request)

    strict.network.before = down
    say(desk, "log", "TIC1042", "7:00-7:30", "-s", "Basic Support", "-m", "offline")
    say(desk, "queue")
    say(desk, "bulk", "create", "-", "--yes", typed=ROWS)
    strict.network.before = lambda request: None
    say(desk, "sync")
    say(desk, "queue", "--sent")
    say(desk, "approve", first)
    with strict.app.store.open(writing=True) as db:
        db.execute("UPDATE entries SET approval_status = 'SUBMITTED' WHERE entry_id = ?", (first,))
    say(admin, "request-changes", first, "--reason", "why")
    say(admin, "request-changes", first, "--reason", "why")
    say(admin, "approve", first, "99999999-9999-4999-8999-999999999999")
    say(desk, "bulk", "delete", first, "--yes")
    say(desk, "whoami")


def missing(before: Any, now: Any, place: str) -> list[str]:
    """What was said before and is not now, or is other. Of a list each is compared; an object may say more."""
    if place.endswith(".reason") and isinstance(before, str) and isinstance(now, str):
        return []  # words for people
    if place.endswith(".id") and isinstance(before, int) and isinstance(now, int):
        return []  # practice data has its operations in the same journal now
    if isinstance(before, dict) and isinstance(now, dict):
        gone = [f"{place}.{name} is gone" for name in before if name not in now]
        return gone + [
            each for name in before if name in now for each in missing(before[name], now[name], f"{place}.{name}")
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [
            each for n, pair in enumerate(zip(before, now, strict=True)) for each in missing(*pair, f"{place}[{n}]")
        ]
    return [] if before == now else [f"{place}: {now!r}, not {before!r}"]


def test_what_scripts_read_is_as_it_was(desk: Desk, strict: Strict) -> None:
    say = Typed()
    practice(say, desk)
    deployed(say, strict)
    before = json.loads(KEPT.read_text(encoding="utf-8"))
    assert [each for was, now in zip(before, say.said, strict=True) for each in missing(was, now, was[0])] == []
