"""alga tickets: find a ticket by its number or words; alone, the assigned ones."""

from typing import Annotated

import typer

from alga import columns, sentences
from alga.command import command
from alga.output import Shown
from alga.session import Session

Words = Annotated[list[str] | None, typer.Argument(metavar="[WORDS]", help="A number or part of a title; none: yours.")]


@command
def tickets(session: Session, words: Words = None) -> Shown:
    """Find tickets; without words, those assigned to you."""
    if words:
        found = session.client.search_tickets(" ".join(words))
        title, empty = f"Tickets with '{' '.join(words)}'", "No ticket has that in its number or title."
    else:
        found = session.client.assigned_tickets()
        title, empty = "Assigned to you", "No open ticket is assigned to you. To search: alga tickets WORDS"
    for ticket in found:
        session.cache.ticket(ticket.ticket_id, ticket.ticket_number, ticket.title)
    rows = [
        {"id": each.ticket_id, "number": each.ticket_number, "title": each.title, "client_name": each.client_name}
        for each in found
    ]
    return Shown(rows, columns.listing(title, columns.TICKETS, found, sentences.look(session), empty))
