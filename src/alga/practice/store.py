"""The embedded server's data in SQLite: WAL, foreign keys, one connection a request."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from shlex import quote
from typing import TYPE_CHECKING, Any

from alga.core.errors import ConfigError
from alga.core.files import make_private_file, use_wal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SCHEMA = """
CREATE TABLE users (
    user_id TEXT PRIMARY KEY, user_name TEXT NOT NULL, role TEXT NOT NULL, api_key TEXT NOT NULL UNIQUE);
CREATE TABLE services (service_id TEXT PRIMARY KEY, service_name TEXT NOT NULL, billing_method TEXT NOT NULL);
CREATE TABLE tickets (
    ticket_id TEXT PRIMARY KEY, ticket_number TEXT NOT NULL UNIQUE, title TEXT NOT NULL, client_name TEXT NOT NULL,
    is_closed INTEGER NOT NULL, assigned_to TEXT NOT NULL REFERENCES users);
CREATE TABLE sheets (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users, period TEXT NOT NULL, approval_status TEXT NOT NULL,
    UNIQUE (user_id, period));
CREATE TABLE entries (
    entry_id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users, work_item_type TEXT NOT NULL, work_item_id TEXT,
    start_time TEXT NOT NULL, end_time TEXT, billable_duration INTEGER NOT NULL, notes TEXT,
    service_id TEXT REFERENCES services, approval_status TEXT NOT NULL, time_sheet_id TEXT REFERENCES sheets,
    work_date TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX entries_by_user ON entries (user_id, start_time);
"""
LATER = """
CREATE TABLE IF NOT EXISTS tasks (
    task_id TEXT PRIMARY KEY, task_name TEXT NOT NULL, project_name TEXT NOT NULL,
    assigned_to TEXT NOT NULL REFERENCES users);
CREATE INDEX IF NOT EXISTS entries_by_start ON entries (start_time);
CREATE INDEX IF NOT EXISTS entries_by_end ON entries (user_id, end_time);
"""
ENTRY = (
    "entry_id", "user_id", "work_item_type", "work_item_id", "start_time", "end_time", "billable_duration", "notes",
    "service_id", "approval_status", "time_sheet_id", "work_date", "created_at", "updated_at",
)  # fmt: skip
JOINED = """
SELECT entries.*, users.user_name, services.service_name, tickets.title AS work_item_title
FROM entries JOIN users USING (user_id) LEFT JOIN services USING (service_id)
LEFT JOIN tickets ON tickets.ticket_id = entries.work_item_id"""
SERVICES = ("Basic Support", "Premium Support", "On-site Work")
TICKETS = (
    ("TIC1001", "New laptop for reception", "Emerald City"), ("TIC1011", "VPN drops every hour", "Wonderland"),
    ("TIC1023", "Patch night follow-up", "Emerald City"), ("TIC1042", "Mailbox full, cannot send", "Wonderland"),
)  # fmt: skip
TASKS = ("Map new areas", "Design the roads")
PEOPLE = {"technician": "Tin Woodman", "admin": "Glinda Good"}
BUSY_SECONDS = 20
VERSION = WITH_TASKS = 3


class Store:
    """One database file. Lenient has one user; strict has a technician, an admin and a colleague's entries."""

    def __init__(self, path: Path, strict: bool) -> None:
        self._path, self._strict = path, strict

    @contextmanager
    def open(self, writing: bool) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction, committed at the end; a writing one holds the write lock from the start."""
        try:
            make_private_file(self._path)
            with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)) as db:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA foreign_keys = ON")
                db.execute("PRAGMA synchronous = FULL")
                if db.execute("PRAGMA user_version").fetchone()[0] < VERSION:
                    self._create(db)
                db.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
                with db:
                    yield db
        except sqlite3.IntegrityError:
            raise
        except (sqlite3.Error, OSError) as fault:
            raise self.unusable(str(fault)) from fault

    def unusable(self, why: str) -> ConfigError:
        """The error for damaged data."""
        return ConfigError(
            f"The practice data in {self._path} cannot be used: {why}. The file was kept as it is.",
            f"To begin anew, move it away: mv {quote(str(self._path))} {quote(f'{self._path}.kept')}",
        )

    def _create(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        with db:
            there = db.execute("PRAGMA user_version").fetchone()[0]  # another process may have been first
            if there < VERSION:
                self._fill(db, there)
                db.execute(f"PRAGMA user_version = {VERSION}")
        use_wal(db, sqlite3.OperationalError)

    def _fill(self, db: sqlite3.Connection, there: int) -> None:
        """The tables, unless they are there, and what later versions added."""
        if not there:
            for statement in SCHEMA.split(";\n"):
                db.execute(statement)
            people = PEOPLE if self._strict else {"local": "You"}
            for role, name in people.items():
                values = (str(uuid.uuid4()), name, role, uuid.uuid4().hex + uuid.uuid4().hex)
                db.execute("INSERT INTO users VALUES (?, ?, ?, ?)", values)
            self._catalogue(db)
            if self._strict:
                self._colleague(db)
        for statement in LATER.split(";\n"):
            db.execute(statement)
        if self._strict and there < WITH_TASKS:
            self._tasks(db)

    def _catalogue(self, db: sqlite3.Connection) -> None:
        for name in SERVICES:
            db.execute("INSERT INTO services VALUES (?, ?, 'hourly')", (str(uuid.uuid4()), name))
        owner = db.execute("SELECT user_id FROM users ORDER BY role DESC").fetchone()[0]
        for number, title, client in TICKETS:
            values = (str(uuid.uuid4()), number, title, client, number == "TIC1001", owner)
            db.execute("INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?)", values)

    def _tasks(self, db: sqlite3.Connection) -> None:
        """A project, whose first task is the technician's and whose second is not."""
        for role, name in zip(PEOPLE, TASKS, strict=True):
            owner = db.execute("SELECT user_id FROM users WHERE role = ?", (role,)).fetchone()[0]
            db.execute("INSERT INTO tasks VALUES (?, ?, 'Road network', ?)", (str(uuid.uuid4()), name, owner))

    def _colleague(self, db: sqlite3.Connection) -> None:
        """An admin's submitted entry for each service: a technician learns services from these."""
        admin = db.execute("SELECT user_id FROM users WHERE role = 'admin'").fetchone()[0]
        ticket = db.execute("SELECT ticket_id FROM tickets").fetchone()[0]
        day = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=7)
        for hours, (service,) in enumerate(db.execute("SELECT service_id FROM services").fetchall()):
            start = day + timedelta(hours=hours)
            form = "%Y-%m-%dT%H:%M:00Z"
            insert(db, {
                "entry_id": str(uuid.uuid4()), "user_id": admin, "work_item_type": "ticket", "work_item_id": ticket,
                "start_time": start.strftime(form), "end_time": (start + timedelta(minutes=30)).strftime(form),
                "billable_duration": 30, "notes": "Handover", "service_id": service, "approval_status": "SUBMITTED",
                "time_sheet_id": sheet(db, admin, start.strftime("%Y-%m")), "work_date": start.strftime("%Y-%m-%d"),
                "created_at": start.strftime(form), "updated_at": start.strftime(form),
            })  # fmt: skip


def insert(db: sqlite3.Connection, row: dict[str, Any]) -> None:
    """A new entry."""
    marks = ", ".join("?" * len(ENTRY))
    db.execute(f"INSERT INTO entries ({', '.join(ENTRY)}) VALUES ({marks})", [row[name] for name in ENTRY])


def update(db: sqlite3.Connection, entry_id: str, changes: dict[str, Any]) -> None:
    """Change columns of an entry."""
    names = [name for name in ENTRY if name in changes]
    settings = ", ".join(f"{name} = ?" for name in names)
    db.execute(f"UPDATE entries SET {settings} WHERE entry_id = ?", [*(changes[name] for name in names), entry_id])


def one(db: sqlite3.Connection, entry_id: str) -> sqlite3.Row | None:
    """An entry with its names."""
    row: sqlite3.Row | None = db.execute(f"{JOINED} WHERE entry_id = ?", (entry_id.lower(),)).fetchone()
    return row


def select(
    db: sqlite3.Connection, where: Sequence[tuple[str, object]], order: str = "", limit: int = -1, offset: int = 0
) -> list[sqlite3.Row]:
    """Entries that meet all conditions, each an expression with one `?`."""
    condition = " AND ".join(expression for expression, _ in where) or "1"
    values = [*(value for _, value in where), limit, offset]
    return db.execute(f"{JOINED} WHERE {condition} {order} LIMIT ? OFFSET ?", values).fetchall()


def count(db: sqlite3.Connection, where: Sequence[tuple[str, object]]) -> int:
    """How many there are."""
    condition = " AND ".join(expression for expression, _ in where) or "1"
    query = f"SELECT count(*) FROM ({JOINED} WHERE {condition})"
    return int(db.execute(query, [value for _, value in where]).fetchone()[0])


def sheet(db: sqlite3.Connection, user_id: str, period: str) -> str:
    """The user's time sheet of a month, found or silently made."""
    known = db.execute("SELECT id FROM sheets WHERE user_id = ? AND period = ?", (user_id, period)).fetchone()
    if known:
        return str(known[0])
    sheet_id = str(uuid.uuid4())
    db.execute("INSERT INTO sheets VALUES (?, ?, ?, 'DRAFT')", (sheet_id, user_id, period))
    return sheet_id
