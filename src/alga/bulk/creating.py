"""New entries from rows: what is there already, what would overlap, and what became of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alga.bulk.files import Fault
from alga.bulk.rows import Draft
from alga.core.entry import EntryRequest, differences
from alga.core.errors import NoSuchOperation, NotFound, Overlaps, Refused
from alga.core.intervals import Diary
from alga.core.times import format_day, format_interval, local_date
from alga.lookup import entries, work_items
from alga.lookup.overlaps import LOOK_BACK, Taken
from alga.outbox.operation import Kind, Operation
from alga.outbox.results import Outcome, Place, Watch, in_chunks, one_by_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, tzinfo

    from alga.api.client import Client
    from alga.core.entry import Entry
    from alga.state.cache import ServerCache

MOST = 50  # rows in one request (section 9)
UNLISTED = "The server counts it and does not list it. Look before you send it again: alga list."


@dataclass(frozen=True)
class Bulk:
    """Where rows go, and from where they are looked at."""

    client: Client
    cache: ServerCache
    zone: tzinfo
    now: datetime

    def shown(self, start: datetime, end: datetime | None) -> str:
        """`Mon 23 Nov 09:12-10:00`."""
        day = format_day(local_date(start, self.zone), local_date(self.now, self.zone))
        return f"{day} {format_interval(start, end, self.zone)}"


def key(draft: Draft) -> tuple[object, ...]:
    """What a row and its entry have in common."""
    asked = draft.asked
    return asked.work_item_type, asked.work_item_id, asked.started_at, asked.ended_at


def key_of(entry: Entry) -> tuple[object, ...]:
    """The same of an entry."""
    return entry.work_item_type, entry.work_item_id, entry.started_at, entry.ended_at


def operation(draft: Draft, now: datetime) -> Operation:
    """What a row is in the outbox."""
    return Operation(Kind.CREATE, draft.asked, draft.label, now)


def waiting(drafts: Sequence[Draft], queued: Sequence[Operation]) -> dict[Place, Operation]:
    """The rows that an earlier run left in the outbox, each matched to one operation only."""
    left: dict[EntryRequest, list[Operation]] = {}
    for each in queued:
        left.setdefault(each.asked, []).append(each)
    return {draft.place: same.pop(0) for draft in drafts if (same := left.get(draft.asked))}


class Landed:
    """Entries that rows may have become: each is matched to one row only."""

    def __init__(self, rows: Iterable[Entry]) -> None:
        self._left: dict[tuple[object, ...], list[Entry]] = {}
        for entry in rows:
            self._left.setdefault(key_of(entry), []).append(entry)

    def take(self, draft: Draft) -> Entry | None:
        """The entry of a row, if it is there."""
        same = self._left.get(key(draft))
        return same.pop() if same else None


@dataclass(frozen=True)
class Plan:
    """Rows to send, rows that are on the server already, and the faults of the rest."""

    drafts: Sequence[Draft]
    landed: Sequence[Outcome]
    faults: Sequence[Fault]


def plan(bulk: Bulk, drafts: Sequence[Draft], kept: Sequence[Taken]) -> Plan:
    """Hold rows against one's own entries and against each other, in the order of the file.

    Raises what a listing raises. `kept` are the sessions on this computer.
    """
    if not drafts:
        return Plan([], [], [])
    starts, ends = zip(*(times(draft) for draft in drafts), strict=True)
    user_id = work_items.asked_user(bulk.client, bulk.cache)
    there = entries.since(bulk.client, user_id, min(starts) - LOOK_BACK, max(ends))
    landed = Landed(there)
    taken = [Taken(e.started_at, e.ended_at, work_items.label(e, bulk.cache), e.id[:8]) for e in there]
    diary = Diary(bulk.now, [*kept, *(taken if user_id else [])])
    good, done, faults = list[Draft](), list[Outcome](), list[Fault]()
    for draft in drafts:
        if entry := landed.take(draft):
            if user_id is None:
                faults.append(Fault(draft.place, "", _nobody(entry)))
            else:
                done.append(_already(bulk, draft, entry))
        elif clash := diary.clash(*times(draft)):
            faults.append(Fault(draft.place, "start", _overlap(bulk, draft, clash)))
        else:
            start, end = times(draft)
            diary.add(Taken(start, end, draft.label, str(draft.place)))
            good.append(draft)
    return Plan(good, done, faults)


def _nobody(entry: Entry) -> str:
    """Without knowing whose key this is, an equal entry may be this row: sending it could double it."""
    return f"{entry.id[:8]} is the same and may be yours: the server has not shown yet whose key this is."


def _overlap(bulk: Bulk, draft: Draft, taken: Taken) -> str:
    theirs = bulk.shown(taken.started_at, taken.ended_at)
    named = taken.id if taken.sent else "not sent yet"
    return f"{bulk.shown(*times(draft))} overlaps {taken.label} {theirs} ({named})."


def create(bulk: Bulk, drafts: Sequence[Draft], watch: Watch) -> list[Outcome]:
    """Send the rows by their start, and find each again: the server answers with a count only (section 9)."""
    sending = _Sending(bulk)
    return in_chunks(sorted(drafts, key=times), sending.size, sending.write, sending.judge, _untold, watch)


class _Sending:
    """A chunk of rows on its way. Until an answer has shown whose key this is, rows go alone: others' entries could
    not be told from one's own.
    """

    def __init__(self, bulk: Bulk) -> None:
        self._bulk = bulk
        self._known = True
        self._count: int | None = 0  # of the rows that the server says it made; None where it refused the form of one
        self._told: list[Outcome] = []

    def size(self) -> int:
        """How many rows the next chunk has."""
        self._known = work_items.own_user(self._bulk.client, self._bulk.cache) is not None
        return MOST if self._known else 1

    def write(self, chunk: Sequence[Draft]) -> None:
        """Send them."""
        self._count, self._told = 0, []
        if not self._known:
            self._told = [_alone(self._bulk, chunk[0])]
            return
        try:
            self._count = self._bulk.client.bulk_create([draft.asked for draft in chunk])
        except NoSuchOperation:
            raise
        except Refused:
            self._count = None  # one row of a wrong form refuses all

    def judge(self, chunk: Sequence[Draft], lost: str) -> Iterator[Outcome]:
        """What became of each."""
        bulk = self._bulk
        if not self._known:
            yield from self._told or [_untold(chunk[0], "unknown", lost)]
            return
        found = _found(bulk, chunk) if self._count is not None else [None] * len(chunk)
        missing = [draft for draft, entry in zip(chunk, found, strict=True) if entry is None]
        unlisted = not lost and len(chunk) - len(missing) < (self._count or 0)
        alone = one_by_one([] if lost or unlisted else missing, lambda draft: _alone(bulk, draft), _untold)
        for draft, entry in zip(chunk, found, strict=True):
            if entry:
                yield _outcome(bulk, draft, entry)
            else:
                yield _untold(draft, "unknown", lost or UNLISTED) if lost or unlisted else next(alone)


def _found(bulk: Bulk, chunk: Sequence[Draft]) -> list[Entry | None]:
    """Each row's entry, matched one to one among one's own of that window."""
    starts = [times(draft)[0] for draft in chunk]
    user_id = work_items.own_user(bulk.client, bulk.cache)
    landed = Landed(entries.since(bulk.client, user_id, min(starts), max(starts)))
    return [landed.take(draft) for draft in chunk]


def _alone(bulk: Bulk, draft: Draft) -> Outcome:
    """Send one row by itself, to learn why it is refused."""
    try:
        entry = bulk.client.create_entry(draft.asked)
    except Overlaps:
        return _untold(draft, "refused", "It overlaps another entry of yours.")
    except (Refused, NotFound) as error:
        return _untold(draft, "refused", f"{error.message} {error.hint}".strip())
    bulk.cache.own(entry.user_id, entry.user_name)
    return _outcome(bulk, draft, entry)


def _outcome(bulk: Bulk, draft: Draft, entry: Entry) -> Outcome:
    """A row that was recorded, with whatever is not as it was asked."""
    said = " ".join(differences(draft.asked, entry, bulk.zone))
    return Outcome("recorded", True, entry.id, said or None, draft.place, label(bulk, draft))


def _already(bulk: Bulk, draft: Draft, entry: Entry) -> Outcome:
    """A row that was there before."""
    asked = draft.asked
    pairs = {
        "notes": (asked.notes or "", entry.notes or ""),
        "billable minutes": (asked.billable_minutes, entry.billable_minutes),
        "service": (asked.service_id, entry.service_id),
    }
    other = " and ".join(name for name, (mine, theirs) in pairs.items() if mine != theirs)
    said = f"There it has other {other}. To change it: alga edit {entry.id[:8]}" if other else None
    return Outcome("recorded already", True, entry.id, said, draft.place, label(bulk, draft), sent=False)


def _untold(draft: Draft, state: str, reason: str) -> Outcome:
    return Outcome(state, False, None, reason, draft.place, draft.label)


def label(bulk: Bulk, draft: Draft) -> str:
    """`TIC1042 Mon 23 Nov 09:12-10:00`."""
    return f"{draft.label} {bulk.shown(*times(draft))}"


def times(draft: Draft) -> tuple[datetime, datetime]:
    """Its start and end."""
    assert draft.asked.started_at and draft.asked.ended_at
    return draft.asked.started_at, draft.asked.ended_at
