"""The states of an operation and what comes next: pure decisions. journal.py saves them, outbox.py acts on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from alga.core.entry import NON_BILLABLE, EntryRequest
from alga.core.errors import Verdict
from alga.core.times import cut, minutes_between
from alga.outbox.operation import Kind, Look, Operation, Seen, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alga.core.entry import Entry

MANY_FAILURES = 3  # tries that got 5xx or no answer, after which a person is told
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)  # after the second failure, and at most
AT_MOST_BETWEEN = timedelta(minutes=2)  # the most by which two clocks that agree may differ
FRESH: Mapping[str, Any] = {
    "failures": 0,
    "failing_since": None,
    "fault": "",
    "missing": False,
}  # the values of an operation that was not tried yet


class Step(StrEnum):
    """The next step for a queued operation."""

    LOOK = "look"
    SEND = "send"
    KEEP = "keep the clock here"
    WAIT = "wait until somebody can tell"


# --- before it is sent ----------------------------------------------------------------------------


def first_step(operation: Operation, own: bool) -> Step:
    """The first step. `own`: in the command that made it, so that nothing can have changed since it was checked.

    A start is sent only once, by its own command: later it would begin at another time.
    """
    if operation.sent_at:
        return Step.LOOK
    if operation.kind is Kind.START and not own:
        return Step.KEEP
    checked = own and not operation.remembered
    return Step.SEND if checked or operation.kind is Kind.CREATE else Step.LOOK


def rests(operation: Operation, now: datetime) -> bool:
    """Whether other commands skip it for a while, since it failed repeatedly; alga sync always tries it."""
    if operation.failures < 2 or operation.tried_at is None:
        return False
    pause: timedelta = min(FIRST_PAUSE * 4 ** min(operation.failures - 2, 5), LONGEST_PAUSE)
    return operation.tried_at <= now < operation.tried_at + pause


def after_look(operation: Operation, look: Look, tried: bool = False) -> Step | Operation:
    """The result of a look: another step, or the new state. `tried`: it was sent a moment ago."""
    match look.seen:
        case Seen.DONE:
            return delivered(operation, look.entry)
        case Seen.ENDED:
            return ended_elsewhere(operation, look)
        case Seen.RUNNING:
            assert look.entry
            return running_there(operation, look.entry)
        case Seen.CHANGED:
            return aside(operation, look.reason)
        case Seen.UNCLEAR:
            return Step.SEND if look.guarded and not tried else Step.WAIT
    return Step.KEEP if operation.kind is Kind.START else Step.SEND


def sending(operation: Operation, now: datetime, ahead: float | None) -> Operation:
    """The operation as saved right before it is sent: from now on it may be on the server."""
    first = operation if operation.sent_at else operation._replace(sent_at=now, ahead=ahead)
    return first._replace(tries=operation.tries + 1, tried_at=now)


# --- after it was sent ----------------------------------------------------------------------------


def done(operation: Operation, entry: Entry | None) -> Operation:
    """The operation once it is on the server."""
    entry_id = entry.id if entry else operation.entry_id
    return operation._replace(state=State.DONE, entry_id=entry_id, stored=entry, reason="")


def delivered(operation: Operation, stored: Entry | None) -> Operation:
    """The operation once it is on the server. A stopped timer with the wrong start there becomes an edit."""
    if operation.kind is not Kind.STOP or not stored:
        return done(operation, stored)
    start, before = operation.asked.started_at, operation.before
    theirs = before is not None and before.started_at != stored.started_at  # somebody else's change stays
    if not start or stored.started_at == cut(start) or theirs:
        ended_at = operation.asked.ended_at or stored.ended_at
        return done(operation._replace(asked=replace(operation.asked, ended_at=ended_at)), stored)
    kind, said = operation.asked.work_item_type or stored.work_item_type, operation.asked.billable_minutes
    whole = as_entry(operation._replace(asked=EntryRequest(kind, None, cut(start), stored.ended_at, said)))
    right = replace(whole, work_item_type=None)
    return operation._replace(kind=Kind.EDIT, entry_id=stored.id, asked=right, before=stored, sent_at=None, **FRESH)


def ended_elsewhere(operation: Operation, look: Look) -> Operation:
    """A start that is already a finished entry: done, or set aside if its times differ from the request."""
    stored, asked = look.entry, operation.asked
    assert stored
    other_end = asked.ended_at and not is_end_of(operation, stored.ended_at)
    other_start = asked.started_at and cut(asked.started_at) != stored.started_at
    if other_end or other_start:
        return aside(operation._replace(entry_id=stored.id), look.reason)
    begun = operation._replace(asked=replace(asked, started_at=stored.started_at, ended_at=stored.ended_at))
    return done(begun, stored)


def running_there(operation: Operation, session: Entry) -> Operation:
    """A start whose session runs on the server; if it was stopped in the meantime, the stop is next."""
    session_id = session.session_id or session.id
    begun = operation._replace(entry_id=session_id, before=session, sent_at=None, reason="", **FRESH)
    return begun._replace(kind=Kind.STOP) if begun.asked.ended_at else begun._replace(state=State.RUNNING)


def kept_here(operation: Operation) -> Operation:
    """A start that did not reach the server: it runs on this computer, and its stop creates one finished entry."""
    asked = replace(operation.asked, started_at=cut(operation.started_at))
    state = State.QUEUED if asked.ended_at else State.RUNNING
    return operation._replace(kind=Kind.CREATE, state=state, asked=asked, sent_at=None, **FRESH)


def looked_for(before: Operation, verdict: Verdict) -> bool:
    """Whether a look must come before the verdict counts: the outcome, or that of an earlier try, is unknown."""
    return verdict is Verdict.UNKNOWN or (verdict is Verdict.NO and before.in_doubt)


def judged(
    operation: Operation, before: Operation, verdict: Verdict, reason: str, own: bool, gone: bool = False
) -> Operation:
    """The operation after the verdict on a try, once the look that looked_for() asks for is done.

    `before` is the operation before the try; `own` says that its own command tries, which reports the result to a
    person. An operation that is set aside or waits keeps the reason. A refused stop leaves its timer running, unless
    the timer is `gone`.
    """
    if verdict is Verdict.UNKNOWN:
        since = operation.failing_since or operation.tried_at
        return operation._replace(failures=operation.failures + 1, failing_since=since, missing=False, reason=reason)
    after = operation._replace(sent_at=before.sent_at, ahead=before.ahead, tries=before.tries, reason=reason)
    accepted = not own or before.sent_at is not None or holds_time(operation)
    match verdict:
        case Verdict.NOT_SENT:
            return after
        case Verdict.ENDED:  # its command can take it back
            return after if accepted or operation.kind is Kind.STOP else after._replace(state=State.REFUSED)
        case Verdict.NO:
            return _refused(after._replace(tries=operation.tries), accepted, gone)


def missing(operation: Operation, reason: str) -> Operation:
    """The operation after a look found nothing: it waits for the next try."""
    return operation._replace(missing=True, reason=reason)


def _refused(operation: Operation, accepted: bool, gone: bool) -> Operation:
    """The operation after a refusal: closed by the command that made it, but set aside if it was accepted before."""
    if accepted:
        return aside(operation, operation.reason)
    if operation.kind is Kind.STOP and not gone:
        return operation._replace(kind=Kind.START, state=State.RUNNING, asked=replace(operation.asked, ended_at=None))
    return operation._replace(state=State.REFUSED)


def holds_time(operation: Operation) -> bool:
    """Whether it holds the time of a timer, or of an entry that was shortened before it, which would be lost if the
    operation were closed.
    """
    after_another = bool(operation.after) and operation.kind is Kind.CREATE
    return after_another or (operation.timer and operation.kind in (Kind.CREATE, Kind.EDIT))


# --- what a person does ---------------------------------------------------------------------------


def stopped(
    operation: Operation, asked: EntryRequest, end: datetime, now: datetime, service_typed: str | None = None
) -> Operation:
    """The timer with its end, notes, service and billable minutes. Less than a minute on this computer is dropped.

    A timer on the server's clock gets only an end that was typed, `asked.ended_at`, rather than `end`.
    """
    was = operation.asked
    if operation.state is State.RUNNING and operation.kind is Kind.START:
        said = replace(
            asked, started_at=was.started_at, work_item_type=was.work_item_type, work_item_id=was.work_item_id
        )
        queued = operation._replace(kind=Kind.STOP, state=State.QUEUED, asked=said, queued_at=now)
        return queued._replace(service_typed=service_typed)
    said = replace(
        was,
        ended_at=end,
        notes=asked.notes or was.notes,
        service_id=asked.service_id or (None if service_typed else was.service_id),
        billable_minutes=asked.billable_minutes,
    )
    typed = service_typed or (None if asked.service_id else operation.service_typed)
    nothing = operation.kind is Kind.CREATE and minutes_between(operation.started_at, end) < 1
    state = State.DROPPED if nothing else State.QUEUED
    return operation._replace(state=state, asked=said, service_typed=typed)


def aside(operation: Operation, reason: str) -> Operation:
    """The operation set aside, for a person to decide."""
    return operation._replace(state=State.ASIDE, reason=reason)


def again(operation: Operation) -> Operation:
    """The operation queued again. A service that was never found may be configured by now."""
    usual = "" if operation.kind is Kind.CREATE and operation.asked.service_id is None else None
    typed = usual if operation.service_typed is None else operation.service_typed
    return operation._replace(state=State.QUEUED, service_typed=typed, **FRESH)


def as_it_was(after: Operation, before: Operation) -> Operation:
    """The original operation, if its corrected version was refused again without ever being sent."""
    unsent = after.state is State.ASIDE and after.sent_at == before.sent_at
    kept = (before.asked, before.label, before.item_typed, before.service_typed, before.mended)
    asked, label, item_typed, service_typed, mended = kept
    was = after._replace(asked=asked, label=label, item_typed=item_typed, service_typed=service_typed, mended=mended)
    return was if unsent else after


def dropped(operation: Operation) -> Operation:
    """The operation dropped, at a person's request."""
    return operation._replace(state=State.DROPPED)


def follows(operation: Operation, earlier: Operation) -> bool:
    """Whether a change was based on the same entry as an earlier edit, so that it must build on that edit's result."""
    changes = operation.kind in (Kind.EDIT, Kind.DELETE) and earlier.kind is Kind.EDIT
    seen, found = operation.before, earlier.before
    return changes and bool(seen and found and seen.content == found.content) and depends(operation, earlier)


def depends(operation: Operation, earlier: Operation) -> bool:
    """Whether both are about the same entry and so keep their order; other operations are not delayed."""
    return operation.entry_id is not None and operation.entry_id == earlier.entry_id


# --- what it is on a server -----------------------------------------------------------------------


def as_entry(operation: Operation) -> EntryRequest:
    """The request for a finished entry: all minutes are billable unless the operation says otherwise."""
    asked = operation.asked
    if asked.billable_minutes is not None or not (asked.started_at and asked.ended_at):
        return asked
    billed = 0 if asked.work_item_type == NON_BILLABLE else minutes_between(asked.started_at, asked.ended_at)
    return replace(asked, billable_minutes=billed)


def sent_there(operation: Operation) -> datetime:
    """The time of the first sending, by the server's clock, in UTC."""
    return (operation.sent_at or operation.queued_at) + timedelta(seconds=operation.ahead or 0.0)


def is_end_of(operation: Operation, ended_at: datetime | None) -> bool:
    """Whether a session's end can be the result of this stop."""
    end = operation.asked.ended_at or sent_there(operation)
    return ended_at is not None and abs(ended_at - end) <= AT_MOST_BETWEEN


def made_since(operation: Operation, created_at: datetime | None) -> bool:
    """Whether an entry can be the result of this operation; without a creation time it can."""
    if created_at is None or operation.sent_at is None:
        return True
    return created_at >= sent_there(operation) - AT_MOST_BETWEEN
