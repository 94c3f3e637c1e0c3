"""What every command shares: options in groups, a session, and what several of them do."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from alga import entries, output, workitems
from alga.columns import Look
from alga.errors import (
    ConfigError,
    Unreachable,
    UsageError,
)
from alga.options import Common, FilterOptions, PeriodOptions, ScopeOptions
from alga.output import Format, Shown
from alga.selection import Selection
from alga.session import Outside, Session
from alga.workitems import WorkItem

if TYPE_CHECKING:
    from alga.api.models import TimeEntry


@dataclass
class Context:
    """What the root command hands to the others: the world, and what was said before the command's name."""

    outside: Outside
    profile: str | None = None
    form: Format = field(default_factory=Format)
    session: Session | None = None

    def warnings(self) -> list[str]:
        """What an error for a program has in it, since stderr is then one object; else it is said after the error."""
        if not self.session or not self.form.machine:
            return []
        taken, self.session.warnings = self.session.warnings, []
        return taken

    def finish(self) -> None:
        """Keep what was learnt, and say what there is to say beside the result or the error."""
        if self.session:
            self.session.close()
            output.messages(self.session.warnings, self.session.notes)


def command(function: Callable[..., Shown]) -> Callable[..., Shown]:
    """Make a command of a function that takes a session and options and returns what is to be shown.

    A parameter whose type is a dataclass is a group of options: each field becomes an option, and the function gets
    the group back in one piece. Every command also takes --profile, --format, --json and --fields.
    """
    hints = get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    hints.pop("session")
    own = "common" in hints  # a group of its own, in place of Common
    hints.setdefault("common", Common)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    defaults = {name: each.default for name, each in inspect.signature(function).parameters.items()}

    @wraps(function)
    def run(ctx: typer.Context, **given: Any) -> Shown:
        if ctx.invoked_subcommand:
            return _not_alone(ctx, given)
        made = {name: group(**{f.name: given.pop(f.name) for f in fields(group)}) for name, group in groups.items()}
        common = made["common"] if own else made.pop("common")
        context: Context = ctx.find_root().obj
        context.form = common.chosen()
        context.session = session = Session(context.outside, common.profile or context.profile)
        return function(session, **given, **made)

    parameters = {"ctx": inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)}
    for name, hint in sorted(hints.items(), key=lambda pair: pair[0] == "common"):
        for flat, flat_hint, default in _flattened(name, hint, defaults.get(name, inspect.Parameter.empty)):
            parameters[flat] = inspect.Parameter(
                flat, inspect.Parameter.KEYWORD_ONLY, annotation=flat_hint, default=default
            )
    run.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
    run.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    return run


def _not_alone(ctx: typer.Context, given: dict[str, Any]) -> Shown:
    """What a group shows in front of its subcommand: nothing. Raises UsageError for options that stand there."""
    if any(given.values()):
        raise UsageError("Options come after the subcommand.", f"{ctx.command_path} {ctx.invoked_subcommand} ...")
    return Shown(None, "")


def _flattened(name: str, hint: Any, default: Any) -> list[tuple[str, Any, Any]]:
    if not is_dataclass(hint):
        return [(name, hint, default)]
    hints = get_type_hints(hint, include_extras=True)
    return [(f.name, hints[f.name], f.default if f.default is not MISSING else ...) for f in fields(hint)]


# --- what several commands do -----------------------------------------------------------------------


def look(session: Session) -> Look:
    """From where this command's listings are looked at."""
    return Look(session.zone, session.now(), session.learnt)


def deliberate(session: Session) -> None:
    """Raise ConfigError for practice data that nobody named, where nobody is there to see that it is."""
    if not session.choice.named and not output.interactive():
        told = "no login here, so this would use the practice data on this computer."
        raise ConfigError(told, "Add --profile NAME, or --profile local if you mean it.")


def choose(
    session: Session, period: PeriodOptions, scope: ScopeOptions, filters: FilterOptions, default: str, whose: str
) -> tuple[Selection, str]:
    """The entries that options name, and that in words. `whose` is mine, everyone or others where none is named."""
    chosen = period.chosen(default, session.now(), session.zone)
    user_id, user_name = workitems.user(scope.user, session.client, session.learnt) if scope.user else (None, "")
    named = "user" if scope.user else "mine" if scope.mine else "everyone" if scope.everyone else whose
    own = workitems.own_user(session.client, session.learnt) if named in ("mine", "others") else None
    if named == "others" and own is None:
        told = "The server has not shown yet whose key this is, so your own entries cannot be left out."
        raise UsageError(told, "Say whose: --everyone, or --user PERSON.")
    if named == "mine" and own is None:
        named = "everyone"
        told = "The server has not shown yet whose key this is, so these are everyone's. A first alga log tells."
        session.warn(told)
    item = filters.work_item
    found = workitems.resolve(item, filters.kind or "ticket", session.client, session.learnt) if item else None
    service_id = filters.service_name and workitems.named(filters.service_name, session.client, session.learnt)
    status = filters.status and filters.status.replace("-", "_").upper()
    selection = Selection(
        chosen,
        user_id=user_id or (own if named == "mine" else None),
        not_user=own if named == "others" else None,
        work_item_id=found.id if found else None,
        work_item_type=filters.kind,
        service_id=service_id,
        status=status,
        billable=None if filters.billable is None else filters.billable == "yes",
    )
    people = {
        "mine": "Mine",
        "everyone": "Everyone's",
        "others": "Everyone's but yours",
        "user": f"{user_name}'s",
    }
    billed = {"yes": "billable", "no": "not billable"}.get(filters.billable or "")
    only = [found.label if found else None, filters.kind, filters.service_name, status, billed]
    return selection, ", ".join([people[named], chosen.name, *(word for word in only if word)])


def listed(session: Session, selection: Selection) -> "list[TimeEntry]":
    """The entries of a selection, oldest first, with the numbers of their tickets learnt."""
    rows = entries.selected(session.client, selection, session.zone, session.warn)
    workitems.learn_numbers(rows, session.client, session.learnt)
    return rows


def service(session: Session, typed: str | None) -> str | None:
    """The service's id; a person is told when it was not typed, since a wrong one bills wrongly."""
    service_id, usual = workitems.service(typed, session.profile.service, session.client, session.learnt)
    if usual:
        session.note(workitems.as_usual(usual, session.profile.service))
    return service_id


def item_or_typed(session: Session, typed: str, kind: str) -> WorkItem:
    """What was typed as a work item; without a connection as it was typed, to be looked up later."""
    try:
        return workitems.resolve(typed, kind, session.client, session.learnt)
    except Unreachable:
        return WorkItem(kind, "", typed)


def service_or_typed(session: Session, typed: str | None) -> tuple[str | None, str | None]:
    """The service's id, or without a connection what was typed: '' for the usual one."""
    try:
        return service(session, typed), None
    except Unreachable:
        return None, typed or ""
