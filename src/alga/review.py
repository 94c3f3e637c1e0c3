"""Approving entries and sending them back: in chunks, with what became of each."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from alga import entries
from alga.outcomes import Outcome, Tell, in_chunks, split

if TYPE_CHECKING:
    from alga.api.client import Client
    from alga.api.models import Result, TimeEntry

MOST = 100  # ids in one request (section 7)


def approve(client: "Client", ids: Sequence[str], tell: Tell) -> list[Outcome]:
    """Approve each: the server answers for each, and when its answer is lost the entries are read."""
    results: dict[str, Result] = {}

    def write(chunk: Sequence[str]) -> bool:
        results.update({result.entry_id: result for result in client.approve(chunk)})
        return False

    def judge(chunk: Sequence[str], lost: bool) -> Iterator[Outcome]:
        for entry_id in chunk:
            result = results.get(entry_id)
            if lost:
                yield _read(client, entry_id, "APPROVED", "approved", "")
            elif result is None:
                yield Outcome("unknown", False, entry_id, "The server did not say what became of it.")
            elif result.success:
                yield Outcome("approved", True, entry_id)
            else:
                yield Outcome("refused", False, entry_id, result.error)

    return in_chunks(split(ids, MOST), write, judge, _untold, tell)


def request_changes(
    client: "Client", ids: Sequence[str], reason: str, feedback: str | None, tell: Tell
) -> tuple[list[Outcome], bool]:
    """Send each back, and whether the server keeps the reason. It says success whatever happened: each is read."""
    before, kept = entries.by_ids(client, ids), False

    def write(chunk: Sequence[str]) -> bool:
        client.request_changes(chunk, reason, feedback)
        return False

    def judge(chunk: Sequence[str], lost: bool) -> Iterator[Outcome]:
        nonlocal kept
        for entry_id in chunk:
            entry = entries.by_ids(client, [entry_id]).get(entry_id)
            kept = kept or bool(entry and entry.change_reason == reason)
            yield _sent_back(entry_id, before.get(entry_id), entry)

    return in_chunks(split(ids, MOST), write, judge, _untold, tell), kept


def _sent_back(entry_id: str, before: "TimeEntry | None", entry: "TimeEntry | None") -> Outcome:
    if before and before.approval_status == "CHANGES_REQUESTED":
        return Outcome("sent back already", True, entry_id, None, sent=False)
    return _told(entry_id, entry, "CHANGES_REQUESTED", "sent back", "only a submitted entry can be sent back")


def _read(client: "Client", entry_id: str, wanted: str, done: str, why: str) -> Outcome:
    return _told(entry_id, entries.by_ids(client, [entry_id]).get(entry_id), wanted, done, why)


def _told(entry_id: str, entry: "TimeEntry | None", wanted: str, done: str, why: str) -> Outcome:
    """The outcome that an entry shows."""
    if entry is None:
        return Outcome("refused", False, entry_id, entries.NOT_THERE)
    if entry.approval_status == wanted:
        return Outcome(done, True, entry_id)
    told = f"Its status is {entry.approval_status}" + (f": {why}." if why else ".")
    return Outcome("refused", False, entry_id, told)


def _untold(entry_id: str, state: str, reason: str) -> Outcome:
    return Outcome(state, False, entry_id, reason)
