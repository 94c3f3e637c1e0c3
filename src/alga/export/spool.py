"""The rows of an export on their way to a file: on disk, sorted, each entry once, so that memory stays flat."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from alga.core.errors import ConfigError
from alga.core.intervals import Sums
from alga.lookup.entries import say_ignored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from alga.api.client import Client
    from alga.core.entry import Entry
    from alga.core.filters import Selection
    from alga.lookup.entries import Warn

CREATE = """
CREATE TABLE rows (
    start REAL NOT NULL, id TEXT NOT NULL,
    first TEXT NOT NULL, first_name TEXT NOT NULL, second TEXT NOT NULL, second_name TEXT NOT NULL, -- its groups
    worked INTEGER NOT NULL, billable INTEGER NOT NULL,
    running INTEGER NOT NULL, -- a timer that is meant, and has no time yet
    row BLOB)                 -- nothing for what is left out"""
ADD = "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ONCE = "DELETE FROM rows WHERE rowid NOT IN (SELECT max(rowid) FROM rows GROUP BY id)"
SUMS = (
    "coalesce(sum(worked), 0), coalesce(sum(billable), 0), count(row), coalesce(sum(running), 0) "
    "FROM rows WHERE row IS NOT NULL OR running"
)


class GroupName(NamedTuple):
    """A group of entries: a unique key, and the name by which people know the group."""

    key: str
    name: str

    @property
    def id(self) -> str:
        """The key if it is an id, otherwise ''."""
        return "" if self.key.startswith(NAMELESS) else self.key


def group(key: str | None, name: str) -> GroupName:
    """A group by its id; without an id, by its name."""
    return GroupName(key or f"{NAMELESS}{name}", name)


NAMELESS = "\x01"  # no id begins with this character
NO_GROUP = GroupName("", "")


class Spool:
    """Takes entries in any order, and returns the rows of matching entries oldest first, ties by id; and their sums.

    If an entry comes twice, the last version counts. Raises ConfigError when the disk is full.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # SQLite's own temporary file, deleted on close
        self._page, self._before = 0, 0
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", CREATE, "BEGIN"):
            self._db.execute(statement)

    def begin(self, page: int) -> None:
        """Begin a page of entries; page 1 starts over. Entries of an earlier try of the same page are removed."""
        with _room():
            if page == 1:
                self._before = 0
                self._db.execute("DELETE FROM rows")
            elif page == self._page:
                self._db.execute("DELETE FROM rows WHERE rowid > ?", (self._before,))
            else:
                self._before = self._db.execute("SELECT coalesce(max(rowid), 0) FROM rows").fetchone()[0]
        self._page = page

    def add(
        self,
        entry: Entry,
        row: bytes | None,
        running: bool = False,
        by: GroupName = NO_GROUP,
        then: GroupName = NO_GROUP,
    ) -> None:
        """Add an entry with its row and its groups; without a row it is left out, and only counted if `running`."""
        texts = (entry.id, *by, *then)
        minutes = (entry.duration_minutes, entry.billable_minutes or 0) if entry.ended_at else (0, 0)
        try:  # not _room(): half a million times
            self._db.execute(ADD, (entry.started_at.timestamp(), *texts, *minutes, running, row))
        except sqlite3.OperationalError as fault:
            raise _no_room(fault) from fault

    def close(self) -> None:
        """Finish adding: keep the last version of each entry."""
        with _room():
            self._db.execute(ONCE)

    def __iter__(self) -> Iterator[bytes]:
        with _room():
            for (row,) in self._db.execute("SELECT row FROM rows WHERE row IS NOT NULL ORDER BY start, id"):
                yield row

    def seen(self) -> int:
        """The number of different entries received, including those left out."""
        return int(self._db.execute("SELECT count(DISTINCT id) FROM rows").fetchone()[0])

    def sums(self) -> Sums:
        """The sums of all matching entries, and the number of running timers."""
        return Sums(*self._db.execute(f"SELECT {SUMS}").fetchone())

    def groups(self) -> Iterator[tuple[GroupName, GroupName, Sums]]:
        """The same for each group and subgroup, by name."""
        names = "first, max(first_name) AS name, second, max(second_name) AS then_name"
        grouped = f"SELECT {names}, {SUMS} GROUP BY first, second ORDER BY name, first, then_name, second"
        with _room():
            for first, name, second, then_name, *numbers in self._db.execute(grouped):
                yield GroupName(first, name), GroupName(second, then_name), Sums(*numbers)


def spooled(
    client: Client, selection: Selection, zone: tzinfo, warn: Warn, put: Callable[[Spool, Entry, bool], None]
) -> Spool:
    """All entries of a selection, from the server's export; `put` gets each entry and whether it matches.

    Raises Incomplete if the server counts more entries than it sends.
    """
    spool, sieve = Spool(), selection.sieve(zone)

    def take(entry: Entry) -> None:
        put(spool, entry, sieve.keeps(entry))

    def begin(page: int) -> Callable[[Entry], None]:
        spool.begin(page)
        return take

    client.export(selection.query(zone), begin, spool.seen, long=True)
    spool.close()
    say_ignored(sieve.ignored, warn)
    return spool


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as fault:
        raise _no_room(fault) from fault


def _no_room(fault: sqlite3.OperationalError) -> ConfigError:
    told = f"Not enough disk space for the temporary file of an export ({fault})."
    return ConfigError(told, "To use another place, put SQLITE_TMPDIR=DIRECTORY before the command.")
