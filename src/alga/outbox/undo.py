"""Taking back: what undoes an operation, as the server has the entry now. Pure decisions; an undo can be undone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from alga.core.entry import EntryRequest
from alga.core.times import minutes_between
from alga.outbox.operation import Kind, Operation, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from alga.core.entry import Entry

NEVER: Mapping[Kind, str] = {
    Kind.APPROVE: "An approval cannot be taken back: an approver reopens the entry on the web.",
    Kind.SEND_BACK: "A request for changes cannot be taken back: the person submits the entry again.",
}
MAKES = (Kind.CREATE, Kind.START, Kind.STOP)  # an entry, if it is done
GONE = "The entry is not there any more."
CHANGED = "The entry was changed since."
WAS_RUNNING = "A timer that was discarded cannot be brought back."


class Undoing(NamedTuple):
    """How an operation is taken back: by another operation, or by dropping it or its timer; or why it cannot be."""

    operation: Operation
    inverse: Operation | None = None
    refusal: str = ""

    @property
    def deletes(self) -> bool:
        """Whether it deletes an entry, which not every role may."""
        return self.inverse is not None and self.inverse.kind is Kind.DELETE

    @property
    def drops(self) -> bool:
        """Whether it drops what is not on the server."""
        return self.inverse is None and not self.refusal and self.operation.state is not State.RUNNING


def undoing(operation: Operation, entry: Entry | None, now: datetime) -> Undoing:
    """What takes an operation back; `entry` is the entry that it is about, or made, as it is now; None if it is gone.

    What somebody else changed since is never overwritten.
    """
    if operation.kind in NEVER:
        return Undoing(operation, refusal=NEVER[operation.kind])
    if operation.timer and operation.kind is Kind.EDIT and operation.state is not State.DONE:
        return Undoing(operation, refusal="The start of its entry is still to be corrected: alga sync.")
    if operation.state is not State.DONE:
        return Undoing(operation)
    if operation.kind is Kind.DELETE:
        return _created_again(operation, now)
    if entry is None:
        return Undoing(operation, refusal=GONE)
    stored = operation.stored
    if stored is None or entry.content != stored.content or entry.approval_status != stored.approval_status:
        return Undoing(operation, refusal=_changed_to(entry, stored))
    asked, kind = EntryRequest(), Kind.DELETE
    if not (operation.kind in MAKES or operation.timer):
        if why := _cannot_be_as_before(operation):
            return Undoing(operation, refusal=why)
        assert operation.before
        asked, kind = _as_before(operation.asked, operation.before), Kind.EDIT
    inverse = Operation(kind, asked, operation.label, now, entry_id=entry.id, before=entry, undoes=operation.id)
    return Undoing(operation, inverse)


def together(plans: Sequence[Undoing]) -> list[Undoing]:
    """The plans of an act, the last operation first, with what depends on what.

    Where one operation had to be done before another, the other is taken back before it, and both or none: a part of a
    divided entry is deleted, then the entry has its time again.
    """
    refused = {plan.operation.id: plan.refusal for plan in plans if plan.refusal}
    groups: dict[tuple[int, ...], set[int]] = {}
    for operation in (plan.operation for plan in plans if plan.operation.after):
        groups.setdefault(operation.after, set(operation.after)).add(operation.id)
    for members in groups.values():
        if why := next((refused[number] for number in members if number in refused), ""):
            refused |= dict.fromkeys(members, why)
    checked = [
        plan._replace(inverse=None, refusal=refused[plan.operation.id]) if plan.operation.id in refused else plan
        for plan in plans
    ]
    places = {plan.operation.id: place for place, plan in enumerate(plan for plan in checked if plan.inverse)}
    return [_with_after(plan, checked, places) for plan in checked]


def _with_after(plan: Undoing, plans: Sequence[Undoing], places: Mapping[int, int]) -> Undoing:
    if plan.inverse is None:
        return plan
    later = [other.operation.id for other in plans if plan.operation.id in other.operation.after]
    after = tuple(places[number] for number in later if number in places)
    return plan._replace(inverse=plan.inverse._replace(after=after))


def _changed_to(entry: Entry, stored: Entry | None) -> str:
    if stored and entry.content == stored.content and entry.approval_status:
        return f"The entry's status is {entry.approval_status} now."
    return CHANGED


def _cannot_be_as_before(operation: Operation) -> str:
    """Why an edit cannot be set back: servers take no null for a service or a work item; '' if it can."""
    before, said = operation.before, operation.asked.said
    if before is None:
        return "It is not known how the entry was before."
    if "service_id" in said and before.service_id is None:
        return "The entry had no service, and a server takes none away."
    if "work_item_id" in said and before.work_item_id is None:
        return "The entry had no work item, and a server takes none away."
    return ""


def _as_before(asked: EntryRequest, before: Entry) -> EntryRequest:
    """The values that an edit changed, as they were; servers take no null, so missing notes are empty ones."""
    was: dict[str, Any] = {name: getattr(before, name) for name in asked.said if name != "user_id"}
    if "notes" in was:
        was["notes"] = before.notes or ""
    if "billable_minutes" in was:
        was["billable_minutes"] = before.billable_minutes or 0
    return EntryRequest(**was)


def records_nothing(operation: Operation) -> bool:
    """Whether a timer of less than a minute was discarded: there is nothing that anybody would take back."""
    before = operation.before
    return bool(operation.discards and before and minutes_between(before.started_at, operation.queued_at) < 1)


def _created_again(operation: Operation, now: datetime) -> Undoing:
    before = operation.before
    if before is None or operation.discards:
        return Undoing(operation, refusal=WAS_RUNNING if before else GONE)
    assert before.ended_at
    if before.approval_status not in (None, "DRAFT"):
        return Undoing(operation, refusal=f"The entry was {before.approval_status}: only a draft can be created again.")
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
