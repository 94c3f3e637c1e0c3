"""A period of local days, as the options of list, stats and export name it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from alga.core import grammar
from alga.core.errors import UsageError
from alga.core.times import day_start, format_day, local_date

MOST_DAYS = 100
NAMES = ("today", "yesterday", "week", "last-week", "month", "last-month")


@dataclass(frozen=True)
class Period:
    """Local days from `first` to `last`, both included; None means open-ended."""

    first: date | None
    last: date | None
    name: str

    def bounds(self, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        """The first instant of the period and the first instant after it, in UTC."""
        start = day_start(self.first, zone) if self.first else None
        return start, day_start(self.last + timedelta(days=1), zone) if self.last else None

    def every_day(self, today: date) -> list[date] | None:
        """Each day of the period, up to today if it has no end; None for one without beginning, or of more than
        MOST_DAYS.
        """
        last = self.last or today
        if self.first is None or (last - self.first).days >= MOST_DAYS:
            return None
        return [self.first + timedelta(days=n) for n in range((last - self.first).days + 1)]


EVER = Period(None, None, "all time")


def named(name: str, now: datetime, zone: tzinfo) -> Period:
    """The period with one of NAMES, relative to now, or `ever`. Weeks begin on Monday."""
    if name == "ever":
        return EVER
    today = local_date(now, zone)
    monday, first_of_month = today - timedelta(days=today.weekday()), today.replace(day=1)
    before = first_of_month - timedelta(days=1)
    first, last, words = {
        "today": (today, today, "today"),
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1), "yesterday"),
        "week": (monday, monday + timedelta(days=6), "this week"),
        "last-week": (monday - timedelta(days=7), monday - timedelta(days=1), "last week"),
        "month": (
            first_of_month,
            (first_of_month + timedelta(days=31)).replace(day=1) - timedelta(days=1),
            "this month",
        ),
        "last-month": (before.replace(day=1), before, "last month"),
    }[name]
    return Period(first, last, f"{words} ({days(first, last, today)})")


def week_of(day: date, today: date) -> Period:
    """The week, from Monday, in which a day lies."""
    monday = day - timedelta(days=day.weekday())
    shown = days(monday, monday + timedelta(days=6), today)
    this = monday <= today < monday + timedelta(days=7)
    return Period(monday, monday + timedelta(days=6), f"this week ({shown})" if this else shown)


def between(first: str | None, last: str | None, now: datetime, zone: tzinfo) -> Period:
    """The period from and to the days typed, both included; either may be missing. Raises UsageError."""
    today = local_date(now, zone)
    start, end = (grammar.parse_date(text, today) if text else None for text in (first, last))
    if start and end and end < start:
        raise UsageError(f"--to {end} is before --from {start}.", f"Swap them: --from {end} --to {start}")
    if start and end:
        return Period(start, end, days(start, end, today))
    return Period(start, end, f"from {format_day(start, today)}" if start else f"to {format_day(end or today, today)}")


def typed(text: str, now: datetime, zone: tzinfo) -> Period:
    """The period in `2026-11`, `2026-W48`, `2026-Q4`, `2026`, `7d` or a date. Raises UsageError."""
    today = local_date(now, zone)
    first, last = grammar.parse_period(text, today)
    return Period(first, last, days(first, last, today))


def days(first: date, last: date, today: date) -> str:
    """`23-29 Nov`, `30 Nov - 6 Dec`, with the year unless it is the current year."""
    if first == last:
        return format_day(first, today)
    year = f" {last.year}" if today.year != last.year or first.year != last.year else ""
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}-{last.day} {last:%b}{year}"
    first_year = f" {first.year}" if first.year != last.year else ""
    return f"{first.day} {first:%b}{first_year} - {last.day} {last:%b}{year}"
