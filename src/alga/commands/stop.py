"""alga stop: the clock stops, and the time becomes an entry."""

from contextlib import suppress
from dataclasses import replace

from alga import options
from alga.columns import entry_line
from alga.command import command, delivered, keep, look, service, told
from alga.errors import AlgaError, AuthError, Forbidden, Interrupted, NotFound, Unreachable, UsageError
from alga.options import Ago, At, Billable, NoBillable, Notes, Service
from alga.output import Shown
from alga.running import Running, Stopped
from alga.session import Session
from alga.times import format_time
from alga.truth import Asked


@command
def stop(
    session: Session,
    at: At = None,
    ago: Ago = None,
    notes: Notes = None,
    service_name: Service = None,
    billable: Billable = None,
    no_billable: NoBillable = False,
) -> Shown:
    """Stop the running timer and record its time."""
    minutes = options.billable_minutes(billable, no_billable)
    here, waiting = session.timer.here(), session.timer.waiting()
    running = here or _there(session, waiting)
    if running is None and not waiting:
        for sentence in session.timer.unsent():
            session.warn(sentence)
        raise NotFound("Nothing is running.", "To record work already done: alga log WORK_ITEM 90m")
    target = running or waiting.pop()
    asked = _asked(session, target, at, ago, Asked(billable_minutes=minutes, notes=notes))
    if service_name:
        try:
            asked = replace(asked, service_id=service(session, service_name))
        except (Unreachable, AuthError, NotFound, UsageError) as error:
            raise session.timer.hold(target, asked, error) from None
    if target.ended_at:
        shown = stopped(session, session.timer.send(session.timer.mend(target, asked)))
    else:
        shown = stopped(session, session.timer.stop(target, asked))
    for earlier in waiting:
        _send_earlier(session, earlier)
    if here:
        _name_the_other(session)
    return shown


def _there(session: Session, waiting: list[Running]) -> Running | None:
    """The server's timer; without an answer, what waits here is what can be stopped."""
    try:
        return session.timer.there()
    except (Unreachable, AuthError):
        if waiting:
            return None
        raise


def _asked(session: Session, target: Running, at: str | None, ago: str | None, asked: Asked) -> Asked:
    """With the end: as typed; now for a clock kept here, fixed before anything else happens; else the server's."""
    now, zone = session.now(), session.zone
    if ago and target.ended_at:
        raise UsageError("That timer is stopped already, so --ago says nothing.", "The end itself: --at 17:30")
    if at and not ago:
        return replace(asked, ended_at=options.moment_since(at, target.started_at, now, zone, "alga stop"))
    kept_clock = now if target.kept and not target.ended_at else None
    return replace(asked, ended_at=options.moment(at, ago, now, zone) or kept_clock)


def stopped(session: Session, done: Stopped) -> Shown:
    """The words of a stop."""
    if done.entry is None:
        data = done.running.published(session.now()) | {"delivery": "discarded"}
        return Shown(data, f"Less than a minute on {done.running.work_item.label}: nothing recorded.")
    keep(session, done.asked, done.entry)
    told(session, done.asked, done.entry)
    return Shown(delivered(done.entry), entry_line("Stopped", done.entry, look(session)))


def _send_earlier(session: Session, earlier: Running) -> None:
    """One bad item never blocks the others."""
    try:
        done = session.timer.send(earlier)
    except Interrupted:
        raise
    except AlgaError as error:
        session.warn(f"{earlier.work_item.label}: {error.message}")
        return
    if done.entry:
        told(session, done.asked, done.entry)
        session.warn(entry_line("Recorded now:", done.entry, look(session)))


def _name_the_other(session: Session) -> None:
    with suppress(Unreachable, AuthError, Forbidden, NotFound):
        if other := session.timer.there():
            since = format_time(other.started_at, session.zone)
            session.warn(f"Another timer runs on AlgaPSA: {other.work_item.label}, since {since}. alga stop ends it.")
