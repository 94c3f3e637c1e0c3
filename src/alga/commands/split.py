"""alga split: divide an entry at times within it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from alga.app.session import Session
from alga.commands.log import told_of
from alga.core import grammar
from alga.core.entry import EntryRequest, whole_or_not
from alga.core.errors import Refused, UsageError
from alga.core.times import cut, format_interval, format_time, local_date, minutes_between
from alga.lookup import entries, work_items
from alga.outbox.operation import Kind, Operation, State
from alga.outbox.results import Ending, exit_code, outcome
from alga.ui import messages
from alga.ui.choices import is_last, the_id, wants_last
from alga.ui.command import command
from alga.ui.messages import nothing
from alga.ui.options import EntryId
from alga.ui.output import Output

if TYPE_CHECKING:
    from alga.core.entry import Entry

Times = Annotated[list[str], typer.Argument(metavar="TIME...", help="Times to divide the entry at: 10:30 11:15.")]


@command
def split(session: Session, entry_id: EntryId, times: Times) -> Output:
    """Divide an entry: it ends at the first time, and new entries like it take the rest."""
    with nothing("changed"):
        with session.in_passing():
            entry = entries.by_id(session.client, session.cache, the_id(session, entry_id), session.now())
        waits = [*session.journal.queued(), *session.journal.aside()]
        if any(each.entry_id == entry.id for each in waits):
            raise Refused("A change of that entry still waits.", "alga sync")
        ends = _ends(session, entry, times)
        parts = _parts(session, entry, ends)
        if is_last(entry_id):
            shown = [messages.entry_line("To divide:", entry, messages.view(session))]
            at = " and ".join(format_time(each, session.zone) for each in ends[:-1])
            wants_last(f"Divide the entry at {at}?", shown)
        settled = session.outbox.deliver(_operations(session, entry, parts))
    view, lines, rows = messages.view(session), list[str](), list[dict[str, object]]()
    for verb, each in zip(["Shortened", *["Logged"] * len(parts)], settled, strict=False):
        row, line = told_of(verb, session, each, view)
        rows.append(row)
        lines.append(line)
    if any(each.operation.state is State.ASIDE for each in settled):
        session.warn("A part is set aside: alga queue shows why. To take the division back: alga undo")
    return Output(rows, "\n".join(lines), exit_code([outcome(each, Ending.RECORDED) for each in settled]))


def _ends(session: Session, entry: "Entry", times: list[str]) -> list[datetime]:
    """The ends of the parts, in order. Raises UsageError or Refused."""
    if entry.ended_at is None:
        raise Refused("The timer is still running: stop it first.", "alga stop")
    if entry.approval_status not in (None, "DRAFT"):
        raise Refused(f"The entry's status is {entry.approval_status}: only a draft can be divided.")
    found = sorted({_within(session, entry, typed) for typed in times})
    return [*found, entry.ended_at]


def _within(session: Session, entry: "Entry", typed: str) -> datetime:
    """The instant within the entry that a time means, on its day or the next ones."""
    zone, first = session.zone, local_date(entry.started_at, session.zone)
    time, last = grammar.read_time(typed, session.now(), zone), entry.ended_at or entry.started_at
    days = [first + timedelta(days=n) for n in range((local_date(last, zone) - first).days + 1)]
    found = [at for at in (cut(time.on(day, zone)) for day in days) if entry.started_at < at < last]
    if not found:
        raise UsageError(f"{typed} is not within {format_interval(entry.started_at, entry.ended_at, zone)}.")
    return found[0]


def _parts(session: Session, entry: "Entry", ends: list[datetime]) -> list[tuple[datetime, datetime, int]]:
    """Start, end and billable minutes of each part: in proportion, and never more than its minutes."""
    starts, worked, billable = [entry.started_at, *ends[:-1]], entry.duration_minutes, entry.billable_minutes or 0
    if session.cache.deployed and billable not in (0, worked):
        raise Refused(whole_or_not(billable, worked), "alga edit changes the billable minutes.")
    upto = [billable * minutes_between(entry.started_at, end) // worked for end in ends]
    shares = [after - before for before, after in zip([0, *upto], upto, strict=False)]
    return list(zip(starts, ends, shares, strict=True))


def _operations(session: Session, entry: "Entry", parts: list[tuple[datetime, datetime, int]]) -> list[Operation]:
    """First the entry is shortened, then each other part is created: all of them are on disk before."""
    label, now = work_items.label(entry, session.cache), session.now()
    (start, end, billable), *others = parts
    shorter = EntryRequest(started_at=start, ended_at=end, billable_minutes=billable)
    like = EntryRequest(entry.work_item_type, entry.work_item_id, notes=entry.notes, service_id=entry.service_id)
    made = [replace(like, started_at=first, ended_at=last, billable_minutes=share) for first, last, share in others]
    edit = Operation(Kind.EDIT, shorter, label, now, entry_id=entry.id, before=entry)
    return [edit, *(Operation(Kind.CREATE, each, label, now, after=(0,)) for each in made)]
