"""alga cancel: discard the running timer."""

from alga.command import command
from alga.errors import NotFound
from alga.options import Yes
from alga.output import Shown, confirm
from alga.session import Session
from alga.times import format_interval, format_minutes, minutes_between


@command
def cancel(session: Session, yes: Yes = False) -> Shown:
    """Discard the running timer, or a stop that is not sent yet: nothing is recorded."""
    waiting = session.timer.waiting()
    running = session.timer.here() or (waiting[-1] if waiting else session.timer.there())
    if running is None:
        raise NotFound("Nothing is running.")
    end = running.ended_at or session.now()
    elapsed = format_minutes(max(0, minutes_between(running.started_at, end)))
    name = running.work_item.label
    what = f"{elapsed} on {name}"
    if running.ended_at:
        interval = format_interval(running.started_at, running.ended_at, session.zone)
        what = f"the stop of {interval} on {name} ({elapsed}), which is not sent yet"
    if not yes and not confirm(f"Discard {what}?", False, "alga cancel --yes"):
        return Shown(None, "Kept.")
    session.timer.cancel(running)
    data = running.published(session.now()) | {"delivery": "discarded"}
    return Shown(data, f"Discarded {name}: {elapsed}, nothing recorded.")
