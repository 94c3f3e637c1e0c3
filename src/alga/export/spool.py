"""The rows of an export on their way to a file: on disk, sorted, each entry once, so that memory stays flat."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alga.api.models import TimeEntry

CREATE = """
CREATE TABLE rows (
    start REAL NOT NULL, id TEXT NOT NULL, person TEXT NOT NULL, work_item TEXT NOT NULL,
    worked INTEGER NOT NULL, billable INTEGER NOT NULL, row BLOB NOT NULL)"""
ADD = "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)"
ONCE = "DELETE FROM rows WHERE rowid NOT IN (SELECT max(rowid) FROM rows GROUP BY id)"
SUMS = "count(*), coalesce(sum(worked), 0), coalesce(sum(billable), 0) FROM rows"


class Sums(NamedTuple):
    """Of some entries: how many, minutes worked, minutes billable."""

    entries: int
    worked: int
    billable: int


class Spool:
    """Takes the rows of entries in any order, and gives them back oldest first, ties by id. Closed when it is gone."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # a temporary file of SQLite's own
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", CREATE, "BEGIN"):
            self._db.execute(statement)

    def add(self, entry: TimeEntry, row: bytes) -> None:
        """An entry that comes again is as it was the last time."""
        item = entry.work_item_title or entry.work_item_id or entry.work_item_type or ""
        texts = (_sound(text) for text in (entry.id, entry.user_name or entry.user_id or "", item))
        minutes = (entry.duration_minutes, entry.billable_minutes or 0)
        self._db.execute(ADD, (entry.started_at.timestamp(), *texts, *minutes, row))

    def close(self) -> None:
        """All were added."""
        self._db.execute(ONCE)

    def __iter__(self) -> Iterator[bytes]:
        for (row,) in self._db.execute("SELECT row FROM rows ORDER BY start, id"):
            yield row

    def sums(self) -> Sums:
        """Of all."""
        return Sums(*self._db.execute(f"SELECT {SUMS}").fetchone())

    def sums_by_person(self) -> Iterator[tuple[str, str, Sums]]:
        """Of each person and work item, sorted."""
        grouped = f"SELECT person, work_item, {SUMS} GROUP BY person, work_item ORDER BY person, work_item"
        for person, item, *numbers in self._db.execute(grouped):
            yield person, item, Sums(*numbers)


def _sound(text: str) -> str:
    """What UTF-8 has no bytes for becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
