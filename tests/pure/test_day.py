"""A day's sheet: stretches, gaps, overlaps, what is missing, and the time line."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alga.core.day import Daysheet, Stretch, of_day, timeline
from alga.core.times import minutes_between
from alga.core.worktime import WorkTime, work_time
from tests.support import BERLIN

DAY = date(2026, 6, 2)
MIDNIGHT = datetime(2026, 6, 2, tzinfo=UTC)
NOW = MIDNIGHT + timedelta(hours=20)


def at(hour: float) -> datetime:
    """An hour of the day."""
    return MIDNIGHT + timedelta(hours=hour)


def stretch(first: float, last: float | None, name: str = "", notes: str = "x") -> Stretch:
    """Work between two hours, all of it billable."""
    end = None if last is None else at(last)
    billable = round((last - first) * 60) if last is not None else 0
    return Stretch(name or str(first), at(first), end, billable, notes, "s", "tk")


def sheet(*stretches: Stretch, target: str | None = None) -> Daysheet:
    """The sheet of the day."""
    return of_day(DAY, stretches, UTC, NOW, work_time("0:00-8:00", target, ()), needs_service=False)


def test_sums_gaps_and_what_is_missing() -> None:
    found = sheet(stretch(9, 10), stretch(7, 8.5), stretch(10, 10.5), target="8h")
    assert [each.id for each in found.stretches] == ["7", "9", "10"]
    assert found.gaps == [(at(8.5), at(9))]
    assert (found.worked, found.billable, found.missing) == (180, 180, 300)
    assert sheet(stretch(7, 16), target="8h").missing == 0
    assert sheet(stretch(7, 16)).missing is None


def test_a_running_timer_counts_up_to_now() -> None:
    found = sheet(stretch(18, None), target="8h")
    assert (found.worked, found.running, found.billable, found.marks["18"]) == (0, 120, 0, ["running"])
    assert found.missing == 6 * 60
    forgotten = sheet(stretch(9, None), target="8h")
    assert (forgotten.running, forgotten.missing) == (0, 8 * 60), "of more than 10 hours"


def test_what_reaches_in_from_the_day_before_fills_its_time_and_counts_there() -> None:
    found = sheet(stretch(-2, 1), stretch(2, 3))
    assert [each.id for each in found.stretches] == ["2"]
    assert found.gaps == [(at(1), at(2))]
    assert found.worked == 60
    assert timeline(found, UTC, NOW, 78, ".#!") == ["01          02", "............############"]


def test_overlaps_and_missing_notes_are_marked() -> None:
    found = sheet(stretch(7, 9, "a"), stretch(8, 10, "b"), stretch(12, 13, "c", notes=" "))
    assert found.marks == {"a": ["overlaps b"], "b": ["overlaps a"], "c": ["no notes"]}


def test_the_time_line() -> None:
    line = timeline(sheet(stretch(7, 8), stretch(7.5, 9), stretch(10, 10.5)), UTC, NOW, 78, ".#!")
    assert line == ["07          08          09          10", "######!!!!!!############............######"]
    assert timeline(sheet(), UTC, NOW, 78, ".#!") == []
    long = timeline(sheet(stretch(0, 23)), UTC, NOW, 78, ".#!")
    assert (long[0][:12], len(long[1])) == ("00 01 02 03 ", 69), "20 minutes to a mark"


def test_the_time_line_counts_hours_and_not_the_clock_when_the_clocks_go_back() -> None:
    begin, end = (datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(hours=n) for n in (0, 7))
    night = Stretch("n", begin, end, 0, "x", "s", "tk")
    found = of_day(date(2026, 10, 25), [night], BERLIN, end, WorkTime(), needs_service=False)
    hours_line, line = timeline(found, BERLIN, end, 78, ".#!")
    assert (found.worked, len(line)) == (420, 42)
    assert hours_line.split() == ["00", "01", "02", "02", "03", "04", "05"]


hours = st.integers(0, 23 * 12).map(lambda n: n / 12)


@given(st.lists(st.tuples(hours, st.integers(1, 12)), min_size=1, max_size=12))
def test_work_and_gaps_together_are_the_time_from_first_to_last(spans: list[tuple[float, int]]) -> None:
    stretches = [stretch(first, first + n / 12, str(index)) for index, (first, n) in enumerate(spans)]
    found = sheet(*stretches)
    covered = {
        minute
        for each in stretches
        for minute in range(minutes_between(MIDNIGHT, each.started_at), minutes_between(MIDNIGHT, each.ended_at or NOW))
    }
    covered = {minute for minute in covered if minute < 24 * 60}
    free = sum(minutes_between(start, end) for start, end in found.gaps)
    assert free + len(covered) == max(covered) + 1 - min(covered)
    assert all(minutes_between(MIDNIGHT, start) not in covered for start, _ in found.gaps)


@given(st.lists(st.tuples(hours, st.integers(1, 60)), min_size=1, max_size=8), st.integers(30, 120))
def test_the_time_line_fits_and_marks_every_start(spans: list[tuple[float, int]], width: int) -> None:
    found = sheet(*(stretch(first, first + n / 12, str(index)) for index, (first, n) in enumerate(spans)))
    drawn = timeline(found, UTC, NOW, width, ".#!")
    if drawn:
        hours_line, line = drawn
        assert len(line) <= width
        assert hours_line.startswith(f"{found.stretches[0].started_at:%H}")
        assert set(line) & set("#!")
