"""Operations on disk: each change is saved when the method returns, and undelivered operations are never deleted."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from alga.core.errors import AlreadyRunning, ConfigError, NotFound, Overtaken
from alga.core.files import make_private_file
from alga.core.times import from_wire, to_wire
from alga.outbox.encoding import Unreadable, read_row, row_of, text_of
from alga.outbox.operation import Act, Operation, State
from alga.outbox.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

RECEIPTS = timedelta(days=400)  # how long delivered operations are kept, unless a setting changes it
PAUSE = timedelta(seconds=60)
LAST = 1 << 62  # no operation has that number

COLUMNS = (
    "version", "act", "undoes", "kind", "state", "live", "key", "entry_id", "user_id", "sent_at", "changed_at",
    "content",
)  # fmt: skip
WHOSE = "server = ? AND (fingerprint = ? OR coalesce(user_id = ?, 0))"  # an unknown user equals no user
MADE = """CASE WHEN kind IN ('create', 'start', 'stop') THEN 1 WHEN kind = 'edit' AND json_valid(content)
    THEN json_extract(content, '$.timer') ELSE 0 END"""
WAITING = (State.RUNNING, State.QUEUED, State.ASIDE)


UNDOABLE = (State.DONE, State.QUEUED, State.ASIDE, State.RUNNING)
MOST_ACTS = 200


def _is_in(number: int, undoing: dict[int, int]) -> bool:
    """Whether an undo is taken back, and that not again."""
    return number in undoing and not _is_in(undoing[number], undoing)


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
        """`typed`: by a person at a terminal. Without `durable`, changes may be lost in a power failure."""
        self._path, self._server, self._fingerprint = path, server, fingerprint
        self._now, self._user_id = now, user_id
        self.typed = typed
        self._durable, self._receipts = durable, receipts
        self._db: sqlite3.Connection | None = None

    @property
    def whose(self) -> str:
        """A short name of this server and key, for files beside the journal."""
        return hashlib.sha256(f"{self._server} {self._fingerprint}".encode()).hexdigest()[:16]

    @cached_property
    def act(self) -> str:
        """The act of this command line: later ones are greater."""
        return f"{int(self._now().timestamp() * 1000):012x}{os.urandom(4).hex()}"

    def close(self) -> None:
        """Close the file."""
        if self._db:
            self._db.close()
            self._db = None

    # --- reading ---

    def queued(self, before: int = LAST) -> list[Operation]:
        """Operations that wait to be sent with this key, in queueing order; a timer is queued when it is stopped.

        With a number `before`: only operations that were made before that one.
        """
        found = self._mine("state = ? AND id < ?", State.QUEUED, before)
        return sorted(found, key=lambda each: (each.queued_at, each.id))

    def aside(self) -> list[Operation]:
        """Operations set aside, for a person to decide."""
        return self._mine("state = ?", State.ASIDE)

    def of_act(self) -> list[Operation]:
        """The operations of this command line that are not decided."""
        return self._mine("act = ? AND state = ?", self.act, State.QUEUED)

    def live(self) -> Operation | None:
        """The timer that runs or may run; None without one."""
        return next(iter(self._mine("live = 1")), None)

    def delivered(self) -> list[Operation]:
        """Receipts: the delivered operations that are still kept."""
        return self._mine("state = ?", State.DONE)

    def typed_since(self, instant: datetime) -> list[Operation]:
        """The operations that a person made at a terminal after an instant, oldest first."""
        found = self._mine("changed_at > ?", to_wire(instant))
        return sorted((each for each in found if each.typed and each.queued_at > instant), key=lambda e: e.queued_at)

    def acts(self) -> Iterator[Act]:
        """What was done with this login, the latest first: acts whose operations are done, wait or run."""
        if not self._path.exists():
            return
        marks = f"state IN ({', '.join('?' * len(UNDOABLE))})"
        grouped = f"SELECT act FROM operation WHERE {WHOSE} AND act IS NOT NULL AND {marks} GROUP BY act"
        order = "ORDER BY length(act) DESC, substr(act, 1, 12) DESC, max(id) DESC LIMIT ?"  # older acts are shorter
        with self._reading() as db:
            found = db.execute(f"{grouped} {order}", (*self._me(), *UNDOABLE, MOST_ACTS)).fetchall()
        taken_back = self._taken_back()
        for (act,) in found:
            operations = self._mine(f"act = ? AND {marks}", act, *UNDOABLE)
            if operations:
                yield Act(operations, all(each.id in taken_back for each in operations))

    def _taken_back(self) -> set[int]:
        """The numbers of operations that an undo took back, unless that undo was taken back itself."""
        with self._reading() as db:
            query = "SELECT undoes, id FROM operation WHERE undoes IS NOT NULL AND state IN (?, ?)"
            undoing = dict(db.execute(query, (State.DONE, State.QUEUED)).fetchall())
        return {number for number, by in undoing.items() if not _is_in(by, undoing)}

    def was_undone(self, operation: Operation) -> bool:
        """Whether a person took an operation back."""
        return operation.undone or operation.id in self._taken_back()

    def of_entry(self, beginning: str) -> list[Operation]:
        """The operations about an entry, by its id or the beginning of it, in their order."""
        return self._mine("substr(lower(entry_id), 1, ?) = ?", len(beginning), beginning.lower())

    def of_others(self) -> list[Operation]:
        """Operations for another server, or for a key that is not known to belong to the same user."""
        return self._select(f"state IN (?, ?, ?) AND NOT ({WHOSE})", (*WAITING, *self._me()))

    def get(self, number: int) -> Operation:
        """An operation by its number, of any login. Raises NotFound, or ConfigError for a damaged operation."""
        for row in self._rows("id = ?", (number,)):
            found = read_row(row)
            if isinstance(found, Operation):
                return found
            told = f"Operation {number} in the queue cannot be read: {found.fault}."
            raise ConfigError(told, f"To drop it: alga queue drop {number}")
        raise NotFound(f"No operation in the queue has the number {number}.", "To see it: alga queue")

    def unreadable(self) -> list[Unreadable]:
        """Damaged rows of any login that are not decided. They block nothing; a person can drop them."""
        if not self._path.exists():
            return []
        decided = (State.DONE, State.REFUSED, State.DROPPED)
        found = map(read_row, self._rows("state NOT IN (?, ?, ?)", decided))
        return [each for each in found if isinstance(each, Unreadable)]

    def drop_unreadable(self, number: int) -> None:
        """Drop a damaged row, at a person's request."""
        with self._writing() as db:
            update = "UPDATE operation SET state = ?, live = NULL, key = NULL, version = version + 1 WHERE id = ?"
            db.execute(update, (State.DROPPED, number))

    def with_key(self, key: str) -> Operation | None:
        """The operation that a script queued with that key; None without one."""
        return next(iter(self._mine("key = ?", key)), None)

    def key_of_another(self, key: str) -> bool:
        """Whether a script used that key on this computer with a login that is not known to be the same user's."""
        return bool(self._select(f"server = ? AND key = ? AND NOT ({WHOSE})", (self._server, key, *self._me())))

    def others_got_through(self, since: datetime) -> bool:
        """Whether any operation was delivered to this server after that instant."""
        return bool(
            self._rows("server = ? AND state = ? AND changed_at > ?", (self._server, State.DONE, to_wire(since)))
        )

    def made(self) -> set[str]:
        """The ids of entries on this server that operations are known to have made; each belongs to one operation.

        A plain edit does not make an entry, but the correction of a timer's start is the timer's last step.
        """
        if not self._path.exists():
            return set()
        with self._reading() as db:
            query = f"SELECT entry_id FROM operation WHERE server = ? AND state = ? AND entry_id IS NOT NULL AND {MADE}"
            return {str(row[0]) for row in db.execute(query, (self._server, State.DONE))}

    # --- writing ---

    def add(self, operations: Sequence[Operation], changed: Sequence[Operation] = ()) -> list[Operation]:
        """Save new operations, and `changed` ones, all or none. Returns the new ones.

        Raises AlreadyRunning for a second timer, Overtaken for a used key, or when another process changed one first.
        """
        try:
            with self._writing() as db:
                self._forget_receipts(db)
                for operation in changed:
                    self._update(db, operation)
                added: list[Operation] = []
                for operation in operations:
                    after = tuple(added[place].id for place in operation.after)
                    added.append(self._insert(db, operation._replace(after=after)))
                return added
        except sqlite3.IntegrityError as fault:
            if "operation.key" in str(fault):
                raise Overtaken("That key was just used.", "To see it: alga queue --sent") from fault
            raise AlreadyRunning("A timer is already running.", "To see it: alga status") from fault

    def save(self, operations: Sequence[Operation]) -> list[Operation]:
        """Save changed operations, all or none. Raises Overtaken when another process changed one first."""
        with self._writing("alga will check whether the operation was carried out.") as db:
            return [self._update(db, operation) for operation in operations]

    def put(self, operation: Operation) -> Operation:
        """Save one changed operation, see save()."""
        return self.save([operation])[0]

    def pause(self) -> None:
        """Record that there was no connection: for a minute other commands do not try this server in passing."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO pause VALUES (?, ?)", (self._server, to_wire(self._now() + PAUSE)))

    def resume(self) -> None:
        """End a pause: the connection is back, or a person wants to try."""
        with self._writing() as db:
            db.execute("DELETE FROM pause WHERE server = ?", (self._server,))

    def paused(self) -> bool:
        """Whether there was no connection a moment ago."""
        if not self._path.exists():
            return False
        with self._reading() as db:
            row = db.execute("SELECT until FROM pause WHERE server = ?", (self._server,)).fetchone()
        try:
            return bool(row) and self._now() < from_wire(row[0]) <= self._now() + PAUSE
        except (ValueError, TypeError):  # damaged: no pause
            return False

    @contextmanager
    def alone(self, wait: float) -> Iterator[None]:
        """Hold the single lock for sending, shared by all servers. A crash releases it.

        Raises Overtaken when another process holds it for longer than `wait` seconds, ConfigError when it is damaged.
        """
        path = self._path.with_suffix(".lock")
        make_private_file(path)
        try:
            lock = sqlite3.connect(path, timeout=wait, isolation_level=None)
            with closing_on_error(lock):
                lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as fault:
            if getattr(fault, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise Overtaken("Another alga is sending right now.", "Try again in a moment.") from fault
            told = f"{path} cannot be used: {fault}. Nothing was sent."
            raise ConfigError(told, "The file holds no data: if it is damaged, delete it.") from fault
        with closing(lock):
            yield

    # --- rows ---

    def _mine(self, condition: str, *values: object) -> list[Operation]:
        return self._select(f"{WHOSE} AND {condition}", (*self._me(), *values))

    def _me(self) -> tuple[str, str, str | None]:
        return self._server, self._fingerprint, self._user_id()

    def _select(self, condition: str, values: Sequence[object]) -> list[Operation]:
        found = map(read_row, self._rows(condition, values))
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
            act=self.act,
            typed=self.typed,
            user_id=self._user_id(),
            changed_at=self._now(),
        )
        row = {"server": self._server, "fingerprint": self._fingerprint, **row_of(made)}
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        cursor = db.execute(f"INSERT INTO operation ({names}) VALUES ({marks})", list(row.values()))
        return made._replace(id=cursor.lastrowid or 0)

    def _update(self, db: sqlite3.Connection, operation: Operation) -> Operation:
        user_id = operation.user_id or (self._user_id() if operation.fingerprint == self._fingerprint else None)
        changed = operation._replace(version=operation.version + 1, user_id=user_id, changed_at=self._now())
        row = row_of(changed)
        update = f"UPDATE operation SET {', '.join(f'{name} = ?' for name in row)} WHERE id = ? AND version = ?"
        if db.execute(update, [*row.values(), operation.id, operation.version]).rowcount != 1:
            raise Overtaken(
                "Another alga has just handled that operation.", "To see the result: alga status, alga queue"
            )
        return changed

    def _forget_receipts(self, db: sqlite3.Connection) -> None:
        """Delete old receipts, except those with a script's key, which are kept forever."""
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
        """The only connection of this command. Raises ConfigError, with the sentence `then`."""
        try:
            if self._db is None:
                self._db = self._opened()
            yield self._db
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as fault:
            raise ConfigError(
                f"{self._path} cannot be used: {fault}. The file was left unchanged. {then}",
                "The file holds unsent time: keep a copy of it.",
            ) from fault

    def _opened(self) -> sqlite3.Connection:
        make_private_file(self._path)
        db = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        with closing_on_error(db):
            db.text_factory = text_of
            migrate(db)
            db.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
        return db


@contextmanager
def closing_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise
