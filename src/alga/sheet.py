"""Sums, days, free gaps and overlaps of time entries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Protocol, TypeVar

from alga.times import local_date


class Interval(Protocol):
    """What sums and overlaps need of an entry; without an end it is still running."""

    @property
    def started_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...


class Counted(Interval, Protocol):
    """An entry with its minutes: worked are end - start, billable are what the server stored."""

    @property
    def duration_minutes(self) -> int: ...
    @property
    def billable_minutes(self) -> int | None: ...


E = TypeVar("E", bound=Interval)
C = TypeVar("C", bound=Counted)


@dataclass(frozen=True)
class Sums:
    """Minutes of finished entries, and how many there are; running ones are counted apart."""

    worked: int
    billable: int
    entries: int
    running: int


def sums(entries: Iterable[Counted]) -> Sums:
    """Worked and billable minutes of what is finished."""
    every = list(entries)
    done = [entry for entry in every if entry.ended_at is not None]
    return Sums(
        sum(entry.duration_minutes for entry in done),
        sum(entry.billable_minutes or 0 for entry in done),
        len(done),
        len(every) - len(done),
    )


def by_day(entries: Iterable[C], zone: tzinfo) -> dict[date, list[C]]:
    """Entries by the local date of their start, oldest first."""
    days: dict[date, list[C]] = {}
    for entry in sorted(entries, key=lambda entry: entry.started_at):
        days.setdefault(local_date(entry.started_at, zone), []).append(entry)
    return days


def clashes(start: datetime, end: datetime, entries: Iterable[E], now: datetime) -> list[E]:
    """Entries that overlap start-end. A running one reaches up to now; touching ends and empty intervals never clash.

    The deployed server's rule on create (section 2), with running timers, which it leaves out, and without
    zero-minute entries, which it counts.
    """
    return [
        entry
        for entry in entries
        if start < end
        and entry.started_at < (entry.ended_at or now)
        and entry.started_at < end
        and start < (entry.ended_at or now)
    ]


def gaps(
    day_begin: datetime, day_end: datetime, entries: Iterable[Interval], now: datetime
) -> list[tuple[datetime, datetime]]:
    """The free intervals between two instants, in order."""
    free, at = [], day_begin
    for start, end in sorted((entry.started_at, entry.ended_at or now) for entry in entries):
        if start > at:
            free.append((at, min(start, day_end)))
        at = max(at, end)
    if at < day_end:
        free.append((at, day_end))
    return [(start, end) for start, end in free if start < end]


def nearest_slot(
    free: Sequence[tuple[datetime, datetime]], start: datetime, minutes: int, latest: datetime
) -> tuple[datetime, datetime] | None:
    """The free interval of so many minutes nearest to `start` that ends by `latest`."""
    length = timedelta(minutes=minutes)
    room = [(first, min(last, latest)) for first, last in free]
    starts = [max(first, min(start, last - length)) for first, last in room if last - first >= length]
    return min(((at, at + length) for at in starts), key=lambda slot: abs(slot[0] - start), default=None)
