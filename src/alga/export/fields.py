"""The columns of an export, in order, and their values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING

from alga.core.errors import UsageError
from alga.core.times import local_date, to_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alga.core.entry import Entry

Value = str | int | datetime | date | None


@dataclass(frozen=True)
class Field:
    """A column: times are aware (UTC) or naive (local), minutes are whole numbers, all else is text or nothing."""

    name: str
    value: Callable[[Entry, tzinfo], Value]


def _local(instant: datetime | None, zone: tzinfo) -> datetime | None:
    return instant.astimezone(zone).replace(tzinfo=None) if instant else None


FIELDS = (
    Field("id", lambda e, zone: e.id),
    Field("work_date", lambda e, zone: e.counts_on or local_date(e.started_at, zone)),
    Field("started_at", lambda e, zone: e.started_at),
    Field("ended_at", lambda e, zone: e.ended_at),
    Field("local_start", lambda e, zone: _local(e.started_at, zone)),
    Field("local_end", lambda e, zone: _local(e.ended_at, zone)),
    Field("duration_minutes", lambda e, zone: e.duration_minutes),
    Field("billable_minutes", lambda e, zone: e.billable_minutes or 0),
    Field("work_item_type", lambda e, zone: e.work_item_type),
    Field("work_item_id", lambda e, zone: e.work_item_id),
    Field("work_item_title", lambda e, zone: e.work_item_title),
    Field("service_id", lambda e, zone: e.service_id),
    Field("service_name", lambda e, zone: e.service_name),
    Field("user_id", lambda e, zone: e.user_id),
    Field("user_name", lambda e, zone: e.user_name),
    Field("approval_status", lambda e, zone: e.approval_status),
    Field("notes", lambda e, zone: e.notes),
)


def picked(names: Sequence[str]) -> tuple[Field, ...]:
    """The named columns, in that order; all columns if none is named. Raises UsageError for an unknown column."""
    known = {field.name: field for field in FIELDS}
    for name in names:
        if name not in known:
            raise UsageError(f"Unknown field '{name}'.", f"Choose from: {', '.join(known)}")
    return tuple(known[name] for name in names) or FIELDS


def as_text(value: Value) -> str | int | None:
    """UTC as `2026-11-23T08:12:00Z`, local times as `2026-11-23 09:12`, dates as `2026-11-23`."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, datetime):
        return to_wire(value) if value.tzinfo else value.isoformat(" ", "minutes")
    return value.isoformat()
