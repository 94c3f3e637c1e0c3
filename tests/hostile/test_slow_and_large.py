"""Servers that are slow, silent, endless or large: every request ends, and in bounded memory."""

import itertools
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import httpx
import pytest

from alga.api import connection
from alga.api import http as wire
from alga.api import lists as api
from alga.api.client import Client
from alga.api.deadline import Deadline, Limits
from alga.api.http import Http, Target
from alga.core.errors import AlgaError, ConfigError, NoConnection, TooLarge, UnknownOutcome, Unreachable
from tests.cli.test_processes import ALGA, environment, served
from tests.hostile.world import KEY, OK, forever, packed, raw_server, slowly
from tests.support import Desk

SHORT = Limits(whole=0.6, first=0.5, one_try=0.2, silence=0.5)  # in place of 120, 30, 10 and 30 seconds
ALLOWED = 1.0  # seconds beyond a limit, on a busy computer
MOST_MEGABYTES = 150  # of a whole process; an idle one takes 40


def silent(request: bytes) -> Iterator[bytes]:
    time.sleep(5)
    yield b""


def going_on(request: bytes) -> Iterator[bytes]:
    yield from forever(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001)


def slow_headers(request: bytes) -> Iterator[bytes]:
    yield OK
    for number in itertools.count():
        yield from slowly(b"X-%d: y\r\n" % number)


def chunk_extension(request: bytes) -> Iterator[bytes]:
    yield OK + b"Transfer-Encoding: chunked\r\n\r\n1;"
    yield from forever(b"x", 0.02)


def trailer(request: bytes) -> Iterator[bytes]:
    yield OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    yield from slow_headers(request)


def empty_blocks(request: bytes) -> Iterator[bytes]:
    yield OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
    yield from forever(b"\x00\x00\x00\xff\xff", 0.01)


def slow_body(request: bytes) -> Iterator[bytes]:
    yield OK + b"Content-Length: 100000\r\n\r\n"
    yield from forever(b" ", 0.02)


@pytest.mark.parametrize("behave", [silent, going_on, slow_headers, chunk_extension, trailer, empty_blocks, slow_body])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_ends_whatever_the_server_does(
    behave: Callable[[bytes], Iterator[bytes]], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "READ", SHORT)
    monkeypatch.setattr(wire, "WRITE", SHORT._replace(one_try=0.6, answer=0.5))
    with raw_server(behave) as url:
        requests = Http(Target(url, KEY, "p", "AlgaPSA"), sleep=lambda seconds: None)
        began = time.monotonic()
        with pytest.raises(AlgaError) as error:
            requests.request(method, "/time-entries", body=None if method == "GET" else {})
        took = time.monotonic() - began
        requests.close()
    assert type(error.value) is (Unreachable if method == "GET" else UnknownOutcome)
    limit = (SHORT.first if behave is silent else SHORT.whole) if method == "GET" else 0.5
    assert took < limit + ALLOWED


def test_a_write_that_has_left_is_waited_for_longer_than_the_block_that_sent_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def late(request: bytes) -> Iterator[bytes]:
        time.sleep(0.5)
        body = b'{"data": []}'
        yield OK + b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body

    with raw_server(late) as url:
        requests = Http(Target(url, KEY, "p", "AlgaPSA"), sleep=lambda seconds: None)
        with requests.within(0.2):
            assert requests.request("POST", "/time-entries", body={}).data == []
        with requests.within(0.2), pytest.raises(Unreachable):
            requests.request("GET", "/time-entries")
        requests.close()


def test_a_name_that_is_looked_up_for_ever_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(*args: object, **more: object) -> object:
        time.sleep(3)
        raise OSError("too late")

    monkeypatch.setattr("alga.api.connection.CONNECTING", 0.3)
    monkeypatch.setattr("socket.getaddrinfo", stuck)
    requests = Http(Target("http://psa.example.test", KEY, "p", "AlgaPSA"), sleep=lambda seconds: None)
    began = time.monotonic()
    with pytest.raises(NoConnection):
        requests.request("POST", "/time-entries", body={})
    assert time.monotonic() - began < 0.3 + ALLOWED


def test_a_person_is_told_after_a_second_what_alga_waits_for() -> None:
    now, told = [0.0], list[float]()
    deadline = Deadline(lambda: told.append(now[0]), lambda: now[0])

    def step(seconds: float) -> str:
        now[0] += min(seconds, 3.0)
        if now[0] < 3:
            raise TimeoutError
        return "data"

    deadline.begin(Limits(60, 60, 60))
    for _ in range(2):
        assert deadline.wait(step, TimeoutError) == "data"
    assert told == [1.0], "once a request"
    deadline.begin(Limits(60, 60, 60))
    deadline.wait(step, TimeoutError)
    assert len(told) == 1, "a quick one says nothing"


def test_what_counts_as_progress_of_a_request() -> None:
    now = [0.0]
    deadline = Deadline(now=lambda: now[0])
    deadline.begin(Limits(whole=3600, first=600, one_try=600, silence=30))
    deadline.begin_try()
    now[0] = 5
    deadline.arrived()  # a proxy's answer to CONNECT
    assert deadline.left == 595, "the server has its whole time to the first byte"
    deadline.all_has_left()
    now[0] = 500
    deadline.arrived()
    assert deadline.left == 30
    now[0] = 520  # it was cut off there
    assert not deadline.too_late(1)
    deadline.begin_try(waited=1)
    assert deadline.left == 581, "the next try has as long for its first byte as the first, from the last progress on"
    now[0] = 1102
    assert deadline.left < 0 and deadline.too_late(0)


def test_a_write_that_has_left_has_its_own_time_and_the_next_try_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    deadline = Deadline(now=lambda: now[0])
    deadline.begin(Limits(whole=120, first=30, one_try=30, answer=30), until=5)
    deadline.begin_try()
    assert deadline.left == 5, "what has not left has the time of its block"
    now[0] = 4
    deadline.all_has_left()
    deadline.arrived()
    assert deadline.left == 30
    now[0] = 20
    deadline.arrived()
    assert deadline.left == 14, "bytes do not give more"
    assert deadline.too_late(0), "after the block's end nothing is sent again"


def test_an_idle_connection_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A router forgets it, and a write on it would be in doubt."""
    monkeypatch.setattr("alga.api.connection.KEPT", 0.2)
    connections = list[bytes]()

    def behave(request: bytes) -> Iterator[bytes]:
        connections.append(request)
        yield OK + b'Content-Length: 12\r\n\r\n{"data": []}'
        time.sleep(2)

    with raw_server(behave) as url:
        requests = Http(Target(url, KEY, "p", "AlgaPSA"), sleep=lambda seconds: None)
        requests.request("GET", "/time-entries")
        time.sleep(0.3)
        requests.request("POST", "/time-entries", body={})
        requests.close()
    assert len(connections) == 2


def test_gzip_of_nothing_and_in_members_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    halves = [zlib.compress(part, 9, 31) for part in (b'{"data"', b": [1]}")]
    answers = iter([b"HTTP/1.1 204 No\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n", b""])

    def behave(request: bytes) -> Iterable[bytes]:
        if request.startswith(b"DELETE"):
            return [next(answers)]
        body = b"".join(halves)
        head = OK + b"Content-Encoding: x-gzip\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        return [head + body]

    with raw_server(behave) as url:
        requests = Http(Target(url, KEY, "p", "AlgaPSA"), sleep=lambda seconds: None)
        assert requests.request("DELETE", "/time-entries/x", body={}).data is None
        assert requests.request("GET", "/time-entries/x").data == [1]
        requests.close()


def test_what_is_unpacked_comes_in_pieces() -> None:
    class Few(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield zlib.compress(b" " * 20_000_000, 9, 31)

    pieces = [len(piece) for piece in connection.Unpacked(Few())]
    assert (sum(pieces), max(pieces)) == (20_000_000, connection.PIECE)


def test_what_is_said_while_waiting_decides_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alga.api.deadline.TOLD_AFTER", 0.0)

    def damaged(self: object) -> object:
        raise ConfigError("The journal cannot be read.")

    with served(desk.home / "server", "--strict", "--role", "admin") as connection:
        desk.env = connection
        desk.ok("list")
        monkeypatch.setattr("alga.outbox.journal.Journal.of_act", damaged)
        desk.ok("log", "TIC1042", "6:00-6:10", "-s", "Basic Support")
        monkeypatch.undo()
        assert len(desk.ok("list", "--json").json) == 1


def test_a_terminal_says_that_a_write_is_saved(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "WRITE", wire.WRITE._replace(answer=1.5))
    monkeypatch.setattr(wire, "READ", SHORT)

    def behave(request: bytes) -> Iterator[bytes]:
        if request.startswith(b"GET"):
            body = b'{"data": [], "pagination": {"total": 0}}'
            yield OK + b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        else:
            yield from silent(request)

    with raw_server(behave) as url:
        desk.env = {"ALGA_URL": url, "ALGA_API_KEY": KEY}
        shown = desk("log", "tk_1", "9:00-9:10", columns=40)
    told = f"Waiting for {url.removeprefix('http://')}. It is saved\nhere: Ctrl-C leaves the rest to alga\nsync.\n"
    assert shown.err.startswith(told), shown
    assert shown.code == 0 and "Saved" in shown.out


# --- memory ---------------------------------------------------------------------------------------


MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print("\\n", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, sep="", end="")
sys.exit(code)
"""  # a small parent: a process counts what its parent held when it was made


def run(home: Path, *args: str, **env: str) -> tuple[int, int, str, str]:
    """A command line as a process: its exit code, its peak memory in MB, and what it printed."""
    command = [sys.executable, "-c", MEASURED, *ALGA, *args]
    done = subprocess.run(command, env=environment(home, **env), capture_output=True, text=True, check=False)
    out, _, megabytes = done.stdout.rpartition("\n")
    return done.returncode, int(megabytes), out, done.stderr


def empty_rows(megabytes: int) -> Callable[[bytes], Iterator[bytes]]:
    def behave(request: bytes) -> Iterator[bytes]:
        yield OK + b'Content-Type: application/json\r\n\r\n{"data":[{}'
        for _ in range(megabytes):
            yield b",{}" * (1024 * 1024 // 3)
        yield b"]}"

    return behave


def one_large_row(request: bytes) -> Iterator[bytes]:
    yield OK + b'\r\n{"data":[{"entry_id":"e-1","start_time":"2026-11-20T08:00:00Z","notes":"'
    yield from itertools.repeat(b"x" * 1024 * 1024, 40)
    yield b'"}]}'


def large_error(request: bytes) -> Iterator[bytes]:
    body = json.dumps({"error": {"code": "X", "message": "no " * 5_000_000}}).encode()
    yield b"HTTP/1.1 400 Bad\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body


LARGE: dict[str, tuple[Callable[[bytes], Iterable[bytes]], int, str]] = {
    "empty rows": (empty_rows(20), 7, ""),
    "packed twice": (lambda request: packed(2, 40), 7, "cannot be decoded"),
    "packed once": (lambda request: packed(1, 40), 7, "sent entry 1 of the list with more than 16 MB"),
    "one large row": (one_large_row, 7, "sent entry e-1 with more than 16 MB"),
    "large error": (large_error, 5, "no no"),
}
LIST, EXPORT, LOG = ("list", "--everyone"), ("export", "--today"), ("log", "tk_1", "1m", "-s", "x")
ASKED = [*((LIST, name) for name in LARGE), (EXPORT, "empty rows"), (EXPORT, "one large row"), (LOG, "large error")]


@pytest.mark.parametrize(("command", "name"), [*ASKED, (LOG, "packed once")])
def test_no_answer_takes_more_memory_than_a_page(tmp_path: Path, command: tuple[str, ...], name: str) -> None:
    behave, code, said = LARGE[name]
    with raw_server(behave) as url:
        began = time.monotonic()
        exit_code, megabytes, out, err = run(tmp_path, *command, ALGA_URL=url, ALGA_API_KEY=KEY)
        assert time.monotonic() - began < 30
    assert megabytes < MOST_MEGABYTES, (megabytes, err)
    assert len(out) + len(err) < 5000
    assert (exit_code == code and said in err) or (command[0] != "list" and exit_code in (0, 5, 7, 8)), (exit_code, err)
    journal = tmp_path / "state" / "outbox.db"
    assert not journal.exists() or journal.stat().st_size < 200_000


def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones() -> None:
    """100 entries of 300 kB: as one page 30 MB, as ten pages 3 MB each."""
    asked: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
        asked.append((request.url.params["page"], request.url.params["limit"]))
        numbers = range((page - 1) * limit, min(page * limit, 107))
        times = {"start_time": "2026-11-20T08:00:00Z", "end_time": "2026-11-20T08:30:00Z"}
        rows = [{"entry_id": f"e{n}", "notes": "x" * 300_000, **times} for n in numbers]
        return httpx.Response(200, json={"data": rows, "pagination": {"total": 107, "hasNext": page * limit < 107}})

    walked = Client(Http(Target("http://x.test", KEY, "p", "AlgaPSA"), httpx.MockTransport(answer))).walk_entries({})
    assert sorted(entry.id for entry in walked) == sorted(f"e{n}" for n in range(107))
    assert asked == [("1", "100"), *((str(n), "10") for n in range(1, 11)), ("2", "100")]


def test_long_exports_of_many_entries_are_asked_for_month_by_month(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MANY", 50)
    starts = [
        f"2026-{month:02}-{day:02}T{hour:02}:00:00Z" for month in range(1, 11) for day in (1, 28) for hour in (0, 9, 23)
    ]
    rows = [{"entry_id": f"e{n}", "start_time": start, "end_time": start} for n, start in enumerate(starts)]
    asked: list[tuple[str, str]] = []

    def answer(request: httpx.Request, knows: tuple[bool, bool]) -> httpx.Response:
        params = request.url.params
        exporting = request.url.path.endswith("/export")
        since, until = params.get("start_time_from", "0"), params.get("start_time_to", "9")
        found = [row for row in rows if not knows[exporting] or since <= row["start_time"] <= until]
        if not exporting and "work_item_type" in params:  # a filter that this export does not know
            found = found[::2]
        if exporting:
            asked.append((since, until))
            return httpx.Response(200, json={"data": found})
        found.sort(key=lambda row: row["start_time"], reverse=params["order"] == "desc")
        return httpx.Response(200, json={"data": found[:1], "pagination": {"total": len(found), "hasNext": True}})

    def exported(*knows: bool, **query: str) -> list[str]:
        asked.clear()
        got = dict[int, list[str]]()
        server = httpx.MockTransport(lambda request: answer(request, (knows[0], knows[1])))
        client = Client(Http(Target("http://x.test", KEY, "p", "AlgaPSA"), server))
        client.export(query, lambda page: lambda entry: got.setdefault(page, []).append(entry.id), long=True)
        return [each for page in got.values() for each in page]

    every = {row["entry_id"] for row in rows}
    assert set(exported(True, True)) == every
    assert len(asked) == 10 and asked[0] == ("0", "2026-02-01T00:00:00Z") and asked[-1] == ("2026-10-01T00:00:00Z", "9")
    monkeypatch.setattr(api, "MANY", 20)
    assert set(exported(True, True, work_item_type="ticket")) == every, "a month is not all, however much comes"
    assert len(asked) == 10
    assert sorted(exported(False, False)) == sorted(every)
    assert len(asked) == 1, "a server that knows no period has sent everything already"
    monkeypatch.setattr(api, "MOST_MONTHS", 3)
    assert set(exported(True, True)) == every
    assert len(asked) == 4


def test_a_page_of_a_million_values_is_asked_for_in_smaller_ones_too() -> None:
    page = httpx.Response(200, content=b'{"data":[' + b"[]," * 1_000_001 + b"[]]}")
    client = Client(Http(Target("http://x.test", KEY, "p", "AlgaPSA"), httpx.MockTransport(lambda request: page)))
    with pytest.raises(TooLarge, match="sent entry 1 of the list"):
        client.list_entries({"limit": "100"})
    with pytest.raises(TooLarge, match="too many values at once"):
        client.templates()
