"""alga log: work already done."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from alga import options, workitems
from alga.columns import entry_line
from alga.command import command, delivered, keep, look, nothing, service, told
from alga.errors import NeverSent, Overlaps, Refused
from alga.options import Billable, From, NoBillable, Notes, On, Service, To, Type, WorkItem
from alga.output import Shown
from alga.session import Session
from alga.times import AHEAD, format_interval, local_date, minutes_between
from alga.truth import NON_BILLABLE, Asked

if TYPE_CHECKING:
    from alga.api.models import TimeEntry

Span = Annotated[str | None, typer.Argument(metavar="[SPAN]", help="90m (ending now), 9:00-10:30 or 9:00+90m.")]
User = Annotated[str | None, typer.Option("--user", metavar="ID", help="For that user; not every server does that.")]


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
) -> Shown:
    """Record work already done: alga log TIC1042 90m -m "Patched the switch"."""
    now, zone = session.now(), session.zone
    start, end = options.interval(span, date, first, last, now, zone)
    yesterday = f"alga log {work_item} {span} --date yesterday" if span and not date else ""
    _check(session, start, end, now, yesterday)
    minutes = options.billable_minutes(billable, no_billable)
    if minutes is not None and minutes > minutes_between(start, end):
        raise Refused(
            f"{minutes} billable minutes are more than the {minutes_between(start, end)} worked. Nothing was logged."
        )
    with nothing("logged"), _naming_the_times(session, start, end, f"alga log {work_item}"):
        item = workitems.resolve(work_item, kind, session.client, session.learnt)
        service_id = service(session, service_name)
        if minutes is None:
            minutes = 0 if item.type == NON_BILLABLE else minutes_between(start, end)
        asked = Asked(item.type, item.id, start, end, minutes, notes, user, service_id)
        entry = _sent(session, asked, f"alga log {work_item}")
    keep(session, asked, entry)
    told(session, asked, entry)
    return Shown(delivered(entry), entry_line("Logged", entry, look(session)))


@contextmanager
def _naming_the_times(session: Session, start: datetime, end: datetime, command_line: str) -> Iterator[None]:
    """Typed again later, a span that ends now would mean other minutes: so the hint names these."""
    try:
        yield
    except NeverSent as error:
        day = local_date(start, session.zone)
        date = "" if day == local_date(session.now(), session.zone) else f" --date {day}"
        error.hint = f"Later: {command_line} {format_interval(start, end, session.zone)}{date}"
        raise


def _check(session: Session, start: datetime, end: datetime, now: datetime, yesterday: str) -> None:
    shown = format_interval(start, end, session.zone)
    if end < start:
        hint = "Past midnight? Give the date too: --from 'yesterday 23:00' --to 'today 1:00'"
        times = " to ".join(f"{each.astimezone(session.zone):%H:%M}" for each in (start, end))
        raise Refused(f"{times} ends before it starts. Nothing was logged.", hint)
    if minutes_between(start, end) < 1:
        raise Refused(f"{shown} is less than a minute. Nothing was logged.")
    if end > now + AHEAD:
        raise Refused(
            f"{shown} ends in the future. Nothing was logged.", f"Yesterday? {yesterday}" if yesterday else ""
        )


def _sent(session: Session, asked: Asked, command_line: str) -> "TimeEntry":
    """Check for an overlap of one's own time, and send. A server's own refusal gets the entry it means."""
    clash = session.timer.clash()
    assert asked.started_at
    assert asked.ended_at
    if asked.user_id in (None, session.learnt.user_id):
        clash.check(asked.started_at, asked.ended_at, try_with=command_line)
    try:
        return session.client.create_entry(asked)
    except Overlaps as error:
        raise clash.named(error, asked.started_at, asked.ended_at) from None
