"""Filling free time: what is offered, what an answer says and leaves, and one act at the end."""

import re
import sqlite3
from pathlib import Path

import httpx
import pytest

from tests.conftest import Strict
from tests.support import MAILBOX, VPN_DROPS, Desk, joined

ASKED = "Which work, and when, if not all of that time (- skips, q ends)?"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Monday at 17:12, with a morning that is recorded, and what was done a week ago."""
    desk.env["NO_COLOR"] = "1"
    desk.ok("config", "set", "hours", "8:00-12:00 13:00-17:00")
    desk.ok("log", "tk_1", "14:00-15:00", "--date", "2026-11-16", "-m", "Weekly check")
    desk.clock.pass_by(hours=8)
    desk.ok("log", "tk_2", "8:00-12:00", "-m", "Patched")
    return desk


def recorded(desk: Desk) -> list[tuple[str, str, int, str | None]]:
    """Today's entries: work item, start, minutes, notes."""
    rows = desk.ok("list", "--today", "--json").json
    return [
        (
            each["work_item_id"] or each["work_item_type"],
            each["started_at"][11:16],
            each["duration_minutes"],
            each["notes"],
        )
        for each in rows
    ]


def test_a_free_stretch_is_offered_with_what_is_likely(desk: Desk) -> None:
    asked = desk.ok("fill", typed="-\n").err.strip().splitlines()
    assert asked[0] == "Mon 23 Nov 13:00-17:00 (4h) is free."
    assert asked[1] == "  1  tk_1  (last week 14:00-15:00)".replace("  (", "    (")
    assert asked[2] == "  2  TIC1011  VPN drops every hour  (assigned to you)"
    assert any("tk_2" in line and "worked on lately" in line for line in asked)
    assert ASKED in asked[-1] or ASKED in joined(desk.ok("fill", typed="-\n").err)


def test_answers_leave_the_rest_of_the_stretch_and_are_recorded_at_the_end(desk: Desk) -> None:
    filled = desk.ok("fill", typed="1 13:30-14:00\nWeekly check\n-\n14:00+1h tk_9\nOn site\n-\n\ny\n")
    assert "Mon 23 Nov 13:00-13:30 (30m) is free." in filled.err
    assert "Mon 23 Nov 14:00-17:00 (3h) is free." in filled.err
    assert "Mon 23 Nov 15:00-17:00 (2h) is free." in filled.err
    assert "Record 2 entries (1h 30m)? [Y/n]" in filled.err
    assert [line.split(" (")[0] for line in filled.out.splitlines()] == [
        "Logged tk_1: 30m worked, 30m billable", "Logged tk_9: 1h worked, 1h billable",
    ]  # fmt: skip
    assert recorded(desk) == [
        ("tk_2", "07:00", 240, "Patched"), ("tk_1", "12:30", 30, "Weekly check"), ("tk_9", "13:00", 60, "On site"),
    ]  # fmt: skip
    with sqlite3.connect(desk.home / "state" / "outbox.db") as db:
        assert db.execute("SELECT count(DISTINCT act) FROM operation").fetchone() == (3,)


def test_filling_again_proposes_nothing_that_is_there(desk: Desk) -> None:
    desk.ok("fill", typed="1\nx\ny\n")
    assert recorded(desk)[-1] == ("tk_1", "12:00", 240, "x")
    assert desk.ok("fill").out == "Nothing is free on Mon 23 Nov.\n"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("1 9:00-9:30", "09:00-09:30 is not within 13:00-17:00."),
        ("99", "There is no 99 in that list."),
        ("1 40", "40 what? 40m or 40h."),
        ("1 16:00+2h", "16:00-18:00 is not within 13:00-17:00."),
    ],
)
def test_an_answer_that_makes_no_sense_is_asked_again(desk: Desk, typed: str, told: str) -> None:
    asked = desk.ok("fill", typed=f"{typed}\nq\n")
    assert told in joined(asked.err)
    assert asked.err.count("Which work, and when") == 2
    assert asked.out == "Nothing was recorded.\n"


def test_a_length_counts_from_the_beginning_of_the_stretch(desk: Desk) -> None:
    desk.ok("fill", typed="tk_7 40m\n\nq\ny\n")
    assert recorded(desk)[-1] == ("tk_7", "12:00", 40, None)


def test_no_at_the_end_records_nothing(desk: Desk) -> None:
    assert desk.ok("fill", typed="1\nx\nn\n").out == "Nothing was recorded.\n"
    assert len(recorded(desk)) == 1
    assert "These replies are not recorded yet" not in desk.ok("fill", typed="-\n").err


def test_after_ctrl_c_the_answers_are_offered_again(desk: Desk) -> None:
    assert desk("fill", typed="1 13:00-14:00\nWeekly check\n").code == 130
    assert len(recorded(desk)) == 1
    again = desk.ok("fill", typed="y\nq\ny\n")
    assert "13:00-14:00" in again.err.split("These replies are not recorded yet. Go on with it?")[0]
    assert "Mon 23 Nov 14:00-17:00 (3h) is free." in again.err
    assert recorded(desk)[-1] == ("tk_1", "12:00", 60, "Weekly check")
    assert "These replies are not recorded yet" not in desk.ok("fill", typed="q\n").err


def test_answers_whose_time_was_taken_meanwhile_are_not_offered_again(desk: Desk) -> None:
    desk("fill", typed="1 13:00-14:00\nWeekly check\n")
    desk.ok("log", "tk_5", "13:30-15:00", "-m", "x")
    assert "These replies are not recorded yet" not in desk.ok("fill", typed="q\n").err


def test_time_up_to_the_running_timer_and_now_is_free(desk: Desk) -> None:
    desk.clock.pass_by(hours=-1)
    desk.ok("start", "tk_8", "--at", "15:00")
    assert "Mon 23 Nov 13:00-15:00 (2h) is free." in desk.ok("fill", typed="q\n").err


def test_without_hours_the_gaps_of_the_day_are_filled(desk: Desk) -> None:
    desk.ok("config", "set", "hours", "")
    desk.ok("log", "tk_2", "13:00-13:30", "-m", "x")
    shown = desk.ok("fill", typed="-\n-\n").err
    assert "Mon 23 Nov 12:00-13:00 (1h) is free." in shown
    assert "Mon 23 Nov 13:30-17:12 (3h 42m) is free." in shown
    empty = desk.ok("fill", "2026-11-20")
    assert "Nothing is free on Fri 20 Nov. To fill your working hours, set them:" in joined(empty.out)


def test_a_whole_week(desk: Desk) -> None:
    desk.clock.pass_by(days=1)
    filled = desk.ok("fill", "--week", typed="1\na\n1\nb\n1\nc\ny\n")
    assert re.findall(r"\w{3} \d\d Nov \S+ \(\S+\) is free\.", filled.err) == [
        "Mon 23 Nov 13:00-17:00 (4h) is free.",
        "Tue 24 Nov 08:00-12:00 (4h) is free.",
        "Tue 24 Nov 13:00-17:00 (4h) is free.",
    ]
    assert filled.out.count("Logged ") == 3
    assert desk.ok("week", "--json").json["days"][1]["free"] == []


def test_at_the_notes_q_ends_without_notes_and_a_hyphen_is_none(desk: Desk) -> None:
    filled = desk.ok("fill", typed="tk_9 13:00-14:00\n-\n30m tk_8\nq\ny\n")
    assert "Record 2 entries (1h 30m)? [Y/n]" in filled.err
    assert recorded(desk) == [
        ("tk_2", "07:00", 240, "Patched"), ("tk_9", "12:00", 60, None), ("tk_8", "13:00", 30, None),
    ]  # fmt: skip


def test_a_length_in_words_is_a_length(desk: Desk) -> None:
    desk.ok("fill", typed="tk_9 for 30m\n\nq\ny\n")
    assert recorded(desk)[1:] == [("tk_9", "12:00", 30, None)]


def test_json_shows_stretches_and_proposals_and_writes_nothing(desk: Desk) -> None:
    (stretch,) = desk.ok("fill", "--json", tty=False).json
    assert (stretch["from"], stretch["minutes"]) == ("2026-11-23T12:00:00Z", 240)
    assert [each["why"] for each in stretch["proposals"]][:2] == ["last week 14:00-15:00", "assigned to you"]
    refused = desk("fill", tty=False)
    assert (refused.code, "alga fill --json" in refused.err) == (2, True)
    assert len(recorded(desk)) == 1


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//test//EN
BEGIN:VEVENT
UID:1
DTSTART;TZID=Europe/Berlin:20261102T140000
DTEND;TZID=Europe/Berlin:20261102T143000
RRULE:FREQ=WEEKLY;BYDAY=MO
SUMMARY:Team meeting
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART:20261123T140000Z
DTEND:20261123T150000Z
SUMMARY:TIC1042 with Wonderland
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART;VALUE=DATE:20261123
SUMMARY:Birthday
END:VEVENT
END:VCALENDAR
"""


def test_events_of_a_calendar_are_proposed_with_their_times(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "week.ics"
    path.write_text(CALENDAR.replace("\n", "\r\n"))
    desk.ok("tickets", "1042")
    (stretch,) = desk.ok("fill", "--from-calendar", str(path), "--json").json
    meeting, ticket = stretch["proposals"][:2]
    assert (meeting["work_item_type"], meeting["notes"], meeting["from"]) == (
        "ad_hoc", "Team meeting", "2026-11-23T13:00:00Z",
    )  # fmt: skip
    assert (ticket["work_item_label"], ticket["why"]) == ("TIC1042", "in your calendar")
    desk.ok("fill", "--from-calendar", str(path), typed="1\n\nq\ny\n")
    assert recorded(desk)[-1] == ("ad_hoc", "13:00", 30, "Team meeting")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b"x" * 5000])
def test_a_file_that_is_no_calendar_is_refused(desk: Desk, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "week.ics"
    path.write_bytes(content)
    refused = desk("fill", "--from-calendar", str(path), "--json")
    assert (refused.code, "is not a calendar file" in refused.err) == (2, True)
    missing = desk("fill", "--from-calendar", str(tmp_path / "none.ics"), "--json")
    assert (missing.code, "cannot be read" in missing.err) == (2, True)


def test_fill_on_a_server_looks_up_tickets_and_asks_for_a_service_once(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("config", "set", "hours", "7:00-9:00")
    desk.ok("log", "1011", "6:00-6:10", "-m", "x", "-s", "premium")
    filled = desk.ok("fill", typed="1042 7:00-8:00\na\n1011\nb\ny\n1\nn\n")
    assert filled.err.count("Billed as which service?") == 1
    shown = joined(filled.out)
    assert f"Logged {MAILBOX}: 1h worked, 1h billable, Basic Support" in shown
    assert f"Logged {VPN_DROPS}: 1h worked, 1h billable, Premium Support" in shown, "the one used on it before"
    assert desk.ok("fill").out == "Nothing is free on Mon 23 Nov.\n"


def test_one_refusal_leaves_the_other_answers(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("config", "set", "hours", "7:00-9:00")
    desk.ok("config", "set", "service", "Basic Support")
    desk.ok("log", "1011", "6:00-6:10", "-m", "x")

    def first_fails(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "POST" and len(strict.network.sent("POST")) == 2:
            return httpx.Response(400, json={"error": {"code": "VALIDATION_ERROR", "message": "No"}})
        return response

    strict.network.after = first_fails
    partly = desk("fill", typed="1042 7:00-8:00\na\n1011\nb\ny\n")
    assert partly.code == 9
    assert "Not logged" in partly.out


def test_an_alias_chosen_by_its_number_brings_its_service_and_notes(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("config", "set", "hours", "7:00-9:00")
    desk.ok("config", "set", "service", "Basic Support")
    desk.ok("log", "1042", "6:00-6:10", "-m", "x")
    desk.ok("alias", "set", "visit", "1042", "-s", "Premium Support", "-m", "On-site visit")
    desk.ok("fill", typed="1\n\ny\n")
    row = desk.ok("list", "--json").json[-1]
    assert (row["service_name"], row["notes"]) == ("Premium Support", "On-site visit")


def test_kept_answers_of_another_day_stay(desk: Desk) -> None:
    desk.clock.pass_by(days=1)
    assert desk("fill", "yesterday", typed="1 13:00-14:00\na\n").code == 130
    desk.ok("fill", typed="tk_3 8:00-9:00\nb\nq\ny\n")
    assert "13:00-14:00" in desk.ok("fill", "yesterday", typed="y\nq\ny\n").err
    assert ("tk_1", "12:00", 60, "a") in [
        (row["work_item_id"], row["started_at"][11:16], row["duration_minutes"], row["notes"])
        for row in desk.ok("list", "--json").json
    ]


def test_answers_that_were_not_recorded_are_offered_again(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("config", "set", "hours", "7:00-9:00")
    desk.ok("config", "set", "service", "Basic Support")
    desk.ok("log", "1011", "6:00-6:10", "-m", "x")
    wire, posts = strict.network.inner, list[str]()

    def refusing(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            posts.append(request.url.path)
            if len(posts) == 2:
                return httpx.Response(401, json={"error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}})
        return wire.handle_request(request)

    strict.network.inner = httpx.MockTransport(refusing)
    desk("fill", typed="1042 7:00-8:00\na\n1011 8:00-8:30\nb\n1042\nc\ny\n")
    strict.network.inner = wire
    desk.ok("fill", typed="y\ny\n")
    assert [row[2:] for row in recorded(desk)[1:]] == [(60, "a"), (30, "b"), (30, "c")]
