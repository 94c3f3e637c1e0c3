"""alga undo: take back what was typed last."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer

from alga.app.running import of_operation
from alga.app.session import Session
from alga.commands.start import started
from alga.core.errors import AlgaError, AlreadyRunning, Forbidden, NotFound, PartlyDone, Refused, UsageError
from alga.core.times import to_wire
from alga.outbox import undo as taking_back
from alga.outbox.describe import published, what
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
NEVER_SENT = ("it was not on the server", "the timer is discarded")
Number = Annotated[int | None, typer.Argument(metavar="[NUMBER]", help="The number that alga undo --list shows.")]
Listed = Annotated[bool, typer.Option("--list", help="Show what can be taken back, the latest first.")]
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
    with nothing("changed"), session.in_passing():
        plans = [_planned(session, each) for each in reversed(act.operations)]
        never = [each.refusal for each in plans if each.operation.kind in taking_back.NEVER]
        if never:
            raise Refused(never[0])
        if all(each.refusal for each in plans):
            raise Refused(f"{_what(session, plans[0])}: {plans[0].refusal}")
        _check_role(session, plans)
    resumed = next((each.operation for each in plans if resume and _is_stop(each)), None)
    if resume:
        _check_resume(session, resumed, plans)
    shown = [f"{_what(session, each)}{f': {each.refusal}' if each.refusal else ''}" for each in plans]
    if not yes and not confirm("Take this back?", True, "", shown):
        return Output([], "Nothing was changed.")
    outcomes = _carried_out(session, plans, resumed)
    lines, code = [_said(each) for each in outcomes], exit_code(outcomes)
    if resumed and code == 0:
        line, code = _run_again(session, resumed)
        lines.append(line)
    return Output([each.published() for each in outcomes], "\n".join(lines), code)


def _chosen(session: Session, number: int | None) -> Act:
    """The act with a number, or the last one that a person typed. Raises NotFound."""
    for act in session.journal.acts():
        if number is None and act.typed and not act.undone:
            return act
        if number == act.number:
            if act.undone:
                raise Refused("That is taken back already.", "To see what can be taken back: alga undo --list")
            return act
    told = "There is nothing to take back" if number is None else f"Nothing has the number {number}"
    raise NotFound(f"{told}.", "To see what can be taken back: alga undo --list")


def _planned(session: Session, operation: Operation) -> Undoing:
    """How an operation is taken back; what is in doubt is looked for first."""
    if operation.in_doubt:
        operation = session.outbox.decided(operation)
    if operation.state is State.RUNNING and operation.kind is Kind.START:
        running = session.timer.there()
        if running is None or running.operation is None:
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
        raise Refused("That was no stop of a timer. Nothing was changed.", "Without --resume: alga undo")
    if not any(each.operation.state is State.RUNNING for each in plans) and session.timer.running_if_known():
        raise AlreadyRunning("Another timer is running. Nothing was changed.", "To see it: alga status")


def _check_role(session: Session, plans: Sequence[Undoing]) -> None:
    """Raise Forbidden, before any question, where the role may not delete: AlgaPSA's technicians may not."""
    doomed = [each.inverse for each in plans if each.deletes and each.inverse]
    if not doomed:
        return
    try:
        session.client.allow("delete")
    except Forbidden as error:
        hint = f"It can be changed: alga edit {(doomed[0].entry_id or '')[:8]}"
        raise Forbidden(error.message, hint) from None


def _carried_out(session: Session, plans: Sequence[Undoing], resumed: Operation | None) -> list[Outcome]:
    """Take all back, in the order of the plans: timers and what was not sent at once, the rest as one act."""
    view, outcomes = messages.view(session), dict[int, Outcome]()
    for each in plans:
        label = what(each.operation, view.zone, view.now)
        if each.refusal:
            outcomes[each.operation.id] = Outcome(Ending.REFUSED, each.operation.entry_id, each.refusal, None, label)
        elif each.inverse is None:
            _vanish(session, each.operation, again=resumed is not None and each.operation.id == resumed.id)
            runs = each.operation.state is State.RUNNING
            outcomes[each.operation.id] = Outcome(Ending.DISCARDED, None, NEVER_SENT[runs], None, label)
    going = [(each, each.inverse) for each in plans if each.inverse]
    results = session.outbox.deliver([inverse for _, inverse in going]) if going else []
    for (each, inverse), result in zip(going, results, strict=True):
        done = outcome(result, DONE[inverse.kind])
        label = what(each.operation, view.zone, view.now)
        outcomes[each.operation.id] = done._replace(label=label)
    return [outcomes[each.operation.id] for each in plans]


def _vanish(session: Session, operation: Operation, again: bool) -> None:
    """Drop what is not on the server; discard a running timer; let a stopped timer run again if that is wanted."""
    if again:
        session.journal.put(taking_back.running_again(operation))
    elif operation.state is State.RUNNING and operation.kind is Kind.START:
        if running := session.timer.there():
            session.timer.cancel(running)
    else:
        session.journal.put(taking_back.dropped(operation))
    session.timer.seen = session.timer.known()


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
    return what(plan.operation, session.zone, session.now())


def _said(each: Outcome) -> str:
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
