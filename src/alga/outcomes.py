"""What became of each of many entries, and the exit code that says it for all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from alga.errors import AlgaError, Interrupted, PartlyDone, Refused
from alga.times import counted

T = TypeVar("T")
Tell = Callable[[int], None]


@dataclass(frozen=True)
class Place:
    """A row of a file; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Outcome:
    """One entry's. `state` is a word for it (approved, recorded, refused); `done`: it is now as was asked."""

    state: str
    done: bool
    id: str | None = None
    reason: str | None = None
    place: Place | None = None
    label: str = ""

    def published(self) -> dict[str, Any]:
        """As JSON shows it; a row of a file says where it stands."""
        where = {"file": self.place.file, "line": self.place.line} if self.place else {}
        said = {"id": self.id, "outcome": self.state, "reason": self.reason}
        return where | said | {"delivery": "delivered" if self.done else None}


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 when all were done, 5 when none was, 9 for some."""
    done = sum(outcome.done for outcome in outcomes)
    if done == len(outcomes):
        return 0
    return PartlyDone.exit_code if done else Refused.exit_code


def summed(verb: str, outcomes: Sequence[Outcome]) -> str:
    """`Approved 3 entries.`, `Approved 2 of 3 entries.`"""
    done = sum(outcome.done for outcome in outcomes)
    of = "" if done == len(outcomes) else f"{done} of "
    return f"{verb} {of}{counted(len(outcomes), 'entry')}."


def in_chunks(
    items: Sequence[T],
    size: int,
    send: Callable[[Sequence[T]], list[Outcome]],
    unsent: Callable[[T, str], Outcome],
    tell: Tell,
) -> list[Outcome]:
    """Send so many at a time. What an error leaves unsent gets its reason; when nothing was done, it is raised."""
    told: list[Outcome] = []
    for start in range(0, len(items), size):
        try:
            told += send(items[start : start + size])
        except AlgaError as error:
            done = sum(outcome.done for outcome in told)
            if isinstance(error, Interrupted) and done:
                raise error.adding(f"Before that, {done} of {counted(len(items), 'entry')} were done.") from None
            if isinstance(error, Interrupted) or not done:
                raise
            return told + [unsent(item, error.message) for item in items[start:]]
        tell(len(told))
    return told
