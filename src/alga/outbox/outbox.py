"""Carrying out what is queued: one lock, first in first out, looked for or sent, each step on disk before the next."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from alga.core.errors import (
    AlgaError,
    AuthError,
    Forbidden,
    Interrupted,
    InterruptedUnsent,
    NeverSent,
    NoSession,
    NotFound,
    Overtaken,
    Refused,
    UnknownOutcome,
    Unreachable,
    Verdict,
)
from alga.outbox import act, transitions
from alga.outbox.operation import Kind, Look, Operation, Seen, State
from alga.outbox.results import Result
from alga.outbox.transitions import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from alga.core.entry import Entry
    from alga.outbox.journal import Journal

WAIT = 5.0  # seconds for another alga that is sending
BRIEFLY = 5.0  # seconds that other commands spend on what waits
STILL_WAITS = 8  # the exit code of what delivers, where not everything was
NOTHING_GETS_THROUGH = (AuthError, NeverSent)  # so that trying the next one is of no use


class Remote(Protocol):
    """The server. Each method raises what the API client raises; `look` and `prepare` change nothing there."""

    def prepare(self, operation: Operation, own: bool) -> Operation:
        """With what was typed looked up, and checked for overlaps. Raises Refused or NotFound for what cannot be."""
        ...

    def send(self, operation: Operation) -> tuple[Operation, Entry | None]:
        """Send it: what it is after that, and the entry it made."""
        ...

    def look(self, operation: Operation, taken: set[str]) -> Look:
        """Whether it is there already, as an entry that is not `taken`."""
        ...

    def most(self, kind: Kind) -> int:
        """How many operations of a kind one call can carry just now."""
        ...

    def send_many(self, operations: Sequence[Operation]) -> tuple[list[Operation | AlgaError | None], int | None]:
        """Send them in one call: what it told of each, nothing where it is to be looked for; and how many the server
        counts of those, where its count means something.
        """
        ...

    def look_many(self, operations: Sequence[Operation], taken: set[str]) -> list[Look]:
        """Whether they are there already, in as few requests as can be."""
        ...

    def ahead(self) -> float | None:
        """Seconds by which the server's clock is ahead of ours, by its last answer; None before there was one."""
        ...

    def within(self, seconds: float | None) -> AbstractContextManager[object]:
        """Everything in there takes no longer than that in all."""
        ...


class Outbox:
    """The queue of one server and key."""

    def __init__(self, journal: Journal, remote: Remote, now: Callable[[], datetime]) -> None:
        self.journal, self.remote, self.now = journal, remote, now
        self._draining = self._held = False

    def deliver(
        self, operations: Sequence[Operation], tell: Callable[[int], None] = lambda number: None
    ) -> list[Result]:
        """Take operations over and see how far they get, however long that takes: one result for each.

        Raises what stands for all of them: what refused the first call, when nothing was done; Overtaken while another
        alga is sending; ConfigError, before anything is sent, when the journal or its lock cannot be used.
        """
        with self._alone(WAIT):
            older = self.journal.queued()
            added = iter(self.journal.add([each for each in operations if not each.id]))
            on_disk = [each if each.id else next(added) for each in operations]
            own = {there.id for there, each in zip(on_disk, operations, strict=True) if not each.id}
            return act.Act(self, on_disk, own, older).deliver(tell)

    def deliver_one(self, operation: Operation) -> Result:
        """Take an operation over and see how far it gets in a few seconds, after what was queued before it.

        Raises the server's refusal, when nothing was recorded and nothing waits; ConfigError, before anything is on
        disk or sent, when the journal or its lock cannot be used.
        """
        return self._under_lock(lambda: self.journal.add([operation])[0])

    def go_on(self, operation: Operation) -> Result:
        """The same for one that is on disk and goes on: a timer that stops."""
        return self._under_lock(lambda: self.journal.put(operation))

    def _under_lock(self, write: Callable[[], Operation]) -> Result:
        held = ExitStack()
        with suppress(Overtaken):  # then it waits its turn
            held.enter_context(self._alone(0))
        try:
            return self.carry_out(write())
        finally:
            held.close()

    @contextmanager
    def _alone(self, wait: float) -> Iterator[None]:
        """Hold the lock for sending; in there it is held already."""
        if self._held:
            yield
            return
        with self.journal.alone(wait):
            self._held = True
            try:
                yield
            finally:
                self._held = False

    def carry_out(self, operation: Operation, own: bool = True) -> Result:
        """The same for one that is on disk. `own`: in the command that made it, which says so when it is refused."""
        error: AlgaError | None = None
        settled: list[Result] = []
        try:
            settled = self.drain(BRIEFLY, own=operation.id if own else 0)
        except Overtaken as busy:
            error = busy
        except (Interrupted, KeyboardInterrupt) as pressed:
            after = self._given_up(self.journal.get(operation.id), "Interrupted.", own)
            told = pressed if isinstance(pressed, Interrupted) else Interrupted("Interrupted.")
            if after.state is State.QUEUED:
                told.hint = f"It waits: alga sync sees to it, alga queue drop {after.id} forgets it."
            raise told from None
        mine = next((each for each in settled if each.operation.id == operation.id), None)
        if mine is None:  # another process may have taken care of it, or nothing got through before its turn came
            error = error or next(
                (each.error for each in settled if isinstance(each.error, NOTHING_GETS_THROUGH)), None
            )
            mine = Result(self.journal.get(operation.id), error=error)
            if isinstance(error, AuthError):  # refused for what was queued before, the key is refused for this too
                mine = Result(self._given_up(mine.operation, error.message, own), error=error)
        if mine.operation.state in (State.REFUSED, State.DROPPED):  # perhaps by another process
            raise mine.error or Refused(mine.operation.reason or "It was dropped meanwhile.")
        if mine.error and mine.operation.state is State.RUNNING:
            raise mine.error
        return mine

    def _given_up(self, operation: Operation, reason: str, own: bool) -> Operation:
        """One whose turn did not come: its command can take it back."""
        if operation.state is not State.QUEUED:
            return operation
        return self.journal.put(transitions.judged(operation, operation, Verdict.ENDED, reason, own))

    def drain(
        self,
        seconds: float | None = None,
        own: int = 0,
        wait: float = WAIT,
        tell: Callable[[int], None] = lambda number: None,
    ) -> list[Result]:
        """Deliver what waits: all that were touched. Without `seconds` all of it, however long that takes; else what
        failed again and again rests between its tries.

        Raises Overtaken when another alga is sending, also after `wait` seconds, and Interrupted.
        """
        if self._draining:
            return []  # what it needs of the server asks for this again
        self._draining = True
        try:
            with self._alone(wait), self.remote.within(seconds):
                return self._all(own, seconds is not None, tell)
        finally:
            self._draining = False

    def _all(self, own: int, brief: bool, tell: Callable[[int], None]) -> list[Result]:
        settled: list[Result] = []
        held: list[Operation] = []
        queue = self.journal.queued()
        for number, operation in enumerate(queue):
            resting = brief and operation.id != own and transitions.rests(operation, self.now())
            if resting or any(transitions.depends(operation, earlier) for earlier in held):
                held.append(operation)
                continue
            after = self.settle(operation, operation.id == own)
            settled.append(after)
            tell(len(settled))
            if after.operation.state is State.QUEUED:
                held.append(after.operation)
            if isinstance(after.error, NOTHING_GETS_THROUGH):
                break
            if after.operation.state is State.DONE and after.operation.kind is Kind.EDIT:
                queue[number + 1 :] = [self._going_on(each, operation, after.operation) for each in queue[number + 1 :]]
        return settled

    def _going_on(self, later: Operation, operation: Operation, done: Operation) -> Operation:
        """A change that was made before an earlier edit of the same entry was delivered."""
        if not transitions.follows(later, operation):
            return later
        return self.journal.put(later._replace(before=done.stored or done.before))

    def again(self, operation: Operation, mended: Operation) -> Result:
        """Try one again that was set aside, with what a person mended in it.

        What may be on the server as it was is looked for before it becomes something else: raises Unreachable when
        nobody can look.
        """
        with self._alone(WAIT), self.remote.within(BRIEFLY):
            if operation.sent_at and mended != operation:
                look = self.remote.look(operation, self.journal.made())
                if look.seen is Seen.DONE:
                    return Result(self.journal.put(transitions.done(operation, look.entry)), look.entry)
            settled = self.settle(self.journal.put(transitions.again(mended)), own=False)
            if settled.operation.state is State.DONE and operation.kind is Kind.EDIT:
                for later in (*self.journal.queued(), *self.journal.aside()):
                    self._going_on(later, operation, settled.operation)
            was = transitions.as_it_was(settled.operation, operation)
            return settled if was == settled.operation else settled._replace(operation=self.journal.put(was))

    # --- one of them ---

    def settle(self, operation: Operation, own: bool) -> Result:
        """As far as it gets. Somebody else who changes it meanwhile has the last word."""
        try:
            match transitions.first_step(operation, own):
                case Step.LOOK:
                    return self._look(operation, own, lambda: self._send(operation, own))
                case Step.KEEP:
                    return self._next(transitions.kept_here(operation), own)
                case _:
                    return self._send(operation, own)
        except Overtaken as fault:
            return Result(self.journal.get(operation.id), error=fault)

    def _next(
        self, changed: Operation, own: bool, entry: Entry | None = None, error: AlgaError | None = None
    ) -> Result:
        """Write down what became of it, and go on where something is left to do."""
        after = self.journal.put(changed)
        if after.state is State.QUEUED:
            return self._send(after, own)
        return Result(after, entry, error if after.state is State.ASIDE else None)

    def _look(
        self, operation: Operation, own: bool, not_there: Callable[[], Result], error: AlgaError | None = None
    ) -> Result:
        """Look for it on the server. While nobody can look it stays in doubt; `error` is what made it so."""
        try:
            look = self.remote.look(operation, self.journal.made())
        except (Unreachable, AuthError, Forbidden, Refused, NotFound) as fault:
            return Result(self.journal.put(operation._replace(reason=fault.message)), error=error or fault)
        match transitions.after_look(operation, look, tried=error is not None):
            case Operation(state=State.ASIDE) as changed if own and operation.sent_at is None:  # nothing was sent
                after = self.journal.put(changed._replace(state=State.REFUSED))
                return Result(after, error=Refused(changed.reason))
            case Operation() as changed:
                return self._next(changed, own, look.entry, error)
            case Step.KEEP:
                return self._next(transitions.kept_here(operation), own)
            case Step.WAIT:
                return Result(self.journal.put(operation._replace(reason=look.reason)), error=error)
            case _:
                return not_there()

    def _send(self, before: Operation, own: bool) -> Result:
        """Send it: on disk first, and what came of it on disk after."""
        operation = before
        try:
            ready = self.remote.prepare(before, own)
            operation = self.journal.put(transitions.sending(ready, self.now(), self.remote.ahead()))
            after, entry = self.remote.send(operation)
        except Overtaken:
            raise
        except InterruptedUnsent as error:
            self.journal.put(transitions.judged(operation, before, Verdict.NOT_SENT, error.message, own))
            raise
        except Interrupted:
            raise
        except AlgaError as error:
            return self._failed(operation, before, error, own)
        return self._next(after, own, entry)

    def _failed(self, operation: Operation, before: Operation, error: AlgaError, own: bool) -> Result:
        """What an error does to it, after a look where core.looked_for() wants one."""

        def final() -> Result:
            gone = isinstance(error, NoSession)
            after = transitions.judged(operation, before, error.verdict, error.message, own, gone)
            return Result(self.journal.put(after), error=error)

        if isinstance(error, UnknownOutcome):
            operation = operation._replace(fault=error.brief)
            lost = final().operation
            missing = transitions.missing(lost, error.missing)
            return self._look(lost, own, lambda: Result(self.journal.put(missing), error=error), error)
        if not transitions.looked_for(before, error.verdict):
            return final()
        return self._look(operation._replace(sent_at=before.sent_at), own, final, error)
