"""Approving entries and sending them back: in chunks, with what became of each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alga.lookup import entries
from alga.outbox.results import Outcome, Watch, in_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alga.api.client import Client
    from alga.api.models import ReviewResult
    from alga.core.entry import Entry

MOST = 100  # ids in one request (section 7)


def approve(client: Client, ids: Sequence[str], watch: Watch) -> list[Outcome]:
    """Approve each: the server answers for each, and when its answer is lost the entries are read."""
    results: dict[str, ReviewResult] = {}

    def write(chunk: Sequence[str]) -> None:
        results.update({result.entry_id: result for result in client.approve(chunk)})

    def judge(chunk: Sequence[str], lost: str) -> Iterator[Outcome]:
        for entry_id in chunk:
            result = results.get(entry_id)
            if lost:
                yield _read(client, entry_id, "APPROVED", "approved", lost)
            elif result is None:
                yield _untold(entry_id, "unknown", "The server did not say what became of it.")
            elif result.success:
                yield Outcome("approved", True, entry_id)
            else:
                yield Outcome("refused", False, entry_id, result.error)

    return in_chunks(ids, lambda: MOST, write, judge, _untold, watch)


def request_changes(
    client: Client, ids: Sequence[str], reason: str, feedback: str | None, watch: Watch
) -> tuple[list[Outcome], bool]:
    """Send each back, and whether the server keeps the reason. It says success whatever happened: each is read."""
    before, kept = entries.by_ids(client, ids), False

    def write(chunk: Sequence[str]) -> None:
        client.request_changes(chunk, reason, feedback)

    def judge(chunk: Sequence[str], lost: str) -> Iterator[Outcome]:
        nonlocal kept
        for entry_id in chunk:
            was = before.get(entry_id)
            already = was is not None and was.approval_status == "CHANGES_REQUESTED"
            done = "sent back already" if already else "sent back"
            entry = entries.there(client, entry_id)
            kept = kept or bool(entry and entry.change_reason == reason)
            yield replace(_told(entry_id, entry, "CHANGES_REQUESTED", done, lost), sent=not already)

    return in_chunks(ids, lambda: MOST, write, judge, _untold, watch), kept


def _read(client: Client, entry_id: str, wanted: str, done: str, doubt: str) -> Outcome:
    return _told(entry_id, entries.there(client, entry_id), wanted, done, doubt)


def _told(entry_id: str, entry: Entry | None, wanted: str, done: str, doubt: str) -> Outcome:
    """The outcome that an entry shows; in doubt what is not done yet may still be."""
    if entry is None:
        return Outcome("refused", False, entry_id, entries.NOT_THERE)
    if entry.approval_status == wanted:
        return Outcome(done, True, entry_id)
    if doubt:
        return _untold(entry_id, "unknown", doubt)
    if entry.approval_status == "SUBMITTED":
        return Outcome("refused", False, entry_id, "The server said that it did it, and did not.")
    return Outcome("refused", False, entry_id, entries.CLOSED.format(entry.approval_status))


def _untold(entry_id: str, state: str, reason: str) -> Outcome:
    return Outcome(state, False, entry_id, reason)
