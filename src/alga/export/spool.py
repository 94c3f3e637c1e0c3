"""The rows of an export on their way to a file: on disk, sorted, each entry once, so that memory stays flat."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from alga.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alga.api.models import TimeEntry

CREATE = """
CREATE TABLE rows (
    start REAL NOT NULL, id TEXT NOT NULL, person TEXT NOT NULL, work_item TEXT NOT NULL,
    worked INTEGER NOT NULL, billable INTEGER NOT NULL,
    running INTEGER NOT NULL, -- a timer that is meant, and has no time yet
    row BLOB)                 -- nothing for what is left out"""
ADD = "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
ONCE = "DELETE FROM rows WHERE rowid NOT IN (SELECT max(rowid) FROM rows GROUP BY id)"
SUMS = "count(*), coalesce(sum(worked), 0), coalesce(sum(billable), 0) FROM rows WHERE row IS NOT NULL"


class Sums(NamedTuple):
    """Of some entries: how many, minutes worked, minutes billable."""

    entries: int
    worked: int
    billable: int


class Spool:
    """Takes entries in any order, and gives the rows of those that are meant oldest first, ties by id.

    Of an entry that comes twice the last word counts. Raises ConfigError where there is no room for it.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # a temporary file of SQLite's own, gone when this is
        self._page, self._before = 0, 0
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", CREATE, "BEGIN"):
            self._db.execute(statement)

    def begin(self, page: int) -> None:
        """A page of entries begins; what an earlier try of the same page gave does not count."""
        with _room():
            if page == self._page:
                self._db.execute("DELETE FROM rows WHERE rowid > ?", (self._before,))
            else:
                self._before = self._db.execute("SELECT coalesce(max(rowid), 0) FROM rows").fetchone()[0]
        self._page = page

    def add(self, entry: TimeEntry, row: bytes | None, running: bool = False) -> None:
        """An entry with its row; without one it is left out."""
        item = entry.work_item_title or entry.work_item_id or entry.work_item_type or ""
        texts = (_sound(text) for text in (entry.id, entry.user_name or entry.user_id or "", item))
        minutes = (entry.duration_minutes, entry.billable_minutes or 0)
        try:  # not _room(): half a million times
            self._db.execute(ADD, (entry.started_at.timestamp(), *texts, *minutes, running, row))
        except sqlite3.OperationalError as fault:
            raise _no_room(fault) from fault

    def close(self) -> None:
        """All were added."""
        with _room():
            self._db.execute(ONCE)

    def __iter__(self) -> Iterator[bytes]:
        with _room():
            for (row,) in self._db.execute("SELECT row FROM rows WHERE row IS NOT NULL ORDER BY start, id"):
                yield row

    def seen(self) -> int:
        """How many entries came, those that are left out included."""
        return int(self._db.execute("SELECT count(*) FROM rows").fetchone()[0])

    def running(self) -> int:
        """How many timers are left out because they run."""
        return int(self._db.execute("SELECT count(*) FROM rows WHERE running").fetchone()[0])

    def sums(self) -> Sums:
        """Of all that are meant."""
        return Sums(*self._db.execute(f"SELECT {SUMS}").fetchone())

    def sums_by_person(self) -> Iterator[tuple[str, str, Sums]]:
        """Of each person and work item, sorted."""
        grouped = f"SELECT person, work_item, {SUMS} GROUP BY person, work_item ORDER BY person, work_item"
        with _room():
            for person, item, *numbers in self._db.execute(grouped):
                yield person, item, Sums(*numbers)


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as fault:
        raise _no_room(fault) from fault


def _no_room(fault: sqlite3.OperationalError) -> ConfigError:
    told = f"There is no room for the temporary file of an export ({fault})."
    return ConfigError(told, "Another place for it: SQLITE_TMPDIR=DIRECTORY before the command.")


def _sound(text: str) -> str:
    """What UTF-8 has no bytes for becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
