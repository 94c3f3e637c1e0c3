"""What is to be done on a server, once: an operation, where it stands, and what a look at the server shows of it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from alga.core.times import cut

if TYPE_CHECKING:
    from datetime import datetime

    from alga.core.entry import Entry, EntryRequest

PRACTICE = "practice "  # how the keys of practice entries begin


class Kind(StrEnum):
    """What is to be done."""

    CREATE = "create"
    START = "start"
    STOP = "stop"
    EDIT = "edit"
    DELETE = "delete"
    APPROVE = "approve"
    SEND_BACK = "request-changes"


class State(StrEnum):
    """Where an operation stands. Only QUEUED ones are sent; RUNNING and QUEUED ones take up their time."""

    RUNNING = "running"  # a timer: its clock is here (CREATE), or on the server (START)
    QUEUED = "queued"  # on disk; once it has been sent it may be on the server, so it is looked for first
    DONE = "done"
    REFUSED = "refused"  # in the command that made it: that was said, nothing was recorded, nothing waits
    ASIDE = "set aside"  # a person decides: alga queue
    DROPPED = "dropped"  # a person decided: never to be sent


class Seen(StrEnum):
    """What a look at the server showed."""

    DONE = "done"  # an earlier sending got through
    NOT_DONE = "not done"  # and what it is about is as it was
    RUNNING = "running"  # START: the server's clock runs
    ENDED = "ended"  # START: it ran, and was stopped elsewhere
    CHANGED = "changed"  # somebody else changed what it is about
    UNCLEAR = "unclear"  # nobody can tell yet


class Look(NamedTuple):
    """What a look showed: the entry or session, and a reason for what is neither done nor not done.

    `guarded`: where nobody can tell, the server refuses a second sending of what is there.
    """

    seen: Seen
    entry: Entry | None = None
    reason: str = ""
    guarded: bool = False


class Operation(NamedTuple):
    """One thing to be done once. Times in UTC.

    A timer is one operation all its life: START, STOP, and EDIT where its start must be corrected; or CREATE, with the
    end when it stops. `asked.started_at` of a START or STOP is a back-dated start; `before` is what was seen there.
    """

    kind: Kind
    asked: EntryRequest
    label: str
    queued_at: datetime
    state: State = State.QUEUED
    entry_id: str | None = None  # what it is about, and in the end what it made
    before: Entry | None = None  # what it is about, as it was seen
    remembered: bool = False  # `before` is what this computer had seen some time ago
    stored: Entry | None = None  # what the server had when it was done
    after: tuple[int, ...] = ()  # operations of the same act that must be done before it: their places, then numbers
    item_typed: str | None = None  # to be looked up before the first sending, as is the service
    service_typed: str | None = None
    feedback: str | None = None  # of request-changes; its reason is in the notes asked
    timer: bool = False
    key: str | None = None  # of a script: delivered once, however often it runs
    mended: bool = False  # a person changed what was asked
    sent_at: datetime | None = None  # since when it may be on the server
    ahead: float | None = None  # seconds by which the server's clock was ahead of ours then, where that was known
    tries: int = 0
    tried_at: datetime | None = None  # the last time
    failures: int = 0  # of those tries, so many in a row got 5xx or no answer,
    failing_since: datetime | None = None  # the first of them then
    fault: str = ""  # the last of them in a word: 502,
    missing: bool = False  # and a look after it found nothing
    reason: str = ""
    id: int = 0
    act: str | None = None  # the same for all operations of one command line
    undoes: int | None = None  # the operation that it takes back
    typed: bool = False  # by a person at a terminal
    version: int = 0
    server: str = ""
    user_id: str | None = None
    fingerprint: str = ""
    changed_at: datetime | None = None

    @property
    def practice(self) -> bool:
        """An entry of the practice data: queued once, also when a person dropped it."""
        return (self.key or "").startswith(PRACTICE)

    @property
    def in_doubt(self) -> bool:
        """It may be on the server."""
        return self.state is State.QUEUED and self.sent_at is not None

    @property
    def live(self) -> bool:
        """A timer that runs, or may run: there is one a key."""
        starting = self.kind is Kind.START and self.state is State.QUEUED and self.asked.ended_at is None
        return self.state is State.RUNNING or starting

    @property
    def started_at(self) -> datetime:
        """When its time begins, as far as is known here."""
        before = self.before.started_at if self.before else None
        return self.asked.started_at or before or cut(self.queued_at)
