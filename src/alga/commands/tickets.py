"""alga tickets: find a ticket by its number or words; without words, list the assigned tickets and tasks."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alga.app.session import Session
from alga.core.errors import NeverSent, Unreachable
from alga.lookup import work_items
from alga.lookup.work_items import WorkItem
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.filters import goes_on_offline
from alga.ui.options import Offline
from alga.ui.output import Output

if TYPE_CHECKING:
    from alga.api.models import Ticket

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[WORDS]", help="A number or part of a title; by default your tickets.")
]


@command
def tickets(session: Session, words: Words = None, offline: Offline = False) -> Output:
    """Find tickets; without words, those assigned to you."""
    if offline:
        session.stay_offline()
    phrase = " ".join(words or [])
    title = f"Tickets with '{phrase}'" if phrase else "Assigned to you"
    empty = "No ticket has these words in its number or title."
    if not phrase:
        empty = "No open work is assigned to you. To search: alga tickets WORDS"
    try:
        if offline:
            raise NeverSent("No request was sent (--offline).")
        rows = _asked(session, phrase)
    except Unreachable as error:
        if not (offline or goes_on_offline(error)):
            raise
        if not offline:
            session.warn(error.message)
        rows, empty = _known(session, phrase), "None is known here."
        title += ", as last seen here, no connection"
    return Output(rows, columns.listing(title, columns.TICKETS, rows, messages.view(session), empty))


def _asked(session: Session, phrase: str) -> list[dict[str, Any]]:
    if phrase:
        return [_of_ticket(session, each) for each in session.client.search_tickets(phrase)]
    found = work_items.assigned(session.client, session.cache)
    session.cache.saw_assigned((each.item.id for each in found), session.now())
    return [_row(*each, None) for each in found]


def _known(session: Session, phrase: str) -> list[dict[str, Any]]:
    """The same from what this computer knows."""
    cache, words = session.cache, phrase.lower()
    known = [(key, *row) for key, row in cache.tickets.items() if row[0]]
    found = [
        _row(WorkItem("ticket", key, number), title, client or None, None, None)
        for key, number, title, client in known
        if (words in f"{number} {title}".lower() if words else key in cache.assigned)
    ]
    if not words:
        tasks = [(key, *row) for key, row in cache.tasks.items() if key in cache.assigned]
        found += [_row(WorkItem("project_task", key, name), name, None, project, None) for key, name, project in tasks]
    return found


def _of_ticket(session: Session, ticket: "Ticket") -> dict[str, Any]:
    item = work_items.learnt(ticket, session.cache)
    return _row(item, ticket.title or "", ticket.client_name, None, ticket.is_closed)


def _row(
    item: WorkItem, title: str, client_name: str | None, project_name: str | None, is_closed: bool | None
) -> dict[str, Any]:
    """A ticket, or a task of a project, which has no number."""
    return {
        "id": item.id,
        "type": item.type,
        "number": item.label if item.type == "ticket" else None,
        "title": title,
        "client_name": client_name,
        "project_name": project_name,
        "is_closed": is_closed,
    }
