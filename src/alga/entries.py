"""Finding time entries: one's own, in a period, around an interval, by a shortened id."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from alga import sheet, workitems
from alga.errors import NotFound, Overlaps, UsageError
from alga.learnt import Learnt
from alga.periods import Period
from alga.times import (
    day_start,
    format_day,
    format_interval,
    format_minutes,
    format_time,
    local_date,
    minutes_between,
    to_wire,
)

if TYPE_CHECKING:
    from alga.api.client import Client
    from alga.api.models import TimeEntry

LOOK_BACK = timedelta(days=7)
RECENT = timedelta(days=92)
EVER = datetime(2000, 1, 1, tzinfo=UTC)
SHORTEST_PREFIX = 4


def in_period(client: "Client", period: Period, user_id: str | None, zone: tzinfo) -> "list[TimeEntry]":
    """Every entry that starts in the period, of one user or of everyone, oldest first, each once.

    Rows are checked again here, since a server may ignore a filter.
    """
    start, end = period.bounds(zone)
    query = {"user_id": user_id} if user_id else {}
    if start:
        query["start_time_from"] = to_wire(start)
    if end:
        query["start_time_to"] = to_wire(end - timedelta(seconds=1))
    rows = period.holding(client.walk_entries(query), zone)
    own = [entry for entry in rows if not user_id or entry.user_id in (user_id, None)]
    return sorted(own, key=lambda entry: (entry.started_at, entry.id))


def since(client: "Client", user_id: str | None, start: datetime, end: datetime | None = None) -> "list[TimeEntry]":
    """Entries that start between two instants, oldest first."""
    query = {"start_time_from": to_wire(start)} | ({"user_id": user_id} if user_id else {})
    if end:
        query["start_time_to"] = to_wire(end)
    rows = [entry for entry in client.walk_entries(query) if not user_id or entry.user_id in (user_id, None)]
    kept = [entry for entry in rows if start <= entry.started_at and (not end or entry.started_at <= end)]
    return sorted(kept, key=lambda entry: (entry.started_at, entry.id))


def by_id(client: "Client", learnt: Learnt, typed: str, now: datetime) -> "TimeEntry":
    """An entry by its id or a unique prefix of it: own entries of three months, then everyone's, then all one's own.

    Raises NotFound, or UsageError when several begin like that.
    """
    typed = typed.strip().lower()
    if workitems.UUID.fullmatch(typed):
        return client.get_entry(typed)
    if len(typed) < SHORTEST_PREFIX:
        raise UsageError(
            f"'{typed}' is too short for an id: at least {SHORTEST_PREFIX} characters.", "To see ids: alga list"
        )
    own, recent = workitems.own_user(client, learnt), now - RECENT
    for user_id, start in ((own, recent), (None, recent), *([(own, EVER)] if own else [])):
        found = [entry for entry in since(client, user_id, start) if entry.id.lower().startswith(typed)]
        exact = [entry for entry in found if entry.id.lower() == typed]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if found:
            raise UsageError(
                f"{len(found)} entries begin with {typed}.", f"Say more: {', '.join(e.id for e in found[:5])}"
            )
    raise NotFound(f"No entry begins with {typed}.", "To see ids: alga list --month")


# --- overlaps -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Taken:
    """Time of one's own that is spoken for: an entry, the running timer, or a stop that is not sent yet."""

    started_at: datetime
    ended_at: datetime | None
    label: str
    id: str
    sent: bool = True


class Clash:
    """What an interval of one's own would overlap, and where there is room instead.

    `kept` are the sessions on this computer: the server knows nothing of those.
    """

    def __init__(
        self, client: "Client", learnt: Learnt, zone: tzinfo, now: datetime, kept: Sequence[Taken] = ()
    ) -> None:
        self._client, self._learnt, self._zone, self._now, self._kept = client, learnt, zone, now, kept

    def check(
        self, start: datetime, end: datetime, ignoring: str | None = None, running: bool = True, try_with: str = ""
    ) -> None:
        """Raise Overlaps when start-end overlaps one's own time; the error names it and a free slot.

        The server checks this on create only and leaves out a running timer (section 2), which `running` includes.
        An unknown own user leaves the server's entries to the server.
        """
        taken = [each for each in self._taken(start - LOOK_BACK, end) if each.id != ignoring]
        clashing = sheet.clashes(start, end, [each for each in taken if running or each.ended_at], self._now)
        if clashing:
            raise Overlaps(self._told(start, end, clashing[0]), self._room(start, end, ignoring, try_with))

    def named(self, error: Overlaps, start: datetime, end: datetime) -> Overlaps:
        """A server's own refusal, with the entry it means: there zero-minute entries count too."""
        for each in self._taken(start - LOOK_BACK, end):
            if each.started_at < end and start < (each.ended_at or self._now):
                return Overlaps(self._told(start, end, each), error.hint)
        return error

    def _taken(self, start: datetime, end: datetime) -> list[Taken]:
        user_id = workitems.own_user(self._client, self._learnt)
        own = since(self._client, user_id, start, end) if user_id else []
        return [*self._kept, *(Taken(e.started_at, e.ended_at, workitems.label(e, self._learnt), e.id) for e in own)]

    def _told(self, start: datetime, end: datetime, taken: Taken) -> str:
        day, other = (local_date(instant, self._zone) for instant in (start, taken.started_at))
        mine = format_interval(start, end, self._zone)
        on = "" if day == other else f"{format_day(other, local_date(self._now, self._zone))} "
        theirs = f"{on}{format_interval(taken.started_at, taken.ended_at, self._zone)}"
        if taken.ended_at is None:
            return f"{mine} overlaps the running timer on {taken.label}, since {theirs.removesuffix('-')}."
        return f"{mine} overlaps {taken.label} {theirs} ({taken.id[:8] if taken.sent else 'not sent yet'})."

    def _room(self, start: datetime, end: datetime, ignoring: str | None, try_with: str) -> str:
        day, today = local_date(start, self._zone), local_date(self._now, self._zone)
        begin, finish = day_start(day, self._zone), day_start(day + timedelta(days=1), self._zone)
        taken = [each for each in self._taken(begin - LOOK_BACK, finish) if each.id != ignoring]
        wanted = minutes_between(start, end)
        free = [(a, b) for a, b in sheet.gaps(begin, finish, taken, self._now) if minutes_between(a, b) >= wanted]
        on = "today" if day == today else f"on {format_day(day, today)}"
        if not free:
            return f"No {format_minutes(wanted)} are free {on}."
        shown = ", ".join(self._gap(gap, begin, finish) for gap in free)
        slot = sheet.nearest_slot(free, start, wanted, self._now)
        if not slot or not try_with:
            return f"Free {on}: {shown}."
        typed = format_interval(*slot, self._zone).removeprefix("0").replace("-0", "-")
        date = "" if day == today else f" --date {day}"
        return f"Free {on}: {shown}. Try: {try_with} {typed}{date}"

    def _gap(self, gap: tuple[datetime, datetime], begin: datetime, finish: datetime) -> str:
        if gap == (begin, finish):
            return "all day"
        if gap[0] == begin:
            return f"before {format_time(gap[1], self._zone)}"
        if gap[1] == finish:
            return f"after {format_time(gap[0], self._zone)}"
        return format_interval(*gap, self._zone)


# --- recent work ----------------------------------------------------------------------------------


def recent_work(client: "Client", learnt: Learnt, now: datetime) -> "list[TimeEntry]":
    """Own finished entries of the last three months, the latest first."""
    user_id = workitems.own_user(client, learnt)
    if user_id is None:
        return []
    query = {
        "user_id": user_id,
        "start_time_from": to_wire(now - RECENT),
        "sort": "start_time",
        "order": "desc",
        "limit": "100",
    }
    rows = [entry for entry in client.list_entries(query).rows if entry.user_id in (user_id, None) and entry.ended_at]
    return sorted(rows, key=lambda entry: entry.ended_at or now, reverse=True)
