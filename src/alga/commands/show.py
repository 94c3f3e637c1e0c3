"""alga show: one entry in full."""

from typing import TYPE_CHECKING, Annotated

import typer

from alga.app.session import Session
from alga.core.errors import NotFound, UsageError
from alga.core.safe_text import brief, plain
from alga.core.times import format_day, format_interval, format_minutes, local_date
from alga.lookup import entries, work_items
from alga.outbox.describe import published
from alga.ui import columns, messages
from alga.ui.choices import the_id
from alga.ui.command import command
from alga.ui.options import EntryId
from alga.ui.output import Output

if TYPE_CHECKING:
    from alga.core.entry import Entry

LONGEST_NOTES = 100_000  # characters; --json has them all


History = Annotated[
    bool, typer.Option("--history", help="Show what was done to the entry from this computer; asks no server.")
]


@command
def show(session: Session, entry_id: EntryId, history: History = False) -> Output:
    """Show one entry."""
    wanted = the_id(session, entry_id)
    if history:
        return _history(session, wanted)
    entry = entries.by_id(session.client, session.cache, wanted, session.now())
    work_items.learn_numbers([entry], session.client, session.cache)
    return Output(work_items.published(entry, session.cache), _text(session, entry))


def _history(session: Session, entry_id: str) -> Output:
    """An entry's story, from the receipts on this computer."""
    if len(entry_id.strip()) < entries.SHORTEST_PREFIX:
        raise UsageError(f"'{entry_id}' is too short for an id: at least {entries.SHORTEST_PREFIX} characters.")
    told = session.journal.of_entry(entry_id.strip())
    if len({each.entry_id for each in told}) > 1:
        raise UsageError(f"Several entries begin with {entry_id}.", "Give more characters.")
    if not told:
        raise NotFound(f"Nothing was done to {entry_id} from this computer.", f"alga show {entry_id}")
    view = messages.View(session.zone, session.now(), session.remembered)
    undone = [each.id for each in told if session.journal.was_undone(each)]
    rows = [(each, each.id in undone) for each in told]
    data = [published(each) | {"undone": each.id in undone} for each in told]
    return Output(data, columns.listing(f"Entry {told[0].entry_id}", columns.STORY, rows, view, ""))


def _text(session: Session, entry: "Entry") -> str:
    zone, today = session.zone, local_date(session.now(), session.zone)
    day = format_day(local_date(entry.started_at, zone), today)
    title = work_items.title(entry.work_item_id, session.cache) or entry.work_item_title
    name = work_items.label(entry, session.cache)
    service = entry.service_name or session.cache.services.get(entry.service_id or "") or entry.service_id
    lines = messages.details([
        ("Work item", f"{name} ({title})" if title and title != name else name),
        ("Type", entry.work_item_type),
        ("Client", work_items.published(entry, session.cache)["client_name"]),
        ("Time", f"{day} {format_interval(entry.started_at, entry.ended_at, zone)}"),
        ("Worked", format_minutes(entry.duration_minutes) if entry.ended_at else "running"),
        ("Billable", format_minutes(entry.billable_minutes or 0) if entry.ended_at else None),
        ("Service", service),
        ("Person", entry.user_name or entry.user_id),
        ("Status", entry.approval_status),
        ("Sheet", "on no time sheet" if entry.lacks_sheet else entry.time_sheet_id),
        ("Id", entry.id),
    ])  # fmt: skip
    notes = "\n".join(f"  {plain(row)}" for row in brief(entry.notes or "", LONGEST_NOTES).splitlines())
    return f"{lines}\n\n{notes}" if notes else lines
