"""alga cancel: discard the running timer."""

from alga.command import command
from alga.errors import NotFound
from alga.options import Yes
from alga.output import Shown
from alga.session import Session
from alga.times import format_interval, format_minutes, minutes_between


@command
def cancel(session: Session, yes: Yes = False) -> Shown:
    """Discard the running timer: nothing is recorded."""
    waiting = session.timer.waiting()
    running = session.timer.here() or (waiting[-1] if waiting else session.timer.there())
    if running is None:
        raise NotFound("Nothing is running.")
    end = running.ended_at or session.now()
    elapsed = format_minutes(max(0, minutes_between(running.started_at, end)))
    name = running.work_item.label
    if not yes and not session.confirm(f"Discard {elapsed} on {name}?", False, "alga cancel --yes"):
        return Shown(None, "Kept.")
    if running.kept and running.kept.sent:
        shown = format_interval(running.started_at, running.ended_at, session.zone)
        session.warn(f"An earlier sending of {shown} may have reached the server. To see: alga list --today")
    session.timer.cancel(running)
    data = running.published(session.now()) | {"delivery": "discarded"}
    return Shown(data, f"Discarded {name}: {elapsed}, nothing recorded.")
