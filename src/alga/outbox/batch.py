"""Many operations of one command line (an act), delivered together.

The answer to a bulk call says nothing about single operations. So they are in doubt, and looked for in one listing;
an operation that is missing although the server answered is sent alone, to learn why.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from alga.core.errors import (
    AlgaError,
    AuthError,
    ConfigError,
    Forbidden,
    Interrupted,
    InterruptedUnsent,
    NetworkSettings,
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

LOOKED_AT = 100  # operations to look for in one listing: one page
BLOCKED = "Its new time is not free: the entry there was not moved."
UNLISTED = "The server counts the entry but does not list it. Check before you send it again: alga list."
OTHERS = "The entry was changed elsewhere meanwhile, so it was left as it is."


class Call(NamedTuple):
    """Operations that left in one call, what the answer says about each, and how many the server counts.

    For each: its new state, an error, Step.SEND for sending it alone, or None, so that it is looked for.
    """

    sent: Sequence[Operation]
    told: Sequence[Operation | AlgaError | Step | None]
    counted: int | None = None


class Batch:
    """Delivers planned operations in their order; those without a number are new."""

    def __init__(self, outbox: Outbox, planned: Sequence[Operation], changed: Sequence[Operation] = ()) -> None:
        self._outbox, self._journal, self._planned, self._changed = outbox, outbox.journal, planned, changed
        self._now: dict[int, Operation] = {}  # each operation as it is on disk
        self._own: set[int] = set()  # those of this command line
        self._left: deque[int] = deque()
        self._older: set[str | None] = set()  # entries that operations of before are about
        self._made: set[str] | None = None  # entries that other operations made
        self._errors: dict[int, AlgaError] = {}
        self._ended: AlgaError | None = None  # what keeps the rest from being sent
        self._answered = False

    def deliver(self, tell: Callable[[int], None]) -> list[Result]:
        """Send the operations: one result for each. Unsent operations are taken back, or wait without a connection.

        Raises the refusal of the first call if nothing was done, since it applies to all operations.
        """
        try:
            self._take_over()
            while self._left and not self._ended:
                self._send(*self._next())
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
            if len(self._now) < len(self._planned) or (
                nothing and not isinstance(self._ended, Interrupted | Unreachable)
            ):
                raise self._ended
        return [Result(each, each.stored, self._errors.get(each.id)) for each in self._now.values()]

    def _take_over(self) -> None:
        """Save the new operations, and read the others again: another alga may have delivered them meanwhile."""
        self._older = {each.entry_id for each in self._journal.queued() if each.entry_id}
        added = iter(self._journal.add([each for each in self._planned if not each.id], self._changed))
        on_disk = [self._journal.get(each.id) if each.id else next(added) for each in self._planned]
        self._now = {each.id: each for each in on_disk}
        self._own = {there.id for there, each in zip(on_disk, self._planned, strict=True) if not each.id}
        self._left.extend(each.id for each in on_disk if each.state is State.QUEUED)

    # --- which go together ---

    def _next(self) -> tuple[list[Operation], int]:
        """The next operations to send, none depending on another of them, and how many go in one call.

        They are of one kind, and not more than one listing shows.
        """
        kind, going = self._now[self._left[0]].kind, dict[int, Operation]()
        alone = self._now[self._left[0]].goes_alone
        in_call = 1 if alone else self._outbox.remote.most(kind)
        most = LOOKED_AT if in_call > 1 else 1
        while self._left and len(going) < most:
            operation = self._now[self._left[0]]
            alike = operation.kind is kind and operation.goes_alone is alone
            if not alike or set(operation.after) & set(going):
                break
            self._left.popleft()
            before = [self._now[number].state for number in operation.after if number in self._now]
            if any(state is State.QUEUED for state in before) or operation.entry_id in self._older:
                continue  # it waits for that
            if any(state is not State.DONE for state in before):
                self._close(operation, Refused(BLOCKED))
            else:
                going[operation.id] = operation
        return list(going.values()), in_call

    # --- sending ---

    def _send(self, going: Sequence[Operation], in_call: int) -> None:
        """Save, send, look for the operations that the answers do not mention, and save the results."""
        if in_call == 1:
            self._alone(going)
            return
        going = self._not_found(going)
        if self._ended or not going:
            return
        now, ahead = self._outbox.now(), self._outbox.remote.ahead()
        sending = self._save(transitions.sending(each, now, ahead) for each in going)
        before = {each.id: each for each in going}
        calls, pressed = self._call(sending, in_call)
        left = {each.id for call in calls for each in call.sent}
        self._save([self._restored(each, before[each.id]) for each in sending if each.id not in left])
        asked = [pair for call in calls for pair in self._asked(call, before)]
        looks = self._looks([each for each, answered in asked if answered], answered=True)
        looks |= self._looks([each for each, answered in asked if not answered])
        alone = [each for call in calls for each in self._settled(call, before, looks)]
        if pressed:
            raise pressed
        self._alone(alone)

    def _not_found(self, going: Sequence[Operation]) -> Sequence[Operation]:
        """The operations without those that an earlier sending already delivered, after a look for these."""
        asked = [each for each in going if transitions.first_step(each, each.id in self._own) is Step.LOOK]
        looks = self._looks(asked)
        done = [each for each in asked if looks[each.id].seen is Seen.DONE]
        self._save(transitions.delivered(each, looks[each.id].entry) for each in done)
        others = [each for each in asked if looks[each.id].seen not in (Seen.DONE, Seen.NOT_DONE)]
        self._alone(others)
        found = {each.id for each in (*done, *others)}
        return [each for each in going if each.id not in found]

    def _call(
        self, sending: Sequence[Operation], in_call: int
    ) -> tuple[list[Call], Interrupted | KeyboardInterrupt | None]:
        """The calls that left, and a Ctrl-C meanwhile. The error that ends it all is in `_ended`."""
        calls: list[Call] = []
        for part in _in_parts(sending, in_call):
            try:
                told, counted = self._outbox.remote.send_many(part)
            except InterruptedUnsent as pressed:
                return calls, pressed
            except (Interrupted, KeyboardInterrupt) as pressed:
                return [*calls, Call(part, [Interrupted("Interrupted.")] * len(part))], pressed
            except AlgaError as error:
                if isinstance(error, Refused) and not isinstance(error, NoSuchOperation):
                    calls.append(Call(part, [Step.SEND] * len(part)))  # a row of a wrong form refuses all
                    continue
                calls.append(Call(part, [error] * len(part)))
                if not isinstance(error, UnknownOutcome):
                    self._ended = error
                    break
            else:
                self._answered = True
                calls.append(Call(part, told, counted))
        return calls, None

    def _asked(self, call: Call, before: dict[int, Operation]) -> Iterator[tuple[Operation, bool]]:
        """The operations of a call to look for, and whether the server answered."""
        for operation, told in zip(call.sent, call.told, strict=True):
            if told is None:
                yield operation, True
            elif isinstance(told, AlgaError) and transitions.looked_for(before[operation.id], told.verdict):
                yield operation, False

    def _looks(self, operations: Sequence[Operation], answered: bool = False) -> dict[int, Look]:
        """A look for each, from one listing. If nobody can look, they stay in doubt and the rest is not sent."""
        if not operations:
            return {}
        try:
            self._made = self._journal.made() if self._made is None else self._made
            found = self._outbox.remote.look_many(operations, self._made, answered)
        except (Unreachable, AuthError, NetworkSettings, Forbidden, Refused, NotFound) as fault:
            self._ended = self._ended or fault
            self._errors |= {each.id: fault for each in operations}
            return {each.id: Look(Seen.UNCLEAR, reason=fault.message) for each in operations}
        self._made |= {look.entry.id for look in found if look.seen is Seen.DONE and look.entry}
        return dict(zip((each.id for each in operations), found, strict=True))

    def _settled(self, call: Call, before: dict[int, Operation], looks: dict[int, Look]) -> list[Operation]:
        """Save what became of the operations of a call. Returns those to be sent alone, as if they had not left."""
        found = sum(looks[each.id].seen is Seen.DONE for each in call.sent if each.id in looks)
        unlisted = call.counted is not None and found < call.counted
        settled, alone = list[Operation](), list[Operation]()
        for operation, told in zip(call.sent, call.told, strict=True):
            after = self._after(operation, before[operation.id], told, looks.get(operation.id), unlisted)
            if after:
                settled.append(after)
            else:
                alone.append(self._restored(operation, before[operation.id]))
        numbers = {each.id for each in alone}
        return [each for each in self._save([*settled, *alone]) if each.id in numbers]

    def _after(
        self,
        operation: Operation,
        before: Operation,
        told: Operation | AlgaError | Step | None,
        look: Look | None,
        unlisted: bool,
    ) -> Operation | None:
        """What became of an operation; None to send it alone, to learn why it is not on the server."""
        if isinstance(told, Operation):
            return told
        if look and look.seen is Seen.DONE:
            return transitions.delivered(operation, look.entry)
        if isinstance(told, AlgaError):
            self._errors[operation.id] = told
            return self._failed(operation, before, told, look)
        if told is None and look and look.seen is Seen.UNCLEAR:
            return operation._replace(reason=look.reason)
        if told is None and unlisted:  # a person decides: a second sending may double it
            return transitions.aside(operation, UNLISTED)
        if told is None and look and _changed_by_others(operation, look):
            self._errors[operation.id] = Refused(OTHERS)
            return transitions.judged(operation, before, Verdict.NO, OTHERS, operation.id in self._own)
        return None

    def _failed(self, operation: Operation, before: Operation, error: AlgaError, look: Look | None) -> Operation:
        """The operation after an error, if it was not found."""
        if isinstance(error, Interrupted):
            return operation._replace(reason=error.message)
        if isinstance(error, UnknownOutcome):
            operation = operation._replace(fault=error.brief)
        after = transitions.judged(operation, before, error.verdict, _said(error), operation.id in self._own)
        unclear = look is not None and look.seen is Seen.UNCLEAR  # nobody could look
        if isinstance(error, UnknownOutcome):
            return after if unclear else transitions.missing(after, error.missing)
        return operation._replace(sent_at=before.sent_at, reason=error.message) if unclear else after

    def _alone(self, operations: Sequence[Operation]) -> None:
        """Send each by the same steps as a single operation."""
        for operation in operations:
            if self._ended:
                return
            result = self._outbox.settle(operation, operation.id in self._own)
            self._now[operation.id] = result.operation
            self._answered = self._answered or result.error is None or isinstance(result.error, Refused | NotFound)
            if result.error:
                self._errors[operation.id] = result.error
                if isinstance(result.error, RoleForbids) or result.error.verdict in (Verdict.ENDED, Verdict.NOT_SENT):
                    self._ended = result.error

    # --- on disk ---

    def _restored(self, operation: Operation, before: Operation) -> Operation:
        """The operation as before its call, which did not leave or did nothing to it."""
        return operation._replace(sent_at=before.sent_at, ahead=before.ahead, tries=before.tries)

    def _close(self, operation: Operation, error: AlgaError) -> None:
        self._errors[operation.id] = error
        state = State.REFUSED if operation.id in self._own else State.ASIDE
        self._save([operation._replace(state=state, reason=error.message)])

    def _take_back(self, why: AlgaError) -> None:
        """Close what was not sent, as the journal has it now; without a connection it waits."""
        new = self._journal.of_act()
        self._own |= {each.id for each in new}
        self._now = {number: self._journal.get(number) for number in self._now} | {each.id: each for each in new}
        waiting = [each for each in self._now.values() if each.state is State.QUEUED]
        rest = [each for each in waiting if each.sent_at is None]
        error = why if isinstance(why, Interrupted) else NeverSent(why.message, why.hint)
        self._errors |= {each.id: error for each in (waiting if error is why else rest)}
        if why.verdict is not Verdict.NOT_SENT:
            ended, own = Verdict.ENDED, self._own
            self._save([transitions.judged(each, each, ended, why.message, each.id in own) for each in rest])
            for each in [each for each in self._now.values() if each.state is State.QUEUED and each.sent_at is None]:
                if any(self._now[number].state is State.REFUSED for number in each.after if number in self._now):
                    self._close(each, error)

    def _save(self, operations: Iterable[Operation]) -> list[Operation]:
        """Save the operations. Returns those saved: an operation that another alga changed meanwhile is theirs."""
        changed = list(operations)
        if not changed:
            return []
        try:
            saved = self._journal.save(changed)
        except Overtaken as fault:
            saved = []
            for each in changed:
                try:
                    saved.append(self._journal.put(each))
                except Overtaken:
                    self._now[each.id], self._errors[each.id] = self._journal.get(each.id), fault
        self._now |= {each.id: each for each in saved}
        return saved


def _in_parts(operations: Sequence[Operation], most: int) -> Iterator[list[Operation]]:
    left = iter(operations)
    while part := list(islice(left, most)):
        yield part


def _changed_by_others(operation: Operation, look: Look) -> bool:
    """Whether something that was to be changed is neither as it was nor as it was asked: another client was there."""
    asked, before, entry = operation.asked, operation.before, look.entry
    if look.seen is not Seen.CHANGED or before is None or entry is None:
        return False
    pairs = [(getattr(asked, name), getattr(before, name), getattr(entry, name)) for name in asked.said]
    return any(now not in (wanted, was) for wanted, was, now in pairs)


def _said(error: AlgaError) -> str:
    return f"{error.message} {error.hint}".strip() if error.verdict is Verdict.NO else error.message
