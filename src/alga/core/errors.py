"""What can go wrong: each class owns its exit code, each error says what happened and what to type next."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class Verdict(StrEnum):
    """What an error tells of the write that met it; outbox.core decides what follows from it."""

    NO = "no"  # the server, or a check before it, said no
    ENDED = "ended"  # the delivery ended: the key was refused, or a person pressed Ctrl-C
    NOT_SENT = "not sent"  # the request surely did not leave, or the server did not begin it
    UNKNOWN = "unknown"  # it may have been recorded


class AlgaError(Exception):
    """One sentence of what happened and whether anything was recorded, details, and a hint: what to type next."""

    exit_code = 70
    verdict = Verdict.NO

    def __init__(self, message: str, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def adding(self, sentence: str) -> AlgaError:
        """The same error with one more sentence, for a caller that knows what became of the user's work."""
        self.message = f"{self.message} {sentence}"
        return self


class UsageError(AlgaError):
    """What was typed cannot be understood, or is not allowed."""

    exit_code = 2


class ConfigError(AlgaError):
    """The configuration, or a file of ours on this computer, cannot be used."""

    exit_code = 3


class AuthError(AlgaError):
    """The server did not accept the key."""

    exit_code = 4
    verdict = Verdict.ENDED


class Forbidden(AlgaError):
    """The server knows who asks, and their role may not."""

    exit_code = 4


class RoleForbids(Forbidden):
    """The role of the key's user lacks a permission, whatever the entry; `action` is create, update, delete, …"""

    action = ""


class Refused(AlgaError):
    """A rule said no: nothing was recorded."""

    exit_code = 5


CHOOSE_SERVICE = "Choose one: -s NAME (see alga services), or once for all: alga config set service NAME"


class NeedsService(Refused):
    """The server needs a service for every entry, and nothing says which."""


class NoSuchOperation(Refused):
    """The server has no such operation: nothing was recorded."""


class Overlaps(Refused):
    """The interval overlaps another entry of the same user."""


class AlreadyRunning(Refused):
    """A tracking session is running, and there can be one a user."""


class NoneApproved(Refused):
    """No entry of an approval could be approved; `results` has the server's reason for each."""

    results: Sequence[object] = ()


class NotFound(AlgaError):
    """Nothing has that id, number or name."""

    exit_code = 6


class NoSession(NotFound):
    """The tracking session to stop is not running (any more)."""


class Unreachable(AlgaError):
    """No usable answer came: nothing is known to be recorded."""

    exit_code = 7
    verdict = Verdict.NOT_SENT


class NoSuchPath(Unreachable):
    """The server answers, and does not offer what was asked for: a look-up, or time entries at all."""


class Incomplete(Unreachable):
    """The server counts more entries than it sends, `rows` of them, also when it is asked again: no sum is right."""

    rows: Sequence[Any] = ()


class NeverSent(Unreachable):
    """The request did not leave this computer, or the server did not begin it: nothing was recorded."""


class NoConnection(NeverSent):
    """There is no way to the server just now."""


class Senseless(Unreachable):
    """The server answered, and what it says makes no sense: asking again would be no use."""


class UnknownOutcome(Unreachable):
    """A write was sent and its answer was lost: it may or may not have been recorded.

    `fault` is what went wrong without that doubt, for when a look has ended it (`psa.example.com answered 502`), and
    `brief` the same in a word (`502`).
    """

    verdict = Verdict.UNKNOWN

    def __init__(self, fault: str, hint: str = "", brief: str = "no answer") -> None:
        super().__init__(f"{fault}: it may or may not have been recorded.", hint)
        self.fault, self.brief = fault, brief

    @property
    def missing(self) -> str:
        """What is said when a look has ended the doubt so far."""
        return f"{self.fault}. It was not there when alga looked."


class ServerFailed(UnknownOutcome):
    """A write was answered with 5xx, or by something that is not the API: it may or may not have been recorded."""


class Overtaken(AlgaError):
    """Another alga on this computer was first."""

    exit_code = 5


class PartlyDone(AlgaError):
    """Some of what was asked was done, and the rest was not."""

    exit_code = 9


class Interrupted(AlgaError):
    """Ctrl-C."""

    exit_code = 130
    verdict = Verdict.ENDED


class InterruptedUnsent(Interrupted):
    """Ctrl-C while the server had asked to wait: nothing was done."""
