"""Which entries a listing shows: as the query for the server, and as a check of the entries it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alga.core.entry import Entry
from alga.core.periods import EVER, Period
from alga.core.times import to_wire

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

STATUSES = ("DRAFT", "SUBMITTED", "APPROVED", "CHANGES_REQUESTED")


Test = Callable[[Entry], bool]


@dataclass(frozen=True)
class Selection:
    """Entries that start in a period and match every other filter given; of several users, work items, services or
    statuses any may match. `not_user` leaves one person out.
    """

    period: Period = EVER
    user_ids: tuple[str, ...] = ()
    not_user: str | None = None
    work_item_ids: tuple[str, ...] = ()
    work_item_type: str | None = None
    service_ids: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    billable: bool | None = None

    def is_all_of(self, user_id: str | None) -> bool:
        """Whether it selects all entries of that user in its period."""
        return user_id is not None and self == Selection(self.period, (user_id,))

    def query(self, zone: tzinfo) -> dict[str, str]:
        """The filters of the deployed server's list and export (sections 3 and 10). With several values the
        server uses only the last, so those filters are applied by checked() instead.
        """
        start, end = self.period.bounds(zone)
        asked = {
            "start_time_from": to_wire(start) if start else None,
            "start_time_to": to_wire(end) if end else None,
            "user_id": _only(self.user_ids),
            "work_item_id": _only(self.work_item_ids),
            "work_item_type": self.work_item_type,
            "service_id": _only(self.service_ids),
            "approval_status": _only(self.statuses),
            "is_billable": None if self.billable is None else str(self.billable).lower(),
        }
        return {name: value for name, value in asked.items() if value is not None}

    def checked(self, rows: Iterable[Entry], zone: tzinfo) -> tuple[list[Entry], list[str]]:
        """The rows that match, oldest first and ties by id, and the names of the filters that the server ignored."""
        sieve = self.sieve(zone)
        kept = {row.id: row for row in rows if sieve.keeps(row)}
        return sorted(kept.values(), key=lambda row: (row.started_at, row.id)), sorted(sieve.ignored)

    def sieve(self, zone: tzinfo) -> Sieve:
        """The same check for one row at a time."""
        several = {
            "user": self.user_ids, "work item": self.work_item_ids, "service": self.service_ids, "status": self.statuses
        }  # fmt: skip
        unasked = {name for name, values in several.items() if len(values) > 1}
        return Sieve(self._tests(zone), unasked, self.not_user, self.period.bounds(zone)[1])

    def _tests(self, zone: tzinfo) -> dict[str, Test]:
        one = len(self.user_ids) == 1  # the server was asked for this person, and may omit the id
        every: dict[str, tuple[object, Test]] = {
            "user": (self.user_ids or None, lambda row: row.user_id in self.user_ids or (one and row.user_id is None)),
            "work item": (self.work_item_ids or None, lambda row: row.work_item_id in self.work_item_ids),
            "type": (self.work_item_type, lambda row: row.work_item_type == self.work_item_type),
            "service": (self.service_ids or None, lambda row: row.service_id in self.service_ids),
            "status": (self.statuses or None, lambda row: row.approval_status in self.statuses),
            "billable": (self.billable, lambda row: ((row.billable_minutes or 0) > 0) == self.billable),
        }
        tests = {name: test for name, (wanted, test) in every.items() if wanted is not None}
        start, end = self.period.bounds(zone)
        return {
            "period": lambda row: (not start or row.started_at >= start) and (not end or row.started_at <= end)
        } | tests


def _only(values: tuple[str, ...]) -> str | None:
    return values[0] if len(values) == 1 else None


@dataclass(eq=False, repr=False)
class Sieve:
    """Keeps the rows that match, and notes the filters that the server ignored."""

    tests: dict[str, Test]
    unasked: set[str]  # filters that the query does not contain
    not_user: str | None
    end: datetime | None  # at the period's end a server's filter includes it
    ignored: set[str] = field(default_factory=set)

    def keeps(self, row: Entry) -> bool:
        """Whether the row matches."""
        failed = {name for name, holds in self.tests.items() if not holds(row)}
        self.ignored |= failed - self.unasked
        return not failed and (self.not_user is None or row.user_id != self.not_user) and row.started_at != self.end
