"""The outbox's remote: prepares, sends and looks for operations with the API client."""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alga.core.entry import NON_BILLABLE, EntryRequest, differences, unmet, whole_or_not
from alga.core.errors import (
    CHECK,
    AlgaError,
    Forbidden,
    NoneApproved,
    NoSession,
    NotFound,
    Overlaps,
    Refused,
    UnknownOutcome,
    Unreachable,
)
from alga.core.times import cut, format_interval, format_minutes, minutes_between
from alga.delivery.recognise import NOT_THERE, Parts, Probe, about
from alga.lookup import entries, services, work_items
from alga.lookup.overlaps import Clash, Taken
from alga.outbox import transitions
from alga.outbox.operation import Kind, Look, Operation, Seen, State
from alga.state.cache import DEPLOYED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alga.api.models import ReviewResult
    from alga.core.entry import Entry
    from alga.outbox.journal import Journal

SKEW = timedelta(minutes=2)
MOST = {Kind.CREATE: 50, Kind.EDIT: 50, Kind.DELETE: 50, Kind.APPROVE: 100, Kind.SEND_BACK: 100}  # sections 7 and 9


class Server:
    """The server of a session. Implements outbox.outbox.Remote."""

    def __init__(self, parts: Parts) -> None:
        self._on = parts
        self._probe = Probe(parts)

    def ahead(self) -> float | None:
        """Seconds by which the server's clock is ahead of ours, by its last answer."""
        return self._on.client.ahead

    def within(self, seconds: float | None) -> AbstractContextManager[None]:
        """A block of requests with a time limit in seconds; None for no limit."""
        return self._on.client.within(seconds)

    def look(self, operation: Operation, taken: set[str]) -> Look:
        """Whether an operation is already on the server."""
        return self._probe.look(operation, taken)

    def look_many(self, operations: Sequence[Operation], taken: set[str], answered: bool) -> list[Look]:
        """The same for operations of one kind, in one listing unless too many other entries lie between them."""
        looks = self._probe.look_many(operations, taken, answered)
        for operation, look in zip(operations, looks, strict=True):
            if operation.kind is Kind.DELETE and look.seen is Seen.DONE:
                self._on.cache.forget(about(operation))
        return looks

    # --- before it is sent ---

    def prepare(self, operation: Operation, own: bool) -> Operation:
        """The operation with typed names looked up; a new entry is checked for overlaps with the user's own time.

        Stops and edits were already checked by their own commands. Raises Refused, Overlaps or NotFound.
        """
        check_user(self._on, operation.asked.user_id, own)
        check_whole(self._on, operation.asked.billable_minutes, _worked(operation), own)
        ready = self._looked_up(operation)
        if ready.kind is Kind.STOP and ready.asked.ended_at is None and not own:
            ahead = timedelta(seconds=self.ahead() or 0.0)  # the time at which stop was typed, by the server's clock
            ready = ready._replace(asked=replace(ready.asked, ended_at=cut(ready.queued_at + ahead)))
        if ready.kind is Kind.CREATE and not (own and ready.timer):
            self._check(ready, own)
        sets_back = ready.undoes is not None  # no command checked that
        if (ready.kind is Kind.EDIT and (ready.timer or sets_back or not own)) or (ready.kind is Kind.STOP and not own):
            self._check_place(ready)
        return ready

    def _check_place(self, operation: Operation) -> None:
        """Raise Overlaps if time that was free is now taken: the server does not check this (sections 4 and 6)."""
        start, end = operation.started_at, operation.asked.ended_at
        if end and (operation.asked.started_at or operation.kind is Kind.STOP):
            self._clash(operation.id).check(start, end, ignoring=operation.entry_id)

    def _looked_up(self, operation: Operation) -> Operation:
        asked, label = operation.asked, operation.label
        client, cache = self._on.client, self._on.cache
        if operation.item_typed and asked.work_item_id is None:
            item = work_items.resolve(operation.item_typed, asked.work_item_type or "ticket", client, cache)
            asked, label = replace(asked, work_item_id=item.id), item.label
        if operation.service_typed is not None:
            typed = operation.service_typed or None
            service_id = services.chosen(typed, self._on.profile.service, asked.work_item_id, client, cache)
            asked = replace(asked, service_id=service_id)
        return operation._replace(asked=asked, label=label, service_typed=None)

    def _check(self, operation: Operation, own: bool) -> None:
        """Raise Overlaps. For an unknown or another user the check is left to the server."""
        asked = operation.asked
        assert asked.started_at and asked.ended_at
        if asked.user_id in (None, self._on.cache.user_id):
            try_with = self._on.again if own else ""
            self._clash(operation.id).check_new(asked.started_at, asked.ended_at, try_with)

    def _clash(self, number: int) -> Clash:
        on = self._on
        return Clash(on.client, on.cache, on.zone, on.now(), taken(on.journal, number))

    # --- sending ---

    def send(self, operation: Operation) -> tuple[Operation, Entry | None]:
        """Send an operation. Returns its new state, and the entry, if any. Raises what the client raises."""
        sent = self._send(operation)
        say_if_wrong(self._on)
        return sent

    # --- many in one call ---

    def most(self, kind: Kind) -> int:
        """How many operations of a kind one call carries. While the key's user is unknown, new entries are sent alone,
        since they could not be distinguished from other users' entries.
        """
        if kind is Kind.CREATE and work_items.own_user(self._on.client, self._on.cache) is None:
            return 1
        return MOST.get(kind, 1)

    def send_many(self, operations: Sequence[Operation]) -> tuple[list[Operation | AlgaError | None], int | None]:
        """Send operations in one call. Only approve reports each result (section 7); create counts the new entries, and
        the other calls count unknown ids too, or nothing (section 9).
        """
        nothing: list[Operation | AlgaError | None] = [None] * len(operations)
        client, ids, counted = self._on.client, [about(each) for each in operations if each.entry_id], None
        match operations[0].kind:
            case Kind.CREATE:
                counted = client.bulk_create([transitions.as_entry(each) for each in operations])
            case Kind.EDIT:
                client.bulk_update({about(each): each.asked for each in operations})
            case Kind.DELETE:
                client.bulk_delete(ids)
            case Kind.APPROVE:
                return self._approved(operations, {each.entry_id: each for each in client.approve(ids)}), None
            case Kind.SEND_BACK:
                client.request_changes(ids, operations[0].asked.notes or "", operations[0].feedback)
        say_if_wrong(self._on)
        return nothing, counted

    def _approved(
        self, operations: Sequence[Operation], results: Mapping[str, ReviewResult]
    ) -> list[Operation | AlgaError | None]:
        """The result of each approval, as the server reported it."""
        told: list[Operation | AlgaError | None] = []
        for each in operations:
            result = results.get(about(each))
            if result is None:
                told.append(UnknownOutcome("The server did not report the result"))
            elif result.success:
                told.append(transitions.done(each, None))
            else:
                told.append(NoneApproved(result.error or "The server did not approve it."))
        return told

    def _send(self, operation: Operation) -> tuple[Operation, Entry | None]:
        match operation.kind:
            case Kind.CREATE:
                return self._create(operation)
            case Kind.START:
                return self._start(operation)
            case Kind.STOP:
                return self._stop(operation)
            case Kind.EDIT:
                return self._edit(operation)
            case Kind.DELETE:
                with suppress(NotFound):
                    self._on.client.delete_entry(about(operation))
                self._on.cache.forget(about(operation))
                return transitions.done(operation, None), None
            case Kind.APPROVE:
                self._approve(operation)
            case Kind.SEND_BACK:
                self._send_back(operation)
        return transitions.done(operation, None), None

    def _create(self, operation: Operation) -> tuple[Operation, Entry | None]:
        asked = transitions.as_entry(operation)
        assert asked.started_at and asked.ended_at
        try:
            entry = self._about(operation, self._on.client.create_entry(asked))
        except Overlaps as error:
            clash, place = self._clash(operation.id), (asked.started_at, asked.ended_at)
            raise clash.named(error, *place, self._on.again) from None
        self._own(operation, entry)
        return transitions.done(operation, entry), entry

    def _about(self, operation: Operation, entry: Entry) -> Entry:
        """The entry of an answer. Raises UnknownOutcome for an entry that the operation is not about: then nothing of
        the answer is believed. A server may change values of an entry, but not its id, nor work item and start at once.
        """
        before, times = operation.before or EntryRequest(), (operation.started_at, transitions.sent_there(operation))
        items = {
            each.lower() for each in (operation.asked.work_item_id or before.work_item_id, entry.work_item_id) if each
        }
        match operation.kind:
            case Kind.EDIT:
                other = entry.id.lower() != about(operation).lower()
            case Kind.STOP:
                ids = {each.lower() for each in (entry.id, entry.session_id) if each}
                same_id = bool(
                    ids & {about(operation).lower(), (operation.before.id if operation.before else "").lower()}
                )
                other = len(items) == 2 and not same_id and entry.started_at != before.started_at
            case _:
                other = len(items) == 2 and all(abs(entry.started_at - each) > SKEW for each in times)
        if other:
            raise UnknownOutcome("The server answered with another entry", CHECK)
        return entry

    def _own(self, operation: Operation, entry: Entry) -> None:
        """Learn the key's own user from an entry, but for a new one that is not as it was asked for."""
        changed = operation.kind is Kind.CREATE and entry.started_at != cut(operation.started_at)
        if operation.asked.user_id is None and not changed:
            self._on.cache.own(entry.user_id, entry.user_name)

    def _start(self, operation: Operation) -> tuple[Operation, Entry | None]:
        asked = replace(operation.asked, started_at=None, ended_at=None, billable_minutes=None)
        entry = self._about(operation, self._on.client.start_tracking(asked))
        self._own(operation, entry)
        for sentence in differences(asked, entry, self._on.zone):
            self._on.warn(sentence)
        return self._begun(operation, entry)

    def _begun(self, operation: Operation, entry: Entry) -> tuple[Operation, Entry]:
        """The second step of a back-dated start: PUT the start. If that fails, the stop corrects it."""
        start = operation.asked.started_at
        if start and cut(start) != entry.started_at and not operation.asked.ended_at:
            entry = self._back_dated(entry, cut(start))
        begun = transitions.running_there(operation, entry)
        return begun, entry

    def _back_dated(self, entry: Entry, start: datetime) -> Entry:
        try:
            return self._on.client.update_entry(entry.id, EntryRequest(started_at=start), running=True)
        except (Refused, Forbidden, NotFound, Unreachable) as error:
            self._on.warn(error.message)
            return entry

    def _stop(self, operation: Operation) -> tuple[Operation, Entry | None]:
        asked = replace(operation.asked, work_item_type=None, work_item_id=None)
        before = operation.before or EntryRequest()
        if asked.billable_minutes is None and before.work_item_type == NON_BILLABLE:
            asked = replace(asked, billable_minutes=0)
        try:
            entry = self._about(operation, self._on.client.stop_tracking(about(operation), asked))
        except NoSession as error:
            raise self._elsewhere(operation, error) from None
        self._own(operation, entry)
        return transitions.delivered(operation, entry), entry

    def _elsewhere(self, operation: Operation, error: NoSession) -> AlgaError:
        entry = self._probe.entry_of(operation)
        if entry is None:
            return error
        shown = format_interval(entry.started_at, entry.ended_at, self._on.zone)
        return NoSession(f"That timer was stopped elsewhere: {shown} ({entry.id[:8]}).", f"alga show {entry.id[:8]}")

    def _edit(self, operation: Operation) -> tuple[Operation, Entry | None]:
        running = bool(operation.before and operation.before.ended_at is None and operation.asked.ended_at is None)
        entry = self._about(operation, self._on.client.update_entry(about(operation), operation.asked, running))
        if not operation.timer and (said := self._ignored(operation, entry)):
            raise Refused(said)
        return transitions.delivered(operation, entry), entry

    def _ignored(self, operation: Operation, entry: Entry) -> str:
        """The sentences about an edit that the server reported as done but ignored; otherwise ''."""
        asked, before = operation.asked, operation.before
        same = before is not None and all(getattr(entry, name) == getattr(before, name) for name in asked.said)
        return " ".join(unmet(asked, entry, self._on.zone)) if same else ""

    def _approve(self, operation: Operation) -> None:
        results = self._on.client.approve([about(operation)])
        if not results:
            raise UnknownOutcome("The server did not report the result")
        for result in results:
            if not result.success:
                raise NoneApproved(result.error or "The server did not approve it.")

    def _send_back(self, operation: Operation) -> None:
        """Send an entry back, and read it to check: the server always reports success (section 7)."""
        reason = operation.asked.notes or ""
        self._on.client.request_changes([about(operation)], reason, operation.feedback)
        entry = entries.there(self._on.client, about(operation))
        if entry is None:
            raise Refused(NOT_THERE if operation.before else entries.NOT_THERE)
        if entry.approval_status == "SUBMITTED":
            raise Refused("The server reported success, but the entry was not sent back.")
        if entry.approval_status != "CHANGES_REQUESTED":
            raise Refused(entries.CLOSED.format(entry.approval_status))


def check_user(on: Parts, user_id: str | None, own: bool) -> None:
    """Raise Refused for another user if the server would record the time for the key's own user (section 1).

    Asks the server for its kind if that is unknown. `own`: in the command that was typed.
    """
    if user_id is None or work_items.same_case(user_id) == work_items.own_user(on.client, on.cache):
        return
    others, yourself = "Other users log their time themselves.", on.retyped("--user")
    hint = f"{others} For yourself: {yourself}" if own else others
    if on.profile.is_local:
        raise Refused("The practice data has no other users.", f"For yourself: {yourself}" if own else "")
    if _kind(on) is None:
        told = "The server has not shown yet whether it records time for others."
        raise Refused(told, "Log an entry of your own first: its answer shows that.")
    if on.cache.deployed:
        raise Refused(
            "This server records time for the key's own user only: the entry would be on your own time sheet.", hint
        )


def check_whole(on: Parts, minutes: int | None, worked: int, own: bool, stopping: bool = False) -> None:
    """Raise Refused for partly billable minutes if the server bills an entry whole or not at all (section 1).

    `stopping`: the hint names no minutes, since they grow until the command is typed again.
    """
    if minutes is None or not 0 < minutes < worked or on.profile.is_local or _kind(on) != DEPLOYED:
        return
    everything = on.retyped("--billable", *([] if stopping else ["--billable", str(worked)]))
    nothing = on.retyped("--billable", "--no-billable")
    hint = f"To bill all: {everything}\nTo bill nothing: {nothing}" if own else "Bill all of it, or use --no-billable."
    raise Refused(whole_or_not(minutes, worked), hint)


def _kind(on: Parts) -> str | None:
    """The kind of server; asks once if that is unknown."""
    if on.cache.kind is None:
        with work_items.comfort():
            on.client.list_entries({"limit": "1"})  # the cache learns from every answer
    return on.cache.kind


def _worked(operation: Operation) -> int:
    """Worked minutes of the resulting entry; 0 unless both ends are known."""
    asked, before = operation.asked, operation.before or EntryRequest()
    start, end = asked.started_at or before.started_at, asked.ended_at or before.ended_at
    return minutes_between(start, end) if start and end else 0


def clock_fault(ahead: float | None) -> str:
    """`5m behind the server`, if the server's clock is `ahead` by that many seconds; '' for up to two minutes."""
    if ahead is None or abs(ahead) <= SKEW.total_seconds():
        return ""
    return f"{format_minutes(round(abs(ahead) / 60))} {'behind' if ahead > 0 else 'ahead of'} the server"


def say_if_wrong(on: Parts) -> None:
    """Warn, once, if this computer's clock is so wrong that recorded times would be wrong."""
    if (fault := clock_fault(on.client.shown_ahead)) and not on.profile.is_local:
        told = f"This computer's clock is {fault}: times taken from it are off by that much. Set the clock."
        if told not in on.warnings:
            on.warn(told)


def taken(journal: Journal, number: int = 0) -> list[Taken]:
    """The time of operations on this computer that the server may not know yet.

    With `number`, only of operations before the one with that number, and of a timer.
    """
    live = journal.live()
    queued = journal.queued(before=number) if number else journal.queued()
    every = {each.id: each for each in (live, *queued) if each and each.id != number}
    here = [each for each in every.values() if each.live or not number or each.id < number]
    return [Taken(each.started_at, _end(each), each.label, _id(each), sent=False) for each in here if _takes_time(each)]


def _takes_time(operation: Operation) -> bool:
    """Whether it takes time that the server does not show: a timer on the server only if not back-dated yet."""
    if operation.kind is Kind.EDIT:
        return operation.asked.started_at is not None and operation.asked.ended_at is not None
    if operation.kind is Kind.START and operation.state is State.RUNNING:
        had = operation.before.started_at if operation.before else None
        return had is not None and operation.started_at < had
    return operation.kind in (Kind.CREATE, Kind.START, Kind.STOP)


def _end(operation: Operation) -> datetime | None:
    """The end of an operation; a stop on the server's clock ends when it was typed."""
    return operation.asked.ended_at or (cut(operation.queued_at) if operation.kind is Kind.STOP else None)


def _id(operation: Operation) -> str:
    """The entry's id for a timer on the server's clock; otherwise `kept-` and the journal's number."""
    there = operation.kind in (Kind.START, Kind.STOP) and operation.entry_id
    return there or f"kept-{operation.id}"
