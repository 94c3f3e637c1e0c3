"""One person's day: stretches of work in order, the free time between them, and the time missing to the target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from alga.core.intervals import LONG, gaps, oddities, overlapping
from alga.core.times import day_start, local_date, minutes_between, to_wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alga.core.worktime import WorkTime


@dataclass(frozen=True)
class Stretch:
    """An entry, or a timer that runs on this computer. Without an end it is still running."""

    id: str
    started_at: datetime
    ended_at: datetime | None
    billable_minutes: int | None
    notes: str | None
    service_id: str | None
    label: str
    sent: bool = True
    user_id: str | None = None  # all stretches belong to one person

    @property
    def duration_minutes(self) -> int:
        """Minutes worked; 0 while it runs."""
        return minutes_between(self.started_at, self.ended_at) if self.ended_at else 0


@dataclass(frozen=True)
class Daysheet:
    """The stretches that start on a day, oldest first; `gaps` lie between first start and last end. Whole minutes.

    `worked` and `billable` are what the server has; what waits here and what runs are beside it.
    """

    day: date
    stretches: Sequence[Stretch]
    gaps: Sequence[tuple[datetime, datetime]]
    marks: dict[str, list[str]]
    worked: int
    billable: int
    waiting: int
    running: int
    target: int | None
    due: int | None

    @property
    def done(self) -> int:
        """Minutes worked, whether or not the server has them yet."""
        return self.worked + self.waiting + self.running

    @property
    def missing(self) -> int | None:
        """The minutes of the target that are due by now and not worked; None without a target."""
        return None if self.due is None else max(0, self.due - self.done)

    def published(self) -> dict[str, Any]:
        """As JSON, without the stretches."""
        return {
            "date": str(self.day),
            "duration_minutes": self.worked,
            "billable_minutes": self.billable,
            "waiting_minutes": self.waiting,
            "running_minutes": self.running,
            "target_minutes": self.target,
            "missing_minutes": self.missing,
            "gaps": [
                {"from": to_wire(start), "to": to_wire(end), "minutes": minutes_between(start, end)}
                for start, end in self.gaps
            ],
        }


def of_day(
    day: date,
    around: Sequence[Stretch],
    zone: tzinfo,
    now: datetime,
    work: WorkTime,
    needs_service: bool,
    longest: int = LONG,
) -> Daysheet:
    """The sheet of a day, from the stretches on the day and around it. A running timer counts up to now, but not one of
    more than `longest` minutes, which was probably forgotten.
    """
    begin, end = day_start(day, zone), day_start(day + timedelta(days=1), zone)
    own = sorted((each for each in around if local_date(each.started_at, zone) == day), key=lambda e: e.started_at)
    overlaps = overlapping(around, now)
    marks = {each.id: oddities(each, overlaps.get(each.id), zone, needs_service and each.sent) for each in own}
    touching = [each for each in around if each.started_at < end and (each.ended_at or now) > begin]
    first = min((max(each.started_at, begin) for each in touching), default=begin)
    last = max((min(each.ended_at or now, end) for each in touching), default=begin)
    worked = sum(each.duration_minutes for each in own if each.sent)
    waiting = sum(each.duration_minutes for each in own if not each.sent)
    runs = [max(0, minutes_between(each.started_at, now)) for each in own if not each.ended_at]
    running = sum(minutes for minutes in runs if minutes <= longest)
    billable = sum(each.billable_minutes or 0 for each in own if each.sent)
    free = gaps(first, last, touching, now)
    target, due = work.target(day), work.due(day, zone, now)
    return Daysheet(day, own, free, marks, worked, billable, waiting, running, target, due)


STEPS = (5, 10, 15, 20)  # minutes to a character


def timeline(sheet: Daysheet, zone: tzinfo, now: datetime, width: int, marks: str) -> list[str]:
    """The day as two lines: the hours, and marks for free, worked or overlapping time. Empty if it does not fit."""
    spans = sorted((each.started_at, each.ended_at or now) for each in sheet.stretches)
    if not spans:
        return []
    begin = min([spans[0][0], *(start for start, _ in sheet.gaps)])  # a gap after what reaches in from the day before
    first = begin.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    at, end = first.astimezone(UTC), max(last for _, last in spans)  # in UTC, since clocks may go back
    step = next((timedelta(minutes=n) for n in STEPS if (end - at) / timedelta(minutes=n) <= width), None)
    hours, line = "", ""
    while step and at < end:
        near = [(start, last) for start, last in spans if start < at + step and at < last]
        twice = any(second < last for (_, last), (second, _) in pairwise(near))
        if at.astimezone(zone).minute == 0:
            hours = f"{hours.ljust(len(line))}{at.astimezone(zone):%H}"
        line += marks[2 if twice else bool(near)]
        at += step
    return [hours, line] if step else []
