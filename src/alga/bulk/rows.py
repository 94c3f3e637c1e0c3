"""A row as an entry that can be sent: its columns, and all of its faults."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar

from alga.bulk.reading import ID, Fault, FileRow, FileRows, decoded, headings, read
from alga.core.entry import (
    NON_BILLABLE,
    EntryRequest,
    check_billable,
    check_text,
    check_times,
    whole_or_not,
)
from alga.core.errors import NotFound, Refused, UsageError
from alga.core.grammar import WEEKDAYS, names_times, parse_date, parse_interval, parse_minutes, parse_span, read_time
from alga.core.times import cut, is_digits, local_date, minutes_between
from alga.lookup.work_items import TYPES, WorkItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from alga.core.entry import Entry
    from alga.outbox.results import Place

T = TypeVar("T")
COLUMNS = {  # what a row can contain, by the names a column can have, the friendliest first
    "item": ("item", "work_item", "ticket", "work_item_id"),
    "type": ("type", "work_item_type"),
    "date": ("date",),
    "start": ("start", "started_at", "start_time"),
    "end": ("end", "ended_at", "end_time"),
    "span": ("span", "duration"),
    "minutes": ("minutes", "duration_minutes"),
    "notes": ("notes",),
    "billable": ("billable", "billable_minutes", "is_billable", "billable_duration"),
    "service": ("service", "service_id"),
    "user": ("user_id",),
    "id": ("id", "entry_id"),
}
NAMES = {name: said for said, names in COLUMNS.items() for name in names}
SHOWN_ONLY = {  # other columns of alga's JSON and exports: read-only, so a change is a fault
    "work_date": "started_at", "local_start": "started_at", "local_end": "ended_at", "user_name": "",
    "work_item_title": "work_item_id", "service_name": "service", "approval_status": "", "time_sheet_id": "",
    "delivery": "", "look_at": "",
}  # fmt: skip


def check_columns(rows: FileRows, needed: Sequence[tuple[str, ...]]) -> None:
    """Raise UsageError for unknown columns, and for each group in `needed` of which no column is present."""
    faults = [
        Fault(place, name, _unknown_column(name))
        for name, place in rows.columns.items()
        if name not in NAMES and name not in SHOWN_ONLY
    ]
    said = {NAMES[name] for name in rows.columns if name in NAMES}
    for place in list(rows.columns.values())[:1]:
        missing = [meanings for meanings in needed if not said & set(meanings)]
        faults += [Fault(place, "", f"there is no column {' or '.join(meanings)}.") for meanings in missing]
    if faults:
        raise UsageError("The columns are wrong. Nothing was sent.", details=[str(fault) for fault in faults])


def _unknown_column(name: str) -> str:
    near = get_close_matches(name, NAMES, n=1)
    meant = f"Did you mean {near[0]}?" if near else f"Choose from: {', '.join(names[0] for names in COLUMNS.values())}."
    return f"unknown column. {meant}"


def ids_in(file: str, content: bytes) -> list[str]:
    """The ids in a file: separate words, or the id column of CSV or JSON rows.

    Raises UsageError, with the line, for a row without an id.
    """
    text = decoded(file, content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lstrip()[:1] not in ("[", "{") and not set(headings(first)) & {*NAMES, *SHOWN_ONLY}:
        return text.replace(",", " ").split()
    rows = read(file, content)
    without = [Fault(record.place, "id", "the row has no id.") for record in rows.records if not id_of(record)]
    if faults := [*rows.faults, *without]:
        raise UsageError("Not every row has an id. Nothing was sent.", details=[str(fault) for fault in faults])
    return [id_of(record) for record in rows.records]


def id_of(record: FileRow) -> str:
    """The id in a row, or ''."""
    return next((record.values[name].strip() for name in ID if name in record.values), "")


class Cells:
    """One row's columns by meaning. Faults are collected in `faults`, each with the column's name in the file."""

    def __init__(self, record: FileRow) -> None:
        self.place, self.faults, self._record = record.place, list[Fault](), record
        self._typed: dict[str, tuple[str, str]] = {}
        for name in record.values:
            if meaning := NAMES.get(name):
                value = record.text(name) or ""
                self._take(meaning, name, value if meaning == "notes" else value.strip())

    def _take(self, meaning: str, name: str, value: str) -> None:
        before, said = self._typed.setdefault(meaning, (name, value))
        if said != value:
            self.faults.append(Fault(self.place, name, f"conflicts with column '{before}'."))

    def __getitem__(self, meaning: str) -> str | None:
        return self._typed[meaning][1] if meaning in self._typed else None

    def notes(self, before: str | None = None) -> str | None:
        """The notes; text that equals `before` is never unguarded."""
        return self._record.text("notes", before)

    def column(self, meaning: str) -> str:
        """The column's name in the file."""
        return self._typed[meaning][0] if meaning in self._typed else COLUMNS[meaning][0]

    def tried(self, meaning: str, call: Callable[[], T]) -> T | None:
        """The call's result; a refusal becomes a fault of that column, and None."""
        try:
            return call()
        except (UsageError, NotFound, Refused) as error:
            self.faults.append(Fault(self.place, self.column(meaning), f"{error.message} {error.hint}".strip()))
            return None


# --- a row as an entry ----------------------------------------------------------------------------

RELATIVE = rf"\b(now|ago|today|yesterday|tomorrow|(?:{'|'.join(each[:3] for each in WEEKDAYS)})[a-z]*)\b"
NO_ITEM = ("ad_hoc", "interaction", NON_BILLABLE)  # types that need no id (section 2)


@dataclass(frozen=True)
class LookUps:
    """The look-ups for reading rows: work items by typed text and type, services, the key's user."""

    zone: tzinfo
    now: datetime
    item: Callable[[str, str], WorkItem]
    service: Callable[[str | None, str | None], str | None]  # the typed text, and the work item's id
    user_id: str | None
    whole: bool  # the server bills an entry whole or not at all


@dataclass(frozen=True)
class Draft:
    """A row that is ready to be sent."""

    place: Place
    asked: EntryRequest
    label: str


def to_create(record: FileRow, known: LookUps) -> Draft | list[Fault]:
    """The new entry that a row asks for, or the row's faults."""
    cells = Cells(record)
    kind = cells.tried("type", lambda: type_of(cells["type"] or "ticket")) or "ticket"
    item = cells.tried("item", lambda: _item(cells["item"], kind, known))
    said = times_of(cells, known, None)
    times = cells.tried("end", lambda: checked(*said, known)) if said else None
    service_id = cells.tried("service", lambda: known.service(cells["service"], item.id if item else None))
    cells.tried("user", lambda: check_user(cells["user"], known.user_id))
    minutes = None
    if times:
        otherwise = 0 if kind == NON_BILLABLE else minutes_between(*times)
        minutes = cells.tried("billable", lambda: billable_of(cells, minutes_between(*times), otherwise, known.whole))
    _check_said(record, cells, times, known.zone)
    cells.tried("notes", lambda: check_text(cells["notes"]))
    if cells.faults or not times or not item:
        return cells.faults
    start, end = times
    asked = EntryRequest(item.type, item.id or None, start, end, minutes, cells["notes"], None, service_id)
    return Draft(cells.place, asked, item.label)


def _check_said(record: FileRow, cells: Cells, times: tuple[datetime, datetime] | None, zone: tzinfo) -> None:
    """Add faults for read-only columns with information that is missing from, or conflicts with, other columns."""
    instead = (
        ("service_name", "service", "service"),
        ("work_item_title", "item", "item"),
        ("user_name", "user_id", "user"),
    )
    for name, column, meaning in instead:
        if name in record.values and cells[meaning] is None:
            cells.faults.append(Fault(record.place, name, f"Read-only column; use '{column}'."))
    for name, instant in zip(("local_start", "local_end"), times or (), strict=False):
        if name not in record.values:
            continue
        shown = f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"
        if record.values[name].strip() != shown:
            cells.faults.append(Fault(record.place, name, f"Conflicts with the row's times: {shown}."))


def type_of(typed: str) -> str:
    """A known type of work item. Raises UsageError for an unknown type."""
    if typed not in TYPES:
        raise UsageError(f"Unknown type '{typed}'.", f"Choose from: {', '.join(TYPES)}.")
    return typed


def _item(typed: str | None, kind: str, known: LookUps) -> WorkItem:
    if typed:
        return known.item(typed, kind)
    if kind in NO_ITEM:
        return WorkItem(kind, "", kind)
    raise UsageError("The row has no work item.")


def check_user(typed: str | None, own: str | None) -> None:
    """Raise Refused for another user: an entry always belongs to the key's own user (section 2)."""
    if typed and typed != own:
        raise Refused("Time is recorded for the key's own user only.", "Leave the column out.")


def billable_of(cells: Cells, worked: int, otherwise: int | None, whole: bool, had: int | None = None) -> int | None:
    """Billable minutes from `yes`, `no`, `60` or `1h`; in the column `is_billable` 1 and 0 mean yes and no.

    `whole`: only all or nothing is allowed, or the minutes that the entry `had`. Raises UsageError or Refused.
    """
    typed = cells["billable"]
    if typed is None:
        return otherwise
    word = typed.lower()
    flag = cells.column("billable") == "is_billable"
    if word in ("yes", "true", *("1" if flag else "")):
        return worked
    if word in ("no", "false", *("0" if flag else "")):
        return 0
    if flag:
        raise UsageError(f"'{typed}' is neither yes nor no.")
    minutes = parse_minutes(word)
    check_billable(minutes, worked)
    if whole and 0 < minutes < worked and minutes != had:
        raise Refused(whole_or_not(minutes, worked), "Use yes or no.")
    return minutes


def times_of(cells: Cells, known: LookUps, before: Entry | None) -> tuple[datetime, datetime] | None:
    """Start and end in UTC, from start and end, start and span, or a span with both.

    Times without a date are on the row's date, otherwise on the day of the entry `before`. None after a fault, which is
    added to the faults.
    """
    faulty, today = len(cells.faults), local_date(known.now, known.zone)
    typed_date, span, typed_start, typed_end = (cells[name] for name in ("date", "span", "start", "end"))
    own_day = local_date(before.started_at, known.zone) if before else None
    day = cells.tried("date", lambda: _date(typed_date, today)) if typed_date else own_day
    if typed_date and day is None:
        return None
    minutes = cells.tried("minutes", lambda: _whole(cells))
    if span and names_times(span):
        both = cells.tried("span", lambda: _span_with_times(cells, span, day, known))
        cells.tried("minutes", lambda: _agree(minutes, both))
        return both if len(cells.faults) == faulty else None
    length = cells.tried("span", lambda: parse_span(span)) if span else minutes
    unread = (span or cells["minutes"]) and length is None  # already reported
    start = None
    if typed_start or not unread:
        start = cells.tried("start", lambda: _instant(typed_start, day, known))
    on = day or (local_date(start, known.zone) if start else today)
    end = cells.tried("end", lambda: _end(typed_end, start, length, on, known)) if not unread else None
    if not start or not end:
        return None
    cells.tried("span" if span else "minutes", lambda: _agree(length, (start, end)))
    cells.tried("minutes", lambda: _agree(minutes if span else None, (start, end)))
    cells.tried("date", lambda: _same_day(typed_date and day, local_date(start, known.zone)))
    return (start, end) if len(cells.faults) == faulty else None


def _agree(minutes: int | None, times: tuple[datetime, datetime] | None) -> None:
    if times and minutes not in (None, minutes_between(*times)):
        raise UsageError(f"The row says {minutes} minutes, but start to end is {minutes_between(*times)}.")


def _same_day(typed: object, start: date) -> None:
    if typed and typed != start:
        raise UsageError(f"The row says {typed}, but the start is on {start}.")


def _end(typed: str | None, start: datetime | None, length: int | None, day: date, known: LookUps) -> datetime | None:
    """The typed end, otherwise the start plus `length` minutes."""
    if typed:
        return _instant(typed, day, known)
    if length is None:
        raise UsageError("The row has neither an end nor a span.")
    return start + timedelta(minutes=length) if start else None


def _span_with_times(cells: Cells, span: str, day: date | None, known: LookUps) -> tuple[datetime, datetime]:
    if cells["start"] or cells["end"]:
        raise UsageError("Both the span and the row give times.", "Leave one of them out.")
    _check_lasting(span)
    return parse_interval(span, known.now, _day(day, span), known.zone)


def _check_lasting(typed: str) -> None:
    """Raise UsageError for a time that is another one when the file is read later."""
    if re.search(RELATIVE, typed.lower()):
        raise UsageError(f"'{typed}' is another time tomorrow.", "Give the date, 2026-06-02, and clock times.")


def _date(typed: str, today: date) -> date:
    _check_lasting(typed)
    return parse_date(typed, today)


def _day(day: date | None, typed: str) -> date:
    if day is None:
        raise UsageError(f"{typed.strip()} on which day?", "Add a date.")
    return day


def _instant(typed: str | None, day: date | None, known: LookUps) -> datetime:
    if not typed:
        raise UsageError("The row has no start.", "Add a start, or a span like 9:00-10:30.")
    _check_lasting(typed)
    time = read_time(typed, known.now, known.zone)
    return time.on(local_date(known.now, known.zone) if time.says_when else _day(day, typed), known.zone)


def _whole(cells: Cells) -> int | None:
    typed = cells["minutes"]
    if typed is None:
        return None
    if not is_digits(typed.strip()) or len(typed) > 6:
        raise UsageError(f"'{typed}' is not a whole number of minutes.")
    return int(typed)


def checked(start: datetime, end: datetime, known: LookUps) -> tuple[datetime, datetime]:
    """Start and end, cut to the minute as servers do. Raises Refused for empty, reversed or future times."""
    check_times(start, end, known.now, known.zone)
    return cut(start), cut(end)


def check_shown(record: FileRow, before: Entry, zone: tzinfo, faults: list[Fault]) -> None:
    """Add faults for changed read-only columns: the change would be silently lost."""
    end = before.ended_at
    shown = {
        "work_item_title": before.work_item_title, "service_name": before.service_name, "user_name": before.user_name,
        "approval_status": before.approval_status, "time_sheet_id": before.time_sheet_id,
        "work_date": str(before.counts_on or local_date(before.started_at, zone)),
        "local_start": f"{before.started_at.astimezone(zone):%Y-%m-%d %H:%M}",
        "local_end": f"{end.astimezone(zone):%Y-%m-%d %H:%M}" if end else None,
    }  # fmt: skip
    for name, value in shown.items():
        typed = record.text(name, value)
        if typed is not None and value is not None and typed.strip() != value.strip():
            instead = f"Change {SHOWN_ONLY[name]}, or leave" if SHOWN_ONLY[name] else "Leave"
            faults.append(
                Fault(record.place, name, f"Read-only column; its value is {value}. {instead} the column out.")
            )


def split(made: Iterable[T | list[Fault]]) -> tuple[list[T], list[Fault]]:
    """The good items, and the faults of the others."""
    good, faults = list[T](), list[Fault]()
    for each in made:
        if isinstance(each, list):
            faults += each
        else:
            good.append(each)
    return good, faults
