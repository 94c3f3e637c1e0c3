"""alga log: work already done."""

from shlex import quote
from typing import Annotated

import typer

from alga.app.session import Session
from alga.core.entry import EntryRequest, check_billable, check_times
from alga.core.errors import NotFound, Overlaps, Overtaken, Refused, Unreachable, UsageError
from alga.core.times import cut, minutes_between
from alga.lookup import work_items
from alga.outbox import describe, transitions
from alga.outbox.operation import Kind, Operation, State
from alga.outbox.results import Result
from alga.ui import messages, options
from alga.ui.choices import with_service
from alga.ui.command import command
from alga.ui.messages import delivered, nothing, queued, settled_entry, told
from alga.ui.options import Billable, From, NoBillable, Notes, On, Service, To, Type, WorkItem
from alga.ui.output import Output

PAST_MIDNIGHT = "Past midnight? Give the date too: --from 'yesterday 23:00' --to 'today 1:00'"
Span = Annotated[str | None, typer.Argument(metavar="[SPAN]", help="90m (ending now), 9:00-10:30 or 9:00+90m.")]
Key = Annotated[
    str | None, typer.Option("--key", metavar="TEXT", help="For scripts: an entry with that key is recorded only once.")
]
User = Annotated[
    str | None, typer.Option("--user", metavar="USER_ID", help="Log for that user, if the server allows it.")
]


@command
def log(
    session: Session,
    work_item: WorkItem,
    span: Span = None,
    notes: Notes = None,
    service_name: Service = None,
    kind: Type = "ticket",
    billable: Billable = None,
    no_billable: NoBillable = False,
    user: User = None,
    date: On = None,
    first: From = None,
    last: To = None,
    script_key: Key = None,
) -> Output:
    """Record work already done: alga log TIC1042 90m -m "Patched the switch"."""
    now, zone = session.now(), session.zone
    start, end = options.interval(span, date, first, last, now, zone)
    yesterday = session.retyped("--date", "--date", "yesterday") if span and not date else ""
    with nothing("logged"):
        future = f"Yesterday? {yesterday}" if yesterday else ""
        check_times(start, end, now, zone, past_midnight=PAST_MIDNIGHT, future=future)
        check_billable(options.billable_minutes(billable, no_billable), minutes_between(start, end))
    session.again = session.retyped(("--from", "--to", "--date"))
    session.again = session.again.replace(f" {quote(span)}", "", 1) if span else session.again
    minutes = options.billable_minutes(billable, no_billable)
    typed = work_items.checked(work_item, kind)
    asked = EntryRequest(kind, None, start, end, minutes, notes, user)
    operation = Operation(Kind.CREATE, asked, typed, now, item_typed=typed, key=script_key)
    with nothing("logged"):
        settled = with_service(session, lambda name: _delivered(session, operation, name or ""), service_name)
    with nothing("logged"), session.in_passing():
        if settled.operation.state is State.DONE and settled.entry is None:
            return _before(session, settled.operation)
        entry = settled_entry(session, settled)
    if entry is None:
        saved = messages.minutes_line("Saved", settled.operation, messages.view(session))
        return Output(queued(settled.operation), saved)
    told(session, transitions.as_entry(settled.operation), entry)
    return Output(delivered(entry), messages.entry_line("Logged", entry, messages.view(session)))


def _before(session: Session, operation: Operation) -> Output:
    """The output for an entry that an earlier run with that key, or another alga process, recorded."""
    verb = "Logged before:" if operation.key else "Logged"
    try:
        entry = session.client.get_entry(operation.entry_id or "")
    except (Unreachable, NotFound):  # the journal is enough
        data = queued(operation) | {"id": operation.entry_id, "delivery": "delivered"}
        return Output(data, messages.minutes_line(verb, operation, messages.view(session)))
    return Output(delivered(entry), messages.entry_line(verb, entry, messages.view(session)))


def _delivered(session: Session, operation: Operation, service: str) -> "Result":
    """Deliver the operation; with a key that was used before, return the earlier operation's result."""
    with session.in_passing():
        return _with_key(session, operation._replace(service_typed=service))


def _with_key(session: Session, operation: Operation) -> "Result":
    if operation.key is None:
        return _new(session, operation)
    if not operation.key.strip():
        raise UsageError("The key is empty.", "Give each entry of the script its own key: --key TEXT")
    if session.journal.key_of_another(operation.key):  # of the same user? that may not be known yet
        work_items.own_user(session.client, session.cache)
    if session.journal.key_of_another(operation.key):
        raise Refused(
            f"The key '{operation.key}' was used on this computer with another login.", "Choose another --key."
        )
    if (before := session.journal.with_key(operation.key)) is None:
        try:
            return _new(session, operation)
        except (Overtaken, Overlaps):  # the same script is running twice: the other run was first
            before = session.journal.with_key(operation.key)
            if before is None:
                raise
    if not before.mended and not _same(before, operation):
        shown = describe.what(before, session.zone, session.now())
        raise Refused(f"The key '{operation.key}' was used for another entry: {shown}.", "Choose another --key.")
    if before.state is State.QUEUED:
        return session.outbox.carry_out(before, own=False)
    return Result(before)


def _new(session: Session, operation: Operation) -> "Result":
    """Refuse overlaps with operations that wait on this computer, also without a connection, then deliver."""
    asked = operation.asked
    assert asked.started_at and asked.ended_at
    session.timer.clash().check_here(asked.started_at, asked.ended_at, try_with=session.again)
    return session.outbox.deliver_one(operation)


def _same(before: Operation, now: Operation) -> bool:
    """Whether both are the same request. `30m` ends at a different time on every run of the script."""

    def said(operation: Operation) -> tuple[object, ...]:
        asked = operation.asked
        assert asked.started_at and asked.ended_at
        return operation.item_typed, asked.work_item_type, minutes_between(asked.started_at, asked.ended_at)

    ends_now = all(each.asked.ended_at == cut(each.queued_at) for each in (before, now))
    return said(before) == said(now) and (ends_now or before.asked.started_at == now.asked.started_at)
