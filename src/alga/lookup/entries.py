"""Finding time entries: by filters, around an interval, or by a shortened id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from alga.core.errors import Incomplete, NeverSent, NotFound, Refused, Senseless, Unreachable, UsageError
from alga.core.times import from_wire, local_date, to_wire
from alga.lookup import work_items

if TYPE_CHECKING:
    from alga.api.client import Client
    from alga.core.entry import Entry
    from alga.core.filters import Selection
    from alga.state.cache import ServerCache

RECENT = timedelta(days=92)
EVER = datetime(2000, 1, 1, tzinfo=UTC)
SHORTEST_PREFIX = 4
SECOND = timedelta(seconds=1)  # some starts have fractions of a second
MOST_BETWEEN = 3  # times the wanted entries: up to that a listing costs less than single requests
_WORD = re.compile(r"[\w:-]+", re.ASCII)
NOT_THERE = "No entry has that id."
CLOSED = "Its status is {}: only a submitted entry can be sent back."
Warn = Callable[[str], None]


def selected(client: Client, selection: Selection, zone: tzinfo, warn: Warn) -> list[Entry]:
    """Every entry of a selection, oldest first, each once. Warns of filters that the server ignored."""
    return checked(client.walk_entries(selection.query(zone)), selection, zone, warn)


def checked(rows: Iterable[Entry], selection: Selection, zone: tzinfo, warn: Warn) -> list[Entry]:
    """The rows that match a selection. Rows that the server should have filtered out are dropped, with a warning."""
    kept, ignored = selection.checked(rows, zone)
    say_ignored(ignored, warn)
    return kept


def say_ignored(filters: Iterable[str], warn: Warn) -> None:
    """Warn of the filters that a server ignored, if any."""
    if names := sorted(filters):
        warn(f"The server ignored the filter by {' and '.join(names)}: alga filtered instead.")


def since(client: Client, user_id: str | None, start: datetime, end: datetime | None = None) -> list[Entry]:
    """Entries that start between two instants, oldest first."""
    query = {"start_time_from": to_wire(start)} | ({"user_id": user_id} if user_id else {})
    if end:
        query["start_time_to"] = to_wire(end + SECOND)
    rows = [entry for entry in client.walk_entries(query) if not user_id or entry.user_id in (user_id, None)]
    kept = [entry for entry in rows if start <= entry.started_at and (not end or entry.started_at <= end)]
    return sorted(kept, key=lambda entry: (entry.started_at, entry.id))


def since_some(client: Client, user_id: str | None, start: datetime, end: datetime | None = None) -> list[Entry]:
    """The same where no sum depends on the result: the entries received, even if the server counts more."""
    try:
        return since(client, user_id, start, end)
    except Incomplete as some:
        return [entry for entry in some.rows if not user_id or entry.user_id in (user_id, None)]


def around(client: Client, user_id: str, starts: Sequence[datetime]) -> list[Entry] | None:
    """A user's entries between the first and the last of some starts; None if most would be other entries."""
    first, last = min(starts), max(starts)
    query = {"start_time_from": to_wire(first), "start_time_to": to_wire(last + SECOND), "user_id": user_id}
    page = client.list_entries({"sort": "start_time", "order": "asc", "limit": "100", **query})
    if page.total is None or page.total > MOST_BETWEEN * len(starts):
        return None
    return since(client, user_id, first, last) if page.more or page.total != len(page.rows) else page.rows


def by_id(client: Client, cache: ServerCache, typed: str, now: datetime) -> Entry:
    """An entry by its id or a unique prefix: among the user's entries of three months, then everyone's, then all of the
    user's entries.

    Raises NotFound, or UsageError when several entries begin with the prefix.
    """
    return Finder(client, cache, now).find(typed)


def as_seen(client: Client, cache: ServerCache, typed: str, now: datetime) -> tuple[Entry, bool]:
    """The same, and False; without a connection the entry as this computer last saw it, and True.

    Also raises Unreachable for an entry that this computer has not seen.
    """
    try:
        return by_id(client, cache, typed, now), False
    except Unreachable:
        wanted = typed.strip().lower()
        found = [each for each in cache.recorded(mine=False) if each.id.lower().startswith(wanted)]
        exact = [each for each in found if each.id.lower() == wanted] or found
        if len(exact) != 1 or exact[0].cut or len(wanted) < SHORTEST_PREFIX:
            raise
        return client.read_entry(exact[0]._asdict(), learning=False), True


class Finder:
    """Finds entries by shortened ids, and reuses each listing for the next id."""

    def __init__(self, client: Client, cache: ServerCache, now: datetime) -> None:
        self._client, self._cache, self._now = client, cache, now
        self._listed: dict[tuple[str | None, datetime], list[Entry]] = {}

    def find(self, typed: str) -> Entry:
        """See by_id()."""
        exact = work_items.same_case(typed.strip())
        if work_items.UUID.fullmatch(exact):
            return self._client.get_entry(exact)
        if not self._cache.deployed and _WORD.fullmatch(exact):  # the deployed kind's ids are UUIDs
            with suppress(NotFound, Refused, Senseless):  # `stats`, for example, is another path there
                return self._client.get_entry(exact)
        typed = exact.lower()
        if len(typed) < SHORTEST_PREFIX:
            raise UsageError(
                f"'{typed}' is too short for an id: at least {SHORTEST_PREFIX} characters.", "To see ids: alga list"
            )
        own, recent = work_items.own_user(self._client, self._cache), self._now - RECENT
        for user_id, start in ((own, recent), (None, recent), *([(own, EVER)] if own else [])):
            found = [entry for entry in self._since(user_id, start) if entry.id.lower().startswith(typed)]
            same = [entry for entry in found if entry.id.lower() == typed]
            if len(same or found) == 1:
                return (same or found)[0]
            if found:
                raise UsageError(
                    f"{len(found)} entries begin with {typed}.",
                    f"Give more characters: {', '.join(e.id for e in found[:5])}",
                )
        raise NotFound(f"No entry begins with {typed}.", "To see ids: alga list --month")

    def full_id(self, typed: str) -> str:
        """A whole id unchanged; a shortened id is looked up. Raises what by_id() raises."""
        same = work_items.same_case(typed.strip())
        return same if work_items.UUID.fullmatch(same) else self.find(same).id

    def _since(self, user_id: str | None, start: datetime) -> list[Entry]:
        key = user_id, start
        if key not in self._listed:
            self._listed[key] = since_some(self._client, user_id, start)
        return self._listed[key]


def full_ids(client: Client, cache: ServerCache, typed: Sequence[str], now: datetime) -> list[str]:
    """Whole ids unchanged, shortened ids looked up, each once. Raises what by_id() raises."""
    finder = Finder(client, cache, now)
    return list(dict.fromkeys(finder.full_id(each) for each in typed))


def there(client: Client, entry_id: str) -> Entry | None:
    """An entry by its whole id, as it is now; None when it does not exist."""
    return by_ids(client, [entry_id]).get(entry_id)


def by_ids(client: Client, ids: Iterable[str], among: Iterable[Entry] = ()) -> dict[str, Entry]:
    """Entries by their whole ids; those not `among` the given entries are requested. Unknown ids are left out."""
    known = {entry.id: entry for entry in among}
    found: dict[str, Entry] = {}
    for entry_id in ids:
        with suppress(NotFound):
            found[entry_id] = known.get(entry_id) or client.get_entry(entry_id)
    return found


def sheet_days(client: Client, sheet_id: str) -> tuple[date, date] | None:
    """The first and the last day of a time sheet's period; None if the server does not show them."""
    with work_items.comfort():
        return client.time_sheet(sheet_id).days
    return None


def on_other_sheet(client: Client, entry: Entry, day: date) -> tuple[date, date] | None:
    """The days of an entry's time sheet if `day` is outside them, since an edit leaves the entry there (section 4)."""
    days = sheet_days(client, entry.time_sheet_id) if entry.time_sheet_id else None
    return days if days and not days[0] <= day <= days[1] else None


def seen_here(client: Client, cache: ServerCache) -> list[Entry]:
    """Own finished entries as this computer last saw them, the latest first, without notes that were cut."""
    rows = [(each, client.read_entry(each._asdict(), learning=False)) for each in cache.recorded(mine=True)]
    found = [entry._replace(notes=None) if each.cut else entry for each, entry in rows]
    return sorted(found, key=lambda entry: entry.ended_at or entry.started_at, reverse=True)


class Seen(NamedTuple):
    """Own entries as this computer last saw them; `unseen` are the days of which it may not know all."""

    rows: list[Entry]
    unseen: list[date]
    as_of: datetime | None


def seen_on(client: Client, cache: ServerCache, selection: Selection, zone: tzinfo, now: datetime) -> Seen:
    """The entries of a selection of own entries, without a request. Raises NeverSent for a long period."""
    rows, _ = selection.checked(seen_here(client, cache), zone)
    days = selection.period.every_day(local_date(now, zone))
    if days is None:
        raise NeverSent("No connection, and so many days are not remembered here.", "For example: alga list --week")
    times = [from_wire(cache.whole[str(day)]) for day in days if str(day) in cache.whole]
    unseen = [day for day in days if str(day) not in cache.whole and day <= local_date(now, zone)]
    return Seen(rows, unseen, min(times, default=None))


def saw(cache: ServerCache, selection: Selection, rows: Iterable[Entry], zone: tzinfo, now: datetime) -> None:
    """Remember that the days of a selection were seen whole, if it is of all own entries of them."""
    if selection.is_all_of(cache.user_id):
        today = local_date(now, zone)
        over = [day for day in selection.period.every_day(today) or () if day <= today]
        cache.saw_days(over, {entry.id for entry in rows}, zone, now)


def recent_work(client: Client, cache: ServerCache, now: datetime) -> list[Entry]:
    """Own finished entries of the last three months, the latest first."""
    user_id = work_items.own_user(client, cache)
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
