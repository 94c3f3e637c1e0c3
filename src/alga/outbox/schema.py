"""The journal's tables, and the migration of older files."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from alga.core.files import use_wal
from alga.outbox.operation import Kind, State

if TYPE_CHECKING:
    from collections.abc import Mapping

OPERATION = """
CREATE TABLE operation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL DEFAULT 0, -- so that two processes never change it over each other
    server TEXT NOT NULL,
    fingerprint TEXT NOT NULL,          -- of the key: it is sent with the key it was made with,
    user_id TEXT,                       -- or with another key of the same user
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    live INTEGER,                       -- 1 for a timer that runs or may run
    key TEXT,                           -- of log --key, while it counts
    entry_id TEXT,
    sent_at TEXT,                       -- since when it may be on the server
    changed_at TEXT NOT NULL,
    content TEXT NOT NULL               -- the rest of an Operation, as JSON
);
CREATE UNIQUE INDEX one_timer ON operation (server, fingerprint, live);
CREATE UNIQUE INDEX one_key ON operation (server, fingerprint, key);
CREATE INDEX by_state ON operation (server, state);
CREATE TABLE pause (server TEXT PRIMARY KEY, until TEXT NOT NULL); -- no connection a moment ago: not tried again yet
"""


def migrate(db: sqlite3.Connection) -> None:
    """Bring an older file up to date, in one transaction. Raises sqlite3.DatabaseError for a newer one."""
    if db.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS):
        return
    db.execute("PRAGMA synchronous = FULL")
    db.execute("BEGIN IMMEDIATE")
    try:
        there = db.execute("PRAGMA user_version").fetchone()[0]  # another process may have been first
        if there > len(MIGRATIONS):
            raise sqlite3.DatabaseError("a newer alga wrote it")
        for migration in MIGRATIONS[there:]:
            migration(db)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    use_wal(db, sqlite3.OperationalError)


def _first(db: sqlite3.Connection) -> None:
    """Create the table of operations, and move the older table of local sessions into it."""
    for statement in OPERATION.split(";"):
        db.execute(statement)
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'session'").fetchone():
        return
    for row in _dicts(db.execute("SELECT * FROM session ORDER BY id")):
        insert = "INSERT INTO operation (server, fingerprint, user_id, kind, state, live, sent_at, changed_at, content)"
        db.execute(f"{insert} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _session(row))
    db.execute("DROP TABLE session")


def _session(row: Mapping[str, Any]) -> list[object]:
    times = {"started_at": row["started_at"], "ended_at": row["ended_at"]}
    alike = ("work_item_type", "work_item_id", "service_id", "notes", "billable_minutes")
    asked = {name: row[name] for name in alike} | times
    content = {"asked": asked, "label": row["label"], "queued_at": row["started_at"], "timer": True}
    running, when = row["ended_at"] is None, row["ended_at"] or row["started_at"]
    state, live = (State.RUNNING, 1) if running else (State.QUEUED, None)
    sent_at = row["ended_at"] if row["sent"] else None
    whose = [row["server"], row["fingerprint"], row["user_id"]]
    return [*whose, Kind.CREATE, state, live, sent_at, when, json.dumps(content, ensure_ascii=False)]


def _dicts(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _second(db: sqlite3.Connection) -> None:
    """Add columns for the operations of one command line, and for an operation that undoes another."""
    db.execute("ALTER TABLE operation ADD COLUMN act TEXT")
    db.execute("ALTER TABLE operation ADD COLUMN undoes INTEGER")
    db.execute("CREATE INDEX by_act ON operation (act)")


MIGRATIONS = (_first, _second)
