"""What alga learned from a server with a key: user, kind, services, tickets, recent entries. It may be lost."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from alga.core import files
from alga.core.safe_text import brief
from alga.core.times import from_wire, local_date, to_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime, tzinfo
    from pathlib import Path

    from alga.core.entry import Entry

MOST_TICKETS = 500
MOST_ENTRIES = 100  # of other people
MOST_OWN = 200
MOST_NAMED = 500  # services, routes, and actions that the role may not do
LONGEST_NOTES = 400  # characters to remember
LONGEST_NAME = 200  # characters of a name or title; what has a longer id is not remembered
OWNER = 6  # where a row of `entries` has its user
PUBLISHED, DEPLOYED = "published", "deployed"


def fingerprint(key: str) -> str:
    """16 hex digits of the key's SHA-256: distinguishes keys without revealing them."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


class Recorded(NamedTuple):
    """An entry as it was last seen, for TAB completion and for edits without a connection. Times in UTC as text."""

    id: str
    started_at: str
    ended_at: str
    work_item_type: str | None
    work_item_id: str | None
    work_item_title: str | None
    notes: str
    user_id: str | None
    billable_minutes: str | None
    service_id: str | None
    cut: str | None  # set where the notes are longer than LONGEST_NOTES


@dataclass(eq=False)
class ServerCache:
    """The cache of one server and key. `tickets` maps an id to a number, a title and a client, `tasks` an id to the
    names of a task and its project, `services` an id to a name.

    `entries` are the latest entries seen, by id; `whole` are the days of which all own entries were seen, and when;
    `assigned` are the ids of assigned work, and when they were seen. `any_word`: the practice data, which takes any
    word for a work item.
    """

    path: Path
    user_id: str | None = None
    user_name: str | None = None
    kind: str | None = None
    services: dict[str, str] = field(default_factory=dict)
    tickets: dict[str, list[str]] = field(default_factory=dict)
    tasks: dict[str, list[str]] = field(default_factory=dict)
    entries: dict[str, list[str | None]] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)
    assigned: dict[str, str] = field(default_factory=dict)
    routes: set[str] = field(default_factory=set)  # where the API is known to have answered
    forbidden: set[str] = field(default_factory=set)  # actions that the server has refused to the role
    any_word: bool = False
    _saved: str = ""

    @property
    def deployed(self) -> bool:
        """Whether the server is of the deployed kind: entries need a service, timers' entries have no time sheet."""
        return self.kind == DEPLOYED

    def see(self, row: Mapping[str, Any], entry: Entry) -> None:
        """Learn the server's kind and a service's name from an entry, and from the row as the server sent it."""
        self.kind = PUBLISHED if "id" in row else DEPLOYED if "entry_id" in row else self.kind
        service, name = row.get("service_id"), row.get("service_name")
        if isinstance(service, str) and isinstance(name, str):
            self.service(service, name)
        if entry.ended_at:
            self._remember(entry, entry.ended_at)

    def service(self, service_id: str, name: str) -> None:
        """Remember a service's name."""
        if _short(service_id) and (service_id in self.services or len(self.services) < MOST_NAMED):
            self.services[service_id] = brief(name, LONGEST_NAME)

    def forbid(self, action: str) -> None:
        """Remember that the server refused an action to the role."""
        if _short(action) and len(self.forbidden) < MOST_NAMED:
            self.forbidden.add(action)

    def _remember(self, entry: Entry, ended_at: datetime) -> None:
        if not _short(entry.id, entry.work_item_id, entry.user_id, entry.service_id):
            return
        self.entries[entry.id] = [
            to_wire(entry.started_at),
            to_wire(ended_at),
            brief(entry.work_item_type or "", LONGEST_NAME) or None,
            entry.work_item_id,
            brief(entry.work_item_title or "", LONGEST_NAME) or None,
            (notes := entry.notes or "")[:LONGEST_NOTES],
            entry.user_id,
            None if entry.billable_minutes is None else str(entry.billable_minutes),
            entry.service_id,
            "cut" if len(notes) > LONGEST_NOTES else None,
        ]
        if len(self.entries) > 2 * (MOST_ENTRIES + MOST_OWN):
            self._forget_the_oldest()

    def recorded(self, mine: bool) -> list[Recorded]:
        """The entries seen, or only the user's own entries, the latest first."""
        every = [Recorded(key, *values) for key, values in self.entries.items()]  # type: ignore[arg-type]
        own = [each for each in every if not mine or self.user_id in (None, each.user_id)]
        return sorted(own, key=lambda each: each.started_at, reverse=True)

    def saw_days(self, days: Sequence[date], ids: Collection[str], zone: tzinfo, now: datetime) -> None:
        """Learn that these are all of the user's own entries of some days: others are not there any more."""
        named = set(map(str, days))
        for each in self.recorded(mine=True):
            if str(local_date(from_wire(each.started_at), zone)) in named and each.id not in ids:
                self.forget(each.id)
        self.whole |= dict.fromkeys(named, to_wire(now))

    def saw_assigned(self, ids: Iterable[str], now: datetime) -> None:
        """Learn which work is assigned to the user."""
        self.assigned = dict.fromkeys(ids, to_wire(now))

    def service_of(self, work_item_id: str | None) -> str | None:
        """The service of the user's own latest entry on a work item; None when unknown."""
        own = self.recorded(mine=True) if self.user_id and work_item_id else []
        return next((each.service_id for each in own if each.work_item_id == work_item_id and each.service_id), None)

    def forget(self, entry_id: str) -> None:
        """Forget a deleted entry."""
        self.entries.pop(entry_id, None)

    def own(self, user_id: str | None, user_name: str | None) -> None:
        """Learn who the key's user is, from an answer that can only be about that user."""
        if user_id and _short(user_id):
            self.user_id, self.user_name = user_id, brief(user_name or "", LONGEST_NAME) or self.user_name

    def forget_user(self) -> None:
        """Forget whose key it is, when the server says that it has no such user: the next look-up learns it."""
        self.user_id = self.user_name = None

    def ticket(self, ticket_id: str, number: str, title: str | None, client_name: str | None = None) -> None:
        """Remember a ticket's number, to show and accept it without a request. The oldest tickets are forgotten."""
        if _short(ticket_id, number):
            client = client_name or self.tickets.get(ticket_id, ["", "", ""])[2]  # not every answer names it
            _remember_last(
                self.tickets, ticket_id, [number, *(brief(text or "", LONGEST_NAME) for text in (title, client))]
            )

    def task(self, task_id: str, name: str, project_name: str | None) -> None:
        """Remember the name of a project's task, likewise."""
        if _short(task_id):
            project = project_name or self.tasks.get(task_id, ["", ""])[1]
            _remember_last(self.tasks, task_id, [brief(text, LONGEST_NAME) for text in (name, project)])

    def save(self) -> None:
        """Write the cache to disk if it changed. Raises OSError."""
        text = self._text()
        if text != self._saved:
            files.write_whole(self.path, text, cache=True)
            self._saved = text

    def _text(self) -> str:
        self._forget_the_oldest()
        return json.dumps({name: getattr(self, name) for name in KEPT}, ensure_ascii=False, default=sorted)

    def _forget_the_oldest(self) -> None:
        """Keep the latest entries, the user's own apart; the days of own ones that go are not whole any more."""
        latest = sorted(self.entries, key=lambda key: self.entries[key][0] or "")
        own = [key for key in latest if self.user_id in (None, self.entries[key][OWNER])]
        others = [key for key in latest if key not in set(own)]
        if gone := own[:-MOST_OWN]:
            last = from_wire(self.entries[gone[-1]][0] or "").date() + timedelta(days=1)  # in any zone
            self.whole = {day: seen for day, seen in self.whole.items() if day > str(last)}
        kept = {*own[-MOST_OWN:], *others[-MOST_ENTRIES:]}
        self.entries = {key: row for key, row in self.entries.items() if key in kept}
        self.whole = dict(sorted(self.whole.items())[-MOST_NAMED:])


KEPT = (
    "user_id",
    "user_name",
    "kind",
    "services",
    "tickets",
    "tasks",
    "entries",
    "whole",
    "assigned",
    "routes",
    "forbidden",
)
SETS = ("routes", "forbidden")


def _remember_last(known: dict[str, list[str]], key: str, row: list[str]) -> None:
    """Put a row at the end, and forget the first of too many."""
    known.pop(key, None)
    known[key] = row
    for forgotten in list(known)[:-MOST_TICKETS]:
        del known[forgotten]


def _short(*ids: str | None) -> bool:
    return all(len(each or "") <= LONGEST_NAME for each in ids)


def load_cache(directory: Path, server: str, key: str) -> ServerCache:
    """The cache of a server and key; a file that cannot be read counts as an empty cache."""
    name = hashlib.sha256(f"{server}\n{fingerprint(key)}".encode()).hexdigest()[:16]
    path = directory / f"{name}.json"
    try:
        text = files.read_own(path)
        known = json.loads(text)
        sound = {name: known[name] for name in KEPT if _sound(name, known.get(name))}
        return ServerCache(path, **sound | {name: set(sound.get(name, ())) for name in SETS}, _saved=text)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        cache = ServerCache(path)
        cache._saved = cache._text()
        return cache


def _sound(name: str, value: object) -> bool:
    if name in SETS:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if name not in SHAPES:
        return isinstance(value, str)
    return isinstance(value, dict) and all(map(SHAPES[name], value.values()))


def _texts(row: object, wide: int, always: int) -> bool:
    """Whether a row is `wide` texts, of which those after the first `always` may be None."""
    if not isinstance(row, list) or len(row) != wide:
        return False
    return all(isinstance(cell, str) or (cell is None and n >= always) for n, cell in enumerate(row))


SHAPES: dict[str, Callable[[object], bool]] = {
    "services": lambda name: isinstance(name, str),
    "whole": lambda seen: isinstance(seen, str),
    "assigned": lambda seen: isinstance(seen, str),
    "tickets": lambda row: _texts(row, 3, 3),
    "tasks": lambda row: _texts(row, 2, 2),
    "entries": lambda row: _texts(row, len(Recorded._fields) - 1, 2),  # the id is its key
}
