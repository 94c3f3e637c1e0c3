"""What may be on the server stays in doubt, whatever happens beside it; what surely is not there is not called done."""

import json
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from alga.core.errors import ConfigError
from alga.lookup.overlaps import Clash
from alga.outbox.journal import Journal
from alga.practice import rules
from tests.cli.test_processes import ALGA, environment
from tests.cli.test_track import offline
from tests.conftest import Strict
from tests.support import Desk, Faulty, joined

ROWS = "item,date,span,service\n" + "".join(
    f"TIC1042,2026-11-20,{hour}:00-{hour}:30,Basic Support\n" for hour in (6, 7, 8)
)


def online(request: httpx.Request) -> None:
    """The network is well."""


def as_it_is(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    return response


def queue(desk: Desk) -> list[tuple[str, bool]]:
    """What waits, and whether it is in doubt."""
    return [(row["delivery"], row["in_doubt"]) for row in desk.ok("queue", "--json").json]


def starts(desk: Desk) -> list[str]:
    """When the entries of that Friday begin."""
    rows = desk.ok("list", "--from", "2026-11-20", "--to", "2026-11-20", "--json").json
    return [row["started_at"][11:16] for row in rows]


# --- a batch ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("then", ["no connection", "401"])
def test_a_row_in_doubt_stays_so_when_nobody_can_say_who_one_is(
    strict: Strict, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr(rules, "overlap", lambda start, end, entries: False)  # so that a second sending would double it

    def lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.url.path.endswith("/activities"):
            return httpx.Response(200, json={"data": []})
        if strict.network.sent("POST"):
            strict.network.before = offline if then == "no connection" else online
            if request.method == "POST":
                raise httpx.ReadTimeout("timed out", request=request)
            return httpx.Response(401, json={"error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}})
        return response

    strict.network.after = lost
    told = strict.desk("bulk", "create", "-", "--json", typed=ROWS, tty=False)
    assert told.code == (0 if then == "no connection" else 9), told
    assert told.json[0]["outcome"] == "waits"
    waits = queue(strict.desk)
    assert waits[0] == ("queued", True)
    assert len(waits) == (3 if then == "no connection" else 1)
    strict.network.before, strict.network.after = online, as_it_is
    strict.desk.ok("sync")
    assert starts(strict.desk) == (["05:00", "06:00", "07:00"] if then == "no connection" else ["05:00"])


def test_a_journal_that_fails_after_the_sending_leaves_all_of_it_in_doubt(
    strict: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict.desk.ok("log", "TIC1011", "6:00-6:30", "-s", "basic", "-m", "it shows who I am")
    save, sent = Journal.save, strict.network.sent

    def failing(journal: Journal, operations: object) -> object:
        if len(sent("POST")) == 2:
            monkeypatch.setattr(Journal, "save", save)
            raise ConfigError("outbox.db cannot be used: database is locked.")
        return save(journal, operations)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "save", failing)
    assert strict.desk("bulk", "create", "-", typed=ROWS, tty=False).code == 3
    assert queue(strict.desk) == [("queued", True)] * 3
    strict.desk.ok("sync")
    assert starts(strict.desk) == ["05:00", "06:00", "07:00"]


@pytest.mark.parametrize("command", ["create", "update", "delete", "approve"])
def test_ctrl_c_while_the_server_asks_to_wait_takes_a_batch_back(
    strict: Strict, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setitem(rules.MAY, "technician", {"time_entry": {"create", "read", "update", "delete", "approve"}})
    entry_id = strict.desk.ok("log", "TIC1011", "6:00-6:30", "-s", "basic", "-m", "x", "--json").json["id"]
    typed = {
        "create": (["bulk", "create", "-"], ROWS),
        "update": (["bulk", "update", "-"], f"id,notes\n{entry_id},new\n"),
        "delete": (["bulk", "delete", entry_id, "--yes"], ""),
        "approve": (["approve", entry_id, "--yes"], ""),
    }[command]

    def limited(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return response if request.method == "GET" else httpx.Response(429, headers={"Retry-After": "5"})

    def pressed(seconds: float) -> None:
        raise KeyboardInterrupt

    strict.network.before = lambda request: setattr(
        request, "url", request.url if request.method == "GET" else request.url.copy_with(path="/api/v1/nowhere")
    )
    strict.network.after = limited
    monkeypatch.setattr("tests.support.pause", pressed)
    told = strict.desk(*typed[0], typed=typed[1], tty=False)
    assert (told.code, "Nothing was sent." in joined(told.out + told.err)) == (130, True), told
    strict.network.before, strict.network.after = online, as_it_is
    assert queue(strict.desk) == []
    before = strict.desk.ok("show", entry_id, "--json").json
    strict.desk.ok("sync")
    assert strict.desk.ok("show", entry_id, "--json").json == before


# --- one operation ----------------------------------------------------------------------------------


class Refusing(BaseHTTPRequestHandler):
    """A server that thinks for a while, and says no."""

    def do_GET(self) -> None:
        self.answer(200, {"data": []})

    def do_POST(self) -> None:
        time.sleep(1.5)
        self.answer(400, {"error": {"code": "VALIDATION_ERROR", "message": "No time period found for this date"}})

    def answer(self, status: int, body: object) -> None:
        """JSON."""
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """No line for each request."""


@contextmanager
def refusing() -> Iterator[str]:
    """Such a server's address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_no_to_one_of_several_runs_with_a_key_is_a_no_to_all(tmp_path: Path) -> None:
    with refusing() as url:
        env = environment(tmp_path, ALGA_URL=url, ALGA_API_KEY="k")
        words = [*ALGA, "log", "tk_1", "9:00-9:30", "--date", "yesterday", "-m", "x", "--key", "k"]
        runs = [subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
        told = [(run.communicate(timeout=60), run.returncode) for run in runs]
    assert [code for _, code in told] == [5] * 4, told
    assert all(b"Nothing was logged." in err for (_, err), _ in told), told


@pytest.mark.parametrize("path", ["/activities", "/active-session"])
def test_a_server_that_only_fails_at_saying_who_one_is_takes_entries(published: Desk, path: str) -> None:
    network = published.transport
    assert isinstance(network, Faulty)
    network.after = lambda request, response: (
        httpx.Response(500, json={"error": {"code": "INTERNAL_ERROR", "message": "An unexpected error"}})
        if request.url.path.endswith(path)
        else response
    )
    logged = published.ok("log", "tk_1", "8:00-8:30", "-m", "x", "--json").json
    assert logged["delivery"] == "delivered"


@pytest.mark.parametrize(
    "error",
    [
        {"message": "No time entries could be approved"},
        {"message": "No time entries could be approved", "details": [{"path": ["entry_ids"], "message": "odd"}]},
        {"message": "Time entry is in DRAFT status and cannot be approved"},
    ],
)
def test_a_no_to_an_approval_without_a_word_on_each_is_a_no(strict: Strict, error: dict[str, object]) -> None:
    admin = strict.as_role("admin")
    admin.transport = strict.network
    entry_id = strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x", "--json").json["id"]
    strict.network.after = lambda request, response: (
        httpx.Response(400, json={"error": error}) if request.url.path.endswith("/approve") else response
    )
    told = admin("approve", entry_id, tty=False)
    assert (told.code, queue(admin)) == (5, [])


def test_where_nobody_could_look_nobody_says_that_it_is_not_there(strict: Strict) -> None:
    def lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.url.path.endswith("/activities"):
            return httpx.Response(200, json={"data": []})
        if request.method == "POST":
            raise httpx.ReadTimeout("timed out", request=request)
        return response

    strict.network.after = lost
    strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x")
    waits = strict.desk.ok("queue", "--json").json[0]
    assert (waits["in_doubt"], waits["reason"].startswith("The entry may be on the server: ")) == (True, True)


def test_what_this_computer_remembers_is_looked_at_before_anything_is_sent(strict: Strict) -> None:
    admin = strict.as_role("admin")
    admin.transport = strict.network
    first, second = (
        admin.ok("log", "TIC1042", span, "-s", "basic", "-m", "x", "--json").json["id"]
        for span in ("6:00-6:30", "7:00-7:30")
    )
    phone = Desk(strict.desk.home.parent / "phone", strict.desk.clock, env=admin.env)
    phone.ok("edit", first, "6:00-6:45")

    def deaf(request: httpx.Request) -> None:
        if request.method == "GET":
            raise httpx.ReadTimeout("timed out", request=request)

    strict.network.before = deaf
    assert admin.ok("edit", first[:8], "-m", "new", "--json").json["delivery"] == "queued"
    assert admin.ok("delete", second[:8], "--yes", "--json").json[0]["delivery"] == "queued"
    assert strict.network.sent("PUT") == strict.network.sent("DELETE") == []
    strict.network.before = online
    assert admin("sync").code == 8
    rows = {row["id"]: row for row in phone.ok("list", "--json").json}
    assert (rows[first]["duration_minutes"], rows[first]["notes"]) == (45, "x"), "it was changed elsewhere meanwhile"
    assert second not in rows


@pytest.mark.parametrize("how", ["sync", "retry"])
def test_changes_of_one_entry_that_wait_go_on_from_each_other(strict: Strict, how: str) -> None:
    admin = strict.as_role("admin")
    admin.transport = strict.network
    entry_id = admin.ok("log", "TIC1042", "6:00-6:30", "-s", "basic", "-m", "x", "--json").json["id"]
    strict.network.before = offline
    admin.ok("edit", entry_id[:8], "-m", "new")
    admin.ok("edit", entry_id[:8], "6:00-6:45")
    if how == "sync":
        admin.ok("delete", entry_id[:8], "--yes")
    strict.network.before = online
    admin.ok("sync") if how == "sync" else admin.ok("queue", "retry", "--all")
    rows = admin.ok("list", "--json").json
    assert [(row["notes"], row["duration_minutes"]) for row in rows] == ([] if how == "sync" else [("new", 45)])


def test_a_stop_with_a_damaged_lock_leaves_the_timer_running(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=48)
    lock = strict.desk.home / "state" / "outbox.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()
    told = strict.desk("stop")
    assert (told.code, "Nothing was sent." in joined(told.err)) == (3, True)
    assert strict.desk.ok("status", "--json").json is not None
    lock.rmdir()
    assert strict.desk.ok("stop", "--json").json["duration_minutes"] == 48


def test_a_key_whose_operation_rests_says_what_is_so(strict: Strict) -> None:
    def lost(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ReadTimeout("timed out", request=request)

    strict.network.before = lost
    typed = ("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x", "--key", "k")
    for _ in range(4):
        assert joined(strict.desk.ok(*typed).err).startswith("Saved here; it may be on the server already")


DAMAGE = {
    "bytes that are no text": "content = CAST(x'7b22ff22' AS TEXT)",
    "a time that nobody can show": "content = replace(content, '2026-11-23T07:30:00Z', '9999-12-31T23:59:59Z')",
    "no end": """content = replace(content, '"ended_at": "2026-11-23T07:30:00Z"', '"ended_at": null')""",
    "no time of its own": """content = json_set(content, '$.queued_at', NULL)""",
    "an edit of nothing": "kind = 'edit'",
    "a number for a service": """content = json_set(content, '$.service_typed', 5)""",
    "a key that is not text": "key = x'00ff'",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_whatever_is_damaged_in_a_row_it_is_shown_and_can_be_dropped(strict: Strict, damage: str) -> None:
    strict.network.before = offline
    strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x")
    with closing(sqlite3.connect(strict.desk.home / "state" / "outbox.db")) as db, db:
        assert db.execute(f"UPDATE operation SET {damage} WHERE id = 1").rowcount == 1
    strict.network.before = online
    for command in (["list"], ["status"], ["sync"], ["doctor"], ["queue"]):
        assert strict.desk(*command).code in (0, 1), command
    assert [row["kind"] for row in strict.desk.ok("queue", "--json").json] == ["unreadable"]
    strict.desk.ok("queue", "drop", "1", "--yes")
    assert queue(strict.desk) == []


# --- what is typed and printed ----------------------------------------------------------------------


@pytest.mark.parametrize("words", [["log", "tk_1", "30m", "--key", "a\udcff"], ["tickets", "a\udcff"]])
def test_bytes_that_are_no_text_are_a_wrong_argument(desk: Desk, words: list[str]) -> None:
    told = desk(*words)
    assert (told.code, "An argument is not valid UTF-8 text." in told.err) == (2, True)


def test_a_write_whose_result_cannot_be_printed_is_done_all_the_same(tmp_path: Path) -> None:
    env = environment(tmp_path)

    def run(*words: str) -> int:
        command = ["sh", "-c", 'exec >/dev/full; exec "$@"', "sh", *ALGA, *words]
        return subprocess.run(command, env=env, stderr=subprocess.PIPE, timeout=60).returncode

    assert run("log", "tk_1", "30m", "-m", "x") == 0
    assert run("list") == 3, "what is read and not shown is no answer"


def test_the_same_place_twice_is_two_entries_where_a_server_takes_that(published: Desk) -> None:
    def lost(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ReadTimeout("", request=request)

    network = published.transport
    assert isinstance(network, Faulty)
    published.tty = False
    with ExitStack() as patches:
        patches.enter_context(patch("alga.practice.rules.overlap", lambda start, end, entries: False))
        for name in ("check", "check_here"):
            patches.enter_context(patch.object(Clash, name, lambda *given, **named: None))
        published.ok("log", "tk_1", "7:00-7:30", "-m", "twin")
        network.before = lost
        assert published.ok("log", "tk_1", "7:00-7:30", "-m", "twin", "--json").json["delivery"] == "queued"
        network.before = lambda request: None
        published.ok("sync")
        assert len(published.ok("list", "--json").json) == 2, "the first one's entry is not the second one's"
