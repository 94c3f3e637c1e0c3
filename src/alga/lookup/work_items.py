"""Work items as people type them (TIC1042, 1042, tk_9c41, a UUID); services and users by name; the key's user."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from alga.core.errors import (
    CHOOSE_SERVICE,
    Forbidden,
    NeedsService,
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
    from collections.abc import Iterator, Sequence

    from alga.api.client import Client
    from alga.api.models import Activity
    from alga.state.cache import ServerCache

TYPES = ("ticket", "project_task", "non_billable_category", "ad_hoc", "interaction")
NUMBER = re.compile(r"([A-Za-z]+-?)?[0-9]+")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class WorkItem(NamedTuple):
    """A piece of work: its type and id as the server knows them, and the label people know it by."""

    type: str
    id: str
    label: str


class Pointed(Protocol):
    """Anything that refers to a work item."""

    @property
    def work_item_type(self) -> str | None: ...
    @property
    def work_item_id(self) -> str | None: ...
    @property
    def work_item_title(self) -> str | None: ...


def resolve(typed: str, kind: str, client: Client, cache: ServerCache) -> WorkItem:
    """The work item that a person typed. A ticket's number is looked up and compared exactly; other ids stay unchanged.

    Raises NotFound for an unknown ticket number, UsageError for digits that several tickets share.
    """
    typed = checked(typed, kind)
    for ticket_id, (number, _) in cache.tickets.items() if kind == "ticket" else ():
        if number.lower() == typed.lower():  # whatever format the numbers have
            return WorkItem(kind, ticket_id, number)
    if kind != "ticket" or not NUMBER.fullmatch(typed):
        return WorkItem(kind, typed, label_of(typed, None, kind, cache))
    try:
        found = [ticket for ticket in client.tickets_numbered(typed) if _same(ticket.ticket_number, typed)]
    except (NoSuchPath, NotFound):  # a server without look-ups: any id may be valid
        return WorkItem(kind, typed, typed)
    if not found:
        raise NotFound(f"There is no ticket {typed}.", "To find one: alga tickets WORDS")
    if len(found) > 1:
        raise UsageError(
            f"{typed} could be {' or '.join(ticket.ticket_number for ticket in found)}.", "Give the full number."
        )
    cache.ticket(found[0].ticket_id, found[0].ticket_number, found[0].title)
    return WorkItem(kind, found[0].ticket_id, found[0].ticket_number)


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
    return brief((title or work_item_id[:8]) if UUID.fullmatch(work_item_id) else work_item_id, LONGEST_NAME)


def learn_numbers(pointed: Sequence[Pointed], client: Client, cache: ServerCache) -> None:
    """Learn the numbers of tickets known only by id, in one look-up; missing tickets are not asked for again."""
    unknown = {p.work_item_id: p.work_item_title for p in pointed if p.work_item_id and p.work_item_type == "ticket"}
    wanted = {key: name for key, name in unknown.items() if UUID.fullmatch(key) and key not in cache.tickets}
    if not wanted:
        return
    with comfort():
        learn_latest(client, cache)
    for key, name in wanted.items():
        if key not in cache.tickets:
            cache.ticket(key, "", name)


def learn_latest(client: Client, cache: ServerCache) -> None:
    """Learn the numbers of the newest tickets."""
    for ticket in client.latest_tickets():
        cache.ticket(ticket.ticket_id, ticket.ticket_number, ticket.title)


def title(work_item_id: str | None, cache: ServerCache) -> str | None:
    """A ticket's title; None when unknown."""
    return cache.tickets.get(work_item_id or "", [None, None])[1] or None


# --- services -------------------------------------------------------------------------------------


def services(client: Client, cache: ServerCache) -> tuple[dict[str, str], bool]:
    """Services by id, and whether the list is complete; if the role may not list them, those of recent entries."""
    try:
        listed = {service.service_id: service.service_name for service in client.services()}
    except (Forbidden, NoSuchPath, NotFound):  # not allowed, or not offered
        client.list_entries(
            {"sort": "start_time", "order": "desc", "limit": "100"}
        )  # the cache learns from every answer
        return dict(cache.services), False
    for service_id, name in listed.items():
        cache.service(service_id, name)
    return listed, True


def service(
    typed: str | None, default: str | None, work_item_id: str | None, client: Client, cache: ServerCache
) -> str | None:
    """The id of the typed service, otherwise of the profile's default, otherwise of the work item's last entry.

    None when no service is known: services of other work items do not count. Raises NeedsService if the server is
    known to need a service, and NotFound or UsageError for a name.
    """
    if wanted := typed or default:
        return named(wanted, client, cache)
    if not cache.deployed:
        return cache.service_of(work_item_id)
    if known := _used_on(work_item_id, client, cache):
        return known
    raise NeedsService("AlgaPSA needs a service for every entry.", CHOOSE_SERVICE)


def _used_on(work_item_id: str | None, client: Client, cache: ServerCache) -> str | None:
    """The service last used on a work item, as the server has it; without a connection as this computer saw it last."""
    user_id = asked_user(client, cache)
    if not user_id or not work_item_id:
        return None
    newest = {"sort": "start_time", "order": "desc", "limit": "5"}
    query = {"user_id": user_id, "work_item_id": work_item_id, **newest}
    try:
        own = [entry for entry in client.list_entries(query).rows if entry.work_item_id == work_item_id]
    except Unreachable:
        if known := cache.service_of(work_item_id):
            return known
        raise
    return next((entry.service_id for entry in own if entry.service_id and entry.user_id == user_id), None)


def named(wanted: str, client: Client, cache: ServerCache) -> str:
    """The id of the service with that id, name or part of a name. Raises NotFound, or UsageError for several."""
    if UUID.fullmatch(wanted) or wanted in cache.services:
        return same_case(wanted)
    exact = _exactly(wanted, cache.services)
    if len(exact) == 1:
        return exact[0]
    known, whole = services(client, cache)  # part of a name may match services that are not known yet
    every = dict(known)
    if whole and not _exactly(wanted, known):  # the list has hourly services only; others may be used too
        every |= {each.service_id: each.service_name for each in client.services(hourly=False)}
    found = _exactly(wanted, every) or _partly(wanted, known) or _partly(wanted, every)
    known = every
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(known[service_id] for service_id in found or known)) or "none known yet"
    if found:
        raise UsageError(f"'{wanted}' matches several services.", f"Choose a service: {names}")
    raise NotFound(f"Unknown service '{wanted}'.", f"Choose from: {names}")


def _exactly(wanted: str, known: dict[str, str]) -> list[str]:
    """The ids of the services with that name, upper and lower case alike."""
    return [service_id for service_id, name in known.items() if name.lower() == wanted.lower()]


def _partly(wanted: str, known: dict[str, str]) -> list[str]:
    """The ids of the services whose names contain the text."""
    return [service_id for service_id, name in known.items() if wanted.lower() in name.lower()]


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


def recent_and_assigned(client: Client, cache: ServerCache) -> list[tuple[WorkItem, str]]:
    """Work items to choose from, with titles: recent work, then assigned work, each once."""
    found: dict[str, tuple[WorkItem, str]] = {}
    assigned: list[Activity] = []
    with comfort():
        assigned = [each for each in client.activities() if each.source_id]
    for activity in assigned:
        kind = "ticket" if activity.type == "ticket" else "project_task"
        if activity.ticket_number:
            cache.ticket(activity.source_id, activity.ticket_number, activity.title)
        item = WorkItem(kind, activity.source_id, label_of(activity.source_id, activity.title, kind, cache))
        found[item.id] = (item, activity.title or activity.project_name or "")
    if user_id := own_user(client, cache):
        query = {"user_id": user_id, "sort": "start_time", "order": "desc", "limit": "25"}
        recent: dict[str, tuple[WorkItem, str]] = {}
        for entry in client.list_entries(query).rows:
            if entry.work_item_id and entry.work_item_id not in recent:
                item = WorkItem(entry.work_item_type or "ticket", entry.work_item_id, label(entry, cache))
                recent[item.id] = (item, entry.work_item_title or entry.notes or "")
        found = recent | {key: value for key, value in found.items() if key not in recent}
    return list(found.values())[:15]
