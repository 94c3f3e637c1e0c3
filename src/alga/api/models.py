"""The published vocabulary, and other answers of servers: tickets, services, activities, counts.

`TimeEntry` is the reference for a time entry. Commands read entries with `wire.read_entry`, which is faster; a test
checks that both give the same entry, or the same refusal, for the same answer.
"""

import os
from datetime import date, datetime, timedelta
from typing import Annotated, Any

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # searching all installed packages for them is slow
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic import ValidationError as ValidationError

from alga.api.wire import MOST_MINUTES, names
from alga.core.times import from_wire

HALF_A_DAY = timedelta(hours=12)


def either(published: str) -> Any:
    """An optional field with either of its names."""
    return Field(default=None, validation_alias=AliasChoices(*names(published)))


def _instant(value: object) -> object:
    """An instant from ISO text. Raises ValueError for numbers, which pydantic would read as seconds."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("not a time as text")
    try:
        return from_wire(value)
    except OverflowError as fault:
        raise ValueError("a time that no clock shows") from fault


def _whole(value: object) -> object:
    """Whole minutes. Raises ValueError for a value that is not a number, or too large."""
    if value is None:
        return None
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        raise ValueError("not a number of minutes")
    try:
        minutes = float(value)
    except OverflowError as fault:
        raise ValueError("more minutes than there are") from fault
    if not abs(minutes) <= MOST_MINUTES:
        raise ValueError("more minutes than there are")
    return round(minutes)


def _text(value: object) -> object:
    """A text, or a number that stands for one."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Instant = Annotated[datetime, BeforeValidator(_instant)]
Minutes = Annotated[int, BeforeValidator(_whole)]
Text = Annotated[str, BeforeValidator(_text)]


class Record(BaseModel):
    """An object in a server's answer. Unknown keys are dropped; models are built on first use."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class TimeEntry(Record):
    """A time entry. Without an end it is a tracking session that is still running."""

    id: Text = Field(validation_alias=AliasChoices(*names("id")))
    started_at: Instant = Field(validation_alias=AliasChoices(*names("started_at")))
    ended_at: Instant | None = either("ended_at")
    work_item_type: Text | None = None
    work_item_id: Text | None = None
    work_item_title: Text | None = None
    user_id: Text | None = None
    user_name: Text | None = None
    billable_minutes: Minutes | None = either("billable_minutes")
    service_id: Text | None = None
    service_name: Text | None = None
    notes: Text | None = None
    approval_status: Text | None = None
    time_sheet_id: Text | None = None
    session_id: Text | None = None
    work_timezone: Text | None = None
    change_reason: Text | None = None
    created_at: Instant | None = None
    time_sheet: dict[str, Any] | None = None  # in the answer to a create


class Ticket(Record):
    """A work item that people know by its number."""

    ticket_id: Text
    ticket_number: Text
    title: Text | None = None
    client_name: Text | None = None
    is_closed: bool | None = None


class Task(Record):
    """A task of a project."""

    task_id: Text
    task_name: Text


class Service(Record):
    """A service, as which time is billed."""

    service_id: Text
    service_name: Text
    billing_method: Text | None = None


class Sheet(Record):
    """A time sheet: one person's entries of a period; `period_end` is the first instant after it."""

    id: Text
    period_start: Instant
    period_end: Instant

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day of the period. The server sends both as midnight in its own zone."""
        first, after = (instant + HALF_A_DAY for instant in (self.period_start, self.period_end))
        return first.date(), after.date() - timedelta(days=1)


class Activity(Record):
    """Something assigned to the key's user."""

    type: Text = ""
    source_id: Text = Field(default="", alias="sourceId")
    title: Text | None = None
    ticket_number: Text | None = Field(default=None, alias="ticketNumber")
    client_name: Text | None = Field(default=None, alias="clientName")
    project_name: Text | None = Field(default=None, alias="projectName")
    assigned_to: list[Text] = Field(default=[], alias="assignedTo")


class ReviewResult(Record):
    """The result for one entry in approve or request-changes."""

    entry_id: Text
    success: bool
    error: Text | None = None


class Stats(Record):
    """Totals of the whole tenant: hours, not of one user (section 10)."""

    total_hours: float
    billable_hours: float
    total_entries: int


class Count(Record):
    """How many entries a bulk call says it made or changed: no ids, no reasons (section 9)."""

    created_count: int | None = None
    updated_count: int | None = None


class Template(Record):
    """A time-entry template. The deployed server has none."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)
