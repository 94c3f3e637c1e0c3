"""Answers of every status, cut at every byte, with anything in any field: no command fails in an unknown way, nothing
that was accepted is lost or doubled, and everything works again as soon as the server does.
"""

import json
import random
import zlib
from collections import Counter
from pathlib import Path

import httpx
import pytest

from alga.api import http as wire
from alga.api.client import Client
from alga.api.http import Http, Target
from alga.core.errors import AlgaError
from alga.practice.app import App
from tests.conftest import Strict
from tests.hostile.world import (
    BODIES,
    COMMANDS,
    HEADERS,
    KEY,
    OK,
    STATUSES,
    Mutating,
    checked,
    dice,
    mutated,
    raw_server,
    rounds,
)
from tests.support import Clock, Desk

CASES = 250  # of status, body and header, each with a command
DAYS = 12  # of hostile answers, each of a few commands


def test_every_command_takes_every_status(desk: Desk) -> None:
    chance, answer = dice("status"), httpx.Response(200)
    desk.transport = httpx.MockTransport(lambda request: answer)
    desk.env = {"ALGA_URL": "https://psa.example.test", "ALGA_API_KEY": KEY}
    for number in rounds(CASES):
        status = STATUSES[number % len(STATUSES)] if number < 2 * len(STATUSES) else chance.choice(STATUSES)
        raw = [(name.encode(), value.encode("latin-1")) for name, value in chance.choice(HEADERS).items()]
        answer = httpx.Response(status, headers=raw, content=chance.choice(BODIES))
        checked(desk, chance.choice(COMMANDS), tty=chance.random() < 0.5)
    answer = httpx.Response(200, json={"data": [], "pagination": {"total": 0, "hasNext": False}})
    assert desk("list", "--everyone").code == 0, "it works again"


@pytest.mark.parametrize("strict", [True, False], ids=["deployed", "published"])
def test_days_with_a_server_that_says_anything(tmp_path: Path, strict: bool) -> None:
    """Each log that was accepted (exit 0) is there once when the server is sane again; no other log is there twice."""
    for number in rounds(DAYS):
        _day(tmp_path / str(number), random.Random(dice(f"day {number} {strict}").random()), strict)


def _day(home: Path, chance: random.Random, strict: bool) -> None:
    clock = Clock()
    app = App(home / "server.db", clock, strict=strict)
    server = Mutating(httpx.WSGITransport(app=app), chance)
    env = {"ALGA_URL": "https://psa.example.test", "ALGA_API_KEY": app.key_of("technician")}
    desk = Desk(home / "desk", clock, env=env, transport=server)
    accepted, typed = set[str](), set[str]()
    for n in range(chance.randrange(4, 9)):
        if chance.random() < 0.6:
            note = f"note {n}"
            line = ("log", "TIC1042", f"{n}:00-{n}:30", "-s", "Basic Support", "-m", note, "--date", "2026-11-20")
            typed.add(note)
            if checked(desk, line).code == 0:
                accepted.add(note)
        else:
            checked(desk, chance.choice(COMMANDS), tty=chance.random() < 0.5)
        clock.pass_by(minutes=7)
    server.hostile = False
    clock.pass_by(hours=7)
    for command in ("sync", "status", "sync"):
        checked(desk, (command,))
    that_day = ("--from", "2026-11-20", "--to", "2026-11-20")  # what resume begins has the same notes, today
    found = Counter(row["notes"] for row in desk.ok("list", "--everyone", *that_day, "--json").json)
    logged = {note: found[note] for note in typed}
    waits = {row["notes"] for row in desk("queue", "--json").json}
    assert all(times <= 1 for times in logged.values()), logged
    missing = {note for note in accepted if not logged[note]}
    assert missing <= waits, (missing, desk("queue").out)
    assert desk("status").code == 0


def whole(body: bytes, packed: bool = False) -> bytes:
    """An answer as it is on the wire."""
    if packed:
        body = zlib.compress(body, 9, 31)
    encoding = b"Content-Encoding: gzip\r\n" if packed else b""
    return OK + encoding + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


ENTRY = {"entry_id": "e1", "start_time": "2026-11-20T08:00:00Z", "end_time": "2026-11-20T08:30:00Z", "notes": "a"}
ANSWER = json.dumps({"data": [ENTRY], "pagination": {"total": 1, "hasNext": False}}).encode()


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_cut_at_any_byte_is_never_taken_for_whole(packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PAUSES", ())
    answer = whole(ANSWER, packed)
    ends = iter([*range(len(answer)), *range(len(answer)), len(answer), len(answer)])
    with raw_server(lambda request: [answer[: next(ends)]]) as url:

        def listed() -> bool:
            http = Http(Target(url, KEY, "p", "AlgaPSA"), sleep=lambda seconds: None)
            try:
                Client(http).list_entries({"limit": "100"})
            except AlgaError:
                return False
            finally:
                http.close()
            return True

        def exported() -> bool:
            http, got = Http(Target(url, KEY, "p", "AlgaPSA"), sleep=lambda seconds: None), list[str]()
            try:
                Client(http).export({}, lambda page: lambda entry: got.append(entry.id))
            except AlgaError:
                return False
            finally:
                http.close()
            return got == ["e1"]

        assert not any(listed() for _ in answer)
        assert not any(exported() for _ in answer)
        assert listed() and exported()


def test_a_cut_export_leaves_the_old_file(strict: Strict, tmp_path: Path) -> None:
    target = tmp_path / "time.csv"
    target.write_text("the old one")
    strict.desk.ok("log", "TIC1042", "7:00-7:30", "-s", "Basic Support")
    chance = dice("export")

    def cut(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        content = response.read()
        return httpx.Response(200, content=content[: chance.randrange(1, len(content) - 1)])

    strict.network.after = cut
    for _ in rounds(10):
        refused = checked(strict.desk, ("export", "--from", "2026-11-20", "-o", str(target)))
        assert (refused.code, target.read_text()) == (7, "the old one")


def test_the_fuzzer_finds_what_is_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that trusts its input fails on some mutation: these tests can fail."""
    chance, failed = random.Random(1), 0
    for _ in range(200):
        try:
            rows = json.loads(mutated(ANSWER, chance))["data"]
            assert all(row["start_time"].endswith("Z") for row in rows)
        except Exception:  # noqa: BLE001
            failed += 1
    assert failed > 50
