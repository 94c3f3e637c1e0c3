"""Approving entries and sending them back: in chunks, with what became of each."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from alga import entries
from alga.errors import UnknownOutcome
from alga.outcomes import Outcome, Tell, in_chunks

if TYPE_CHECKING:
    from alga.api.client import Client
    from alga.api.models import TimeEntry

MOST = 100  # ids in one request (section 7)
NOT_THERE = "No entry has that id."


def approve(client: "Client", ids: Sequence[str], tell: Tell) -> list[Outcome]:
    """Approve each: the server answers for each, and when its answer is lost the entries are read."""

    def send(chunk: Sequence[str]) -> list[Outcome]:
        try:
            results = {result.entry_id.lower(): result for result in client.approve(chunk)}
        except UnknownOutcome:
            found = entries.by_ids(client, chunk)
            return [_read(entry_id, found.get(entry_id), "APPROVED", "approved", "") for entry_id in chunk]
        return [
            Outcome("approved", True, entry_id)
            if (result := results.get(entry_id)) and result.success
            else _refused(entry_id, (result and result.error) or "The server did not say what became of it.")
            for entry_id in chunk
        ]

    return in_chunks(ids, MOST, send, _refused, tell)


def request_changes(
    client: "Client", ids: Sequence[str], reason: str, feedback: str | None, tell: Tell
) -> tuple[list[Outcome], bool]:
    """Send each back, and whether the server keeps the reason. It says success whatever happened: each is read."""
    kept = False

    def send(chunk: Sequence[str]) -> list[Outcome]:
        nonlocal kept
        with suppress(UnknownOutcome):  # what happened is read now
            client.request_changes(chunk, reason, feedback)
        found = entries.by_ids(client, chunk)
        kept = kept or any(entry.change_reason == reason for entry in found.values())
        why = "only a submitted entry can be sent back"
        return [_read(entry_id, found.get(entry_id), "CHANGES_REQUESTED", "sent back", why) for entry_id in chunk]

    return in_chunks(ids, MOST, send, _refused, tell), kept


def _read(entry_id: str, entry: "TimeEntry | None", wanted: str, done: str, why: str) -> Outcome:
    """The outcome that an entry shows."""
    if entry is None:
        return _refused(entry_id, NOT_THERE)
    if entry.approval_status == wanted:
        return Outcome(done, True, entry_id)
    told = f"Its status is {entry.approval_status}" + (f": {why}." if why else ".")
    return _refused(entry_id, told)


def _refused(entry_id: str, reason: str) -> Outcome:
    return Outcome("refused", False, entry_id, reason)
