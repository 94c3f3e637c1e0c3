"""Periods of local days, by name and by date."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alga.core import periods
from alga.core.periods import between, named
from tests.support import BERLIN, MONDAY


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("today", "today (Mon 23 Nov)"),
        ("yesterday", "yesterday (Sun 22 Nov)"),
        ("week", "this week (23-29 Nov)"),
        ("last-week", "last week (16-22 Nov)"),
        ("month", "this month (1-30 Nov)"),
        ("last-month", "last month (1-31 Oct)"),
    ],
)
def test_named_periods(name: str, shown: str) -> None:
    assert named(name, MONDAY, BERLIN).name == shown


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        ("2026-06-02", "2026-06-05", "2-5 Jun"),
        ("2026-06-02", "2026-06-02", "Tue 2 Jun"),
        ("2026-05-30", "2026-06-02", "30 May - 2 Jun"),
        ("2025-12-30", "2026-01-02", "30 Dec 2025 - 2 Jan 2026"),
        ("2025-06-02", "2025-06-05", "2-5 Jun 2025"),
        ("2026-06-02", None, "from Tue 2 Jun"),
        (None, "yesterday", "to Sun 22 Nov"),
    ],
)
def test_periods_from_and_to(first: str | None, last: str | None, shown: str) -> None:
    assert between(first, last, MONDAY, BERLIN).name == shown


def test_the_last_day_is_included_and_days_are_local() -> None:
    start, end = between("2026-10-25", "2026-10-25", MONDAY, BERLIN).bounds(BERLIN)
    assert start == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert end == datetime(2026, 10, 25, 23, tzinfo=UTC)
    assert end - start == timedelta(hours=25), "the day on which the clocks go back"


@given(st.datetimes(datetime(2001, 1, 1), datetime(2037, 1, 1)), st.sampled_from(periods.NAMES))
def test_weeks_and_months_are_whole_and_follow_each_other(naive: datetime, name: str) -> None:
    now = naive.replace(tzinfo=UTC)
    period = named(name, now, BERLIN)
    assert period.first
    assert period.last
    if "week" in name:
        assert (period.first.weekday(), (period.last - period.first).days) == (0, 6)
    if "month" in name:
        assert (period.first.day, (period.last + timedelta(days=1)).day) == (1, 1)
        assert period.first.month == period.last.month
    if name.startswith("last-"):
        this = named(name.removeprefix("last-"), now, BERLIN)
        assert this.first == period.last + timedelta(days=1)
