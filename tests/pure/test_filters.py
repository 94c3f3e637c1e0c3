"""Which entries a listing is about: asked of the server, and checked when they come."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from alga.core.entry import Entry
from alga.core.filters import Selection
from alga.core.periods import Period
from tests.support import BERLIN

DAY = Period(date(2026, 11, 23), date(2026, 11, 23), "today")


def row(entry_id: str = "a", started_at: datetime = datetime(2026, 11, 23, 9, tzinfo=UTC), **other: Any) -> Entry:
    """An entry that is meant, unless a test says otherwise."""
    meant: dict[str, Any] = {"work_item_type": "ticket", "work_item_id": "tk_1", "user_id": "me", "service_id": "s1"}
    return Entry(entry_id, started_at, **meant | {"billable_minutes": 30, "approval_status": "DRAFT"} | other)


WHOLE = Selection(DAY, ("me",), None, ("tk_1",), "ticket", ("s1",), ("DRAFT",), True)
OTHERS = {  # a row that differs in one thing, and the filter that keeps it out
    "user": row(user_id="other"),
    "work item": row(work_item_id="tk_2"),
    "type": row(work_item_type="ad_hoc"),
    "service": row(service_id=None),
    "status": row(approval_status="APPROVED"),
    "billable": row(billable_minutes=0),
    "period": row(started_at=datetime(2026, 11, 23, 23, 1, tzinfo=UTC)),
}


def test_the_server_is_asked_in_its_own_words() -> None:
    assert WHOLE.query(BERLIN) == {
        "start_time_from": "2026-11-22T23:00:00Z", "start_time_to": "2026-11-23T23:00:00Z", "user_id": "me",
        "work_item_id": "tk_1", "work_item_type": "ticket", "service_id": "s1", "approval_status": "DRAFT",
        "is_billable": "true",
    }  # fmt: skip
    assert Selection().query(BERLIN) == {}


@pytest.mark.parametrize("name", OTHERS)
def test_what_the_server_lets_through_is_left_out_and_named(name: str) -> None:
    assert WHOLE.checked([OTHERS[name], row()], BERLIN) == ([row()], [name])


def test_the_first_moment_after_a_period_is_out_of_it_and_an_entry_comes_once() -> None:
    after = row(started_at=datetime(2026, 11, 23, 23, tzinfo=UTC))
    late = row("z", datetime(2026, 11, 23, 22, 59, 59, 459_000, tzinfo=UTC))
    assert WHOLE.checked([after, late, late], BERLIN) == ([late], [])


def test_rows_are_oldest_first_and_ties_by_id() -> None:
    rows = [row("b"), row("c", row().started_at - timedelta(hours=1)), row("a")]
    assert [each.id for each in WHOLE.checked(rows, BERLIN)[0]] == ["c", "a", "b"]


def test_one_person_can_be_left_out_and_an_unnamed_user_is_not_another() -> None:
    everyone_else = Selection(DAY, not_user="me")
    assert everyone_else.checked([row(), row(user_id="other")], BERLIN) == ([row(user_id="other")], [])
    assert WHOLE.checked([row(user_id=None)], BERLIN)[1] == []
