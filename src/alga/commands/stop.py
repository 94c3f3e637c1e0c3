"""alga stop: stop the clock and record its time as an entry."""

from dataclasses import replace

from alga.app.running import Running, Stopped
from alga.app.session import Session
from alga.core.entry import EntryRequest
from alga.core.errors import AuthError, NotFound, Refused, Unreachable
from alga.core.times import format_time
from alga.outbox.operation import Kind, Operation, State
from alga.ui import messages, options
from alga.ui.command import command
from alga.ui.messages import delivered, mention, queued, saved, told
from alga.ui.options import Ago, At, Billable, NoBillable, Notes, Service
from alga.ui.output import Output


@command
def stop(
    session: Session,
    at: At = None,
    ago: Ago = None,
    notes: Notes = None,
    service_name: Service = None,
    billable: Billable = None,
    no_billable: NoBillable = False,
) -> Output:
    """Stop the running timer and record its time."""
    minutes = options.billable_minutes(billable, no_billable)
    with session.in_passing():
        running = _running(session)
        asked = _asked(session, running, at, ago, EntryRequest(billable_minutes=minutes, notes=notes))
        done = session.timer.stop(running, asked, service_name)
        return stopped(session, done)


def _running(session: Session) -> Running:
    try:
        running = session.timer.running()
    except Unreachable as error:
        raise error.adding("No timer is known on this computer.") from None
    if running is None:
        mention(session)
        raise NotFound("Nothing is running.", "To record work already done: alga log WORK_ITEM 90m")
    return running


def _asked(session: Session, running: Running, at: str | None, ago: str | None, asked: EntryRequest) -> EntryRequest:
    """The request with its end: as typed; now for a timer on this computer, fixed first; otherwise server time."""
    now, zone = session.now(), session.zone
    if at and not ago:
        return replace(asked, ended_at=options.moment_since(at, running.started_at, now, zone, "alga stop"))
    return replace(asked, ended_at=options.moment(at, ago, now, zone) or (now if running.kept else None))


def stopped(session: Session, done: Stopped) -> Output:
    """The output of a stop."""
    if done.waits:
        return _waits(session, done, done.waits)
    if done.entry is None:
        data = done.running.published(session.now()) | {"delivery": "discarded"}
        return Output(data, f"Less than a minute on {done.running.work_item.label}: nothing recorded.")
    told(session, done.asked, done.entry)
    return Output(delivered(done.entry), messages.entry_line("Stopped", done.entry, messages.view(session)))


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
    return Output(queued(operation), messages.minutes_line("Stopped", operation, messages.view(session)))


def _since(session: Session, operation: Operation) -> str:
    """The start on the server of an entry that is not corrected yet."""
    start = operation.before.started_at if operation.before else None
    return format_time(start or operation.started_at, session.zone)
