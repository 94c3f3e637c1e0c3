"""alga week: the days of a week: work, missing and free time, and what to look at."""

from typing import Annotated, Any

import typer

from alga.app.session import Session
from alga.commands.day import User, work_of
from alga.core import grammar, periods
from alga.core import week as weeks
from alga.core.errors import UsageError
from alga.core.periods import Period
from alga.core.times import local_date, to_wire
from alga.lookup.entries import Seen
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.filters import as_of, not_seen
from alga.ui.messages import mention
from alga.ui.options import Offline
from alga.ui.output import Output

LONGEST = 92  # days that are shown day by day
Days = Annotated[
    str | None, typer.Argument(metavar="[PERIOD]", help="A date of the week, or a period: 2026-11, 2026-W48, 7d.")
]


@command
def week(session: Session, days: Days = None, user: User = None, offline: Offline = False) -> Output:
    """Show the days of a week (default: yours, this week)."""
    if offline:
        session.stay_offline()
    now, zone = session.now(), session.zone
    period = _period(session, days)
    assert period.first and period.last
    work = work_of(session, period.first, period.last, user, offline)
    shown = weeks.of_days(
        period.first, period.last, work.stretches, work.recorded, session.profile.work_time, zone, now,
        session.cache.deployed, session.profile.longest_timer,
    )  # fmt: skip
    mention(session)
    title = f"{work.whose}, {period.name}{as_of(session, work.seen)}"
    known = [each for each in shown if each.day not in work.seen.unseen]
    below = not_seen(session, work.seen) or [_fill(known, user)]
    table = columns.week_table(title, known, messages.view(session), below, summed=not work.seen.unseen)
    return Output(_published(period, known, work.seen), table)


def _period(session: Session, typed: str | None) -> Period:
    """The week of a date, or a period. Raises UsageError for more days than are shown one by one."""
    now, zone = session.now(), session.zone
    first, last = grammar.parse_period(typed or "today", local_date(now, zone))
    if first == last:
        return periods.week_of(first, local_date(now, zone))
    if (last - first).days >= LONGEST:
        raise UsageError(f"'{typed}' is more than {LONGEST} days.", "For totals: alga stats --by month")
    return periods.typed(typed or "", now, zone)


def _fill(days: list[weeks.Weekday], user: str | None) -> str:
    """The command that fills the first day with something missing; '' without one."""
    lacking = [each.day for each in days if each.missing or each.free]
    return f"Fill a day: alga fill {lacking[0]}" if lacking and not user else ""


def _published(period: Period, days: list[weeks.Weekday], seen: Seen) -> dict[str, Any]:
    missing = [each.missing for each in days if each.missing is not None]
    return {
        "from": str(period.first),
        "to": str(period.last),
        "as_of": to_wire(seen.as_of) if seen.as_of else None,
        "unseen": list(map(str, seen.unseen)),
        "duration_minutes": sum(each.sheet.worked for each in days),
        "billable_minutes": sum(each.sheet.billable for each in days),
        "waiting_minutes": sum(each.sheet.waiting for each in days),
        "running_minutes": sum(each.sheet.running for each in days),
        "missing_minutes": sum(missing) if missing else None,
        "days": [each.published() for each in days],
    } | (dict.fromkeys(("duration_minutes", "billable_minutes", "missing_minutes")) if seen.unseen else {})
