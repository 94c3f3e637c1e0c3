"""The week: what is worked, missing and free on each day, and status --check for cron."""

import httpx
import pytest

from tests.conftest import Strict
from tests.support import Desk, joined

SETTINGS = {"hours": "8:00-12:00 13:00-17:00", "target": "8h"}


def evening(desk: Desk) -> Desk:
    """Tuesday at 17:12, after two days that are half recorded."""
    for setting, value in SETTINGS.items():
        desk.ok("config", "set", setting, value)
    desk.clock.pass_by(days=1, hours=8)
    return desk


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """With Monday's morning and parts of Tuesday."""
    evening(desk)
    desk.ok("log", "tk_1", "8:00-10:00", "10:00-12:00", "--date", "2026-11-23")
    desk.ok("log", "tk_2", "8:00-11:15", "-m", "Patched")
    desk.ok("log", "tk_3", "13:00+38m", "--billable", "8", "-m", "VPN")
    return desk


def test_the_week_in_a_terminal(desk: Desk) -> None:
    desk.env["NO_COLOR"] = "1"
    assert desk.ok("week").out == (
        "Mine, this week (23-29 Nov)\n"
        "DAY         WORKED  BILLABLE  MISSING  FREE                      LOOK AT\n"
        "────────────────────────────────────────────────────────────────────────────────\n"
        "Mon 23 Nov      4h        4h       4h  13:00-17:00               2 without notes\n"
        "Tue 24 Nov  3h 53m    3h 23m    4h 7m  11:15-12:00 13:38-17:00\n"
        "Wed 25 Nov                             to come\n"
        "Thu 26 Nov                             to come\n"
        "Fri 27 Nov                             to come\n"
        "\n"
        "Sum         7h 53m    7h 23m    8h 7m\n"
        "Fill a day: alga fill 2026-11-23\n"
    )


def test_the_week_in_json(desk: Desk) -> None:
    week = desk.ok("week", "--json").json
    assert (week["from"], week["to"]) == ("2026-11-23", "2026-11-29")
    assert (week["duration_minutes"], week["billable_minutes"], week["missing_minutes"]) == (473, 443, 487)
    monday, tuesday, wednesday = week["days"][:3]
    assert monday["look_at"] == ["2 without notes"]
    assert [gap["minutes"] for gap in tuesday["free"]] == [45, 202]
    assert (wednesday["to_come"], wednesday["missing_minutes"], wednesday["free"]) == (True, 0, [])


def test_minutes_to_come_are_neither_missing_nor_free(desk: Desk) -> None:
    desk.clock.pass_by(hours=-3)  # it is 14:12
    tuesday = desk.ok("week", "--json").json["days"][1]
    assert tuesday["missing_minutes"] == 480 - 168 - 233  # 2h 48m of the hours are to come
    assert [(gap["from"][11:16], gap["to"][11:16]) for gap in tuesday["free"]] == [
        ("10:15", "11:00"), ("12:38", "13:12"),
    ]  # fmt: skip


def test_a_running_timer_takes_its_time_and_is_beside_the_sum(desk: Desk) -> None:
    desk.ok("start", "tk_4", "--at", "16:00")
    tuesday = desk.ok("week", "--json").json["days"][1]
    assert (tuesday["duration_minutes"], tuesday["running_minutes"]) == (233, 72)
    assert tuesday["missing_minutes"] == 480 - 233 - 72
    assert tuesday["free"][-1]["to"] == "2026-11-24T15:00:00Z"
    assert "+ 1h 12m running" in joined(desk.ok("week").out)


def test_a_day_off_and_a_weekend_need_nothing(desk: Desk) -> None:
    desk.ok("config", "set", "off", "2026-11-23")
    monday = desk.ok("week", "--json").json["days"][0]
    assert (monday["missing_minutes"], monday["target_minutes"], monday["free"]) == (0, 0, [])
    assert "Sat" not in desk.ok("week").out
    desk.ok("log", "tk_9", "9:00-10:00", "--date", "2026-11-22", "-m", "Sunday")
    assert "Sun 22 Nov" in desk.ok("week", "2026-11-22").out


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("yesterday", "2026-11-23", "2026-11-29"),
        ("2026-11-20", "2026-11-16", "2026-11-22"),
        ("2026-W47", "2026-11-16", "2026-11-22"),
        ("7d", "2026-11-18", "2026-11-24"),
        ("2026-11", "2026-11-01", "2026-11-30"),
    ],
)
def test_the_days_are_those_of_a_week_or_of_a_period(desk: Desk, typed: str, first: str, last: str) -> None:
    week = desk.ok("week", typed, "--json").json
    assert (week["from"], week["to"]) == (first, last)


def test_too_many_days_are_refused(desk: Desk) -> None:
    refused = desk("week", "2026")
    assert (refused.code, "'2026' is more than 92 days." in refused.err) == (2, True)
    assert "Did you mean 2026-W47?" in desk("week", "last week").err


def test_without_settings_the_week_shows_what_is_recorded(desk: Desk) -> None:
    for setting in SETTINGS:
        desk.ok("config", "set", setting, "")
    shown = desk.ok("week").out
    assert "MISSING" not in shown
    assert "alga fill" not in shown
    assert desk.ok("week", "--json").json["missing_minutes"] is None


def test_what_was_sent_back_or_not_submitted_is_to_look_at(strict: Strict) -> None:
    desk = evening(strict.desk)
    desk.ok("log", "TIC1042", "9:00-10:00", "-s", "basic", "-m", "x")
    desk.ok("log", "TIC1042", "10:00-11:00", "-s", "basic", "-m", "x")
    with strict.app.store.open(writing=True) as db:
        db.execute("UPDATE entries SET approval_status = 'CHANGES_REQUESTED' WHERE start_time LIKE '%T08:00%'")
    assert desk.ok("week", "--json").json["days"][1]["look_at"] == ["1 entry sent back"]
    desk.clock.pass_by(days=7)
    last_week = desk.ok("week", "2026-W48", "--json").json["days"][1]
    assert last_week["look_at"] == ["1 entry sent back", "1 not submitted"]


def test_what_waits_here_is_beside_the_sum(strict: Strict) -> None:
    desk = evening(strict.desk)
    desk.ok("log", "TIC1042", "9:00-10:00", "-s", "basic", "-m", "x")
    strict.network.before = offline
    desk.ok("log", "TIC1042", "10:00-11:00", "-s", "basic", "-m", "x")
    strict.network.before = no_writes
    tuesday = desk.ok("week", "--json").json["days"][1]
    assert (tuesday["duration_minutes"], tuesday["waiting_minutes"]) == (60, 60)
    assert tuesday["missing_minutes"] == 360


def offline(request: httpx.Request) -> None:
    raise httpx.ConnectError("no route to host")


def no_writes(request: httpx.Request) -> None:
    if request.method != "GET":
        raise httpx.ConnectError("no route to host")


# --- stats with empty days ---


def test_stats_by_day_and_week_show_the_empty_ones(desk: Desk) -> None:
    groups = desk.ok("stats", "--by", "day", "--from", "2026-11-20", "--json").json["groups"]
    assert [(group["key"], group["duration_minutes"]) for group in groups] == [
        ("2026-11-20", 0), ("2026-11-21", 0), ("2026-11-22", 0), ("2026-11-23", 240), ("2026-11-24", 233),
    ]  # fmt: skip
    weeks = desk.ok("stats", "--by", "week", "--from", "2026-11-10", "--json").json["groups"]
    assert [(group["key"], group["entries"]) for group in weeks] == [
        ("2026-11-09", 0), ("2026-11-16", 0), ("2026-11-23", 4),
    ]  # fmt: skip


# --- status --check ---


@pytest.fixture
def worker(strict: Strict) -> Desk:
    """A technician on a server, at 09:12 on a Monday."""
    for setting, value in {**SETTINGS, "service": "Basic Support"}.items():
        strict.desk.ok("config", "set", setting, value)
    strict.desk.tty = False
    strict.desk.ok("log", "TIC1042", "yesterday", "9:00-9:10", "-m", "x")
    return strict.desk


def checked(desk: Desk) -> tuple[int, str]:
    result = desk("status", "--check")
    return result.code, result.out.strip()


def test_check_says_that_nothing_runs_within_the_hours(worker: Desk) -> None:
    assert checked(worker) == (1, "nothing is running")
    worker.ok("start", "TIC1042")
    assert checked(worker) == (0, "")
    worker.clock.pass_by(minutes=30)
    worker.ok("stop", "-m", "x")
    assert checked(worker) == (0, "")
    worker.clock.pass_by(minutes=61)
    assert checked(worker) == (1, "nothing is running")
    worker.clock.pass_by(minutes=90)  # 12:13: the break
    assert checked(worker) == (0, "")


def test_check_says_what_is_missing_after_the_hours(worker: Desk) -> None:
    worker.ok("log", "TIC1042", "8:00-9:00", "-m", "x")
    worker.clock.pass_by(hours=8)
    assert checked(worker) == (1, "7h of today's 8h are missing")
    worker.ok("config", "set", "off", "2026-11-23")
    assert checked(worker) == (0, "")


def test_check_says_that_a_timer_was_forgotten_and_what_is_set_aside(worker: Desk) -> None:
    worker.ok("config", "set", "target", "")
    worker.ok("start", "TIC1042", "--at", "8:00")
    worker.clock.pass_by(hours=10)
    assert checked(worker) == (1, "TIC1042 has been running for 11h 12m, since 08:00")
    assert worker("status", "--check", "--json").json == {
        "needs_you": ["TIC1042 has been running for 11h 12m, since 08:00"]
    }


def test_check_needs_a_connection_and_never_minds_practice_data(worker: Desk, desk: Desk, strict: Strict) -> None:
    strict.network.before = offline
    assert worker("status", "--check").code == 7
    desk.clock.pass_by(hours=-8)
    assert checked(desk) == (0, "")
    assert desk("status", "--check", "--offline").code == 2
