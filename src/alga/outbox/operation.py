"""An operation: something to do on a server once, its state, and what a look at the server shows."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from alga.core.times import cut

if TYPE_CHECKING:
    from alga.core.entry import Entry, EntryRequest

ACT = 20  # characters of an act: when it was typed, in milliseconds, and eight by chance
PRACTICE = "practice "  # prefix of the keys of practice entries


class Kind(StrEnum):
    """What an operation does."""

    CREATE = "create"
    START = "start"
    STOP = "stop"
    EDIT = "edit"
    DELETE = "delete"
    APPROVE = "approve"
    SEND_BACK = "request-changes"


class State(StrEnum):
    """The state of an operation. Only QUEUED operations are sent; RUNNING and QUEUED operations occupy their time."""

    RUNNING = "running"  # a timer: its clock is here (CREATE), or on the server (START)
    QUEUED = "queued"  # on disk; once it has been sent it may be on the server, so it is looked for first
    DONE = "done"
    REFUSED = "refused"  # and reported by the command that made it: nothing was recorded, nothing waits
    ASIDE = "set aside"  # a person decides: alga queue
    DROPPED = "dropped"  # a person decided that it is never sent


class Seen(StrEnum):
    """What a look at the server showed."""

    DONE = "done"  # an earlier sending got through
    NOT_DONE = "not done"  # and the entry it is about is unchanged
    RUNNING = "running"  # START: the server's clock runs
    ENDED = "ended"  # START: it ran, and was stopped elsewhere
    CHANGED = "changed"  # somebody else changed the entry it is about
    UNCLEAR = "unclear"  # cannot be decided yet


class Look(NamedTuple):
    """The result of a look: the entry or session, and a reason unless it is simply done or not done.

    `guarded`: if the result is unclear, the server would refuse a duplicate.
    """

    seen: Seen
    entry: Entry | None = None
    reason: str = ""
    guarded: bool = False


class Operation(NamedTuple):
    """Something to do on a server exactly once. Times in UTC.

    A timer is one operation for its whole life: START, STOP, and EDIT if its start must be corrected; or CREATE, with
    the end once it stops. `asked.started_at` of a START or STOP is a back-dated start; `before` is the session seen.
    """

    kind: Kind
    asked: EntryRequest
    label: str
    queued_at: datetime
    state: State = State.QUEUED
    entry_id: str | None = None  # the entry it is about, and in the end the entry it made
    before: Entry | None = None  # the entry it is about, as it was seen
    remembered: bool = False  # `before` comes from the cache, so it may be outdated
    stored: Entry | None = None  # the entry on the server when it was done
    after: tuple[int, ...] = ()  # operations of the same act that must be done before it: their places, then numbers
    item_typed: str | None = None  # to be looked up before the first sending, like the service
    service_typed: str | None = None
    feedback: str | None = None  # of request-changes; the reason is in asked.notes
    timer: bool = False
    key: str | None = None  # a script's key: delivered once, however often the script runs
    mended: bool = False  # a person corrected the request
    sent_at: datetime | None = None  # since when it may be on the server
    ahead: float | None = None  # seconds by which the server's clock was then ahead of ours, if known
    tries: int = 0
    tried_at: datetime | None = None  # the last time
    failures: int = 0  # consecutive tries that got 5xx or no answer
    failing_since: datetime | None = None  # the time of the first of these failures
    fault: str = ""  # the last failure in a word: 502
    missing: bool = False  # a look after the last failure found nothing
    reason: str = ""
    id: int = 0
    act: str | None = None  # the same for all operations of one command line
    undoes: int | None = None  # the operation that it takes back
    typed: bool = False  # by a person at a terminal
    undone: bool = False  # dropped because a person took it back, so that its key stays spent
    version: int = 0
    server: str = ""
    user_id: str | None = None
    fingerprint: str = ""
    changed_at: datetime | None = None

    @property
    def practice(self) -> bool:
        """Whether it sends a practice entry: such an entry is queued only once, even after a person dropped it."""
        return (self.key or "").startswith(PRACTICE)

    @property
    def in_doubt(self) -> bool:
        """Whether it was sent without a clear answer, so that it may be on the server."""
        return self.state is State.QUEUED and self.sent_at is not None

    @property
    def goes_alone(self) -> bool:
        """Whether something is to be done before it is sent, so that it cannot go in a call with others: a typed name
        is looked up, or the place of what an undo brings back is checked.
        """
        item = self.item_typed is not None and self.asked.work_item_id is None
        return item or self.service_typed is not None or self.undoes is not None

    @property
    def discards(self) -> bool:
        """Whether it deletes a timer that was running, so that nothing was recorded."""
        return self.kind is Kind.DELETE and self.before is not None and self.before.ended_at is None

    @property
    def live(self) -> bool:
        """Whether it is a timer that runs or may run; each key has at most one."""
        starting = self.kind is Kind.START and self.state is State.QUEUED and self.asked.ended_at is None
        return self.state is State.RUNNING or starting

    @property
    def started_at(self) -> datetime:
        """The start of its time, as far as this computer knows, in UTC."""
        before = self.before.started_at if self.before else None
        return self.asked.started_at or before or cut(self.queued_at)


class Act(NamedTuple):
    """The operations of one command line."""

    operations: list[Operation]
    undone: bool

    @property
    def number(self) -> int:
        """Its number: that of its first operation."""
        return self.operations[0].id

    @property
    def typed(self) -> bool:
        """Whether a person typed it at a terminal."""
        return any(each.typed for each in self.operations)

    @property
    def at(self) -> datetime:
        """When it was typed, in UTC; of an older file when it was queued."""
        act = self.operations[0].act or ""
        return (
            datetime.fromtimestamp(int(act[:12], 16) / 1000, UTC) if len(act) == ACT else self.operations[0].queued_at
        )
