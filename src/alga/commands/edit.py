"""alga edit: change an entry."""

from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from alga.app.session import Session
from alga.core import grammar, periods
from alga.core.entry import EntryRequest, billable_follows, check_billable, check_times
from alga.core.errors import Overlaps, Refused, Unreachable, UsageError
from alga.core.times import cut, local_date, minutes_between
from alga.delivery import sender
from alga.lookup import entries, work_items
from alga.outbox.operation import Kind, Operation
from alga.ui import messages, options
from alga.ui.choices import item_or_typed, service_or_typed
from alga.ui.command import command
from alga.ui.messages import delivered, nothing, settled_entry, told
from alga.ui.options import Billable, EntryId, From, NoBillable, Notes, On, Service, To
from alga.ui.output import Output

if TYPE_CHECKING:
    from alga.core.entry import Entry

Span = Annotated[
    str | None, typer.Argument(metavar="[SPAN]", help="The new times: 9:00-10:30 or 9:00+90m, on the entry's own day.")
]
Item = Annotated[
    str | None,
    typer.Option("--work-item", metavar="WORK_ITEM", help="The new work item."),
]
OtherType = Annotated[
    str | None,
    typer.Option("--type", metavar="TYPE", help="The new type of work item."),
]


PAST_MIDNIGHT = "Past midnight? Give the date too: --to '2026-06-03 1:00'"


@command
def edit(
    session: Session,
    entry_id: EntryId,
    span: Span = None,
    notes: Notes = None,
    service_name: Service = None,
    work_item: Item = None,
    kind: OtherType = None,
    billable: Billable = None,
    no_billable: NoBillable = False,
    date: On = None,
    first: From = None,
    last: To = None,
) -> Output:
    """Change an entry: its times, notes, service, work item or billable minutes."""
    minutes = options.billable_minutes(billable, no_billable)
    if not any([span, notes is not None, service_name, work_item, kind, billable, no_billable, date, first, last]):
        raise UsageError(
            "What should change?",
            "Give one of: 9:00-10:30, -m TEXT, -s SERVICE, --billable 60, --work-item, --from, --to.",
        )
    with nothing("changed"):
        with session.in_passing():
            before, remembered = entries.as_seen(session.client, session.cache, entry_id, session.now())
            start, end = _times(session, before, span, date, first, last)
        item = item_or_typed(session, work_item, kind or _kind(session, before, work_item)) if work_item else None
    with session.in_passing():
        with nothing("changed"):
            service_id, typed = service_or_typed(session, service_name, item) if service_name else (None, None)
        new_kind, item_id = (item.type, item.id or None) if item else (kind, None)
        asked = billable_follows(EntryRequest(new_kind, item_id, start, end, minutes, notes, None, service_id), before)
        running = before.ended_at is None and end is None
        if running and asked.billable_minutes is not None:
            raise Refused(
                "The timer is still running: give the billable minutes when you stop it.", "alga stop --billable 60"
            )
        _check(session, before, asked)
        label = work_items.label(before, session.cache)
        operation = Operation(Kind.EDIT, asked, label, session.now(), entry_id=before.id, before=before)
        typed_item = item.label if item else None
        operation = operation._replace(remembered=remembered, item_typed=typed_item, service_typed=typed)
        return _changed(session, before, operation)


def _changed(session: Session, before: "Entry", operation: Operation) -> Output:
    with nothing("changed"):
        settled = session.outbox.deliver_one(operation)
        entry = settled_entry(session, settled)
    if entry is None:
        return Output(
            work_items.published(before, session.cache) | {"delivery": "queued"},
            messages.entry_line("To change:", before, messages.view(session)),
        )
    told(session, settled.operation.asked, entry)
    return Output(delivered(session, entry), messages.entry_line("Changed", entry, messages.view(session)))


def _times(
    session: Session, before: "Entry", span: str | None, date: str | None, first: str | None, last: str | None
) -> tuple[datetime | None, datetime | None]:
    """The new times, both or neither (of a running timer only the start); without a date on the entry's own day."""
    zone, now = session.zone, session.now()
    if not (span or date or first or last):
        return None, None
    own_day = local_date(before.started_at, zone)
    day = grammar.parse_date(date, local_date(now, zone)) if date else own_day
    if span and (first or last):
        raise UsageError("A span and --from or --to cannot be combined.", "Use 9:00-10:30 or --from 9:00 --to 10:30.")
    if span and grammar.is_length(span):
        raise UsageError(f"{span} from when?", f"Give the start too: 9:00+{span}")
    if before.ended_at is None and (span or last):
        raise Refused(
            "The timer is still running: give the end when you stop it. Nothing was changed.", "alga stop --at 10:30"
        )
    if span:
        return grammar.parse_interval(span, now, day, zone)
    start = grammar.parse_instant(first, now, zone, day) if first else _moved(before.started_at, own_day, day, session)
    if last:
        return start, grammar.parse_instant(last, now, zone, local_date(start, zone))
    return start, _moved(before.ended_at, own_day, day, session) if before.ended_at else None


def _kind(session: Session, before: "Entry", typed: str) -> str | None:
    """The type of the new work item: what is known here, or a number, says it; else it stays."""
    said = work_items.here(typed, None, session.cache) or work_items.NUMBER.fullmatch(typed)
    return None if said else before.work_item_type


def _moved(instant: datetime, own_day: date, day: date, session: Session) -> datetime:
    """The same time on another day."""
    if own_day == day:
        return instant
    local = instant.astimezone(session.zone)
    return grammar.parse_instant(f"{local:%H:%M}", session.now(), session.zone, day + (local.date() - own_day))


def _check(session: Session, before: "Entry", asked: EntryRequest) -> None:
    """Refuse what the server would silently accept on a change: an end before the start, an overlap."""
    now, start, end = session.now(), asked.started_at, asked.ended_at
    worked = minutes_between(start, end) if start and end else before.duration_minutes
    with nothing("changed"):
        check_billable(asked.billable_minutes, worked)
        if start:
            check_times(start, end or cut(now), now, session.zone, past_midnight=PAST_MIDNIGHT)
    with nothing("changed"), suppress(Unreachable):  # checked again before it is sent
        sender.check_whole(session, asked.billable_minutes, worked, own=True)
    if start is None:
        return
    with suppress(Unreachable):
        _say_if_left_behind(session, before, start)
    try:
        session.timer.clash().check(start, end or cut(now), ignoring=before.id)
    except Unreachable:
        return  # checked again before it is sent
    except Overlaps as error:
        raise error.adding("Nothing was changed.") from None


def _say_if_left_behind(session: Session, before: "Entry", start: datetime) -> None:
    """Warn that an entry stays on its time sheet even if its new date lies in another period (section 4)."""
    moved = before._replace(started_at=start)
    day = moved.counts_on or local_date(start, session.zone)
    if days := entries.on_other_sheet(session.client, before, day):
        sheet = periods.days(*days, local_date(session.now(), session.zone))
        session.warn(
            f"{before.id[:8]} stays on the time sheet of {sheet}, which does not include {day}. "
            "To move it to the right time sheet: log the time again and delete this entry."
        )
