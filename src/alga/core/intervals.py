"""Sums, days, free gaps and overlaps of time entries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from alga.core.times import local_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Interval(Protocol):
    """What sums and overlaps need of an entry; without an end it is still running."""

    @property
    def started_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...


class Worked(Interval, Protocol):
    """Somebody's interval with its minutes: an entry, or a timer that is kept here."""

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
    """Minutes of finished entries, and how many there are; running ones are counted apart."""

    worked: int
    billable: int
    entries: int
    running: int


def sums(entries: Iterable[Worked]) -> Sums:
    """Worked and billable minutes of what is finished."""
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


def overlapping(entries: Iterable[W], now: datetime) -> dict[str, W]:
    """Each entry that overlaps another of the same person, by its id, with one that it overlaps."""
    found: dict[str, W] = {}
    latest: dict[str | None, W] = {}  # of each person, what ends last of all that started so far
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
    """What an approver should look at in a finished entry."""
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
    """The free interval of so many minutes nearest to `start` that ends by `latest`."""
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
    """Intervals by the days they touch: what another one would overlap is found without looking at all of them."""

    def __init__(self, now: datetime, entries: Iterable[E] = ()) -> None:
        self._now, self._days = now, dict[date, list[E]]()
        for entry in entries:
            self.add(entry)

    def add(self, entry: E) -> None:
        """Write one down."""
        for day in self._touched(entry.started_at, entry.ended_at or self._now):
            self._days.setdefault(day, []).append(entry)

    def clash(self, start: datetime, end: datetime) -> E | None:
        """One that start-end overlaps, by the rule of clashes()."""
        return next(iter(self.every(start, end)), None)

    def every(self, start: datetime, end: datetime) -> list[E]:
        """All that start-end overlaps; one that touches several days may come several times."""
        near = (each for day in self._touched(start, end) for each in self._days.get(day, []))
        return clashes(start, end, near, self._now)

    def _touched(self, start: datetime, end: datetime) -> list[date]:
        first, last = start.astimezone(UTC).date(), end.astimezone(UTC).date()
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]
