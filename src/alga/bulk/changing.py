"""Changing and deleting many entries: each is looked at before, and read again after, since servers only count."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import TYPE_CHECKING

from alga.bulk.creating import MOST, Bulk
from alga.bulk.files import Fault, Record
from alga.bulk.rows import Cells, Known, billable_of, check_shown, check_user, checked_times, times_of, type_of
from alga.core.entry import EntryRequest, billable_follows, check_text, unmet
from alga.core.errors import AlgaError, NoSuchOperation, NotFound, Refused
from alga.core.intervals import Diary
from alga.core.times import cut, minutes_between
from alga.lookup import entries, work_items
from alga.lookup.entries import NOT_THERE
from alga.lookup.overlaps import LOOK_BACK, Taken
from alga.outbox.operation import Kind, Operation
from alga.outbox.results import Outcome, Place, Watch, in_chunks, left_by, one_by_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from alga.core.entry import Entry

MANY = 25
BLOCKED = "Its new place is not free: what was there was not moved."
APPROVED = "It is approved, so it cannot be changed: an approver reopens it on the web."


@dataclass(frozen=True)
class Change:
    """An entry as it is, and what should become of it."""

    place: Place
    before: Entry
    asked: EntryRequest


def operation(change: Change, label: str, now: datetime) -> Operation:
    """What a change is in the outbox."""
    before = change.before
    return Operation(Kind.EDIT, change.asked, label, now, entry_id=before.id, before=before)


def removal(entry: Entry, label: str, now: datetime) -> Operation:
    """What deleting an entry is in the outbox."""
    return Operation(Kind.DELETE, EntryRequest(), label, now, entry_id=entry.id, before=entry)


def look_up(bulk: Bulk, ids: Sequence[str]) -> dict[str, Entry]:
    """Entries by their ids; for many of them one's own are read at once."""
    user_id = work_items.own_user(bulk.client, bulk.cache)
    many = len(ids) > MANY and user_id
    pages: dict[int, list[Entry]] = {}

    def begin(page: int) -> Callable[[Entry], None]:
        pages[page] = []
        return pages[page].append

    if many:
        bulk.client.export({"user_id": user_id or ""}, begin)
    return entries.by_ids(bulk.client, ids, chain.from_iterable(pages.values()))


def closed(bulk: Bulk, entry: Entry) -> str | None:
    """Why an entry cannot be changed: somebody else's, or approved (section 4)."""
    own = bulk.cache.user_id
    if own is not None and entry.user_id not in (own, None):
        return f"It belongs to {entry.user_name or entry.user_id}: only its own user may change it."
    return APPROVED if entry.approval_status == "APPROVED" else None


# --- changing -------------------------------------------------------------------------------------


def to_change(bulk: Bulk, record: Record, known: Known, before: Entry | None) -> Change | list[Fault]:
    """What a row changes in its entry: only what is not so already."""
    cells = Cells(record)
    if before is None or (why := closed(bulk, before)):
        said = why if before else NOT_THERE if cells["id"] else "There is no id."
        return [*cells.faults, Fault(record.place, cells.column("id"), said or NOT_THERE)]
    check_shown(record, before, known.zone, cells.faults)
    timed = any(cells[name] for name in ("date", "start", "end", "span", "minutes"))
    if before.ended_at is None and (timed or cells["billable"]):
        return [*cells.faults, Fault(record.place, "", "Its timer still runs: its times come with the stop.")]
    times = _new_times(cells, known, before) if timed else None
    kind = cells.tried("type", lambda: type_of(cells["type"] or before.work_item_type or "ticket"))
    item = cells.tried("item", lambda: known.item(cells["item"] or "", kind or "ticket")) if cells["item"] else None
    service_id = cells.tried("service", lambda: known.service(cells["service"], None)) if cells["service"] else None
    cells.tried("user", lambda: check_user(cells["user"], before.user_id))
    start, end = times or (None, None)
    worked = minutes_between(start, end) if start and end else before.duration_minutes
    minutes = cells.tried("billable", lambda: billable_of(cells, worked, None, known.whole, before.billable_minutes))
    notes = cells.notes(before.notes)
    cells.tried("notes", lambda: check_text(notes))
    if cells.faults:
        return cells.faults
    asked = EntryRequest(cells["type"], item.id if item else None, start, end, minutes, notes, None, service_id)
    return Change(record.place, before, billable_follows(_new(asked, before), before))


def _new_times(cells: Cells, known: Known, before: Entry) -> tuple[datetime, datetime] | None:
    times = times_of(cells, known, before)
    if times and before.ended_at and (cut(times[0]), cut(times[1])) == (cut(before.started_at), cut(before.ended_at)):
        return None
    return cells.tried("end", lambda: checked_times(*times, known.now)) if times else None


def _new(asked: EntryRequest, before: Entry) -> EntryRequest:
    """Without what the entry has already. With new times what is said of billable minutes is new too."""
    timed = asked.started_at is not None
    kept = ("started_at", "ended_at", "billable_minutes") if timed else ()
    same = [f.name for f in fields(asked) if f.name not in kept and getattr(asked, f.name) == getattr(before, f.name)]
    return replace(asked, **dict.fromkeys(same, None))


def words(asked: EntryRequest) -> str:
    """`notes, times`: what changes."""
    said = {"work item": asked.work_item_id or asked.work_item_type, "times": asked.started_at, "notes": asked.notes}
    said |= {"service": asked.service_id}
    billed = asked.billable_minutes is not None
    return ", ".join([*(name for name, value in said.items() if value), *(["billable minutes"] if billed else [])])


def check_overlaps(bulk: Bulk, changes: Sequence[Change], kept: Sequence[Taken]) -> tuple[list[Change], list[Fault]]:
    """Hold new times against one's own time as it will be: the server checks no overlap here (section 4).

    A change that cannot be made leaves its entry where it is, so the others are held against that again.
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
        staying = [Taken(e.started_at, e.ended_at, "", e.id[:8]) for e in there if e.id not in moved]
        diary = Diary(bulk.now, [*kept, *staying])
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
        named = clash.id if clash.sent else f"{clash.label}, not sent yet"
        told = f"It would overlap {bulk.shown(clash.started_at, clash.ended_at)} ({named})."
        return Fault(change.place, "start", told)
    diary.add(Taken(start, end, "", str(change.place)))
    return None


def change(bulk: Bulk, changes: Sequence[Change], watch: Watch) -> list[Outcome]:
    """Send the changes and read each entry again: the server counts, unknown ids too (section 9).

    A change that needs the place of another entry goes after that one has left it, and not at all where it has not.
    """
    empty = EntryRequest()
    unchanged = [each for each in changes if each.asked == empty]
    outcomes = [Outcome("unchanged", True, each.before.id, None, each.place, sent=False) for each in unchanged]
    left = [each for each in changes if each.asked != empty]
    needs = _needs(bulk, left)
    while left:
        ready = [each for each in left if not needs[each.before.id]] or left  # or a ring, which goes as one
        try:
            found = _sent(bulk, ready, watch)
        except AlgaError as error:
            if not any(outcome.sent for outcome in outcomes):
                raise
            return [*outcomes, *watch.told([left_by(error, each, _untold) for each in left])]
        outcomes += found
        left = [each for each in left if each not in ready]
        if any(outcome.stopped or outcome.waits or outcome.state == "not sent" for outcome in found):
            rest = [_untold(each, "not sent", found[-1].reason or "") for each in left]
            last = found[-1]
            return [*outcomes, *watch.told([replace(e, stopped=last.stopped, ended=last.ended) for e in rest])]
        gone = {outcome.id for outcome in found if outcome.done}
        needs = {key: wanted - gone for key, wanted in needs.items()}
        stuck = {str(outcome.id) for outcome in found} - gone
        while blocked := [each for each in left if needs[each.before.id] & stuck]:
            outcomes += watch.told([_untold(each, "refused", BLOCKED) for each in blocked])
            stuck |= {each.before.id for each in blocked}
            left = [each for each in left if each not in blocked]
    return outcomes


def _needs(bulk: Bulk, changes: Sequence[Change]) -> dict[str, set[str]]:
    """The entries whose old place each change needs, by ids."""
    moved = [each for each in changes if each.asked.started_at]
    diary = Diary(bulk.now, [Taken(e.before.started_at, e.before.ended_at, "", e.before.id) for e in moved])
    needs: dict[str, set[str]] = {each.before.id: set() for each in changes}
    for each in moved:
        assert each.asked.started_at and each.asked.ended_at
        found = diary.every(each.asked.started_at, each.asked.ended_at)
        needs[each.before.id] = {taken.id for taken in found} - {each.before.id}
    return needs


def _sent(bulk: Bulk, changes: Sequence[Change], watch: Watch) -> list[Outcome]:
    def write(chunk: Sequence[Change]) -> None:
        try:
            bulk.client.bulk_update({each.before.id: each.asked for each in chunk})
        except NoSuchOperation:
            raise
        except Refused:
            return  # one of a wrong form refuses all: each is tried alone then

    def judge(chunk: Sequence[Change], lost: str) -> Iterator[Outcome]:
        for each in chunk:
            entry = entries.there(bulk.client, each.before.id)
            if entry and not unmet(each.asked, entry, bulk.zone):
                yield Outcome("changed", True, entry.id, None, each.place)
            elif lost:
                yield _untold(each, "unknown", lost)
            else:
                yield from one_by_one([each], lambda each: _alone(bulk, each), _untold)

    return in_chunks(changes, lambda: MOST, write, judge, _untold, watch)


def _alone(bulk: Bulk, each: Change) -> Outcome:
    """Change one by itself, to learn why it is refused."""
    try:
        entry = bulk.client.update_entry(each.before.id, each.asked, each.before.ended_at is None)
    except (Refused, NotFound) as error:
        return _untold(each, "refused", error.message)
    said = " ".join(unmet(each.asked, entry, bulk.zone))
    asked = [f.name for f in fields(each.asked) if getattr(each.asked, f.name) is not None]
    if said and all(getattr(entry, name) == getattr(each.before, name) for name in asked):
        return _untold(each, "refused", said)
    return Outcome("changed", True, entry.id, said or None, each.place)


def _untold(each: Change, state: str, reason: str) -> Outcome:
    return Outcome(state, False, each.before.id, reason, each.place)


# --- deleting -------------------------------------------------------------------------------------


def delete(bulk: Bulk, ids: Sequence[str], there: Mapping[str, Entry], watch: Watch) -> list[Outcome]:
    """Delete each and look which are gone: the server says 204 whatever happened (section 9)."""
    why = {entry_id: closed(bulk, there[entry_id]) if entry_id in there else NOT_THERE for entry_id in ids}
    refused = [_kept(entry_id, "refused", reason) for entry_id, reason in why.items() if reason]

    def write(chunk: Sequence[str]) -> None:
        bulk.client.bulk_delete(chunk)

    def judge(chunk: Sequence[str], lost: str) -> Iterator[Outcome]:
        for entry_id in chunk:
            if entries.there(bulk.client, entry_id) is None:
                yield Outcome("deleted", True, entry_id)
            elif lost:
                yield _kept(entry_id, "unknown", lost)
            else:
                yield from one_by_one([entry_id], lambda each: _deleted(bulk, each), _kept)

    doomed = [entry_id for entry_id in ids if not why[entry_id]]
    return refused + in_chunks(doomed, lambda: MOST, write, judge, _kept, watch)


def _deleted(bulk: Bulk, entry_id: str) -> Outcome:
    """Delete one by itself, to learn why it is refused."""
    try:
        with suppress(NotFound):
            bulk.client.delete_entry(entry_id)
    except Refused as error:
        return _kept(entry_id, "refused", error.message)
    return Outcome("deleted", True, entry_id)


def _kept(entry_id: str, state: str, reason: str) -> Outcome:
    return Outcome(state, False, entry_id, reason)
