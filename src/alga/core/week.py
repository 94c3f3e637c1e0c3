"""One person's week, or any other days: what each day's sheet says, what is missing and free, and what to look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from alga.core.day import Daysheet, Stretch, of_day
from alga.core.times import counted, local_date, minutes_between, to_wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alga.core.entry import Entry
    from alga.core.worktime import WorkTime

SAID = {"no notes": "{} without notes", "no service": "{} without service", "over 10 h": "{} over 10 h"}


@dataclass(frozen=True)
class Weekday:
    """A day of the week: its sheet, the free stretches of its working hours, and what to look at.

    `works`: a working day.
    """

    sheet: Daysheet
    free: Sequence[tuple[datetime, datetime]]
    look_at: Sequence[str]
    to_come: bool
    works: bool

    @property
    def day(self) -> date:
        """The date."""
        return self.sheet.day

    @property
    def missing(self) -> int | None:
        """See Daysheet.missing."""
        return self.sheet.missing

    @property
    def empty(self) -> bool:
        """Whether nothing is recorded."""
        return not self.sheet.stretches

    def published(self) -> dict[str, Any]:
        """As JSON."""
        sheet = self.sheet.published()
        sheet.pop("gaps")
        free = [
            {"from": to_wire(start), "to": to_wire(end), "minutes": minutes_between(start, end)}
            for start, end in self.free
        ]
        return sheet | {
            "free": free,
            "look_at": list(self.look_at),
            "to_come": self.to_come,
        }


def of_days(
    first: date,
    last: date,
    around: Sequence[Stretch],
    recorded: Sequence[Entry],
    work: WorkTime,
    zone: tzinfo,
    now: datetime,
    needs_service: bool,
    longest: int,
) -> list[Weekday]:
    """Each day from first to last; `around` are the stretches on these days and around them."""
    today, days = local_date(now, zone), list[Weekday]()
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        sheet = of_day(day, around, zone, now, work, needs_service, longest)
        own = [each for each in recorded if local_date(each.started_at, zone) == day]
        free = work.free(day, around, zone, now)
        look_at = looked_at(sheet, own, over=last < today)
        days.append(Weekday(sheet, free, look_at, day > today, work.works_on(day)))
    return days


def looked_at(sheet: Daysheet, entries: Sequence[Entry], over: bool) -> list[str]:
    """What to look at in a day's entries, counted; drafts only once the days are `over`."""
    marks = Counter(words for each in sheet.marks.values() for words in each)
    overlapping = sum(any(words.startswith("overlaps") for words in each) for each in sheet.marks.values())
    back = sum(entry.approval_status == "CHANGES_REQUESTED" for entry in entries)
    drafts = sum(entry.approval_status == "DRAFT" and entry.shows_sheet for entry in entries)
    said = [words.format(marks[mark]) for mark, words in SAID.items() if marks[mark]]
    said += [f"{overlapping} overlapping"] * bool(overlapping)
    said += [f"{counted(back, 'entry')} sent back"] * bool(back)
    return said + [f"{drafts} not submitted"] * bool(drafts and over)
