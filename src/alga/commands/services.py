"""alga services: what time can be billed as."""

from alga.app.session import Session
from alga.lookup import work_items
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.output import Output


@command
def services(session: Session) -> Output:
    """List the services that time can be billed as."""
    known, whole = work_items.services(session.client, session.cache)
    found = sorted(known.items(), key=lambda pair: pair[1])
    if not whole:
        session.warn("Your role may not list services (service:read): these were seen in recent entries.")
    rows = [{"id": service_id, "name": name} for service_id, name in found]
    return Output(
        rows, columns.listing("Services", columns.SERVICES, found, messages.view(session), "No service is known yet.")
    )
