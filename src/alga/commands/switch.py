"""alga switch: stop one and start another at the same minute."""

from typing import Annotated

import typer

from alga import options, workitems
from alga.command import command, lately, nothing, service
from alga.commands.start import started, switched
from alga.errors import NotFound
from alga.options import Ago, At, Notes, Service, Type
from alga.output import Shown
from alga.running import Running
from alga.session import Session

Next = Annotated[
    str, typer.Argument(metavar="WORK_ITEM|-", help="The next work item; '-' goes back to the one before.")
]


@command
def switch(
    session: Session,
    work_item: Next,
    notes: Notes = None,
    service_name: Service = None,
    kind: Type = "ticket",
    at: At = None,
    ago: Ago = None,
) -> Shown:
    """Stop the running timer and start another at the same minute."""
    now = session.now()
    moment = options.moment(at, ago, now, session.zone)
    old = session.timer.running()
    if work_item == "-":
        before = _one_before(session, old)
        item, notes = before.work_item, before.notes if notes is None else notes
        service_id = service(session, service_name) if service_name else before.service_id
    else:
        with nothing("changed"):
            item = workitems.resolve(work_item, kind, session.client, session.learnt)
            service_id = service(session, service_name)
    if old is None:
        session.note("Nothing was running.")
        begun = started(session, session.timer.start(item, service_id, notes, moment))
        return Shown({"stopped": None, "started": begun.data}, begun.text)
    return switched(session, old, item, service_id, notes, moment)


def _one_before(session: Session, old: Running | None) -> Running:
    """What was worked on last that is not running now."""
    for each in lately(session):
        if old is None or each.work_item.id != old.work_item.id:
            return each
    raise NotFound("There is no other work item to go back to.", "alga switch WORK_ITEM")
