"""alga resume: start the last one again."""

from alga import options, workitems
from alga.command import command
from alga.commands.start import started
from alga.entries import recent_work
from alga.errors import AlreadyRunning, NotFound
from alga.options import Ago, At, Notes
from alga.output import Shown
from alga.session import Session
from alga.workitems import WorkItem


@command
def resume(session: Session, notes: Notes = None, at: At = None, ago: Ago = None) -> Shown:
    """Start the last work item again, with its notes and service."""
    now = session.now()
    moment = options.moment(at, ago, now, session.zone)
    if running := session.timer.running():
        raise AlreadyRunning(
            f"{running.work_item.label} is running. Nothing was started.", "To go back to another: alga switch -"
        )
    item, service_id, last_notes = _last(session)
    running = session.timer.start(item, service_id, last_notes if notes is None else notes, moment)
    return started(session, running)


def _last(session: Session) -> tuple[WorkItem, str | None, str | None]:
    """What was worked on last, recorded or still waiting here: its work item, service and notes."""
    last = next(iter(recent_work(session.client, session.learnt, session.now())), None)
    waiting = session.timer.waiting()
    if waiting and (last is None or not last.ended_at or (waiting[-1].ended_at or last.ended_at) >= last.ended_at):
        return waiting[-1].work_item, waiting[-1].service_id, waiting[-1].notes
    if last is None or not last.work_item_id:
        raise NotFound("There is nothing to resume.", "alga start WORK_ITEM")
    item = WorkItem(last.work_item_type or "ticket", last.work_item_id, workitems.label(last, session.learnt))
    return item, last.service_id, last.notes
