"""Changing and deleting many entries: each is looked at before, and read again after, since servers only count."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alga import entries, workitems
from alga.bulk.creating import Bulk
from alga.bulk.reading import Fault, Record
from alga.bulk.rows import Cells, Known, billable_of, check_user, checked_times, times_of
from alga.errors import Forbidden, NotFound, Refused, UnknownOutcome
from alga.outcomes import Outcome, Place, Tell, in_chunks
from alga.sheet import Diary
from alga.times import cut, local_date, minutes_between
from alga.truth import Asked, billable_follows, unmet
from alga.workitems import TYPES

if TYPE_CHECKING:
    from alga.api.models import TimeEntry

MOST = 50  # entries in one request (section 9)
MANY = 25
NOT_THERE = "No entry has that id."
LOST = "Its answer was lost, and it is as it was so far. To see: alga show ID"


@dataclass(frozen=True)
class Change:
    """An entry as it is, and what should become of it."""

    place: Place
    before: "TimeEntry"
    asked: Asked


def look_up(bulk: Bulk, ids: Sequence[str]) -> "dict[str, TimeEntry]":
    """Entries by their ids; many of them in one listing of one's own."""
    user_id = workitems.own_user(bulk.client, bulk.learnt) if len(ids) > MANY else None
    among = entries.since(bulk.client, user_id, entries.EVER) if user_id else []
    return entries.by_ids(bulk.client, ids, among)


def forbidden(bulk: Bulk, entry: "TimeEntry") -> str | None:
    """Why nobody but somebody else may change an entry; None for one's own."""
    own = bulk.learnt.user_id
    if own is None or entry.user_id in (own, None):
        return None
    return f"It belongs to {entry.user_name or entry.user_id}: only its own user may change it."


# --- changing -------------------------------------------------------------------------------------


def to_change(bulk: Bulk, record: Record, known: Known, there: "Mapping[str, TimeEntry]") -> Change | list[Fault]:
    """What a row changes in its entry: only what is not so already."""
    cells = Cells(record)
    before = there.get((cells["id"] or "").lower())
    if before is None:
        return [*cells.faults, Fault(record.place, cells.column("id"), NOT_THERE if cells["id"] else "There is no id.")]
    if why := forbidden(bulk, before):
        return [*cells.faults, Fault(record.place, cells.column("id"), why)]
    timed = any(cells[name] for name in ("date", "start", "end", "span"))
    if before.ended_at is None and (timed or cells["billable"]):
        return [*cells.faults, Fault(record.place, "", "Its timer still runs: its times come with the stop.")]
    times = _new_times(cells, known, before) if timed else None
    kind = cells["type"] or before.work_item_type or "ticket"
    cells.tried("type", lambda: _check_type(kind))
    item = cells.tried("item", lambda: known.item(cells["item"] or "", kind)) if cells["item"] else None
    service_id = cells.tried("service", lambda: known.service(cells["service"])) if cells["service"] else None
    cells.tried("user", lambda: check_user(cells["user"], before.user_id))
    start, end = times or (None, None)
    worked = minutes_between(start, end) if start and end else before.duration_minutes
    typed = cells["billable"]
    minutes = cells.tried("billable", lambda: billable_of(typed, worked, 0)) if typed else None
    notes = cells.tried("notes", lambda: Asked(notes=cells["notes"]))
    if cells.faults or notes is None:
        return cells.faults
    asked = Asked(cells["type"], item.id if item else None, start, end, minutes, notes.notes, None, service_id)
    return Change(record.place, before, billable_follows(_new(asked, before), before))


def _new_times(cells: Cells, known: Known, before: "TimeEntry") -> tuple[datetime, datetime] | None:
    times = times_of(cells, known, local_date(before.started_at, known.zone))
    if times and (cut(times[0]), cut(times[1])) == (before.started_at, before.ended_at):
        return None
    return cells.tried("end", lambda: checked_times(*times, known.now)) if times else None


def _check_type(kind: str) -> None:
    if kind not in TYPES:
        raise Refused(f"There is no type '{kind}'.", f"There is: {', '.join(TYPES)}.")


def _new(asked: Asked, before: "TimeEntry") -> Asked:
    """Without what the entry has already. With new times what is said of billable minutes is new too."""
    timed = asked.started_at is not None
    kept = ("started_at", "ended_at", "billable_minutes") if timed else ()
    same = [f.name for f in fields(asked) if f.name not in kept and getattr(asked, f.name) == getattr(before, f.name)]
    return replace(asked, **dict.fromkeys(same, None))


def check_overlaps(bulk: Bulk, changes: Sequence[Change]) -> tuple[list[Change], list[Fault]]:
    """Hold new times against one's own entries, as they will be: the server checks no overlap here (section 4)."""
    moved = {each.before.id for each in changes if each.asked.started_at}
    user_id = workitems.own_user(bulk.client, bulk.learnt)
    if not moved or user_id is None:
        return list(changes), []
    starts = [each.asked.started_at for each in changes if each.asked.started_at]
    ends = [each.asked.ended_at for each in changes if each.asked.ended_at]
    there = entries.since(bulk.client, user_id, min(starts) - timedelta(days=7), max(ends))
    diary = Diary[_Interval](
        bulk.now, (_Interval(e.started_at, e.ended_at, e.id[:8]) for e in there if e.id not in moved)
    )
    good, faults = list[Change](), list[Fault]()
    for each in changes:
        start, end = each.asked.started_at, each.asked.ended_at
        clash = diary.clash(start, end) if start and end else None
        if clash:
            told = f"{bulk.shown(clash.started_at, clash.ended_at)} ({clash.name})"
            faults.append(Fault(each.place, "start", f"It would overlap {told}."))
            continue
        if start and end:
            diary.add(_Interval(start, end, str(each.place)))
        good.append(each)
    return good, faults


@dataclass(frozen=True)
class _Interval:
    started_at: datetime
    ended_at: datetime | None
    name: str


def change(bulk: Bulk, changes: Sequence[Change], tell: Tell) -> list[Outcome]:
    """Send the changes and read each entry again: the server counts, unknown ids too (section 9)."""
    empty = Asked()
    to_send = [each for each in changes if each.asked != empty]
    as_it_was = [Outcome("unchanged", True, e.before.id, None, e.place) for e in changes if e.asked == empty]

    def send(chunk: Sequence[Change]) -> list[Outcome]:
        lost = False
        try:
            bulk.client.bulk_update({each.before.id: each.asked for each in chunk})
        except UnknownOutcome:
            lost = True
        except Refused:
            lost = False  # one of a wrong form refuses all: each is tried alone
        found = _again(bulk, [each.asked.started_at or each.before.started_at for each in chunk])
        return [_changed(bulk, each, found.get(each.before.id), lost) for each in chunk]

    def unsent(each: Change, reason: str) -> Outcome:
        return Outcome("not sent", False, each.before.id, reason, each.place)

    return as_it_was + in_chunks(to_send, MOST, send, unsent, tell)


def _again(bulk: Bulk, starts: Sequence[datetime]) -> "dict[str, TimeEntry]":
    """One's own entries of a window, by id."""
    user_id = bulk.learnt.user_id
    return {entry.id: entry for entry in entries.since(bulk.client, user_id, min(starts), max(starts))}


def _changed(bulk: Bulk, each: Change, entry: "TimeEntry | None", lost: bool) -> Outcome:
    if entry and not unmet(each.asked, entry, bulk.zone):
        return Outcome("changed", True, entry.id, None, each.place)
    if lost:
        return Outcome("unknown", False, each.before.id, LOST, each.place)
    try:  # alone, to learn why
        entry = bulk.client.update_entry(each.before.id, each.asked, each.before.ended_at is None)
    except (Refused, NotFound, Forbidden) as error:
        return Outcome("refused", False, each.before.id, error.message, each.place)
    said = " ".join(unmet(each.asked, entry, bulk.zone))
    return Outcome("changed", True, entry.id, said or None, each.place)


# --- deleting -------------------------------------------------------------------------------------


def delete(bulk: Bulk, ids: Sequence[str], there: "Mapping[str, TimeEntry]", tell: Tell) -> list[Outcome]:
    """Delete each and look which are gone: the server says 204 whatever happened (section 9)."""
    refused = {entry_id: forbidden(bulk, there[entry_id]) if entry_id in there else NOT_THERE for entry_id in ids}
    told = [Outcome("refused", False, entry_id, reason) for entry_id, reason in refused.items() if reason]
    doomed = [there[entry_id] for entry_id in ids if not refused[entry_id]]

    def send(chunk: "Sequence[TimeEntry]") -> list[Outcome]:
        lost = False
        try:
            bulk.client.bulk_delete([entry.id for entry in chunk])
        except UnknownOutcome:
            lost = True
        left = _again(bulk, [entry.started_at for entry in chunk])
        return [_deleted(bulk, entry, entry.id in left, lost) for entry in chunk]

    def unsent(entry: "TimeEntry", reason: str) -> Outcome:
        return Outcome("not sent", False, entry.id, reason)

    return told + in_chunks(doomed, MOST, send, unsent, tell)


def _deleted(bulk: Bulk, entry: "TimeEntry", left: bool, lost: bool) -> Outcome:
    if left and lost:
        return Outcome("unknown", False, entry.id, LOST)
    if left:
        try:  # alone, to learn why
            with suppress(NotFound):
                bulk.client.delete_entry(entry.id)
        except (Refused, Forbidden) as error:
            return Outcome("refused", False, entry.id, error.message)
    return Outcome("deleted", True, entry.id)
