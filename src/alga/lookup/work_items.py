"""Work items as people type them (TIC1042, 1042, tk_9c41, a UUID); users by name; the key's user."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from alga.core.errors import (
    Forbidden,
    NeverSent,
    NoSuchPath,
    NotFound,
    Refused,
    Senseless,
    Unreachable,
    UsageError,
)
from alga.core.safe_text import brief
from alga.core.times import is_digits
from alga.state.cache import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from alga.api.client import Client
    from alga.api.models import Ticket
    from alga.core.entry import Entry
    from alga.state.cache import ServerCache

TYPES = ("ticket", "project_task", "non_billable_category", "ad_hoc", "interaction")
LOOKED_UP = ("ticket", "project_task")  # the other types need no id (section 2)
SHORT = 8  # characters of an id
MOST_SHOWN, MOST_TITLE = 5, 50  # tickets in a message, and characters of a title
MOST_ASKED = 5  # tickets that are asked for one by one
NUMBER = re.compile(r"([A-Za-z]+-?)?[0-9]+")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class WorkItem(NamedTuple):
    """A piece of work: its type and id as the server knows them, and the label people know it by."""

    type: str
    id: str
    label: str

    @property
    def pending(self) -> bool:
        """Whether it is still to be looked up by its label; types without work items have no id."""
        return not self.id and self.type in LOOKED_UP


class Pointed(Protocol):
    """Anything that refers to a work item."""

    @property
    def work_item_type(self) -> str | None: ...
    @property
    def work_item_id(self) -> str | None: ...
    @property
    def work_item_title(self) -> str | None: ...


class FoundByWords(NotFound):
    """Words were typed where a work item is needed: `found` is the work that has them, with its titles."""

    found: Sequence[tuple[WorkItem, str]] = ()


def resolve(
    typed: str,
    kind: str | None,
    client: Client,
    cache: ServerCache,
    exact: bool = False,
    ids_of: Collection[str] = LOOKED_UP,
) -> WorkItem:
    """The work item that a person typed: one that is known here, or a number, an id or words, looked up on the server.

    A ticket unless `kind` or what is known here says otherwise. With `exact`, and for types without look-up, the text
    is the id; ids are looked up of the types `ids_of`.

    Raises NotFound for a number or id that the server does not know, FoundByWords for words, UsageError for digits that
    several tickets share.
    """
    typed = checked(typed, kind or "ticket")
    if not exact and (known := here(typed, kind, cache)):
        return known
    tasks_too, kind = kind is None, kind or "ticket"
    if not exact and kind == "ticket" and NUMBER.fullmatch(typed):
        return _numbered(typed, client, cache)
    if exact or kind not in LOOKED_UP or (cache.any_word and " " not in typed):
        return WorkItem(kind, typed, label_of(typed, None, kind, cache))
    if not is_id(typed):
        raise _by_words(typed, tasks_too, client, cache)
    if kind in ids_of:
        _check_id(typed, kind, client, cache)
    return WorkItem(kind, typed, label_of(typed, None, kind, cache))


def here(typed: str, kind: str | None, cache: ServerCache) -> WorkItem | None:
    """A work item that this computer knows: by number or id, a project task by 8 characters of it; None for others."""
    wanted = typed.lower()
    if kind in (None, "ticket"):
        for ticket_id, (number, *_) in cache.tickets.items():  # whatever format the numbers have
            if wanted in (number.lower(), ticket_id.lower()):
                return WorkItem("ticket", ticket_id, label_of(ticket_id, None, "ticket", cache))
    if kind in (None, "project_task") and len(wanted) >= SHORT:
        tasks = [task_id for task_id in cache.tasks if task_id.lower().startswith(wanted)]
        if len(tasks) == 1:
            return WorkItem("project_task", tasks[0], label_of(tasks[0], None, "project_task", cache))
    for entry in cache.recorded(mine=False):
        if entry.work_item_id and entry.work_item_id.lower() == wanted and kind in (None, entry.work_item_type):
            return WorkItem(entry.work_item_type or "ticket", entry.work_item_id, label(entry, cache))
    return None


def is_id(typed: str) -> bool:
    """Whether a text looks like an id: one word with a digit, `_` or `-`."""
    return " " not in typed and re.search(r"[0-9_-]", typed) is not None


def _numbered(typed: str, client: Client, cache: ServerCache) -> WorkItem:
    """The ticket with a number, compared exactly; on a server without look-ups any text may be an id."""
    try:
        found = [ticket for ticket in client.tickets_numbered(typed) if _same(ticket.ticket_number, typed)]
    except (NoSuchPath, NotFound):
        return WorkItem("ticket", typed, typed)
    if not found:
        raise NotFound(f"There is no ticket {typed}.", "To find one: alga tickets WORDS")
    if len(found) > 1:
        raise UsageError(
            f"{typed} could be {' or '.join(ticket.ticket_number for ticket in found)}.", "Give the full number."
        )
    return learnt(found[0], cache)


def _check_id(typed: str, kind: str, client: Client, cache: ServerCache) -> None:
    """Raise NotFound for an id that the server does not know: it would bill a task that does not exist to nothing.

    Only the API's own "not found" counts. Where the look-up is not allowed or not offered, the id is taken at its word.
    """
    try:
        if kind == "project_task":
            task = client.task(typed)
            cache.task(task.task_id, task.task_name, None)
        else:
            learnt(client.ticket(typed), cache)
    except NotFound as error:
        raise _unknown(typed, kind) from error
    except Refused as error:  # 400: the deployed kind knows UUIDs only
        if cache.kind is None:
            client.list_entries({"limit": "1"})  # the cache learns from every answer
        if cache.deployed:
            raise _unknown(typed, kind) from error
    except (NoSuchPath, Forbidden, Senseless):
        return


def _unknown(typed: str, kind: str) -> NotFound:
    name = "project task" if kind == "project_task" else "ticket"
    return NotFound(f"There is no {name} {typed}.", "To find work: alga tickets, or alga tickets WORDS")


def _by_words(typed: str, tasks_too: bool, client: Client, cache: ServerCache) -> NotFound:
    """The error for words: with the tickets that have them, known here or else on the server, and assigned tasks."""
    words = typed.lower()
    known = [(ticket_id, title) for ticket_id, (number, title, _) in cache.tickets.items() if number]
    found = [(WorkItem("ticket", key, cache.tickets[key][0]), title) for key, title in known if words in title.lower()]
    if not found:
        try:
            found = [(learnt(ticket, cache), ticket.title or "") for ticket in client.search_tickets(typed)]
        except (NoSuchPath, NotFound):
            found = []
    for key, (name, _) in cache.tasks.items():
        if tasks_too and key in cache.assigned and words in name.lower():
            found.append((WorkItem("project_task", key, name), key[:SHORT]))
    if not found:
        hint = "To find one: alga tickets WORDS. If the text is an id, add --exact."
        return NotFound(f"No ticket has the number '{typed}', nor these words in its title.", hint)
    shown = "; ".join(f"{item.label} {brief(title, MOST_TITLE)}" for item, title in found[:MOST_SHOWN])
    more = f"; and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
    error = FoundByWords(f"'{typed}' is no number. Work with these words: {shown}{more}.", "Give the number or the id.")
    error.found = found
    return error


def learnt(ticket: Ticket, cache: ServerCache) -> WorkItem:
    """A ticket as a work item, and remember its number."""
    cache.ticket(ticket.ticket_id, ticket.ticket_number, ticket.title, ticket.client_name)
    return WorkItem("ticket", ticket.ticket_id, ticket.ticket_number)


def checked(typed: str, kind: str) -> str:
    """The typed text, ready to be looked up. Raises UsageError for an invalid id or number, or an unknown type."""
    typed = typed.strip().removeprefix("#")
    if kind not in TYPES:
        raise UsageError(f"Unknown type '{kind}'.", f"Choose from: {', '.join(TYPES)}")
    if not typed or not typed.isprintable():
        raise UsageError("That is not the id or number of a work item.", "To find one: alga tickets WORDS")
    return same_case(typed)


def same_case(typed: str) -> str:
    """A UUID in lower case, as servers write it, so that answers compare equal; other ids unchanged."""
    return typed.lower() if UUID.fullmatch(typed) else typed


def _same(number: str, typed: str) -> bool:
    digits = re.sub(r"[^0-9]", "", number) if is_digits(typed) else number
    return digits.lower() == typed.lower()


def label(pointed: Pointed, cache: ServerCache) -> str:
    """The work item of an entry as people know it: its number, otherwise its title or a short id."""
    return label_of(pointed.work_item_id, pointed.work_item_title, pointed.work_item_type, cache)


def label_of(work_item_id: str | None, title: str | None, kind: str | None, cache: ServerCache) -> str:
    """See label()."""
    if not work_item_id:
        return brief(title or kind or "?", LONGEST_NAME)
    if number := cache.tickets.get(work_item_id, [""])[0]:
        return number
    title = title or cache.tasks.get(work_item_id, [""])[0]
    return brief((title or work_item_id[:8]) if UUID.fullmatch(work_item_id) else work_item_id, LONGEST_NAME)


def learn_numbers(pointed: Sequence[Pointed], client: Client, cache: ServerCache) -> None:
    """Learn the numbers and clients of tickets known only by id, in a few look-ups: the newest tickets if many are
    unknown, then up to MOST_ASKED single ones. Tickets that are not there are not asked for again.
    """
    unknown = {p.work_item_id: p.work_item_title for p in pointed if p.work_item_id and p.work_item_type == "ticket"}
    wanted = {key: name for key, name in unknown.items() if UUID.fullmatch(key) and key not in cache.tickets}
    with comfort():
        if len(wanted) > MOST_ASKED:
            learn_latest(client, cache)
        for key, name in [pair for pair in wanted.items() if pair[0] not in cache.tickets][:MOST_ASKED]:
            try:
                learnt(client.ticket(key), cache)
            except NotFound:
                cache.ticket(key, "", name)


def published(entry: Entry, cache: ServerCache) -> dict[str, Any]:
    """An entry as JSON, with its ticket's number and client as far as they are known here."""
    number, _, client = cache.tickets.get(entry.work_item_id or "", ["", "", ""])
    return entry.published() | {"work_item_number": number or None, "client_name": client or None}


def learn_latest(client: Client, cache: ServerCache) -> None:
    """Learn the numbers of the newest tickets."""
    for ticket in client.latest_tickets():
        learnt(ticket, cache)


def title(work_item_id: str | None, cache: ServerCache) -> str | None:
    """A ticket's title, or a project task's project; None when unknown."""
    known = cache.tickets.get(work_item_id or "") or cache.tasks.get(work_item_id or "") or ["", ""]
    return known[1] or None


# --- users ----------------------------------------------------------------------------------------


def user(typed: str, client: Client, cache: ServerCache) -> tuple[str, str]:
    """The id and the name of the user with that id, part of a name, or beginning of an id.

    A technician may not list users (section 11), so only users with recent entries are known. Raises NotFound or
    UsageError.
    """
    wanted = same_case(typed.strip())
    latest = client.list_entries({"sort": "start_time", "order": "desc", "limit": "100"}).rows
    known = {entry.user_id: entry.user_name or entry.user_id for entry in latest if entry.user_id}
    if wanted in known or UUID.fullmatch(wanted):
        return wanted, known.get(wanted, f"User {wanted}")
    found = [key for key, name in known.items() if wanted.lower() in name.lower() or key.startswith(wanted.lower())]
    if len(found) == 1:
        return found[0], known[found[0]]
    shown = list(map(known.get, found or known))
    told = [known[key] if shown.count(known[key]) == 1 else f"{known[key]} ({key})" for key in found or known]
    names = ", ".join(sorted(told))
    if found:
        raise UsageError(f"'{typed}' matches several people.", f"Choose a person by name or id: {names}")
    there = f"Choose from: {names}. Or give a whole user id." if names else "Give a whole user id."
    raise NotFound(f"Nobody called '{typed}' has recorded time lately.", there)


# --- who am I -------------------------------------------------------------------------------------


def own_user(client: Client, cache: ServerCache) -> str | None:
    """The key's own user id, or None. No endpoint shows it (section 11): the active session and own activities do."""
    with comfort():
        return asked_user(client, cache)
    return None


def asked_user(client: Client, cache: ServerCache) -> str | None:
    """The same for work that cannot continue without the answer: raises Unreachable if the server cannot be asked."""
    if not cache.user_id:
        cache.own(*shown_user(client))
    return cache.user_id


def shown_user(client: Client) -> tuple[str | None, str | None]:
    """The key's own user as the server shows it now: id and name. Raises Unreachable if the server cannot be asked."""
    with suppress(NoSuchPath, NotFound, Forbidden, Refused, Senseless):
        if session := client.active_session():
            return session.user_id, session.user_name
    with suppress(NoSuchPath, NotFound, Forbidden, Refused, Senseless):
        # Not from tickets: a ticket shared with another user may name that user (TIC1003 in the recording
        # lookups/activities). A wrong user would be worse than no user.
        shown = {activity.assigned_to[0] for activity in client.activities("timeEntry") if activity.assigned_to}
        return (shown.pop(), None) if len(shown) == 1 else (None, None)
    return None, None  # a server without those look-ups: the first write will show the user


@contextmanager
def comfort() -> Iterator[None]:
    """A block of optional look-ups: refusals, failures and invalid answers of the server are ignored.

    Raises NeverSent all the same, since nothing works without a connection.
    """
    try:
        yield
    except NeverSent:
        raise
    except (Unreachable, NotFound, Forbidden, Refused):
        return


class Assigned(NamedTuple):
    """Open work that is assigned to the key's user: a ticket, or a task of a project."""

    item: WorkItem
    title: str
    client_name: str | None
    project_name: str | None


def assigned(client: Client, cache: ServerCache) -> list[Assigned]:
    """The open tickets and project tasks assigned to the key's user, and remember their numbers and names."""
    found = []
    for each in client.activities():
        if each.type == "ticket" and each.source_id and each.ticket_number:
            cache.ticket(each.source_id, each.ticket_number, each.title, each.client_name)
        elif each.source_id and each.type != "ticket":
            cache.task(each.source_id, each.title or "", each.project_name)
        else:
            continue
        kind = "ticket" if each.type == "ticket" else "project_task"
        item = WorkItem(kind, each.source_id, label_of(each.source_id, each.title, kind, cache))
        found.append(Assigned(item, each.title or "", each.client_name, each.project_name))
    return found


def recent_and_assigned(client: Client, cache: ServerCache) -> list[tuple[WorkItem, str]]:
    """Work items to choose from, with titles: recent work, then assigned work, each once."""
    found: dict[str, tuple[WorkItem, str]] = {}
    with comfort():
        found = {each.item.id: (each.item, each.title or each.project_name or "") for each in assigned(client, cache)}
    if user_id := own_user(client, cache):
        query = {"user_id": user_id, "sort": "start_time", "order": "desc", "limit": "25"}
        recent: dict[str, tuple[WorkItem, str]] = {}
        for entry in client.list_entries(query).rows:
            if entry.work_item_id and entry.work_item_id not in recent:
                item = WorkItem(entry.work_item_type or "ticket", entry.work_item_id, label(entry, cache))
                recent[item.id] = (item, entry.work_item_title or entry.notes or "")
        found = recent | {key: value for key, value in found.items() if key not in recent}
    return list(found.values())[:15]
