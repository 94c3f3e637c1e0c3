"""Changing config.toml: profiles, keys and settings, in one step, with the user's comments kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alga.core.errors import ConfigError, UsageError
from alga.core.files import alone_in, make_private, read_own, write_whole
from alga.state.config import (
    ALIASES,
    ENVIRONMENT,
    LOCAL,
    LOCAL_SETTINGS,
    SETTINGS,
    Alias,
    Config,
    checked_url,
    fault_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def save_profile(config: Config, name: str, settings: Mapping[str, Any], make_default: bool) -> None:
    """Add or replace a profile, keeping the file's comments and other settings. Raises ConfigError."""

    def change(document: Any) -> None:
        _table(document, name).update({key: value for key, value in settings.items() if value is not None})
        if make_default:
            document["default"] = name

    _change(config, change)


def remove_profile(config: Config, name: str) -> str | None:
    """Remove a profile and its key from the file. If it was the default, the only login left becomes the default.

    Returns the name of the default, or None."""

    def change(document: Any) -> None:
        document.get("profiles", {}).pop(name, None)
        if document.get("default") == name:
            document.pop("default")
            left = [other for other in document.get("profiles", {}) if other not in (LOCAL, ENVIRONMENT)]
            if len(left) == 1:
                document["default"] = left[0]

    default = _change(config, change).get("default")
    return str(default) if default is not None else None


def set_default(config: Config, name: str) -> None:
    """Make a profile the default. Raises ConfigError for an unknown profile."""
    if name != LOCAL:
        config.profile(name)
    _change(config, lambda document: document.update(default=name))


def set_setting(config: Config, name: str, key: str, value: str) -> None:
    """Set one of SETTINGS; an empty value removes it. Raises UsageError for an unknown setting or an invalid value."""
    if key not in SETTINGS:
        raise UsageError(f"Unknown setting '{key}'.", f"Choose from: {', '.join(SETTINGS)}")
    if name == LOCAL and key not in LOCAL_SETTINGS:
        raise UsageError(f"The practice data has no setting '{key}'.", f"Choose from: {', '.join(LOCAL_SETTINGS)}")
    typed: str | bool | list[str] = value
    if key == "allow_http" and value.lower() in ("true", "false"):
        typed = value.lower() == "true"
    elif key == "off":
        typed = sorted(value.replace(",", " ").split())
    if value and (fault := fault_of(key, typed)):
        raise UsageError(f"Invalid value '{value}': {fault}.")
    if key == "url" and value:
        typed = checked_url(value, bool(config.settings(name).get("allow_http")))

    def change(document: Any) -> None:
        table = _table(document, name)
        if value:
            table[key] = typed
        else:
            table.pop(key, None)

    _change(config, change)


def set_alias(config: Config, name: str, alias: str, meaning: Alias | None) -> None:
    """Set an alias of a profile; None removes it. Raises ConfigError."""

    def change(document: Any) -> None:
        known = _table(document, name).setdefault(ALIASES, {})
        if meaning is None:
            known.pop(alias, None)
        else:
            known[alias] = {key: value for key, value in meaning._asdict().items() if value is not None}

    _change(config, change)


def _table(document: Any, name: str) -> Any:
    return document.setdefault("profiles", {}).setdefault(name, {})


def _change(config: Config, change: Callable[[Any], object]) -> dict[str, Any]:
    """Change the file as it is now, while no other alga does. Returns its new content. Raises ConfigError.

    The change is made twice: in the text with its comments, and in its plain content. Where tomlkit's text means
    something else than the content (it misreads some dotted and split tables), the comments are given up.
    """
    import tomllib

    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    path = config.path
    try:
        make_private(path.resolve().parent)
        with alone_in(path.resolve().parent):
            before = read_own(path) if path.exists() else ""
            content = tomllib.loads(before)
            change(content)
            try:
                document = tomlkit.parse(before)
                change(document)
                text = tomlkit.dumps(document)
                same = tomllib.loads(text) == content
            except (TOMLKitError, ValueError, TypeError, RecursionError, AttributeError):
                same = False
            write_whole(path, text if same else tomlkit.dumps(content))
            return content
    except OSError as fault:
        raise ConfigError(f"{path} cannot be written: {fault.strerror}. Nothing was changed.") from fault
