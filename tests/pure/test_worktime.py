"""Working time: hours, targets, days off, and what of it is free."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alga.core.day import Stretch
from alga.core.errors import UsageError
from alga.core.times import local_date, minutes_between
from alga.core.worktime import WorkTime, parse_hours, parse_target, work_time
from tests.support import BERLIN

MONDAY, CHRISTMAS = date(2026, 11, 23), date(2026, 12, 24)
LATE = datetime(2027, 1, 1, tzinfo=UTC)


def stretch(start: datetime, minutes: int) -> Stretch:
    return Stretch("s", start, start + timedelta(minutes=minutes), 0, "", None, "tk")


def test_the_hours_of_a_day_are_local_and_the_break_is_not_among_them() -> None:
    work = work_time("8:00-12:00 13:00-17:00", None, ())
    spans = work.spans(MONDAY, BERLIN)
    assert [(f"{start:%H:%M}", f"{end:%H:%M}") for start, end in spans] == [("07:00", "11:00"), ("12:00", "16:00")]
    assert work.end(MONDAY, BERLIN) == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert work.spans(date(2026, 11, 22), BERLIN) == [], "Sunday"


@pytest.mark.parametrize(
    ("target", "weekday", "minutes"),
    [
        ("8h", 0, 480),
        ("8h", 4, 480),
        ("8h", 5, 0),
        ("8h, fri 4h", 4, 240),
        ("8h, sat 2h", 5, 120),
        ("mon 6h", 1, 0),
        ("mon-thu 8h, friday 4h", 3, 480),
        ("mon-thu 8h, friday 4h", 4, 240),
        ("8h, thurs 4h", 3, 240),
    ],
)
def test_a_target_is_of_monday_to_friday_and_of_the_weekdays_named(target: str, weekday: int, minutes: int) -> None:
    assert work_time(None, target, ()).target(MONDAY + timedelta(days=weekday)) == minutes


@pytest.mark.parametrize(
    ("clock", "due"), [("07:30", 0), ("10:00", 120), ("12:30", 240), ("14:00", 300), ("17:00", 420)]
)
def test_what_is_due_are_the_working_hours_that_are_over_and_all_of_it_after_them(clock: str, due: int) -> None:
    work = work_time("8:00-12:00 13:00-17:00", "7h", ())
    now = datetime.fromisoformat(f"2026-11-23T{clock}").replace(tzinfo=BERLIN)
    assert work.due(MONDAY, BERLIN, now) == due


def test_a_day_off_has_no_hours_and_a_target_of_nothing() -> None:
    work = work_time("8:00-12:00", "8h", ("2026-12-24",))
    assert (work.target(CHRISTMAS), work.spans(CHRISTMAS, BERLIN), work.end(CHRISTMAS, BERLIN)) == (0, [], None)
    assert WorkTime().target(MONDAY) is None


@pytest.mark.parametrize("text", ["", "8-12", "8:00-12:60", "12:00-8:00", "8:00-12:00 11:00-13:00", "20:00-25:00", "x"])
def test_what_is_no_hours_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="hours must be times of a day"):
        parse_hours(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8",
        "0h",
        "30h",
        "8h, friday",
        "8h 4h",
        "8h, fri 30h",
        "8h, 4h",
        "mon-fri 8h, fri 4h",
        "monk 8h",
        "mon- 8h",
        "mo 8h",
    ],
)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="target must be the length of a working day"):
        parse_target(text)


@given(st.lists(st.tuples(st.integers(0, 24 * 60), st.integers(1, 300)), max_size=6), st.integers(0, 24 * 60))
def test_what_is_free_lies_in_the_hours_and_over_nothing_that_is_taken(
    taken: list[tuple[int, int]], minute: int
) -> None:
    midnight = datetime(2026, 11, 22, 23, tzinfo=UTC)
    now = midnight + timedelta(minutes=minute)
    work = work_time("8:00-12:00 13:00-17:00", "8h", ())
    entries = [stretch(midnight + timedelta(minutes=start), length) for start, length in taken]
    free = work.free(MONDAY, entries, BERLIN, now)
    hours = work.spans(MONDAY, BERLIN)
    covered = {
        start + timedelta(minutes=n) for start, end in hours for n in range(minutes_between(start, min(end, now)))
    }
    covered -= {each.started_at + timedelta(minutes=n) for each in entries for n in range(each.duration_minutes)}
    found = {start + timedelta(minutes=n) for start, end in free for n in range(minutes_between(start, end))}
    assert found <= covered
    few = [each for each in covered - found if all(each + timedelta(minutes=n) in covered for n in range(5))]
    assert few == [], "nothing is left out but what is shorter than five minutes"
    assert all(minutes_between(start, end) >= 5 for start, end in free)
    assert all(local_date(start, BERLIN) == MONDAY for start, _ in free)
