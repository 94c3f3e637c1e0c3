"""alga stop: stop the clock and record its time as an entry."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from alga.app.running import LONGEST_NOTES, Running, Stopped
from alga.app.session import Session
from alga.core.entry import EntryRequest
from alga.core.errors import AuthError, NotFound, Refused, Unreachable, UsageError
from alga.core.safe_text import brief
from alga.core.times import cut, format_day, format_minutes, format_time, from_wire, is_digits, local_date, to_wire
from alga.outbox.operation import Kind, Operation, State
from alga.ui import messages, options
from alga.ui.command import command
from alga.ui.messages import delivered, mention, queued, saved, told
from alga.ui.options import Ago, At, Billable, NoBillable, Notes, ReplaceNotes, Service
from alga.ui.output import Output, ask, interactive

TRIED = "stops-tried"  # remembered: which timer, and when


@command
def stop(
    session: Session,
    at: At = None,
    ago: Ago = None,
    notes: Notes = None,
    replace_notes: ReplaceNotes = False,
    service_name: Service = None,
    billable: Billable = None,
    no_billable: NoBillable = False,
) -> Output:
    """Stop the running timer and record its time."""
    minutes = options.billable_minutes(billable, no_billable)
    if replace_notes and not notes:  # servers keep the old notes where the new ones are empty (section 6)
        raise UsageError("--replace-notes needs the new notes.", "Give them too: -m TEXT")
    with session.in_passing():
        running = _running(session)
    if not replace_notes:
        notes = _added(running.notes, notes)
    asked = _asked(session, running, at, ago, EntryRequest(billable_minutes=minutes, notes=notes))
    with session.in_passing():
        done = session.timer.stop(running, asked, service_name)
        return stopped(session, done)


def _running(session: Session) -> Running:
    try:
        running = session.timer.running()
    except Unreachable as error:
        raise error.adding("No timer is known on this computer.") from None
    if running is None:
        mention(session)
        raise NotFound(
            messages.nothing_runs(session, session.timer.kept_here()),
            "To record work already done: alga log WORK_ITEM 90m",
        )
    return running


def _added(known: str | None, more: str | None) -> str | None:
    """The notes of a timer with more notes on a new line; None where there is nothing to add."""
    if not known or more is None:
        return more
    return None if more.strip() in ("", *map(str.strip, known.splitlines())) else f"{known}\n{more}"


def _asked(session: Session, running: Running, at: str | None, ago: str | None, asked: EntryRequest) -> EntryRequest:
    """The request with its end: as typed; now for a timer on this computer, fixed first; otherwise server time."""
    now, zone = session.now(), session.zone
    if at and not ago:
        return replace(asked, ended_at=options.moment_since(at, running.started_at, now, zone, "alga stop"))
    end = options.moment(at, ago, now, zone) or end_of_forgotten(session, running)
    return replace(asked, ended_at=end or (now if running.kept else None))


def end_of_forgotten(session: Session, running: Running) -> datetime | None:
    """When a timer ended that has been running for longer than the setting `longest`, as a person says; None for
    another timer, which ends now.

    Raises Refused without an answer: the timer is still running, and the time of the try is proposed the next time.
    """
    now, zone = session.now(), session.zone
    if running.minutes(now) <= session.profile.longest_timer:
        return None
    proposed = list(_proposed_ends(session, running))
    session.mark(TRIED, f"{running.key} {to_wire(now)}")
    since, elapsed = _day_and_time(session, running.started_at), format_minutes(running.minutes(now))
    told = f"{running.work_item.label} has been running since {since} ({elapsed})."
    if not interactive():
        typed = f"'{proposed[0][0].astimezone(zone):%Y-%m-%d %H:%M}'" if proposed else "TIME"
        hint = f"It ended before: alga stop --at {typed}\nAll of it is work: alga stop --at now"
        raise Refused(f"{told} Nothing was stopped.", hint)
    shown = [f"{n:3}  {_day_and_time(session, at)}  {why}" for n, (at, why) in enumerate(proposed, 1)]
    shown = [told, *shown]
    while answer := ask("Ended when? A time, or 'now' for all of it:", shown):
        if is_digits(answer) and 1 <= int(answer) <= len(proposed):
            return proposed[int(answer) - 1][0]
        try:
            return options.moment_since(answer, running.started_at, now, zone, "alga stop")
        except (UsageError, Refused) as fault:
            shown = [f"{fault.message} {fault.hint}".strip()]
    raise Refused("No end was given. The timer is still running.", "alga stop --at TIME")


def _proposed_ends(session: Session, running: Running) -> Iterator[tuple[datetime, str]]:
    """When a forgotten timer may have ended, with the reason, the likeliest first."""
    start, now, zone = running.started_at, session.now(), session.zone
    tried = [line.partition(" ")[2] for line in session.marks(TRIED) if line.startswith(f"{running.key} ")]
    with suppress(ValueError):  # a damaged file: no proposal
        for each in tried[:1]:
            yield from_wire(each), "you tried to stop it"
    own = running.operation.id if running.operation else 0
    typed = session.journal.typed_since(start)
    written = [each for each in typed if each.queued_at < cut(now) and each.id != own and not each.undoes]
    if written and not session.journal.was_undone(written[-1]):
        yield cut(written[-1].queued_at), f"you last recorded something then ({written[-1].label})"
    day_end = session.profile.work_time.end(local_date(start, zone), zone)
    if day_end and start < day_end < now:
        yield day_end, "the end of the working day"


def _day_and_time(session: Session, instant: datetime) -> str:
    day = format_day(local_date(instant, session.zone), local_date(session.now(), session.zone))
    return f"{day} {format_time(instant, session.zone)}"


def stopped(session: Session, done: Stopped) -> Output:
    """The output of a stop."""
    if done.waits:
        return _waits(session, done, done.waits)
    if done.entry is None:
        data = done.running.published(session.now()) | {"delivery": "discarded"}
        return Output(data, f"Less than a minute on {done.running.work_item.label}: nothing recorded.")
    told(session, done.asked, done.entry)
    line = messages.entry_line("Stopped", done.entry, messages.view(session))
    return Output(delivered(session, done.entry), _with_notes(line, done.asked.notes and done.entry.notes))


def _waits(session: Session, done: Stopped, operation: Operation) -> Output:
    """The output of a stop that is on disk but not on the server yet. Raises the error if it was set aside."""
    end = format_time(operation.asked.ended_at or operation.queued_at, session.zone)
    kept = f"Your stop at {end} is kept"
    if operation.kind is Kind.EDIT and operation.before:
        kept = f"Recorded from {_since(session, operation)} to {end}, and its start is not corrected yet"
    if operation.state is State.ASIDE:
        error = done.error or Refused(operation.reason)
        again = f"alga queue retry {operation.id}"
        raise error.adding(f"{kept}. To correct it: {again}, with the options of alga log.")
    if isinstance(done.error, AuthError):
        raise done.error.adding(f"{kept}.")
    session.warn(saved(session, operation, done.error))
    line = messages.minutes_line("Stopped", operation, messages.view(session))
    return Output(queued(operation), _with_notes(line, operation.asked.notes))


def _with_notes(line: str, notes: str | None) -> str:
    """The line of a stop, with the notes below it where there are several lines of them: what was added to what."""
    several = brief(notes or "", LONGEST_NOTES).splitlines()
    return "\n".join([line, *(f"  {each}" for each in several)]) if len(several) > 1 else line


def _since(session: Session, operation: Operation) -> str:
    """The start on the server of an entry that is not corrected yet."""
    start = operation.before.started_at if operation.before else None
    return format_time(start or operation.started_at, session.zone)
