"""What became of each of many entries, and the exit code that says it for all."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from alga.errors import AlgaError, Interrupted, PartlyDone, Refused, UnknownOutcome

T = TypeVar("T")
Tell = Callable[[int], None]
NOT_DONE = ("refused", "faulty", "unknown", "not sent")


@dataclass(frozen=True)
class Place:
    """A row of a file; lines and rows count from 1, and a line of JSON may hold several rows."""

    file: str
    line: int
    row: int = 1

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
    sent: bool = True
    stopped: bool = False  # Ctrl-C came while they were sent

    def published(self) -> dict[str, Any]:
        """As JSON shows it; a row of a file says where it stands."""
        where = {"file": self.place.file, "line": self.place.line, "row": self.place.row} if self.place else {}
        said = {"id": self.id, "outcome": self.state, "reason": self.reason}
        return where | said | {"delivery": "delivered" if self.done and self.sent else None}


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 when all were done, 9 for some; when none was, 5 if each was refused, else 7. 130 after Ctrl-C."""
    states = Counter(outcome.state for outcome in outcomes)
    done = sum(outcome.done for outcome in outcomes)
    if any(outcome.stopped for outcome in outcomes):
        return Interrupted.exit_code
    if done == len(outcomes):
        return 0
    if done:
        return PartlyDone.exit_code
    return UnknownOutcome.exit_code if states["unknown"] or states["not sent"] else Refused.exit_code


def summed(outcomes: Sequence[Outcome]) -> str:
    """`3 approved.`, `2 recorded, 1 refused.`"""
    states = Counter(outcome.state for outcome in outcomes)
    return ", ".join(f"{number} {state}" for state, number in states.items()) + "."


def split(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """In chunks of so many."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def in_chunks(
    chunks: Sequence[Sequence[T]],
    write: Callable[[Sequence[T]], object],
    judge: Callable[[Sequence[T], bool], Iterator[Outcome]],
    untold: Callable[[T, str, str], Outcome],
    tell: Tell,
) -> list[Outcome]:
    """Write chunk by chunk, and tell what became of each item.

    `judge` gives the outcomes in the order of the chunk; it is told whether the answer to `write` was lost. What an
    error or Ctrl-C leaves is told too: `unknown` where it may have been written, else `not sent`. An error before
    anything was written is raised.
    """
    told: list[Outcome] = []
    for number, chunk in enumerate(chunks):
        begun, before = False, len(told)
        try:
            lost = _written(write, chunk)
            begun = True
            for outcome in judge(chunk, lost):
                told.append(outcome)
            tell(len(told))
        except (AlgaError, KeyboardInterrupt) as error:
            stopped = isinstance(error, Interrupted | KeyboardInterrupt)
            if not (told or begun or stopped):
                raise
            why = error.message if isinstance(error, AlgaError) else "Interrupted."
            left = chunk[len(told) - before :] if begun or stopped else []
            told += [untold(item, "unknown", why) for item in left]
            rest = [item for each in chunks[number + (begun or stopped) :] for item in each]
            told += [untold(item, "not sent", why) for item in rest]
            return [replace(outcome, stopped=stopped) for outcome in told]
    return told


def _written(write: Callable[[Sequence[T]], object], chunk: Sequence[T]) -> bool:
    """Write, and whether the answer was lost."""
    try:
        write(chunk)
    except UnknownOutcome:
        return True
    return False


def one_by_one(
    items: Sequence[T], send: Callable[[T], Outcome], untold: Callable[[T, str, str], Outcome]
) -> Iterator[Outcome]:
    """Each alone, to learn why it is refused. An error that is not about one of them leaves the others unsent."""
    for number, item in enumerate(items):
        try:
            yield send(item)
        except UnknownOutcome as error:
            yield untold(item, "unknown", error.message)
        except Interrupted:
            raise
        except AlgaError as error:
            yield from (untold(each, "not sent", error.message) for each in items[number:])
            return
