"""A timer that runs longer than the setting `longest` was probably forgotten: alga asks when it ended."""

from datetime import UTC, datetime

import pytest

from tests.conftest import Strict
from tests.support import Desk, joined

ASKED = "Ended when? A time, or 'now' for all of it:"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """On the morning after a day on which the timer was not stopped."""
    desk.ok("start", "tk_1", "-m", "x")
    desk.clock.pass_by(days=1)
    return desk


def runs(desk: Desk) -> bool:
    return desk.ok("status", "--json").json is not None


def test_a_bare_stop_asks_when_it_ended(desk: Desk) -> None:
    desk.ok("config", "set", "hours", "8:00-12:00 13:00-17:00")
    stopped = desk.ok("stop", typed="17:30\n")
    assert "tk_1 has been running since Mon 23 Nov 09:12 (24h)." in stopped.err
    assert "  1  Mon 23 Nov 17:00  the end of the working day" in stopped.err
    assert ASKED in stopped.err
    assert "8h 18m worked, 8h 18m billable (Mon 23 Nov 09:12-17:30)" in stopped.out


def test_the_answer_can_be_one_of_the_proposals(desk: Desk) -> None:
    desk.ok("config", "set", "hours", "8:00-12:00 13:00-17:00")
    assert "(Mon 23 Nov 09:12-17:00)" in desk.ok("stop", typed="1\n").out


def test_now_is_all_of_it(desk: Desk) -> None:
    assert "24h worked" in desk.ok("stop", typed="now\n").out


def test_no_answer_is_no_end_and_the_try_is_proposed_the_next_time(desk: Desk) -> None:
    refused = desk("stop", typed="\n")
    assert (refused.code, "No end was given. The timer is still running." in joined(refused.err)) == (5, True)
    assert runs(desk)
    desk.clock.pass_by(hours=2)
    assert "  1  today" not in desk("stop", typed="\n").err
    assert "  1  Tue 24 Nov 09:12  you tried to stop it" in desk("stop", typed="\n").err


def test_the_last_thing_that_was_typed_is_proposed(desk: Desk) -> None:
    desk.ok("log", "tk_2", "yesterday", "7:00-7:30", "-m", "x")
    desk.clock.pass_by(hours=1)
    assert "  1  Tue 24 Nov 09:12  you last recorded something then (tk_2)" in desk("stop", typed="\n").err


def test_what_was_taken_back_is_not_proposed(desk: Desk) -> None:
    desk.ok("log", "tk_2", "yesterday", "7:00-7:30", "-m", "x")
    desk.clock.pass_by(hours=1)
    desk.ok("undo", typed="y\n")
    desk.clock.pass_by(hours=1)
    assert "you last recorded something" not in desk("stop", typed="\n").err


def test_an_answer_that_is_no_end_is_asked_for_again_and_what_was_typed_is_kept(desk: Desk) -> None:
    stopped = desk.ok("stop", "-m", "Finished", typed="25:00\n17:00\n")
    assert stopped.err.count("Ended when?") == 2
    assert "'25:00' is not a time" in stopped.err
    assert "(Mon 23 Nov 09:12-17:00)" in stopped.out
    assert desk.ok("show", "last", "--json").json["notes"].endswith("Finished")


def test_a_script_is_refused_with_both_ways(desk: Desk) -> None:
    desk.tty = False
    refused = desk("stop", "--profile", "local")
    assert refused.code == 5
    assert refused.err == (
        "alga: tk_1 has been running since Mon 23 Nov 09:12 (24h). Nothing was stopped. "
        "It ended before: alga stop --at TIME   All of it is work: alga stop --at now\n"
    )
    assert runs(desk)
    again = desk("stop")
    assert "It ended before: alga stop --at '2026-11-24 09:12'" in again.err
    assert "(Mon 23 Nov 09:12-17:00)" in desk.ok("stop", "--at", "17:00").out


def test_start_and_switch_ask_too_and_begin_now(desk: Desk) -> None:
    switched = desk.ok("switch", "tk_2", typed="17:00\n")
    assert "(Mon 23 Nov 09:12-17:00)" in switched.out
    assert switched.out.splitlines()[-1] == "Started tk_2 at 09:12"
    desk.clock.pass_by(hours=12)
    started = desk.ok("start", "tk_3", typed="y\n10:00\n")
    assert "(09:12-10:00)" in started.out
    assert "Started tk_3 at 21:12" in started.out
    refused = desk("start", "tk_4", tty=False)
    assert refused.code == 5
    desk.clock.pass_by(hours=12)
    for command in ("start", "switch"):
        assert "All of it is work: alga stop --at now" in desk(command, "tk_4", tty=False).err


def test_a_timer_of_the_usual_length_is_stopped_at_once(desk: Desk) -> None:
    desk.ok("stop", "--at", "17:00")
    desk.ok("start", "tk_2")
    desk.clock.pass_by(hours=10)
    assert "10h worked" in desk.ok("stop", "-m", "x").out


def test_the_longest_timer_is_a_setting(desk: Desk) -> None:
    desk.ok("config", "set", "longest", "30h")
    assert "24h worked" in desk.ok("stop", "-m", "x").out


def test_a_timer_kept_here_is_asked_for_as_well(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(hours=32)
    assert "(Mon 23 Nov 09:12-17:00)" in joined(strict.desk.ok("stop", typed="2026-11-23 17:00\n").out)


def test_a_forgotten_timer_is_not_in_the_days_sum(desk: Desk) -> None:
    sheet = desk.ok("day", "yesterday", "--json").json
    assert (sheet["duration_minutes"], sheet["running_minutes"]) == (0, 0)


def test_a_time_that_happened_twice_is_chosen_by_its_offset(desk: Desk) -> None:
    desk.ok("cancel", "--yes")
    desk.clock.now = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    desk.ok("start", "tk_9", "-m", "night")
    desk.clock.now = datetime(2026, 10, 25, 12, 0, tzinfo=UTC)
    assert "Choose a time: 02:30+02:00 or 02:30+01:00" in joined(desk("stop", typed="2:30\n").err)
    assert "5h 30m worked" in desk.ok("stop", typed="02:30+01:00\n").out
