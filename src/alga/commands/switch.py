"""alga switch: stop one and start another at the same minute."""

from typing import Annotated

import typer

from alga import options, workitems
from alga.command import command, service
from alga.commands.start import started, switched
from alga.entries import recent_work
from alga.errors import NotFound
from alga.options import Ago, At, Notes, Service, Type
from alga.output import Shown
from alga.running import Running
from alga.session import Session
from alga.workitems import WorkItem

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
        item, notes, service_id = _one_before(session, old, notes)
        service_id = service(session, service_name) if service_name else service_id
    else:
        item = workitems.resolve(work_item, kind, session.client, session.learnt)
        service_id = service(session, service_name)
    if old is None:
        session.note("Nothing was running.")
        begun = started(session, session.timer.start(item, service_id, notes, moment))
        return Shown({"stopped": None, "started": begun.data}, begun.text)
    return switched(session, old, item, service_id, notes, moment)


def _one_before(session: Session, old: Running | None, notes: str | None) -> tuple[WorkItem, str | None, str | None]:
    """The last other work item, with its notes, unless others are given, and its service."""
    for entry in recent_work(session.client, session.learnt, session.now()):
        if entry.work_item_id and (old is None or entry.work_item_id != old.work_item.id):
            label = workitems.label(entry, session.learnt)
            item = WorkItem(entry.work_item_type or "ticket", entry.work_item_id, label)
            return item, entry.notes if notes is None else notes, entry.service_id
    raise NotFound("There is no other work item to go back to.", "alga switch WORK_ITEM")
