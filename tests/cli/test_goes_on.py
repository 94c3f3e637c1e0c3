"""The work goes on: a look-up for comfort, a damaged file, half a character or a full log disk stops nothing."""

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.cli.test_processes import ALGA, environment
from tests.cli.test_track import offline
from tests.conftest import Strict
from tests.support import MAILBOX, Desk, Faulty, joined

LOG = ("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x")


def online(request: httpx.Request) -> None:
    """The network is well."""


# --- look-ups for comfort ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"data": [{"type": "timeEntry", "assignedTo": "me"}, {"title": 7}]}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(500, json={"error": {"code": "INTERNAL_ERROR", "message": "An unexpected error"}}),
        httpx.Response(404, json={"error": {"code": "NOT_FOUND", "message": "Not found"}}),
        httpx.Response(403, content=b"<html>"),
    ],
    ids=["senseless rows", "no JSON", "500", "404", "a proxy's 403"],
)
def test_nobody_saying_who_one_is_holds_up_nothing(strict: Strict, answer: httpx.Response) -> None:
    def odd(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return answer if request.url.path.endswith("/activities") else response

    def lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ReadError("cut off", request=request)
        return odd(request, response)

    def log(span: str) -> None:
        strict.desk.ok("log", "TIC1042", span, "-s", "basic", "-m", "x")

    strict.network.after = lost
    log("5:00-5:30")  # in doubt: nobody can look for it yet
    strict.network.after = odd
    strict.network.before = offline
    log("6:00-6:30")
    log("7:00-7:30")
    strict.network.before = online
    assert strict.desk("sync").code == 8  # the doubtful one waits, the others are sent, which shows whose key this is
    assert strict.desk.ok(*LOG, "--json").json["delivery"] == "delivered"
    strict.desk.ok("sync")
    assert strict.desk.ok("queue", "--json").json == []
    assert len(strict.desk.ok("list", "--json").json) == 4


def test_a_server_with_the_seventeen_operations_only(published: Desk) -> None:
    url, key = published.env["ALGA_URL"], published.env["ALGA_API_KEY"]
    network = published.transport
    assert isinstance(network, Faulty)

    def seventeen(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        missing = httpx.Response(404, json={"error": {"code": "NOT_FOUND", "message": "Not found"}})
        return response if "/time-entries" in request.url.path else missing

    network.after = seventeen
    published.env = {}
    published.ok("login", url, "--key-stdin", typed=key)
    for command in (
        ["log", "TIC1042", "8:00-8:30", "-m", "x"],
        ["start", "1042"],
        ["status"],
        ["services"],
        ["doctor"],
    ):
        published.ok(*command)
    assert [row["work_item_id"] for row in published.ok("list", "--json").json] == ["TIC1042", "1042"]


# --- without a connection ---------------------------------------------------------------------------


def test_an_edit_and_a_deletion_wait_on_the_entry_as_it_was_last_seen(strict: Strict) -> None:
    admin = strict.as_role("admin")
    admin.transport = strict.network
    first, second, third = (
        admin.ok("log", "TIC1042", span, "-s", "basic", "-m", "x", "--json").json["id"]
        for span in ("6:00-6:30", "7:00-7:30", "8:00-8:30")
    )
    strict.network.before = offline
    edited = admin.ok("edit", first[:8], "6:00-6:45", "-m", "new", "-s", "premium", "--json")
    assert (edited.json["id"], edited.json["delivery"]) == (first, "queued")
    assert joined(edited.err).startswith("Saved here, not sent (no connection).")
    deleted = admin.ok("delete", second[:8], "--yes")
    assert joined(deleted.out).startswith(f"To delete: {MAILBOX}: 30m worked, 30m billable, Basic Support")
    admin.ok("edit", third[:8], "-m", "mine")
    assert admin("edit", "ffffffff", "-m", "x").code == 7, "an entry that this computer never saw"
    strict.network.before = online
    other = Desk(strict.desk.home.parent / "phone", strict.desk.clock, env=admin.env)
    other.ok("edit", third, "-m", "theirs")
    assert admin("sync").code == 8
    rows = {row["id"]: row for row in admin.ok("list", "--json").json}
    assert set(rows) == {first, third}
    changed = rows[first]
    assert (changed["duration_minutes"], changed["billable_minutes"]) == (45, 45)
    assert (changed["notes"], changed["service_name"]) == ("new", "Premium Support")
    assert rows[third]["notes"] == "theirs", "changed elsewhere meanwhile"


def test_notes_that_are_not_remembered_whole_are_not_compared_with_what_is_left_of_them(strict: Strict) -> None:
    entry_id = strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x" * 500, "--json").json["id"]
    strict.network.before = offline
    told = strict.desk("edit", entry_id, "--no-billable")
    assert (told.code, "cannot be reached" in told.err) == (7, True)


# --- the queue --------------------------------------------------------------------------------------


def test_all_that_is_set_aside_is_tried_again_at_once(strict: Strict) -> None:
    strict.network.before = offline
    for span in ("6:00-6:30", "7:00-7:30"):
        strict.desk.ok("log", "TIC9999", span, "-s", "basic", "-m", "x")
    strict.network.before = online
    assert strict.desk("sync").code == 8
    with closing(sqlite3.connect(strict.app.path)) as db, db:
        db.execute("UPDATE tickets SET ticket_number = 'TIC9999' WHERE ticket_number = 'TIC1023'")
    told = strict.desk.ok("queue", "retry", "--all", "--json")
    assert [row["delivery"] for row in told.json] == ["delivered", "delivered"]
    assert strict.desk.ok("queue", "retry", "--all").out == "Nothing waits.\n"
    for wrong in (["--all", "-m", "x"], ["1", "--all"], []):
        assert strict.desk("queue", "retry", *wrong).code == 2


BAD = {
    "another kind": "kind = 'zzz'",
    "another state": "state = 'zzz'",
    "no JSON": "content = '{'",
    "other JSON": "content = '[]'",
    "a number for a text": 'content = replace(content, \'"label": "TIC1042"\', \'"label": 7\')',
    "no time": "sent_at = 'yesterday'",
}


@pytest.mark.parametrize("damage", BAD.values(), ids=BAD)
def test_a_damaged_row_is_shown_by_its_number_and_holds_nobody_up(strict: Strict, damage: str) -> None:
    strict.desk.ok("log", "TIC1042", "6:00-6:30", "-s", "basic", "-m", "x")
    strict.network.before = offline
    strict.desk.ok(*LOG)
    with closing(sqlite3.connect(strict.desk.home / "state" / "outbox.db")) as db, db:
        db.execute(f"UPDATE operation SET {damage} WHERE id = 2")
        db.execute("INSERT INTO pause VALUES ('https://psa.example.test', 'soon')")
    strict.network.before = online
    for command in (["list"], ["status"], ["log", "TIC1011", "7:00-7:30", "-s", "basic", "-m", "y"], ["sync"]):
        told = strict.desk.ok(*command)
        assert "Operation 2 in the queue cannot be read." in joined(told.err) or command[0] == "log", told
    rows = strict.desk.ok("queue", "--json").json
    assert [(row["id"], row["kind"], row["delivery"]) for row in rows] == [(2, "unreadable", "unreadable")]
    assert "Operation 2 cannot be read" in joined(strict.desk.ok("queue").out)
    shown = strict.desk("queue", "show", "2")
    assert (shown.code, "alga queue drop 2" in shown.err) == (3, True)
    assert strict.desk.ok("queue", "drop", "2", "--yes").out == "Dropped operation 2.\n"
    assert strict.desk.ok("queue", "--json").json == []


@pytest.mark.parametrize("damage", ["no database", "a directory"])
def test_a_damaged_lock_is_found_before_anything_is_written_down(strict: Strict, damage: str) -> None:
    strict.desk.ok("log", "TIC1042", "6:00-6:30", "-s", "basic", "-m", "x")
    lock = strict.desk.home / "state" / "outbox.lock"
    lock.unlink(missing_ok=True)
    if damage == "no database":
        lock.write_bytes(b"no database at all, as you see" * 100)
    else:
        lock.mkdir()
    told = strict.desk(*LOG)
    assert (told.code, "Nothing was sent." in joined(told.err)) == (3, True)
    assert "outbox.lock cannot be used" in joined(told.err)
    assert strict.desk.ok("queue", "--json").json == []
    assert len(strict.desk.ok("list", "--json").json) == 1


def test_the_same_key_six_at_once_is_logged_once_and_nobody_is_refused(strict: Strict) -> None:
    env = environment(strict.desk.home, **strict.desk.env)
    words = [
        *ALGA,
        "log",
        "TIC1042",
        "9:00-9:30",
        "--date",
        "yesterday",
        "-s",
        "basic",
        "-m",
        "x",
        "--key",
        "k",
        "--json",
    ]
    for _ in range(2):
        six = [subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)]
        told = [(process.communicate(timeout=60), process.returncode) for process in six]
        assert [code for _, code in told] == [0] * 6, told
        ids = {json.loads(out)["id"] for (out, _), _ in told}
        assert len(ids - {None}) == 1


# --- after the result -------------------------------------------------------------------------------


def half(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """What JavaScript sends when it cuts an emoji in two."""
    text = response.content.replace(b'"notes": "x"', b'"notes": "x\\ud83d"')
    text = text.replace(b"Basic Support", b"Basic \\udc00Support").replace(b"Mailbox full", b"Mailbox \\ud83d full")
    return httpx.Response(response.status_code, content=text)


@pytest.mark.parametrize("machine", [(), ("--json",)], ids=["table", "json"])
def test_half_a_character_from_outside_changes_no_exit_code(strict: Strict, machine: tuple[str, ...]) -> None:
    strict.network.after = half
    strict.desk.ok(*LOG, *machine)
    strict.desk.ok("tickets", *machine)
    listed = strict.desk.ok("list", "--everyone", *machine)
    assert "x\ufffd" in listed.out
    strict.desk.ok("export", "-f", "jsonl")
    strict.desk.ok("start", "TIC1042", "-s", "basic", *machine)
    strict.desk.ok("status", *machine)


def test_a_number_that_is_no_time_in_the_timers_file_is_no_timer(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "x")
    timers = desk.home / "state" / "timer"
    timers.write_text(f"{'9' * 40}\ttk_1\tx\tlocal\tticket\ttk_1\n")
    desk.ok("status")
    assert timers.read_text().count("\n") == 1 and "9" * 40 not in timers.read_text(), "written again as it is"
    desk.clock.pass_by(minutes=5)
    desk.ok("stop")


@pytest.mark.parametrize("stderr", ["2>/dev/full" if os.path.exists("/dev/full") else "2>&-", "2>&-"])
def test_a_log_that_cannot_be_written_changes_no_exit_code(tmp_path: Path, stderr: str) -> None:
    shell = f'exec {stderr}; exec "$@"'
    env = environment(tmp_path)

    def run(*words: str) -> int:
        command = ["sh", "-c", shell, "sh", *ALGA, *words]
        return subprocess.run(command, env=env, stdout=subprocess.PIPE, timeout=60).returncode

    assert run("log", "tk_1", "30m", "-m", "x") == 0
    assert run("list") == 0
    assert run("show", "ffff") == 6
    assert run("log", "--wrong") == 2
