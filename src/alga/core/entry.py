"""What was asked against what came back: each difference is one plain sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from alga.core.errors import UsageError
from alga.core.safe_text import sound_text
from alga.core.times import cut, format_interval, format_minutes, local_date, minutes_between

if TYPE_CHECKING:
    from datetime import date, datetime, tzinfo

NON_BILLABLE = "non_billable_category"  # the one type that is not billable unless said otherwise


@dataclass(frozen=True)
class Asked:
    """What a write asks for; None means nothing was said about it. Times in UTC, billable in minutes."""

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


def check_text(text: str | None) -> None:
    """Raise UsageError for characters that no text has: servers fail on them (section 2)."""
    if text and ("\0" in text or not sound_text(text)):
        raise UsageError("The notes have characters that no text has. Nothing was recorded.")


class Stored(Protocol):
    """What came back of it."""

    @property
    def id(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def duration_minutes(self) -> int: ...
    @property
    def billable_minutes(self) -> int | None: ...
    @property
    def work_item_type(self) -> str | None: ...
    @property
    def work_item_id(self) -> str | None: ...
    @property
    def notes(self) -> str | None: ...
    @property
    def user_id(self) -> str | None: ...
    @property
    def user_name(self) -> str | None: ...
    @property
    def service_id(self) -> str | None: ...
    @property
    def service_name(self) -> str | None: ...
    @property
    def sheet_status(self) -> str | None: ...
    @property
    def lacks_sheet(self) -> bool: ...
    @property
    def counts_on(self) -> date | None: ...


def whole_or_not(minutes: int, worked: int) -> str:
    """Why a part of the minutes cannot be billed."""
    part = f"{format_minutes(minutes)} of {format_minutes(worked)}"
    return f"This server bills an entry whole or not at all: {part} cannot be kept."


def billable_follows(asked: Asked, before: Stored) -> Asked:
    """With new times the billable minutes follow when all or none were; part of them stays, up to what was worked."""
    if asked.billable_minutes is not None or not asked.started_at or not asked.ended_at:
        return asked
    worked, billed = minutes_between(asked.started_at, asked.ended_at), before.billable_minutes or 0
    all_of_it = billed == before.duration_minutes and (asked.work_item_type or before.work_item_type) != NON_BILLABLE
    return replace(asked, billable_minutes=worked if all_of_it else min(billed, worked))


def differences(asked: Asked, stored: Stored, zone: tzinfo) -> list[str]:
    """One sentence for each thing the server dropped, cut or changed, and for a sheet or date it should not be on."""
    return [*unmet(asked, stored, zone), *(sentence for sentence in (_sheet(stored), _date(stored, zone)) if sentence)]


def unmet(asked: Asked, stored: Stored, zone: tzinfo) -> list[str]:
    """One sentence for each thing that is not as asked. The server's rules are in deployed-server.md."""
    found = [
        _times(asked, stored, zone),
        _billable(asked, stored),
        _user(asked, stored),
        _service(asked, stored),
        _work_item(asked, stored),
        _notes(asked, stored),
    ]
    return [sentence for sentence in found if sentence]


def _times(asked: Asked, stored: Stored, zone: tzinfo) -> str | None:
    start, end = asked.started_at or stored.started_at, asked.ended_at or stored.ended_at
    if (start, end) == (stored.started_at, stored.ended_at):
        return None
    now = format_interval(stored.started_at, stored.ended_at, zone)
    if end and stored.ended_at and (cut(start), cut(end)) == (stored.started_at, stored.ended_at):
        return f"Seconds were cut: stored as {now}, {format_minutes(stored.duration_minutes)} worked."
    return f"The server stored {now}, not {format_interval(start, end, zone)}."


def _billable(asked: Asked, stored: Stored) -> str | None:
    if asked.billable_minutes is None or asked.billable_minutes == (stored.billable_minutes or 0):
        return None
    asked_all = asked.started_at and asked.ended_at and minutes_between(asked.started_at, asked.ended_at)
    if asked.billable_minutes == asked_all and stored.billable_minutes == stored.duration_minutes:
        return None  # said already, as a difference in the times
    kept, wanted = format_minutes(stored.billable_minutes or 0), format_minutes(asked.billable_minutes)
    sentence = f"Billable is {kept}, not {wanted}"
    if (stored.billable_minutes or 0) in (0, stored.duration_minutes):
        return f"{sentence}: this server bills an entry whole or not at all."
    return f"{sentence}: the server changed it."


def _user(asked: Asked, stored: Stored) -> str | None:
    if asked.user_id is None or stored.user_id is None or asked.user_id == stored.user_id:
        return None
    whose = stored.user_name or stored.user_id
    return f"The user was ignored: this server books time on the key's own user only, {whose}."


def _service(asked: Asked, stored: Stored) -> str | None:
    if asked.service_id is None or asked.service_id == stored.service_id:
        return None
    return f"The service is {stored.service_name or stored.service_id or 'none'}, not the one asked for."


def _work_item(asked: Asked, stored: Stored) -> str | None:
    wanted, kept = (asked.work_item_type, asked.work_item_id), (stored.work_item_type, stored.work_item_id)
    if all(want is None or want == have for want, have in zip(wanted, kept, strict=True)):
        return None
    return f"The work item is {kept[0]} {kept[1]}, not {wanted[0] or kept[0]} {wanted[1] or kept[1]}."


def _notes(asked: Asked, stored: Stored) -> str | None:
    if asked.notes is None or asked.notes == (stored.notes or ""):
        return None
    return "The server kept other notes than those sent."


def _sheet(stored: Stored) -> str | None:
    if stored.lacks_sheet:
        return "This entry is on no time sheet, so it will not reach approval."
    if stored.sheet_status in ("SUBMITTED", "APPROVED"):
        return f"Its time sheet is {stored.sheet_status} already: tell your approver about this entry."
    return None


def _date(stored: Stored, zone: tzinfo) -> str | None:
    there = stored.counts_on
    if there is None or there == (here := local_date(stored.started_at, zone)):
        return None
    return f"The server counts {stored.id[:8]} on {there}; here it starts on {here}."
