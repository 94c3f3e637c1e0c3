"""What a person should know is said before the write, and what is printed can be pasted back."""

import json
import sqlite3
from contextlib import closing

import httpx
import pytest

from alga.practice import rules
from tests.conftest import Strict
from tests.support import Desk, Faulty, hourly, joined

UMLAUT_DIGITS = ["\u1812h\u1810\u1812m", "\u096f\u0966m", "\uff19\uff10m"]


# --- digits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", UMLAUT_DIGITS)
def test_digits_of_other_scripts_are_no_time_and_no_minutes(desk: Desk, typed: str) -> None:
    for command in (
        ["log", "tk_1", typed],
        ["log", "tk_1", f"9:00+{typed}"],
        ["log", "tk_1", "\u0669:\u0660\u0660-9:05"],
        ["log", "tk_1", "30m", "--billable", typed[:2]],
        ["log", "tk_1", "30m", "--date", "\u0662\u0660\u0662\u0666-11-20"],
        ["start", "tk_1", "--ago", typed],
    ):
        assert desk(*command).code == 2, command
    rows = f"item,date,start,minutes\ntk_1,2026-11-20,9:00,{typed[:2]}\n"
    assert desk("bulk", "create", "-", typed=rows, tty=False).code in (2, 3)
    assert desk.ok("list", "--json").json == []


# --- hints ------------------------------------------------------------------------------------------


def test_hints_are_quoted_where_a_shell_would_read_them_otherwise(desk: Desk) -> None:
    desk.ok("start", "printer down", "--exact", "-m", "x")
    desk.clock.pass_by(minutes=30)
    switch = desk("start", "tk 2", "--exact", "--at", "yesterday 9:30", tty=False)
    assert "Try: alga switch 'tk 2' --exact --at 'yesterday 9:30'" in switch.err
    later = desk("log", "tk 2", "20:00-21:00", "-m", "it's", columns=200)
    assert """Yesterday? alga log 'tk 2' 20:00-21:00 -m 'it'"'"'s' --date yesterday""" in later.err
    desk.ok("log", "tk 2", "8:00-8:30", "-m", "x", "--exact")
    taken = desk("log", "tk 2", "8:10-8:40", "-m", "x", columns=200)
    assert "Try: alga log 'tk 2' -m x 8:30-9:00" in taken.err
    found = desk.ok("search", "a b; rm", columns=200)
    assert "alga search 'a b; rm' --all" in found.out


def test_the_free_place_nearest_to_what_was_asked_is_offered(desk: Desk) -> None:
    desk.clock.pass_by(hours=6, minutes=55)  # it is 16:07
    for span in ("8:05-10:15", "12:00-13:00"):
        desk.ok("log", "lunch", span, "-m", "x")
    taken = desk("log", "tk_1", "--from", "10:15", "-m", "x", columns=300)
    assert taken.err.splitlines()[-1] == (
        "Free today: before 08:05, after 13:00. "
        "Try: alga log tk_1 -m x 10:15-12:00   and   alga log tk_1 -m x 13:00-16:07"
    )
    near = desk("log", "tk_1", "11:45-12:15", "-m", "x", columns=300)
    assert near.err.splitlines()[-1].endswith("Try: alga log tk_1 -m x 11:30-12:00")


def test_connection_errors_name_the_servers_host(strict: Strict) -> None:
    def refused(request: httpx.Request) -> None:
        raise httpx.ConnectError("[Errno 111] Connection refused", request=request)

    strict.network.before = refused
    assert f"{strict.url[7:]} cannot be reached (Connection refused)." in joined(strict.desk("list").err)
    strict.network.before = lambda request: None
    strict.network.after = lambda request, response: httpx.Response(502, content=b"<html>")
    assert f"{strict.url[7:]} failed (502)." in joined(strict.desk("list").err)


def test_an_entry_on_another_date_is_named_once(strict: Strict) -> None:  # the server counts in UTC
    logged = strict.desk.ok("log", "TIC1042", "0:10-0:40", "-s", "basic", "-m", "x", "--json")
    entry_id = logged.json["id"][:8]
    assert (
        joined(logged.err).count(
            f"The server counts {entry_id} on 2026-11-22; on this computer it starts on 2026-11-23."
        )
        == 1
    )


# --- ids --------------------------------------------------------------------------------------------


def test_an_exact_id_of_any_form_is_taken_at_its_word(published: Desk) -> None:
    network = published.transport
    assert isinstance(network, Faulty)
    theirs = {"id": "te_1", "user_id": "u2", "started_at": "2024-01-01T08:00:00Z", "ended_at": "2024-01-01T09:00:00Z"}

    def shown(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        one = request.url.path.endswith("/time-entries/te_1")
        return httpx.Response(200, json={"data": theirs}) if one else response

    network.after = shown
    assert published.ok("show", "te_1", "--json").json["user_id"] == "u2"
    assert published("show", "te_2").code == 6


def test_an_exact_id_is_meant_though_another_id_begins_with_it(published: Desk) -> None:
    network = published.transport
    assert isinstance(network, Faulty)
    short, long = (
        published.ok("log", work_item, span, "-m", "x", "--json").json["id"]
        for work_item, span in (("tk_1", "7:00-7:30"), ("tk_2", "6:00-6:30"))
    )

    def renamed(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        text = response.text.replace(short, "te.1").replace(long, "te.12")
        return httpx.Response(response.status_code, json=json.loads(text))

    network.after = renamed
    assert published.ok("show", "te.1", "--json").json["work_item_id"] == "tk_1"
    assert published.ok("show", "te.12", "--json").json["work_item_id"] == "tk_2"


# --- a role that may not ----------------------------------------------------------------------------


def test_after_one_no_a_deletion_is_not_asked_about(strict: Strict, monkeypatch: pytest.MonkeyPatch) -> None:
    entry_id = strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x", "--json").json["id"]
    first = strict.desk("delete", entry_id, typed="y\n")
    assert (first.code, "[y/N]" in first.err) == (4, True), "nobody knew"
    for command in (["delete", entry_id], ["bulk", "delete", entry_id]):
        again = strict.desk(*command, typed="y\n")
        assert (again.code, "[y/N]" in again.err) == (4, False), again
    monkeypatch.setitem(rules.MAY, "technician", {"time_entry": {"create", "read", "update", "delete"}})
    assert "[y/N]" in strict.desk.ok("delete", entry_id, typed="y\n").err, "the role got it"
    assert strict.desk.ok("list", "--json").json == []


def test_ids_that_are_approved_in_a_terminal_are_shown_first(strict: Strict) -> None:
    admin = strict.as_role("admin")
    entry_id = strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x", "--json").json["id"]
    with closing(sqlite3.connect(strict.app.path)) as db, db:
        db.execute("UPDATE entries SET approval_status = 'CHANGES_REQUESTED' WHERE entry_id = ?", (entry_id,))
    kept = admin.ok("approve", entry_id, typed="n\n", columns=120)
    assert kept.out == "Nothing was changed.\n"
    for told in ("Tin Woodman", "Mon 23 Nov", "Mailbox full", "sent back before", "Approve 1 entry of 1 person, 30m"):
        assert told in kept.err, told
    assert admin("approve", "99999999-9999-4999-8999-999999999999", typed="y\n").code == 6
    assert admin.ok("approve", entry_id, tty=False).out.endswith("1 approved.\n"), "a script's ids go as before"


# --- services ---------------------------------------------------------------------------------------


def test_a_service_is_found_by_name_whatever_its_billing_method(strict: Strict) -> None:
    admin = strict.as_role("admin")
    with closing(sqlite3.connect(strict.app.path)) as db, db:
        db.execute("INSERT INTO services VALUES (?, ?, 'fixed')", ("5" * 8 + "-5555-4555-8555-" + "5" * 12, "Security"))

    strict.network.after = hourly
    admin.transport = strict.network
    logged = admin.ok("log", "TIC1042", "8:00-8:30", "-s", "security", "-m", "x")
    assert "30m billable, Security" in logged.out


# --- periods ----------------------------------------------------------------------------------------


def test_an_edit_into_another_period_is_said_and_doctor_lists_it(strict: Strict) -> None:
    desk = strict.desk
    desk.clock.pass_by(days=9)  # 2 December
    entry_id = desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x", "--json").json["id"]
    told = "stays on the time sheet of 1-31 Dec, which does not include 2026-11-30."
    within = desk.ok("edit", entry_id, "--date", "yesterday")
    assert "time sheet" not in within.err
    moved = desk.ok("edit", entry_id, "--date", "2026-11-30")
    assert f"{entry_id[:8]} {told}" in joined(moved.err)
    found = joined(desk.ok("doctor", columns=200).out)
    assert f"1 entry of the last 30 days on the time sheet of another period: {entry_id[:8]}" in found
    late = ("log", "TIC1042", "9:00-9:30", "--date", "2026-11-30", "-s", "basic", "-m", "x", "--json")
    forward = joined(desk.ok("edit", desk.ok(*late).json["id"], "--date", "2026-12-01").err)
    assert "stays on the time sheet of 1-30 Nov, which does not include 2026-12-01." in forward
