"""Operations on disk: each change is there when the method returns, and nothing undelivered is ever deleted."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from alga.core.entry import Entry, EntryRequest
from alga.core.errors import AlreadyRunning, ConfigError, NotFound, Overtaken, UsageError
from alga.core.files import make_private
from alga.core.safe_text import sound
from alga.core.times import from_wire, to_wire
from alga.outbox.operation import Kind, Operation, State
from alga.outbox.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

RECEIPTS = timedelta(days=400)  # how long what was delivered stays, unless a setting says otherwise
PAUSE = timedelta(seconds=60)
LAST = 1 << 62  # no operation has that number

COLUMNS = (
    "version", "act", "undoes", "kind", "state", "live", "key", "entry_id", "user_id", "sent_at", "changed_at",
    "content",
)  # fmt: skip
APART = {
    "id",
    "version",
    "act",
    "undoes",
    "kind",
    "state",
    "key",
    "entry_id",
    "user_id",
    "server",
    "fingerprint",
    "sent_at",
    "changed_at",
}
ENTRIES = ("before", "stored")
ENTRY_TIMES = ("started_at", "ended_at", "created_at")
ENTRY_TEXTS = [name for name in Entry._fields if name not in (*ENTRY_TIMES, "billable_minutes", "shows_sheet")]
TIMES = ("queued_at", "sent_at", "tried_at", "failing_since", "changed_at")
FIELDS, DEFAULTS = Operation._fields, Operation._field_defaults
HALF = "\\ud"  # how half a character is escaped
KINDS = {"label": str, "reason": str, "fault": str, "server": str, "version": int, "tries": int, "failures": int}
WHOSE = "server = ? AND (fingerprint = ? OR coalesce(user_id = ?, 0))"  # an unknown user is nobody's equal
MADE = """CASE WHEN kind IN ('create', 'start', 'stop') THEN 1 WHEN kind = 'edit' AND json_valid(content)
    THEN json_extract(content, '$.timer') ELSE 0 END"""
WAITING = (State.RUNNING, State.QUEUED, State.ASIDE)
TEXTS = ("act", "entry_id", "item_typed", "service_typed", "feedback", "key", "user_id", "fingerprint")
ABOUT = (Kind.STOP, Kind.EDIT, Kind.DELETE, Kind.APPROVE, Kind.SEND_BACK)  # an entry, or a session
WITHOUT_KEY = (State.REFUSED, State.DROPPED)  # where a key may be used again


class Unreadable(NamedTuple):
    """A damaged row: its number, its server as far as that is readable, and what is wrong with it."""

    id: int
    server: str
    fault: str


class Journal:
    """The operations of one server and key. Raises ConfigError when the file is damaged or cannot be written."""

    def __init__(
        self,
        path: Path,
        server: str,
        fingerprint: str,
        now: Callable[[], datetime],
        user_id: Callable[[], str | None] = lambda: None,
        typed: bool = False,
        durable: bool = True,
        receipts: timedelta = RECEIPTS,
    ) -> None:
        """`typed`: by a person at a terminal. What is not `durable` may be lost with the power."""
        self._path, self._server, self._fingerprint = path, server, fingerprint
        self._now, self._user_id = now, user_id
        self._act, self._typed = os.urandom(8).hex(), typed  # of this command line
        self._durable, self._receipts = durable, receipts
        self._db: sqlite3.Connection | None = None

    def close(self) -> None:
        """Give the file back."""
        if self._db:
            self._db.close()
            self._db = None

    # --- reading ---

    def queued(self, before: int = LAST) -> list[Operation]:
        """What waits to be sent with this key, in the order in which it was queued: a timer when it was stopped.

        With a number `before`: only operations that were made before that one.
        """
        found = self._mine("state = ? AND id < ?", State.QUEUED, before)
        return sorted(found, key=lambda each: (each.queued_at, each.id))

    def aside(self) -> list[Operation]:
        """What a person has to decide."""
        return self._mine("state = ?", State.ASIDE)

    def live(self) -> Operation | None:
        """The timer that runs, or that may run."""
        return next(iter(self._mine("live = 1")), None)

    def delivered(self) -> list[Operation]:
        """Receipts."""
        return self._mine("state = ?", State.DONE)

    def of_others(self) -> list[Operation]:
        """What waits here for another server, or for a key that is not known to be of the same user."""
        return self._select(f"state IN (?, ?, ?) AND NOT ({WHOSE})", (*WAITING, *self._me()))

    def get(self, number: int) -> Operation:
        """An operation by its number, whosever it is. Raises NotFound, or ConfigError for one that is damaged."""
        for row in self._rows("id = ?", (number,)):
            found = _read(row)
            if isinstance(found, Operation):
                return found
            told = f"Number {number} of the queue cannot be read: {found.fault}."
            raise ConfigError(told, f"To drop it: alga queue drop {number}")
        raise NotFound(f"Nothing in the queue has the number {number}.", "To see it: alga queue")

    def unreadable(self) -> list[Unreadable]:
        """The rows, whosever, that are damaged and not decided: they hold nobody up, and are for a person to drop."""
        if not self._path.exists():
            return []
        decided = (State.DONE, State.REFUSED, State.DROPPED)
        found = map(_read, self._rows("state NOT IN (?, ?, ?)", decided))
        return [each for each in found if isinstance(each, Unreadable)]

    def drop_unreadable(self, number: int) -> None:
        """A person does not want it any more, whatever it was."""
        with self._writing() as db:
            update = "UPDATE operation SET state = ?, live = NULL, key = NULL, version = version + 1 WHERE id = ?"
            db.execute(update, (State.DROPPED, number))

    def with_key(self, key: str) -> Operation | None:
        """What a script queued with that key."""
        return next(iter(self._mine("key = ?", key)), None)

    def key_of_another(self, key: str) -> bool:
        """Whether a script used that key here with another login, or one that is not known to be the same user's."""
        return bool(self._select(f"server = ? AND key = ? AND NOT ({WHOSE})", (self._server, key, *self._me())))

    def others_got_through(self, since: datetime) -> bool:
        """Whether anything was delivered to this server after that."""
        return bool(
            self._rows("server = ? AND state = ? AND changed_at > ?", (self._server, State.DONE, to_wire(since)))
        )

    def made(self) -> set[str]:
        """The entries on this server that an operation is known to have made: each is one's only.

        What only changed an entry did not make it; but a timer's last step is the correction of its start.
        """
        if not self._path.exists():
            return set()
        with self._reading() as db:
            query = f"SELECT entry_id FROM operation WHERE server = ? AND state = ? AND entry_id IS NOT NULL AND {MADE}"
            return {str(row[0]) for row in db.execute(query, (self._server, State.DONE))}

    # --- writing ---

    def add(self, operations: Sequence[Operation]) -> list[Operation]:
        """Put them on disk, all or none. Raises AlreadyRunning for a second timer, Overtaken for a used key."""
        try:
            with self._writing() as db:
                self._forget_receipts(db)
                added: list[Operation] = []
                for operation in operations:
                    after = tuple(added[place].id for place in operation.after)
                    added.append(self._insert(db, operation._replace(after=after)))
                return added
        except sqlite3.IntegrityError as fault:
            if "operation.key" in str(fault):
                raise Overtaken("That key was used just now.", "To see it: alga queue --sent") from fault
            raise AlreadyRunning("A timer is running already.", "To see it: alga status") from fault

    def save(self, operations: Sequence[Operation]) -> list[Operation]:
        """Write their new state, all or none. Raises Overtaken when another process was first."""
        with self._writing("What was sent is looked for the next time.") as db:
            return [self._update(db, operation) for operation in operations]

    def put(self, operation: Operation) -> Operation:
        """One of them."""
        return self.save([operation])[0]

    def pause(self) -> None:
        """There was no connection: commands do not try this server in passing for a minute."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO pause VALUES (?, ?)", (self._server, to_wire(self._now() + PAUSE)))

    def resume(self) -> None:
        """There is one again, or a person wants to try."""
        with self._writing() as db:
            db.execute("DELETE FROM pause WHERE server = ?", (self._server,))

    def paused(self) -> bool:
        """There was no connection a moment ago."""
        if not self._path.exists():
            return False
        with self._reading() as db:
            row = db.execute("SELECT until FROM pause WHERE server = ?", (self._server,)).fetchone()
        try:
            return bool(row) and self._now() < from_wire(row[0]) <= self._now() + PAUSE
        except (ValueError, TypeError):  # damaged: none
            return False

    @contextmanager
    def alone(self, wait: float) -> Iterator[None]:
        """Hold the one lock there is for sending, whatever the server. A crash gives it back.

        Raises Overtaken when another process holds it for longer than `wait` seconds, ConfigError when it is damaged.
        """
        make_private(self._path.parent)
        path = self._path.with_suffix(".lock")
        try:
            lock = sqlite3.connect(path, timeout=wait, isolation_level=None)
            with closing_on_error(lock):
                lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as fault:
            if getattr(fault, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise Overtaken("Another alga is sending just now.", "Try again in a moment.") from fault
            told = f"{path} cannot be used: {fault}. Nothing was sent."
            raise ConfigError(told, "It holds no data: if it is damaged, delete it.") from fault
        with closing(lock):
            yield

    # --- rows ---

    def _mine(self, condition: str, *values: object) -> list[Operation]:
        return self._select(f"{WHOSE} AND {condition}", (*self._me(), *values))

    def _me(self) -> tuple[str, str, str | None]:
        return self._server, self._fingerprint, self._user_id()

    def _select(self, condition: str, values: Sequence[object]) -> list[Operation]:
        found = map(_read, self._rows(condition, values))
        return [each for each in found if isinstance(each, Operation)]

    def _rows(self, condition: str, values: Sequence[object]) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        columns = f"id, server, fingerprint, {', '.join(COLUMNS)}"
        with self._reading() as db:
            rows = db.execute(f"SELECT {columns} FROM operation WHERE {condition} ORDER BY id", values).fetchall()
        return [dict(zip(columns.split(", "), row, strict=True)) for row in rows]

    def _insert(self, db: sqlite3.Connection, operation: Operation) -> Operation:
        made = operation._replace(
            server=self._server,
            fingerprint=self._fingerprint,
            act=self._act,
            typed=self._typed,
            user_id=self._user_id(),
            changed_at=self._now(),
        )
        row = {"server": self._server, "fingerprint": self._fingerprint, **_row(made)}
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        cursor = db.execute(f"INSERT INTO operation ({names}) VALUES ({marks})", list(row.values()))
        return made._replace(id=cursor.lastrowid or 0)

    def _update(self, db: sqlite3.Connection, operation: Operation) -> Operation:
        user_id = operation.user_id or (self._user_id() if operation.fingerprint == self._fingerprint else None)
        changed = operation._replace(version=operation.version + 1, user_id=user_id, changed_at=self._now())
        row = _row(changed)
        update = f"UPDATE operation SET {', '.join(f'{name} = ?' for name in row)} WHERE id = ? AND version = ?"
        if db.execute(update, [*row.values(), operation.id, operation.version]).rowcount != 1:
            raise Overtaken("Another alga took care of that just now.", "To see what is: alga status, alga queue")
        return changed

    def _forget_receipts(self, db: sqlite3.Connection) -> None:
        """Only what was delivered, and without a script's key: that counts for ever."""
        old = to_wire(self._now() - self._receipts)
        db.execute("DELETE FROM operation WHERE state = ? AND changed_at < ? AND key IS NULL", (State.DONE, old))

    @contextmanager
    def _writing(self, then: str = "Nothing was sent.") -> Iterator[sqlite3.Connection]:
        """A transaction: on disk when it ends, or not at all."""
        with self._reading(then) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _reading(self, then: str = "Nothing was sent.") -> Iterator[sqlite3.Connection]:
        """The one connection of this command. Raises ConfigError, with what is to be said `then`."""
        try:
            if self._db is None:
                self._db = self._opened()
            yield self._db
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as fault:
            raise ConfigError(
                f"{self._path} cannot be used: {fault}. It was kept as it is. {then}",
                "It holds unsent time: keep a copy of it.",
            ) from fault

    def _opened(self) -> sqlite3.Connection:
        make_private(self._path.parent)
        db = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        with closing_on_error(db):
            db.text_factory = _text
            migrate(db)
            db.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
        return db


def _row(operation: Operation) -> dict[str, object]:
    every = zip(FIELDS, operation, strict=True)
    content: dict[str, Any] = {name: said for name, said in every if name not in APART and said != DEFAULTS.get(name)}
    content |= {name: _said(content[name]) for name in ENTRIES if name in content}
    return {
        "version": operation.version,
        "act": operation.act,
        "undoes": operation.undoes,
        "kind": operation.kind,
        "state": operation.state,
        "live": 1 if operation.live else None,
        "key": operation.key if operation.state not in WITHOUT_KEY or operation.practice else None,
        "entry_id": operation.entry_id,
        "user_id": operation.user_id,
        "sent_at": to_wire(operation.sent_at) if operation.sent_at else None,
        "changed_at": to_wire(operation.changed_at) if operation.changed_at else None,
        "content": _JSON.encode(content),
    }


def _said(entry: Entry) -> dict[str, object]:
    """What an entry says, without what it does not."""
    return {name: value for name, value in entry._asdict().items() if value is not None}


def _plain(value: object) -> object:
    return to_wire(value) if isinstance(value, datetime) else vars(value)  # of an EntryRequest


_JSON = json.JSONEncoder(default=_plain, ensure_ascii=False)


def _text(content: bytes) -> str:
    """Text of a row, also where it is damaged."""
    return content.decode("utf-8", "replace")


def _read(row: Mapping[str, Any]) -> Operation | Unreadable:
    """The one place where a row becomes an operation."""
    try:
        return _operation(row)
    except (ValueError, TypeError, KeyError, AttributeError, UsageError, OverflowError, RecursionError) as fault:
        return Unreadable(row["id"], str(row["server"]), f"{type(fault).__name__}: {fault}"[:200])


def _operation(row: Mapping[str, Any]) -> Operation:
    content = json.loads(row["content"])
    given = {**(sound(content) if HALF in row["content"].lower() else content), **{name: row[name] for name in APART}}
    times = {name: from_wire(given[name]) for name in TIMES if given.get(name)}
    read = {
        **{name: given[name] for name in FIELDS if name in given},
        "kind": Kind(given["kind"]),
        "state": State(given["state"]),
        "asked": _asked(given["asked"]),
        "after": tuple(map(int, given.get("after", ()))),
        "before": _entry(given["before"], given["entry_id"]) if given.get("before") else None,
        "stored": _entry(given["stored"], given["entry_id"]) if given.get("stored") else None,
        **times,
    }
    if wrong := [name for name, kind in KINDS.items() if not isinstance(read.get(name, kind()), kind)]:
        raise TypeError(f"{wrong[0]} has another type")
    if wrong := [name for name in TEXTS if not isinstance(read.get(name), str | None)]:
        raise TypeError(f"{wrong[0]} is no text")
    operation = Operation(**read)
    _check(operation)
    return operation


def _check(operation: Operation) -> None:
    """Raise ValueError for one that lacks what its kind needs, or has a time that nobody can show."""
    asked = operation.asked
    moments = [asked.started_at, asked.ended_at]
    for entry in filter(None, (operation.before, operation.stored)):
        moments += [entry.started_at, entry.ended_at]
    named = [getattr(operation, name) for name in TIMES]
    if any(moment and not 1971 <= moment.year <= 9000 for moment in (*moments, *named)):
        raise ValueError("a time is out of range")
    waits = operation.state in (State.QUEUED, State.ASIDE)
    if operation.queued_at is None or (operation.kind in ABOUT and waits and not operation.entry_id):
        raise ValueError("something is missing")
    if operation.kind is Kind.CREATE and waits and not (asked.started_at and asked.ended_at):
        raise ValueError("its times are missing")


def _asked(content: Mapping[str, Any]) -> EntryRequest:
    times = {name: from_wire(content[name]) for name in ("started_at", "ended_at") if content.get(name)}
    asked = EntryRequest(**{**content, **times})
    texts = (asked.work_item_type, asked.work_item_id, asked.notes, asked.user_id, asked.service_id)
    if not all(text is None or isinstance(text, str) for text in texts):
        raise TypeError("a text is none")
    if not (asked.billable_minutes is None or isinstance(asked.billable_minutes, int)):
        raise TypeError("the billable minutes are no number")
    return asked


def _entry(content: Mapping[str, Any], entry_id: str | None) -> Entry:
    """An entry as it was seen; in older files it has no id. Raises ValueError or TypeError for what makes no sense."""
    times = {name: from_wire(content[name]) for name in ENTRY_TIMES if content.get(name)}
    known = {name: value for name, value in content.items() if name in Entry._fields}
    entry = Entry(**{"id": entry_id or "", **known, **times})
    if not all(value is None or isinstance(value, str) for value in map(entry._asdict().get, ENTRY_TEXTS)):
        raise TypeError("a text is none")
    if not (entry.billable_minutes is None or isinstance(entry.billable_minutes, int)):
        raise TypeError("the billable minutes are no number")
    return entry


@contextmanager
def closing_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise
