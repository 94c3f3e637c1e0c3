"""A timer as one thing, whichever clock keeps it, and what a stop makes of it."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from alga import workitems
from alga.errors import Refused
from alga.learnt import Learnt
from alga.times import AHEAD, format_day, format_time, local_date, minutes_between, to_wire
from alga.truth import Asked
from alga.workitems import WorkItem

if TYPE_CHECKING:
    from alga.api.models import TimeEntry
    from alga.outbox.journal import Kept


@dataclass(frozen=True)
class Running:
    """A timer: `kept` when its clock is here, `entry` when it is the server's. With `ended_at` it waits to be sent."""

    work_item: WorkItem
    started_at: datetime
    notes: str | None
    service_id: str | None
    kept: "Kept | None" = None
    entry: "TimeEntry | None" = None

    @property
    def key(self) -> str:
        """What tells it from others: the entry's id, or the journal's."""
        return self.entry.id if self.entry else f"kept-{self.kept.id if self.kept else 0}"

    @property
    def ended_at(self) -> datetime | None:
        """When it was stopped, if it was."""
        return self.kept.ended_at if self.kept else None

    def published(self, now: datetime) -> dict[str, Any]:
        """The session as JSON shows it: `id` is null while there is no entry on a server; elapsed in whole minutes."""
        entry = self.entry
        return {
            "id": entry.id if entry else None,
            "session_id": (entry.session_id or entry.id) if entry else None,
            "work_item_type": self.work_item.type,
            "work_item_id": self.work_item.id,
            "user_id": entry.user_id if entry else None,
            "started_at": to_wire(self.started_at),
            "ended_at": to_wire(self.ended_at) if self.ended_at else None,
            "elapsed_minutes": max(0, minutes_between(self.started_at, self.ended_at or now)),
            "service_id": self.service_id,
            "notes": self.notes,
            "clock": "server" if entry else "here",
        }


@dataclass(frozen=True)
class Stopped:
    """What a stop made: the entry, or nothing for less than a minute on the clock kept here."""

    running: Running
    asked: Asked
    entry: "TimeEntry | None"


def of_kept(session: "Kept") -> Running:
    """One whose clock is kept here."""
    item = WorkItem(session.work_item_type, session.work_item_id, session.label)
    return Running(item, session.started_at, session.notes, session.service_id, kept=session)


def of_entry(learnt: Learnt, entry: "TimeEntry") -> Running:
    """One on the server's clock."""
    item = WorkItem(entry.work_item_type or "ticket", entry.work_item_id or "", workitems.label(entry, learnt))
    return Running(item, entry.started_at, entry.notes, entry.service_id, entry=entry)


def check_end(running: Running, end: datetime, now: datetime, zone: tzinfo) -> None:
    """Raise Refused for an end before the start or more than 15 minutes ahead: the server takes both (section 6)."""
    if end < running.started_at:
        since = format_time(running.started_at, zone)
        on = format_day(local_date(running.started_at, zone), local_date(now, zone))
        raise Refused(f"{format_time(end, zone)} is before the start, {on} {since}. The timer still runs.")
    if end > now + AHEAD:
        raise Refused(f"{format_time(end, zone)} is more than 15 minutes ahead. The timer still runs.")


def check_billable(running: Running, asked: Asked, end: datetime) -> None:
    """Raise Refused for more billable minutes than were worked."""
    worked = max(0, minutes_between(running.started_at, end))
    if asked.billable_minutes and asked.billable_minutes > worked:
        told = f"{asked.billable_minutes} billable minutes are more than the {worked} worked."
        raise Refused(f"{told} {'Nothing was changed.' if running.ended_at else 'The timer still runs.'}")
