"""TAB completion: possible values with their meanings, from what this computer knows. No server is asked."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from typer._click.core import Parameter
from typer._click.shell_completion import (
    CompletionItem,
    ShellComplete,
    _resolve_context,
    _resolve_incomplete,
    add_completion_class,
)
from typer._completion_classes import PowerShellComplete, ZshComplete

from alga.app.session import Session
from alga.core import filters
from alga.core.safe_text import brief, plain
from alga.core.times import format_day, format_interval, from_wire, local_date
from alga.lookup import work_items
from alga.outbox import describe
from alga.state import config
from alga.ui import options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from alga.state.cache import Recorded
    from alga.ui.command_line import CommandLine

    Pairs = Iterable[tuple[str, str]]
    Values = Callable[[Session], Pairs]

SHELLS = ("bash", "zsh", "fish", "powershell")
MOST_NOTES = 60  # characters
LONGEST_MEANING = 120  # characters beside a value
HARMLESS = r"[\w ./:=@+-]+"
LINES = "lines"  # the protocol of alga's scripts for bash, zsh and fish: no shell ever evaluates its text


class Offering(ShellComplete):
    """Offers the values that the placeholder of an option or argument stands for."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        ctx = _resolve_context(self.cli, self.ctx_args, self.prog_name, args)
        wanted, incomplete = _resolve_incomplete(ctx, args, incomplete)
        if isinstance(wanted, Parameter):
            return offered(wanted.metavar or "", ctx, incomplete)
        return wanted.shell_complete(ctx, incomplete)


class Lines(Offering, ZshComplete):
    """One value on each line, followed by a tab and its meaning."""

    name = LINES

    def format_completion(self, item: CompletionItem) -> str:
        value, meaning = plain(str(item.value)), plain(item.help or "")
        return f"{value}\t{meaning}" if meaning else value

    def complete(self) -> str:
        args, incomplete = self.get_completion_args()
        return "\n".join(self.format_completion(item) for item in self.get_completions(args, incomplete))


class PowerShell(Offering, PowerShellComplete):
    """The protocol of Typer's PowerShell script, which quotes nothing: only values that are safe apart from blanks."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        return [item for item in super().get_completions(args, incomplete) if re.fullmatch(HARMLESS, str(item.value))]

    def format_completion(self, item: CompletionItem) -> str:
        value = f"'{item.value}'" if " " in item.value else str(item.value)
        return f"{value}:::{plain(item.help or ' ')}"


def register() -> None:
    """Register the protocols of the shells' scripts."""
    add_completion_class(Lines, LINES)
    add_completion_class(PowerShell, "powershell")


def beginning(incomplete: str, pairs: Pairs) -> list[CompletionItem]:
    """The values that begin with the typed text, upper and lower case alike."""
    typed = incomplete.lower()
    fitting = [pair for pair in pairs if pair[0].lower().startswith(typed)]
    return [CompletionItem(value, help=brief(meaning, LONGEST_MEANING)) for value, meaning in fitting]


def offered(placeholder: str, ctx: Any, incomplete: str) -> list[CompletionItem]:
    """The matching values; empty when the settings cannot be read, since completion must not print errors."""
    placeholder = placeholder.strip("[].")
    if placeholder.islower():  # yes|no
        return beginning(incomplete, _words(placeholder.split("|")))
    values = VALUES.get(placeholder.partition("|")[0])
    context: CommandLine = ctx.find_root().obj
    profile = ctx.params.get("profile") or ctx.find_root().params.get("profile")
    with suppress(Exception):  # of whatever is damaged: a TAB says nothing
        return beginning(incomplete, values(Session(context.environment, profile))) if values else []
    return []


def _work_items(session: Session) -> Pairs:
    """Aliases, recent work items, the latest first, then other known tickets."""
    known = session.remembered
    found = {name: alias.said for name, alias in session.profile.aliases.items()}
    for entry in known.recorded(mine=True):
        if entry.work_item_id and entry.work_item_type == "ticket":
            number, title, _ = known.tickets.get(entry.work_item_id, ["", "", ""])
            found.setdefault(number or entry.work_item_id, title or entry.work_item_title or entry.notes)
    for number, title, _ in reversed(known.tickets.values()):
        found.setdefault(number, title)
    for task_id, (name, project) in reversed(known.tasks.items()):
        found.setdefault(task_id[: work_items.SHORT], f"{name} {project}".strip())
    return [pair for pair in found.items() if pair[0]]


def _entries(session: Session) -> Pairs:
    """Known entries, the user's own entries first."""
    mine, every = (session.remembered.recorded(mine) for mine in (True, False))
    latest = [("last", _said(session, mine[0]))] if mine else []
    return [*latest, *((each.id[:8], _said(session, each)) for each in dict.fromkeys([*mine, *every]))]


def _said(session: Session, entry: Recorded) -> str:
    """`Mon 23 Nov 09:12-10:00 TIC1042 Patched the switch`."""
    start, zone = from_wire(entry.started_at), session.zone
    number = session.remembered.tickets.get(entry.work_item_id or "", [""])[0]
    item = number or entry.work_item_title or entry.work_item_id or ""
    day = format_day(local_date(start, zone), local_date(session.now(), zone))
    return f"{day} {format_interval(start, from_wire(entry.ended_at), zone)} {item} {entry.notes[:MOST_NOTES]}".strip()


def _profiles(session: Session) -> Pairs:
    known = session.config.profiles
    return [(name, str(known[name].get("url", ""))) for name in known] + [("local", "practice data on this computer")]


def _waiting(session: Session) -> Pairs:
    if not session.paths.outbox_db.exists():
        return []
    rows = (*session.journal.queued(), *session.journal.aside())
    return [(str(each.id), describe.what(each, session.zone, session.now())) for each in rows]


def _words(allowed: Iterable[str]) -> Pairs:
    return [(word, "") for word in allowed]


VALUES: Mapping[str, Values] = {  # what a placeholder stands for
    "WORK_ITEM": _work_items,
    "ID": _entries,
    "SERVICE": lambda session: _words(sorted(session.remembered.services.values())),
    "NAME": _profiles,
    "NUMBER": _waiting,
    "TYPE": lambda session: _words(work_items.TYPES),
    "STATUS": lambda session: _words(status.lower() for status in filters.STATUSES),
    "FORMAT": lambda session: _words(options.FORMATS),
    "FILE_FORMAT": lambda session: _words(options.FILES),
    "GROUP": lambda session: _words(options.GROUPS),
    "ALIAS": lambda session: [(name, alias.said) for name, alias in session.profile.aliases.items()],
    "SHELL": lambda session: _words(SHELLS),
    "SETTING": lambda session: [*config.SETTINGS.items(), ("default", "the login used when none is named")],
}
