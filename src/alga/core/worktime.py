"""A person's working time: the hours and the target of each day of the week, and the days off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING

from alga.core import grammar
from alga.core.errors import UsageError
from alga.core.intervals import gaps
from alga.core.times import local_date, minutes_between

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alga.core.grammar import Hours
    from alga.core.intervals import Interval

HOURS = "hours must be times of a day, like 8:00-12:00 13:00-17:00"
LEAST_FREE = 5  # minutes of a free stretch that may have been work
TARGET = "target must be the length of a working day, like 8h, or by weekday, like mon-thu 8h, fri 4h"
OFF = "off must be dates, like 2026-12-24, 2026-12-25"


def parse_hours(text: str) -> Hours:
    """Minutes of the day from and to, in order, of `8:00-12:00 13:00-17:00`. Raises UsageError."""
    hours = []
    for part in text.replace(",", " ").split():
        match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})", part)
        if match is None:
            raise UsageError(HOURS)
        first, first_minute, last, last_minute = map(int, match.groups())
        hours.append((first * 60 + first_minute, last * 60 + last_minute))
        if max(first_minute, last_minute) > 59:
            raise UsageError(HOURS)
    ends = [end for pair in hours for end in pair]
    if not hours or ends != sorted(set(ends)) or ends[-1] > 24 * 60:
        raise UsageError(HOURS)
    return tuple(hours)


def parse_target(text: str) -> tuple[int, ...]:
    """The minutes of each day of the week, from Monday, in `8h` (from Monday to Friday) or `8h, fri 4h`.

    Raises UsageError.
    """
    targets = [0] * 7
    named: set[int] = set()
    for number, part in enumerate(text.lower().split(",")):
        weekdays, _, rest = part.strip().partition(" ")
        if rest and (days := _weekdays(weekdays)):
            if named & set(days):
                raise UsageError(TARGET)
            named |= set(days)
            for day in days:
                targets[day] = _target(rest)
        elif number == 0:
            targets[:5] = [_target(part)] * 5
        else:
            raise UsageError(TARGET)
    if not any(targets):
        raise UsageError(TARGET)
    return tuple(targets)


def _weekdays(text: str) -> list[int]:
    """The days of the week in `fri`, `friday` and `mon-thu`, Monday being 0; empty for another text."""
    first, hyphen, last = text.partition("-")
    begin, end = (grammar.weekday(each) for each in (first, last if hyphen else first))
    return list(range(begin, end + 1)) if begin is not None and end is not None else []


def _target(text: str) -> int:
    try:
        minutes = grammar.parse_span(text)
    except UsageError:
        raise UsageError(TARGET) from None
    if minutes > 24 * 60:
        raise UsageError(TARGET)
    return minutes


@dataclass(frozen=True)
class WorkTime:
    """Working time as the settings `hours`, `target` and `off` say it; each may be missing."""

    hours: Hours = ()
    targets: tuple[int, ...] = ()
    off: frozenset[date] = frozenset()

    @cached_property
    def weekdays(self) -> set[int]:
        """The days of the week with work, from Monday, which is 0."""
        return {n for n, minutes in enumerate(self.targets) if minutes} if self.targets else set(range(5))

    def works_on(self, day: date) -> bool:
        """Whether it is a working day."""
        return day.weekday() in self.weekdays and day not in self.off

    def target(self, day: date) -> int | None:
        """The minutes of a day, 0 on a day off; None without a target."""
        if not self.targets:
            return None
        return 0 if day in self.off else self.targets[day.weekday()]

    def spans(self, day: date, zone: tzinfo) -> list[tuple[datetime, datetime]]:
        """The working hours of a day, in UTC; none on a day off."""
        if not self.works_on(day):
            return []
        return [(_instant(day, first, zone), _instant(day, last, zone)) for first, last in self.hours]

    def end(self, day: date, zone: tzinfo) -> datetime | None:
        """When the working day ends, in UTC; None without hours, and on a day off."""
        return max((last for _, last in self.spans(day, zone)), default=None)

    def due(self, day: date, zone: tzinfo, now: datetime) -> int | None:
        """The minutes of a day's target that are due by now: the working hours that are over, and all of it after them;
        without hours none before the day is over. None without a target.
        """
        target, today = self.target(day), local_date(now, zone)
        if target is None or day < today:
            return target
        spans = self.spans(day, zone)
        if day > today or not spans:
            return 0
        over = sum(max(0, minutes_between(first, min(now, last))) for first, last in spans)
        return target if now >= spans[-1][1] else min(target, over)

    def free(
        self, day: date, taken: Iterable[Interval], zone: tzinfo, now: datetime
    ) -> list[tuple[datetime, datetime]]:
        """What of the working hours is over and nothing is recorded for, in order, but no few minutes. A running timer
        lasts until now.
        """
        every = list(taken)
        hours = [(first, min(last, now)) for first, last in self.spans(day, zone)]
        return worth_asking(gap for first, last in hours if first < last for gap in gaps(first, last, every, now))


def worth_asking(free: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The free stretches that are long enough to have been work."""
    return [each for each in free if minutes_between(*each) >= LEAST_FREE]


def work_time(hours: str | None, target: str | None, off: Iterable[str]) -> WorkTime:
    """The working time of a profile's settings, which are valid."""
    return WorkTime(
        parse_hours(hours) if hours else (),
        parse_target(target) if target else (),
        frozenset(map(date.fromisoformat, off)),
    )


def _instant(day: date, minute: int, zone: tzinfo) -> datetime:
    """A minute of a local day, in UTC; 24:00 is the end of the day."""
    after, clock = divmod(minute, 24 * 60)
    return datetime.combine(day + timedelta(days=after), time(*divmod(clock, 60)), zone).astimezone(UTC)
