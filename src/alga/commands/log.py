"""alga log: work already done."""

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any

import typer

from alga.app.session import Session
from alga.core import grammar
from alga.core.entry import EntryRequest, check_billable, check_times
from alga.core.errors import NeedsService, NotFound, Overlaps, Overtaken, Refused, Unreachable, UsageError
from alga.core.times import cut, format_interval, format_time, local_date, minutes_between
from alga.lookup import work_items
from alga.lookup.work_items import WorkItem
from alga.outbox import describe, transitions
from alga.outbox.operation import Kind, Operation, State
from alga.outbox.results import Ending, Result, exit_code, outcome
from alga.ui import messages, options
from alga.ui.choices import Asked, item_or_typed, service_or_typed, spelled_out, with_service
from alga.ui.command import command
from alga.ui.messages import delivered, lately, nothing, queued, settled_entry, told
from alga.ui.options import ITEM, Billable, Exact, NoBillable, Notes, On, Service, To, Type
from alga.ui.output import Output

TIMED = r"\d+(h\d*m?|m)|\d{1,2}:\d\d.*"  # a length or a clock, and no work item
PAST_MIDNIGHT = "Past midnight? Give the date too: --from 'yesterday 23:00' --to 'today 1:00'"
LoggedItem = Annotated[str, typer.Argument(metavar="WORK_ITEM", help=f"{ITEM}; a type without work items needs none.")]
Span = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SPAN]...", help="90m (ending now), 9:00-10:30, 9:00+90m; or several of them."),
]
FromOrLast = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="The start: 9:00; or 'last', the end of the entry before."),
]
Key = Annotated[
    str | None, typer.Option("--key", metavar="TEXT", help="For scripts: an entry with that key is recorded only once.")
]
User = Annotated[
    str | None, typer.Option("--user", metavar="USER_ID", help="Log for that user, if the server allows it.")
]


@command
def log(
    session: Session,
    work_item: LoggedItem,
    span: Span = None,
    notes: Notes = None,
    service_name: Service = None,
    kind: Type = None,
    exact: Exact = False,
    billable: Billable = None,
    no_billable: NoBillable = False,
    user: User = None,
    date: On = None,
    first: FromOrLast = None,
    last: To = None,
    script_key: Key = None,
) -> Output:
    """Record work already done: alga log TIC1042 90m -m "Patched the switch"."""
    minutes = options.billable_minutes(billable, no_billable)
    meant = spelled_out(session, Asked(work_item, kind, service_name, notes), exact)
    _, kind, service_name, notes = meant
    if meant.work_item is None:  # an alias of a type without work items
        typed, words = None, span or []
    else:
        typed, words = _item_and_span(meant.work_item, span or [], kind, bool(first), exact)
    with nothing("logged"):
        spans = _spans(session, words, date, first, last)
        for start, end in spans:
            check_billable(minutes, minutes_between(start, end))
    said = session.retyped(("--from", "--to", "--date"))
    session.again = said.replace(f" {shlex.join(words)}", "", 1) if words else said
    if len(spans) > 1 and script_key:
        raise UsageError("--key is the key of one entry, and these are several.", "Log each with a key of its own.")
    known = session.journal.with_key(script_key) if script_key else None
    with nothing("logged"):
        item = None if known or not typed else item_or_typed(session, typed, kind, exact)
    if item is None:
        kind = kind or (known.asked.work_item_type if known else None)
        item = WorkItem(kind or "ticket", "", typed or kind or "")
    operations = [
        Operation(
            Kind.CREATE,
            EntryRequest(item.type, item.id or None, start, end, minutes, notes, user),
            item.label,
            session.now(),
            item_typed=typed,
            key=script_key,
        )
        for start, end in spans
    ]
    if len(operations) > 1:
        return several(session, operations, service_name)
    return _one(session, operations[0], service_name)


def _one(session: Session, operation: Operation, service_name: str | None) -> Output:
    """Deliver one entry: the output of the command."""
    with nothing("logged"):
        settled = with_service(session, lambda name: _delivered(session, operation, name or ""), service_name)
    with nothing("logged"), session.in_passing():
        if settled.operation.key and session.journal.was_undone(settled.operation):
            data = queued(settled.operation) | {"delivery": "discarded"}
            return Output(data, f"Logged before, and it was undone: {settled.operation.label}. Nothing was recorded.")
        if settled.operation.state is State.DONE and settled.entry is None:
            return _before(session, settled.operation)
        entry = settled_entry(session, settled)
    if entry is None:
        saved = messages.minutes_line("Saved", settled.operation, messages.view(session))
        return Output(queued(settled.operation), saved)
    told(session, transitions.as_entry(settled.operation), entry)
    return Output(delivered(session, entry), messages.entry_line("Logged", entry, messages.view(session)))


def _item_and_span(
    work_item: str, span: list[str], kind: str | None, timed: bool, exact: bool
) -> tuple[str | None, list[str]]:
    """The work item, and the words of the span. Types without look-up need no work item: the span may come first."""
    if kind is None or kind in work_items.LOOKED_UP or timed:
        turned = re.fullmatch(TIMED, work_item) and not any(re.fullmatch(TIMED, each) for each in span)
        if span and turned and not exact:
            raise UsageError("The work item comes first, and then when.", "For example: alga log TIC1042 90m")
        return work_items.checked(work_item, kind or "ticket"), span
    if grammar.is_length(work_item) or grammar.names_times(work_item):
        return None, [work_item, *span]
    return work_items.checked(work_item, kind), span


def _spans(
    session: Session, words: list[str], date: str | None, first: str | None, last: str | None
) -> list[tuple[datetime, datetime]]:
    """The spans, each checked, and none over another. Raises UsageError, Refused or Overlaps."""
    now, zone = session.now(), session.zone
    if first == "last":
        found = [_since_last(session, words, date, last)]
    elif words and not (first or last):
        on = grammar.parse_date(date, local_date(now, zone), alone=True) if date else None
        hours = session.profile.work_time.hours if session.profile.hours else ()  # nothing to load for most people
        found = grammar.parse_intervals(words, now, on, zone, hours)
    else:
        found = [options.interval(" ".join(words) or None, date, first, last, now, zone)]
    yesterday = session.retyped("--date", "--date", "yesterday") if words and not date else ""
    future = f"Yesterday? {yesterday}" if yesterday else ""
    for start, end in found:
        check_times(start, end, now, zone, past_midnight=PAST_MIDNIGHT, future=future)
    for (start, end), (later, until) in pairwise(sorted(found)):
        if later < end:
            raise Overlaps(f"{format_interval(start, end, zone)} overlaps {format_interval(later, until, zone)}.")
    return found


def _since_last(session: Session, words: list[str], date: str | None, last: str | None) -> tuple[datetime, datetime]:
    """From the end of the entry before, today, to now or to the time given. Raises NotFound when none is known."""
    if words or date:
        raise UsageError(
            "--from last and a span or --date cannot be combined.", "Give --from last alone, or with --to."
        )
    now, zone = session.now(), session.zone
    end = grammar.parse_instant(last, now, zone) if last else cut(now)
    with session.in_passing():
        running = session.timer.running_if_known()
        done = [each for each in lately(session) if each.finished_at and each.finished_at <= end]
    if running and running.started_at < end:
        end = cut(running.started_at)
        done = [each for each in done if each.finished_at and each.finished_at <= end]
    before = max(done, key=lambda each: each.finished_at or now, default=None)
    if before is None or before.finished_at is None or local_date(before.finished_at, zone) != local_date(end, zone):
        raise NotFound("No entry of today is known that ended before.", "Give the start: --from 9:05")
    session.note(f"From {format_time(before.finished_at, zone)}, the end of {before.work_item.label}.")
    return before.finished_at, end


def several(session: Session, operations: Sequence[Operation], service: str | None) -> Output:
    """Record several entries as one act: all are checked before the first is sent, and each has its own outcome."""
    with nothing("logged"):
        operations = _with_services(session, operations, service)
    with nothing("logged"), session.in_passing():
        for each in operations:
            assert each.asked.started_at and each.asked.ended_at
            with suppress(Unreachable):
                session.timer.clash().check_new(each.asked.started_at, each.asked.ended_at)
    with nothing("logged"):
        settled = session.outbox.deliver(operations)
    rows, lines, view = list[dict[str, Any]](), list[str](), messages.view(session)
    for result in settled:
        row, line = told_of("Logged", session, result, view)
        rows.append(row)
        lines.append(line)
    return Output(rows, "\n".join(lines), exit_code([outcome(each, Ending.RECORDED) for each in settled]))


def _with_services(session: Session, operations: Sequence[Operation], service: str | None) -> list[Operation]:
    """The operations with the service to look up. A person is asked once, for all that have no usual service."""
    chosen, ready = None, list[Operation]()
    for each in operations:
        item = WorkItem(each.asked.work_item_type or "ticket", each.asked.work_item_id or "", each.label)

        def attempt(name: str | None, item: WorkItem = item) -> str:
            service_or_typed(session, name, item)
            return name or ""

        try:
            typed = attempt(each.service_typed or service)
        except NeedsService:
            typed = chosen = chosen or with_service(session, attempt, service)
        ready.append(each._replace(service_typed=typed))
    return ready


def told_of(verb: str, session: Session, settled: Result, view: messages.View) -> tuple[dict[str, Any], str]:
    """One of several entries that were logged, or otherwise written, as JSON and as a line."""
    operation, state = settled.operation, settled.operation.state
    if settled.entry:
        told(session, transitions.as_entry(operation), settled.entry)
        data = delivered(session, settled.entry) | {"reason": None}
        return data, messages.entry_line(verb, settled.entry, view)
    if state is State.QUEUED:
        session.warn(messages.saved(session, operation, settled.error))
        return queued(operation) | {"reason": None}, messages.minutes_line("Saved", operation, view)
    why = operation.reason or (settled.error.message if settled.error else "")
    data = queued(operation) | {"delivery": None, "reason": why}
    return data, f"{messages.minutes_line(f'Not {verb.lower()}:', operation, view)}. {why}"


def _before(session: Session, operation: Operation) -> Output:
    """The output for an entry that an earlier run with that key, or another alga process, recorded."""
    verb = "Logged before:" if operation.key else "Logged"
    try:
        entry = session.client.get_entry(operation.entry_id or "")
    except (Unreachable, NotFound):  # the journal is enough
        data = queued(operation) | {"id": operation.entry_id, "delivery": "delivered"}
        return Output(data, messages.minutes_line(verb, operation, messages.view(session)))
    return Output(delivered(session, entry), messages.entry_line(verb, entry, messages.view(session)))


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
