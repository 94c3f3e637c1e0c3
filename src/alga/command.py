"""What every command shares: options in groups, a session, and what several of them do."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from alga import entries, output, workitems
from alga.columns import Look
from alga.errors import ConfigError, Forbidden, NotFound, Refused, UnknownOutcome, Unreachable, UsageError
from alga.options import Common, FilterOptions, PeriodOptions, ScopeOptions
from alga.output import Format, Shown
from alga.running import Running, of_entry
from alga.selection import Selection
from alga.session import Outside, Session
from alga.truth import Asked, differences

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
    service_id, defaulted = workitems.service(typed, session.profile.service, session.client, session.learnt)
    if defaulted:
        session.note(f"Service: {defaulted}, {'as configured' if session.profile.service else 'as last time'}.")
    return service_id


def lately(session: Session) -> list[Running]:
    """What was worked on, the latest first: own entries, and the stops that wait here."""
    recorded = entries.recent_work(session.client, session.learnt, session.now())
    done = [of_entry(session.learnt, entry) for entry in recorded if entry.work_item_id]
    return sorted([*session.timer.waiting(), *done], key=_end, reverse=True)


def _end(running: Running) -> datetime:
    entry_end = running.entry.ended_at if running.entry else None
    return running.ended_at or entry_end or running.started_at


def delivered(entry: "TimeEntry") -> dict[str, Any]:
    """A written entry as JSON."""
    return entry.published() | {"delivery": "delivered"}


@contextmanager
def nothing(was: str) -> Iterator[None]:
    """What is refused in here says that nothing was `was`."""
    try:
        yield
    except (Refused, NotFound, Forbidden, Unreachable) as error:
        if "Nothing was" in error.message or isinstance(error, UnknownOutcome):
            raise
        raise error.adding(f"Nothing was {was}.") from None


def keep(session: Session, asked: Asked, entry: "TimeEntry") -> None:
    """After a new entry: keep what it shows of the key's own user, and the service for the next."""
    if asked.user_id is None:
        session.learnt.own(entry.user_id, entry.user_name)
    session.learnt.last_service = entry.service_id or session.learnt.last_service


def told(session: Session, asked: Asked, entry: "TimeEntry") -> None:
    """After a write: say each difference between what was asked and what was stored."""
    for sentence in differences(asked, entry, session.zone):
        session.warn(sentence)
    if not entry.notes:
        session.note(f"It has no notes, and they end up on invoices. To add some: alga edit {entry.id[:8]} -m TEXT")
