"""What free time was probably: the same weekday last week, assigned and recent work, a calendar; and kept replies."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from alga.core import files
from alga.core.intervals import clashes
from alga.core.reply import Free
from alga.core.times import format_interval, from_wire, to_wire
from alga.lookup import work_items
from alga.lookup.work_items import WorkItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from alga.core.entry import Entry
    from alga.state.cache import ServerCache

WEEK = timedelta(days=7)
MOST = 9  # proposals, so that one digit chooses


class Proposal(NamedTuple):
    """What a stretch may have been, and why; with times, where these are known."""

    item: WorkItem
    title: str
    why: str
    notes: str | None = None
    span: Free | None = None
    service: str | None = None  # as typed; None for the usual one


class Event(NamedTuple):
    """An event of a calendar, in UTC."""

    started_at: datetime
    ended_at: datetime
    summary: str


class Kept(NamedTuple):
    """A reply: an entry that is not recorded yet."""

    item: WorkItem
    started_at: datetime
    ended_at: datetime
    notes: str | None
    service: str | None = None  # as typed; None for the usual one


def proposed(
    stretch: Free,
    recorded: Sequence[Entry],
    work: Iterable[Proposal],
    events: Iterable[Event],
    cache: ServerCache,
    zone: tzinfo,
    now: datetime,
) -> list[Proposal]:
    """What a stretch may have been, the likeliest first, each work item once. `recorded` includes the week before;
    `work` are aliases, and assigned and recent work.
    """
    found = [_of_event(event, stretch, cache) for event in clashes(*stretch, events, now)]
    before = Free(stretch.started_at - WEEK, stretch.ended_at - WEEK)
    for entry in clashes(*before, [entry for entry in recorded if entry.ended_at], now):
        if entry.work_item_id or entry.work_item_type:
            shown = format_interval(entry.started_at, entry.ended_at, zone)
            item = WorkItem(entry.work_item_type or "ticket", entry.work_item_id or "", work_items.label(entry, cache))
            found.append(Proposal(item, _title(item, entry.work_item_title, cache), f"last week {shown}"))
    once: dict[object, Proposal] = {}
    for each in (*found, *work):
        said = (each.notes, each.service) if each.service or not each.item.id else None
        once.setdefault((each.item.type, each.item.id, said), each)
    return list(once.values())[:MOST]


def _of_event(event: Event, stretch: Free, cache: ServerCache) -> Proposal:
    """An event's work item is the ticket whose number is in its summary; else it is work of no ticket."""
    words = {word.strip("()[]:,;#").lower() for word in event.summary.split()}
    known = [key for key, (number, *_) in cache.tickets.items() if number and number.lower() in words]
    item = WorkItem("ticket", known[0], cache.tickets[known[0]][0]) if known else WorkItem("ad_hoc", "", "ad_hoc")
    span = Free(max(event.started_at, stretch.started_at), min(event.ended_at, stretch.ended_at))
    return Proposal(item, event.summary, "in your calendar", event.summary, span)


def _title(item: WorkItem, said: str | None, cache: ServerCache) -> str:
    title = work_items.title(item.id, cache) or said or ""
    return "" if title == item.label else title


# --- replies that are not recorded yet ------------------------------------------------------------


def load(path: Path) -> list[Kept]:
    """The replies of a fill that was interrupted; a damaged file counts as none."""
    with suppress(OSError, ValueError, TypeError, RecursionError):
        rows = json.loads(files.read_own(path))
        return [Kept(WorkItem(*row[0]), from_wire(row[1]), from_wire(row[2]), row[3], row[4]) for row in rows]
    return []


def keep(path: Path, replies: Sequence[Kept]) -> None:
    """Keep the replies; without replies the file is removed."""
    with suppress(OSError):
        if replies:
            rows = [
                [each.item, to_wire(each.started_at), to_wire(each.ended_at), each.notes, each.service]
                for each in replies
            ]
            files.write_whole(path, json.dumps(rows), cache=True)
        else:
            path.unlink(missing_ok=True)
