"""Recognising an operation that is already on the server: alga looks for it before sending it again."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Protocol

from alga.core.entry import EntryRequest, unmet
from alga.core.times import cut, format_interval
from alga.lookup import entries, work_items
from alga.outbox import transitions
from alga.outbox.operation import Kind, Look, Operation, Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alga.api.client import Client
    from alga.core.entry import Entry
    from alga.outbox.journal import Journal
    from alga.state.cache import ServerCache
    from alga.state.config import Paths, Profile

MINUTE = timedelta(minutes=1)
NOT_THERE = "The entry no longer exists."
GONE = "The timer no longer exists: it was deleted elsewhere."
OTHERS = "The entry was changed elsewhere in the meantime, so alga did not change it."
UNSEEN = "The entry was not approved, since it may have changed after you saw it: check it and approve it again."
NOBODY = "The entry may be on the server: alga looks for it as soon as the server shows whose key this is."
STATUSES = {
    Kind.APPROVE: ("APPROVED", ("DRAFT", "SUBMITTED", "CHANGES_REQUESTED")),
    Kind.SEND_BACK: ("CHANGES_REQUESTED", ("SUBMITTED",)),
}


class Parts(Protocol):
    """What delivery needs from a session."""

    @property
    def client(self) -> Client: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def cache(self) -> ServerCache: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def paths(self) -> Paths: ...
    @property
    def zone(self) -> tzinfo: ...
    @property
    def warnings(self) -> list[str]: ...
    @property
    def again(self) -> str: ...
    def now(self) -> datetime: ...
    def warn(self, sentence: str) -> None: ...
    def note(self, sentence: str) -> None: ...
    def retyped(self, without: str, *more: str) -> str: ...


class Probe:
    """Looks for operations on the server of a session."""

    def __init__(self, parts: Parts) -> None:
        self._on = parts

    def look(self, operation: Operation, taken: set[str]) -> Look:
        """Whether an operation is already on the server. Entries of other users or of other operations do not count."""
        match operation.kind:
            case Kind.CREATE:
                return self._entry(operation, taken)
            case Kind.START:
                return self._session(operation, taken)
            case Kind.STOP:
                return self._stop(operation)
        entry = entries.there(self._on.client, about(operation))
        if operation.kind is Kind.DELETE and entry is None:
            return Look(Seen.DONE)
        if entry is None:
            return Look(Seen.CHANGED, reason=NOT_THERE)
        return self._look_at(operation, entry)

    def look_many(self, operations: Sequence[Operation], taken: set[str], answered: bool) -> list[Look]:
        """The same for operations of one kind. `answered`: the server said that it carried them out."""
        if operations[0].kind is Kind.CREATE:
            return self._created(operations, taken)
        there = self._entries_of(operations, answered)
        if operations[0].kind is Kind.DELETE:
            return [Look(Seen.NOT_DONE if about(each) in there else Seen.DONE) for each in operations]
        return [
            self._look_at(each, there[about(each)]) if about(each) in there else Look(Seen.CHANGED, reason=NOT_THERE)
            for each in operations
        ]

    def _created(self, operations: Sequence[Operation], taken: set[str]) -> list[Look]:
        """Looks for new entries of the user; each entry matches one operation only, the oldest first."""
        user_id = work_items.asked_user(self._on.client, self._on.cache)
        if not user_id:
            return [Look(Seen.UNCLEAR, reason=NOBODY, guarded=self._on.cache.deployed) for _ in operations]
        starts = [cut(each.started_at) for each in operations]
        there: dict[tuple[object, ...], list[Entry]] = {}
        for entry in sorted(self._starting(user_id, min(starts), max(starts) - min(starts) + MINUTE), key=_made):
            there.setdefault((entry.user_id, *_place(entry)), []).append(entry)
        taken, looks = set(taken), list[Look]()
        for each in map(self._by_their_clock, operations):
            same = there.get((user_id, *_place(transitions.as_entry(each))), [])
            found = next((e for e in same if e.id not in taken and transitions.made_since(each, e.created_at)), None)
            taken |= {found.id} if found else set()
            looks.append(Look(Seen.DONE, found) if found else Look(Seen.NOT_DONE))
        return looks

    def _entries_of(self, operations: Sequence[Operation], answered: bool) -> dict[str, Entry]:
        """The entries that operations are about, as they are now, by id; missing entries are left out.

        One listing shows the entries that were changed. After an answer it also shows which were deleted: only an entry
        that was moved and approved meanwhile is neither deleted nor there.
        """
        ids = [about(each) for each in operations]
        if operations[0].kind not in (Kind.EDIT, Kind.DELETE):  # entries of others
            return entries.by_ids(self._on.client, ids)
        starts = [start for each in operations if (start := _start_of(each))]
        user_id = work_items.own_user(self._on.client, self._on.cache)
        found = entries.around(self._on.client, user_id, starts) if user_id and starts else None
        if found is not None and answered and operations[0].kind is Kind.DELETE and len(starts) == len(ids):
            wanted = set(ids)
            return {entry.id: entry for entry in found if entry.id in wanted}
        return entries.by_ids(self._on.client, ids, found or ())

    def _entry(self, operation: Operation, taken: set[str]) -> Look:
        """A look for an entry of the requested user, or of the key's user if the server ignored that (section 2)."""
        own = work_items.asked_user(self._on.client, self._on.cache)
        users = [user_id for user_id in dict.fromkeys((operation.asked.user_id or own, own)) if user_id]
        if not users:  # the server's overlap rule prevents a duplicate (section 2)
            return Look(Seen.UNCLEAR, reason=NOBODY, guarded=self._on.cache.deployed)
        for user_id in users:
            if entry := self._entry_of(user_id, operation, taken):
                return Look(Seen.DONE, entry)
        return Look(Seen.NOT_DONE)

    def _entry_of(self, user_id: str, operation: Operation, taken: set[str]) -> Entry | None:
        asked = operation.asked
        wanted = (user_id, asked.work_item_type, asked.work_item_id, cut(asked.ended_at or operation.queued_at))
        there = self._starting(user_id, cut(operation.started_at), MINUTE)
        operation = self._by_their_clock(operation)
        for entry in sorted(there, key=_made):  # the oldest first: a later operation cannot have made an earlier entry
            same = (entry.user_id, entry.work_item_type, entry.work_item_id, entry.ended_at) == wanted
            if same and entry.id not in taken and transitions.made_since(operation, entry.created_at):
                return entry
        return None

    def _by_their_clock(self, operation: Operation) -> Operation:
        """The operation with the server's clock difference, if that was unknown when it was sent."""
        return operation if operation.ahead is not None else operation._replace(ahead=self._on.client.ahead)

    def _starting(self, user_id: str, start: datetime, span: timedelta) -> list[Entry]:
        return entries.since(self._on.client, user_id, start, start + span - timedelta(seconds=1))

    def _session(self, operation: Operation, taken: set[str]) -> Look:
        """The active session, if this operation started it; otherwise an entry started then and stopped elsewhere."""
        active = self._on.client.active_session()
        operation = self._by_their_clock(operation)
        if active and _is_start_of(operation, active):
            return Look(Seen.RUNNING, active)
        user_id = work_items.asked_user(self._on.client, self._on.cache)
        sent = transitions.sent_there(operation)
        found = (
            self._starting(user_id, sent - transitions.AT_MOST_BETWEEN, 2 * transitions.AT_MOST_BETWEEN)
            if user_id
            else []
        )
        for entry in found:
            if entry.ended_at and entry.id not in taken and _is_start_of(operation, entry):
                shown = format_interval(entry.started_at, entry.ended_at, self._on.zone)
                return Look(Seen.ENDED, entry, f"It was stopped elsewhere: {shown}.")
        return Look(Seen.NOT_DONE)

    def _stop(self, operation: Operation) -> Look:
        entry = self.entry_of(operation)
        operation = self._by_their_clock(operation)
        if entry is None:
            return Look(Seen.CHANGED, reason=GONE)
        if entry.ended_at is None:
            return Look(Seen.NOT_DONE, entry)
        if operation.sent_at and transitions.is_end_of(operation, entry.ended_at):
            return Look(Seen.DONE, entry)
        shown = format_interval(entry.started_at, entry.ended_at, self._on.zone)
        return Look(Seen.CHANGED, entry, f"It was stopped elsewhere: {shown} ({entry.id[:8]}).")

    def entry_of(self, operation: Operation) -> Entry | None:
        """The entry of a session: by its id, or if that is not an entry's id by work item and start."""
        if entry := entries.there(self._on.client, about(operation)):
            return entry
        before, user_id = operation.before or EntryRequest(), work_items.asked_user(self._on.client, self._on.cache)
        if user_id is None or before.started_at is None:
            return None
        found = self._starting(user_id, cut(before.started_at), MINUTE)
        return next((entry for entry in found if entry.work_item_id == before.work_item_id), None)

    def _look_at(self, operation: Operation, entry: Entry) -> Look:
        """Compare the entry that an operation is about with the request."""
        same = operation.before is not None and entry.content == operation.before.content
        if operation.kind in STATUSES:
            wanted, possible = STATUSES[operation.kind]
            if entry.approval_status == wanted:
                return Look(Seen.DONE, entry)
            if entry.approval_status not in possible:
                return Look(Seen.CHANGED, entry, entries.CLOSED.format(entry.approval_status))
            if operation.kind is Kind.APPROVE and not same:
                return Look(Seen.CHANGED, entry, UNSEEN)
            return Look(Seen.NOT_DONE, entry)
        if operation.kind is Kind.EDIT and not unmet(operation.asked, entry, self._on.zone):
            return Look(Seen.DONE, entry)
        return Look(Seen.NOT_DONE if same else Seen.CHANGED, entry, OTHERS)


def _place(said: Entry | EntryRequest) -> tuple[object, ...]:
    """The values in which an entry and the operation that made it agree."""
    return said.work_item_type, said.work_item_id, said.started_at, said.ended_at


def _start_of(operation: Operation) -> datetime | None:
    """The start at which to look for the entry of a change; None when unknown."""
    return operation.asked.started_at or (operation.before.started_at if operation.before else None)


def _made(entry: Entry) -> datetime:
    """The entry's creation time, or its start if the server does not show that."""
    return entry.created_at or entry.started_at


def about(operation: Operation) -> str:
    """The id of the entry, or session, that an operation is about."""
    assert operation.entry_id
    return operation.entry_id


def _is_start_of(operation: Operation, entry: Entry) -> bool:
    """Whether this operation started a session: same work item, started at the sending or the requested start."""
    asked = operation.asked
    if (entry.work_item_type, entry.work_item_id) != (asked.work_item_type, asked.work_item_id):
        return False
    sent = transitions.sent_there(operation)
    near = abs(entry.started_at - sent) <= transitions.AT_MOST_BETWEEN
    return near or (asked.started_at is not None and entry.started_at == cut(asked.started_at))
