"""alga tickets: find a ticket by its number or words; without words, list the assigned tickets."""

from typing import Annotated

import typer

from alga.app.session import Session
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.output import Output

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[WORDS]", help="A number or part of a title; by default your tickets.")
]


@command
def tickets(session: Session, words: Words = None) -> Output:
    """Find tickets; without words, those assigned to you."""
    if words:
        found = session.client.search_tickets(" ".join(words))
        title, empty = f"Tickets with '{' '.join(words)}'", "No ticket has these words in its number or title."
    else:
        found = session.client.assigned_tickets()
        title, empty = "Assigned to you", "No open ticket is assigned to you. To search: alga tickets WORDS"
    for ticket in found:
        session.cache.ticket(ticket.ticket_id, ticket.ticket_number, ticket.title)
    rows = [
        {"id": each.ticket_id, "number": each.ticket_number, "title": each.title, "client_name": each.client_name}
        for each in found
    ]
    return Output(rows, columns.listing(title, columns.TICKETS, found, messages.view(session), empty))
