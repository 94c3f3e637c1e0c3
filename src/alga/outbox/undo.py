"""Taking back: what undoes an operation, as the server has the entry now. Pure decisions; an undo can be undone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from alga.core.entry import EntryRequest
from alga.outbox.operation import Kind, Operation, State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from alga.core.entry import Entry

NEVER: Mapping[Kind, str] = {
    Kind.APPROVE: "An approval cannot be taken back: an approver reopens the entry on the web.",
    Kind.SEND_BACK: "What was sent back cannot be taken back: the person submits it again.",
}
MAKES = (Kind.CREATE, Kind.START, Kind.STOP)  # an entry, if it is done
GONE = "The entry is not there any more."
CHANGED = "The entry was changed since."


class Undoing(NamedTuple):
    """How an operation is taken back: by another operation, or by dropping it or its timer; or why it cannot be."""

    operation: Operation
    inverse: Operation | None = None
    refusal: str = ""

    @property
    def deletes(self) -> bool:
        """Whether it deletes an entry, which not every role may."""
        return self.inverse is not None and self.inverse.kind is Kind.DELETE


def undoing(operation: Operation, entry: Entry | None, now: datetime) -> Undoing:
    """What takes an operation back; `entry` is the entry that it is about, or made, as it is now; None if it is gone.

    What somebody else changed since is never overwritten.
    """
    if operation.kind in NEVER:
        return Undoing(operation, refusal=NEVER[operation.kind])
    if operation.state is not State.DONE:
        return Undoing(operation)
    if operation.kind is Kind.DELETE:
        return _created_again(operation, now)
    if entry is None:
        return Undoing(operation, refusal=GONE)
    if operation.stored is None or entry.content != operation.stored.content:
        return Undoing(operation, refusal=CHANGED)
    if operation.kind in MAKES or operation.timer:
        asked, kind = EntryRequest(), Kind.DELETE
    elif operation.before is None:
        return Undoing(operation, refusal="It is not known how the entry was before.")
    else:
        asked, kind = _as_before(operation.asked, operation.before), Kind.EDIT
    inverse = Operation(kind, asked, operation.label, now, entry_id=entry.id, before=entry, undoes=operation.id)
    return Undoing(operation, inverse)


def _as_before(asked: EntryRequest, before: Entry) -> EntryRequest:
    """The values that an edit changed, as they were; servers take no null, so missing notes are empty ones."""
    was: dict[str, Any] = {name: getattr(before, name) for name in asked.said if name != "user_id"}
    if "notes" in was:
        was["notes"] = before.notes or ""
    if "billable_minutes" in was:
        was["billable_minutes"] = before.billable_minutes or 0
    return EntryRequest(**was)


def _created_again(operation: Operation, now: datetime) -> Undoing:
    before = operation.before
    if before is None or before.ended_at is None:
        told = "It was a running timer: alga start with --at starts it again." if before else GONE
        return Undoing(operation, refusal=told)
    if before.approval_status not in (None, "DRAFT"):
        return Undoing(operation, refusal=f"It was {before.approval_status}: only a draft can be created again.")
    asked = EntryRequest(
        before.work_item_type, before.work_item_id, before.started_at, before.ended_at, before.billable_minutes or 0,
        before.notes, None, before.service_id,
    )  # fmt: skip
    return Undoing(operation, Operation(Kind.CREATE, asked, operation.label, now, undoes=operation.id))


def dropped(operation: Operation) -> Operation:
    """An operation that is not on the server, once it is taken back: a script's key stays spent."""
    return operation._replace(state=State.DROPPED, undone=True)


def running_again(operation: Operation) -> Operation:
    """A timer whose stop is not on the server, as if it had not been stopped."""
    asked = replace(operation.asked, ended_at=None, billable_minutes=None)
    kind = Kind.START if operation.kind is Kind.STOP else operation.kind
    return operation._replace(kind=kind, state=State.RUNNING, asked=asked)
