"""Answers of every status, cut at every byte, with anything in any field: no command fails in an unknown way, nothing
that was accepted is lost or doubled, and everything works again as soon as the server does.
"""

import json
import random
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from alga.api import http as wire
from alga.api import lists as api
from alga.api.client import Client
from alga.api.http import Http, Target
from alga.core.errors import AlgaError, TooLarge
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


# --- what a reviewer's fuzzer found -----------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 303, 307])
def test_a_redirect_of_a_write_that_was_carried_out_is_looked_for(strict: Strict, status: int) -> None:
    def moved(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        redirected = request.method == "POST"
        return httpx.Response(status, headers={"Location": "https://x.test"}) if redirected else response

    strict.desk.ok("log", "TIC1042", "5:00-5:10", "-s", "Basic Support")  # whose key this is
    strict.network.after = moved
    shown = strict.desk.ok("log", "TIC1042", "6:00-6:10", "-s", "Basic Support")
    assert shown.out.startswith("Logged TIC1042"), "the look found it"
    strict.desk.env["ALGA_PROFILE"] = "env"
    strict.desk.ok("config", "set", "timer", "server")
    assert "Started" in strict.desk.ok("start", "TIC1011", "-s", "Basic Support").out
    strict.network.after = lambda request, response: response
    strict.desk.clock.pass_by(minutes=10)
    strict.desk.ok("stop")
    rows = strict.desk.ok("list", "--today", "--json").json
    assert sorted(row["duration_minutes"] for row in rows) == [10, 10, 10]
    assert strict.desk("status", "--json").json is None, "nothing runs beside it"


def another(**changed: object) -> Callable[[httpx.Request, httpx.Response], httpx.Response]:
    """A server that answers a write with somebody else's entry, and does nothing."""
    entry = {
        "entry_id": "33333333-0000-4000-8000-000000000000", "user_id": "11111111-0000-4000-8000-000000000000",
        "user_name": "Mallory", "work_item_type": "ticket", "work_item_id": "22222222-0000-4000-8000-000000000000",
        "start_time": "2020-01-01T08:00:00Z", "end_time": "2020-01-01T09:00:00Z", "billable_duration": 60,
        "created_at": "2020-01-01T09:00:00Z", "service_id": None, "notes": "x", "time_sheet_id": None,
    }  # fmt: skip
    return lambda request, response: httpx.Response(201, json={"data": entry | changed})


def test_an_answer_about_another_entry_is_no_answer(strict: Strict) -> None:
    desk, network = strict.as_role("admin"), strict.network
    desk.transport = network
    mine = desk.ok("log", "TIC1042", "5:00-5:30", "-s", "Basic Support", "-m", "mine", "-f", "ids").out.strip()
    desk.env["ALGA_PROFILE"] = "env"
    desk.ok("config", "set", "timer", "server")
    desk.ok("start", "TIC1011", "-s", "Basic Support")
    inner = network.inner
    for command in (("log", "TIC1042", "6:00-6:30", "-s", "Basic Support"), ("edit", mine, "-m", "new"), ("stop",)):
        network.inner = httpx.MockTransport(
            lambda request: (
                another()(request, httpx.Response(200)) if request.method != "GET" else inner.handle_request(request)
            )
        )
        wrong = desk(*command)
        assert "33333333" not in wrong.out and "Mallory" not in wrong.out + wrong.err, wrong
        network.inner = inner
        assert desk.ok("whoami", "--json").json["user_name"] != "Mallory"
    desk.clock.pass_by(minutes=30)
    desk.ok("sync")
    rows = desk.ok("list", "--today", "--json").json
    assert sorted((row["notes"] or "", row["duration_minutes"] or 0) for row in rows)[-1] == ("new", 30)
    assert sum(row["started_at"] == "2026-11-23T05:00:00Z" for row in rows) == 1, "the log is there once"


def test_whose_key_it_is_is_not_learnt_from_an_entry_at_another_time(strict: Strict) -> None:
    """On the same work item it may be ours with times that the server changed, or somebody else's."""
    inner = strict.network.inner

    def changed(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return inner.handle_request(request)
        return another(work_item_id=json.loads(request.content)["work_item_id"])(request, httpx.Response(200))

    strict.network.inner = httpx.MockTransport(changed)
    told = strict.desk("log", "TIC1042", "6:00-6:30", "-s", "Basic Support", columns=200)
    assert "The server stored" in told.err
    strict.network.inner = inner
    assert strict.desk.ok("whoami", "--json").json["user_name"] != "Mallory"


@pytest.mark.parametrize("body", [b'"a":{%s"b":1}', b'"a":[%s1]'])
def test_a_pagination_written_a_million_times_takes_no_time(body: bytes) -> None:
    row = json.dumps(ENTRY).encode()
    many = b'"pagination":1,' * 500_000 if body.startswith(b'"a":{') else b'"\\"pagination\\":",' * 400_000
    answer = httpx.Response(200, content=b'{"data":[' + row + b"]," + body % many + b"}")
    client = Client(Http(Target("http://x.test", KEY, "p", "AlgaPSA"), httpx.MockTransport(lambda request: answer)))
    began = time.monotonic()
    client.export({}, lambda page: lambda entry: None)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("name", ["tickets", "services", "list"])
def test_a_list_without_end_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(api, "MOST_HELD", 3_000_000)
    asked = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        path, page = request.url.path, len(asked)
        asked.append(path)
        if path.endswith("export"):
            rows = [ENTRY | {"entry_id": f"e{n}", "notes": "x" * 100_000} for n in range(100)]
            return httpx.Response(200, json={"data": rows})
        ticket = {"ticket_id": f"t{page}", "ticket_number": f"ABC-7{page}", "title": "x" * 500_000}
        service = {"service_id": f"s{page}", "service_name": "x" * 500_000}
        rows = [ticket if "tickets" in path else service if "services" in path else ENTRY]
        return httpx.Response(200, json={"data": rows, "pagination": {"total": 50_000, "hasNext": True}})

    desk.transport, desk.env = httpx.MockTransport(answer), {"ALGA_URL": "https://x.test", "ALGA_API_KEY": KEY}
    command = {"tickets": ("start", "TIC77", "-s", "s"), "services": ("services",), "list": ("list", "--everyone")}[
        name
    ]
    checked(desk, command)
    assert len(asked) < 30


def test_a_long_list_of_small_entries_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [ENTRY | {"entry_id": f"e{n}"} for n in range(5000)]

    def answer(request: httpx.Request) -> httpx.Response:
        listed = {"data": rows[:100], "pagination": {"total": 5000, "hasNext": True}}
        return httpx.Response(200, json={"data": rows} if "export" in request.url.path else listed)

    monkeypatch.setattr(api, "MOST_HELD", 1_510_000)
    client = Client(Http(Target("http://x.test", KEY, "p", "AlgaPSA"), httpx.MockTransport(answer)))
    assert len(client.walk_entries({})) == 5000
    monkeypatch.setattr(api, "MOST_HELD", 1_490_000)
    with pytest.raises(TooLarge, match="a list of more than"):
        client.walk_entries({})


def test_a_page_that_comes_again_ends_a_look_up(desk: Desk) -> None:
    asked = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        rows = [{"service_id": "s1", "service_name": "Basic"}]
        return httpx.Response(200, json={"data": rows, "pagination": {"hasNext": True}})

    desk.transport, desk.env = httpx.MockTransport(answer), {"ALGA_URL": "https://x.test", "ALGA_API_KEY": KEY}
    assert desk.ok("services", "-f", "ids").out == "s1\n"
    assert len(asked) == 2


@pytest.mark.parametrize("year", [1990, 2050, 9000])
def test_a_date_that_no_clock_shows_is_not_reckoned_with(strict: Strict, year: int) -> None:
    def dated(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "POST" and b"lost" in request.content:
            raise httpx.ReadError("reset")
        return httpx.Response(
            response.status_code, content=response.content, headers={"Date": f"Mon, 23 Nov {year} 08:12:00 GMT"}
        )

    strict.desk.ok("log", "TIC1042", "5:00-5:10", "-s", "Basic Support")
    strict.network.after = dated
    strict.desk.ok("list")
    strict.desk.ok("log", "TIC1042", "6:00-6:10", "-s", "Basic Support", "-m", "lost")
    strict.desk.env["ALGA_PROFILE"] = "env"
    strict.desk.ok("config", "set", "timer", "server")
    strict.desk.ok("start", "TIC1011", "-s", "Basic Support")
    strict.desk.clock.pass_by(minutes=20)
    assert "This computer's clock is" in strict.desk.ok("stop").err
    rows = strict.desk.ok("list", "--today", "--json").json
    assert sorted(row["duration_minutes"] for row in rows) == [10, 10, 20]
    assert strict.desk("queue", "--json").json == [], "nothing is set aside"


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
