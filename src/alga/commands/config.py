"""alga config: show the settings and their file, and change them."""

from typing import Annotated, Any

import typer

from alga.app.session import Session
from alga.core.errors import UsageError
from alga.state import settings
from alga.state.config import LOCAL_SETTINGS, SETTINGS
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.messages import unsent_here
from alga.ui.output import Output

Key = Annotated[
    str,
    typer.Argument(metavar="SETTING", help="default, or one of those that alga config list shows."),
]
Value = Annotated[str, typer.Argument(metavar="VALUE", help="The value; '' removes the setting.")]

EMPTY: dict[str, Any] = {"allow_http": False, "off": ()}  # settings that are no text


@command
def path(session: Session) -> Output:
    """Show where the config file is."""
    return Output({"path": str(session.paths.config)}, str(session.paths.config))


@command
def show_all(session: Session) -> Output:
    """Show the settings of the login in use and what they mean, the key left out."""
    profile = session.profile
    values = {name: getattr(profile, name) or EMPTY.get(name) for name in SETTINGS}
    known = LOCAL_SETTINGS if profile.is_local else SETTINGS
    rows = [(name, _said(values[name]) or "", SETTINGS[name]) for name in known]
    view = messages.View(session.zone, session.now(), session.remembered)
    table = columns.listing(f"Settings of profile {profile.name}", columns.SETTINGS, rows, view, "")
    return Output({"profile": profile.name, **values}, table)


@command
def get(session: Session, setting: Key) -> Output:
    """Show one setting."""
    if setting not in SETTINGS:
        raise UsageError(f"Unknown setting '{setting}'.", f"Choose from: {', '.join(SETTINGS)}")
    value = _said(getattr(session.profile, setting))
    return Output({"profile": session.profile.name, "setting": setting, "value": value}, value or "")


@command
def change(session: Session, setting: Key, value: Value) -> Output:
    """Change a setting of the login in use: alga config set service "Basic Support"."""
    if setting == "default":
        settings.set_default(session.config, value)
        return Output({"profile": None, "setting": "default", "value": value}, f"The default login is now {value}.")
    name = session.profile.name
    if setting == "url" and unsent_here(session):
        raise UsageError("Unsent time still waits for the old address. Nothing was changed.", "alga stop")
    settings.set_setting(session.config, name, setting, value)
    text = f"{setting} is {f'now {value}' if value else 'no longer set'} (profile {name})."
    return Output({"profile": name, "setting": setting, "value": value or None}, text)


def _said(value: str | bool | tuple[str, ...] | None) -> str | None:
    if isinstance(value, tuple):
        return ", ".join(value) or None
    return str(value).lower() if isinstance(value, bool) else value or None


SUBCOMMANDS = {"path": path, "list": show_all, "get": get, "set": change}
