"""alga stop: the clock stops, and the time becomes an entry."""

from contextlib import suppress

from alga import options
from alga.columns import entry_line
from alga.command import command, delivered, look, service, told
from alga.errors import AlgaError, NotFound
from alga.options import Ago, At, Billable, NoBillable, Notes, Service
from alga.output import Shown
from alga.session import Session
from alga.timer import Running, Stopped
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
    running = here or (None if waiting else session.timer.there())
    if running is None and not waiting:
        raise NotFound("Nothing is running.", "To record work already done: alga log WORK_ITEM 90m")
    target = running or waiting.pop()
    service_id = service(session, service_name) if service_name else None
    asked = _asked(session, target, at, ago, Asked(billable_minutes=minutes, notes=notes, service_id=service_id))
    for earlier in waiting:
        _send_earlier(session, earlier)
    if target.ended_at:
        return stopped(session, session.timer.send(session.timer.mend(target, asked)))
    shown = stopped(session, session.timer.stop(target, asked))
    if here:
        _name_the_other(session)
    return shown


def _asked(session: Session, target: Running, at: str | None, ago: str | None, asked: Asked) -> Asked:
    now, zone = session.now(), session.zone
    if at and not ago:
        moment = options.moment_since(at, target.started_at, now, zone, "alga stop")
    else:
        ended = options.moment(at, ago, now, zone)
        if ended is None:
            return asked
        moment = ended
    return Asked(
        ended_at=moment, billable_minutes=asked.billable_minutes, notes=asked.notes, service_id=asked.service_id
    )


def stopped(session: Session, done: Stopped) -> Shown:
    """The words of a stop."""
    if done.entry is None:
        data = done.running.published(session.now()) | {"delivery": "discarded"}
        return Shown(data, f"Less than a minute on {done.running.work_item.label}: nothing recorded.")
    told(session, done.asked, done.entry)
    return Shown(delivered(done.entry), entry_line("Stopped", done.entry, look(session)))


def _send_earlier(session: Session, earlier: Running) -> None:
    """One bad item never blocks the others."""
    try:
        done = session.timer.send(earlier)
    except AlgaError as error:
        session.warn(f"{earlier.work_item.label}: {error.message}")
        return
    if done.entry:
        told(session, done.asked, done.entry)
        session.warn(entry_line("Recorded now:", done.entry, look(session)))


def _name_the_other(session: Session) -> None:
    with suppress(AlgaError):
        if other := session.timer.there():
            since = format_time(other.started_at, session.zone)
            session.warn(f"Another timer runs on AlgaPSA: {other.work_item.label}, since {since}. alga stop ends it.")
