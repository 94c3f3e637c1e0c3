"""Time entries as servers answer them, read in either vocabulary and kept in the published one."""

import os
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # they are looked for in every package that is installed
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from alga.api.wire import names
from alga.core.times import from_wire, minutes_between, to_wire

MOST_MINUTES = 10**9


def either(published: str) -> Any:
    """An optional field under either of its names."""
    return Field(default=None, validation_alias=AliasChoices(*names(published)))


def _instant(value: object) -> object:
    return from_wire(value) if isinstance(value, str) else value


def _whole(value: object) -> object:
    """Raises ValueError for more minutes than any entry has."""
    if not isinstance(value, int | float | str) or value == "":
        return value
    if abs(minutes := float(value)) > MOST_MINUTES:
        raise ValueError("more minutes than there are")
    return round(minutes)


Instant = Annotated[datetime, BeforeValidator(_instant)]
Minutes = Annotated[int, BeforeValidator(_whole)]


class Record(BaseModel):
    """A thing a server answered. Keys that are not ours are dropped; models are built when first used."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True, coerce_numbers_to_str=True)


class TimeEntry(Record):
    """Effort against a piece of work. Without an end it is a tracking session that still runs."""

    id: str = Field(validation_alias=AliasChoices(*names("id"), "session_id"))
    session_id: str | None = None
    work_item_type: str | None = None
    work_item_id: str | None = None
    work_item_title: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    started_at: Instant = Field(validation_alias=AliasChoices(*names("started_at")))
    ended_at: Instant | None = either("ended_at")
    billable_minutes: Minutes | None = either("billable_minutes")
    service_id: str | None = None
    service_name: str | None = None
    notes: str | None = None
    approval_status: str | None = None
    time_sheet_id: str | None = None
    time_sheet: dict[str, Any] | None = None  # of a create's answer
    work_timezone: str | None = None
    change_reason: str | None = None
    created_at: Instant | None = None

    @property
    def duration_minutes(self) -> int:
        """Minutes worked: end - start always, 0 while running. `duration_hours` means billable ones there."""
        return minutes_between(self.started_at, self.ended_at) if self.ended_at else 0

    @property
    def sheet_status(self) -> str | None:
        """DRAFT, SUBMITTED, …: of the time sheet the entry went to, where the answer tells."""
        return str((self.time_sheet or {}).get("approval_status") or "") or None

    @property
    def lacks_sheet(self) -> bool:
        """The server has time sheets and this finished entry is on none (section 6, after stop)."""
        return "time_sheet_id" in self.model_fields_set and self.time_sheet_id is None and self.ended_at is not None

    @property
    def counts_on(self) -> date | None:
        """The server's work date, from the start and the user's zone: `work_date` itself has two forms."""
        if not self.work_timezone:
            return None
        try:
            return self.started_at.astimezone(ZoneInfo(self.work_timezone)).date()
        except (ZoneInfoNotFoundError, ValueError):
            return None

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
