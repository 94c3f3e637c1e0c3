"""Operations in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alga.core.entry import differences
from alga.core.times import counted, format_day, format_interval, format_time, local_date, minutes_between, to_wire
from alga.outbox import transitions
from alga.outbox.operation import Kind, Operation, State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from alga.outbox.encoding import Unreadable
    from alga.outbox.journal import Journal
    from alga.outbox.results import Result

VERBS = {
    Kind.CREATE: "log",
    Kind.START: "start",
    Kind.STOP: "stop",
    Kind.EDIT: "edit",
    Kind.DELETE: "delete",
    Kind.APPROVE: "approve",
    Kind.SEND_BACK: "request-changes",
}
SET_ASIDE = "Set aside: "
TIMES = (Kind.CREATE, Kind.STOP, Kind.EDIT)
DELIVERY = {
    State.RUNNING: "running",
    State.QUEUED: "queued",
    State.ASIDE: "set aside",
    State.DONE: "delivered",
    State.REFUSED: "refused",
    State.DROPPED: "discarded",
}
OPERATION_FIELDS = (  # the keys of an operation in JSON
    "id", "kind", "delivery", "in_doubt", "label", "entry_id", "work_item_type", "work_item_id", "billable_minutes",
    "service_id", "notes", "tries", "reason", "key", "server", "user_id", "started_at", "ended_at", "queued_at",
    "changed_at",
)  # fmt: skip
SHOWN = 3  # up to this many are named; of more only the first and a count


def what(operation: Operation, zone: tzinfo, now: datetime) -> str:
    """`TIC1042 09:12-10:00`, `TIC1042 Mon 23 Nov 09:12-10:00`, `edit 1c7b04e2`."""
    asked = operation.asked
    if operation.kind in (Kind.CREATE, Kind.START, Kind.STOP):
        start = operation.started_at
        times = format_interval(start, asked.ended_at, zone)
        if operation.kind is Kind.STOP and not asked.ended_at:
            times = f"{times}{format_time(operation.queued_at, zone)}"
        return f"{operation.label} {_on(start, zone, now)}{times}"
    verb = "discard" if operation.discards else VERBS[operation.kind]
    return f"{verb} {operation.label} {(operation.entry_id or '')[:8]}".replace("  ", " ").strip()


def published(operation: Operation) -> dict[str, Any]:
    """An operation as JSON."""
    asked = transitions.as_entry(operation)
    timed = operation.kind in (Kind.CREATE, Kind.START, Kind.STOP)
    times = {"started_at": operation.started_at if timed else asked.started_at, "ended_at": asked.ended_at}
    moments = times | {"queued_at": operation.queued_at, "changed_at": operation.changed_at}
    return {
        "id": operation.id,
        "kind": operation.kind.value,
        "delivery": DELIVERY[operation.state],
        "in_doubt": operation.in_doubt,
        "label": operation.label,
        "entry_id": operation.entry_id,
        "work_item_type": asked.work_item_type,
        "work_item_id": asked.work_item_id,
        "billable_minutes": asked.billable_minutes,
        "service_id": asked.service_id,
        "notes": asked.notes,
        "tries": operation.tries,
        "reason": operation.reason or None,
        "key": operation.key,
        "server": operation.server,
        "user_id": operation.user_id,
        **{name: to_wire(instant) if instant else None for name, instant in moments.items()},
    }


def published_unreadable(row: Unreadable) -> dict[str, Any]:
    """The same for a damaged row, as far as it can be read."""
    known = {"id": row.id, "kind": "unreadable", "delivery": "unreadable", "in_doubt": True, "label": ""}
    return dict.fromkeys(OPERATION_FIELDS) | known | {"tries": 0, "reason": row.fault, "server": row.server}


def minutes(operation: Operation) -> int:
    """The worked minutes of an operation; 0 if it is not a new entry or a stop."""
    if operation.kind not in (Kind.CREATE, Kind.STOP):
        return 0
    return max(0, minutes_between(operation.started_at, operation.asked.ended_at or operation.queued_at))


def mentions(journal: Journal, zone: tzinfo, now: datetime) -> list[str]:
    """Sentences about waiting operations, operations set aside, those of another key or server, and damaged rows."""
    waits = journal.queued()
    said = failing(journal, waits, zone, now)
    failed = {each.id for each in waits if each.failures >= transitions.MANY_FAILURES} if said else set()
    if queued := [each for each in waits if not each.live and each.id not in failed]:
        said.append(f"Not on the server yet: {_named(queued, zone, now)}. alga sync sends {_it(queued)}.")
    if aside := journal.aside():
        said.append(f"{SET_ASIDE}{_named(aside, zone, now)}. To see why: alga queue")
    others = journal.of_others()
    if running := [each for each in others if each.live]:
        run = "runs" if len(running) == 1 else "run"
        said.append(f"{_named(running, zone, now)} {run} for another login: alga queue")
    if waits := [each for each in others if not each.live]:
        wait = "waits" if len(waits) == 1 else "wait"
        said.append(f"{_named(waits, zone, now)} {wait} for another login: alga queue")
    return [*said, *(unreadable(each) for each in journal.unreadable())]


def failing(journal: Journal, queued: Sequence[Operation], zone: tzinfo, now: datetime) -> list[str]:
    """A sentence for each operation that failed repeatedly while others to the same server were delivered."""
    many = [each for each in queued if each.failures >= transitions.MANY_FAILURES and each.failing_since]
    said = []
    for each in many:
        assert each.failing_since
        if not journal.others_got_through(each.failing_since):
            continue
        since = f"{_on(each.failing_since, zone, now)}{format_time(each.failing_since, zone)}"
        recorded = "not recorded" if each.missing else "perhaps recorded"
        told = f"{what(each, zone, now)} has been failing on the server since {since} ({each.fault}), {recorded}"
        said.append(f"{told}: alga queue show {each.id}")
    return said


def unreadable(row: Unreadable) -> str:
    """The sentence about a damaged row, which does not block other operations."""
    return f"Operation {row.id} in the queue cannot be read. To see why: alga queue show {row.id}"


def reports(settled: Sequence[Result], zone: tzinfo, now: datetime) -> list[str]:
    """Sentences about the results of operations that an earlier command left."""
    done = [each.operation for each in settled if each.operation.state is State.DONE]
    said = [f"Recorded now: {_named(done, zone, now)}."] if done else []
    for each in settled:
        said += differing(each, zone)
    aside = [each.operation for each in settled if each.operation.state is State.ASIDE]
    if len(aside) > SHOWN:
        return [*said, f"{SET_ASIDE}{_named(aside, zone, now)}. To see why: alga queue"]
    return [*said, *(f"{SET_ASIDE}{what(each, zone, now)}. {each.reason} To decide: alga queue" for each in aside)]


def differing(settled: Result, zone: tzinfo) -> list[str]:
    """One sentence for each difference between an entry recorded now and its request."""
    operation, entry = settled.operation, settled.entry
    if operation.state is not State.DONE or entry is None or operation.kind not in TIMES:
        return []
    return differences(transitions.as_entry(operation), entry, zone)


def _named(operations: Sequence[Operation], zone: tzinfo, now: datetime) -> str:
    if len(operations) > SHOWN:
        return f"{what(operations[0], zone, now)} and {counted(len(operations) - 1, 'other')}"
    return ", ".join(what(each, zone, now) for each in operations)


def _it(operations: Sequence[Operation]) -> str:
    return "it" if len(operations) == 1 else "them"


def _on(instant: datetime, zone: tzinfo, now: datetime) -> str:
    """`Mon 23 Nov `, or '' for today."""
    day, today = local_date(instant, zone), local_date(now, zone)
    return "" if day == today else f"{format_day(day, today)} "
