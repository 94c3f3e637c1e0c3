"""Several spans in one command, and spans that begin where the entry before ended."""

import sqlite3

import httpx
import pytest

from tests.conftest import Strict
from tests.support import VPN_DROPS, Desk, joined

CALLS = ("7:00+10m", "7:20+10m", "8:05", "-", "8:30")


def spans(desk: Desk) -> list[tuple[str, int]]:
    """The starts and minutes of today's entries."""
    return [(row["started_at"][11:16], row["duration_minutes"]) for row in desk.ok("list", "--json").json]


def test_several_spans_are_several_entries_of_one_act(desk: Desk) -> None:
    logged = desk.ok("log", "tk_1", *CALLS, "-m", "Call")
    assert [line[: line.index(")") + 1] for line in logged.out.splitlines()] == [
        "Logged tk_1: 10m worked, 10m billable (07:00-07:10)",
        "Logged tk_1: 10m worked, 10m billable (07:20-07:30)",
        "Logged tk_1: 25m worked, 25m billable (08:05-08:30)",
    ]
    assert spans(desk) == [("06:00", 10), ("06:20", 10), ("07:05", 25)]
    with sqlite3.connect(desk.home / "state" / "outbox.db") as db:
        assert db.execute("SELECT count(*), count(DISTINCT act) FROM operation").fetchone() == (3, 1)


def test_several_spans_on_a_server_are_checked_before_the_first_is_sent(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "7:00-8:00", "-s", "basic")
    rows = strict.desk.ok("log", "1011", "8:00+5m", "8:10+5m", "-s", "basic", "--json").json
    assert [(row["duration_minutes"], row["delivery"]) for row in rows] == [(5, "delivered")] * 2
    strict.network.requests.clear()
    refused = strict.desk("log", "1011", "8:20+10m", "8:25+10m", "-s", "basic")
    assert refused.code == 5
    assert "08:20-08:30 overlaps 08:25-08:35. Nothing was logged." in joined(refused.err)
    assert strict.network.sent("POST") == []


def test_one_of_several_that_the_server_refuses_leaves_the_others(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "7:00-8:00", "-s", "basic")
    partly = strict.desk("log", "1011", "8:00+5m", "7:50+5m", "8:10+5m", "-s", "basic", columns=300)
    assert partly.code == 9
    lines = partly.out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"Logged {VPN_DROPS}", "Not logged", f"Logged {VPN_DROPS}"]
    assert "07:50-07:55 overlaps TIC1042 07:00-08:00" in lines[1]
    assert [start for start, _ in spans(strict.desk)] == ["06:00", "07:00", "07:10"]
    assert strict.desk.ok("queue", "--json").json == []


def test_on_practice_data_the_check_comes_before_the_first(desk: Desk) -> None:
    desk.ok("log", "tk_1", "7:00-8:00")
    refused = desk("log", "tk_2", "8:00+5m", "7:50+5m", "8:10+5m")
    assert refused.code == 5
    assert "07:50-07:55 overlaps tk_1 07:00-08:00" in joined(refused.err)
    assert len(spans(desk)) == 1


def test_without_a_connection_all_of_them_wait(strict: Strict) -> None:
    strict.desk.ok("log", "1042", "6:00+5m", "-s", "basic")

    def down(request: httpx.Request) -> None:
        raise httpx.ConnectError("no route to host")

    strict.network.before = down
    saved = strict.desk.ok("log", "TIC1042", "7:00+10m", "7:20+10m", "-s", "basic", columns=200)
    assert [line[:13] for line in saved.out.splitlines()] == ["Saved TIC1042", "Saved TIC1042"]
    assert len(strict.desk.ok("queue", "--json").json) == 2
    strict.network.before = lambda request: None
    strict.desk.ok("sync")
    assert spans(strict.desk) == [("05:00", 5), ("06:00", 10), ("06:20", 10)]


def test_a_key_is_the_key_of_one_entry(desk: Desk) -> None:
    refused = desk("log", "tk_1", "7:00+5m", "7:10+5m", "--key", "k")
    assert (refused.code, "--key is the key of one entry" in refused.err) == (2, True)
    assert spans(desk) == []


@pytest.mark.parametrize("words", [["fixed", "it"], ["7:00-8:00", "fixed", "it"], ["7:00+5m", "7:10+5x"]])
def test_words_that_are_no_spans_log_nothing(desk: Desk, words: list[str]) -> None:
    assert desk("log", "tk_1", *words).code == 2
    assert spans(desk) == []


# --- from the end of the entry before ---


def test_a_span_before_the_work_item_is_told(desk: Desk) -> None:
    refused = desk("log", "30m", "1011", "-m", "x")
    assert (refused.code, refused.out) == (2, "")
    assert "The work item comes first, and then when.\nFor example: alga log TIC1042 90m" in refused.err


@pytest.mark.parametrize("words", [["--from", "yesterday 9:00", "--to", "10:00"], ["--from", "2026-11-19 9:00"]])
def test_a_start_on_another_day_than_the_date_is_refused(desk: Desk, words: list[str]) -> None:
    refused = desk("log", "tk_1", "--date", "2026-11-20", *words)
    assert (refused.code, "is not on Fri 20 Nov." in joined(refused.err)) == (2, True)
    assert desk.ok("list", "--month", "--json").json == []


def test_an_edit_whose_start_goes_to_another_day_needs_the_end_too(desk: Desk) -> None:
    desk.ok("log", "tk_1", "8:00-8:30")
    refused = desk("edit", "last", "--from", "yesterday 8:00")
    assert (refused.code, "Until when? The start is not on Mon 23 Nov." in joined(refused.err)) == (2, True)
    assert desk.ok("edit", "last", "--date", "yesterday", "--json").json["started_at"] == "2026-11-22T07:00:00Z"


def test_dashes_of_documents_are_hyphens(desk: Desk) -> None:
    desk.ok("log", "tk_1", "8:00\u20138:30")
    assert spans(desk) == [("07:00", 30)]


def test_from_last_begins_where_the_entry_before_ended(desk: Desk) -> None:
    desk.ok("log", "tk_1", "7:00-8:05", "-m", "x")
    logged = desk.ok("log", "tk_2", "--from", "last", "-m", "x")
    assert "(08:05-09:12)" in logged.out
    assert "From 08:05, the end of tk_1." in logged.err


def test_from_last_can_have_an_end(desk: Desk) -> None:
    desk.ok("log", "tk_1", "7:00-8:05")
    assert "(08:05-08:30)" in desk.ok("log", "tk_2", "--from", "last", "--to", "8:30").out


def test_from_last_ends_where_the_running_timer_begins(desk: Desk) -> None:
    desk.ok("log", "tk_1", "7:00-8:05")
    desk.ok("start", "tk_9", "--at", "8:50")
    assert "(08:05-08:50)" in desk.ok("log", "tk_2", "--from", "last").out


def test_from_last_needs_an_entry_of_today(desk: Desk) -> None:
    desk.ok("log", "tk_1", "yesterday", "7:00-8:05")
    refused = desk("log", "tk_2", "--from", "last")
    assert refused.code == 6
    assert "No entry of today is known that ended before. Nothing was logged." in joined(refused.err)


def test_from_last_without_a_connection_goes_by_what_waits_and_was_seen(strict: Strict) -> None:
    strict.desk.ok("log", "1042", "7:00-7:30", "-s", "basic")

    def down(request: httpx.Request) -> None:
        raise httpx.ConnectError("no route to host")

    strict.network.before = down
    assert "(07:30-08:00)" in strict.desk.ok("log", "1042", "--from", "last", "--to", "8:00", "-s", "basic").out
    assert "(08:00-08:30)" in strict.desk.ok("log", "1042", "--from", "last", "--to", "8:30", "-s", "basic").out
