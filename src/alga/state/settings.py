"""Changing config.toml: profiles, keys and settings, in one step, with the user's comments kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alga.core.errors import ConfigError, UsageError
from alga.core.files import read_own, write_whole
from alga.state.config import ENVIRONMENT, LOCAL, LOCAL_SETTINGS, SETTINGS, Config, checked_url, fault_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def save_profile(config: Config, name: str, settings: Mapping[str, Any], make_default: bool) -> None:
    """Add or replace a profile, keeping the file's comments and other settings. Raises ConfigError."""
    document = _document(config)
    table = _table(document, name)
    for key, value in settings.items():
        if value is not None:
            table[key] = value
    if make_default:
        document["default"] = name
    _write(config, document)


def remove_profile(config: Config, name: str) -> str | None:
    """Remove a profile and its key from the file. If it was the default, the only login left becomes the default.

    Returns the name of the default, or None."""
    document = _document(config)
    document["profiles"].pop(name)
    if document.get("default") == name:
        document.pop("default")
        left = [other for other in document["profiles"] if other not in (LOCAL, ENVIRONMENT)]
        if len(left) == 1:
            document["default"] = left[0]
    _write(config, document)
    return str(document["default"]) if "default" in document else None


def set_default(config: Config, name: str) -> None:
    """Make a profile the default. Raises ConfigError for an unknown profile."""
    if name != LOCAL:
        config.profile(name)
    document = _document(config)
    document["default"] = name
    _write(config, document)


def set_setting(config: Config, name: str, key: str, value: str) -> None:
    """Set one of SETTINGS; an empty value removes it. Raises UsageError for an unknown setting or an invalid value."""
    if key not in SETTINGS:
        raise UsageError(f"Unknown setting '{key}'.", f"Choose from: {', '.join(SETTINGS)}")
    if name == LOCAL and key not in LOCAL_SETTINGS:
        raise UsageError(f"The practice data has no setting '{key}'.", f"Choose from: {', '.join(LOCAL_SETTINGS)}")
    typed: str | bool = value.lower() == "true" if key == "allow_http" and value.lower() in ("true", "false") else value
    if value and (fault := fault_of(key, typed)):
        raise UsageError(f"Invalid value '{value}': {fault}.")
    if key == "url" and value:
        typed = checked_url(value, bool(config.settings(name).get("allow_http")))
    document = _document(config)
    table = _table(document, name)
    if value:
        table[key] = typed
    else:
        table.pop(key, None)
    _write(config, document)


def _document(config: Config) -> Any:
    import tomlkit

    return tomlkit.parse(read_own(config.path)) if config.path.exists() else tomlkit.document()


def _table(document: Any, name: str) -> Any:
    return document.setdefault("profiles", {}).setdefault(name, {})


def _write(config: Config, document: Any) -> None:
    import tomlkit

    try:
        write_whole(config.path, tomlkit.dumps(document))
    except OSError as fault:
        raise ConfigError(f"{config.path} cannot be written: {fault.strerror}. Nothing was changed.") from fault
