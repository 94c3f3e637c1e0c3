"""What an interval of the user's time would overlap, and where free time is instead."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from alga.core import intervals
from alga.core.errors import NeverSent, Overlaps, Unreachable
from alga.core.times import (
    day_start,
    format_day,
    format_interval,
    format_minutes,
    format_time,
    local_date,
    minutes_between,
)
from alga.lookup import work_items
from alga.lookup.entries import since_some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alga.api.client import Client
    from alga.state.cache import ServerCache

LOOK_BACK = timedelta(days=7)
LEAST = 15  # shortest free time, in minutes, that is worth suggesting


class Taken(NamedTuple):
    """Time of the user that is taken: an entry, the running timer, or a stop that is not sent yet."""

    started_at: datetime
    ended_at: datetime | None
    label: str
    id: str
    sent: bool = True
    named: str = ""  # a name to show instead of the beginning of its id


def overlap(start: datetime, end: datetime, taken: Taken, zone: tzinfo, now: datetime) -> str:
    """The sentence for an interval that overlaps taken time: both times, and the other entry's name."""
    day, other = (local_date(instant, zone) for instant in (start, taken.started_at))
    mine = format_interval(start, end, zone)
    on = "" if day == other else f"{format_day(other, local_date(now, zone))} "
    theirs = f"{on}{format_interval(taken.started_at, taken.ended_at, zone)}"
    if taken.ended_at is None:
        return f"{mine} overlaps the running timer on {taken.label}, since {theirs.removesuffix('-')}."
    return (
        f"{mine} overlaps {taken.label} {theirs} ({(taken.named or taken.id[:8]) if taken.sent else 'not sent yet'})."
    )


class Clash:
    """The check of an interval of the user's time against what is taken, with suggestions of free time.

    `kept` are the operations on this computer, which the server does not know.
    """

    def __init__(
        self, client: Client, cache: ServerCache, zone: tzinfo, now: datetime, kept: Sequence[Taken] = ()
    ) -> None:
        self._client, self._cache, self._zone, self._now, self._kept = client, cache, zone, now, kept

    def check(
        self, start: datetime, end: datetime, ignoring: str | None = None, running: bool = True, try_with: str = ""
    ) -> None:
        """Raise Overlaps when start-end overlaps the user's own time; the error names the entry and a free slot.

        The server checks this only on create and ignores a running timer (section 2), which `running` includes.
        While the key's user is unknown, only the operations on this computer are checked.
        """
        self.check_here(start, end, ignoring, running, try_with)
        self._check(self._there(start - LOOK_BACK, end), start, end, ignoring, running, try_with)

    def check_new(self, start: datetime, end: datetime, try_with: str = "") -> None:
        """The same before a create; a deployed server refuses overlaps itself, so its entries are not listed."""
        if self._cache.deployed:
            self.check_here(start, end, try_with=try_with)
        else:
            self.check(start, end, try_with=try_with)

    def check_here(
        self, start: datetime, end: datetime, ignoring: str | None = None, running: bool = True, try_with: str = ""
    ) -> None:
        """The same with the operations on this computer only: asks no server."""
        self._check(self._kept, start, end, ignoring, running, try_with)

    def _check(
        self,
        found: Sequence[Taken],
        start: datetime,
        end: datetime,
        ignoring: str | None,
        running: bool,
        try_with: str,
    ) -> None:
        taken = [each for each in found if each.id != ignoring and (running or each.ended_at)]
        if clashing := intervals.clashes(start, end, taken, self._now):
            raise Overlaps(
                overlap(start, end, clashing[0], self._zone, self._now), self._room(start, end, ignoring, try_with)
            )

    def named(self, error: Overlaps, start: datetime, end: datetime, try_with: str = "") -> Overlaps:
        """A server's own refusal, with the entry it refers to and the free time."""
        try:
            self.check(start, end, try_with=try_with)
            return self._meant(error, start, end)
        except Overlaps as ours:
            return ours
        except Unreachable:
            return error

    def _meant(self, error: Overlaps, start: datetime, end: datetime) -> Overlaps:
        """The error for an overlap with a zero-minute entry, which the server counts too."""
        for each in self._taken(start - LOOK_BACK, end):
            if each.started_at < end and start < (each.ended_at or self._now):
                return Overlaps(overlap(start, end, each, self._zone, self._now), error.hint)
        return error

    def _taken(self, start: datetime, end: datetime) -> list[Taken]:
        return [*self._kept, *self._there(start, end)]

    def _there(self, start: datetime, end: datetime) -> Sequence[Taken]:
        user_id = self._own_user()
        own = since_some(self._client, user_id, start, end) if user_id else []  # even an incomplete list shows overlaps
        stopped_here = {each.id for each in self._kept}
        return [
            Taken(e.started_at, e.ended_at, work_items.label(e, self._cache), e.id)
            for e in own
            if e.id not in stopped_here
        ]

    def _own_user(self) -> str | None:
        """None if only this look-up fails on the server: then the server has to check the overlap."""
        try:
            return work_items.asked_user(self._client, self._cache)
        except NeverSent:
            raise
        except Unreachable:
            self._client.list_entries({"limit": "1"})
            return None

    def _room(self, start: datetime, end: datetime, ignoring: str | None, try_with: str) -> str:
        day, today = local_date(start, self._zone), local_date(self._now, self._zone)
        begin, finish = day_start(day, self._zone), day_start(day + timedelta(days=1), self._zone)
        try:
            taken = [each for each in self._taken(begin - LOOK_BACK, finish) if each.id != ignoring]
        except Unreachable:
            return ""  # the free time is unknown
        parts = [part for part in intervals.gaps(start, end, taken, self._now) if minutes_between(*part) >= LEAST]
        wanted = minutes_between(start, end)
        free = [(a, b) for a, b in intervals.gaps(begin, finish, taken, self._now) if minutes_between(a, b) >= wanted]
        on = "today" if day == today else f"on {format_day(day, today)}"
        shown = ", ".join(self._gap(gap, begin, finish) for gap in free)
        told = f"Free {on}: {shown}." if free else f"No {format_minutes(wanted)} are free {on}."
        slot = intervals.nearest_slot(free, start, wanted, self._now)
        near = slot is not None and abs(slot[0] - start) <= end - start
        places = [slot] if slot and (near or not parts) else parts  # or free parts of the interval itself
        if not places or not try_with:
            return told
        date = "" if day == today else f" --date {day}"
        typed = [_typed(format_interval(*each, self._zone)) for each in places]
        return f"{told} Try: {'   and   '.join(f'{try_with} {each}{date}' for each in typed)}"

    def _gap(self, gap: tuple[datetime, datetime], begin: datetime, finish: datetime) -> str:
        if gap == (begin, finish):
            return "all day"
        if gap[0] == begin:
            return f"before {format_time(gap[1], self._zone)}"
        if gap[1] == finish:
            return f"after {format_time(gap[0], self._zone)}"
        return format_interval(*gap, self._zone)


def _typed(interval: str) -> str:
    """`6:55-7:40`, as people type it; an interval with offsets stays unchanged."""
    return re.sub(r"(^|-)0", r"\1", interval) if re.fullmatch(r"\d\d:\d\d-\d\d:\d\d", interval) else interval
