"""alga whoami: which login, which server, which user."""

from alga.app.session import Session
from alga.lookup import work_items
from alga.ui import messages
from alga.ui.command import command
from alga.ui.output import Output


@command
def whoami(session: Session) -> Output:
    """Show the login in use and whose it is."""
    profile = session.profile
    user_id = work_items.own_user(session.client, session.cache)
    cache = session.cache
    data = {
        "profile": profile.name,
        "url": profile.url or None,
        "user_id": user_id,
        "user_name": cache.user_name,
        "clock": "here" if session.timer.kept_here() else "server",
        "server_kind": cache.kind,
    }
    server = profile.url or f"practice data on this computer ({session.paths.local_db})"
    here = f"kept by alga on this computer ({session.environment.computer}) and on no other"
    clock = f"{here}, since this server's own timers reach no time sheet" if data["clock"] == "here" else None
    person = (
        f"{cache.user_name} ({user_id})"
        if cache.user_name
        else user_id or "not known yet: the first alga log will show it"
    )
    return Output(
        data, messages.details([("Profile", profile.name), ("Server", server), ("Person", person), ("Clock", clock)])
    )
