"""alga cancel: discard the running timer."""

from alga.app.session import Session
from alga.core.errors import NotFound
from alga.core.times import format_minutes, format_moment, minutes_between
from alga.outbox.operation import State
from alga.ui.command import command
from alga.ui.messages import mention, settled_entry
from alga.ui.options import Yes
from alga.ui.output import Output, confirm


@command
def cancel(session: Session, yes: Yes = False) -> Output:
    """Discard the running timer: nothing is recorded."""
    running = session.timer.running()
    if running is None:
        mention(session)
        raise NotFound("Nothing is running.")
    elapsed = format_minutes(max(0, minutes_between(running.started_at, session.now())))
    name, since = running.work_item.label, format_moment(running.started_at, session.zone, session.now())
    if not yes and not confirm(f"Discard {elapsed} on {name}?", False, "alga cancel --yes"):
        return Output(None, "Nothing was discarded.")
    settled = session.timer.cancel(running)
    done = settled.operation.state in (State.DONE, State.DROPPED)
    if not done:
        settled_entry(session, settled)
    data = running.published(session.now()) | {"delivery": "discarded" if done else "queued"}
    return Output(
        data,
        f"Discarded {name}: {elapsed} since {since}, nothing recorded." if done else f"To discard: {name}, {elapsed}.",
    )
