"""What servers answer beside time entries: tickets, services, activities, outcomes, counts."""

from datetime import date, timedelta

from pydantic import ConfigDict, Field

from alga.api.models import Instant, Record

HALF_A_DAY = timedelta(hours=12)


class Ticket(Record):
    """A work item that people know by its number."""

    ticket_id: str
    ticket_number: str
    title: str | None = None
    client_name: str | None = None
    is_closed: bool | None = None


class Service(Record):
    """What is billed."""

    service_id: str
    service_name: str
    billing_method: str | None = None


class Sheet(Record):
    """A time sheet: one person's entries of a period, whose end is the first moment after it."""

    id: str
    period_start: Instant
    period_end: Instant

    @property
    def days(self) -> tuple[date, date]:
        """The first day of the period and the last. Both come as a midnight of the server's own zone."""
        first, after = (instant + HALF_A_DAY for instant in (self.period_start, self.period_end))
        return first.date(), after.date() - timedelta(days=1)


class Activity(Record):
    """Something assigned to the key's user."""

    type: str = ""
    source_id: str = Field(default="", alias="sourceId")
    title: str | None = None
    ticket_number: str | None = Field(default=None, alias="ticketNumber")
    project_name: str | None = Field(default=None, alias="projectName")
    assigned_to: list[str] = Field(default=[], alias="assignedTo")


class Result(Record):
    """What became of one entry in approve or request-changes."""

    entry_id: str
    success: bool
    error: str | None = None


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
