"""What each listing shows, as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

from alga.core.day import Daysheet, Stretch, timeline
from alga.core.intervals import by_day, sums
from alga.core.times import (
    counted,
    format_day,
    format_interval,
    format_minutes,
    format_time,
    local_date,
    minutes_between,
)
from alga.lookup import work_items
from alga.outbox.describe import DELIVERY, what
from alga.ui.tables import Head, Line, Table, unicode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from alga.core.entry import Entry
    from alga.outbox.results import Place
    from alga.ui.messages import Look

T = TypeVar("T")


@dataclass(frozen=True)
class Column:
    """A heading and what stands under it; `when` leaves the column out where no row needs it."""

    head: Head
    cell: Callable[[Any, Look], str]
    when: Callable[[Sequence[Any]], bool] = lambda rows: True


def _worked(entry: Entry, look: Look) -> str:
    return format_minutes(minutes_between(entry.started_at, entry.ended_at or look.now))


def _billable(entry: Entry | Stretch, look: Look) -> str:
    return format_minutes(entry.billable_minutes or 0) if entry.ended_at else "running"


ENTRIES = (
    Column(Head("TIME"), lambda e, look: format_interval(e.started_at, e.ended_at, look.zone)),
    Column(Head("WORKED", right=True), _worked),
    Column(Head("BILLABLE", right=True), _billable),
    Column(Head("WORK ITEM", most=20), lambda e, look: work_items.label(e, look.cache)),
    Column(Head("NOTES", wide=True), lambda e, look: e.notes or ""),
    Column(
        Head("STATUS"),
        lambda e, look: e.approval_status or "",
        when=lambda rows: any(e.approval_status not in ("DRAFT", None) for e in rows),
    ),
    Column(Head("ID"), lambda e, look: e.id[:8]),
)
DAY = Column(
    Head("DAY"), lambda e, look: format_day(local_date(e.started_at, look.zone), local_date(look.now, look.zone))
)
PERSON = Column(Head("PERSON", most=16), lambda e, look: e.user_name or (e.user_id or "")[:8])
HITS = (DAY, ENTRIES[0], PERSON, *ENTRIES[3:])
DIFFERENTLY_BILLABLE = Column(
    ENTRIES[2].head, _billable, when=lambda rows: any(e.billable_minutes != e.duration_minutes for e in rows)
)
SHORT_NOTES = Column(Head("NOTES", most=24), ENTRIES[4].cell)
FINDINGS = (
    Column(Head("STATE"), lambda f, look: f.state),
    Column(Head("CHECK"), lambda f, look: f.check),
    Column(Head("FOUND", wide=True, wrap=True), lambda f, look: f.found),
)
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
    Column(
        Head("USED"),
        lambda s, look: "by default" if look.is_default(*s) else "",
    ),
    Column(Head("ID"), lambda s, look: s[0]),
)


DAY_SHEET = (
    Column(Head("TIME"), lambda s, look: format_interval(s.started_at, s.ended_at, look.zone)),
    Column(Head("WORKED", right=True), _worked),
    Column(
        Head("BILLABLE", right=True),
        lambda s, look: _billable(s, look) if s.sent or not s.ended_at else "not sent",
    ),
    Column(Head("WORK ITEM", most=20), lambda s, look: s.label),
    Column(Head("NOTES", wide=True), lambda s, look: s.notes or ""),
)
TEMPLATES = (Column(Head("NAME", wide=True), lambda t, look: str(t.get("template_name") or t.get("name") or t)),)
OUTCOMES = (
    Column(Head("ROW", most=30), lambda o, look: _row(o.place), when=lambda rows: any(o.place for o in rows)),
    Column(Head("OUTCOME"), lambda o, look: str(o.ending)),
    Column(Head("ID"), lambda o, look: (o.id or "")[:8]),
    Column(
        Head("WHAT", wide=True, wrap=True),
        lambda o, look: ": ".join(filter(None, (o.label, o.reason))),
        when=lambda rows: any(o.label or o.reason for o in rows),
    ),
)

QUEUE = (
    Column(Head("ID", right=True), lambda o, look: str(o.id)),
    Column(Head("STATE"), lambda o, look: "in doubt" if o.in_doubt else DELIVERY[o.state]),
    Column(Head("WHAT", most=40), lambda o, look: what(o, look.zone, look.now)),
    Column(Head("SINCE"), lambda o, look: _moment(o.queued_at, look)),
    Column(Head("TRIES", right=True), lambda o, look: str(o.tries)),
    Column(Head("WHY", wide=True, wrap=True), lambda o, look: o.reason, when=lambda rows: any(o.reason for o in rows)),
    Column(
        Head("LOGIN", most=20),
        lambda o, look: o.server.partition("://")[2] or o.server,
        when=lambda rows: len({(o.server, o.fingerprint) for o in rows}) > 1,
    ),
)
RECEIPTS = (
    *(QUEUE[n] for n in (0, 2)),
    Column(Head("SENT"), lambda o, look: _moment(o.changed_at or o.queued_at, look)),
    Column(Head("ENTRY"), lambda o, look: (o.entry_id or "")[:8]),
)

SYNCED = (
    Column(Head("ID", right=True), lambda s, look: str(s.operation.id)),
    Column(Head("OUTCOME"), lambda s, look: "waits" if s.operation.state == "queued" else DELIVERY[s.operation.state]),
    Column(Head("WHAT", most=40), lambda s, look: what(s.operation, look.zone, look.now)),
    Column(Head("ENTRY"), lambda s, look: (s.operation.entry_id or "")[:8]),
    Column(
        Head("WHY", wide=True, wrap=True),
        lambda s, look: s.operation.reason,
        when=lambda rows: any(s.operation.reason for s in rows),
    ),
)


def _moment(instant: datetime, look: Look) -> str:
    """`17:04` of today, else with its day."""
    day, today = local_date(instant, look.zone), local_date(look.now, look.zone)
    return ("" if day == today else f"{format_day(day, today)} ") + format_time(instant, look.zone)


def _row(place: Place | None) -> str:
    """The file's name without its directories, and the line."""
    return f"{PurePath(place.file).name}:{place.line}" if place else ""


def look_at(marks: Mapping[str, Sequence[str]]) -> Column:
    """What an approver should look at, by the entry's id; left out where there is nothing."""
    head = Head("LOOK AT", wide=True, wrap=True)
    return Column(head, lambda e, look: ", ".join(marks[e.id]), when=lambda rows: any(marks.values()))


def day_table(title: str, sheet: Daysheet, look: Look) -> Table:
    """A day's stretches with the free time between them, under a time line."""
    with_id = Column(Head("ID"), lambda s, look: s.id[:8] if s.sent else "")
    columns = _shown((*DAY_SHEET, look_at(sheet.marks), with_id), sheet.stretches)
    shown = _lines(columns, sheet.stretches, look)
    rows = [(stretch.started_at, line) for stretch, line in zip(sheet.stretches, shown, strict=True)]
    for start, end in sheet.gaps:
        cells = [format_interval(start, end, look.zone), format_minutes(minutes_between(start, end)), "", "free"]
        rows.append((start, Line(cells + [""] * (len(columns) - 4), "dim")))
    total = [counted(len(sheet.stretches), "entry"), format_minutes(sheet.worked), format_minutes(sheet.billable)]
    lines = [line for _, line in sorted(rows, key=lambda row: row[0])]
    lines += [Line(), Line(total + [""] * (len(columns) - 3), "dim")]
    above = timeline(sheet, look.zone, look.now, 78, "\u00b7\u2588!" if unicode() else ".#!")
    empty = "Nothing recorded."
    return Table(title, [c.head for c in columns], lines if sheet.stretches else [], empty, above=above)


def listing(title: str, columns: Sequence[Column], rows: Sequence[Any], look: Look, empty: str) -> Table:
    """A flat table."""
    shown = _shown(columns, rows)
    lines = [Line([column.cell(row, look) for column in shown]) for row in rows]
    return Table(title, [column.head for column in shown], lines, empty=empty)


def entries_by_day(title: str, entries: Sequence[Entry], look: Look, more: Sequence[Column] = ()) -> Table:
    """Entries under their days, each day with its sums, and the sums of all at the end. `more` columns come second."""
    columns = _shown((ENTRIES[0], *more, *ENTRIES[1:]), entries)
    today, lines = local_date(look.now, look.zone), list[Line]()
    for day, rows in by_day(entries, look.zone).items():
        lines.append(_summed(format_day(day, today), rows, columns))
        lines += _lines(columns, rows, look)
        lines.append(Line())
    return _totalled(title, columns, lines, entries)


def entries_flat(title: str, entries: Sequence[Entry], look: Look, more: Sequence[Column] = ()) -> Table:
    """Entries in the order in which they come, each with its day, and their sums at the end."""
    columns = _shown((DAY, ENTRIES[0], *more, *ENTRIES[1:]), entries)
    return _totalled(title, columns, [*_lines(columns, entries, look), Line()], entries)


def entries_by_person(title: str, entries: Sequence[Entry], look: Look, more: Sequence[Column]) -> Table:
    """Entries under the people whose they are, each with their sums."""
    every = (DAY, *ENTRIES[:2], DIFFERENTLY_BILLABLE, ENTRIES[3], SHORT_NOTES, *more, ENTRIES[-1])
    columns, lines = _shown(every, entries), list[Line]()
    people = sorted({PERSON.cell(entry, look) for entry in entries})
    for person in people:
        rows = [entry for entry in entries if PERSON.cell(entry, look) == person]
        lines.append(_summed(person, rows, columns))
        lines += _lines(columns, rows, look)
        lines.append(Line())
    return _totalled(title, columns, lines, entries)


def _shown(columns: Sequence[Column], rows: Sequence[Any]) -> list[Column]:
    return [column for column in columns if column.when(rows)]


def _lines(columns: Sequence[Column], rows: Sequence[Entry | Stretch], look: Look) -> list[Line]:
    return [Line([column.cell(row, look) for column in columns], "" if row.ended_at else "bold") for row in rows]


def _totalled(title: str, columns: Sequence[Column], lines: list[Line], entries: Sequence[Entry]) -> Table:
    total = sums(entries)
    running = f", {total.running} running" if total.running else ""
    last = _summed(f"{counted(total.entries, 'entry')}{running}", entries, columns)
    heads = [column.head for column in columns]
    return Table(title, heads, [*lines, last] if entries else [], empty="Nothing recorded.")


def _summed(name: str, entries: Sequence[Entry], columns: Sequence[Column]) -> Line:
    total = sums(entries)
    cells = {
        columns[0].head.name: name,
        "WORKED": format_minutes(total.worked),
        "BILLABLE": format_minutes(total.billable),
    }
    return Line([cells.get(column.head.name, "") for column in columns], "dim")


def named(entry: Entry, look: Look) -> str:
    """`Tin Woodman, Mon 23 Nov 09:00-10:30, TIC1042`: what tells one entry of many people from another."""
    interval = format_interval(entry.started_at, entry.ended_at, look.zone)
    cells = (PERSON.cell(entry, look), f"{DAY.cell(entry, look)} {interval}", work_items.label(entry, look.cache))
    return ", ".join(cells)
