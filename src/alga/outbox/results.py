"""What became of each of many entries, and the exit code that says it for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from alga.core.errors import (
    AlgaError,
    Interrupted,
    InterruptedUnsent,
    PartlyDone,
    Refused,
    RoleForbids,
    UnknownOutcome,
    Unreachable,
    Verdict,
)

T = TypeVar("T")
Tell = Callable[[int], None]
NOT_DONE = ("refused", "faulty", "unknown", "not sent", "waits")


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
    ended: bool = False  # nothing more is sent: its command takes it back
    stopped: bool = False  # Ctrl-C came while they were sent
    waits: bool = False  # on disk, to be delivered later

    @property
    def verdict(self) -> Verdict:
        """Of what is not done: outbox.core decides by it what becomes of its operation."""
        usual = {"unknown": Verdict.UNKNOWN, "not sent": Verdict.NOT_SENT}.get(self.state, Verdict.NO)
        return Verdict.ENDED if self.ended else usual

    def published(self) -> dict[str, Any]:
        """As JSON shows it; a row of a file says where it stands."""
        where = {"file": self.place.file, "line": self.place.line, "row": self.place.row} if self.place else {}
        said = {"id": self.id, "outcome": self.state, "reason": self.reason}
        delivery = "queued" if self.waits else "delivered" if self.done and self.sent else None
        return where | said | {"delivery": delivery}


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 when all were done, or wait; 9 for some; when none was, 5 if each was refused, else 7. 130 after Ctrl-C."""
    states = Counter(outcome.state for outcome in outcomes)
    done = sum(outcome.done or outcome.waits for outcome in outcomes)
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
    said = [f"{number} {'wait' if state == 'waits' and number > 1 else state}" for state, number in states.items()]
    waits = " alga sync delivers what waits." if states["waits"] else ""
    return f"{', '.join(said)}.{waits}"


class Watch:
    """Is told how far it is while many are sent; here nothing more. See outbox.batch.Kept."""

    keeps = False  # what is not sent waits

    def __init__(self, tell: Tell = lambda number: None) -> None:
        self._tell, self._number = tell, 0

    def sending(self, outcomes: Sequence[Outcome]) -> None:
        """These are sent now: so far it is unknown what becomes of them."""

    def told(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """That became of some of them, and how it is to be told."""
        self._number += len(outcomes)
        self._tell(self._number)
        return outcomes


def in_chunks(
    items: Sequence[T],
    size: Callable[[], int],
    write: Callable[[Sequence[T]], object],
    judge: Callable[[Sequence[T], str], Iterator[Outcome]],
    untold: Callable[[T, str, str], Outcome],
    watch: Watch,
) -> list[Outcome]:
    """Write chunk by chunk, of `size` each, and tell what became of each item.

    `judge` gives the outcomes in the order of the chunk; where the answer to `write` was lost it is told what to say
    of items that are not there. What an error or Ctrl-C leaves is told too, see _left(). An error before anything was
    written is raised, unless what is not sent waits.
    """
    told: list[Outcome] = []
    while len(told) < len(items):
        chunk, begun, now = items[:0], False, list[Outcome]()
        try:
            chunk = items[len(told) : len(told) + size()]
            watch.sending([untold(item, "unknown", "") for item in chunk])
            lost = _written(write, chunk)
            begun = True
            for outcome in judge(chunk, lost):
                now.append(outcome)
        except (AlgaError, KeyboardInterrupt) as pressed:
            error = pressed if isinstance(pressed, AlgaError) else Interrupted("Interrupted.")
            stopped = isinstance(error, Interrupted)
            waits = watch.keeps and isinstance(error, Unreachable)
            if not (told or begun or stopped or waits):
                raise
            left = _left(error, chunk[len(now) :], items[len(told) + len(chunk) :], begun, untold)
            every = [*told, *watch.told([replace(outcome, stopped=stopped) for outcome in [*now, *left]])]
            return [replace(outcome, stopped=stopped) for outcome in every]
        told += watch.told(now)
    return told


def _left(
    error: AlgaError, chunk: Sequence[T], rest: Sequence[T], begun: bool, untold: Callable[[T, str, str], Outcome]
) -> list[Outcome]:
    """What an error leaves of a chunk, and of the items behind it: `refused` where the server said no to the chunk,
    `unknown` where it may have been written, else `not sent`.
    """
    unsent = isinstance(error, InterruptedUnsent)  # while the server had asked to wait
    if begun or (isinstance(error, Interrupted) and not unsent):
        told = [untold(item, "unknown", error.message) for item in chunk]
    else:
        told = [left_by(error, item, untold) for item in chunk]
    ended = error.verdict is not Verdict.NOT_SENT  # nothing more goes in this run, and its command takes it back
    return told + [replace(untold(item, "not sent", error.message), ended=ended) for item in rest]


def _written(write: Callable[[Sequence[T]], object], chunk: Sequence[T]) -> str:
    """Write; '', or where the answer was lost what is said of items that are not there."""
    try:
        write(chunk)
    except UnknownOutcome as error:
        return error.missing
    return ""


def left_by(error: AlgaError, item: T, untold: Callable[[T, str, str], Outcome]) -> Outcome:
    """The outcome of an item by an error that nobody told apart."""
    states = {Verdict.NO: "refused", Verdict.UNKNOWN: "unknown"}
    outcome = untold(item, states.get(error.verdict, "not sent"), error.message)
    return replace(outcome, ended=error.verdict is Verdict.ENDED)


def one_by_one(
    items: Sequence[T], send: Callable[[T], Outcome], untold: Callable[[T, str, str], Outcome]
) -> Iterator[Outcome]:
    """Each alone, to learn why it is refused. What is about all of them leaves the others unsent."""
    for number, item in enumerate(items):
        try:
            yield send(item)
        except Interrupted:
            raise
        except AlgaError as error:
            yield left_by(error, item, untold)
            if isinstance(error, RoleForbids) or error.verdict in (Verdict.ENDED, Verdict.NOT_SENT):
                ended = error.verdict is not Verdict.NOT_SENT
                rest = items[number + 1 :]
                yield from (replace(untold(each, "not sent", error.message), ended=ended) for each in rest)
                return
