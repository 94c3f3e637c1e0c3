"""alga cancel: discard the running timer."""

from alga.command import command
from alga.core.errors import NotFound
from alga.core.times import format_minutes, minutes_between
from alga.options import Yes
from alga.outbox.operation import State
from alga.output import Shown, confirm
from alga.session import Session
from alga.told import mention, settled_entry


@command
def cancel(session: Session, yes: Yes = False) -> Shown:
    """Discard the running timer: nothing is recorded."""
    running = session.timer.running()
    if running is None:
        mention(session)
        raise NotFound("Nothing is running.")
    elapsed = format_minutes(max(0, minutes_between(running.started_at, session.now())))
    name = running.work_item.label
    if not yes and not confirm(f"Discard {elapsed} on {name}?", False, "alga cancel --yes"):
        return Shown(None, "Kept.")
    settled = session.timer.cancel(running)
    done = settled.operation.state in (State.DONE, State.DROPPED)
    if not done:
        settled_entry(session, settled)
    data = running.published(session.now()) | {"delivery": "discarded" if done else "queued"}
    return Shown(data, f"Discarded {name}: {elapsed}, nothing recorded." if done else f"To discard: {name}, {elapsed}.")
