"""Results: of each operation in this run, and of many in one table and one exit code."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from alga.core.errors import AlgaError, Interrupted, PartlyDone, Refused, UnknownOutcome, Verdict
from alga.outbox.operation import Operation, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alga.core.entry import Entry


class Result(NamedTuple):
    """The result of an operation in this run: the entry it made, or the error of the last try."""

    operation: Operation
    entry: Entry | None = None
    error: AlgaError | None = None


class Ending(StrEnum):
    """The outcome of one of many operations, in a word."""

    RECORDED = "recorded"
    RECORDED_ALREADY = "recorded already"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    APPROVED = "approved"
    SENT_BACK = "sent back"
    SENT_BACK_ALREADY = "sent back already"
    TO_RECORD = "to record"  # with --dry-run
    TO_CHANGE = "to change"
    DISCARDED = "discarded"  # taken back before it was on the server
    WAITS = "waits"  # on disk, to be delivered later
    REFUSED = "refused"
    FAULTY = "faulty"
    NOT_SENT = "not sent"


NOT_DONE = (Ending.WAITS, Ending.REFUSED, Ending.FAULTY, Ending.NOT_SENT)
NOTHING_SENT = (
    Ending.RECORDED_ALREADY,
    Ending.UNCHANGED,
    Ending.SENT_BACK_ALREADY,
    Ending.TO_RECORD,
    Ending.TO_CHANGE,
    Ending.DISCARDED,
)


class Place(NamedTuple):
    """A row of a file; lines and rows count from 1, and a line of JSON may hold several rows."""

    file: str
    line: int
    row: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Outcome(NamedTuple):
    """The outcome of one entry or row."""

    ending: Ending
    id: str | None = None
    reason: str | None = None
    place: Place | None = None
    label: str = ""
    interrupted: bool = False  # Ctrl-C came before it was sent, or while it was

    @property
    def done(self) -> bool:
        """Whether the entry is now as requested."""
        return self.ending not in NOT_DONE

    def published(self) -> dict[str, Any]:
        """The outcome as JSON; with file, line and row for a row of a file."""
        where = {"file": self.place.file, "line": self.place.line, "row": self.place.row} if self.place else {}
        said = {"id": self.id, "outcome": str(self.ending), "reason": self.reason}
        delivered = "delivered" if self.done and self.ending not in NOTHING_SENT else None
        return where | said | {"delivery": "queued" if self.ending is Ending.WAITS else delivered}


def ending(result: Result, done: Ending) -> Ending:
    """The outcome of an operation, in a word; `done` is the word for success."""
    state, error = result.operation.state, result.error
    if state is State.DONE:
        return done
    if state is State.QUEUED or (state is State.ASIDE and error is None):  # for the server, or for a person
        return Ending.WAITS
    return Ending.NOT_SENT if error and error.verdict is not Verdict.NO else Ending.REFUSED


def outcome(result: Result, done: Ending, place: Place | None = None, label: str = "", reason: str = "") -> Outcome:
    """The outcome of an operation, with the entry's id, and with `reason` or the cause of a failure."""
    operation = result.operation
    said = reason or operation.reason or (result.error.message if result.error else "")
    interrupted = isinstance(result.error, Interrupted)
    return Outcome(ending(result, done), operation.entry_id, said or None, place, label or operation.label, interrupted)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 when all are done or wait; 9 for some; for none 5 if all were refused, otherwise 7. 130 after Ctrl-C."""
    if any(each.interrupted for each in outcomes):
        return Interrupted.exit_code
    good = sum(each.done or each.ending is Ending.WAITS for each in outcomes)
    if good == len(outcomes):
        return 0
    if good:
        return PartlyDone.exit_code
    unsent = any(each.ending is Ending.NOT_SENT for each in outcomes)
    return UnknownOutcome.exit_code if unsent else Refused.exit_code


def summed(outcomes: Sequence[Outcome]) -> str:
    """`3 approved.`, `2 recorded, 1 refused.`"""
    endings = Counter(each.ending for each in outcomes)
    said = [
        f"{number} {'wait' if ending is Ending.WAITS and number > 1 else ending}" for ending, number in endings.items()
    ]
    waits = " alga sync delivers what waits." if endings[Ending.WAITS] else ""
    return f"{', '.join(said)}.{waits}"
