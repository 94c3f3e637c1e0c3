"""log, show, edit and delete."""

import re

import pytest

from tests.conftest import Strict
from tests.support import Desk, body_of, joined


def logged(desk: Desk, *args: str) -> str:
    """Log 08:00-09:00, or as said: the new entry's id."""
    entry_id: str = desk.ok("log", "tk_1", *(args or ("8:00-9:00",)), "-m", "n", "--json").json["id"]
    return entry_id


# --- log -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "start", "end"),
    [
        (["90m"], "2026-11-23T06:42:00Z", "2026-11-23T08:12:00Z"),
        (["1h"], "2026-11-23T07:12:00Z", "2026-11-23T08:12:00Z"),
        (["8:00-9:00"], "2026-11-23T07:00:00Z", "2026-11-23T08:00:00Z"),
        (["7:00+90m"], "2026-11-23T06:00:00Z", "2026-11-23T07:30:00Z"),
        (["9:00-10:30", "--date", "yesterday"], "2026-11-22T08:00:00Z", "2026-11-22T09:30:00Z"),
        (["9:00+90m", "--date", "2026-06-02"], "2026-06-02T07:00:00Z", "2026-06-02T08:30:00Z"),
        (["--from", "8:00"], "2026-11-23T07:00:00Z", "2026-11-23T08:12:00Z"),
        (["--from", "2026-06-02T14:00", "--to", "15:30"], "2026-06-02T12:00:00Z", "2026-06-02T13:30:00Z"),
        (["--from", "yesterday 23:00", "--to", "today 1:00"], "2026-11-22T22:00:00Z", "2026-11-23T00:00:00Z"),
        (["9:00-9:27"], "2026-11-23T08:00:00Z", "2026-11-23T08:27:00Z"),
    ],
)
def test_the_ways_to_say_when(desk: Desk, typed: list[str], start: str, end: str) -> None:
    entry = desk.ok("log", "tk_1", *typed, "-m", "x", "--json").json
    assert (entry["started_at"], entry["ended_at"]) == (start, end)
    assert entry["billable_minutes"] == entry["duration_minutes"]


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        (["90"], 2, "90 what? 90m or 90h."),
        ([], 2, "How long, or from when to when?"),
        (["soon"], 2, "'soon' is not a length of time. Are these the notes? -m soon"),
        (["9:00-10:30", "--from", "9:00"], 2, "cannot be combined"),
        (
            ["10:30-9:00"],
            5,
            "10:30 to 09:00 ends before it starts. Nothing was logged. Past midnight? Give the date too",
        ),
        (["8:00-8:00"], 5, "less than a minute. Nothing was logged."),
        (["0m"], 5, "less than a minute. Nothing was logged."),
        (
            ["14:00-15:30"],
            5,
            "ends in the future. Nothing was logged. Yesterday? alga log tk_1 14:00-15:30 --date yesterday",
        ),
        (["8:00-9:00", "--billable", "61"], 5, "61 billable minutes are more than the 60 worked."),
        (["8:00-9:00", "--billable", "5", "--no-billable"], 2, "cannot be combined"),
        (["8:00-9:00", "--type", "meeting"], 2, "Choose from: ticket, project_task"),
        (["2:30-4:00", "--date", "2026-10-25"], 2, "02:30 on Sun 25 Oct happens twice"),
        (
            ["2:30-4:00", "--date", "2026-03-29"],
            2,
            "Choose a time: 02:30+01:00 (03:30 local time) or 02:30+02:00 (01:30 local time)",
        ),
    ],
)
def test_what_cannot_be_logged_is_refused_before_anything_is_sent(
    desk: Desk, typed: list[str], code: int, told: str
) -> None:
    refused = desk("log", "tk_1", *typed)
    assert (refused.code, refused.out) == (code, "")
    assert told in joined(refused.err)
    assert desk.ok("list", "--everyone", "--from", "2026-01-01", "--json").json == []


def test_seconds_are_cut_and_that_is_said(strict: Strict) -> None:
    times = ("--from", "2026-11-23T07:00:40Z", "--to", "2026-11-23T07:30:20Z")
    cut = strict.desk.ok("log", "TIC1042", *times, "-s", "basic", "-m", "x")
    assert "30m worked" in cut.out
    assert "Seconds were cut: stored as 08:00-08:30, 30m worked." in joined(cut.err)
    sent = body_of(strict.network.sent("POST")[0])
    assert (sent["start_time"], sent["duration_minutes"]) == ("2026-11-23T07:00:40Z", 30)


def test_a_non_billable_type_bills_nothing_unless_asked(desk: Desk) -> None:
    entry = desk.ok("log", "cat_1", "8:00-9:00", "--type", "non_billable_category", "-m", "x", "--json").json
    assert (entry["work_item_type"], entry["billable_minutes"]) == ("non_billable_category", 0)


def test_touching_ends_are_fine_and_other_peoples_entries_do_not_matter(strict: Strict) -> None:
    strict.as_role("admin").ok("log", "TIC1042", "8:00-9:00", "-s", "basic", "-m", "x")
    strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x")
    strict.desk.ok("log", "TIC1042", "8:30-9:00", "-m", "x")
    assert len(strict.desk.ok("list", "--everyone", "--today", "--json").json) == 3


def test_missing_notes_are_worth_a_note_in_a_terminal(desk: Desk) -> None:
    assert "The entry has no notes, and notes appear on invoices." in joined(desk.ok("log", "tk_1", "8:00-8:30").err)
    assert "notes" not in desk.ok("log", "tk_1", "7:00-7:30", tty=False).err


# --- show ------------------------------------------------------------------------------------------


def test_show(desk: Desk) -> None:
    entry_id = logged(desk)
    shown = desk.ok("show", entry_id[:8]).out
    assert re.sub(r"[0-9a-f-]{36}", "UUID", shown) == (
        "Work item  tk_1\n"
        "Type       ticket\n"
        "Time       Mon 23 Nov 08:00-09:00\n"
        "Worked     1h\n"
        "Billable   1h\n"
        "Person     You\n"
        "Status     DRAFT\n"
        "Id         UUID\n"
        "\n"
        "  n\n"
    )
    assert desk.ok("show", entry_id, "--json").json["id"] == entry_id


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        ("abcd", 6, "No entry begins with abcd."),
        ("ab", 2, "too short for an id"),
        ("stats", 6, "No entry begins with stats."),
        ("99999999-9999-4999-8999-999999999999", 6, "did not find it"),
    ],
)
def test_an_unknown_id(desk: Desk, typed: str, code: int, told: str) -> None:
    refused = desk("show", typed)
    assert refused.code == code
    assert told in joined(refused.err)


def test_a_prefix_of_several_entries_is_asked_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(f"abcd{n:04}-0000-4000-8000-000000000000" for n in range(2))
    logged(desk, "6:00-6:30")  # the database and its users have their ids
    monkeypatch.setattr("uuid.uuid4", lambda: next(names))
    logged(desk, "8:00-8:30")
    logged(desk, "8:30-9:00")
    refused = desk("show", "abcd", columns=200)
    assert refused.code == 2
    assert "2 entries begin with abcd." in refused.err
    assert "abcd0000-0000" in refused.err
    assert desk.ok("show", "abcd0001", "--json").json["started_at"] == "2026-11-23T07:30:00Z"


# --- edit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "start", "end", "billable"),
    [
        (["8:15-9:05"], "07:15", "08:05", 50),
        (["--from", "8:30"], "07:30", "08:00", 30),
        (["--to", "9:10"], "07:00", "08:10", 70),
        (["--no-billable"], "07:00", "08:00", 0),
        (["--billable", "30"], "07:00", "08:00", 30),
        (["8:15-9:05", "--billable", "20"], "07:15", "08:05", 20),
    ],
)
def test_edit_times_and_billable(desk: Desk, typed: list[str], start: str, end: str, billable: int) -> None:
    entry_id = logged(desk)
    entry = desk.ok("edit", entry_id[:8], *typed, "--json").json
    assert entry["started_at"] == f"2026-11-23T{start}:00Z"
    assert entry["ended_at"] == f"2026-11-23T{end}:00Z"
    assert entry["billable_minutes"] == billable
    assert entry["delivery"] == "delivered"


def test_a_moved_entry_keeps_its_times(desk: Desk) -> None:
    entry = desk.ok("edit", logged(desk), "--date", "yesterday", "--json").json
    assert (entry["started_at"], entry["ended_at"]) == ("2026-11-22T07:00:00Z", "2026-11-22T08:00:00Z")


def test_new_times_leave_a_non_billable_entry_non_billable_and_a_part_a_part(desk: Desk) -> None:
    nothing = logged(desk, "8:00-9:00", "--no-billable")
    assert desk.ok("edit", nothing, "8:00-8:30", "--json").json["billable_minutes"] == 0
    part = logged(desk, "6:00-7:00", "--billable", "40")
    assert desk.ok("edit", part, "6:00-6:50", "--json").json["billable_minutes"] == 40
    assert desk.ok("edit", part, "6:00-6:30", "--json").json["billable_minutes"] == 30


def test_edit_notes_and_work_item_only_sends_those(strict: Strict) -> None:
    desk = strict.desk
    entry_id = desk.ok("log", "TIC1042", "8:00-9:00", "-s", "basic", "-m", "x", "--json").json["id"]
    desk.ok("edit", entry_id, "-m", "y")
    changed = desk.ok("edit", entry_id, "--work-item", "TIC1011", "-s", "premium", "--json").json
    assert (changed["notes"], changed["service_name"]) == ("y", "Premium Support")
    first, second = (body_of(request) for request in strict.network.sent("PUT"))
    assert first == {"notes": "y"}
    assert set(second) == {"work_item_type", "work_item_id", "service_id"}


def test_an_edit_of_a_time_sends_both_ends_in_both_vocabularies(strict: Strict) -> None:
    entry_id = strict.desk.ok("log", "TIC1042", "8:00-9:00", "-s", "basic", "-m", "x", "--json").json["id"]
    strict.desk.ok("edit", entry_id, "--to", "8:30")
    assert body_of(strict.network.sent("PUT")[0]) == {
        "started_at": "2026-11-23T07:00:00Z",
        "start_time": "2026-11-23T07:00:00Z",
        "ended_at": "2026-11-23T07:30:00Z",
        "end_time": "2026-11-23T07:30:00Z",
        "billable_minutes": 30,
        "is_billable": True,
    }


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        (["--billable", "sixty"], 2, "is not a length of time"),
        (["9:00-8:00"], 5, "09:00 to 08:00 ends before it starts. Nothing was changed."),
        (["8:00-23:00"], 5, "08:00-23:00 ends in the future. Nothing was changed."),
        (["6:30-7:30"], 5, "overlaps tk_2 07:00-07:30"),
        (["--billable", "600"], 5, "more than the 60 worked"),
    ],
)
def test_what_cannot_be_changed(desk: Desk, typed: list[str], code: int, told: str) -> None:
    entry_id = logged(desk)
    desk.ok("log", "tk_2", "7:00-7:30", "-m", "x")
    before = desk.ok("show", entry_id, "--json").json
    refused = desk("edit", entry_id, *typed)
    assert refused.code == code
    assert told in joined(refused.err)
    assert desk.ok("show", entry_id, "--json").json == before


def test_an_entry_may_be_edited_within_its_own_time(desk: Desk) -> None:
    assert desk.ok("edit", logged(desk), "8:10-8:50", "--json").json["duration_minutes"] == 40


def test_a_running_timers_start_can_be_edited_but_not_what_it_bills(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("config", "set", "timer", "server")
    session = desk.ok("start", "TIC1042", "-s", "basic", "--json").json["id"]
    desk.ok("edit", session, "--from", "8:30", "-m", "x")
    assert "is_billable" not in body_of(strict.network.sent("PUT")[-1]), "it would store a negative number"
    assert desk.ok("status", "--json").json["started_at"] == "2026-11-23T07:30:00Z"
    refused = desk("edit", session, "--no-billable")
    assert (refused.code, "alga stop --billable 60" in refused.err) == (5, True)


# --- delete ----------------------------------------------------------------------------------------


def test_delete_shows_asks_and_deletes(desk: Desk) -> None:
    first, second = logged(desk), logged(desk, "7:00-7:30")
    asked = desk("delete", first[:8], second[:8], first, typed="n\n")
    assert f"To delete: tk_1: 1h worked, 1h billable (08:00-09:00)  {first[:8]}" in asked.err
    assert f"Delete {first[:8]}, {second[:8]}? [y/N]" in asked.err
    assert asked.out == "Nothing was deleted.\n"
    assert len(desk.ok("list", "--json").json) == 2
    assert desk("delete", first, tty=False).code == 2
    gone = desk.ok("delete", first[:8], second[:8], "--yes")
    assert [line.split(":")[0] for line in gone.out.splitlines()] == ["Deleted tk_1", "Deleted tk_1"]
    assert desk.ok("list", "--json").json == []


def test_an_edit_of_a_script_says_what_should_change(desk: Desk) -> None:
    refused = desk("edit", logged(desk), tty=False)
    assert (refused.code, "What should change?" in refused.err) == (2, True)


def test_a_work_item_in_the_place_of_a_span_is_told_the_option(desk: Desk) -> None:
    entry = desk.ok("log", "tk_1", "8:00-8:30", "--json").json["id"][:8]
    refused = desk("edit", entry, "1042")
    assert (refused.code, "Then: --work-item 1042" in refused.err) == (2, True)
