"""Operations on disk: each change is there when the method returns, and nothing undelivered is ever deleted."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alga.core.errors import AlreadyRunning, ConfigError, NotFound, Overtaken
from alga.core.files import make_private
from alga.core.times import from_wire, to_wire
from alga.outbox.encoding import Unreadable, read_row, row_of, text_of
from alga.outbox.operation import Operation, State
from alga.outbox.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

RECEIPTS = timedelta(days=400)  # how long what was delivered stays, unless a setting says otherwise
PAUSE = timedelta(seconds=60)
LAST = 1 << 62  # no operation has that number

COLUMNS = (
    "version", "act", "undoes", "kind", "state", "live", "key", "entry_id", "user_id", "sent_at", "changed_at",
    "content",
)  # fmt: skip
WHOSE = "server = ? AND (fingerprint = ? OR coalesce(user_id = ?, 0))"  # an unknown user is nobody's equal
MADE = """CASE WHEN kind IN ('create', 'start', 'stop') THEN 1 WHEN kind = 'edit' AND json_valid(content)
    THEN json_extract(content, '$.timer') ELSE 0 END"""
WAITING = (State.RUNNING, State.QUEUED, State.ASIDE)


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
            found = read_row(row)
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
        found = map(read_row, self._rows("state NOT IN (?, ?, ?)", decided))
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
            act=self._act,
            typed=self._typed,
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
