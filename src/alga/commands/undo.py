"""alga undo: take back what was typed last."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

import typer

from alga.app.running import of_operation
from alga.app.session import Session
from alga.commands.start import started
from alga.core.errors import (
    AlgaError,
    AlreadyRunning,
    Forbidden,
    NotFound,
    PartlyDone,
    Refused,
    Unreachable,
    UsageError,
)
from alga.core.times import to_wire
from alga.lookup import work_items
from alga.outbox import undo as taking_back
from alga.outbox.describe import differing, published, what
from alga.outbox.operation import Act, Kind, Operation, State
from alga.outbox.results import Ending, Outcome, exit_code, outcome
from alga.outbox.undo import Undoing
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.messages import nothing
from alga.ui.options import Yes
from alga.ui.output import Output, confirm, interactive

DONE = {Kind.DELETE: Ending.DELETED, Kind.EDIT: Ending.CHANGED, Kind.CREATE: Ending.RECORDED}
SAID = {
    Ending.DELETED: "deleted {}", Ending.CHANGED: "set back", Ending.RECORDED: "created again as {}, a new draft",
    Ending.DISCARDED: "{}",
}  # fmt: skip
NEVER_SENT = ("the entry was not on the server", "the timer is discarded")
Number = Annotated[int | None, typer.Argument(metavar="[NUMBER]", help="The number that alga undo --list shows.")]
Listed = Annotated[bool, typer.Option("--list", help="Show what was done on this computer, the latest first.")]
Resume = Annotated[bool, typer.Option("--resume", help="Let a timer that was stopped run again.")]


@command
def undo(
    session: Session, number: Number = None, listed: Listed = False, resume: Resume = False, yes: Yes = False
) -> Output:
    """Take back what you typed last: its entries are deleted, set back or created again."""
    session.syncing = True  # what waits must not be sent before it is taken back
    if listed:
        return _list(session)
    if number is None and (yes or not interactive()):
        raise UsageError("Say what to take back.", "Give its number: alga undo NUMBER --yes (see alga undo --list)")
    act = _chosen(session, number)
    plans = _plans(session, act)
    resumed = next((each.operation for each in plans if resume and _is_stop(each)), None)
    if resume:
        with nothing("changed"), session.in_passing():
            _check_resume(session, resumed, plans)
    if not yes:
        shown = [f"{_what(session, each)}{f': {each.refusal}' if each.refusal else ''}" for each in plans]
        if not resume and any(_is_stop(each) for each in plans):
            again = f"alga undo {number} --resume" if number else "alga undo --resume"
            shown.append(f"This deletes the recorded time. To let the timer run again instead: {again}")
        if any(each.drops and each.operation is not resumed for each in plans):
            shown.append("An entry that was not sent yet is dropped for good: to have it again, type it again.")
        if not confirm("Take this back?", True, "", shown):
            return Output([], "Nothing was changed.")
        plans = _plans(session, act)  # what was changed during the question is not overwritten
    outcomes = _carried_out(session, plans, resumed)
    lines, code = [_said(each) for each in outcomes], exit_code(outcomes)
    for sentence in _starts(session, plans):
        session.note(sentence)
    if resumed and code == 0:
        line, code = _run_again(session, resumed)
        lines.append(line)
    return Output([each.published() for each in outcomes], "\n".join(lines), code)


def _plans(session: Session, act: Act) -> list[Undoing]:
    """How each operation of an act is taken back, the last first. Raises Refused if none can be."""
    with nothing("changed"), session.in_passing():
        plans = taking_back.together([_planned(session, each) for each in reversed(act.operations)])
        never = [each.refusal for each in plans if each.operation.kind in taking_back.NEVER]
        if never:
            raise Refused(never[0])
        if all(each.refusal for each in plans):
            first = plans[0]
            hint = "\n".join([*_starts(session, [first]), "To take back another act: alga undo --list"])
            raise Refused(f"{_what(session, first)}: {first.refusal}", hint)
        _check_role(session, plans)
    return plans


def _starts(session: Session, plans: Sequence[Undoing]) -> list[str]:
    """The commands that start timers again which were running when they were deleted."""
    found = [each.operation.before for each in plans if each.refusal == taking_back.WAS_RUNNING]
    return [
        "To start the timer again: "
        + shlex.join(["alga", "start", work_items.label(each, session.cache), "--at", _typed(session, each.started_at)])
        for each in found
        if each
    ]


def _typed(session: Session, instant: datetime) -> str:
    return f"{instant.astimezone(session.zone):%Y-%m-%d %H:%M}"


def _chosen(session: Session, number: int | None) -> Act:
    """The act with a number, or the last act that a person typed and that recorded something. Raises NotFound."""
    for act in session.journal.acts():
        nothing_there = all(map(taking_back.records_nothing, act.operations))
        if number is None and act.typed and not (act.undone or nothing_there):
            return act
        if number == act.number:
            if act.undone:
                raise Refused(f"Number {number} is taken back already.", "To see all acts: alga undo --list")
            return act
    told = "You typed nothing that can be taken back" if number is None else f"Nothing has the number {number}"
    raise NotFound(f"{told}.", "To see all that was done here, by number: alga undo --list")


def _planned(session: Session, operation: Operation) -> Undoing:
    """How an operation is taken back; what is in doubt is looked for first."""
    operation = session.journal.get(operation.id)
    if operation.in_doubt:
        operation = session.outbox.decided(operation)
    waits = [*session.journal.queued(), *session.journal.aside()]
    if operation.entry_id and any(each.entry_id == operation.entry_id and each.id != operation.id for each in waits):
        return Undoing(operation, refusal="A change of that entry still waits: alga sync.")
    if operation.state is State.RUNNING and operation.kind is Kind.START:
        running = session.timer.there()
        if running is None or running.operation is None or running.operation.id != operation.id:
            return Undoing(operation, refusal="The timer was stopped elsewhere.")
    entry = None
    if operation.state is State.DONE and operation.kind is not Kind.DELETE and operation.entry_id:
        with suppress(NotFound):
            entry = session.client.get_entry(operation.entry_id)
    return taking_back.undoing(operation, entry, session.now())


def _is_stop(plan: Undoing) -> bool:
    operation = plan.operation
    return operation.timer and operation.state is not State.RUNNING and not plan.refusal


def _check_resume(session: Session, resumed: Operation | None, plans: Sequence[Undoing]) -> None:
    """Raise Refused if no timer was stopped, or another one runs that is not taken back."""
    if resumed is None:
        raise Refused("The act stopped no timer. Nothing was changed.", "Without --resume: alga undo")
    if not any(each.operation.state is State.RUNNING for each in plans) and session.timer.running_if_known():
        raise AlreadyRunning("Another timer is running. Nothing was changed.", "To see it: alga status")
    start = resumed.stored.started_at if resumed.stored else resumed.started_at
    runs = next((of_operation(each.operation).key for each in plans if each.operation.state is State.RUNNING), None)
    with suppress(Unreachable):  # nothing else may lie between its start and now
        clash = session.timer.clash()
        clash.check(start, session.now(), ignoring=resumed.entry_id or f"kept-{resumed.id}", running=runs is None)


def _check_role(session: Session, plans: Sequence[Undoing]) -> None:
    """Raise Forbidden, before any question, where the role may not delete: AlgaPSA's technicians may not."""
    doomed = [each.inverse for each in plans if each.deletes and each.inverse]
    if not doomed:
        return
    try:
        session.client.allow("delete")
    except Forbidden as error:
        hint = f"The entry can be changed: alga edit {(doomed[0].entry_id or '')[:8]}"
        raise Forbidden(error.message, hint) from None


def _carried_out(session: Session, plans: Sequence[Undoing], resumed: Operation | None) -> list[Outcome]:
    """Take all back: timers first, the rest as one act; what is not on the server is dropped with it, all or none."""
    view, outcomes = messages.view(session), dict[int, Outcome]()
    for each in plans:
        if each.refusal:
            outcomes[each.operation.id] = Outcome(Ending.REFUSED, each.operation.entry_id, each.refusal)
        elif each.operation.state is State.RUNNING:
            _discard(session, each.operation)
            outcomes[each.operation.id] = Outcome(Ending.DISCARDED, None, NEVER_SENT[True])
    dropped = [_dropped(each.operation, resumed) for each in plans if each.drops]
    going = [(each, each.inverse) for each in plans if each.inverse]
    results = session.outbox.deliver([inverse for _, inverse in going], changed=dropped) if going else []
    if not going:
        session.journal.save(dropped)
    for (each, inverse), result in zip(going, results, strict=True):
        session.warnings += differing(result, view.zone)
        outcomes[each.operation.id] = outcome(result, DONE[inverse.kind])
    for each in (plan for plan in plans if plan.drops):
        outcomes[each.operation.id] = Outcome(Ending.DISCARDED, None, NEVER_SENT[False])
        before = [outcomes[number] for number in each.operation.after if number in outcomes]
        if any(not other.done for other in before):  # its entry does not have that time again
            session.journal.put(each.operation._replace(version=each.operation.version + 1))
            outcomes[each.operation.id] = Outcome(Ending.REFUSED, None, before[0].reason)
    session.timer.seen = session.timer.known()
    labels = {each.operation.id: what(each.operation, view.zone, view.now) for each in plans}
    return [outcomes[number]._replace(label=label) for number, label in labels.items()]


def _discard(session: Session, operation: Operation) -> None:
    """Discard a running timer, if it is still the same one."""
    if operation.kind is not Kind.START:
        session.journal.put(taking_back.dropped(operation))
        return
    running = session.timer.there()
    if running and running.operation and running.operation.id == operation.id:
        session.timer.cancel(running)


def _dropped(operation: Operation, resumed: Operation | None) -> Operation:
    """What is not on the server, dropped; a timer whose stop that is may run again."""
    again = resumed is not None and operation.id == resumed.id
    return taking_back.running_again(operation) if again else taking_back.dropped(operation)


def _run_again(session: Session, operation: Operation) -> tuple[str, int]:
    """Let the stopped timer run again, from its own start: a line that says so, and the exit code."""
    if operation.state is not State.DONE:
        return f"{operation.label} is running again.", 0
    item, stored = of_operation(operation).work_item, operation.stored
    notes, service_id = (stored.notes, stored.service_id) if stored else (operation.asked.notes, None)
    start = stored.started_at if stored else operation.started_at
    try:
        with session.in_passing():
            begun = session.timer.start(item, (service_id, None), notes or None, start)
    except AlgaError as error:
        return f"{operation.label} does not run again: {error.message}", PartlyDone.exit_code
    text = started(session, begun).text
    assert isinstance(text, str)
    return text, 0


def _what(session: Session, plan: Undoing) -> str:
    operation, view = plan.operation, messages.view(session)
    changed = columns.how(operation, view) if operation.kind is Kind.EDIT else ""
    return what(operation, view.zone, view.now) + (f" ({changed})" if changed else "")


def _said(each: Outcome) -> str:
    if each.ending is Ending.WAITS:
        return f"Waits: {each.label} is taken back by alga sync"
    if not each.done:
        return f"Not taken back: {each.label}: {each.reason}"
    how = each.reason if each.ending is Ending.DISCARDED else (each.id or "")[:8]
    return f"Taken back: {each.label} ({SAID[each.ending].format(how)})"


def _list(session: Session) -> Output:
    acts = list(session.journal.acts())
    view = messages.View(session.zone, session.now(), session.remembered)
    table = columns.listing("Done on this computer", columns.ACTS, acts, view, "Nothing was done here yet.")
    return Output([_published(act) for act in acts], table)


def _published(act: Act) -> dict[str, Any]:
    return {
        "id": act.number,
        "at": to_wire(act.at),
        "typed": act.typed,
        "undone": act.undone,
        "operations": [published(each) for each in act.operations],
    }
