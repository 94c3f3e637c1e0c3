"""An operation as a row of the journal, and back: the one place where a damaged row is noticed."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from alga.core.entry import Entry, EntryRequest
from alga.core.errors import UsageError
from alga.core.safe_text import brief, sound
from alga.core.times import from_wire, to_wire
from alga.outbox.operation import Kind, Operation, State

if TYPE_CHECKING:
    from collections.abc import Mapping

APART = {
    "id",
    "version",
    "act",
    "undoes",
    "kind",
    "state",
    "key",
    "entry_id",
    "user_id",
    "server",
    "fingerprint",
    "sent_at",
    "changed_at",
}
ENTRIES = ("before", "stored")
ENTRY_TIMES = ("started_at", "ended_at", "created_at")
ENTRY_TEXTS = [name for name in Entry._fields if name not in (*ENTRY_TIMES, "billable_minutes", "shows_sheet")]
TIMES = ("queued_at", "sent_at", "tried_at", "failing_since", "changed_at")
ONLY_SHOWN = ("work_item_title", "user_name", "service_name", "approval_status", "change_reason")
LONGEST_SHOWN = 200  # characters of them in the journal
FIELDS, DEFAULTS = Operation._fields, Operation._field_defaults
HALF = "\\ud"  # how half a character is escaped
KINDS = {"label": str, "reason": str, "fault": str, "server": str, "version": int, "tries": int, "failures": int}
TEXTS = ("act", "entry_id", "item_typed", "service_typed", "feedback", "key", "user_id", "fingerprint")
ABOUT = (Kind.STOP, Kind.EDIT, Kind.DELETE, Kind.APPROVE, Kind.SEND_BACK)  # an entry, or a session
WITHOUT_KEY = (State.REFUSED, State.DROPPED)  # states in which a key may be used again


class Unreadable(NamedTuple):
    """A damaged row: its number, its server as far as readable, and the fault."""

    id: int
    server: str
    fault: str


def row_of(operation: Operation) -> dict[str, object]:
    """The columns of an operation, but for those that say whose it is; what is as usual is not written."""
    every = zip(FIELDS, operation, strict=True)
    content: dict[str, Any] = {name: said for name, said in every if name not in APART and said != DEFAULTS.get(name)}
    content |= {name: _said(content[name]) for name in ENTRIES if name in content}
    return {
        "version": operation.version,
        "act": operation.act,
        "undoes": operation.undoes,
        "kind": operation.kind,
        "state": operation.state,
        "live": 1 if operation.live else None,
        "key": operation.key if operation.state not in WITHOUT_KEY or operation.practice or operation.undone else None,
        "entry_id": operation.entry_id,
        "user_id": operation.user_id,
        "sent_at": to_wire(operation.sent_at) if operation.sent_at else None,
        "changed_at": to_wire(operation.changed_at) if operation.changed_at else None,
        "content": _JSON.encode(content),
    }


def _said(entry: Entry) -> dict[str, object]:
    """An entry's values, without None; texts that are only shown are cut, notes are not."""
    said = {name: value for name, value in entry._asdict().items() if value is not None}
    return said | {name: brief(said[name], LONGEST_SHOWN) for name in ONLY_SHOWN if name in said}


def _plain(value: object) -> object:
    return to_wire(value) if isinstance(value, datetime) else vars(value)  # of an EntryRequest


_JSON = json.JSONEncoder(default=_plain, ensure_ascii=False)


def text_of(content: bytes) -> str:
    """The text of a row, even if damaged."""
    return content.decode("utf-8", "replace")


def read_row(row: Mapping[str, Any]) -> Operation | Unreadable:
    """The only place where a row becomes an operation."""
    try:
        return _operation(row)
    except (ValueError, TypeError, KeyError, AttributeError, UsageError, OverflowError, RecursionError) as fault:
        return Unreadable(row["id"], str(row["server"]), f"{type(fault).__name__}: {fault}"[:200])


def _operation(row: Mapping[str, Any]) -> Operation:
    content = json.loads(row["content"])
    given = {**(sound(content) if HALF in row["content"].lower() else content), **{name: row[name] for name in APART}}
    times = {name: from_wire(given[name]) for name in TIMES if given.get(name)}
    read = {
        **{name: given[name] for name in FIELDS if name in given},
        "kind": Kind(given["kind"]),
        "state": State(given["state"]),
        "asked": _asked(given["asked"]),
        "after": tuple(map(int, given.get("after", ()))),
        "before": _entry(given["before"], given["entry_id"]) if given.get("before") else None,
        "stored": _entry(given["stored"], given["entry_id"]) if given.get("stored") else None,
        **times,
    }
    if wrong := [name for name, kind in KINDS.items() if not isinstance(read.get(name, kind()), kind)]:
        raise TypeError(f"{wrong[0]} has the wrong type")
    if wrong := [name for name in TIMES if not isinstance(read.get(name), datetime | None)]:
        raise TypeError(f"{wrong[0]} is not a time")
    if wrong := [name for name in TEXTS if not isinstance(read.get(name), str | None)]:
        raise TypeError(f"{wrong[0]} is not text")
    operation = Operation(**read)
    _check(operation)
    return operation


def _check(operation: Operation) -> None:
    """Raise ValueError for an operation that lacks what its kind needs, or has a time out of range."""
    asked = operation.asked
    moments = [asked.started_at, asked.ended_at]
    for entry in filter(None, (operation.before, operation.stored)):
        moments += [entry.started_at, entry.ended_at]
    named = [getattr(operation, name) for name in TIMES]
    if any(moment and not 1971 <= moment.year <= 9000 for moment in (*moments, *named)):
        raise ValueError("a time is out of range")
    waits = operation.state in (State.QUEUED, State.ASIDE)
    if operation.queued_at is None or (operation.kind in ABOUT and waits and not operation.entry_id):
        raise ValueError("something is missing")
    if operation.kind is Kind.CREATE and waits and not (asked.started_at and asked.ended_at):
        raise ValueError("its times are missing")


def _asked(content: Mapping[str, Any]) -> EntryRequest:
    times = {name: from_wire(content[name]) for name in ("started_at", "ended_at") if content.get(name)}
    asked = EntryRequest(**{**content, **times})
    texts = (asked.work_item_type, asked.work_item_id, asked.notes, asked.user_id, asked.service_id)
    if not all(text is None or isinstance(text, str) for text in texts):
        raise TypeError("a text field is not text")
    if not (asked.billable_minutes is None or isinstance(asked.billable_minutes, int)):
        raise TypeError("the billable minutes are not a number")
    return asked


def _entry(content: Mapping[str, Any], entry_id: str | None) -> Entry:
    """An entry as it was seen; in older files without an id. Raises ValueError or TypeError for invalid values."""
    times = {name: from_wire(content[name]) for name in ENTRY_TIMES if content.get(name)}
    known = {name: value for name, value in content.items() if name in Entry._fields}
    entry = Entry(**{"id": entry_id or "", **known, **times})
    if not all(value is None or isinstance(value, str) for value in map(entry._asdict().get, ENTRY_TEXTS)):
        raise TypeError("a text field is not text")
    if not (entry.billable_minutes is None or isinstance(entry.billable_minutes, int)):
        raise TypeError("the billable minutes are not a number")
    return entry
