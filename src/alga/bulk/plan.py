"""From rows to operations, in sending order, and the faults of the other rows. This module sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from alga.bulk.reading import Fault, FileRow
from alga.bulk.rows import Cells, Draft, LookUps, billable_of, check_shown, check_user, checked, times_of, type_of
from alga.core.entry import EntryRequest, billable_follows, check_text
from alga.core.intervals import Diary
from alga.core.times import cut, format_day, format_interval, local_date, minutes_between
from alga.lookup import entries, work_items
from alga.lookup.entries import NOT_THERE
from alga.lookup.overlaps import LOOK_BACK, Taken, overlap
from alga.outbox.operation import Kind, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, tzinfo

    from alga.api.client import Client
    from alga.core.entry import Entry
    from alga.outbox.results import Place
    from alga.state.cache import ServerCache

MANY = 25
APPROVED = "The entry is approved, so it cannot be changed: an approver can reopen it on the web."


@dataclass(frozen=True)
class Bulk:
    """The server that rows are for, its cache, the local zone and now."""

    client: Client
    cache: ServerCache
    zone: tzinfo
    now: datetime

    def overlap(self, start: datetime, end: datetime, taken: Taken) -> str:
        """The sentence about an overlap."""
        return overlap(start, end, taken, self.zone, self.now)

    def taken(self, entry: Entry) -> Taken:
        """An entry as taken time."""
        return Taken(entry.started_at, entry.ended_at, work_items.label(entry, self.cache), entry.id)


# --- new entries ----------------------------------------------------------------------------------


class Creates(NamedTuple):
    """Rows with their operations, rows with their already recorded entries, and the faults of the other rows."""

    going: list[tuple[Draft, Operation]]
    there: list[tuple[Draft, Entry]]
    faults: list[Fault]


def creates(bulk: Bulk, drafts: Sequence[Draft], waiting: Mapping[Place, Operation], kept: Sequence[Taken]) -> Creates:
    """Compare rows with the user's own entries and with each other, in the order of the file.

    `waiting` are the rows that an earlier run left in the outbox, `kept` the time of other operations on this computer.
    Raises what a listing raises.
    """
    plan = Creates([], [], [])
    if not drafts:
        return plan
    starts, ends = zip(*(times(draft) for draft in drafts), strict=True)
    user_id = work_items.asked_user(bulk.client, bulk.cache)
    own = entries.since(bulk.client, user_id, min(starts) - LOOK_BACK, max(ends))
    same: dict[tuple[object, ...], list[Entry]] = {}
    for entry in own:
        same.setdefault(_place(entry), []).append(entry)
    diary = Diary(bulk.now, [*kept, *(map(bulk.taken, own) if user_id else [])])
    for draft in drafts:
        start, end = times(draft)
        if found := same.get(_place(draft.asked)):  # each entry matches one row only
            entry = found.pop()
            plan.there.append((draft, entry)) if user_id else plan.faults.append(_nobodys(draft, entry))
        elif clash := diary.clash(start, end):
            plan.faults.append(Fault(draft.place, "start", bulk.overlap(start, end, clash)))
        else:
            diary.add(Taken(start, end, draft.label, str(draft.place), named=str(draft.place)))
            new = Operation(Kind.CREATE, draft.asked, draft.label, bulk.now)
            plan.going.append((draft, waiting.get(draft.place, new)))
    plan.going.sort(key=lambda pair: times(pair[0]))
    return plan


def waiting(drafts: Sequence[Draft], queued: Sequence[Operation]) -> dict[Place, Operation]:
    """The operations that an earlier run left in the outbox, by the row they match; each matches one row only."""
    left: dict[EntryRequest, list[Operation]] = {}
    for each in queued:
        left.setdefault(each.asked, []).append(each)
    return {draft.place: same.pop(0) for draft in drafts if (same := left.get(draft.asked))}


def _place(said: Entry | EntryRequest) -> tuple[object, ...]:
    """The values in which a row and its entry must agree."""
    return said.work_item_type, said.work_item_id, said.started_at, said.ended_at


def _nobodys(draft: Draft, entry: Entry) -> Fault:
    """The fault for an equal entry of an unknown user: it may be this row, so sending could record it twice."""
    told = f"{entry.id[:8]} is the same entry and may be yours: the server has not yet shown whose key this is."
    return Fault(draft.place, "", told)


def differs(draft: Draft, entry: Entry) -> str:
    """The sentence on how an already recorded entry differs from its row; '' for no difference."""
    asked = draft.asked
    pairs = {
        "notes": (asked.notes or "", entry.notes or ""),
        "billable minutes": (asked.billable_minutes, entry.billable_minutes),
        "service": (asked.service_id, entry.service_id),
    }
    other = " and ".join(name for name, (mine, theirs) in pairs.items() if mine != theirs)
    return f"The recorded entry has different {other}. To change it: alga edit {entry.id[:8]}" if other else ""


def label(bulk: Bulk, draft: Draft) -> str:
    """`TIC1042 Mon 23 Nov 09:12-10:00`."""
    start, end = times(draft)
    day = format_day(local_date(start, bulk.zone), local_date(bulk.now, bulk.zone))
    return f"{draft.label} {day} {format_interval(start, end, bulk.zone)}"


def times(draft: Draft) -> tuple[datetime, datetime]:
    """A draft's start and end, in UTC."""
    assert draft.asked.started_at and draft.asked.ended_at
    return draft.asked.started_at, draft.asked.ended_at


# --- entries that are there -----------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """An entry as it is, and the change that a row asks for."""

    place: Place
    before: Entry
    asked: EntryRequest

    @property
    def nothing(self) -> bool:
        """Whether the entry already has all requested values."""
        return self.asked == EntryRequest()


def look_up(bulk: Bulk, ids: Sequence[str]) -> dict[str, Entry]:
    """Entries by their ids; for many ids the user's own entries are read in one request."""
    user_id = work_items.own_user(bulk.client, bulk.cache)
    pages: dict[int, list[Entry]] = {}

    def begin(page: int) -> Callable[[Entry], None]:
        pages[page] = []
        return pages[page].append

    if len(ids) > MANY and user_id:
        bulk.client.export({"user_id": user_id}, begin)
    return entries.by_ids(bulk.client, ids, chain.from_iterable(pages.values()))


def closed(bulk: Bulk, entry: Entry) -> str | None:
    """Why an entry cannot be changed: it is somebody else's, or approved (section 4). None when it can."""
    own = bulk.cache.user_id
    if own is not None and entry.user_id not in (own, None):
        return f"The entry belongs to {entry.user_name or entry.user_id}: only its own user may change it."
    return APPROVED if entry.approval_status == "APPROVED" else None


def removal(bulk: Bulk, entry: Entry) -> Operation:
    """The operation that deletes an entry."""
    label = work_items.label(entry, bulk.cache)
    return Operation(Kind.DELETE, EntryRequest(), label, bulk.now, entry_id=entry.id, before=entry)


def to_change(bulk: Bulk, record: FileRow, known: LookUps, before: Entry | None) -> Change | list[Fault]:
    """The change that a row asks for, without values that the entry already has; or the row's faults."""
    cells = Cells(record)
    if before is None or (why := closed(bulk, before)):
        said = why if before else NOT_THERE if cells["id"] else "The row has no id."
        return [*cells.faults, Fault(record.place, cells.column("id"), said or NOT_THERE)]
    check_shown(record, before, known.zone, cells.faults)
    timed = any(cells[name] for name in ("date", "start", "end", "span", "minutes"))
    if before.ended_at is None and (timed or cells["billable"]):
        return [*cells.faults, Fault(record.place, "", "Its timer is still running: give the times when you stop it.")]
    start, end = (_new_times(cells, known, before) if timed else None) or (None, None)
    kind = cells.tried("type", lambda: type_of(cells["type"] or before.work_item_type or "ticket"))
    item = cells.tried("item", lambda: known.item(cells["item"] or "", kind or "ticket")) if cells["item"] else None
    service_id = cells.tried("service", lambda: known.service(cells["service"], None)) if cells["service"] else None
    cells.tried("user", lambda: check_user(cells["user"], before.user_id))
    worked = minutes_between(start, end) if start and end else before.duration_minutes
    minutes = cells.tried("billable", lambda: billable_of(cells, worked, None, known.whole, before.billable_minutes))
    notes = cells.notes(before.notes)
    cells.tried("notes", lambda: check_text(notes))
    if cells.faults:
        return cells.faults
    asked = EntryRequest(cells["type"], item.id if item else None, start, end, minutes, notes, None, service_id)
    return Change(record.place, before, billable_follows(_new(asked, before), before))


def _new_times(cells: Cells, known: LookUps, before: Entry) -> tuple[datetime, datetime] | None:
    times = times_of(cells, known, before)
    if not times or (before.ended_at and tuple(map(cut, times)) == (cut(before.started_at), cut(before.ended_at))):
        return None
    return cells.tried("end", lambda: checked(*times, known))


def _new(asked: EntryRequest, before: Entry) -> EntryRequest:
    """The request without values that the entry already has. With new times, billable minutes are always kept."""
    kept = ("started_at", "ended_at", "billable_minutes") if asked.started_at else ()
    same = [f.name for f in fields(asked) if f.name not in kept and getattr(asked, f.name) == getattr(before, f.name)]
    return replace(asked, **dict.fromkeys(same, None))


def words(asked: EntryRequest) -> str:
    """The names of the changed values: `notes, times`."""
    said = {"work item": asked.work_item_id or asked.work_item_type, "times": asked.started_at, "notes": asked.notes}
    said |= {"service": asked.service_id}
    billed = asked.billable_minutes is not None
    return ", ".join([*(name for name, value in said.items() if value), *(["billable minutes"] if billed else [])])


def check_overlaps(bulk: Bulk, changes: Sequence[Change], kept: Sequence[Taken]) -> tuple[list[Change], list[Fault]]:
    """Compare new times with the user's time after all changes: the server checks no overlap on an update (section 4).

    A refused change leaves its entry in place, so the other changes are compared with it again.
    """
    user_id = work_items.asked_user(bulk.client, bulk.cache)
    starts = [each.asked.started_at for each in changes if each.asked.started_at]
    ends = [each.asked.ended_at for each in changes if each.asked.ended_at]
    if not starts or user_id is None:
        return list(changes), []
    there = entries.since(bulk.client, user_id, min(starts) - LOOK_BACK, max(ends))
    good, faults = list(changes), list[Fault]()
    while True:
        moved = {each.before.id for each in good if each.asked.started_at}
        diary = Diary(bulk.now, [*kept, *(bulk.taken(entry) for entry in there if entry.id not in moved)])
        found = [fault for each in good if (fault := _clash(bulk, diary, each))]
        if not found:
            return good, faults
        faults += found
        wrong = {fault.place for fault in found}
        good = [each for each in good if each.place not in wrong]


def _clash(bulk: Bulk, diary: Diary[Taken], change: Change) -> Fault | None:
    start, end = change.asked.started_at, change.asked.ended_at
    if not start or not end:
        return None
    if clash := diary.clash(start, end):
        return Fault(change.place, "start", bulk.overlap(start, end, clash))
    label = work_items.label(change.before, bulk.cache)
    diary.add(Taken(start, end, label, str(change.place), named=str(change.place)))
    return None


def edits(bulk: Bulk, changes: Sequence[Change]) -> list[tuple[Change, Operation]]:
    """The operations of changes. A change that needs the old time of another entry comes after that entry's change, and
    names it in `after`; only in a cycle (two entries that swap times) are they sent together.
    """
    needs, left = _needs(bulk, changes), list(changes)
    places: dict[str, int] = {}
    planned: list[tuple[Change, Operation]] = []
    while left:
        still = {each.before.id for each in left}
        ready = [each for each in left if not needs[each.before.id] & still] or _ring(left, needs)
        for each in ready:
            after = tuple(sorted(places[needed] for needed in needs[each.before.id] if needed in places))
            planned.append((each, _edit(bulk, each, after)))
        places |= {each.before.id: len(places) + n for n, each in enumerate(ready)}
        left = [each for each in left if each.before.id not in places]
    return planned


def _ring(left: Sequence[Change], needs: Mapping[str, set[str]]) -> list[Change]:
    """Changes that need each other's places, and no other's."""
    by_id = {each.before.id: each for each in left}

    def reached(first: str) -> set[str]:
        found, new = set[str](), {first}
        while new:
            found |= new
            new = {needed for each in new for needed in needs[each] if needed in by_id} - found
        return found

    smallest = min((reached(entry_id) for entry_id in by_id), key=len)
    return [each for each in left if each.before.id in smallest]


def _edit(bulk: Bulk, change: Change, after: tuple[int, ...]) -> Operation:
    before = change.before
    edit = Operation(Kind.EDIT, change.asked, work_items.label(before, bulk.cache), bulk.now, entry_id=before.id)
    return edit._replace(before=before, after=after)


def _needs(bulk: Bulk, changes: Sequence[Change]) -> dict[str, set[str]]:
    """For each changed entry, by id, the ids of the entries whose old time it needs."""
    moved = [each for each in changes if each.asked.started_at]
    diary = Diary(bulk.now, [Taken(e.before.started_at, e.before.ended_at, "", e.before.id) for e in moved])
    needs: dict[str, set[str]] = {each.before.id: set() for each in changes}
    for each in moved:
        assert each.asked.started_at and each.asked.ended_at
        found = diary.every(each.asked.started_at, each.asked.ended_at)
        needs[each.before.id] = {taken.id for taken in found} - {each.before.id}
    return needs
