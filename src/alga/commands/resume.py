"""alga resume: start the last one again."""

from alga import options
from alga.command import command, lately
from alga.commands.start import started
from alga.errors import AlreadyRunning, NotFound
from alga.options import Ago, At, Notes
from alga.output import Shown
from alga.session import Session


@command
def resume(session: Session, notes: Notes = None, at: At = None, ago: Ago = None) -> Shown:
    """Start the last work item again, with its notes and service."""
    now = session.now()
    moment = options.moment(at, ago, now, session.zone)
    if running := session.timer.running():
        raise AlreadyRunning(
            f"{running.work_item.label} is running. Nothing was started.", "To go back to another: alga switch -"
        )
    last = next(iter(lately(session)), None)
    if last is None:
        raise NotFound("There is nothing to resume.", "alga start WORK_ITEM")
    running = session.timer.start(last.work_item, last.service_id, last.notes if notes is None else notes, moment)
    return started(session, running)
