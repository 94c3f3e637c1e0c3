"""alga day: the sheet of one day: work, free time, entries to check, and time missing to the target."""

import datetime as dates
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from alga.app.running import Running, of_operation
from alga.app.session import Session
from alga.core import grammar
from alga.core.day import Daysheet, Stretch, of_day
from alga.core.errors import Refused
from alga.core.filters import Selection
from alga.core.periods import Period
from alga.core.times import beside, format_day, format_minutes, local_date, to_wire
from alga.lookup import entries, work_items
from alga.lookup.overlaps import LOOK_BACK
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.filters import as_of, listed, listed_or_seen
from alga.ui.messages import to_be_sent
from alga.ui.options import Offline
from alga.ui.output import Output

if TYPE_CHECKING:
    from alga.core.entry import Entry

UNKNOWN = ("duration_minutes", "billable_minutes", "missing_minutes")  # where not all of a day was seen
Date = Annotated[str, typer.Argument(metavar="[DATE]", help="2026-06-02 or yesterday; by default today.")]
User = Annotated[str | None, typer.Option("--user", metavar="PERSON", help="That person's day.")]


class Work(NamedTuple):
    """A person's entries on some days and just before: as stretches, what the server has, and what is kept here."""

    whose: str
    stretches: list[Stretch]
    recorded: "list[Entry]"
    here: list[Running]
    seen: entries.Seen


@command
def day(session: Session, date: Date = "today", user: User = None, offline: Offline = False) -> Output:
    """Show the sheet of a day (default: yours, today)."""
    if offline:
        session.stay_offline()
    now, zone = session.now(), session.zone
    today = local_date(now, zone)
    on = grammar.parse_date(date, today, alone=True)
    work = work_of(session, on, on, user, offline)
    settings = session.profile
    sheet = of_day(on, work.stretches, zone, now, settings.work_time, session.cache.deployed, settings.longest_timer)
    shown = [
        work_items.published(each, session.cache) for each in work.recorded if local_date(each.started_at, zone) == on
    ]
    kept = [each.published(now) for each in work.here if local_date(each.started_at, zone) == on]
    marks = [{"id": key, "look_at": words} for key, words in sheet.marks.items() if words]
    data = sheet.published() | {"entries": shown, "kept_here": kept, "look_at": marks}
    data |= {"as_of": to_wire(work.seen.as_of) if work.seen.as_of else None, "unseen": on in work.seen.unseen}
    title = f"{work.whose}, {format_day(on, today)}{as_of(session, work.seen)}"
    if on in work.seen.unseen:
        data |= dict.fromkeys(UNKNOWN)
        table = columns.day_table(title, sheet, messages.view(session), summed=False)
        return Output(data, replace(table, below=[f"Not all of {format_day(on, today)} was seen here: no sum."]))
    table = columns.day_table(title, sheet, messages.view(session))
    return Output(data, replace(table, below=_below(sheet) if on <= today else []))


def work_of(
    session: Session,
    first: dates.date,
    last: dates.date,
    user: str | None = None,
    offline: bool = False,
    current: bool = False,
) -> Work:
    """What a person worked on some days, with the days before as far as an entry can reach. Raises Refused when it is
    not known whose the key is.
    """
    own = work_items.asked_user(session.client, session.cache)
    user_id, name = work_items.user(user, session.client, session.cache) if user else (own, "")
    if user_id is None:
        raise Refused(
            "The server has not yet shown whose key this is.",
            "Choose a person: --user PERSON. The first alga log will show who you are.",
        )
    around = Period(first - LOOK_BACK, last, "")
    selection = Selection(around, (user_id,))
    seen = (
        entries.Seen(listed(session, selection), [], None) if current else listed_or_seen(session, selection, offline)
    )
    unseen = [day for day in seen.unseen if first <= day <= last]
    waits = [session.timer.here(), *map(of_operation, to_be_sent(session))]
    here = [each for each in waits if each] if user_id == own else []
    stretches = [*(_recorded(session, each) for each in seen.rows), *map(_kept, here)]
    whose = "Mine" if user_id == own else f"{name}'s"
    return Work(whose, stretches, seen.rows, here, seen._replace(unseen=unseen))


def _recorded(session: Session, entry: "Entry") -> Stretch:
    label = work_items.label(entry, session.cache)
    return Stretch(
        entry.id, entry.started_at, entry.ended_at, entry.billable_minutes, entry.notes, entry.service_id, label
    )


def _kept(running: Running) -> Stretch:
    """A timer that runs on this computer, or time that waits to be sent."""
    return Stretch(
        running.key, running.started_at, running.ended_at, 0, running.notes, running.service_id,
        running.work_item.label, sent=False,
    )  # fmt: skip


def _below(sheet: Daysheet) -> list[str]:
    more = [beside(sheet.waiting, sheet.running)] if sheet.waiting or sheet.running else []
    return [*more, *_of_target(sheet)]


def _of_target(sheet: Daysheet) -> list[str]:
    if not sheet.target:
        return []
    target = format_minutes(sheet.target)
    if sheet.done >= sheet.target:
        return [f"The day's target of {target} is reached."]
    if sheet.missing:
        by_now = "" if sheet.due == sheet.target else " by now"
        return [f"{format_minutes(sheet.missing)} of {target} are missing{by_now}."]
    return [f"{format_minutes(sheet.done)} of {target} so far."]
