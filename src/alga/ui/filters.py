"""Which entries a command is about: by period, by whose they are, and by other filters."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from alga.app.session import Session
from alga.core import periods
from alga.core.errors import (
    AlgaError,
    Incomplete,
    NeverSent,
    NoSuchPath,
    Senseless,
    TooLarge,
    Unreachable,
    UsageError,
)
from alga.core.filters import STATUSES, Selection
from alga.core.periods import Period
from alga.core.times import format_day, format_time, local_date
from alga.lookup import entries, services, work_items
from alga.lookup.work_items import TYPES
from alga.ui.choices import item_or_typed
from alga.ui.options import one_of
from alga.ui.output import at_terminal

if TYPE_CHECKING:
    from alga.core.entry import Entry

T = TypeVar("T")


MOST_NAMED = 4  # days in a sentence
UNKNOWN = "The server has not yet shown whose key this is, so"


@dataclass(repr=False)
class PeriodOptions:
    """Options for the days."""

    today: Annotated[bool, typer.Option("--today", help="Today.")] = False
    yesterday: Annotated[bool, typer.Option("--yesterday", help="Yesterday.")] = False
    week: Annotated[bool, typer.Option("--week", help="This week, from Monday.")] = False
    last_week: Annotated[bool, typer.Option("--last-week", help="Last week.")] = False
    month: Annotated[bool, typer.Option("--month", help="This month.")] = False
    last_month: Annotated[bool, typer.Option("--last-month", help="Last month.")] = False
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="From that day on.")] = None
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Up to and including that day.")] = None
    period: Annotated[
        str | None, typer.Option("--period", metavar="PERIOD", help="2026-11, 2026-W48, 2026-Q4, 2026, or 7d.")
    ] = None

    def chosen(self, default: str, now: datetime, zone: tzinfo) -> Period:
        """The one period named, or the default. Raises UsageError for two at once."""
        named = [name for name in periods.NAMES if getattr(self, name.replace("-", "_"))]
        if len(named) + bool(self.first or self.last) + bool(self.period) > 1:
            raise UsageError(
                "Only one period can be given.",
                "Choose from: --today --week …, --period, or --from and --to.",
            )
        if self.period:
            return periods.typed(self.period, now, zone)
        if self.first or self.last:
            return periods.between(self.first, self.last, now, zone)
        return periods.named(named[0] if named else default, now, zone)


@dataclass(repr=False)
class ScopeOptions:
    """Options for whose entries."""

    mine: Annotated[bool, typer.Option("--mine", help="Only your own entries.")] = False
    everyone: Annotated[bool, typer.Option("--everyone", help="Everyone's entries.")] = False
    user: Annotated[
        list[str] | None, typer.Option("--user", metavar="PERSON", help="That person's entries; may be repeated.")
    ] = None

    def __post_init__(self) -> None:
        if self.mine + self.everyone + bool(self.user) > 1:
            raise UsageError("Give only one of --mine, --everyone and --user.")


@dataclass(repr=False)
class FilterOptions:
    """Options for the other filters."""

    work_item: Annotated[
        list[str] | None,
        typer.Option("--work-item", metavar="WORK_ITEM", help="Entries of that work item; may be repeated."),
    ] = None
    kind: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="ticket, ad_hoc, …"),
    ] = None
    service_name: Annotated[
        list[str] | None,
        typer.Option("-s", "--service", metavar="SERVICE", help="Billed as that service; may be repeated."),
    ] = None
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help="draft, submitted, …; may be repeated."),
    ] = None
    billable: Annotated[
        str | None, typer.Option("--billable", metavar="yes|no", help="Only billable entries, or only the others.")
    ] = None

    def __post_init__(self) -> None:
        one_of("--type", self.kind, TYPES)
        for status in self.statuses:
            one_of("--status", status, STATUSES)
        one_of("--billable", self.billable, ("yes", "no"))

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses as servers spell them."""
        return tuple(dict.fromkeys(status.replace("-", "_").upper() for status in self.status or ()))


def choose(
    session: Session, period: PeriodOptions, scope: ScopeOptions, filters: FilterOptions, default: str, whose: str
) -> tuple[Selection, str]:
    """The entries that options select, and a title for them. `whose` is the default: mine, everyone or others."""
    chosen = period.chosen(default, session.now(), session.zone)
    users = [work_items.user(typed, session.client, session.cache) for typed in scope.user or ()]
    people_named = dict(users)
    named = "user" if scope.user else "mine" if scope.mine else "everyone" if scope.everyone else whose
    own = work_items.asked_user(session.client, session.cache) if named in ("mine", "others") else None
    if named == "others" and own is None:
        raise UsageError(f"{UNKNOWN} your own entries cannot be left out.", "Choose: --everyone, or --user PERSON.")
    if named == "mine" and own is None:
        named = "everyone"
        session.warn(f"{UNKNOWN} these are everyone's. The first alga log will show it.")
    # An id is not looked up: entries may outlive their ticket.
    items = [
        item_or_typed(session, _named(session, typed), filters.kind, ids_of=()) for typed in filters.work_item or ()
    ]
    billed_as = filters.service_name or ()
    selection = Selection(
        chosen,
        user_ids=tuple(people_named) or ((own,) if named == "mine" and own else ()),
        not_user=own if named == "others" else None,
        work_item_ids=tuple(dict.fromkeys(item.id for item in items)),
        work_item_type=filters.kind,
        service_ids=tuple(dict.fromkeys(services.named(typed, session.client, session.cache) for typed in billed_as)),
        statuses=filters.statuses,
        billable=None if filters.billable is None else filters.billable == "yes",
    )
    people = {
        "mine": "Mine",
        "everyone": "Everyone's",
        "others": "Everyone's but yours",
        "user": " and ".join(f"{name}'s" for name in people_named.values()),
    }
    billed = {"yes": "billable", "no": "not billable"}.get(filters.billable or "")
    labels = [item.label for item in items]
    joined = [" or ".join(words) for words in (labels, billed_as, filters.statuses)]
    only = [joined[0], filters.kind, *joined[1:], billed]
    return selection, ", ".join([people[named], chosen.name, *(word for word in only if word)])


def _named(session: Session, typed: str) -> str:
    """What an alias stands for; other text unchanged."""
    alias = session.profile.aliases.get(typed)
    return alias.work_item or typed if alias else typed


def listed(session: Session, selection: Selection) -> "list[Entry]":
    """The entries of a selection, oldest first, and learn the numbers of their tickets."""
    rows = entries.selected(session.client, selection, session.zone, session.warn)
    work_items.learn_numbers(rows, session.client, session.cache)
    entries.saw(session.cache, selection, rows, session.zone, session.now())
    return rows


def listed_or_seen(session: Session, selection: Selection, offline: bool) -> entries.Seen:
    """The same; with --offline, and in a terminal without a connection, as this computer last saw them.

    Raises Unreachable for entries of others, and for scripts.
    """
    remembered = selection.user_ids == (session.cache.user_id,) and not selection.statuses
    if not offline:
        try:
            return entries.Seen(listed(session, selection), [], None)
        except Unreachable as error:
            if not (remembered and goes_on_offline(error)):
                raise
            session.warn(error.message)
    if not remembered:
        raise NeverSent("No connection, and this computer remembers only your own entries.", "alga list --mine")
    return entries.seen_on(session.client, session.cache, selection, session.zone, session.now())


def goes_on_offline(error: AlgaError) -> bool:
    """Whether a person may be shown what was last seen: not after an answer that makes no sense."""
    return at_terminal() and not isinstance(error, Incomplete | Senseless | NoSuchPath | TooLarge)


def as_of(session: Session, seen: entries.Seen) -> str:
    """`, as of 16:09, no connection`: for a title; '' for what the server has now."""
    if seen.as_of is None and not seen.unseen:
        return ""
    if seen.as_of is None:
        return ", no connection"
    day, today = local_date(seen.as_of, session.zone), local_date(session.now(), session.zone)
    on = "" if day == today else f"{format_day(day, today)} "
    return f", as of {on}{format_time(seen.as_of, session.zone)}, no connection"


def not_seen(session: Session, seen: entries.Seen) -> list[str]:
    """The sentence about days of which not all is known here."""
    if not seen.unseen:
        return []
    today = local_date(session.now(), session.zone)
    days = [format_day(day, today) for day in seen.unseen]
    named = (
        ", ".join(days)
        if len(days) <= MOST_NAMED
        else f"{', '.join(days[:MOST_NAMED])} and {len(days) - MOST_NAMED} more"
    )
    return [f"Not seen here, so there is no sum: {named}."]
