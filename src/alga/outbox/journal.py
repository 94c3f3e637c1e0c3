"""The clock that alga keeps: one row on disk for each session, there before anything is said of it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from alga.errors import AlreadyRunning, ConfigError
from alga.files import make_private
from alga.times import from_wire, to_wire

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    server TEXT NOT NULL,
    fingerprint TEXT NOT NULL,      -- of the key: a session is posted with the key it was started with,
    user_id TEXT,                   -- or with another key of the same user
    work_item_type TEXT NOT NULL,
    work_item_id TEXT NOT NULL,
    label TEXT NOT NULL,            -- the work item as a person knows it
    service_id TEXT,
    notes TEXT,
    billable_minutes INTEGER,
    started_at TEXT NOT NULL,
    ended_at TEXT,                  -- set when it was stopped, before the entry is sent
    sent INTEGER NOT NULL DEFAULT 0 -- it may be on the server: look there before sending it again
);
CREATE UNIQUE INDEX IF NOT EXISTS one_running ON session (server, fingerprint) WHERE ended_at IS NULL;
"""


@dataclass(frozen=True)
class Kept:
    """A session that alga keeps. With an end it is stopped and not known to be on the server. Times in UTC."""

    id: int
    work_item_type: str
    work_item_id: str
    label: str
    service_id: str | None
    notes: str | None
    billable_minutes: int | None
    started_at: datetime
    ended_at: datetime | None
    sent: bool


LOCK_SECONDS = 60
FIELDS = "id, work_item_type, work_item_id, label, service_id, notes, billable_minutes, started_at, ended_at, sent"


class Journal:
    """The sessions of one server and key. Each method is committed to disk when it returns.

    Raises ConfigError when the file is damaged or cannot be written; the file is kept as it is.
    """

    def __init__(self, path: Path, server: str, fingerprint: str, user_id: str | None = None) -> None:
        self._path, self._server, self._fingerprint, self._user_id = path, server, fingerprint, user_id

    def running(self) -> Kept | None:
        """The session whose clock runs."""
        return next((kept for kept in self._sessions() if kept.ended_at is None), None)

    def stopped(self) -> list[Kept]:
        """Sessions that were stopped and are not known to be on the server, oldest first."""
        return [kept for kept in self._sessions() if kept.ended_at is not None]

    def of_others(self) -> list[Kept]:
        """Sessions on this server of keys that are not known to be of the same user: they wait for theirs."""
        mine = {kept.id for kept in self._sessions()}
        return [kept for kept in self._select("server = ?", (self._server,)) if kept.id not in mine]

    def start(
        self, work_item: tuple[str, str], label: str, service_id: str | None, notes: str | None, started_at: datetime
    ) -> Kept:
        """Begin a session. Raises AlreadyRunning when another process was first."""
        whose = (self._server, self._fingerprint, self._user_id)
        values = (*whose, *work_item, label, service_id, notes, to_wire(started_at))
        insert = (
            "INSERT INTO session"
            " (server, fingerprint, user_id, work_item_type, work_item_id, label, service_id, notes, started_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        try:
            with self._open() as db:
                row = db.execute(f"{insert} RETURNING {FIELDS}", values).fetchone()
        except sqlite3.IntegrityError as fault:
            raise AlreadyRunning("A timer is running already.", "To see it: alga status") from fault
        return _kept(row)

    def stop(
        self, kept: Kept, ended_at: datetime, notes: str | None, service_id: str | None, billable_minutes: int | None
    ) -> Kept:
        """Write down the end and what is to be sent with it."""
        return self._update(
            kept,
            "ended_at = ?, notes = ?, service_id = ?, billable_minutes = ?",
            (to_wire(ended_at), notes, service_id, billable_minutes),
        )

    def sending(self, kept: Kept) -> Kept:
        """From here on it may be on the server."""
        return self._update(kept, "sent = 1", ())

    def not_sent(self, kept: Kept) -> Kept:
        """It is certain that the server does not have it."""
        return self._update(kept, "sent = 0", ())

    def forget(self, kept: Kept) -> None:
        """It is on the server, or was discarded."""
        with self._open() as db:
            db.execute("DELETE FROM session WHERE id = ?", (kept.id,))

    @contextmanager
    def alone(self, kept: Kept) -> Iterator[Kept]:
        """Hold the one lock there is for sending, with the session as it is by then. A crash gives the lock back.

        Raises AlreadyRunning when another process took care of the session meanwhile.
        """
        make_private(self._path.parent)
        with closing(
            sqlite3.connect(self._path.with_suffix(".lock"), timeout=LOCK_SECONDS, isolation_level=None)
        ) as lock:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as fault:
                raise AlreadyRunning("Another alga is sending just now. Nothing was changed.", "Try again.") from fault
            yield self._update(kept, "id = id", ())

    def _update(self, kept: Kept, change: str, values: tuple[object, ...]) -> Kept:
        """Change a session that is still as it was seen."""
        ended_at = to_wire(kept.ended_at) if kept.ended_at else None
        with self._open() as db:
            update = f"UPDATE session SET {change} WHERE id = ? AND ended_at IS ? RETURNING {FIELDS}"
            row = db.execute(update, (*values, kept.id, ended_at)).fetchone()
        if row is None:
            raise AlreadyRunning("Another alga took care of that timer just now.", "To see what is: alga status")
        return _kept(row)

    def _sessions(self) -> list[Kept]:
        condition = "server = ? AND (fingerprint = ? OR user_id = ?)"  # an unknown user is NULL and equals nobody
        return self._select(condition, (self._server, self._fingerprint, self._user_id))

    def _select(self, condition: str, values: tuple[str | None, ...]) -> list[Kept]:
        if not self._path.exists():
            return []
        with self._open() as db:
            return [
                _kept(row) for row in db.execute(f"SELECT {FIELDS} FROM session WHERE {condition} ORDER BY id", values)
            ]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        make_private(self._path.parent)
        try:
            with closing(sqlite3.connect(self._path, timeout=10)) as db:
                db.execute("PRAGMA synchronous = FULL")
                db.executescript(SCHEMA)
                with db:
                    yield db
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as fault:
            raise ConfigError(
                f"{self._path} cannot be used: {fault}. It was kept as it is.",
                "It holds unsent time: keep a copy of it.",
            ) from fault


def _kept(row: tuple[object, ...]) -> Kept:
    values: dict[str, Any] = dict(zip(FIELDS.split(", "), row, strict=True))
    ended_at = values["ended_at"]
    times = {"started_at": from_wire(values["started_at"]), "ended_at": from_wire(ended_at) if ended_at else None}
    return Kept(**{**values, **times, "sent": bool(values["sent"])})
