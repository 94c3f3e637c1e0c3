"""Which entries a listing is about: asked of the server, and checked when they come."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from alga.core.filters import Selection
from alga.core.periods import Period
from tests.support import BERLIN

DAY = Period(date(2026, 11, 23), date(2026, 11, 23), "today")


@dataclass(frozen=True)
class Row:
    """An entry as far as a selection looks at it."""

    id: str = "a"
    started_at: datetime = datetime(2026, 11, 23, 9, tzinfo=UTC)
    user_id: str | None = "me"
    work_item_id: str | None = "tk_1"
    work_item_type: str | None = "ticket"
    service_id: str | None = "s1"
    approval_status: str | None = "DRAFT"
    billable_minutes: int | None = 30


WHOLE = Selection(DAY, ("me",), None, ("tk_1",), "ticket", ("s1",), ("DRAFT",), True)
OTHERS = {  # a row that differs in one thing, and the filter that keeps it out
    "user": Row(user_id="other"),
    "work item": Row(work_item_id="tk_2"),
    "type": Row(work_item_type="ad_hoc"),
    "service": Row(service_id=None),
    "status": Row(approval_status="APPROVED"),
    "billable": Row(billable_minutes=0),
    "period": Row(started_at=datetime(2026, 11, 23, 23, 1, tzinfo=UTC)),
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
    assert WHOLE.checked([OTHERS[name], Row()], BERLIN) == ([Row()], [name])


def test_the_first_moment_after_a_period_is_out_of_it_and_an_entry_comes_once() -> None:
    after = Row(started_at=datetime(2026, 11, 23, 23, tzinfo=UTC))
    late = Row("z", datetime(2026, 11, 23, 22, 59, 59, 459_000, tzinfo=UTC))
    assert WHOLE.checked([after, late, late], BERLIN) == ([late], [])


def test_rows_are_oldest_first_and_ties_by_id() -> None:
    rows = [Row("b"), Row("c", Row().started_at - timedelta(hours=1)), Row("a")]
    assert [row.id for row in WHOLE.checked(rows, BERLIN)[0]] == ["c", "a", "b"]


def test_one_person_can_be_left_out_and_an_unnamed_user_is_not_another() -> None:
    everyone_else = Selection(DAY, not_user="me")
    assert everyone_else.checked([Row(), Row(user_id="other")], BERLIN) == ([Row(user_id="other")], [])
    assert WHOLE.checked([replace(Row(), user_id=None)], BERLIN)[1] == []
