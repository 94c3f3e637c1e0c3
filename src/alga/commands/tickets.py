"""alga tickets: find a ticket by its number or words; without words, list the assigned tickets and tasks."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alga.app.session import Session
from alga.lookup import work_items
from alga.lookup.work_items import WorkItem
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.output import Output

if TYPE_CHECKING:
    from alga.api.models import Ticket

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[WORDS]", help="A number or part of a title; by default your tickets.")
]


@command
def tickets(session: Session, words: Words = None) -> Output:
    """Find tickets; without words, those assigned to you."""
    if words:
        rows = [_of_ticket(session, each) for each in session.client.search_tickets(" ".join(words))]
        title, empty = f"Tickets with '{' '.join(words)}'", "No ticket has these words in its number or title."
    else:
        rows = [_row(*each, None) for each in work_items.assigned(session.client, session.cache)]
        title, empty = "Assigned to you", "No open work is assigned to you. To search: alga tickets WORDS"
    return Output(rows, columns.listing(title, columns.TICKETS, rows, messages.view(session), empty))


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
