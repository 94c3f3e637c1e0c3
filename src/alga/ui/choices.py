"""The work item and the service of a write: as typed, as used before, or as a person chooses them."""

import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from alga.app.session import Session
from alga.core.errors import NeedsService, NeverSent, NotFound, Refused, Unreachable, UsageError
from alga.core.times import is_digits
from alga.lookup import services, work_items
from alga.lookup.work_items import WorkItem
from alga.state import settings
from alga.ui.messages import lately
from alga.ui.output import ask, confirm, interactive

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

T = TypeVar("T")
NO_CHOICE = ("", "-", "n", "no", "q")
SHORTEST_NAME = 3  # letters that choose from a list


class Asked(NamedTuple):
    """What was typed about the work: the work item, its type, the service and the notes."""

    work_item: str | None
    kind: str | None
    service: str | None
    notes: str | None


def spelled_out(session: Session, typed: Asked, exact: bool = False) -> Asked:
    """An alias as what it stands for; what was typed beside it counts more."""
    alias = None if exact else session.profile.aliases.get(typed.work_item or "")
    if alias is None:
        return typed
    notes = alias.notes if typed.notes is None else typed.notes
    return Asked(alias.work_item, typed.kind or alias.type, typed.service or alias.service, notes)


def item_or_none(session: Session, typed: Asked, exact: bool) -> WorkItem:
    """The work item; of a type without work items only the type."""
    if typed.work_item is None:
        return WorkItem(typed.kind or "ad_hoc", "", typed.kind or "ad_hoc")
    return item_or_typed(session, typed.work_item, typed.kind, exact)


def item_or_typed(
    session: Session,
    typed: str,
    kind: str | None,
    exact: bool = False,
    ids_of: "Collection[str]" = work_items.LOOKED_UP,
) -> WorkItem:
    """The work item that was typed; for words the ticket that a person chooses.

    Without a connection an id is taken at its word, and a number as it was typed, to be looked up later. Raises
    NotFound, also for words where nobody can be asked, and NeverSent for words that could not be looked up.
    """
    try:
        with session.in_passing():
            return work_items.resolve(typed, kind, session.client, session.cache, exact, ids_of)
    except work_items.FoundByWords as error:
        if not interactive():
            raise
        return _chosen(error.found)
    except Unreachable as error:
        typed = work_items.checked(typed, kind or "ticket")
        if work_items.NUMBER.fullmatch(typed) and kind in (None, "ticket"):
            return WorkItem("ticket", "", typed)
        if work_items.is_id(typed):
            return WorkItem(kind or "ticket", typed, work_items.label_of(typed, None, kind, session.cache))
        why = "No connection" if isinstance(error, NeverSent) else error.message.rstrip(".")
        raise NeverSent(f"{why}, and '{typed}' is no ticket seen here.", "Give its number.") from None


# --- which entry ----------------------------------------------------------------------------------


def is_last(typed: str) -> bool:
    """Whether `last` or `last-1` was typed instead of an id."""
    return re.fullmatch(r"last(-[0-9]{1,2})?", typed.strip().lower()) is not None


def the_id(session: Session, typed: str) -> str:
    """An id as it was typed; for `last` the id of your latest entry, for `last-1` of the one before.

    What waits here counts too. Raises NotFound, and Refused for what is not on the server yet.
    """
    if not is_last(typed):
        return typed
    number = int(typed.partition("-")[2] or 0)
    done = [each for each in lately(session) if each.finished_at]
    if number >= len(done):
        raise NotFound(f"You have no entry '{typed}' of the last three months.", "To see ids: alga list --month")
    chosen = done[number]
    if chosen.id is None or chosen.entry is None:
        waits = chosen.operation.id if chosen.operation else 0
        told = f"{chosen.work_item.label} is not on the server yet."
        raise Refused(
            told,
            f"To send it: alga sync\nTo correct it, with the options of alga log: alga queue retry {waits} -m TEXT",
        )
    return chosen.id


def wants_last(question: str, shown: "Sequence[str]") -> None:
    """Ask about what `last` stands for, also with --yes. Raises UsageError without a terminal, Refused for a no."""
    if not interactive():
        raise UsageError("'last' needs a terminal to ask in.", "Give the id: alga list shows it.")
    if not confirm(question, False, "", shown):
        raise Refused("Nothing was changed.")


def _chosen(found: "Sequence[tuple[WorkItem, str]]") -> WorkItem:
    """The work item that a person means, of those that have the words. Raises UsageError."""
    if len(found) == 1:
        item, title = found[0]
        if confirm(f"Use {item.label} {title}?", True, ""):
            return item
        raise UsageError("No work item was chosen.", "To find one: alga tickets WORDS")
    return numbered(found)


def numbered(found: "Sequence[tuple[WorkItem, str]]") -> WorkItem:
    """The work item that a person chooses by its place in a list. Raises UsageError."""
    return found[_place([f"{item.label}  {title}" for item, title in found], "Which work item?")][0]


def _place(names: "Sequence[str]", question: str) -> int:
    """The place in a list that a person chooses, by its number or by the beginning of a word that only one has; asked
    again for anything else. Raises UsageError for no answer, which `q` and `no` are, too.
    """
    shown = [f"{number:3}  {name}" for number, name in enumerate(names, 1)]
    while (chosen := ask(question, shown).lower()) not in NO_CHOICE:
        if is_digits(chosen) and 1 <= int(chosen) <= len(names):
            return int(chosen) - 1
        begins = (
            re.compile(rf"\b{re.escape(chosen)}") if len(chosen) >= SHORTEST_NAME and not is_digits(chosen) else None
        )
        found = [place for place, name in enumerate(names) if begins and begins.search(name.lower())]
        if len(found) == 1:
            return found[0]
        shown = [f"'{chosen}' is {'in several lines of' if found else 'not in'} that list."]
    raise UsageError("Nothing was chosen.")


def service_or_typed(session: Session, typed: str | None, item: WorkItem | None) -> tuple[str | None, str | None]:
    """The service's id, or without a connection the typed text: '' for the work item's usual service.

    Raises NeedsService if the server is known to need a service, and no service is given.
    """
    if item and item.pending:  # looked up later, and the service with it
        return None, typed or ""
    try:
        default = session.profile.service
        return services.chosen(typed, default, item.id if item else None, session.client, session.cache), None
    except Unreachable:
        return None, typed or ""


def with_service(session: Session, attempt: "Callable[[str | None], T]", typed: str | None) -> T:
    """Attempt with the typed service; if a service is needed and was not typed, ask the person to choose a service."""
    try:
        return attempt(typed)
    except NeedsService:
        if not interactive():
            raise
        chosen = _asked_service(session)
        if chosen is None:
            raise
        return attempt(chosen)


def _asked_service(session: Session) -> str | None:
    """A service that a person chooses in a terminal, and may make the default. None when no service is known.

    Raises UsageError for an invalid choice.
    """
    try:
        known, _ = services.every(session.client, session.cache)
    except Unreachable:
        known = session.cache.services
    found = sorted(known.items(), key=lambda pair: pair[1])
    if not found:
        return None
    service_id, name = found[_place([name for _, name in found], "Billed as which service?")]
    if confirm(f"Use {name} whenever -s is not given?", False, ""):
        settings.set_setting(session.config, session.profile.name, "service", name)
    return service_id
