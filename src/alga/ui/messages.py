"""What commands say about a write (delivered, waiting, set aside, refused) and about waiting operations."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from alga.app import running
from alga.app.timer import ONLY_HERE
from alga.core.entry import EntryRequest, differences
from alga.core.errors import (
    LONGEST,
    AlgaError,
    AuthError,
    Forbidden,
    Interrupted,
    NetworkSettings,
    NeverSent,
    NoConnection,
    NotFound,
    Overtaken,
    Refused,
    ServerFailed,
    UnknownOutcome,
    Unreachable,
)
from alga.core.safe_text import brief
from alga.core.times import cut, format_day, format_interval, format_minutes, local_date, minutes_between, to_wire
from alga.lookup import entries, work_items
from alga.outbox import describe, transitions
from alga.outbox.operation import Kind, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, tzinfo

    from alga.app.running import Running
    from alga.app.session import Session
    from alga.core.entry import Entry
    from alga.outbox.operation import Operation
    from alga.outbox.results import Result
    from alga.state.cache import ServerCache

LONGEST_TITLE = 50  # characters in a sentence
ENTRY_FIELDS = (  # the keys of an entry in JSON
    "id",
    "work_item_type",
    "work_item_id",
    "work_item_title",
    "user_id",
    "user_name",
    "started_at",
    "ended_at",
    "duration_minutes",
    "billable_minutes",
    "service_id",
    "service_name",
    "notes",
    "approval_status",
    "time_sheet_id",
    "work_item_number",
    "client_name",
)


def lately(session: Session) -> list[Running]:
    """Recent work, the latest first: the user's own entries, without a connection those seen here, and entries that
    wait to be sent.
    """
    try:
        recorded = entries.recent_work(session.client, session.cache, session.now())
    except Unreachable:
        recorded = entries.seen_here(session.client, session.cache)
    done = [running.of_entry(session.cache, entry) for entry in recorded]
    return sorted([*(running.of_operation(each) for each in to_be_sent(session)), *done], key=_end, reverse=True)


def to_be_sent(session: Session) -> list[Operation]:
    """The new entries that wait on this computer to be sent."""
    queued = session.journal.queued()
    return [each for each in queued if each.kind is Kind.CREATE]


def unsent_here(session: Session) -> list[Operation]:
    """All that waits on this computer for the server and key: a timer, the queue, and what is set aside."""
    journal = session.journal
    live = journal.live()
    return list({each.id: each for each in (live, *journal.queued(), *journal.aside()) if each}.values())


def kept_here(session: Session) -> Running | None:
    """The timer that runs on this computer; None when no timer does."""
    return session.timer.here() if session.paths.outbox_db.exists() and session.journal.live() else None


def nothing_runs(session: Session, kept: bool) -> str:
    """The sentence about no timer; where alga keeps the clock (`kept`), another computer may have one."""
    if not kept:
        return "Nothing is running."
    return f"No timer on this computer ({session.environment.computer}). {ONLY_HERE}"


def mention(session: Session) -> None:
    """Warn about waiting operations, so that no list or sum looks complete when it is not."""
    if not session.paths.outbox_db.exists():
        return
    said = any(sentence.startswith(describe.SET_ASIDE) for sentence in session.warnings)
    for sentence in describe.mentions(session.journal, session.zone, session.now()):
        if not (said and sentence.startswith(describe.SET_ASIDE)):
            session.warn(sentence)


def _end(running: Running) -> datetime:
    return running.finished_at or running.started_at


def delivered(session: Session, entry: Entry) -> dict[str, Any]:
    """A delivered entry as JSON."""
    return work_items.published(entry, session.cache) | {"delivery": "delivered"}


def settled_entry(session: Session, settled: Result) -> Entry | None:
    """The entry of a delivery, read again if another process made it; None, with a warning, while it waits.

    Raises the error for which the operation was set aside.
    """
    operation = settled.operation
    if operation.state is State.ASIDE:
        error = settled.error or Refused(operation.reason)
        error.hint = f"It is set aside: alga queue show {operation.id}"
        raise error
    if operation.state is State.DONE:
        return settled.entry or (session.client.get_entry(operation.entry_id) if operation.entry_id else None)
    session.warn(saved(session, operation, settled.error))
    return None


WHY: tuple[tuple[type[AlgaError], str], ...] = (
    (NoConnection, "no connection"),
    (Overtaken, "another alga is sending"),
    (AuthError, "the key was refused"),
    (NetworkSettings, "a proxy or certificates cannot be used"),
    (ServerFailed, "the server failed"),
    (UnknownOutcome, "no answer"),
    (NeverSent, "the server is too slow at the moment"),
)


def saved(session: Session, operation: Operation, error: AlgaError | None) -> str:
    """`Saved here, not sent (no connection). alga sync sends it.`"""
    if error is None and operation.in_doubt:
        return "Saved here; it may be on the server already. alga sync checks before sending it again."
    if error is None:
        return "Saved here, not sent: an earlier operation still waits. alga sync sends both."
    why = next((words for kind, words in WHY if isinstance(error, kind)), "the server failed")
    if operation.in_doubt:
        return f"Saved here; it may be on the server already ({why}). alga sync checks before sending it again."
    return f"Saved here, not sent ({why}). alga sync sends it.{_looked_up_later(session.cache, operation)}"


def _looked_up_later(cache: ServerCache, operation: Operation) -> str:
    """A sentence about a typed ticket or service that could not be checked yet; '' when both are known."""
    typed, service = operation.item_typed or "", operation.service_typed or ""
    numbers = [number.lower() for number, *_ in cache.tickets.values()]
    by_number = work_items.NUMBER.fullmatch(typed) and typed.lower() not in numbers
    unknown = [f"ticket {typed}"] if by_number and not operation.asked.work_item_id else []
    known = service in cache.services or any(service.lower() in name.lower() for name in cache.services.values())
    if service and not known:
        unknown.append(f"service '{service}'")
    return f" Not looked up yet: {' and '.join(unknown)}." if unknown else ""


def queued(operation: Operation) -> dict[str, Any]:
    """A waiting operation as JSON: an entry without an id."""
    asked, before = transitions.as_entry(operation), operation.before or EntryRequest()
    start, end = operation.started_at, asked.ended_at
    return {
        **dict.fromkeys(ENTRY_FIELDS),
        "work_item_type": asked.work_item_type,
        "work_item_id": asked.work_item_id,
        "user_id": asked.user_id or operation.user_id,
        "started_at": to_wire(start),
        "ended_at": to_wire(end) if end else None,
        "duration_minutes": minutes_between(start, end) if end else None,
        "billable_minutes": asked.billable_minutes,
        "service_id": asked.service_id or before.service_id,
        "notes": asked.notes or before.notes,
        "delivery": "queued",
    }


@contextmanager
def nothing(was: str) -> Iterator[None]:
    """Add to refusals in this block that nothing was `was` (logged, changed, …)."""
    try:
        yield
    except Interrupted as error:
        if not error.hint:  # it is not saved here either
            error.message = error.message.replace("Nothing was sent.", f"Nothing was {was}.")
        raise
    except (Refused, NotFound, Forbidden, AuthError, Unreachable) as error:
        if "Nothing was" in error.message or isinstance(error, UnknownOutcome):
            raise
        raise error.adding(f"Nothing was {was}.") from None


def told(session: Session, asked: EntryRequest, entry: Entry) -> None:
    """After a write: warn of each difference between the request and the stored entry."""
    for sentence in differences(asked, entry, session.zone):
        session.warn(sentence)
    if sys.stderr.isatty():  # for a person a look-up more; a failure of it says nothing about the write
        with suppress(Unreachable):
            work_items.learn_numbers([entry], session.client, session.cache)
    if not entry.notes:
        session.note(
            f"The entry has no notes, and notes appear on invoices. To add notes: alga edit {entry.id[:8]} -m TEXT"
        )


# --- one entry in a sentence -------------------------------------------------------------------------


class View(NamedTuple):
    """The context of a listing: the zone, now, the cache of the server, the default service, the zone's city."""

    zone: tzinfo
    now: datetime
    cache: ServerCache
    service: str | None = None
    place: Callable[[datetime], str] = lambda instant: ""  # the zone's city, where it is not this computer's

    def is_default(self, service_id: str | None, name: str) -> bool:
        """Whether a service is the default service of the settings."""
        wanted = (self.service or "").lower()
        if not wanted or wanted in ((service_id or "").lower(), name.lower()):
            return bool(wanted)
        alike = {each.lower() for each in self.cache.services.values() if wanted in each.lower()}
        return wanted in name.lower() and alike <= {name.lower()}

    def named(self, label: str, work_item_id: str | None) -> str:
        """`TIC1042 (Mailbox full)`: the work item with its title, where that is known and says more."""
        title = work_items.title(work_item_id, self.cache)
        return f"{label} ({brief(title, LONGEST_TITLE)})" if title and title != label else label

    def billed_as(self, service_id: str | None, name: str | None) -> str:
        """`, Premium Support`: the service, unless it is the default; a wrong service leads to a wrong bill."""
        shown = name or self.cache.services.get(service_id or "") or service_id
        return f", {shown}" if shown and not self.is_default(service_id, shown) else ""


def view(session: Session) -> View:
    """The context of this command's listings."""
    return View(session.zone, session.now(), session.cache, session.profile.service, session.place)


def entry_line(verb: str, entry: Entry, view: View) -> str:
    """`Logged tk_77d0: 1h 30m worked, 1h 30m billable (07:40-09:10)  9be04f17`, with the date unless it is today."""
    day, today = local_date(entry.started_at, view.zone), local_date(view.now, view.zone)
    on = "" if day == today else f"{format_day(day, today)} "
    worked, billable = format_minutes(entry.duration_minutes), format_minutes(entry.billable_minutes or 0)
    interval = f"({on}{format_interval(entry.started_at, entry.ended_at, view.zone)}{view.place(entry.started_at)})"
    name = view.named(work_items.label(entry, view.cache), entry.work_item_id)
    if entry.ended_at is None:
        return f"{verb} {name}: running {interval}  {entry.id[:8]}"
    if entry.duration_minutes == 0:
        return f"{verb} {name}: 0 minutes recorded {interval}  {entry.id[:8]}"
    billed_as = view.billed_as(entry.service_id, entry.service_name)
    return f"{verb} {name}: {worked} worked, {billable} billable{billed_as} {interval}  {entry.id[:8]}"


def minutes_line(verb: str, operation: Operation, view: View) -> str:
    """`Saved tk_77d0: 1h 30m worked, 1h 30m billable (07:40-09:10)`: the same for a waiting operation."""
    asked, start = transitions.as_entry(operation), operation.started_at
    day, today = local_date(start, view.zone), local_date(view.now, view.zone)
    on = "" if day == today else f"{format_day(day, today)} "
    end = asked.ended_at or view.now
    worked = max(0, minutes_between(start, end))
    billed = worked if asked.billable_minutes is None else asked.billable_minutes
    interval = f"({on}{format_interval(start, cut(end), view.zone)}{view.place(start)})"
    billed_as = view.billed_as(asked.service_id or operation.service_typed, None)
    times = f"{format_minutes(worked)} worked, {format_minutes(billed)} billable"
    return f"{verb} {view.named(operation.label, asked.work_item_id)}: {times}{billed_as} {interval}"


def details(pairs: Sequence[tuple[str, str | None]]) -> str:
    """Names and values, one pair on each line, without empty values."""
    said = [(name, value) for name, value in pairs if value]
    wide = max(len(name) for name, _ in said)
    return "\n".join(f"{name.ljust(wide)}  {brief(value, LONGEST)}" for name, value in said)
