"""The two vocabularies in one table: bodies with the names of both, and a reader of entries in either.

The deployed server drops unknown keys and the published schema allows extra keys, so every write uses the names of
both, and every reader accepts either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alga.core.entry import NON_BILLABLE, Entry, EntryRequest
from alga.core.times import from_wire, minutes_between, to_wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

Body = dict[str, Any]

DEPLOYED = {  # published: as deployed
    "id": ("entry_id", "session_id"),
    "started_at": ("start_time",),
    "ended_at": ("end_time",),
    "billable_minutes": ("billable_duration",),
}
MOST_MINUTES = 10**9


def names(published: str) -> tuple[str, ...]:
    """The names that a field can have, the published name first."""
    return (published, *DEPLOYED.get(published, ()))


# --- reading --------------------------------------------------------------------------------------


class NoEntry(ValueError):
    """An answer that is not an entry; `field` is the first invalid field, '' if the answer is not an object."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def read_entry(row: object) -> Entry:
    """The entry in an answer, in either vocabulary. api.models.TimeEntry is its reference. Raises NoEntry."""
    if not isinstance(row, Mapping):
        raise NoEntry("")
    get, values = row.get, list[Any]()
    for name, others, read in FIELDS:
        value = get(name)
        if value is None and others and name not in row:
            value = get(next((other for other in others if other in row), name))
        if value is None:
            if name in REQUIRED:
                raise NoEntry(name)
        elif read is not _text or value.__class__ is not str:
            try:
                value = read(value)
            except (ValueError, OverflowError):
                raise NoEntry(name) from None
        values.append(value)
    sheet = row.get("time_sheet")
    if not isinstance(sheet, dict | None):
        raise NoEntry("time_sheet")
    status = str((sheet or {}).get("approval_status") or "") or None
    return Entry(*[*values, status, "time_sheet_id" in row])


def _text(value: object) -> str:
    """Text, or a whole number as text. Raises ValueError."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError("no text")


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("no time")
    return from_wire(value)


def _minutes(value: object) -> int:
    """Whole minutes from a number, or from text with a number. Raises ValueError."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        raise ValueError("no number")
    minutes = float(value)
    if not abs(minutes) <= MOST_MINUTES:
        raise ValueError("more minutes than there are")
    return round(minutes)


READERS: dict[str, Callable[[object], Any]] = {
    "started_at": _instant, "ended_at": _instant, "created_at": _instant, "billable_minutes": _minutes
}  # fmt: skip
REQUIRED = ("id", "started_at")
MADE_HERE = ("sheet_status", "shows_sheet")
FIELDS = tuple(  # of each: the published name, the names as deployed, and how it is read
    (name, DEPLOYED.get(name, ()), READERS.get(name, _text)) for name in Entry._fields if name not in MADE_HERE
)


# --- writing --------------------------------------------------------------------------------------


def create_body(asked: EntryRequest) -> Body:
    """POST /time-entries. Needs both times; billable minutes default to those worked, none for a non-billable type."""
    assert asked.started_at and asked.ended_at
    worked = minutes_between(asked.started_at, asked.ended_at)
    if asked.billable_minutes is None:
        asked = replace(asked, billable_minutes=0 if asked.work_item_type == NON_BILLABLE else worked)
    return {**_said(asked), **_times(asked.started_at, asked.ended_at), **_billable(asked), "duration_minutes": worked}


def start_body(asked: EntryRequest) -> Body:
    """POST start-tracking: the server uses its own clock and ignores a start, a user and billable (section 6)."""
    return _said(asked)


def stop_body(asked: EntryRequest) -> Body:
    """POST stop-tracking: at least `{}`, since a missing body causes a 500 (section 6)."""
    return {**_said(asked), **_times(None, asked.ended_at), **_billable(asked)}


def update_body(asked: EntryRequest, running: bool) -> Body:
    """PUT /time-entries/{id}: the changes. Callers give both times or neither, so that the server checks their order.

    On a running timer `is_billable` would store a negative number (section 6), so it is left out.
    """
    billable = {} if running else _billable(asked)
    return {**_said(asked), **_times(asked.started_at, asked.ended_at), **billable}


def _said(asked: EntryRequest) -> Body:
    names_alike = ("work_item_type", "work_item_id", "service_id", "user_id", "notes")
    return {name: value for name in names_alike if (value := getattr(asked, name)) is not None}


def _times(start: datetime | None, end: datetime | None) -> Body:
    body: Body = {}
    for published, instant in (("started_at", start), ("ended_at", end)):
        if instant:
            body |= dict.fromkeys(names(published), to_wire(instant))
    return body


def _billable(asked: EntryRequest) -> Body:
    if asked.billable_minutes is None:
        return {}
    # On writing, the deployed server knows only all or nothing; billable_duration is ignored there.
    return {"billable_minutes": asked.billable_minutes, "is_billable": asked.billable_minutes > 0}
