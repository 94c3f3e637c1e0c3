"""What was asked against what came back: a sentence for each difference, and none without one."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from alga.core.entry import Asked, differences
from alga.core.errors import UsageError
from alga.core.times import minutes_between
from tests.support import BERLIN

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
END = START + timedelta(minutes=90)
ASKED = Asked("ticket", "t1", START, END, 90, "notes", "u1", "s1")


@dataclass(frozen=True)
class Entry:
    """What a server stored: as asked, until a test says otherwise."""

    id: str = "1c7b04e2-77d0"
    started_at: datetime = START
    ended_at: datetime | None = END
    billable_minutes: int | None = 90
    work_item_type: str | None = "ticket"
    work_item_id: str | None = "t1"
    notes: str | None = "notes"
    user_id: str | None = "u1"
    user_name: str | None = "Tin Woodman"
    service_id: str | None = "s1"
    service_name: str | None = "Basic Support"
    sheet_status: str | None = None
    lacks_sheet: bool = False
    counts_on: date | None = None

    @property
    def duration_minutes(self) -> int:
        return minutes_between(self.started_at, self.ended_at) if self.ended_at else 0


def test_what_was_stored_as_asked_is_not_mentioned() -> None:
    assert differences(ASKED, Entry(), BERLIN) == []
    assert differences(Asked(), Entry(), BERLIN) == [], "what was not asked for cannot differ"
    assert differences(replace(ASKED, notes=""), Entry(notes=None), BERLIN) == []


LATER = START + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("asked", "stored", "told"),
    [
        (
            ASKED,
            Entry(billable_minutes=0),
            "Billable is 0m, not 1h 30m: this server bills an entry whole or not at all.",
        ),
        (
            replace(ASKED, billable_minutes=30),
            Entry(),
            "Billable is 1h 30m, not 30m: this server bills an entry whole or not at all.",
        ),
        (
            replace(ASKED, billable_minutes=30),
            Entry(billable_minutes=45),
            "Billable is 45m, not 30m: the server changed it.",
        ),
        (
            replace(ASKED, user_id="u2"),
            Entry(),
            "The user was ignored: this server books time on the key's own user only, Tin Woodman.",
        ),
        (replace(ASKED, service_id="s2"), Entry(), "The service is Basic Support, not the one asked for."),
        (ASKED, Entry(service_id=None, service_name=None), "The service is none, not the one asked for."),
        (ASKED, Entry(work_item_id="t2"), "The work item is ticket t2, not ticket t1."),
        (ASKED, Entry(notes="other"), "The server kept other notes than those sent."),
        (ASKED, Entry(lacks_sheet=True), "This entry is on no time sheet, so it will not reach approval."),
        (
            ASKED,
            Entry(sheet_status="SUBMITTED"),
            "Its time sheet is SUBMITTED already: tell your approver about this entry.",
        ),
        (
            ASKED,
            Entry(counts_on=date(2026, 11, 22)),
            "The server counts 1c7b04e2 on 2026-11-22; here it starts on 2026-11-23.",
        ),
        (ASKED, Entry(started_at=LATER, billable_minutes=75), "The server stored 09:15-10:30, not 09:00-10:30."),
        (
            replace(ASKED, started_at=START + timedelta(seconds=59), ended_at=END + timedelta(seconds=1)),
            Entry(),
            "Seconds were cut: stored as 09:00-10:30, 1h 30m worked.",
        ),
    ],
)
def test_each_difference_is_one_sentence(asked: Asked, stored: Entry, told: str) -> None:
    assert differences(asked, stored, BERLIN) == [told]


@pytest.mark.parametrize("notes", ["a\0b", "half a pair \ud83d"])
def test_what_is_no_text_is_refused_before_it_is_sent(notes: str) -> None:
    with pytest.raises(UsageError, match="Nothing was recorded"):
        Asked(notes=notes)


def test_a_draft_sheet_and_the_local_date_are_as_they_should_be() -> None:
    assert differences(ASKED, Entry(sheet_status="DRAFT", counts_on=date(2026, 11, 23)), BERLIN) == []
