"""Profiles, keys and paths: which server a command uses, and with which key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from alga.core import grammar, worktime
from alga.core.errors import ConfigError, UsageError
from alga.core.files import read_own
from alga.core.times import zone_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alga.core.worktime import WorkTime

LOCAL = "local"
ENVIRONMENT = "env"
DEFAULT_URL = "https://algapsa.com"
SETTINGS = {  # a profile's settings, with their meaning
    "service": "the service used when -s is not given, by name or id",
    "timer": "which clock runs the timer: auto, server or local",
    "url": "the server's address",
    "target": "the length of a working day, e.g. 8h, and of other weekdays: 8h, fri 4h",
    "hours": "the working hours, without the break, e.g. 8:00-12:00 13:00-17:00",
    "off": "days off, e.g. 2026-12-24, 2026-12-25",
    "longest": "the longest that a timer runs before a stop asks when it ended, e.g. 10h (the default)",
    "zone": "your time zone, if this computer has another, e.g. Europe/Berlin",
    "receipts": "how long alga queue --sent keeps receipts, e.g. 400d",
    "tenant": "the tenant's id, sent as x-tenant-id",
    "allow_http": "true to allow http to a server other than this computer",
}
LOCAL_SETTINGS = (
    "service",
    "target",
    "hours",
    "off",
    "longest",
    "zone",
    "receipts",
)  # the settings that apply to the practice data
ALIASES = "aliases"  # a profile's table of them
LONGEST_TIMER = 10 * 60
TIMERS = ("auto", "server", "local")
LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"  # of a host's name
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Paths(NamedTuple):
    """Where alga keeps things: the platform's directories, or ALGA_CONFIG_DIR, ALGA_DATA_DIR and ALGA_STATE_DIR."""

    config_dir: Path
    data_dir: Path
    state_dir: Path

    @property
    def config(self) -> Path:
        """Profiles and keys."""
        return self.config_dir / "config.toml"

    @property
    def local_db(self) -> Path:
        """The practice data: the embedded server's entries."""
        return self.data_dir / "local.db"

    @property
    def strict_db(self) -> Path:
        """What `alga serve --strict` serves."""
        return self.data_dir / "strict.db"

    @property
    def timer(self) -> Path:
        """The running timers, for prompts."""
        return self.state_dir / "timer"

    @property
    def outbox_db(self) -> Path:
        """The journal: operations that are not on a server yet, and receipts."""
        return self.state_dir / "outbox.db"


def find_paths(env: Mapping[str, str]) -> Paths:
    """The directories for this environment; nothing is created. Raises ConfigError for a user without a home."""
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("alga", appauthor=False)
    try:
        return Paths(
            Path(env.get("ALGA_CONFIG_DIR") or dirs.user_config_dir),
            Path(env.get("ALGA_DATA_DIR") or dirs.user_data_dir),
            Path(env.get("ALGA_STATE_DIR") or dirs.user_state_dir),
        )
    except RuntimeError as fault:
        told = "This user has no home directory, so alga has no place for its files."
        raise ConfigError(told, "Set HOME, or ALGA_CONFIG_DIR, ALGA_DATA_DIR and ALGA_STATE_DIR.") from fault


class Alias(NamedTuple):
    """What an alias stands for; what is None is as if nothing was typed."""

    work_item: str | None = None
    type: str | None = None
    service: str | None = None
    notes: str | None = None

    @property
    def said(self) -> str:
        """`TIC1042, Premium Support: Weekly check`."""
        named = ", ".join(filter(None, (self.work_item, self.type, self.service)))
        return f"{named}: {self.notes}" if self.notes else named


@dataclass(frozen=True)
class Profile:
    """A server and a key, with their settings. The profile `local` has neither url nor key."""

    name: str
    url: str = ""
    key: str = field(default="", repr=False)
    tenant: str | None = None
    service: str | None = None
    target: str | None = None
    hours: str | None = None
    off: tuple[str, ...] = ()
    longest: str | None = None
    zone: str | None = None
    receipts: str | None = None
    timer: str = "auto"
    allow_http: bool = False
    aliases: Mapping[str, Alias] = field(default_factory=dict)

    @property
    def work_time(self) -> WorkTime:
        """The hours, the targets and the days off."""
        return worktime.work_time(self.hours, self.target, self.off)

    @property
    def longest_timer(self) -> int:
        """The minutes after which a timer counts as forgotten."""
        return grammar.parse_span(self.longest) if self.longest else LONGEST_TIMER

    @property
    def is_local(self) -> bool:
        """Whether this is the embedded server on this computer."""
        return self.name == LOCAL


class Config(NamedTuple):
    """The content of config.toml, checked."""

    path: Path
    default: str | None
    profiles: Mapping[str, Mapping[str, Any]]

    def settings(self, name: str) -> Mapping[str, Any]:
        """A profile's settings in the file; empty for an unknown profile."""
        return self.profiles.get(name, {})

    def profile(self, name: str) -> Profile:
        """A profile of the file. Raises ConfigError when the profile is unknown, or has no key or url."""
        from shlex import quote

        known = self.settings(name)
        if name not in self.profiles:
            there = ", ".join(sorted({LOCAL, *self.profiles} - {ENVIRONMENT}))
            raise ConfigError(
                f"Unknown profile '{name}'.",
                f"Choose from: {there}. To add a profile: alga login --profile {quote(name)}",
            )
        if not known.get("key") or not known.get("url"):
            missing = "key" if known.get("url") else "url"
            raise ConfigError(f"Profile '{name}' has no {missing}.", f"alga login --profile {quote(name)}")
        return _profile(name, known)


def load_config(path: Path) -> Config:
    """Read and check config.toml; a missing file counts as empty. Raises ConfigError with the line."""
    try:
        text = read_own(path)
    except FileNotFoundError:
        return Config(path, None, {})
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{path} cannot be read: {why}. Nothing was changed.", "Fix or move that file.") from fault
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        where = re.search(r"\(at (line \d+)", str(fault))
        reason = str(fault).split(" (at ")[0]
        raise ConfigError(
            f"{path}, {where[1] if where else 'last line'}: {reason}. Nothing was changed.",
            "Fix that line in an editor.",
        ) from fault
    except (ValueError, RecursionError):  # a number of 5,000 digits, 3,000 brackets
        raise ConfigError(f"{path} is no settings file. Nothing was changed.", "Fix or move that file.") from None
    return _checked(path, text, document)


def _checked(path: Path, text: str, document: Mapping[str, Any]) -> Config:
    def wrong(name: str, reason: str) -> ConfigError:
        line = next(
            (n for n, row in enumerate(text.splitlines(), 1) if re.match(rf"\s*\[?.*\b{re.escape(name)}\b", row)), 1
        )
        return ConfigError(f"{path}, line {line}: {reason}. Nothing was changed.", "Fix that line in an editor.")

    default, profiles = document.get("default"), document.get("profiles", {})
    if default is not None and not isinstance(default, str):
        raise wrong("default", "default must be a profile's name in quotes")
    if not isinstance(profiles, dict):
        raise wrong("profiles", "profiles must be a table")
    for name, settings in profiles.items():
        if not isinstance(settings, dict):
            raise wrong(name, f"profile {name} must be a table")
        for key, value in settings.items():
            fault = fault_of(key, value) if key in {*SETTINGS, "key", ALIASES} else None
            if fault:
                raise wrong(key, fault)
    return Config(path, default, profiles)


def fault_of(key: str, value: object) -> str | None:
    """Why a setting cannot have that value; None when it can."""
    if key == ALIASES:
        return None if _are_aliases(value) else "aliases must be tables of work_item, type, service and notes"
    if key == "allow_http":
        return None if isinstance(value, bool) else "allow_http must be true or false"
    if key == "off":
        return _fault_of_days(value)
    if not isinstance(value, str):
        return f"{key} must be text in quotes"
    if key == "timer" and value not in TIMERS:
        return f"timer must be one of {', '.join(TIMERS)}"
    if key == "receipts" and not re.fullmatch(r"[1-9][0-9]{0,4}d", value):
        return "receipts must be a number of days, like 400d"
    if key == "zone" and zone_named(value) is None:
        return "zone must be the name of a time zone that this computer knows, like Europe/Berlin"
    return _fault_of_time(key, value)


def _are_aliases(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return all(
        isinstance(row, dict) and set(row) <= set(Alias._fields) and all(isinstance(each, str) for each in row.values())
        for row in value.values()
    )


def _fault_of_time(key: str, value: str) -> str | None:
    checks: dict[str, Callable[[str], object]] = {
        "target": worktime.parse_target, "hours": worktime.parse_hours, "longest": grammar.parse_span
    }  # fmt: skip
    try:
        checks.get(key, str)(value)
    except UsageError as error:
        return error.message if key != "longest" else "longest must be a length of time, like 10h"
    return None


def _fault_of_days(value: object) -> str | None:
    try:
        days = [date.fromisoformat(each) for each in value] if isinstance(value, list | tuple) else []
    except (ValueError, TypeError):
        days = []
    return None if days and all(1970 < day.year < 2200 for day in days) else worktime.OFF


def _profile(name: str, settings: Mapping[str, Any]) -> Profile:
    known = {key: settings[key] for key in (*LOCAL_SETTINGS, "timer", "tenant", "allow_http") if key in settings}
    known["off"] = tuple(known.get("off", ()))
    known[ALIASES] = {name: Alias(**row) for name, row in settings.get(ALIASES, {}).items()}
    if name == LOCAL:
        return Profile(LOCAL, **{key: value for key, value in known.items() if key in (*LOCAL_SETTINGS, ALIASES)})
    allow_http = settings.get("allow_http", False)
    return Profile(name, checked_url(settings["url"], allow_http), checked_key(settings["key"], name), **known)


def checked_url(url: str, allow_http: bool = False) -> str:
    """The server's address without a trailing slash. Raises ConfigError unless https, or http to this computer."""
    wrong = ConfigError(
        f"'{_without_password(url)}' is not the address of a server.", "For example: https://algapsa.com"
    )
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        readable = url.isprintable() and (parts.port is None or parts.port > 0) and is_host(parts.hostname or "")
    except ValueError:
        raise wrong from None
    plain = not ("@" in parts.netloc or parts.query or parts.fragment)
    if not readable or not plain or parts.scheme not in ("http", "https"):
        raise wrong
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and not allow_http:
        raise ConfigError(
            f"{parts.hostname} over http would send the key unencrypted.",
            f"Use https://{parts.netloc}, or set allow_http = true for this profile.",
        )
    path = parts.path.rstrip("/").removesuffix("/api/v1")
    return f"{parts.scheme}://{parts.netloc}{path}"


def is_host(host: str) -> bool:
    """Whether a name can be looked up, or is an address. Raises ValueError for a name in a script that no name has."""
    if ":" in host:
        return re.fullmatch(r"[0-9a-f:.]+", host) is not None
    if not host.isascii() or "xn--" in host:
        import idna

        host = idna.encode(idna.decode(host) if host.isascii() else host).decode()
    return len(host) <= 253 and re.fullmatch(rf"{LABEL}(\.{LABEL})*\.?", host) is not None


def _without_password(url: str) -> str:
    """An address as a message may show it."""
    return re.sub(r"[^/@]*@", "***@", url)


def checked_key(key: str, where: str) -> str:
    """The key without surrounding blanks. Raises ConfigError, which never shows the key, if it cannot be valid."""
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"The key of {where} is empty or contains invalid characters.", "Paste it again: alga login")
    return key


class Choice(NamedTuple):
    """The profile a command uses, and whether the user named it."""

    profile: Profile
    named: bool


def choose(asked: str | None, env: Mapping[str, str], config: Config) -> Choice:
    """--profile or ALGA_PROFILE, else ALGA_API_KEY, else the default profile, else the embedded server.

    A profile that does not exist is a ConfigError, never a fallback.
    """
    if name := asked or env.get("ALGA_PROFILE"):
        if name == LOCAL:
            return Choice(_profile(LOCAL, config.settings(LOCAL)), named=True)
        if name != ENVIRONMENT:
            return Choice(config.profile(name), named=True)
        if not env.get("ALGA_API_KEY"):
            raise ConfigError("Profile 'env' uses the key in ALGA_API_KEY, which is not set.")
    if key := env.get("ALGA_API_KEY"):
        settings = {**config.settings(ENVIRONMENT), "key": key, "url": env.get("ALGA_URL") or DEFAULT_URL}
        return Choice(_profile(ENVIRONMENT, settings), named=True)
    if config.default:
        local = _profile(LOCAL, config.settings(LOCAL))
        return Choice(local if config.default == LOCAL else config.profile(config.default), named=True)
    if logins := sorted(set(config.profiles) - {LOCAL, ENVIRONMENT}):
        from shlex import quote

        first = quote(logins[0])
        raise ConfigError(
            f"No login is the default. Choose from: {', '.join(logins)}.",
            f"Choose a login: --profile {first}, or set a default: alga config set default {first}",
        )
    if "ALGA_URL" in env or "ALGA_API_KEY" in env:  # a script that lost its key must not use practice data
        raise ConfigError("ALGA_URL or ALGA_API_KEY is set, but ALGA_API_KEY holds no key.", "Set both, or neither.")
    return Choice(_profile(LOCAL, config.settings(LOCAL)), named=False)
