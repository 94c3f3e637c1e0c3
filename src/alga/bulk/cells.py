"""The columns of a row: the names under which each may be said, and a row's cells by what they mean."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar

from alga.bulk.files import ID, Fault, Record, Rows, decoded, headings, read
from alga.core.errors import NotFound, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
COLUMNS = {  # what a row may say: the names under which it may say it, the friendliest first
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
SHOWN_ONLY = {  # what alga's own JSON and exports say beside: it cannot be changed, so a change of it is a fault
    "work_date": "started_at", "local_start": "started_at", "local_end": "ended_at", "user_name": "",
    "work_item_title": "work_item_id", "service_name": "service", "approval_status": "", "time_sheet_id": "",
    "delivery": "", "look_at": "",
}  # fmt: skip


def check_columns(rows: Rows, needed: Sequence[tuple[str, ...]]) -> None:
    """Raise UsageError for columns there are not, and where none of some that are needed is there."""
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
        raise UsageError("The columns are not right. Nothing was sent.", details=[str(fault) for fault in faults])


def _unknown_column(name: str) -> str:
    near = get_close_matches(name, NAMES, n=1)
    meant = f"Did you mean {near[0]}?" if near else f"There is: {', '.join(names[0] for names in COLUMNS.values())}."
    return f"there is no such column. {meant}"


def ids_in(file: str, content: bytes) -> list[str]:
    """Ids, one to a word; or the id of each row where there are columns or JSON.

    Raises UsageError, with the line, for a row without one.
    """
    text = decoded(file, content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lstrip()[:1] not in ("[", "{") and not set(headings(first)) & {*NAMES, *SHOWN_ONLY}:
        return text.replace(",", " ").split()
    rows = read(file, content)
    without = [Fault(record.place, "id", "there is no id.") for record in rows.records if not id_of(record)]
    if faults := [*rows.faults, *without]:
        raise UsageError("Not every row has an id. Nothing was sent.", details=[str(fault) for fault in faults])
    return [id_of(record) for record in rows.records]


def id_of(record: Record) -> str:
    """The id that a row names, or nothing."""
    return next((record.values[name].strip() for name in ID if name in record.values), "")


class Cells:
    """One row's columns by meaning. What is wrong gathers in `faults`, each with the column that was typed."""

    def __init__(self, record: Record) -> None:
        self.place, self.faults, self._record = record.place, list[Fault](), record
        self._typed: dict[str, tuple[str, str]] = {}
        for name in record.values:
            if meaning := NAMES.get(name):
                value = record.text(name) or ""
                self._take(meaning, name, value if meaning == "notes" else value.strip())

    def _take(self, meaning: str, name: str, value: str) -> None:
        before, said = self._typed.setdefault(meaning, (name, value))
        if said != value:
            self.faults.append(Fault(self.place, name, f"it says something else than {before}."))

    def __getitem__(self, meaning: str) -> str | None:
        return self._typed[meaning][1] if meaning in self._typed else None

    def notes(self, before: str | None = None) -> str | None:
        """The notes; what is as it was `before` is never read as marked."""
        return self._record.text("notes", before)

    def column(self, meaning: str) -> str:
        """The column as it is headed in the file."""
        return self._typed[meaning][0] if meaning in self._typed else COLUMNS[meaning][0]

    def tried(self, meaning: str, call: Callable[[], T]) -> T | None:
        """The call's result; what it refuses becomes a fault of that column."""
        try:
            return call()
        except (UsageError, NotFound, Refused) as error:
            self.faults.append(Fault(self.place, self.column(meaning), f"{error.message} {error.hint}".strip()))
            return None
