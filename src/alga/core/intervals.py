"""Sums, days, free gaps and overlaps of time entries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from alga.core.times import local_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Interval(Protocol):
    """What sums and overlaps need to know about an entry; without an end it is still running."""

    @property
    def started_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...


class Worked(Interval, Protocol):
    """A person's interval with its minutes: an entry, or a timer that runs on this computer."""

    @property
    def id(self) -> str: ...
    @property
    def user_id(self) -> str | None: ...
    @property
    def duration_minutes(self) -> int: ...
    @property
    def billable_minutes(self) -> int | None: ...
    @property
    def notes(self) -> str | None: ...
    @property
    def service_id(self) -> str | None: ...


E = TypeVar("E", bound=Interval)
W = TypeVar("W", bound=Worked)
K = TypeVar("K")


class Sums(NamedTuple):
    """Minutes and number of finished entries; running entries are counted separately."""

    worked: int
    billable: int
    entries: int
    running: int


def sums(entries: Iterable[Worked]) -> Sums:
    """Worked and billable minutes of the finished entries."""
    every = list(entries)
    done = [entry for entry in every if entry.ended_at is not None]
    return Sums(
        sum(entry.duration_minutes for entry in done),
        sum(entry.billable_minutes or 0 for entry in done),
        len(done),
        len(every) - len(done),
    )


def by_day(entries: Iterable[W], zone: tzinfo) -> dict[date, list[W]]:
    """Entries by the local date of their start, oldest first."""
    days: dict[date, list[W]] = {}
    for entry in sorted(entries, key=lambda entry: entry.started_at):
        days.setdefault(local_date(entry.started_at, zone), []).append(entry)
    return days


def clashes(start: datetime, end: datetime, entries: Iterable[E], now: datetime) -> list[E]:
    """Entries that overlap start-end. A running entry lasts until now; touching or empty intervals do not overlap.

    The deployed server's rule on create (section 2), except that running timers count, which the server ignores, and
    zero-minute entries do not, which the server counts.
    """
    return [
        entry
        for entry in entries
        if start < end
        and entry.started_at < (entry.ended_at or now)
        and entry.started_at < end
        and start < (entry.ended_at or now)
    ]


def overlapping(entries: Iterable[W], now: datetime) -> dict[str, W]:
    """For each entry, by id, that overlaps another of the same person: an entry that it overlaps."""
    found: dict[str, W] = {}
    latest: dict[str | None, W] = {}  # for each person, the entry that ends last among those started so far
    for entry in sorted(entries, key=lambda entry: entry.started_at):
        before = latest.get(entry.user_id)
        if before and clashes(entry.started_at, entry.ended_at or now, [before], now):
            found[entry.id] = before
            found.setdefault(before.id, entry)
        if before is None or (entry.ended_at or now) > (before.ended_at or now):
            latest[entry.user_id] = entry
    return found


LONG = 10 * 60


def oddities(entry: Worked, overlap: Worked | None, zone: tzinfo, needs_service: bool) -> list[str]:
    """What an approver should check in a finished entry, as short phrases."""
    day = local_date(entry.started_at, zone)
    last = local_date(entry.ended_at - timedelta(seconds=1), zone) if entry.ended_at else day
    odd = {
        "running": entry.ended_at is None,
        "no notes": not (entry.notes or "").strip(),
        "over 10 h": entry.duration_minutes > LONG,
        "past midnight": last > day,
        f"overlaps {overlap.id[:8]}" if overlap else "": overlap is not None,
        "no service": needs_service and entry.service_id is None,
    }
    return [words for words, holds in odd.items() if holds]


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
    """The free interval of that many minutes nearest to `start` that ends by `latest`; None if no interval is free."""
    length = timedelta(minutes=minutes)
    room = [(first, min(last, latest)) for first, last in free]
    starts = [max(first, min(start, last - length)) for first, last in room if last - first >= length]
    return min(((at, at + length) for at in starts), key=lambda slot: abs(slot[0] - start), default=None)


def grouped(entries: Iterable[W], key: Callable[[W], K]) -> dict[K, Sums]:
    """The sums of each group."""
    groups: dict[K, list[W]] = {}
    for entry in entries:
        groups.setdefault(key(entry), []).append(entry)
    return {name: sums(rows) for name, rows in groups.items()}


class Diary(Generic[E]):
    """Intervals indexed by the days they touch, so that overlaps are found without checking every interval."""

    def __init__(self, now: datetime, entries: Iterable[E] = ()) -> None:
        self._now, self._days = now, dict[date, list[E]]()
        for entry in entries:
            self.add(entry)

    def add(self, entry: E) -> None:
        """Add an interval."""
        for day in self._touched(entry.started_at, entry.ended_at or self._now):
            self._days.setdefault(day, []).append(entry)

    def clash(self, start: datetime, end: datetime) -> E | None:
        """An interval that start-end overlaps, by the rule of clashes(); None without an overlap."""
        return next(iter(self.every(start, end)), None)

    def every(self, start: datetime, end: datetime) -> list[E]:
        """All intervals that start-end overlaps; an interval that touches several days may be listed several times."""
        near = (each for day in self._touched(start, end) for each in self._days.get(day, []))
        return clashes(start, end, near, self._now)

    def _touched(self, start: datetime, end: datetime) -> list[date]:
        first, last = start.astimezone(UTC).date(), end.astimezone(UTC).date()
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]
