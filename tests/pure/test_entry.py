"""What was asked against what came back: a sentence for each difference, and none without one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alga.core.entry import Entry, EntryRequest, differences
from alga.core.errors import UsageError
from tests.support import BERLIN

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
END = START + timedelta(minutes=90)
ASKED = EntryRequest("ticket", "t1", START, END, 90, "notes", "u1", "s1")


def stored(**other: Any) -> Entry:
    """What a server stored: as asked, until a test says otherwise."""
    as_asked = Entry(
        "1c7b04e2-77d0", START, END, "ticket", "t1", None, "u1", "Tin Woodman", 90, "s1", "Basic Support", "notes"
    )
    return as_asked._replace(**other)


def test_what_was_stored_as_asked_is_not_mentioned() -> None:
    assert differences(ASKED, stored(), BERLIN) == []
    assert differences(EntryRequest(), stored(), BERLIN) == [], "what was not asked for cannot differ"
    assert differences(replace(ASKED, notes=""), stored(notes=None), BERLIN) == []


LATER = START + timedelta(minutes=15)
NIGHT = START - timedelta(hours=4)  # of the day before in New York


@pytest.mark.parametrize(
    ("asked", "stored", "told"),
    [
        (
            ASKED,
            stored(billable_minutes=0),
            "The billable time is 0m, not 1h 30m: this server bills an entry whole or not at all.",
        ),
        (
            replace(ASKED, billable_minutes=30),
            stored(),
            "The billable time is 1h 30m, not 30m: this server bills an entry whole or not at all.",
        ),
        (
            replace(ASKED, billable_minutes=30),
            stored(billable_minutes=45),
            "The billable time is 45m, not 30m: the server changed it.",
        ),
        (
            replace(ASKED, user_id="u2"),
            stored(),
            "The user was ignored: this server records time for the key's own user only, Tin Woodman.",
        ),
        (replace(ASKED, service_id="s2"), stored(), "The service is Basic Support, not the requested service."),
        (ASKED, stored(service_id=None, service_name=None), "The service is none, not the requested service."),
        (ASKED, stored(work_item_id="t2"), "The work item is ticket t2, not ticket t1."),
        (ASKED, stored(notes="other"), "The server stored different notes from those sent."),
        (ASKED, stored(shows_sheet=True), "This entry is on no time sheet, so it will not reach approval."),
        (
            ASKED,
            stored(sheet_status="SUBMITTED"),
            "Its time sheet is SUBMITTED already: tell your approver about this entry.",
        ),
        (
            EntryRequest(),
            stored(started_at=NIGHT, ended_at=NIGHT + timedelta(minutes=90), work_timezone="America/New_York"),
            "The server counts 1c7b04e2 on 2026-11-22; on this computer it starts on 2026-11-23.",
        ),
        (ASKED, stored(started_at=LATER, billable_minutes=75), "The server stored 09:15-10:30, not 09:00-10:30."),
        (
            replace(ASKED, started_at=START + timedelta(seconds=59), ended_at=END + timedelta(seconds=1)),
            stored(),
            "Seconds were cut: stored as 09:00-10:30, 1h 30m worked.",
        ),
    ],
)
def test_each_difference_is_one_sentence(asked: EntryRequest, stored: Entry, told: str) -> None:
    assert differences(asked, stored, BERLIN) == [told]


@pytest.mark.parametrize("notes", ["a\0b", "half a pair \ud83d"])
def test_what_is_no_text_is_refused_before_it_is_sent(notes: str) -> None:
    with pytest.raises(UsageError, match="Nothing was recorded"):
        EntryRequest(notes=notes)


def test_a_draft_sheet_and_the_local_date_are_as_they_should_be() -> None:
    assert differences(ASKED, stored(sheet_status="DRAFT", work_timezone="Europe/Berlin"), BERLIN) == []
