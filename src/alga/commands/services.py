"""alga services: what time can be billed as."""

from alga import columns, sentences
from alga.command import command
from alga.lookup import work_items
from alga.output import Shown
from alga.session import Session


@command
def services(session: Session) -> Shown:
    """List the services that time can be billed as."""
    known, whole = work_items.services(session.client, session.cache)
    found = sorted(known.items(), key=lambda pair: pair[1])
    if not whole:
        session.warn("Your role may not list services (service:read): these were seen in recent entries.")
    rows = [{"id": service_id, "name": name} for service_id, name in found]
    return Shown(
        rows, columns.listing("Services", columns.SERVICES, found, sentences.look(session), "No service is known yet.")
    )
