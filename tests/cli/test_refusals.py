"""A no is a no: what a server refused in the command that made it never happens later."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from alga.practice import rules
from tests.conftest import Strict
from tests.support import Desk, joined

RIGHTS = ("create", "update", "delete", "approve")
Given = Callable[[str], None]


@pytest.fixture
def rights(monkeypatch: pytest.MonkeyPatch) -> Callable[[set[str]], None]:
    """What a technician may do beside reading, from now on."""

    def may(actions: set[str]) -> None:
        monkeypatch.setitem(rules.MAY, "technician", {"time_entry": {"read", *actions}})

    return may


def two_entries(desk: Desk) -> list[str]:
    """Two entries of today, by id."""
    spans = ("7:00-7:30", "8:00-8:30")
    return [desk.ok("log", "TIC1042", span, "-s", "basic", "-m", span, "--json").json["id"] for span in spans]


def snapshot(desk: Desk) -> list[tuple[str, str, str, str]]:
    """What the server holds."""
    rows = desk.ok("list", "--everyone", "--month", "--json").json
    return [(row["id"], row["started_at"], row["notes"], row["approval_status"]) for row in rows]


def typed(strict: Strict, tmp_path: Path, ids: list[str]) -> dict[str, tuple[str, ...]]:
    """Each command that writes, on two entries."""
    create, update = tmp_path / "new.csv", tmp_path / "changed.csv"
    create.write_text(
        "item,date,span,service\nTIC1042,2026-11-20,9:00-9:30,basic\nTIC1042,2026-11-20,10:00-10:30,basic\n"
    )
    update.write_text(f"id,notes\n{ids[0]},new\n{ids[1]},new\n")
    return {
        "log": ("log", "TIC1011", "6:00-6:30", "-s", "basic", "-m", "x"),
        "edit": ("edit", ids[0], "-m", "new"),
        "delete": ("delete", *ids, "--yes"),
        "approve": ("approve", *ids, "--yes"),
        "request-changes": ("request-changes", *ids, "--reason", "notes", "--yes"),
        "bulk create": ("bulk", "create", str(create)),
        "bulk update": ("bulk", "update", str(update)),
        "bulk delete": ("bulk", "delete", *ids, "--yes"),
    }


COMMANDS = ["log", "edit", "delete", "approve", "request-changes", "bulk create", "bulk update", "bulk delete"]


def nothing_waits_or_happens(strict: Strict, before: object) -> None:
    """Neither now, nor when another command comes by, nor by alga sync."""
    assert strict.desk.ok("queue", "--json").json == []
    for command in (["status"], ["list"], ["sync"]):
        told = strict.desk.ok(*command)
        assert "Recorded now" not in joined(told.err), told
    assert snapshot(strict.desk) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_role_may_not_do_does_not_happen_when_it_gets_the_right(
    strict: Strict, tmp_path: Path, rights: Callable[[set[str]], None], command: str
) -> None:
    rights({"create"})
    ids = two_entries(strict.desk)
    words, before = typed(strict, tmp_path, ids)[command], snapshot(strict.desk)
    rights(set())
    told = strict.desk(*words)
    assert (told.code, "Your role may not" in joined(told.err)) == (4, True), told
    rights(set(RIGHTS))
    nothing_waits_or_happens(strict, before)


def test_a_bulk_without_the_right_and_without_a_known_user_is_refused(
    strict: Strict, tmp_path: Path, rights: Callable[[set[str]], None]
) -> None:
    rights(set())
    strict.desk.ok("services")
    told = strict.desk(*typed(strict, tmp_path, ["", ""])["bulk create"])
    assert (told.code, told.out) == (4, ""), told
    assert "Your role may not create time entries." in joined(told.err)
    before = snapshot(strict.desk)
    rights(set(RIGHTS))
    nothing_waits_or_happens(strict, before)


@pytest.mark.parametrize("status", [400, 404, 405, 409, 413, 422])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_status_of_a_no_leaves_anything_behind(strict: Strict, tmp_path: Path, command: str, status: int) -> None:
    ids = two_entries(strict.desk)
    words, before = typed(strict, tmp_path, ids)[command], snapshot(strict.desk)
    reads = ("GET",)

    def no(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        said = {"error": {"code": "NO", "message": "That cannot be"}}
        return response if request.method in reads else httpx.Response(status, json=said)

    def on_its_way(request: httpx.Request) -> None:
        if request.method not in reads:  # so that nothing happens there
            request.url = request.url.copy_with(path="/api/v1/nowhere")

    strict.network.before, strict.network.after = on_its_way, no
    told = strict.desk(*words)
    done = command in ("delete", "bulk delete") and status == 404  # gone is what was asked for
    assert told.code != 0 or done, told
    strict.network.before, strict.network.after = (lambda request: None), (lambda request, response: response)
    nothing_waits_or_happens(strict, before)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_of_a_proxys_leaves_it_in_doubt_and_it_is_done_later(
    strict: Strict, tmp_path: Path, rights: Callable[[set[str]], None], command: str
) -> None:
    rights(set(RIGHTS))
    ids = two_entries(strict.desk)
    words, before = typed(strict, tmp_path, ids)[command], snapshot(strict.desk)
    if command in ("approve", "request-changes"):
        submit(strict, ids)

    def maintenance(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return response if request.method == "GET" else httpx.Response(403, content=b"<html>Maintenance</html>")

    def on_its_way(request: httpx.Request) -> None:
        if request.method != "GET":
            request.url = request.url.copy_with(path="/api/v1/nowhere")

    strict.network.before, strict.network.after = on_its_way, maintenance
    told = strict.desk(*words)
    assert told.code == 0, told
    waits = strict.desk.ok("queue", "--json").json
    assert waits
    assert all(each["delivery"] == "queued" and each["in_doubt"] for each in waits)
    assert all(f"{strict.url[7:]} answered 403" in each["reason"] for each in waits), waits
    strict.network.before, strict.network.after = (lambda request: None), (lambda request, response: response)
    told = strict.desk("sync")
    assert told.code == (8 if command == "approve" else 0)
    if command == "approve":  # by its id alone: nobody knows whether it is as it was seen
        assert strict.desk.ok("queue", "--json").json[0]["delivery"] == "set aside"
    else:
        assert snapshot(strict.desk) != before
        assert strict.desk.ok("queue", "--json").json == []


def test_rows_that_an_earlier_run_accepted_are_set_aside_by_a_no_and_not_closed(strict: Strict, tmp_path: Path) -> None:
    strict.desk.ok("log", "TIC1011", "6:00-6:30", "-s", "basic", "-m", "it shows who I am")
    words = typed(strict, tmp_path, ["", ""])["bulk create"]

    def failing(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ConnectTimeout("timed out", request=request)  # so that nothing is delivered in passing

    strict.network.before = failing
    assert [row["outcome"] for row in strict.desk.ok(*words, "--json").json] == ["waits", "waits"]
    strict.network.before = lambda request: None
    taken = rules.overlap
    try:
        rules.overlap = lambda start, end, entries: True
        told = strict.desk(*words, "--json")
    finally:
        rules.overlap = taken
    assert told.code == 5
    waits = strict.desk.ok("queue", "--json").json
    assert [row["delivery"] for row in waits] == ["set aside", "set aside"], "a person decides"


def submit(strict: Strict, ids: list[str]) -> None:
    """On the web, as it were."""
    from contextlib import closing
    from sqlite3 import connect

    with closing(connect(strict.app.path)) as db, db:
        db.executemany("UPDATE entries SET approval_status = 'SUBMITTED' WHERE entry_id = ?", [(each,) for each in ids])


def test_a_missing_route_is_a_no_where_it_never_answered_and_a_doubt_where_it_did(
    strict: Strict, rights: Callable[[set[str]], None]
) -> None:
    rights(set(RIGHTS))
    ids = two_entries(strict.desk)
    before = snapshot(strict.desk)

    def gone(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return response if request.method == "GET" else httpx.Response(404, content=b"<!DOCTYPE html>")

    def on_its_way(request: httpx.Request) -> None:
        if request.method != "GET":
            request.url = request.url.copy_with(path="/api/v1/nowhere")

    strict.network.before, strict.network.after = on_its_way, gone
    told = strict.desk("bulk", "delete", *ids, "--yes")
    assert (told.code, joined(told.err)) == (
        5,
        f"alga: {strict.url[7:]} has no such operation (404). Nothing was recorded. "
        "Check the address: alga config list",
    )
    assert strict.desk.ok("queue", "--json").json == []
    logged = strict.desk.ok("log", "TIC1042", "6:00-6:30", "-s", "basic", "-m", "x")
    assert "it may be on the server already (the server failed)" in joined(logged.err), "it answered there before"
    strict.network.before, strict.network.after = (lambda request: None), (lambda request, response: response)
    strict.desk.ok("sync")
    assert sorted(row[2] for row in snapshot(strict.desk)) == sorted(["x", *(row[2] for row in before)])
