"""How long one request may take, all its tries and its body included; every step at the socket obeys it."""

from __future__ import annotations

import math
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

TOLD_AFTER = 1.0  # seconds before a person is told what alga waits for


class Limits(NamedTuple):
    """How many seconds a request may take.

    `whole`: in all. `first`: without any byte, over all tries. `one_try`: one try without any byte. `silence`: between
    two later bytes. `answer`: from the moment a write has left to the end of its answer, in place of all the others.
    """

    whole: float
    first: float
    one_try: float
    silence: float = 30.0
    answer: float | None = None


class Deadline:
    """The deadline of the request under way, in seconds of a monotonic clock."""

    def __init__(self, slow: Callable[[], None] = lambda: None, now: Callable[[], float] = time.monotonic) -> None:
        """`slow` is called once a request, in a step of one that has taken TOLD_AFTER."""
        self._slow, self._now = slow, now
        self.begin(Limits(math.inf, math.inf, math.inf))

    def begin(self, limits: Limits, until: float = math.inf) -> None:
        """Begin a request that must end within its limits, and at `until` at the latest."""
        now = self._began = self._now()
        self._told = False
        self._limits, self._until, self._first = limits, min(until, now + limits.whole), now + limits.first
        self.begin_try()

    def begin_try(self, waited: float = 0) -> None:
        """Begin a try of the request; the seconds that alga waited before it are not the server's silence."""
        self._first += waited
        self._silent = min(self._first, self._now() + self._limits.one_try)
        self._left_at: float | None = None

    def all_has_left(self) -> None:
        """The request has left this computer: from here on a write may have been recorded, whoever stops waiting."""
        self._left_at = self._now()

    def arrived(self) -> None:
        """Some bytes arrived; before the request has left they are a proxy's, and do not count."""
        if self._left_at is not None:
            self._first, self._silent = self._now() + self._limits.first, self._now() + self._limits.silence

    @property
    def left(self) -> float:
        """Seconds that the next step may take; 0 or less when the time is over."""
        if self._left_at is not None and self._limits.answer is not None:
            return self._left_at + self._limits.answer - self._now()
        return min(self._until, self._silent) - self._now()

    def too_late(self, seconds: float) -> bool:
        """Whether a further try, after some seconds, would be too late."""
        return self._now() + seconds > self._until or self._now() > self._first

    def wait(self, step: Callable[[float], T], late: type[Exception], most: float = math.inf) -> T:
        """The result of a step, which is called with seconds to take and raises `late` after them.

        Raises `late` when the time is over.
        """
        ends = self._now() + min(most, self.left)
        while (left := ends - self._now()) > 0:
            waits = self._began + TOLD_AFTER - self._now()
            if not self._told and waits <= 0:
                self._told = True
                self._slow()
            try:
                return step(left if self._told else min(left, waits))
            except late:
                pass
        raise late("timed out")

    def in_a_thread(self, step: Callable[[], T], late: type[Exception], most: float) -> T:
        """The result of a step that cannot be interrupted, in a thread that is left behind when the time is over."""
        done: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

        def run() -> None:
            try:
                done.put((step(), None))
            except BaseException as fault:  # noqa: BLE001  raised by whoever waits
                done.put((None, fault))

        def wait(seconds: float) -> tuple[T | None, BaseException | None]:
            try:
                return done.get(timeout=seconds)
            except Empty:
                raise late("timed out") from None

        try:
            threading.Thread(target=run, daemon=True).start()
        except RuntimeError:  # this user may have no more threads
            return step()
        result, fault = self.wait(wait, late, most)
        if fault is not None:
            raise fault
        return result  # type: ignore[return-value]
