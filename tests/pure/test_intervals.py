"""Sums, days, gaps and overlaps."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alga.core.entry import Entry
from alga.core.intervals import Diary, by_day, clashes, gaps, nearest_slot, overlapping, sums
from alga.core.times import minutes_between, to_wire
from alga.practice import rules
from tests.support import BERLIN

DAY = datetime(2026, 11, 23, tzinfo=UTC)
MIDNIGHT = DAY + timedelta(days=1)


def at(start: int, end: int | None, billable: int = 0) -> Entry:
    """An entry from minute to minute of the day."""
    return Entry(str(start), minute(start), None if end is None else minute(end), billable_minutes=billable)


def minute(number: int) -> datetime:
    return DAY + timedelta(minutes=number)


starts = st.integers(0, 1439)
lengths = st.integers(0, 300)
entries = st.builds(lambda start, length: at(start, start + length), starts, lengths)


def test_a_running_timer_is_counted_apart() -> None:
    total = sums([at(0, 90, 60), at(100, 130, 30), at(140, None)])
    assert (total.worked, total.billable, total.entries, total.running) == (120, 90, 2, 1)


def test_days_are_local_and_in_order() -> None:
    late = Entry("late", datetime(2026, 11, 22, 23, 30, tzinfo=UTC), datetime(2026, 11, 23, 0, 30, tzinfo=UTC))
    early = at(8 * 60, 9 * 60)
    days = by_day([early, late], BERLIN)
    assert [(day.day, rows) for day, rows in days.items()] == [(23, [late, early])]


@given(entries, entries)
def test_two_intervals_overlap_when_they_share_a_minute(one: Entry, other: Entry) -> None:
    def minutes_of(entry: Entry) -> set[int]:
        first = minutes_between(DAY, entry.started_at)
        return set(range(first, first + entry.duration_minutes))

    assert one.ended_at
    shared = minutes_of(one) & minutes_of(other)
    assert bool(clashes(one.started_at, one.ended_at, [other], MIDNIGHT)) == bool(shared)


@given(entries, entries)
def test_the_rule_is_symmetric_and_the_embedded_servers_for_what_has_a_length(one: Entry, other: Entry) -> None:
    assert one.ended_at
    assert other.ended_at
    forth = bool(clashes(one.started_at, one.ended_at, [other], MIDNIGHT))
    assert forth == bool(clashes(other.started_at, other.ended_at, [one], MIDNIGHT))
    if one.duration_minutes and other.duration_minutes:
        row = {"start_time": to_wire(other.started_at), "end_time": to_wire(other.ended_at)}
        assert forth == rules.overlap(to_wire(one.started_at), to_wire(one.ended_at), [row])


def test_a_running_timer_reaches_up_to_now() -> None:
    running = at(60, None)
    assert clashes(minute(50), minute(70), [running], now=minute(65)) == [running]
    assert clashes(minute(70), minute(80), [running], now=minute(65)) == []


@given(st.lists(entries, max_size=8))
def test_gaps_are_the_minutes_that_no_entry_has(rows: list[Entry]) -> None:
    free = gaps(DAY, MIDNIGHT, rows, MIDNIGHT)
    taken = {
        m
        for row in rows
        for m in range(minutes_between(DAY, row.started_at), minutes_between(DAY, row.ended_at or DAY))
    }
    found = {m for a, b in free for m in range(minutes_between(DAY, a), minutes_between(DAY, b))}
    assert found == set(range(1440)) - taken


@given(st.lists(entries, max_size=8), starts, st.integers(1, 120))
def test_a_slot_is_free_long_enough_and_not_ahead(rows: list[Entry], start: int, length: int) -> None:
    latest = minute(1200)
    slot = nearest_slot(gaps(DAY, MIDNIGHT, rows, latest), minute(start), length, latest)
    if slot:
        assert minutes_between(*slot) == length
        assert slot[1] <= latest
        assert clashes(*slot, rows, latest) == []


def test_the_nearest_slot_is_offered() -> None:
    free = [(minute(0), minute(460)), (minute(600), MIDNIGHT)]
    assert nearest_slot(free, minute(560), 45, latest=minute(605)) == (minute(415), minute(460))
    assert nearest_slot(free, minute(560), 45, latest=minute(700)) == (minute(600), minute(645))


# --- many intervals -------------------------------------------------------------------------------


owned = st.lists(
    st.tuples(st.sampled_from(["me", "you"]), st.integers(0, 300), st.integers(0, 120) | st.none()), max_size=15
).map(
    lambda rows: [
        Entry(str(n), minute(first), None if long is None else minute(first + long), user_id=who)
        for n, (who, first, long) in enumerate(rows)
    ]
)


@given(owned)
def test_overlapping_marks_exactly_those_that_overlap_another_of_the_same_person(rows: list[Entry]) -> None:
    now = DAY + timedelta(minutes=400)
    found = overlapping(rows, now)
    for row in rows:
        end = row.ended_at or now
        others = [each for each in rows if each.id != row.id and each.user_id == row.user_id]
        clashing = {each.id for each in clashes(row.started_at, end, others, now)}
        assert (row.id in found) == bool(clashing)
        assert row.id not in found or found[row.id].id in clashing


@given(owned, st.integers(0, 3000), st.integers(0, 3000))
def test_a_diary_finds_what_looking_at_every_entry_finds(rows: list[Entry], first: int, long: int) -> None:
    now = DAY + timedelta(minutes=400)
    start, end = DAY + timedelta(minutes=first), DAY + timedelta(minutes=first + long)
    found = Diary(now, rows).clash(start, end)
    every = clashes(start, end, rows, now)
    assert (found is None) == (every == [])
    assert found is None or found in every
