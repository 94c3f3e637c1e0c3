"""alga switch: stop one timer and start another at the same minute."""

from typing import Annotated

import typer

from alga.app.running import Running
from alga.app.session import Session
from alga.commands.start import runs_already, started, switched
from alga.core.errors import NotFound
from alga.core.times import format_time
from alga.ui import options
from alga.ui.choices import Asked, item_or_none, service_or_typed, spelled_out, with_service
from alga.ui.command import command
from alga.ui.messages import lately, nothing
from alga.ui.options import Ago, At, Exact, Notes, Service, Type
from alga.ui.output import Output

Next = Annotated[
    str,
    typer.Argument(metavar="WORK_ITEM|-", help="The next work item; '-' goes back to the previous work item."),
]


@command
def switch(
    session: Session,
    work_item: Next,
    notes: Notes = None,
    service_name: Service = None,
    kind: Type = None,
    exact: Exact = False,
    at: At = None,
    ago: Ago = None,
) -> Output:
    """Stop the running timer and start another at the same minute."""
    now = session.now()
    moment = options.moment(at, ago, now, session.zone)
    typed = spelled_out(session, Asked(work_item, kind, service_name, notes), exact)
    service_name, notes = typed.service, typed.notes
    with nothing("changed"):
        item = None if work_item == "-" else item_or_none(session, typed, exact)
    with session.in_passing():
        old = session.timer.running_if_known()
        session.timer.kept_here()  # asks what kind of server it is, if that is not known yet
        if item is None:
            before = _one_before(session, old)
            item, notes = before.work_item, before.notes if notes is None else notes
            found = service_or_typed(session, service_name, item) if service_name else before.service
        else:
            with nothing("changed"):
                found = with_service(session, lambda service: service_or_typed(session, service, item), service_name)
        if old is None:
            session.note("Nothing was running.")
            begun = started(session, session.timer.start(item, found, notes, moment))
            return Output({"stopped": None, "started": begun.data}, begun.text)
    ended = f" --at {format_time(moment, session.zone)}" if moment else ""
    anew = f"To begin it anew: alga stop{ended}, then {session.retyped(()).replace(' switch', ' start', 1)}"
    if work_item != "-" and (same := runs_already(session, old, item, notes, service_name, moment, anew)):
        return Output({"stopped": None, "started": same.data}, same.text)
    return switched(session, old, item, found, notes, moment)


def _one_before(session: Session, old: Running | None) -> Running:
    """The last work item other than the running one. Raises NotFound."""
    for each in lately(session):
        known = each.work_item.id or each.operation  # a type without work items is nothing to go back to
        if known and (old is None or each.work_item.id != old.work_item.id):
            return each
    raise NotFound("There is no other work item to go back to.", "alga switch WORK_ITEM")
