"""An act: the operations of one command line, delivered together.

The answer to a bulk call says nothing about single operations. So they are in doubt, and looked for in one listing;
an operation that is missing although the server answered is sent alone, to learn why.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from alga.core.errors import (
    AlgaError,
    AuthError,
    ConfigError,
    Forbidden,
    Interrupted,
    InterruptedUnsent,
    NeverSent,
    NoSuchOperation,
    NotFound,
    Overtaken,
    Refused,
    RoleForbids,
    UnknownOutcome,
    Unreachable,
    Verdict,
)
from alga.outbox import transitions
from alga.outbox.operation import Look, Operation, Seen, State
from alga.outbox.results import Result
from alga.outbox.transitions import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from alga.outbox.outbox import Outbox

Told = Operation | AlgaError | Step | None  # about an operation: its new state, a refusal, to be sent alone, or nothing
LOOKED_AT = 100  # operations to look for in one listing: one page
BLOCKED = "Its new time is not free: the entry there was not moved."
UNLISTED = "The server counts the entry but does not list it. Check before you send it again: alga list."


class Act:
    """Operations on disk, in sending order; `own` are the ids of those that this command line made.

    What is about the same entry as an `older` operation that waits does not overtake that.
    """

    def __init__(
        self, outbox: Outbox, operations: Sequence[Operation], own: set[int], older: Sequence[Operation]
    ) -> None:
        self._outbox, self._own = outbox, own
        self._now = {each.id: each for each in operations}  # each as it is on disk
        self._errors: dict[int, AlgaError] = {}
        self._left = deque(operations)
        self._held = [each for each in older if each.id not in self._now]
        self._made: set[str] | None = None  # the entries that are another operation's
        self._ended: AlgaError | None = None  # what keeps the rest from being sent
        self._answered = False

    def deliver(self, tell: Callable[[int], None]) -> list[Result]:
        """Send the operations: one result for each. Unsent operations are taken back, or wait without a connection.

        Raises the refusal of the first call if nothing was done, since it applies to all operations.
        """
        try:
            while self._left and not self._ended:
                self._send(self._next())
                tell(len(self._now) - len(self._left))
        except (Interrupted, KeyboardInterrupt) as pressed:
            self._ended = pressed if isinstance(pressed, Interrupted) else Interrupted("Interrupted.")
        except (Unreachable, AuthError) as error:  # from a look-up before a call
            self._ended = error
        except BaseException:
            with suppress(Overtaken, ConfigError):
                self._take_back(Interrupted("It was not sent."))
            raise
        if self._ended:
            self._take_back(self._ended)
            nothing = all(each.state is State.REFUSED for each in self._now.values()) and not self._answered
            if nothing and not isinstance(self._ended, Interrupted | Unreachable):
                raise self._ended
        return [Result(each, each.stored, self._errors.get(each.id)) for each in self._now.values()]

    # --- which go together ---

    def _next(self) -> list[Operation]:
        """The next operations to send together: of one kind, up to one page, none depending on another of them."""
        kind, going = self._left[0].kind, list[Operation]()
        most = LOOKED_AT if self._outbox.remote.most(kind) > 1 else 1
        while self._left and self._left[0].kind is kind and len(going) < most:
            if {each.id for each in going} & set(self._left[0].after):
                break
            operation = self._now[self._left.popleft().id]
            before = [self._now[number].state for number in operation.after if number in self._now]
            if any(state is State.QUEUED for state in before) or self._waits_for_an_older(operation):
                self._held.append(operation)
            elif any(state is not State.DONE for state in before):
                self._close(operation, Refused(BLOCKED))
            else:
                going.append(operation)
        return going

    def _waits_for_an_older(self, operation: Operation) -> bool:
        return any(transitions.depends(operation, each) for each in self._held)

    # --- sending ---

    def _send(self, going: Sequence[Operation]) -> None:
        """Save, send, look for the operations that the answers do not mention, and save the results."""
        if not going:
            return
        if self._outbox.remote.most(going[0].kind) == 1:
            self._alone(going)
            return
        going = self._not_found([*going])
        if not going:
            return
        now, ahead = self._outbox.now(), self._outbox.remote.ahead()
        sending = self._save(transitions.sending(each, now, ahead) for each in going)
        before = {each.id: each for each in going}
        told, counted, pressed = self._call(sending)
        self._save([self._restored(each, before[each.id]) for each in sending if each.id not in told])
        settled, alone = self._settled([each for each in sending if each.id in told], before, told, counted)
        self._save(settled)
        if pressed:
            raise pressed
        self._alone([self._restored(each, before[each.id]) for each in alone])

    def _not_found(self, going: Sequence[Operation]) -> Sequence[Operation]:
        """The operations without those that an earlier sending already delivered, after a look for these."""
        looked = [each for each in going if transitions.first_step(each, each.id in self._own) is Step.LOOK]
        looks = self._looks(looked)
        self._save(
            transitions.delivered(each, looks[each.id].entry) for each in looked if looks[each.id].seen is Seen.DONE
        )
        unclear = {number for number, look in looks.items() if look.seen is not Seen.NOT_DONE}
        self._alone([each for each in looked if each.id in unclear and looks[each.id].seen is not Seen.DONE])
        return [] if self._ended else [each for each in going if each.id not in unclear]

    def _call(
        self, sending: Sequence[Operation]
    ) -> tuple[dict[int, Told], int | None, Interrupted | KeyboardInterrupt | None]:
        """What the answers say about each operation sent, and the server's count where it is meaningful."""
        told: dict[int, Told] = {}
        counted: int | None = 0
        for call in _in_parts(sending, self._outbox.remote.most(sending[0].kind)):
            try:
                answers, count = self._outbox.remote.send_many(call)
            except InterruptedUnsent as pressed:
                return told, counted, pressed
            except (Interrupted, KeyboardInterrupt) as pressed:
                told |= {each.id: Interrupted("Interrupted.") for each in call}
                return told, counted, pressed
            except AlgaError as error:
                counted = None
                alone = isinstance(error, Refused) and not isinstance(error, NoSuchOperation)
                told |= {each.id: Step.SEND if alone else error for each in call}  # one invalid row refuses all
                if alone or isinstance(error, UnknownOutcome):
                    continue
                self._ended = error
                break
            self._answered = True
            told |= dict(zip((each.id for each in call), answers, strict=True))
            counted = None if counted is None or count is None else counted + count
        return told, counted, None

    def _settled(
        self, sent: Sequence[Operation], before: dict[int, Operation], told: dict[int, Told], counted: int | None
    ) -> tuple[list[Operation], list[Operation]]:
        """The operations with their new states, and those to send alone."""
        looks = self._looks([each for each in sent if self._asks(told[each.id], before[each.id])])
        unlisted = counted is not None and sum(look.seen is Seen.DONE for look in looks.values()) < counted
        settled, alone = list[Operation](), list[Operation]()
        for each in sent:
            answer, look = told[each.id], looks.get(each.id)
            match self._after(each, before[each.id], answer, look, unlisted):
                case Operation() as after:
                    settled.append(after)
                case _:
                    alone.append(each)
        return settled, alone

    def _asks(self, told: Told, before: Operation) -> bool:
        """Whether to look for the operation."""
        if isinstance(told, AlgaError):
            return not isinstance(told, Interrupted) and transitions.looked_for(before, told.verdict)
        return told is None

    def _looks(self, operations: Sequence[Operation]) -> dict[int, Look]:
        """Look for the operations in one listing. If looking fails they stay in doubt, and the rest is not sent."""
        if not operations:
            return {}
        try:
            self._made = self._outbox.journal.made() if self._made is None else self._made
            found = self._outbox.remote.look_many(operations, self._made)
        except (Unreachable, AuthError, Forbidden, Refused, NotFound) as fault:
            self._ended = self._ended or fault
            self._errors |= {each.id: fault for each in operations}
            return {each.id: Look(Seen.UNCLEAR, reason=fault.message) for each in operations}
        self._made |= {look.entry.id for look in found if look.seen is Seen.DONE and look.entry}
        return dict(zip((each.id for each in operations), found, strict=True))

    def _after(
        self, operation: Operation, before: Operation, told: Told, look: Look | None, unlisted: bool
    ) -> Operation | None:
        """An operation's new state; None if it must be sent alone, to learn why it is missing."""
        if isinstance(told, Operation):
            return told
        if look and look.seen is Seen.DONE:
            return transitions.delivered(operation, look.entry)
        if isinstance(told, Interrupted):
            self._errors[operation.id] = told
            return operation._replace(reason=told.message)
        if isinstance(told, AlgaError):
            return self._failed(operation, before, told, look)
        if look and (look.seen is Seen.UNCLEAR or unlisted):
            return operation._replace(reason=look.reason or UNLISTED)
        return None

    def _failed(self, operation: Operation, before: Operation, error: AlgaError, look: Look | None) -> Operation:
        """The new state, after an error, of an operation that was not found."""
        self._errors[operation.id] = error
        if isinstance(error, UnknownOutcome):
            operation = operation._replace(fault=error.brief)
        after = transitions.judged(operation, before, error.verdict, error.message, operation.id in self._own)
        unclear = look is not None and look.seen is Seen.UNCLEAR  # looking failed
        if isinstance(error, UnknownOutcome):
            return after if unclear else transitions.missing(after, error.missing)
        return operation._replace(sent_at=before.sent_at, reason=error.message) if unclear else after

    def _alone(self, operations: Sequence[Operation]) -> None:
        """Send the operations one by one, with the same steps as for a single operation."""
        for number, operation in enumerate(operations):
            if self._ended:
                self._save(operations[number:])
                return
            try:
                result = self._outbox.settle(operation, operation.id in self._own)
            except BaseException:
                self._now[operation.id] = self._outbox.journal.get(operation.id)
                raise
            self._now[operation.id] = result.operation
            self._answered = self._answered or result.error is None or isinstance(result.error, Refused | NotFound)
            if result.error:
                self._errors[operation.id] = result.error
                if isinstance(result.error, RoleForbids) or result.error.verdict in (Verdict.ENDED, Verdict.NOT_SENT):
                    self._ended = result.error

    # --- on disk ---

    def _restored(self, operation: Operation, before: Operation) -> Operation:
        """The operation as it was before a call that was not sent, or that certainly recorded nothing."""
        return operation._replace(sent_at=before.sent_at, ahead=before.ahead, tries=before.tries)

    def _close(self, operation: Operation, error: AlgaError) -> None:
        self._errors[operation.id] = error
        own = operation.id in self._own
        self._save([transitions.judged(operation, operation, error.verdict, error.message, own)])

    def _take_back(self, why: AlgaError) -> None:
        """Close the unsent operations of this command; without a connection they wait instead."""
        rest = [each for each in self._now.values() if each.state is State.QUEUED and each.sent_at is None]
        error = why if isinstance(why, Interrupted) else NeverSent(why.message, why.hint)
        self._errors |= {each.id: error for each in rest}
        if why.verdict is not Verdict.NOT_SENT:
            ended, own = Verdict.ENDED, self._own
            self._save([transitions.judged(each, each, ended, why.message, each.id in own) for each in rest])

    def _save(self, operations: Iterable[Operation]) -> list[Operation]:
        changed = list(operations)
        saved = self._outbox.journal.save(changed) if changed else []
        self._now |= {each.id: each for each in saved}
        return saved


def _in_parts(operations: Sequence[Operation], most: int) -> Iterator[list[Operation]]:
    left = iter(operations)
    while part := list(islice(left, most)):
        yield part
