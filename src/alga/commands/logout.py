"""alga logout: forget a login and its key."""

from shlex import quote

from alga.app.session import Session
from alga.core.errors import ConfigError, UsageError
from alga.core.files import leftovers
from alga.state.config import ENVIRONMENT, LOCAL
from alga.state.settings import remove_profile
from alga.ui.command import command
from alga.ui.messages import unsent_here
from alga.ui.options import Yes
from alga.ui.output import Output, confirm


@command
def logout(session: Session, yes: Yes = False) -> Output:
    """Forget the login in use, or --profile NAME, and its key."""
    profile = session.profile
    if profile.name == ENVIRONMENT:
        raise UsageError("This login uses the key in ALGA_API_KEY.", "To end it: unset ALGA_API_KEY")
    if profile.name == LOCAL:
        raise ConfigError("You are not logged in.", "To connect: alga login")
    try:
        unsent = unsent_here(session)
    except ConfigError as fault:  # a journal that cannot be read must not keep the key here
        if not yes:
            raise
        session.warn(fault.message)
        unsent = []
    if unsent and not yes:
        names = ", ".join(dict.fromkeys(each.label for each in unsent))
        question = f"These operations wait for this key and are not on the server yet: {names}. Log out anyway?"
        if not confirm(question, False, f"alga sync first, or alga logout --profile {quote(profile.name)} --yes"):
            return Output(None, "Still logged in.")
    default = remove_profile(session.config, profile.name)
    text = f"Logged out of {profile.url}: profile {profile.name} and its key are gone from {session.paths.config}."
    for left in leftovers(session.paths.config):
        session.warn(f"{left} could not be removed: it may hold the key.")
    if default and default != session.config.default:
        text = f"{text}\nThe default login is now {default}."
    return Output({"profile": profile.name, "url": profile.url}, text)
