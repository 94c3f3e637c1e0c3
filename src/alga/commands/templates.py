"""alga templates: the server's templates for time entries."""

from alga.app.session import Session
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.output import Output


@command
def templates(session: Session) -> Output:
    """List the server's templates for time entries."""
    found = [each.model_dump() for each in session.client.templates()]
    empty = "The server has no templates for time entries, and its API cannot create templates."
    return Output(found, columns.listing("Templates", columns.TEMPLATES, found, messages.view(session), empty))
