"""What every command shares: groups of options, a session, and a guard against using practice data by mistake."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from alga.app.session import Session
from alga.core.errors import ConfigError, UsageError
from alga.ui import output
from alga.ui.options import Common
from alga.ui.output import Output

if TYPE_CHECKING:
    from alga.ui.command_line import CommandLine


def command(function: Callable[..., Output]) -> Callable[..., Output]:
    """Make a command from a function that takes a session and options and returns the output.

    A parameter whose type is a dataclass is a group of options: each field becomes an option, and the function gets
    the group as one object. Every command also takes --profile, --format, --json and --fields.
    """
    hints = get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    hints.pop("session")
    own = "common" in hints  # a group of its own, in place of Common
    hints.setdefault("common", Common)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    defaults = {name: each.default for name, each in inspect.signature(function).parameters.items()}

    @wraps(function)
    def run(ctx: typer.Context, **given: Any) -> Output:
        if ctx.invoked_subcommand:
            return _not_alone(ctx, given)
        made = {name: group(**{f.name: given.pop(f.name) for f in fields(group)}) for name, group in groups.items()}
        common = made["common"] if own else made.pop("common")
        context: CommandLine = ctx.find_root().obj
        if common.profile and context.profile:
            raise UsageError("--profile is given twice.", "Give each option once.")
        context.form = common.chosen()
        context.session = session = Session(context.environment, common.profile or context.profile, context.args)
        session.say = output.say
        try:
            return function(session, **given, **made)
        finally:
            session.mention_open_config()
            session.mention_zone()

    parameters = {"ctx": inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)}
    for name, hint in sorted(hints.items(), key=lambda pair: pair[0] == "common"):
        for flat, flat_hint, default in _flattened(name, hint, defaults.get(name, inspect.Parameter.empty)):
            parameters[flat] = inspect.Parameter(
                flat, inspect.Parameter.KEYWORD_ONLY, annotation=flat_hint, default=default
            )
    run.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
    run.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    return run


def _not_alone(ctx: typer.Context, given: dict[str, Any]) -> Output:
    """The empty output of a group before its subcommand. Raises UsageError for options in front of the subcommand."""
    if any(given.values()):
        raise UsageError("Options come after the subcommand.", f"{ctx.command_path} {ctx.invoked_subcommand} ...")
    return Output(None, "")


def _flattened(name: str, hint: Any, default: Any) -> list[tuple[str, Any, Any]]:
    if not is_dataclass(hint):
        return [(name, hint, default)]
    hints = get_type_hints(hint, include_extras=True)
    return [(f.name, hints[f.name], f.default if f.default is not MISSING else ...) for f in fields(hint)]


def still_allowed(session: Session, action: str) -> None:
    """Raise Forbidden, before any question, if the server refused the action to this role before and still does."""
    if action in session.cache.forbidden:
        session.client.allow(action)
        session.cache.forbidden.discard(action)


def deliberate(session: Session) -> None:
    """Raise ConfigError if a script would use the practice data without naming it."""
    if not session.choice.named and not output.interactive():
        told = "no login here, so this would use the practice data on this computer."
        raise ConfigError(told, "Add --profile NAME, or --profile local if you mean it.")
