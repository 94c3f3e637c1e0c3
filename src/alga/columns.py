"""What each listing shows, as data, and the one sentence about one entry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, TypeVar

from alga import workitems
from alga.learnt import Learnt
from alga.output import Head, Line, Table
from alga.sheet import by_day, sums
from alga.times import format_day, format_interval, format_minutes, local_date, minutes_between

if TYPE_CHECKING:
    from alga.api.models import TimeEntry

T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """From where a listing is looked at: the local zone, now, and what was learnt of work items."""

    zone: tzinfo
    now: datetime
    learnt: Learnt


@dataclass(frozen=True)
class Column:
    """A heading and what stands under it; `when` leaves the column out where no row needs it."""

    head: Head
    cell: Callable[[Any, Look], str]
    when: Callable[[Sequence[Any]], bool] = lambda rows: True


def _worked(entry: "TimeEntry", look: Look) -> str:
    return format_minutes(minutes_between(entry.started_at, entry.ended_at or look.now))


def _billable(entry: "TimeEntry", look: Look) -> str:
    return format_minutes(entry.billable_minutes or 0) if entry.ended_at else "running"


ENTRIES = (
    Column(Head("TIME"), lambda e, look: format_interval(e.started_at, e.ended_at, look.zone)),
    Column(Head("WORKED", right=True), _worked),
    Column(Head("BILLABLE", right=True), _billable),
    Column(Head("WORK ITEM", most=20), lambda e, look: workitems.label(e, look.learnt)),
    Column(Head("NOTES", wide=True), lambda e, look: e.notes or ""),
    Column(
        Head("STATUS"),
        lambda e, look: e.approval_status or "",
        when=lambda rows: any(e.approval_status not in ("DRAFT", None) for e in rows),
    ),
    Column(Head("ID"), lambda e, look: e.id[:8]),
)
PERSON = Column(Head("PERSON", most=16), lambda e, look: e.user_name or (e.user_id or "")[:8])
TICKETS: tuple[Column, ...] = (
    Column(Head("NUMBER"), lambda t, look: t.ticket_number),
    Column(Head("TITLE", wide=True), lambda t, look: t.title or ""),
    Column(
        Head("CLIENT", most=20), lambda t, look: t.client_name or "", when=lambda rows: any(t.client_name for t in rows)
    ),
    Column(
        Head("STATE"),
        lambda t, look: "closed" if t.is_closed else "open",
        when=lambda rows: any(t.is_closed for t in rows),
    ),
)
SERVICES: tuple[Column, ...] = (
    Column(Head("SERVICE", wide=True), lambda s, look: s[1]),
    Column(Head("USED"), lambda s, look: "last" if s[0] == look.learnt.last_service else ""),
    Column(Head("ID"), lambda s, look: s[0]),
)


def listing(title: str, columns: Sequence[Column], rows: Sequence[Any], look: Look, empty: str) -> Table:
    """A flat table."""
    shown = [column for column in columns if column.when(rows)]
    lines = [Line([column.cell(row, look) for column in shown]) for row in rows]
    return Table(title, [column.head for column in shown], lines, empty=empty)


def entries_by_day(title: str, entries: "Sequence[TimeEntry]", look: Look, with_person: bool) -> Table:
    """Entries under their days, each day with its sums, and the sums of all at the end."""
    columns = [
        column for column in (ENTRIES[0], *([PERSON] if with_person else []), *ENTRIES[1:]) if column.when(entries)
    ]
    today, lines = local_date(look.now, look.zone), list[Line]()
    for day, rows in by_day(entries, look.zone).items():
        lines.append(_summed(format_day(day, today), rows, columns))
        for row in rows:
            lines.append(Line([column.cell(row, look) for column in columns], "" if row.ended_at else "bold"))
        lines.append(Line())
    total = sums(entries)
    named = f"{total.entries} entr{'y' if total.entries == 1 else 'ies'}" + (
        f", {total.running} running" if total.running else ""
    )
    lines.append(_summed(named, entries, columns))
    return Table(title, [column.head for column in columns], lines if entries else [], empty="Nothing recorded.")


def _summed(name: str, entries: "Sequence[TimeEntry]", columns: Sequence[Column]) -> Line:
    total = sums(entries)
    cells = {"TIME": name, "WORKED": format_minutes(total.worked), "BILLABLE": format_minutes(total.billable)}
    return Line([cells.get(column.head.name, "") for column in columns], "dim")


def entry_line(verb: str, entry: "TimeEntry", look: Look) -> str:
    """`Logged tk_77d0: 1h 30m worked, 1h 30m billable (07:40-09:10)  9be04f17`, with the date if it is not today's."""
    day, today = local_date(entry.started_at, look.zone), local_date(look.now, look.zone)
    on = "" if day == today else f"{format_day(day, today)} "
    worked, billable = format_minutes(entry.duration_minutes), format_minutes(entry.billable_minutes or 0)
    interval = f"({on}{format_interval(entry.started_at, entry.ended_at, look.zone)})"
    name = workitems.label(entry, look.learnt)
    if entry.ended_at is None:
        return f"{verb} {name}: running {interval}  {entry.id[:8]}"
    return f"{verb} {name}: {worked} worked, {billable} billable {interval}  {entry.id[:8]}"


def details(pairs: Sequence[tuple[str, str | None]]) -> str:
    """Names and values, one a line, without those that say nothing."""
    said = [(name, value) for name, value in pairs if value]
    wide = max(len(name) for name, _ in said)
    return "\n".join(f"{name.ljust(wide)}  {value}" for name, value in said)
