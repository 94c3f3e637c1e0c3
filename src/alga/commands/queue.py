"""alga queue: show what waits on this computer; fix it or drop it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from alga.app.session import Session
from alga.core.entry import check_billable, check_times
from alga.core.errors import Refused, UsageError
from alga.core.times import cut, format_minutes
from alga.lookup import work_items
from alga.outbox import transitions
from alga.outbox.describe import DELIVERY, failing, minutes, published, published_unreadable, what
from alga.outbox.operation import Kind, Operation, State
from alga.outbox.outbox import NOTHING_GETS_THROUGH, STILL_WAITS
from alga.outbox.transitions import as_entry
from alga.ui import columns, messages, options
from alga.ui.command import command
from alga.ui.messages import saved, told
from alga.ui.options import Billable, From, NoBillable, Notes, On, Service, To
from alga.ui.output import Output, confirm

if TYPE_CHECKING:
    from alga.outbox.encoding import Unreadable
    from alga.outbox.results import Result

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The number that alga queue shows.")]
NumberOrAll = Annotated[
    int | None, typer.Argument(metavar="[NUMBER]", help="The number that alga queue shows; none with --all.")
]
All = Annotated[bool, typer.Option("--all", help="Every operation that waits or is set aside, unchanged.")]
Sent = Annotated[bool, typer.Option("--sent", help="Show what was delivered, as long as receipts are kept: 400 days.")]
Span = Annotated[str | None, typer.Argument(metavar="[SPAN]", help="The new times: 9:00-10:30 or 9:00+90m.")]
Item = Annotated[
    str | None,
    typer.Option("--work-item", metavar="WORK_ITEM", help="The new work item."),
]


@command
def queue(session: Session, sent: Sent = False) -> Output:
    """Show what waits to be sent; asks no server."""
    if sent:
        rows = session.journal.delivered()
        return _listed(session, "Delivered", columns.RECEIPTS, rows, "No receipts: nothing was delivered.", ())
    journal = session.journal
    others = [each._replace(reason="It waits for another login.") for each in journal.of_others()]
    queued, aside = journal.queued(), journal.aside()
    below = failing(journal, queued, session.zone, session.now())
    below += ["alga sync sends what waits."] if queued else []
    if aside:
        number = aside[0].id
        below.append(
            f"For operations set aside: alga queue retry {number}, or alga queue drop {number}. For all: --all"
        )
    damaged = journal.unreadable()
    below += [f"Operation {each.id} cannot be read ({each.fault}): alga queue drop {each.id}" for each in damaged]
    rows = sorted([*queued, *aside, *others], key=lambda each: each.id)
    shown = _listed(session, "Waiting on this computer", columns.QUEUE, rows, "Nothing waits.", below)
    return shown._replace(data=[*shown.data, *map(published_unreadable, damaged)])


def _listed(
    session: Session,
    title: str,
    shown: "Sequence[columns.Column]",
    rows: list[Operation],
    empty: str,
    below: Sequence[str],
) -> Output:
    table = columns.listing(title, shown, rows, messages.view(session), empty)
    return Output([published(each) for each in rows], replace(table, below=[*below]))


@command
def show(session: Session, number: Number) -> Output:
    """Show all details of an operation."""
    operation = session.journal.get(number)
    data = published(operation)
    moments = {"started at": operation.started_at, "ended at": operation.asked.ended_at}
    moments |= {"queued at": operation.queued_at, "changed at": operation.changed_at}
    here = {name: f"{each.astimezone(session.zone):%Y-%m-%d %H:%M}" if each else "" for name, each in moments.items()}
    said = {name.replace("_", " "): str(value) for name, value in data.items() if value not in (None, False)}
    named = {"id": said.pop("id"), "what": what(operation, session.zone, session.now())}
    if operation.service_typed:
        named["service"] = f"{operation.service_typed} (not looked up yet)"
    if said.pop("in doubt", None):
        named["in doubt"] = "it may be on the server: alga checks before sending it again"
    if operation.state is State.ASIDE:
        here["next"] = (
            f"alga queue retry {number}, with the options of alga log to correct it, or alga queue drop {number}"
        )
        said["next"] = ""
    return Output(
        data, messages.details([*(named | said | {name: here[name] for name in said if name in here}).items()])
    )


@command
def drop(session: Session, number: Number, yes: options.Yes = False) -> Output:
    """Drop an operation: it will never be sent."""
    if damaged := next((each for each in session.journal.unreadable() if each.id == number), None):
        return _drop_unreadable(session, damaged, yes)
    operation = _open(session, number)
    named = what(operation, session.zone, session.now())
    lost = f" ({format_minutes(minutes(operation))})" if minutes(operation) else ""
    doubt = " It may be on the server already: alga list shows." if operation.sent_at else ""
    if not yes and not confirm(
        f"Drop {named}{lost}? It will never be sent.{doubt}", False, f"alga queue drop {number} --yes"
    ):
        return Output(published(operation), "Nothing was dropped.")
    dropped = session.journal.put(transitions.dropped(operation))
    return Output(published(dropped), f"Dropped {named}{lost}.")


def _drop_unreadable(session: Session, damaged: "Unreadable", yes: bool) -> Output:
    """Drop a damaged row, which can no longer be read as an operation."""
    question = f"Drop operation {damaged.id}, which cannot be read? It will never be sent."
    if not yes and not confirm(question, False, f"alga queue drop {damaged.id} --yes"):
        return Output(published_unreadable(damaged), "Nothing was dropped.")
    session.journal.drop_unreadable(damaged.id)
    data = published_unreadable(damaged) | {"delivery": DELIVERY[State.DROPPED]}
    return Output(data, f"Dropped operation {damaged.id}.")


@command
def retry(
    session: Session,
    number: NumberOrAll = None,
    span: Span = None,
    notes: Notes = None,
    service_name: Service = None,
    item: Item = None,
    kind: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="The new type of work item."),
    ] = None,
    billable: Billable = None,
    no_billable: NoBillable = False,
    date: On = None,
    first: From = None,
    last: To = None,
    every: All = False,
) -> Output:
    """Try an operation again, with corrections if needed; or all operations."""
    mending = (span, notes, service_name, item, kind, billable, no_billable or None, date, first, last)
    if number is None or every:
        return _retry_all(session, every and number is None and not any(each is not None for each in mending))
    operation = _open(session, number)
    _check_whose(session, operation, item or kind)
    minutes = options.billable_minutes(billable, no_billable)
    mended = _with_times(session, operation, span, date, first, last)
    mended = _with_words(mended, notes, service_name, item, kind, minutes)
    mended = mended._replace(mended=mended != operation or operation.mended)
    if mended != operation and operation.kind not in (Kind.CREATE, Kind.STOP):
        raise UsageError(
            "This operation cannot be corrected.", f"alga queue retry {number}, or alga queue drop {number}"
        )
    session.syncing = True
    return _tried(session, session.outbox.again(operation, mended))


def _tried(session: Session, settled: "Result") -> Output:
    """The output for an operation that was tried again. Raises the error if it is still set aside."""
    after = settled.operation
    if after.state is State.ASIDE:
        error = settled.error or Refused(after.reason)
        raise error.adding("It is still set aside.")
    if after.state is State.QUEUED:
        session.warn(saved(session, after, settled.error))
    if settled.entry and settled.entry.ended_at:
        told(session, as_entry(after), settled.entry)
        return Output(published(after), messages.entry_line("Recorded", settled.entry, messages.view(session)))
    named = what(after, session.zone, session.now())
    return Output(published(after), f"{'Done' if after.state is State.DONE else 'Waits'}: {named}")


def _retry_all(session: Session, alone: bool) -> Output:
    """Try every operation that waits or is set aside, unchanged; the results are shown as in alga sync."""
    if not alone:
        raise UsageError(
            "Which operation, or all of them?", "Give a number, with corrections if needed, or only --all."
        )
    session.syncing = True
    settled = []
    waiting = [each for each in session.journal.queued() if not each.live]
    for number in sorted(each.id for each in (*session.journal.aside(), *waiting)):
        operation = session.journal.get(number)  # an earlier operation may have changed it
        settled.append(session.outbox.again(operation, operation))
        if isinstance(settled[-1].error, NOTHING_GETS_THROUGH):
            session.warn(settled[-1].error.message)
            break
    left = [*session.journal.queued(), *session.journal.aside()]
    table = columns.listing("", columns.SYNCED, settled, messages.view(session), "Nothing waits.")
    return Output([published(each.operation) for each in settled], table, STILL_WAITS if left else 0)


def _open(session: Session, number: int) -> Operation:
    """An operation that waits or is set aside. Raises Refused for any other state."""
    operation = session.journal.get(number)
    if operation.state in (State.QUEUED, State.ASIDE):
        return operation
    running = operation.state is State.RUNNING
    told = "That timer is running." if running else f"That operation is already {DELIVERY[operation.state]}."
    raise Refused(told, "alga stop, or alga cancel" if running else "To see what waits: alga queue")


def _check_whose(session: Session, operation: Operation, item: str | None) -> None:
    """Raise Refused for another login's operation, UsageError for a new work item of a timer on the server."""
    if operation.kind is Kind.STOP and item:
        raise UsageError(
            "A timer on the server's clock keeps its work item.", "After it is recorded: alga edit ID --work-item ITEM"
        )
    if operation.id in {each.id for each in session.journal.of_others()}:
        raise Refused(
            f"The operation waits for another login, on {operation.server}.",
            "Log in to that server, or use --profile NAME.",
        )


def _with_times(
    session: Session, operation: Operation, span: str | None, date: str | None, first: str | None, last: str | None
) -> Operation:
    """The operation with new times; times without a date are on its own day."""
    if not (span or date or first or last):
        return operation
    now, zone = session.now(), session.zone
    was = operation.started_at, operation.asked.ended_at or operation.queued_at
    start, until = options.new_times(was, span, date, first, last, now, zone)
    end = until or was[1]
    check_times(start, end, now, zone)
    return operation._replace(asked=replace(operation.asked, started_at=cut(start), ended_at=cut(end)))


def _with_words(
    operation: Operation,
    notes: str | None,
    service_name: str | None,
    item: str | None,
    kind: str | None,
    billable: int | None,
) -> Operation:
    """The operation with new notes, service, work item or billable minutes; names are looked up before sending."""
    asked = operation.asked
    check_billable(billable, minutes(operation))
    if item or kind:
        kind = kind or asked.work_item_type or "ticket"
        typed = work_items.checked(item or operation.item_typed or operation.label, kind)
        asked = replace(asked, work_item_type=kind, work_item_id=None)
        operation = operation._replace(item_typed=typed, label=typed)
    asked = replace(
        asked,
        notes=asked.notes if notes is None else notes,
        service_id=None if service_name else asked.service_id,
        billable_minutes=asked.billable_minutes if billable is None else billable,
    )
    return operation._replace(asked=asked, service_typed=service_name or operation.service_typed)


SUBCOMMANDS = {"show": show, "retry": retry, "drop": drop}
