"""alga login: connect to an AlgaPSA server."""

import sys
from getpass import getpass
from shlex import quote
from typing import Annotated
from urllib.parse import urlsplit

import typer

from alga.app.session import Session
from alga.app.timer import KEPT_HERE
from alga.core.errors import UsageError
from alga.lookup import services, work_items
from alga.state import config
from alga.state.settings import save_profile, set_setting
from alga.ui.command import command
from alga.ui.output import Output, ask, interactive

LONGEST_KEY = 1000  # bytes
Url = Annotated[str | None, typer.Argument(metavar="[URL]", help="Your AlgaPSA's address; by default the profile's.")]
KeyStdin = Annotated[bool, typer.Option("--key-stdin", help="Read the key from standard input.")]
Tenant = Annotated[
    str | None, typer.Option("--tenant", metavar="TENANT", help="The tenant's id, where the server needs it.")
]


@command
def login(session: Session, url: Url = None, key_stdin: KeyStdin = False, tenant: Tenant = None) -> Output:
    """Connect to an AlgaPSA server: asks for the key, checks it and stores it (mode 0600)."""
    settings, name = session.config, session.asked
    known = settings.settings(name) if name else {}
    address = config.checked_url(url or known.get("url") or config.DEFAULT_URL, bool(known.get("allow_http")))
    name = name or _name_for(address)
    _check_name(settings, name, address)
    key = config.checked_key(_read_key(address, key_stdin), f"profile {name}")
    profile = config.Profile(
        name, address, key, tenant or known.get("tenant"), known.get("service"), known.get("timer", "auto")
    )
    trial = Session(session.environment, name, say=session.say)
    vars(trial)["choice"] = config.Choice(profile, named=True)
    try:
        lines = _learn(trial)
    finally:
        trial.close()
    first = settings.default is None or session.asked is None
    save_profile(settings, name, {"url": address, "key": key, "tenant": tenant}, make_default=first)
    if not settings.settings(name).get("zone") and (zone := _asked_zone(session)):
        set_setting(settings, name, "zone", zone)
    cache = trial.cache
    who = cache.user_name or cache.user_id or "a user whom the server has not yet named"
    text = [f"Logged in to {address} as {who} (profile {name}).", *lines, _next(name, first, settings.default)]
    data = {
        "profile": name,
        "url": address,
        "user_id": cache.user_id,
        "user_name": cache.user_name,
        "server_kind": cache.kind,
    }
    return Output(data, "\n".join(text))


def _name_for(address: str) -> str:
    parts = urlsplit(address)
    host = parts.hostname or ""
    if host in config.LOOPBACK:
        return f"localhost-{parts.port}"
    return host.split(".")[0] if not host.replace(".", "").isdecimal() else host.replace(".", "-")


def _check_name(settings: config.Config, name: str, address: str) -> None:
    if name in (config.LOCAL, config.ENVIRONMENT):
        raise UsageError(f"The name '{name}' is reserved by alga.", "alga login --profile NAME")
    other = settings.settings(name).get("url")
    if other and other != address:
        raise UsageError(
            f"Profile {name} is already used for {other}. Nothing was changed.",
            "Choose another name: alga login URL --profile NAME",
        )


def _read_key(address: str, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.buffer.readline(LONGEST_KEY).decode("utf-8", "replace")
    if not interactive():
        raise UsageError("There is no terminal to type the key in.", "alga login --key-stdin < FILE")
    return getpass(f"API key for {address} (on the web: Profile > API Keys; not shown while you type): ", sys.stderr)


def _learn(trial: Session) -> list[str]:
    """Check the key, then learn the kind of server, the user and the services. Returns lines to print."""
    trial.client.list_entries({"limit": "1"})
    work_items.own_user(trial.client, trial.cache)
    lines = []
    if trial.cache.deployed:
        lines.append(f"Timers: alga keeps the clock on this computer ({trial.environment.computer}). {KEPT_HERE}")
    known, whole = services.every(trial.client, trial.cache)
    if known and whole:
        lines.append(
            f"Services: {len(known)}. Choose a service with -s, or set a default: alga config set service NAME"
        )
    elif known:
        lines.append(f"Services: your role may not list them; {len(known)} known from recent entries.")
    return lines


def _asked_zone(session: Session) -> str | None:
    """The time zone that a person names where this computer's is UTC; None for UTC, and without a terminal."""
    utc = session.environment.zone.tzname(session.now()) == "UTC"
    while utc and interactive():
        typed = ask("This computer's time zone is UTC. Yours, e.g. Europe/Berlin (Enter: UTC):")
        if not typed or config.fault_of("zone", typed) is None:
            return typed or None
    return None


def _next(name: str, is_default: bool, default: str | None) -> str:
    if is_default:
        return "Next: alga tickets, then alga start TIC1042"
    which = f"--profile {quote(name)}"
    return f"The default stays {default}. Next: alga tickets {which}, then alga start TIC1042 {which}"
