"""A time entry: what is requested, what is stored, and each difference between the two as one plain sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from alga.core.errors import Refused, UsageError
from alga.core.safe_text import sound_text
from alga.core.times import (
    AHEAD,
    cut,
    format_day,
    format_interval,
    format_minutes,
    format_time,
    local_date,
    minutes_between,
    to_wire,
    zone_named,
)

if TYPE_CHECKING:
    from datetime import date, datetime, tzinfo

NON_BILLABLE = "non_billable_category"  # the only type that is not billable by default
PAST_MIDNIGHT = "Past midnight? Give the end date too."


@dataclass(frozen=True)
class EntryRequest:
    """What a write asks for. A field is None when it was not given. Times in UTC, billable time in minutes."""

    work_item_type: str | None = None
    work_item_id: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    billable_minutes: int | None = None
    notes: str | None = None
    user_id: str | None = None
    service_id: str | None = None

    def __post_init__(self) -> None:
        check_text(self.notes)

    @property
    def said(self) -> list[str]:
        """The names of what is asked for."""
        return [name for name, value in vars(self).items() if value is not None]


class Entry(NamedTuple):
    """A time entry as a server stores it. Without an end it is a tracking session that is still running."""

    id: str
    started_at: datetime  # all times in UTC
    ended_at: datetime | None = None
    work_item_type: str | None = None
    work_item_id: str | None = None
    work_item_title: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    billable_minutes: int | None = None
    service_id: str | None = None
    service_name: str | None = None
    notes: str | None = None
    approval_status: str | None = None
    time_sheet_id: str | None = None
    session_id: str | None = None
    work_timezone: str | None = None
    change_reason: str | None = None
    created_at: datetime | None = None
    sheet_status: str | None = None  # DRAFT, SUBMITTED, …: of the time sheet that a create went to
    shows_sheet: bool = False  # the server has time sheets, and names the entry's time sheet

    @property
    def duration_minutes(self) -> int:
        """Minutes worked: always end - start, 0 while running. On the server `duration_hours` means billable hours."""
        return minutes_between(self.started_at, self.ended_at) if self.ended_at else 0

    @property
    def lacks_sheet(self) -> bool:
        """Whether a finished entry is on no time sheet although the server has time sheets (section 6)."""
        return self.shows_sheet and self.time_sheet_id is None and self.ended_at is not None

    @property
    def counts_on(self) -> date | None:
        """The server's work date, from the start and the user's zone, since `work_date` itself has two forms."""
        zone = zone_named(self.work_timezone) if self.work_timezone else None
        return local_date(self.started_at, zone) if zone else None

    @property
    def content(self) -> tuple[object, ...]:
        """What a person can change, to the second: equal if nobody changed the entry in the meantime."""
        start, end = self.started_at.replace(microsecond=0), self.ended_at
        notes = (self.notes or "").encode("utf-8", "replace").decode().replace("\0", "")
        times = (start, end.replace(microsecond=0) if end else None)
        return (self.work_item_type, self.work_item_id, *times, self.billable_minutes, notes, self.service_id)

    def published(self) -> dict[str, Any]:
        """The entry in the published vocabulary, times in UTC with `Z`, minutes whole."""
        return {
            "id": self.id,
            "work_item_type": self.work_item_type,
            "work_item_id": self.work_item_id,
            "work_item_title": self.work_item_title,
            "user_id": self.user_id,
            "user_name": self.user_name,
            "started_at": to_wire(self.started_at),
            "ended_at": to_wire(self.ended_at) if self.ended_at else None,
            "duration_minutes": self.duration_minutes if self.ended_at else None,
            "billable_minutes": self.billable_minutes if self.ended_at else None,
            "service_id": self.service_id,
            "service_name": self.service_name,
            "notes": self.notes,
            "approval_status": self.approval_status,
            "time_sheet_id": self.time_sheet_id,
        }


# --- checked before anything is sent --------------------------------------------------------------


def check_text(text: str | None) -> None:
    """Raise UsageError for NUL and half characters: servers fail on them (section 2)."""
    if text and ("\0" in text or not sound_text(text)):
        raise UsageError("The notes contain invalid characters. Nothing was recorded.")


def check_times(
    start: datetime,
    end: datetime,
    now: datetime,
    zone: tzinfo,
    least: int = 1,
    past_midnight: str = PAST_MIDNIGHT,
    future: str = "",
) -> None:
    """Raise Refused for times that are reversed, less than `least` minutes, or end more than 15 minutes from now.

    The deployed server accepts most of these silently (sections 4 and 6). `past_midnight` and `future` are hints:
    what to type instead.
    """
    shown = format_interval(start, end, zone)
    if end < start:
        day = local_date(start, zone)
        on = "" if day == local_date(end, zone) else f"{format_day(day, local_date(now, zone))} "
        raise Refused(
            f"{on}{format_time(start, zone)} to {format_time(end, zone)} ends before it starts.", past_midnight
        )
    if minutes_between(start, end) < least:
        raise Refused(f"{shown} is less than a minute.")
    if end > now + AHEAD:
        raise Refused(f"{shown} ends in the future.", future)


def check_billable(minutes: int | None, worked: int) -> None:
    """Raise Refused for more billable minutes than were worked."""
    if minutes is not None and minutes > worked:
        raise Refused(f"{minutes} billable minutes are more than the {worked} worked.")


def whole_or_not(minutes: int, worked: int) -> str:
    """The sentence that says why only a part of the minutes cannot be billed."""
    part = f"{format_minutes(minutes)} of {format_minutes(worked)}"
    return f"This server bills an entry whole or not at all: {part} cannot be billed."


def billable_follows(asked: EntryRequest, before: Entry) -> EntryRequest:
    """With new times, billable minutes follow if all or none were billable; else they stay, up to those worked."""
    if asked.billable_minutes is not None or not asked.started_at or not asked.ended_at:
        return asked
    worked, billed = minutes_between(asked.started_at, asked.ended_at), before.billable_minutes or 0
    all_of_it = billed == before.duration_minutes and (asked.work_item_type or before.work_item_type) != NON_BILLABLE
    return replace(asked, billable_minutes=worked if all_of_it else min(billed, worked))


def differences(asked: EntryRequest, stored: Entry, zone: tzinfo) -> list[str]:
    """One sentence for each value the server dropped, cut or changed, and for an unexpected time sheet or date."""
    return [*unmet(asked, stored, zone), *(sentence for sentence in (_sheet(stored), _date(stored, zone)) if sentence)]


def unmet(asked: EntryRequest, stored: Entry, zone: tzinfo) -> list[str]:
    """One sentence for each stored value that differs from the request. The rules are in deployed-server.md."""
    found = [
        _times(asked, stored, zone),
        _billable(asked, stored),
        _user(asked, stored),
        _service(asked, stored),
        _work_item(asked, stored),
        _notes(asked, stored),
    ]
    return [sentence for sentence in found if sentence]


def _times(asked: EntryRequest, stored: Entry, zone: tzinfo) -> str | None:
    start, end = asked.started_at or stored.started_at, asked.ended_at or stored.ended_at
    if (start, end) == (stored.started_at, stored.ended_at):
        return None
    now = format_interval(stored.started_at, stored.ended_at, zone)
    if end and stored.ended_at and (cut(start), cut(end)) == (stored.started_at, stored.ended_at):
        return f"Seconds were cut: stored as {now}, {format_minutes(stored.duration_minutes)} worked."
    return f"The server stored {now}, not {format_interval(start, end, zone)}."


def _billable(asked: EntryRequest, stored: Entry) -> str | None:
    if asked.billable_minutes is None or asked.billable_minutes == (stored.billable_minutes or 0):
        return None
    asked_all = asked.started_at and asked.ended_at and minutes_between(asked.started_at, asked.ended_at)
    if asked.billable_minutes == asked_all and stored.billable_minutes == stored.duration_minutes:
        return None  # already reported as a difference in the times
    kept, wanted = format_minutes(stored.billable_minutes or 0), format_minutes(asked.billable_minutes)
    sentence = f"The billable time is {kept}, not {wanted}"
    if (stored.billable_minutes or 0) in (0, stored.duration_minutes):
        return f"{sentence}: this server bills an entry whole or not at all."
    return f"{sentence}: the server changed it."


def _user(asked: EntryRequest, stored: Entry) -> str | None:
    if asked.user_id is None or stored.user_id is None or asked.user_id == stored.user_id:
        return None
    whose = stored.user_name or stored.user_id
    return f"The user was ignored: this server records time for the key's own user only, {whose}."


def _service(asked: EntryRequest, stored: Entry) -> str | None:
    if asked.service_id is None or asked.service_id == stored.service_id:
        return None
    return f"The service is {stored.service_name or stored.service_id or 'none'}, not the requested service."


def _work_item(asked: EntryRequest, stored: Entry) -> str | None:
    wanted, kept = (asked.work_item_type, asked.work_item_id), (stored.work_item_type, stored.work_item_id)
    if all(want is None or want == have for want, have in zip(wanted, kept, strict=True)):
        return None
    return f"The work item is {kept[0]} {kept[1]}, not {wanted[0] or kept[0]} {wanted[1] or kept[1]}."


def _notes(asked: EntryRequest, stored: Entry) -> str | None:
    if asked.notes is None or asked.notes == (stored.notes or ""):
        return None
    return "The server stored different notes from those sent."


def _sheet(stored: Entry) -> str | None:
    if stored.lacks_sheet:
        return "This entry is on no time sheet, so it will not reach approval."
    if stored.sheet_status in ("SUBMITTED", "APPROVED"):
        return f"Its time sheet is {stored.sheet_status} already: tell your approver about this entry."
    return None


def _date(stored: Entry, zone: tzinfo) -> str | None:
    there = stored.counts_on
    if there is None or there == (here := local_date(stored.started_at, zone)):
        return None
    return f"The server counts {stored.id[:8]} on {there}; on this computer it starts on {here}."
