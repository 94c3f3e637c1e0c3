"""The columns of each listing, as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, TypeVar

from alga.core.day import Daysheet, Stretch, timeline
from alga.core.intervals import by_day, sums
from alga.core.safe_text import brief
from alga.core.times import (
    beside,
    counted,
    format_day,
    format_interval,
    format_minutes,
    format_moment,
    local_date,
    minutes_between,
)
from alga.lookup import work_items
from alga.outbox.describe import DELIVERY, what
from alga.ui.tables import Head, Line, Table, unicode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from alga.app.proposals import Kept
    from alga.core.entry import Entry
    from alga.core.week import Weekday
    from alga.outbox.operation import Act, Operation
    from alga.outbox.results import Place
    from alga.ui.messages import View

T = TypeVar("T")
LONGEST_LINE = 78  # characters of a time line


@dataclass(frozen=True)
class Column:
    """A heading and its cells; `when` decides whether the rows need the column."""

    head: Head
    cell: Callable[[Any, View], str]
    when: Callable[[Sequence[Any]], bool] = lambda rows: True


def _worked(entry: Entry, view: View) -> str:
    return format_minutes(minutes_between(entry.started_at, entry.ended_at or view.now))


def _billable(entry: Entry | Stretch, view: View) -> str:
    return format_minutes(entry.billable_minutes or 0) if entry.ended_at else "running"


def _title(entry: Entry, view: View) -> str:
    """The title of the work item, where its label is not the title already."""
    title = work_items.title(entry.work_item_id, view.cache) or entry.work_item_title or ""
    return "" if title == work_items.label(entry, view.cache) else title


ENTRIES = (
    Column(Head("TIME"), lambda e, view: format_interval(e.started_at, e.ended_at, view.zone)),
    Column(Head("WORKED", right=True), _worked),
    Column(Head("BILLABLE", right=True), _billable),
    Column(Head("WORK ITEM", most=20), lambda e, view: work_items.label(e, view.cache)),
    Column(
        Head("TITLE", most=30, room=100),
        _title,
        when=lambda rows: any(e.work_item_title for e in rows),
    ),
    Column(Head("NOTES", wide=True), lambda e, view: e.notes or ""),
    Column(
        Head("STATUS", most=18),
        lambda e, view: e.approval_status or "",
        when=lambda rows: any(e.approval_status not in ("DRAFT", None) for e in rows),
    ),
    Column(Head("ID"), lambda e, view: e.id[:8]),
)


NOTES, ID = ENTRIES[5], ENTRIES[-1]
DAY = Column(
    Head("DAY"), lambda e, view: format_day(local_date(e.started_at, view.zone), local_date(view.now, view.zone))
)
PERSON = Column(Head("PERSON", most=16), lambda e, view: e.user_name or (e.user_id or "")[:8])
HITS = (DAY, ENTRIES[0], PERSON, *ENTRIES[3:])
DIFFERENTLY_BILLABLE = Column(
    ENTRIES[2].head, _billable, when=lambda rows: any(e.billable_minutes != e.duration_minutes for e in rows)
)
SHORT_NOTES = Column(Head("NOTES", most=24), NOTES.cell)
FINDINGS = (
    Column(Head("STATE"), lambda f, view: f.state),
    Column(Head("CHECK"), lambda f, view: f.check),
    Column(Head("FOUND", wide=True, wrap=True), lambda f, view: f.found),
)
TICKETS: tuple[Column, ...] = (
    Column(Head("NUMBER"), lambda t, view: t["number"] or t["id"][:8]),
    Column(Head("TITLE", wide=True), lambda t, view: t["title"] or ""),
    Column(
        Head("CLIENT", most=20),
        lambda t, view: t["client_name"] or "",
        when=lambda rows: any(t["client_name"] for t in rows),
    ),
    Column(
        Head("PROJECT", most=20),
        lambda t, view: t["project_name"] or "",
        when=lambda rows: any(t["project_name"] for t in rows),
    ),
    Column(
        Head("STATE"),
        lambda t, view: "closed" if t["is_closed"] else "open",
        when=lambda rows: any(t["is_closed"] for t in rows),
    ),
)
SETTINGS = (
    Column(Head("SETTING"), lambda s, view: s[0]),
    Column(Head("VALUE", wrap=True), lambda s, view: s[1]),
    Column(Head("MEANING", wide=True, wrap=True), lambda s, view: s[2]),
)
ALIASES: tuple[Column, ...] = (
    Column(Head("ALIAS"), lambda a, view: a[0]),
    Column(Head("WORK ITEM", most=20), lambda a, view: a[1].work_item or a[1].type or ""),
    Column(
        Head("SERVICE", most=24), lambda a, view: a[1].service or "", when=lambda rows: any(a.service for _, a in rows)
    ),
    Column(Head("NOTES", wide=True), lambda a, view: a[1].notes or ""),
)
SERVICES: tuple[Column, ...] = (
    Column(Head("SERVICE", wide=True), lambda s, view: s[1]),
    Column(
        Head("USED"),
        lambda s, view: "by default" if view.is_default(*s) else "",
    ),
    Column(Head("ID"), lambda s, view: s[0]),
)


DAY_SHEET = (
    Column(Head("TIME"), lambda s, view: format_interval(s.started_at, s.ended_at, view.zone)),
    Column(Head("WORKED", right=True), _worked),
    Column(
        Head("BILLABLE", right=True),
        lambda s, view: _billable(s, view) if s.sent or not s.ended_at else "not sent",
    ),
    Column(Head("WORK ITEM", most=20), lambda s, view: s.label),
    Column(Head("NOTES", wide=True), lambda s, view: s.notes or ""),
)
TEMPLATES = (Column(Head("NAME", wide=True), lambda t, view: str(t.get("template_name") or t.get("name") or t)),)
OUTCOMES = (
    Column(Head("ROW", most=30), lambda o, view: _row(o.place), when=lambda rows: any(o.place for o in rows)),
    Column(Head("OUTCOME"), lambda o, view: str(o.ending)),
    Column(Head("ID"), lambda o, view: (o.id or "")[:8]),
    Column(
        Head("WHAT", wide=True, wrap=True),
        lambda o, view: ": ".join(filter(None, (o.label, o.reason))),
        when=lambda rows: any(o.label or o.reason for o in rows),
    ),
)

QUEUE = (
    Column(Head("ID", right=True), lambda o, view: str(o.id)),
    Column(Head("STATE"), lambda o, view: "in doubt" if o.in_doubt else DELIVERY[o.state]),
    Column(Head("WHAT", most=40), lambda o, view: what(o, view.zone, view.now)),
    Column(Head("SINCE"), lambda o, view: _moment(o.queued_at, view)),
    Column(Head("TRIES", right=True), lambda o, view: str(o.tries)),
    Column(Head("WHY", wide=True, wrap=True), lambda o, view: o.reason, when=lambda rows: any(o.reason for o in rows)),
    Column(
        Head("LOGIN", most=20),
        lambda o, view: o.server.partition("://")[2] or o.server,
        when=lambda rows: len({(o.server, o.fingerprint) for o in rows}) > 1,
    ),
)
RECEIPTS = (
    *(QUEUE[n] for n in (0, 2)),
    Column(Head("SENT"), lambda o, view: _moment(o.changed_at or o.queued_at, view)),
    Column(Head("ENTRY"), lambda o, view: (o.entry_id or "")[:8]),
)

ACTS = (
    Column(Head("ID", right=True), lambda a, view: str(a.number)),
    Column(Head("WHEN"), lambda a, view: _moment(a.at, view)),
    Column(Head("BY"), lambda a, view: "you" if a.typed else "script"),
    Column(Head("WHAT", wide=True), lambda a, view: _act(a, view)),
    Column(Head("STATE"), lambda a, view: "undone" if a.undone else "", when=lambda rows: any(a.undone for a in rows)),
)


def _act(act: Act, view: View) -> str:
    first, more = what(act.operations[0], view.zone, view.now), len(act.operations) - 1
    return f"{first} and {counted(more, 'other')}" if more else first


STORY = (
    Column(Head("WHEN"), lambda s, view: _moment(s[0].queued_at, view)),
    Column(Head("BY"), lambda s, view: "you" if s[0].typed else "script"),
    Column(Head("WHAT"), lambda s, view: what(s[0], view.zone, view.now)),
    Column(Head("HOW", wide=True, wrap=True), lambda s, view: how(s[0], view)),
    Column(Head("STATE"), lambda s, view: "undone" if s[1] else "" if s[0].state == "done" else DELIVERY[s[0].state]),
)


def how(operation: Operation, view: View) -> str:
    """What an edit changed, or the notes of a new entry."""
    asked, before = operation.asked, operation.before
    if operation.kind != "edit" or before is None:
        return asked.notes or ""
    said = []
    if asked.started_at or asked.ended_at:
        was = format_interval(before.started_at, before.ended_at, view.zone)
        now = format_interval(asked.started_at or before.started_at, asked.ended_at or before.ended_at, view.zone)
        said += [f"{was} to {now}"] if was != now else []
    if asked.notes is not None:
        said.append(f"notes: {brief(before.notes or 'none', 60)} to {brief(asked.notes or 'none', 60)}")
    if asked.billable_minutes is not None and asked.billable_minutes != (before.billable_minutes or 0):
        billed = [format_minutes(each) for each in (before.billable_minutes or 0, asked.billable_minutes)]
        said.append(f"billable: {billed[0]} to {billed[1]}")
    if asked.service_id:
        named = view.cache.services
        services = [named.get(each or "", each or "none") for each in (before.service_id, asked.service_id)]
        said.append(f"service: {services[0]} to {services[1]}")
    if asked.work_item_id:
        items = (before.work_item_id, before.work_item_title), (asked.work_item_id, None)
        labels = [work_items.label_of(work_item_id, title, None, view.cache) for work_item_id, title in items]
        said.append(f"work item: {labels[0]} to {labels[1]}")
    return "; ".join(said)


SYNCED = (
    Column(Head("ID", right=True), lambda s, view: str(s.operation.id)),
    Column(Head("OUTCOME"), lambda s, view: "waits" if s.operation.state == "queued" else DELIVERY[s.operation.state]),
    Column(Head("WHAT", most=40), lambda s, view: what(s.operation, view.zone, view.now)),
    Column(Head("ENTRY"), lambda s, view: (s.operation.entry_id or "")[:8]),
    Column(
        Head("WHY", wide=True, wrap=True),
        lambda s, view: s.operation.reason,
        when=lambda rows: any(s.operation.reason for s in rows),
    ),
)


def _moment(instant: datetime, view: View) -> str:
    return format_moment(instant, view.zone, view.now)


def _row(place: Place | None) -> str:
    """The file's name without its directories, and the line."""
    return f"{PurePath(place.file).name}:{place.line}" if place else ""


def look_at(marks: Mapping[str, Sequence[str]]) -> Column:
    """The column of notes for an approver, by entry id; left out when there are no notes."""
    head = Head("LOOK AT", wide=True, wrap=True)
    return Column(head, lambda e, view: ", ".join(marks[e.id]), when=lambda rows: any(marks.values()))


def day_table(title: str, sheet: Daysheet, view: View, summed: bool = True) -> Table:
    """A day's stretches with the free time between them, below a time line; with the sum, if all are known."""
    with_id = Column(Head("ID"), lambda s, view: s.id[:8] if s.sent else "")
    columns = _shown((*DAY_SHEET, look_at(sheet.marks), with_id), sheet.stretches)
    shown = _lines(columns, sheet.stretches, view)
    rows = [(stretch.started_at, line) for stretch, line in zip(sheet.stretches, shown, strict=True)]
    for start, end in sheet.gaps if summed else ():
        cells = [format_interval(start, end, view.zone), format_minutes(minutes_between(start, end)), "", "free"]
        rows.append((start, Line(cells + [""] * (len(columns) - 4), "dim")))
    there = [each for each in sheet.stretches if each.sent and each.ended_at]
    total = [counted(len(there), "entry"), format_minutes(sheet.worked), format_minutes(sheet.billable)]
    lines = [line for _, line in sorted(rows, key=lambda row: row[0])]
    if summed:
        lines += [Line(), Line(total + [""] * (len(columns) - len(total)), "dim")]
    wide = min(LONGEST_LINE, get_terminal_size().columns)
    above = timeline(sheet, view.zone, view.now, wide, "\u00b7\u2588!" if unicode() else ".#!")
    empty = "Nothing recorded."
    return Table(title, [c.head for c in columns], lines if sheet.stretches else [], empty, above=above)


WEEK = (
    Column(Head("DAY"), lambda d, view: format_day(d.day, local_date(view.now, view.zone))),
    Column(Head("WORKED", right=True), lambda d, view: format_minutes(d.sheet.worked) if not d.empty else ""),
    Column(Head("BILLABLE", right=True), lambda d, view: format_minutes(d.sheet.billable) if not d.empty else ""),
    Column(
        Head("MISSING", right=True),
        lambda d, view: format_minutes(d.missing) if d.missing else "",
        when=lambda days: any(d.missing is not None for d in days),
    ),
    Column(
        Head("FREE", wrap=True, wide=True),
        lambda d, view: _free(d, view),
        when=lambda days: any(d.free or d.to_come for d in days),
    ),
    Column(
        Head("LOOK AT", wrap=True, most=30),
        lambda d, view: ", ".join([*filter(None, [beside(d.sheet.waiting, d.sheet.running)]), *d.look_at]),
        when=lambda days: any(d.look_at or d.sheet.waiting or d.sheet.running for d in days),
    ),
)


def _free(day: Weekday, view: View) -> str:
    return "to come" if day.to_come else " ".join(format_interval(*each, view.zone) for each in day.free)


def week_table(title: str, days: Sequence[Weekday], view: View, below: Sequence[str], summed: bool) -> Table:
    """A row for each day that is a working day or has entries, and their sums."""
    rows = [each for each in days if each.works or not each.empty]
    columns = _shown(WEEK, rows)
    lines = [Line([column.cell(each, view) for column in columns]) for each in rows]
    cells = {
        "DAY": "Sum",
        "WORKED": format_minutes(sum(each.sheet.worked for each in days)),
        "BILLABLE": format_minutes(sum(each.sheet.billable for each in days)),
        "MISSING": format_minutes(sum(each.missing or 0 for each in days)),
    }
    if summed:
        lines += [Line(), Line([cells.get(column.head.name, "") for column in columns], "dim")]
    return Table(
        title,
        [column.head for column in columns],
        lines,
        "No day was seen whole: alga list shows what was.",
        below=[*filter(None, below)],
    )


KEPT = (
    DAY,
    Column(Head("TIME"), lambda k, view: format_interval(k.started_at, k.ended_at, view.zone)),
    Column(Head("WORKED", right=True), lambda k, view: format_minutes(minutes_between(k.started_at, k.ended_at))),
    Column(Head("WORK ITEM", most=20), lambda k, view: k.item.label),
    Column(Head("NOTES", wide=True), lambda k, view: k.notes or ""),
)


def kept_table(kept: Sequence[Kept], view: View) -> Table:
    """The replies of a fill, before they are recorded."""
    return listing("To record", KEPT, sorted(kept, key=lambda each: each.started_at), view, "")


def listing(title: str, columns: Sequence[Column], rows: Sequence[Any], view: View, empty: str) -> Table:
    """A flat table."""
    shown = _shown(columns, rows)
    lines = [Line([column.cell(row, view) for column in shown]) for row in rows]
    return Table(title, [column.head for column in shown], lines, empty=empty)


def entries_by_day(title: str, entries: Sequence[Entry], view: View, more: Sequence[Column] = ()) -> Table:
    """Entries under their days, each day with its sums, and the sums of all at the end. `more` columns come second."""
    columns = _shown((ENTRIES[0], *more, *ENTRIES[1:]), entries)
    today, lines = local_date(view.now, view.zone), list[Line]()
    for day, rows in by_day(entries, view.zone).items():
        lines.append(_summed(format_day(day, today), rows, columns, view))
        lines += _lines(columns, rows, view)
        lines.append(Line())
    return _totalled(title, columns, lines, entries, view)


def entries_flat(title: str, entries: Sequence[Entry], view: View, more: Sequence[Column] = ()) -> Table:
    """Entries in the given order, each with its day, and the sums at the end."""
    columns = _shown((DAY, ENTRIES[0], *more, *ENTRIES[1:]), entries)
    return _totalled(title, columns, [*_lines(columns, entries, view), Line()], entries, view)


def entries_unsummed(title: str, entries: Sequence[Entry], view: View, more: Sequence[Column] = ()) -> Table:
    """Entries in the given order, each with its day, where not all may be known."""
    return listing(title, (DAY, ENTRIES[0], *more, *ENTRIES[1:]), entries, view, "Nothing is known here.")


def entries_by_person(title: str, entries: Sequence[Entry], view: View, more: Sequence[Column]) -> Table:
    """Entries grouped by person, with the sums of each person."""
    every = (DAY, *ENTRIES[:2], DIFFERENTLY_BILLABLE, ENTRIES[3], SHORT_NOTES, *more, ID)
    columns, lines = _shown(every, entries), list[Line]()
    people = sorted({PERSON.cell(entry, view) for entry in entries})
    for person in people:
        rows = [entry for entry in entries if PERSON.cell(entry, view) == person]
        lines.append(_summed(person, rows, columns, view))
        lines += _lines(columns, rows, view)
        lines.append(Line())
    return _totalled(title, columns, lines, entries, view)


def _shown(columns: Sequence[Column], rows: Sequence[Any]) -> list[Column]:
    return [column for column in columns if column.when(rows)]


def _lines(columns: Sequence[Column], rows: Sequence[Entry | Stretch], view: View) -> list[Line]:
    return [Line([column.cell(row, view) for column in columns], "" if row.ended_at else "bold") for row in rows]


def _totalled(title: str, columns: Sequence[Column], lines: list[Line], entries: Sequence[Entry], view: View) -> Table:
    last = _summed(counted(sums(entries).entries, "entry"), entries, columns, view)
    heads = [column.head for column in columns]
    return Table(title, heads, [*lines, last] if entries else [], empty="Nothing recorded.")


def _summed(name: str, entries: Sequence[Entry], columns: Sequence[Column], view: View) -> Line:
    """A sum of what is recorded, with what runs beside it."""
    total = sums(entries)
    running = sum(minutes_between(each.started_at, view.now) for each in entries if not each.ended_at)
    cells = {
        "NOTES": beside(0, running),
        columns[0].head.name: name,
        "WORKED": format_minutes(total.worked),
        "BILLABLE": format_minutes(total.billable),
    }
    return Line([cells.get(column.head.name, "") for column in columns], "dim")


def named(entry: Entry, view: View) -> str:
    """`Tin Woodman, Mon 23 Nov 09:00-10:30, TIC1042`: enough to identify an entry among those of many people."""
    interval = format_interval(entry.started_at, entry.ended_at, view.zone)
    cells = (PERSON.cell(entry, view), f"{DAY.cell(entry, view)} {interval}", work_items.label(entry, view.cache))
    return ", ".join(cells)
