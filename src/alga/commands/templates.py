"""alga templates: the server's templates for time entries."""

from alga import columns, sentences
from alga.command import command
from alga.output import Shown
from alga.session import Session


@command
def templates(session: Session) -> Shown:
    """List the server's templates for time entries."""
    found = [each.model_dump() for each in session.client.templates()]
    empty = "The server has no templates for time entries, and its API has no way to make one."
    return Shown(found, columns.listing("Templates", columns.TEMPLATES, found, sentences.look(session), empty))
