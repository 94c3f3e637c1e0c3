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
    """Seconds: in all, until the first byte of all tries, until that of one try, between two later bytes, and, of a
    write, for the whole answer once the request has left.
    """

    whole: float
    first: float
    one_try: float
    silence: float = 30.0
    answer: float | None = None


class Deadline:
    """The deadline of the request under way, in seconds of a monotonic clock."""

    def __init__(self, slow: Callable[[], None] = lambda: None, now: Callable[[], float] = time.monotonic) -> None:
        """`slow` is called once, in a step of a request that has taken TOLD_AFTER."""
        self._slow, self._now, self._told = slow, now, False
        self.begin(Limits(math.inf, math.inf, math.inf))

    def begin(self, limits: Limits, until: float = math.inf) -> None:
        """Begin a request that must end within its limits, and at `until` at the latest."""
        now = self._began = self._now()
        self._limits = limits
        self._until = min(until, now + limits.whole)
        self._first = self._silent = now + limits.first
        self._answer: float | None = None

    def begin_try(self, waited: float = 0) -> None:
        """Begin a try of the request; the seconds that alga waited before it are not the server's silence."""
        self._first += waited
        self._silent, self._answer = min(self._first, self._now() + self._limits.one_try), None

    def all_has_left(self) -> None:
        """The request has left this computer: from here on a write may have been recorded, whoever stops waiting."""
        if self._limits.answer is not None:
            self._answer = self._now() + self._limits.answer

    def arrived(self) -> None:
        """Some bytes of the answer arrived."""
        self._first = self._silent = self._now() + self._limits.silence

    @property
    def left(self) -> float:
        """Seconds that the next step may take; 0 or less when the time is over."""
        ends = min(self._until, self._silent) if self._answer is None else self._answer
        return ends - self._now()

    def too_late(self, seconds: float = 0) -> bool:
        """Whether the time for further tries is over, or will be in some seconds."""
        return self._now() + seconds > self._until

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

    def left_behind(self, step: Callable[[], T], late: type[Exception], most: float) -> T:
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

        threading.Thread(target=run, daemon=True).start()
        result, fault = self.wait(wait, late, most)
        if fault is not None:
            raise fault
        return result  # type: ignore[return-value]
