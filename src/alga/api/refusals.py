"""What a server's refusal means and what to type next: a table with one row for each message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Any

from alga.core.errors import (
    CHOOSE_SERVICE,
    AlgaError,
    AlreadyRunning,
    AuthError,
    Forbidden,
    NeedsService,
    NeverSent,
    NoneApproved,
    NoSession,
    NoSuchOperation,
    NoSuchPath,
    NotFound,
    Overlaps,
    Refused,
    RoleForbids,
    UnknownUser,
    Unreachable,
)
from alga.core.safe_text import brief

LONGEST_SAID = 300  # characters of one thing that a server says


@dataclass(frozen=True)
class Answer:
    """An error answer in one format, whichever the server used: code, message and details as lines."""

    status: int
    code: str
    message: str
    details: tuple[str, ...] = ()
    results: tuple[object, ...] = ()

    @property
    def text(self) -> str:
        """Code, message and details in one text, to search for words."""
        return " ".join((self.code, self.message, *self.details))


def read(status: int, body: object) -> Answer:
    """The error in a body: from an object, from `{"error": "text"}`, or empty if the body has no usable error."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(error, str):
        return Answer(status, "", brief(error, LONGEST_SAID))
    if not isinstance(error, Mapping):
        return Answer(status, "", "")
    code, message, details = (error.get(name) for name in ("code", "message", "details"))
    results = tuple(details) if isinstance(details, list) else ()
    code, message = (brief(said if isinstance(said, str) else "", LONGEST_SAID) for said in (code, message))
    return Answer(status, code, message, tuple(brief(issue, LONGEST_SAID) for issue in _issues(details)), results)


def spoken(body: object) -> bool:
    """Whether an error comes from the API rather than from a proxy or a maintenance page."""
    return isinstance(body, Mapping) and isinstance(body.get("error"), str | Mapping)


def _issues(details: object) -> list[str]:
    if isinstance(details, str):
        return [details]
    if not isinstance(details, list):
        return []
    return [_issue(issue) for issue in details[:20] if isinstance(issue, Mapping)]


def _issue(issue: Mapping[str, Any]) -> str:
    path = issue.get("path")
    where = ".".join(map(_said, path[:10])) if isinstance(path, list) else _said(issue.get("entry_id"))
    what = _said(issue.get("message") or issue.get("error"))
    return f"{where}: {what}" if where else what


def _said(value: object) -> str:
    """A name, a number or a sentence; nothing else is quoted."""
    return str(value) if isinstance(value, str | int) else ""


TICKETS = "Use a ticket's number or id. To find one: alga tickets WORDS"
GRANT = "An administrator must grant {permission}."
NO_STANDARD_ROLE = "No standard role has it."
ON_THE_WEB = "Its time sheet must be submitted on the web first."

# status, words in the answer, the error, what happened, what to type next
ROWS: tuple[tuple[int, str, type[AlgaError], str, str], ...] = (
    (
        400,
        r"service_id is required|service_id: Required",
        NeedsService,
        "{server} needs a service for every entry.",
        CHOOSE_SERVICE,
    ),
    (400, r"service_id: |service_id\)", Refused, "{server} does not know that service.", CHOOSE_SERVICE),
    (
        400,
        r"\buser_id: ",
        UnknownUser,
        "{server} does not know that user: {details}.",
        "Type the command again: alga finds out anew who you are.",
    ),
    (400, r"Ticket not found|work_item_id: Invalid uuid", Refused, "{server} does not know that work item.", TICKETS),
    (
        400,
        r"No time period found",
        Refused,
        "{server} has no time period for that date.",
        "Ask an administrator to open the period: Settings > Time Entry",
    ),
    (400, r"No time entries could be approved|is in \w+ status", NoneApproved, "{message}: {details}.", ON_THE_WEB),
    (
        400,
        r"End time must be after start time",
        Refused,
        "The end is not after the start.",
        "Past midnight? Give the date too: --from 2026-06-02T23:00 --to 2026-06-03T01:00",
    ),
    (
        400,
        r"Invalid time_entry ID format",
        NotFound,
        "That is not the id of an entry on {server}.",
        "To see ids: alga list",
    ),
    (
        401,
        r"",
        AuthError,
        "{server} refused the key of profile {profile}. It may be wrong, expired or revoked, or its "
        "user inactive; the server does not say which.",
        "New key: {login}",
    ),
    (
        403,
        r"PRODUCT_ACCESS_DENIED",
        Forbidden,
        "This tenant's AlgaPSA product has no time entries.",
        "Whoever manages the AlgaPSA subscription can add them.",
    ),
    (
        403,
        r"Cannot \w+ this time entry",
        Forbidden,
        "The entry belongs to somebody else: only its own user may {action} it.",
        "",
    ),
    (403, r"Cannot request changes", RoleForbids, "Your role may not send entries back. " + GRANT, NO_STANDARD_ROLE),
    (403, r"time_entry:approve", RoleForbids, "Your role may not approve. " + GRANT, NO_STANDARD_ROLE),
    (403, r"Permission denied: Cannot \w", RoleForbids, "Your role may not {action} {things}. " + GRANT, ""),
    (403, r"", Forbidden, "{server} does not allow this: {message}.", "Ask an administrator what your role may do."),
    (
        404,
        r"Active session not found",
        NoSession,
        "That timer is no longer running: it was stopped or deleted elsewhere.",
        "To see the entry: alga list --today",
    ),
    (404, r"\w", NotFound, "{server} did not find it: {message}.", "To see ids: alga list"),
    (404, r"", NotFound, "{server} did not find it.", "To see ids: alga list"),
    (409, r"overlaps", Overlaps, "It overlaps another of your entries.", "To see it: alga list"),
    (400, r"overlaps", Overlaps, "It overlaps another of your entries.", "To see it: alga list"),  # before July 2026
    (
        409,
        r"Active time tracking session already exists",
        AlreadyRunning,
        "A timer is already running.",
        "To stop it and start this: alga switch WORK_ITEM",
    ),
    (
        409,
        r"Cannot \w+ approved",
        Refused,
        "The entry is approved, so it cannot be changed.",
        "An approver can reopen it on the web.",
    ),
    (
        429,
        r"",
        NeverSent,
        "{host} is limiting requests and asked to wait. Nothing was recorded.",
        "Wait a minute and type it again.",
    ),
)
DEFECT = "{host} has a known defect in this operation; your input is correct"
TOO_LARGE = {413, 414, 431}  # a refusal, whoever sends it


def not_offered(status: int, host: str, write: bool) -> AlgaError:
    """The error for an answer that is not the API's, at a route from which the API never answered: an unknown route."""
    hint = "Check the address: alga config list"
    if write:
        return NoSuchOperation(f"{host} has no such operation ({status}). Nothing was recorded.", hint)
    return NoSuchPath(f"{host} answers, but does not offer that ({status}): is it an AlgaPSA server?", hint)


def too_large(status: int, host: str) -> AlgaError:
    """The error for a request that is too large for a server, or for a proxy in front of it."""
    return Refused(
        f"The request is too large for {host}, or for a proxy in front of it ({status}).", "Send less at once."
    )


def failed(answer: Answer, host: str) -> AlgaError:
    """The error for a read that got a 5xx, or an answer that is not the API's."""
    if "misconfigured" in answer.message:
        return Unreachable(f"{DEFECT.format(host=host)}.", f"Tell its administrator: {answer.message}")
    if answer.status < 500:
        told = f"{host} answered {answer.status} with a page that is not AlgaPSA's: from a proxy, or for maintenance?"
        return Unreachable(told, "Try again later.")
    said = f": {answer.message.rstrip('.')}" if answer.message else ""
    return Unreachable(f"{host} failed ({answer.status}){said}.", "Try again later.")


def error_for(answer: Answer, server: str, host: str, profile: str) -> AlgaError:
    """The error that a person sees for a 4xx. The server's text is only quoted, never used as a format."""
    permission = _permission(answer.message)
    searched = f"{answer.text} {permission}"
    words = {
        "server": server,
        "host": host,
        "profile": profile,
        "login": "set ALGA_API_KEY, or alga login" if profile == "env" else f"alga login --profile {quote(profile)}",
        "message": answer.message.rstrip(".") or f"status {answer.status}",
        "details": "; ".join(answer.details),
        "permission": permission,
        "action": permission.partition(":")[2],
        "things": _plural(permission.partition(":")[0].replace("timeentry", "time_entry").replace("_", " ")),
    }
    for status, pattern, kind, message, hint in ROWS:
        if status == answer.status and re.search(pattern, searched):
            error = kind(message.format(**words), hint.format(**words))
            if isinstance(error, NoneApproved):
                error.results = answer.results
            if isinstance(error, RoleForbids):
                error.action = words["action"]
            return error
    said = "; ".join([words["message"], *answer.details])
    return Refused(f"{server} refused it ({answer.status}): {said}.", "")


def _permission(message: str) -> str:
    """`time_entry:delete`, from `Permission denied: Cannot delete time_entry` (or `… time entries`)."""
    match = re.search(r"Cannot (\w+(?: changes)?) (?:to )?(?:this )?([\w ]+)", message)
    if not match:
        return ""
    action = "approve" if match[1] == "request changes" else match[1]
    thing = match[2].strip().replace(" ", "_").replace("entries", "entry")
    if thing == "time_entry" and action != "approve":
        thing = "timeentry"  # the name in the server's list of permissions (section 5); approve is the exception
    return f"{thing}:{action}"


def _plural(thing: str) -> str:
    return f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing.removesuffix('s')}s"
