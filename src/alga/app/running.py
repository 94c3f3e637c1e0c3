"""A timer, whichever clock it runs on, and the result of stopping it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from alga.core.entry import EntryRequest
from alga.core.safe_text import brief
from alga.core.times import cut, format_time, minutes_between, to_wire
from alga.lookup import work_items
from alga.outbox.operation import Kind
from alga.state import status_file

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from alga.core.entry import Entry
    from alga.core.errors import AlgaError
    from alga.outbox.operation import Operation
    from alga.state.cache import ServerCache

LONGEST_NOTES = 400  # characters of them on one line


@dataclass(frozen=True)
class Running:
    """A timer: `operation` is its record in the journal, `entry` its session on the server."""

    work_item: work_items.WorkItem
    started_at: datetime
    notes: str | None
    service_id: str | None
    operation: Operation | None = None
    entry: Entry | None = None

    @property
    def kept(self) -> bool:
        """Whether its clock is on this computer."""
        return self.entry is None and self.operation is not None and self.operation.kind is Kind.CREATE

    @property
    def service(self) -> tuple[str | None, str | None]:
        """The service's id, or its name as typed if it was not looked up yet."""
        return self.service_id, self.operation.service_typed if self.operation and not self.service_id else None

    @property
    def id(self) -> str | None:
        """The id of the entry on the server; None without an entry."""
        return self.entry.id if self.entry else self.operation.entry_id if self.operation else None

    @property
    def key(self) -> str:
        """A unique key: the entry's id, or `kept-` and the journal's number."""
        return self.entry.id if self.entry else f"kept-{self.operation.id if self.operation else 0}"

    @property
    def ended_at(self) -> datetime | None:
        """The end of a stopped timer that waits to be sent; otherwise None."""
        return self.operation.asked.ended_at if self.operation and not self.entry else None

    @property
    def finished_at(self) -> datetime | None:
        """The end, on the server or of a stop that waits; None while it runs."""
        return self.entry.ended_at if self.entry else self.ended_at

    def minutes(self, now: datetime) -> int:
        """The minutes from its start to now, or to the end of a stop that waits."""
        return max(0, minutes_between(self.started_at, self.finished_at or now))

    @property
    def short_notes(self) -> str:
        """The notes for a line on the screen."""
        return brief(self.notes or "", LONGEST_NOTES)

    def shown(self, profile: str) -> status_file.PromptLine:
        """The timer as a prompt shows it."""
        item = self.work_item
        return status_file.PromptLine(self.started_at, item.label, self.notes or "", profile, item.type, item.id)

    def published(self, now: datetime) -> dict[str, Any]:
        """The session as JSON shows it: `id` is null while the server has no entry; elapsed time in whole minutes."""
        entry, session = self.entry, self.id
        ended_at = self.ended_at
        return {
            "id": session,
            "session_id": (entry.session_id or entry.id) if entry else session,
            "work_item_type": self.work_item.type,
            "work_item_id": self.work_item.id or self.work_item.label,
            "user_id": entry.user_id if entry else None,
            "started_at": to_wire(self.started_at),
            "ended_at": to_wire(ended_at) if ended_at else None,
            "elapsed_minutes": self.minutes(now),
            "service_id": self.service_id,
            "notes": self.notes,
            "clock": "here" if self.kept else "server",
        }


class Stopped(NamedTuple):
    """The result of a stop: the entry; or a waiting operation, with the error; or neither, for less than a minute."""

    running: Running
    asked: EntryRequest
    entry: Entry | None = None
    waits: Operation | None = None
    error: AlgaError | None = None


def of_operation(operation: Operation) -> Running:
    """A timer, or an entry that waits, from the journal."""
    asked, before = operation.asked, operation.before or EntryRequest()
    kind, item_id = asked.work_item_type or before.work_item_type, asked.work_item_id or before.work_item_id
    item = work_items.WorkItem(kind or "ticket", item_id or "", operation.label)
    return Running(item, operation.started_at, asked.notes, asked.service_id, operation)


def of_entry(cache: ServerCache, entry: Entry, operation: Operation | None = None) -> Running:
    """A timer on the server's clock."""
    item = work_items.WorkItem(
        entry.work_item_type or "ticket", entry.work_item_id or "", work_items.label(entry, cache)
    )
    return Running(item, entry.started_at, entry.notes, entry.service_id, operation, entry)


def other_start(operation: Operation, had: datetime | None, zone: tzinfo) -> str:
    """`from 09:12, not 08:30`: for a back-dated timer whose start on the server is `had`; '' if the start is right."""
    start = operation.asked.started_at
    if start is None or had is None or cut(start) == had:
        return ""
    return f"from {format_time(had, zone)}, not {format_time(start, zone)}"


def gone(operation: Operation, zone: tzinfo) -> str:
    """The sentence about a timer that no longer runs on the server."""
    told, start = f"The timer on {operation.label} was stopped elsewhere.", operation.asked.started_at
    other = other_start(operation, operation.before.started_at if operation.before else None, zone)
    if not other or not start:
        return told
    again = f"--from '{start.astimezone(zone):%Y-%m-%d %H:%M}'"
    return f"{told} It ran {other}: alga edit {(operation.entry_id or '')[:8]} {again}"
