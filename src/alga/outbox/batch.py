"""Operations that one command sends many at once: on disk before the first is sent, and what became of each after."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from alga.core.errors import AlgaError, ConfigError, Overtaken, Verdict
from alga.outbox import transitions
from alga.outbox.operation import Operation, State
from alga.outbox.outbox import WAIT
from alga.outbox.results import Outcome, Place, Tell, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from alga.outbox.journal import Journal

OURS = (ConfigError, Overtaken)  # they tell nothing of the server
Item = Place | str | None  # a row of a file, or an entry's id


class Kept(Watch):
    """Operations by the item they are of. Raises Overtaken when another process changed one of them."""

    keeps = True

    def __init__(
        self,
        journal: Journal,
        operations: Iterable[tuple[Item, Operation]],
        sending: Callable[[Operation], Operation],
        tell: Tell,
    ) -> None:
        super().__init__(tell)
        self._journal, self._sending = journal, sending
        self._operations = dict(operations)
        new = {item: each for item, each in self._operations.items() if not each.id}
        added = dict(zip(new, journal.add(list(new.values())), strict=True))
        self._operations |= added
        self._new = set(added)  # the others are an earlier run's
        self._before = dict(self._operations)

    def sending(self, outcomes: Sequence[Outcome]) -> None:
        """On disk before anything is sent: from here on they may be on the server."""
        items = [item for item in map(_item, outcomes) if item in self._operations]
        self._before |= {item: self._operations[item] for item in items}
        self._save({item: self._sending(self._operations[item]) for item in items})

    def told(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Write down what became of them. What may be there, or was not sent, waits; after Ctrl-C only the former."""
        after = {_item(each): self._after(_item(each), each) for each in outcomes if self._undecided(_item(each))}
        self._save(after)
        return super().told([self._shown(outcome) for outcome in outcomes])

    def close(self, error: BaseException) -> None:
        """An error stands for all: what was not sent is taken back. A fault of ours tells nothing of
        what was; what cannot be written down now is in doubt.
        """
        verdict = error.verdict if isinstance(error, AlgaError) and not isinstance(error, OURS) else Verdict.UNKNOWN
        after: dict[Item, Operation] = {}
        for item in filter(self._undecided, self._operations):
            operation, before = self._operations[item], self._before[item]
            its = Verdict.ENDED if operation == before else verdict
            if its is not Verdict.UNKNOWN:
                after[item] = transitions.judged(operation, before, its, str(error), item in self._new)
        with suppress(Overtaken, ConfigError):
            self._save(after)

    def _undecided(self, item: Item) -> bool:
        return item in self._operations and self._operations[item].state is State.QUEUED

    def _after(self, item: Item, outcome: Outcome) -> Operation:
        operation, before, reason = self._operations[item], self._before[item], outcome.reason or ""
        if outcome.done:
            return replace(transitions.done(operation, None), entry_id=outcome.id or operation.entry_id)
        return transitions.judged(operation, before, outcome.verdict, reason, own=item in self._new)

    def _shown(self, outcome: Outcome) -> Outcome:
        waits = self._undecided(_item(outcome)) and not outcome.done
        return replace(outcome, state="waits", waits=True) if waits else outcome

    def _save(self, changed: Mapping[Item, Operation]) -> None:
        saved = self._journal.save(list(changed.values()))
        self._operations.update(zip(changed, saved, strict=True))


def _item(outcome: Outcome) -> Item:
    return outcome.place or outcome.id


@contextmanager
def kept(
    journal: Journal,
    operations: Iterable[tuple[Item, Operation]],
    now: Callable[[], datetime],
    ahead: Callable[[], float | None],
    tell: Tell,
) -> Iterator[Kept]:
    """All of them on disk, and nobody else sends meanwhile. Raises Overtaken when another alga is sending."""
    with journal.alone(WAIT):
        batch = Kept(journal, operations, lambda operation: transitions.sending(operation, now(), ahead()), tell)
        try:
            yield batch
        except BaseException as error:
            batch.close(error)
            raise
