"""alga resume: start the last work item again."""

from shlex import quote

from alga.app.session import Session
from alga.commands.start import started
from alga.core.errors import AlreadyRunning, NeedsService, NotFound
from alga.ui import options
from alga.ui.command import command
from alga.ui.messages import lately
from alga.ui.options import Ago, At, Notes
from alga.ui.output import Output


@command
def resume(session: Session, notes: Notes = None, at: At = None, ago: Ago = None) -> Output:
    """Start the last work item again, with its notes and service."""
    now = session.now()
    moment = options.moment(at, ago, now, session.zone)
    with session.in_passing():
        running = session.timer.running_if_known()
    if running:
        raise AlreadyRunning(
            f"{running.work_item.label} is running. Nothing was started.",
            "To go back to the previous work item: alga switch -",
        )
    last = next((each for each in lately(session) if each.work_item.id or each.operation), None)
    if last is None:
        raise NotFound("There is nothing to resume.", "alga start WORK_ITEM")
    found = last.service
    try:
        with session.in_passing():
            running = session.timer.start(last.work_item, found, last.notes if notes is None else notes, moment)
    except NeedsService as error:
        hint = f"alga start {quote(last.work_item.id)} -s NAME, or once for all: alga config set service NAME"
        raise NeedsService(error.message, hint) from None
    return started(session, running)
