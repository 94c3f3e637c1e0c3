"""Events of a calendar file (.ics), recurring ones too. The libraries for it are an extra: algapsa-cli[ics]."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from alga.app.proposals import Event
from alga.core.errors import ConfigError, UsageError
from alga.core.files import read_input
from alga.core.safe_text import brief

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_SUMMARY = 200  # characters
MOST_EVENTS = 1000


def events(path: Path, first: datetime, last: datetime, zone: tzinfo) -> list[Event]:
    """The events between two instants that have a beginning and an end; all-day events have none.

    Raises ConfigError without the libraries, UsageError for a file that is no calendar.
    """
    try:
        import icalendar
        import recurring_ical_events
    except ImportError:
        told = "Reading a calendar needs more libraries."
        raise ConfigError(told, "Install them: pipx inject algapsa-cli icalendar recurring-ical-events") from None
    try:
        content = read_input(path)
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}.") from fault
    try:
        calendar = icalendar.Calendar.from_ical(content)
        found = recurring_ical_events.of(calendar, skip_bad_series=True).between(first, last)
        read = [_event(each, zone) for each in found[:MOST_EVENTS]]
    except Exception as fault:  # whatever these libraries raise for a file that is none
        raise UsageError(f"{path} is not a calendar file (.ics).") from fault
    return sorted(each for each in read if each)


def _event(component: object, zone: tzinfo) -> Event | None:
    start, end = (getattr(component.get(name), "dt", None) for name in ("DTSTART", "DTEND"))  # type: ignore[attr-defined]
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return None
    summary = brief(" ".join(str(component.get("SUMMARY") or "").split()), LONGEST_SUMMARY)  # type: ignore[attr-defined]
    first, last = (each if each.tzinfo else each.replace(tzinfo=zone) for each in (start, end))
    return Event(first.astimezone(UTC), last.astimezone(UTC), summary or "without a title")
