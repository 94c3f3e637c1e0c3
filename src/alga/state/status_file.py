"""The running timers in one small file, for prompts and status bars: docs/guide.md shows how they read it."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from alga.core import files
from alga.core.safe_text import brief, plain

if TYPE_CHECKING:
    from pathlib import Path

_MORE_THAN_TEXT = re.compile(r"[%#$`\\{}]")  # characters with a meaning to a prompt or a status bar
LONGEST = 200  # characters of a text


class PromptLine(NamedTuple):
    """A timer as a prompt shows it: its start in UTC, its work item as people know it, and its profile."""

    started_at: datetime
    work_item: str
    notes: str
    profile: str
    work_item_type: str
    work_item_id: str

    def line(self) -> str:
        """Seconds since 1970, work item, notes, profile, type and id, separated by tabs."""
        texts = (self.work_item, self.notes, self.profile, self.work_item_type, self.work_item_id)
        safe = (_MORE_THAN_TEXT.sub("", plain(brief(text, LONGEST))) for text in texts)
        return "\t".join((f"{self.started_at.timestamp():.0f}", *safe))


def write(path: Path, profile: str, running: PromptLine | None) -> None:
    """Put the timer of a profile first, or remove it when nothing is running. Raises OSError."""
    before = _read(path)
    after = [*([running] if running else []), *(each for each in before if each.profile != profile)]
    if [each.line() for each in after] != [each.line() for each in before]:
        files.write_whole(path, "".join(f"{each.line()}\n" for each in after), cache=True)


def _read(path: Path) -> list[PromptLine]:
    """Lines that make no sense are skipped."""
    try:
        lines = files.read_own(path).splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    rows = [line.split("\t") for line in lines]
    timers = []
    for since, *texts in (row for row in rows if len(row) == len(PromptLine._fields) and row[0].isdecimal()):
        with suppress(ValueError, OverflowError, OSError):  # a number that is not a valid time
            timers.append(PromptLine(datetime.fromtimestamp(int(since), UTC), *texts))
    return timers
