"""alga services: what time can be billed as."""

from alga.app.session import Session
from alga.core.errors import Unreachable
from alga.lookup import services as lookup
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.filters import goes_on_offline
from alga.ui.options import Offline
from alga.ui.output import Output


@command
def services(session: Session, offline: Offline = False) -> Output:
    """List the services that time can be billed as."""
    if offline:
        session.stay_offline()
    title = "Services"
    try:
        known, whole = lookup.every(session.client, session.cache)
    except Unreachable as error:
        if not (offline or goes_on_offline(error)):
            raise
        if not offline:
            session.warn(error.message)
        known, whole, title = session.cache.services, True, "Services, as last seen here, no connection"
    found = sorted(known.items(), key=lambda pair: pair[1])
    if not whole:
        session.warn("Your role may not list services (service:read): these were seen in recent entries.")
    rows = [{"id": service_id, "name": name} for service_id, name in found]
    return Output(
        rows, columns.listing(title, columns.SERVICES, found, messages.view(session), "No service is known yet.")
    )
