"""What goes into a body, in both vocabularies, and the exceptions that have a reason."""

from datetime import UTC, datetime, timedelta

from alga.api import wire
from alga.core.entry import EntryRequest

START = datetime(2026, 6, 2, 14, tzinfo=UTC)
END = START + timedelta(minutes=90)


def test_a_create_says_everything_twice() -> None:
    body = wire.create_body(EntryRequest("ticket", "t", START, END, 30, "n", "u", "s"))
    assert body == {
        "work_item_type": "ticket", "work_item_id": "t", "notes": "n", "user_id": "u", "service_id": "s",
        "started_at": "2026-06-02T14:00:00Z", "start_time": "2026-06-02T14:00:00Z",
        "ended_at": "2026-06-02T15:30:00Z", "end_time": "2026-06-02T15:30:00Z",
        "duration_minutes": 90, "billable_minutes": 30, "is_billable": True,
    }  # fmt: skip


def test_a_create_bills_what_was_worked_unless_told_or_not_billable_by_type() -> None:
    assert wire.create_body(EntryRequest("ticket", "t", START, END))["billable_minutes"] == 90
    nothing = wire.create_body(EntryRequest("non_billable_category", "c", START, END))
    assert (nothing["billable_minutes"], nothing["is_billable"]) == (0, False)


def test_a_start_has_no_times_and_a_stop_at_least_a_body() -> None:
    assert wire.start_body(EntryRequest("ticket", "t", START, END, 30, "n", "u", "s")) == {
        "work_item_type": "ticket", "work_item_id": "t", "notes": "n", "user_id": "u", "service_id": "s",
    }  # fmt: skip
    assert wire.stop_body(EntryRequest()) == {}
    assert set(wire.stop_body(EntryRequest(ended_at=END))) == {"ended_at", "end_time"}


def test_is_billable_is_never_in_a_put_on_a_running_timer() -> None:
    asked = EntryRequest(started_at=START, billable_minutes=60)
    assert set(wire.update_body(asked, running=True)) == {"started_at", "start_time"}
    assert "is_billable" in wire.update_body(asked, running=False)
