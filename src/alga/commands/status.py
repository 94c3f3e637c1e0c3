"""alga status: the running timer and today's sum."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from alga.app.running import Running
from alga.app.session import Session
from alga.commands import day as sheets
from alga.core import filters, intervals, periods
from alga.core import week as weeks
from alga.core.errors import AuthError, Unreachable, UsageError
from alga.core.times import (
    beside,
    counted,
    format_day,
    format_elapsed,
    format_minutes,
    format_moment,
    format_time,
    local_date,
    minutes_between,
)
from alga.lookup import entries, work_items
from alga.outbox import describe
from alga.ui import filters as shown
from alga.ui import output
from alga.ui.command import command
from alga.ui.messages import mention, nothing_runs, to_be_sent
from alga.ui.options import Common, Offline
from alga.ui.output import Output

if TYPE_CHECKING:
    from alga.core.entry import Entry

FIELDS = "elapsed, minutes, since, work_item, notes, profile"
Template = Annotated[
    str | None,
    typer.Option("--template", metavar="TEXT", help=f"Print only this text, for a prompt; with {{{FIELDS}}}."),
]


Check = Annotated[
    bool,
    typer.Option("--check", help="Print a line and exit with 1 if something needs you: for cron and notifications."),
]
Watch = Annotated[bool, typer.Option("--watch", help="Stay on the screen and count, until Ctrl-C.")]
MINUTE = timedelta(minutes=1)
NEEDS_YOU = 1  # the exit code
QUIET = timedelta(minutes=60)  # after an entry ended, nothing running is no reminder yet


@command
def status(
    session: Session,
    common: Common,
    offline: Offline = False,
    template: Template = None,
    check: Check = False,
    watch: Watch = False,
) -> Output:
    """Show the running timer and today's sum."""
    if watch:
        if check or offline or template is not None or common.chosen().machine:
            raise UsageError("--watch cannot be combined with other options.")
        return _watched(session)
    if check:
        if offline or template is not None:
            raise UsageError("--check cannot be combined with --offline or --template.")
        needs = [] if session.profile.is_local else list(_needs(session))
        return Output({"needs_you": needs}, "; ".join(needs), NEEDS_YOU if needs else 0)
    if template is not None:
        if common.form or common.json or common.fields:
            raise UsageError("--template and another format cannot be combined.")
        return _filled(session, template, offline)
    if offline:
        return _shown(session, session.timer.known(), "not asked for (--offline)")
    with session.in_passing():
        try:
            running = session.timer.here() or session.timer.there()
            return _shown(session, running, today(session, running))
        except (Unreachable, AuthError) as error:
            known, sum_seen = session.timer.known(), seen_today(session, session.timer.known())
            if known is None and not (sum_seen and isinstance(error, Unreachable) and shown.goes_on_offline(error)):
                mention(session)
                raise
            session.warn(error.message)
            return _shown(session, known, sum_seen or "not known")


def _watched(session: Session) -> Output:
    """The timer and today's sum on the screen, every second anew, until Ctrl-C; the server is asked once a minute."""
    asked, shown_now = session.now() - MINUTE, ["", ""]

    def drawn() -> list[str]:
        nonlocal asked
        if session.now() - asked >= MINUTE:
            asked, running = session.now(), session.timer.running_if_known()
            with suppress(Unreachable, AuthError):
                shown_now[1] = today(session, running)
        running = session.timer.seen if isinstance(session.timer.seen, Running) else session.timer.known()
        first = line(session, running, 5) if running else "Nothing is running."
        return [first, f"Today  {shown_now[1] or 'not known'}"]

    output.watch(drawn, session.environment.sleep)
    session.notes.clear()
    return Output(None, "")


def _needs(session: Session) -> Iterator[str]:
    """What needs the user, as short phrases. Raises Unreachable."""
    now, zone, work = session.now(), session.zone, session.profile.work_time
    today, running = local_date(now, zone), session.timer.here() or session.timer.there()
    done = sheets.work_of(session, today, today, current=True)
    (day,) = weeks.of_days(
        today, today, done.stretches, done.recorded, work, zone, now, False, session.profile.longest_timer
    )
    if running and running.minutes(now) > session.profile.longest_timer:
        since = format_time(running.started_at, zone)
        yield f"{running.work_item.label} has been running for {format_minutes(running.minutes(now))}, since {since}"
    ends = [each.ended_at for each in done.stretches if each.ended_at]
    working = any(start <= now < end for start, end in work.spans(today, zone))
    if working and not running and not any(now - QUIET < end for end in ends):
        yield "nothing is running"
    if (end := work.end(today, zone)) and now >= end and day.missing:
        yield f"{format_minutes(day.missing)} of today's {format_minutes(day.sheet.target or 0)} are missing"
    if aside := len(session.journal.aside()):
        yield f"{counted(aside, 'item')} set aside: alga queue"


def _filled(session: Session, template: str, offline: bool) -> Output:
    """The template filled in for the running timer; empty when nothing is running. Raises UsageError."""
    if unknown := [name for name in re.findall(r"\{(\w*)\}", template) if name not in FIELDS.split(", ")]:
        raise UsageError(f"Unknown field {{{unknown[0]}}} in the template.", f"Choose from: {FIELDS}")
    running = session.timer.known() if offline else session.timer.running()
    if running is None:
        return Output(None, "")
    now = session.now()
    words = {
        "elapsed": format_elapsed(running.started_at, now),
        "minutes": str(max(0, minutes_between(running.started_at, now))),
        "since": format_time(running.started_at, session.zone),
        "work_item": running.work_item.label,
        "notes": running.short_notes,
        "profile": session.profile.name,
    }
    return Output(running.published(now), re.sub(r"\{(\w+)\}", lambda match: words[match[1]], template))


def _shown(session: Session, running: Running | None, day_sum: str) -> Output:
    mention(session)
    if running is None:
        return Output(None, f"{nothing_runs(session, session.timer.keeps_clock())}\nToday    {day_sum}")
    wide = max(5, len(running.work_item.label))
    text = f"{line(session, running, wide)}\n{'Today'.ljust(wide)}  {day_sum}"
    return Output(running.published(session.now()), text)


def line(session: Session, running: Running, wide: int) -> str:
    """`tk_9c41  0:47:31  since 09:12  On-site VPN repair`; a timer that was probably forgotten gets a note."""
    now, zone = session.now(), session.zone
    since, day = format_moment(running.started_at, zone, now), local_date(running.started_at, zone)
    if day != local_date(now, zone) or running.minutes(now) > session.profile.longest_timer:
        end = session.profile.work_time.end(day, zone) if session.profile.hours else None
        typed = format_time(end, zone) if end and running.started_at < end < now else "TIME"
        session.note(f"Running since {since}. Ended earlier? alga stop --at {typed}")
    shown = [
        running.work_item.label.ljust(wide),
        format_elapsed(running.started_at, now),
        f"since {since}",
        running.short_notes,
    ]
    return "  ".join(shown).rstrip()


def seen_today(session: Session, running: Running | None) -> str:
    """The same as this computer saw it last, `1h 30m worked, as of 16:09, no connection`; '' if that is not known."""
    own_today = filters.Selection(periods.named("today", session.now(), session.zone), (session.cache.user_id or "",))
    seen = entries.seen_on(session.client, session.cache, own_today, session.zone, session.now())
    if seen.unseen:
        return ""
    return f"{_summed(session, running, seen.rows)}{shown.as_of(session, seen)}"


def today(session: Session, running: Running | None) -> str:
    """`1h 30m + 20m waiting + 48m running`: what is recorded of today, and beside it what waits here and what runs."""
    now, zone = session.now(), session.zone
    user_id = work_items.own_user(session.client, session.cache)
    if user_id is None:
        return "not known: the server has not yet shown whose key this is"
    own_today = filters.Selection(periods.named("today", now, zone), (user_id,))
    rows = entries.selected(session.client, own_today, zone, session.warn)
    entries.saw(session.cache, own_today, rows, zone, now)
    _name_the_other(session, running, rows)
    return _summed(session, running, rows)


def _summed(session: Session, running: Running | None, rows: "list[Entry]") -> str:
    now, zone = session.now(), session.zone
    worked, day = format_minutes(intervals.sums(rows).worked), local_date(now, zone)
    here = [each for each in to_be_sent(session) if not each.in_doubt]
    waiting = sum(describe.minutes(each) for each in here if local_date(each.started_at, zone) == day)
    begun = local_date(running.started_at, zone) if running else day
    if begun != day:  # an entry counts on the day it starts, as in alga list
        return f"{worked} worked {beside(waiting, 0)}".rstrip() + f"; the timer counts on {format_day(begun, day)}"
    more = beside(waiting, running.minutes(now) if running else 0)
    return f"{worked} {more}" if more else f"{worked} worked"


def _name_the_other(session: Session, running: Running | None, rows: "list[Entry]") -> None:
    """Warn of a second timer on the server, started on the web, besides the one on this computer."""
    other = next((entry for entry in rows if entry.ended_at is None), None)
    if running and running.kept and other:
        label, since = work_items.label(other, session.cache), format_time(other.started_at, session.zone)
        session.warn(f"Another timer is running on AlgaPSA: {label}, since {since}. A second alga stop ends it.")
