"""What can go wrong: each class owns its exit code, each error says what happened and what to type next."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from alga.core import safe_text

if TYPE_CHECKING:
    from collections.abc import Sequence


LONGEST = 2000  # characters of a sentence: an error may quote a server or a file


class Verdict(StrEnum):
    """What an error says about the write that failed; outbox.transitions decides what follows."""

    NO = "no"  # the server, or a check before sending, refused
    ENDED = "ended"  # the delivery ended: the key was refused, or a person pressed Ctrl-C
    NOT_SENT = "not sent"  # the request certainly did not leave, or the server did not start it
    UNKNOWN = "unknown"  # it may have been recorded


class AlgaError(Exception):
    """One sentence on what happened and whether anything was recorded, details, and a hint: what to type next."""

    exit_code = 70
    verdict = Verdict.NO

    def __init__(self, message: str, hint: str = "", details: Sequence[str] = ()) -> None:
        self.message = safe_text.brief(message, LONGEST)
        super().__init__(self.message)
        self.hint = hint
        self.details = [safe_text.brief(line, LONGEST) for line in details]

    def adding(self, sentence: str) -> AlgaError:
        """The same error with one more sentence, for a caller that knows whether the user's work was saved."""
        self.message = f"{self.message} {sentence}"
        return self


class UsageError(AlgaError):
    """What was typed cannot be understood, or is not allowed."""

    exit_code = 2


class Unclear(UsageError):
    """What was typed could mean several things, or needs to be typed differently: `readings` can be typed."""

    def __init__(self, message: str, hint: str, readings: Sequence[str]) -> None:
        super().__init__(message, hint)
        self.readings = list(readings)


class ConfigError(AlgaError):
    """The configuration, or another of alga's files on this computer, cannot be used."""

    exit_code = 3


class NetworkSettings(ConfigError):
    """The proxy or the certificates that this computer's environment names cannot be used: nothing was sent."""

    verdict = Verdict.ENDED


class AuthError(AlgaError):
    """The server did not accept the key."""

    exit_code = 4
    verdict = Verdict.ENDED


class Forbidden(AlgaError):
    """The server accepts the key, but the user's role does not allow the request."""

    exit_code = 4


class RoleForbids(Forbidden):
    """The role of the key's user lacks a permission, whatever the entry; `action` is create, update, delete, …"""

    action = ""


class Refused(AlgaError):
    """A rule refused the request: nothing was recorded."""

    exit_code = 5


CHECK = "To see whether it was recorded: alga list --today"
CHOOSE_SERVICE = "Choose a service: -s NAME (see alga services), or set a default: alga config set service NAME"


class NeedsService(Refused):
    """The server needs a service for every entry, and no service was given."""


class UnknownUser(Refused):
    """The server does not know a user that the request names."""


class NoSuchOperation(Refused):
    """The server has no such operation: nothing was recorded."""


class Overlaps(Refused):
    """The interval overlaps another entry of the same user."""


class AlreadyRunning(Refused):
    """A tracking session is already running; each user can have only one."""


class NoneApproved(Refused):
    """No entry of an approval could be approved; `results` has the server's reason for each."""

    results: Sequence[object] = ()


class NotFound(AlgaError):
    """No item has that id, number or name."""

    exit_code = 6


class NoSession(NotFound):
    """The tracking session to stop is not running, or no longer running."""


class Unreachable(AlgaError):
    """No usable answer came: nothing is known to be recorded."""

    exit_code = 7
    verdict = Verdict.NOT_SENT


class NoSuchPath(Unreachable):
    """The server answers, but does not offer the requested path: a look-up, or time entries at all."""


class Incomplete(Unreachable):
    """The server counts more entries than it sends (`rows`), also when asked again, so no total can be trusted."""

    rows: Sequence[Any] = ()


class TooLarge(Unreachable):
    """The answer to a read is larger than alga takes; `head` is its beginning."""

    head = b""


class NeverSent(Unreachable):
    """The request did not leave this computer, or the server did not begin it: nothing was recorded."""


class NoConnection(NeverSent):
    """The server cannot be reached at the moment."""


class Senseless(Unreachable):
    """The server sent an answer that makes no sense; asking again would not help."""


class UnknownOutcome(Unreachable):
    """A write was sent and its answer was lost: it may or may not have been recorded.

    `fault` is what went wrong, without the doubt, for use after a look has settled it (`psa.example.com answered
    502`); `brief` is the same in one word (`502`).
    """

    verdict = Verdict.UNKNOWN

    def __init__(self, fault: str, hint: str = "", brief: str = "no answer") -> None:
        super().__init__(f"{fault}: it may or may not have been recorded.", hint)
        self.fault, self.brief = fault, brief

    @property
    def missing(self) -> str:
        """The message for when a look at the server did not find the operation."""
        return f"{self.fault}. It was not there when alga looked."


class ServerFailed(UnknownOutcome):
    """The answer to a write was 5xx or did not come from the API: the write may or may not have been recorded."""


class Overtaken(AlgaError):
    """Another alga process on this computer was first."""

    exit_code = 5


class PartlyDone(AlgaError):
    """Only a part of the request was carried out."""

    exit_code = 9


class Interrupted(AlgaError):
    """Ctrl-C."""

    exit_code = 130
    verdict = Verdict.ENDED


class InterruptedUnsent(Interrupted):
    """Ctrl-C during a wait that the server had asked for: nothing was done."""
