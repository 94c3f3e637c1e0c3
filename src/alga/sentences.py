"""One entry in a sentence, and one thing line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alga.core.times import cut, format_day, format_interval, format_minutes, local_date, minutes_between
from alga.lookup import work_items
from alga.outbox.transitions import as_entry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from alga.api.models import TimeEntry
    from alga.outbox.operation import Operation
    from alga.session import Session
    from alga.state.cache import ServerCache


class Look(NamedTuple):
    """From where a listing is looked at: the local zone, now, what was learnt, and the service that is the setting."""

    zone: tzinfo
    now: datetime
    cache: ServerCache
    service: str | None = None

    def is_default(self, service_id: str | None, name: str) -> bool:
        """Whether a service is the one of the setting."""
        wanted = (self.service or "").lower()
        if not wanted or wanted in ((service_id or "").lower(), name.lower()):
            return bool(wanted)
        alike = {each.lower() for each in self.cache.services.values() if wanted in each.lower()}
        return wanted in name.lower() and alike <= {name.lower()}

    def billed_as(self, service_id: str | None, name: str | None) -> str:
        """`, Premium Support`: the service, where it is not the one of the setting; a wrong one bills wrongly."""
        shown = name or self.cache.services.get(service_id or "") or service_id
        return f", {shown}" if shown and not self.is_default(service_id, shown) else ""


def look(session: Session) -> Look:
    """From where this command's listings are looked at."""
    return Look(session.zone, session.now(), session.cache, session.profile.service)


def entry_line(verb: str, entry: TimeEntry, look: Look) -> str:
    """`Logged tk_77d0: 1h 30m worked, 1h 30m billable (07:40-09:10)  9be04f17`, with the date if it is not today's."""
    day, today = local_date(entry.started_at, look.zone), local_date(look.now, look.zone)
    on = "" if day == today else f"{format_day(day, today)} "
    worked, billable = format_minutes(entry.duration_minutes), format_minutes(entry.billable_minutes or 0)
    interval = f"({on}{format_interval(entry.started_at, entry.ended_at, look.zone)})"
    name = work_items.label(entry, look.cache)
    if entry.ended_at is None:
        return f"{verb} {name}: running {interval}  {entry.id[:8]}"
    if entry.duration_minutes == 0:
        return f"{verb} {name}: 0 minutes recorded {interval}  {entry.id[:8]}"
    billed_as = look.billed_as(entry.service_id, entry.service_name)
    return f"{verb} {name}: {worked} worked, {billable} billable{billed_as} {interval}  {entry.id[:8]}"


def minutes_line(verb: str, operation: Operation, look: Look) -> str:
    """`Saved tk_77d0: 1h 30m worked, 1h 30m billable (07:40-09:10)`: the same of what waits here."""
    asked, start = as_entry(operation), operation.started_at
    day, today = local_date(start, look.zone), local_date(look.now, look.zone)
    on = "" if day == today else f"{format_day(day, today)} "
    end = asked.ended_at or look.now
    worked = max(0, minutes_between(start, end))
    billed = worked if asked.billable_minutes is None else asked.billable_minutes
    interval = f"({on}{format_interval(start, cut(end), look.zone)})"
    billed_as = look.billed_as(asked.service_id or operation.service_typed, None)
    times = f"{format_minutes(worked)} worked, {format_minutes(billed)} billable"
    return f"{verb} {operation.label}: {times}{billed_as} {interval}"


def details(pairs: Sequence[tuple[str, str | None]]) -> str:
    """Names and values, one a line, without those that say nothing."""
    said = [(name, value) for name, value in pairs if value]
    wide = max(len(name) for name, _ in said)
    return "\n".join(f"{name.ljust(wide)}  {value}" for name, value in said)
