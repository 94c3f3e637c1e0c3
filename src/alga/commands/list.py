"""alga list: entries by day, complete for their period."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alga.app.session import Session
from alga.core.times import format_time
from alga.lookup import work_items
from alga.ui import columns, messages, options, tables
from alga.ui.command import command
from alga.ui.filters import FilterOptions, PeriodOptions, ScopeOptions, as_of, choose, listed_or_seen, not_seen
from alga.ui.messages import kept_here, mention
from alga.ui.options import Offline
from alga.ui.output import Output

if TYPE_CHECKING:
    from alga.core.entry import Entry

SORTS: dict[str, Callable[["Entry"], Any]] = {
    "time": lambda entry: entry.started_at,
    "worked": lambda entry: entry.duration_minutes,
    "billable": lambda entry: entry.billable_minutes or 0,
    "work-item": lambda entry: (entry.work_item_title or entry.work_item_id or "").lower(),
    "person": lambda entry: (entry.user_name or entry.user_id or "").lower(),
    "service": lambda entry: (entry.service_name or "").lower(),
    "status": lambda entry: entry.approval_status or "",
}
Sort = Annotated[
    str | None, typer.Option("--sort", metavar="COLUMN", help=f"{', '.join(SORTS)}; -time reverses the order.")
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=1, help="At most this many entries: the latest, or the first as sorted."),
]


@command
def list(  # noqa: A001  the verb's own name
    session: Session,
    period: PeriodOptions,
    scope: ScopeOptions,
    filters: FilterOptions,
    sort: Sort = None,
    limit: Limit = None,
    offline: Offline = False,
) -> Output:
    """List time entries, by day (default: yours, this week)."""
    if offline:
        session.stay_offline()
    options.one_of("--sort", sort and sort.removeprefix("-"), tuple(SORTS))
    selection, title = choose(session, period, scope, filters, "week", "mine")
    seen = listed_or_seen(session, selection, offline)
    rows, title = seen.rows, title + as_of(session, seen)
    every = len(rows)
    if sort:
        rows = sorted(rows, key=SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    if limit and limit < every:
        rows = rows[:limit] if sort else rows[-limit:]
        session.note(f"{limit} of {every} entries (--limit).")
    mention(session)
    if here := kept_here(session):
        since = format_time(here.started_at, session.zone)
        session.warn(
            f"The timer on {here.work_item.label} has been running here since {since}: it is listed after the stop."
        )

    def drawn() -> "tables.Table":
        people = [columns.PERSON] if len(selection.user_ids) != 1 else []
        if seen.unseen:
            table = columns.entries_unsummed(title, rows, messages.view(session), people)
            return replace(table, below=not_seen(session, seen))
        by_day = not sort and len(rows) == every  # a day's sum is the whole day's
        draw = columns.entries_by_day if by_day else columns.entries_flat
        return draw(title, rows, messages.view(session), people)

    return Output([work_items.published(entry, session.cache) for entry in rows], drawn)
