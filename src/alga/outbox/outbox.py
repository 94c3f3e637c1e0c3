"""Carrying out queued operations: one lock, first in first out, look or send, each step saved before the next."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from alga.core.errors import (
    AlgaError,
    AuthError,
    Forbidden,
    Interrupted,
    InterruptedUnsent,
    NetworkSettings,
    NeverSent,
    NoSession,
    NotFound,
    Overtaken,
    Refused,
    UnknownOutcome,
    Unreachable,
    Verdict,
)
from alga.outbox import batch, transitions
from alga.outbox.operation import Kind, Look, Operation, Seen, State
from alga.outbox.results import Result
from alga.outbox.transitions import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from alga.core.entry import Entry
    from alga.outbox.journal import Journal

BLOCKED = "The operation that must be done before this one was not done."
WAIT = 5.0  # seconds for another alga that is sending
BRIEFLY = 5.0  # seconds that other commands spend on waiting operations
STILL_WAITS = 8  # exit code of commands that deliver when something still waits
NOTHING_GETS_THROUGH = (AuthError, NeverSent)  # errors after which trying the next operation is useless


class Remote(Protocol):
    """The server. Each method raises what the API client raises; `look` and `prepare` change nothing there."""

    def prepare(self, operation: Operation, own: bool) -> Operation:
        """The operation with typed names looked up, and checked for overlaps. Raises Refused or NotFound."""
        ...

    def send(self, operation: Operation) -> tuple[Operation, Entry | None]:
        """Send an operation. Returns its new state, and the entry it made, if any."""
        ...

    def look(self, operation: Operation, taken: set[str]) -> Look:
        """Whether the operation is already on the server, as an entry that is not `taken`."""
        ...

    def most(self, kind: Kind) -> int:
        """How many operations of a kind one call can carry at the moment."""
        ...

    def send_many(self, operations: Sequence[Operation]) -> tuple[list[Operation | AlgaError | None], int | None]:
        """Send operations in one call. Returns the result of each, None where a look must decide, and how many of those
        the server counts, if its count is meaningful.
        """
        ...

    def look_many(self, operations: Sequence[Operation], taken: set[str], answered: bool) -> list[Look]:
        """Whether the operations are already on the server, in as few requests as possible."""
        ...

    def ahead(self) -> float | None:
        """Seconds by which the server's clock is ahead of ours, by its last answer; None before the first answer."""
        ...

    def within(self, seconds: float | None) -> AbstractContextManager[object]:
        """A block whose requests together take at most `seconds`."""
        ...


class Outbox:
    """The queue of one server and key."""

    def __init__(self, journal: Journal, remote: Remote, now: Callable[[], datetime]) -> None:
        self.journal, self.remote, self.now = journal, remote, now
        self._draining = self._held = False

    def deliver(
        self,
        operations: Sequence[Operation],
        tell: Callable[[int], None] = lambda number: None,
        changed: Sequence[Operation] = (),
    ) -> list[Result]:
        """Save and deliver operations, however long it takes: one result for each. `changed` operations are saved with
        them, all or none.

        Raises errors that apply to all of them: the refusal of the first call, if nothing was done; Overtaken while
        another alga is sending; ConfigError, before anything is sent, when the journal or its lock cannot be used.
        """
        with self._alone(WAIT):
            return batch.Batch(self, operations, changed).deliver(tell)

    def deliver_one(self, operation: Operation) -> Result:
        """Save an operation and deliver it if possible in a few seconds, after earlier queued operations.

        Raises the server's refusal, when nothing was recorded and nothing waits; ConfigError, before anything is on
        disk or sent, when the journal or its lock cannot be used.
        """
        return self._under_lock(lambda: self.journal.add([operation])[0])

    def go_on(self, operation: Operation) -> Result:
        """The same for an operation that is already on disk: a timer that stops."""
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
        """Hold the lock for sending; nested use is allowed."""
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
        """The same for an operation that is on disk. `own`: in the command that made it, which reports a refusal."""
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
                told.hint = f"It waits: alga sync sends it, alga queue drop {after.id} drops it."
            raise told from None
        mine = next((each for each in settled if each.operation.id == operation.id), None)
        if mine is None:  # another process handled it, or nothing got through before its turn
            error = error or next(
                (each.error for each in settled if isinstance(each.error, NOTHING_GETS_THROUGH)), None
            )
            mine = Result(self.journal.get(operation.id), error=error)
            if isinstance(error, AuthError):  # a key refused for an earlier operation is refused for this one too
                mine = Result(self._given_up(mine.operation, error.message, own), error=error)
        if mine.operation.state in (State.REFUSED, State.DROPPED):  # perhaps by another process
            raise mine.error or Refused(mine.operation.reason or "It was dropped in the meantime.")
        if mine.error and mine.operation.state is State.RUNNING:
            raise mine.error
        return mine

    def _given_up(self, operation: Operation, reason: str, own: bool) -> Operation:
        """Close an operation whose turn did not come, if its command can take it back."""
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
        """Deliver waiting operations. Returns the result of each one tried. Without `seconds` all are tried, however
        long it takes; otherwise operations that failed repeatedly are skipped for a while.

        Raises Overtaken when another alga is sending, also after `wait` seconds, and Interrupted.
        """
        if self._draining:
            return []  # requests made while draining call this again
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
            if lacking := self._lacking(operation):
                if lacking.state is not State.QUEUED:
                    changed = self.journal.put(transitions.aside(operation, BLOCKED))
                    settled.append(Result(changed, error=Refused(BLOCKED)))
                else:
                    held.append(operation)
                continue
            resting = brief and operation.id != own and transitions.rests(operation, self.now())
            waits = any(each.id in operation.after or transitions.depends(operation, each) for each in held)
            if resting or waits:
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

    def _lacking(self, operation: Operation) -> Operation | None:
        """An operation that must be done before this one, and is not."""
        for number in operation.after:
            with suppress(NotFound):  # only the receipts of what is done are forgotten
                before = self.journal.get(number)
                if before.state is not State.DONE:
                    return before
        return None

    def _going_on(self, later: Operation, operation: Operation, done: Operation) -> Operation:
        """The later operation, based on the result of an earlier edit if it was made before that edit was delivered."""
        if not transitions.follows(later, operation):
            return later
        return self.journal.put(later._replace(before=done.stored or done.before))

    def again(self, operation: Operation, mended: Operation) -> Result:
        """Try an operation again that was set aside, with a person's corrections.

        If the original may be on the server, look for it before it is changed: raises Unreachable when looking
        fails.
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

    def decided(self, operation: Operation) -> Operation:
        """An operation in doubt, once it was looked for: done, or not sent. Raises Refused if nobody can tell yet."""
        with self._alone(WAIT), self.remote.within(BRIEFLY):
            look = self.remote.look(operation, self.journal.made())
            match look.seen:
                case Seen.DONE:
                    return self.journal.put(transitions.delivered(operation, look.entry))
                case Seen.NOT_DONE:
                    return self.journal.put(operation._replace(sent_at=None))
        raise Refused(f"Whether {operation.label} is on the server cannot be told yet ({look.reason}).", "alga sync")

    # --- one of them ---

    def settle(self, operation: Operation, own: bool) -> Result:
        """Carry out an operation as far as possible. If another process changes it meanwhile, that change wins."""
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
        """Save the new state, and continue if something is left to do."""
        after = self.journal.put(changed)
        if after.state is State.QUEUED:
            return self._send(after, own)
        return Result(after, entry, error if after.state is State.ASIDE else None)

    def _look(
        self, operation: Operation, own: bool, not_there: Callable[[], Result], error: AlgaError | None = None
    ) -> Result:
        """Look for an operation on the server. If looking fails it stays in doubt; `error` is what caused the doubt."""
        try:
            look = self.remote.look(operation, self.journal.made())
        except (Unreachable, AuthError, NetworkSettings, Forbidden, Refused, NotFound) as fault:
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
        """Send an operation: saved before sending, and its result saved afterwards."""
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
        """The result after an error, and after a look if transitions.looked_for() asks for one."""

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
