"""The deployed server's rules, one function each; tests/contract/test_rules.py names the recordings that prove them.

This side spells the field names itself, so that a mistake in api/wire.py cannot cancel itself out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Row = Mapping[str, Any]
Issue = dict[str, Any]

TYPES = ("ticket", "project_task", "non_billable_category", "ad_hoc", "interaction")
STATUSES = ("DRAFT", "SUBMITTED", "APPROVED", "CHANGES_REQUESTED")
PAGE_MOST, BULK_MOST, REVIEW_MOST = 100, 50, 100
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
Z_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z")
MAY = {
    "technician": {"time_entry": {"create", "read", "update"}},
    "admin": {"time_entry": {"create", "read", "update", "delete", "approve"}, "service": {"read"}},
}


class Refusal(Exception):
    """An answer of 4xx."""

    def __init__(self, status: int, code: str, message: str, details: object = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details


def invalid(issues: list[Issue], what: str = "Validation failed") -> Refusal:
    """400 with a list of issues."""
    return Refusal(400, "VALIDATION_ERROR", what, issues)


def issue(path: str, message: str) -> Issue:
    """One fault of a body or a query."""
    return {"path": [path], "message": message}


# --- times ---


def read_time(text: object) -> datetime | None:
    """A time the server takes: with `Z` and nothing else (section 2)."""
    if not isinstance(text, str) or not Z_TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def cut(instant: datetime) -> str:
    """As stored: to the minute."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00Z")


def minutes(start: str, end: str) -> int:
    """Minutes between two stored times; negative when they are reversed, as there."""
    return int((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() // 60)


def overlap(start: str, end: str, entries: Iterable[Row]) -> bool:
    """Own finished entries only: touching ends do not count, and neither does a running timer."""
    return any(row["end_time"] and start < row["end_time"] and row["start_time"] < end for row in entries)


# --- billable ---


def billable(worked: int, body: Row, strict: bool, otherwise: bool = True) -> int:
    """All the minutes or none, by `is_billable`. Lenient keeps a `billable_minutes` that is given."""
    asked = body.get("billable_minutes")
    if not strict and isinstance(asked, int) and not isinstance(asked, bool):
        return asked
    return worked if body.get("is_billable", otherwise) else 0


# --- bodies ---


def lenient(body: Row) -> Row:
    """Published names for deployed ones, where the deployed one is missing."""
    pairs = (("start_time", "started_at"), ("end_time", "ended_at"))
    return {**{theirs: body[ours] for theirs, ours in pairs if ours in body}, **body}


def check_entry(body: Row, strict: bool, creating: bool = True) -> list[Issue]:
    """The faults of a create (or, for what is given, of an update)."""
    faults: list[Issue] = []
    kind = body.get("work_item_type")
    if kind not in TYPES and (creating or kind is not None):
        faults.append(issue("work_item_type", "Required" if kind is None else "Invalid enum value"))
    for name in ("start_time", "end_time"):
        if creating or name in body:
            faults += _time_faults(name, body.get(name))
    for name in ("work_item_id", "service_id"):
        faults += _id_faults(name, body, strict)
    if "notes" in body and not isinstance(body["notes"], str):
        faults.append(issue("notes", "Expected string, received null"))
    if "is_billable" in body and not isinstance(body["is_billable"], bool):
        faults.append(issue("is_billable", "Expected boolean, received string"))
    if not faults:
        faults = _order_faults(body) + (_missing(body, strict) if creating else [])
    return faults


def _time_faults(name: str, value: object) -> list[Issue]:
    if value is None:
        return [issue(name, "Required")]
    return [] if read_time(value) else [issue(name, "Invalid datetime")]


def _id_faults(name: str, body: Row, strict: bool) -> list[Issue]:
    if name not in body:
        return []
    value = body[name]
    if not isinstance(value, str):
        return [issue(name, "Expected string, received null")]
    return [issue(name, "Invalid uuid")] if strict and not UUID.fullmatch(value) else []


def _order_faults(body: Row) -> list[Issue]:
    start, end = read_time(body.get("start_time")), read_time(body.get("end_time"))
    return [issue("end_time", "End time must be after start time")] if start and end and end <= start else []


def _missing(body: Row, strict: bool) -> list[Issue]:
    kind = body.get("work_item_type")
    if strict and "service_id" not in body:
        return [issue("service_id", "service_id is required for time entries")]
    if kind in ("ticket", "project_task") and "work_item_id" not in body:
        return [issue("work_item_id", f"work_item_id is required when work_item_type is {kind}")]
    return []


def check_start(body: Row, strict: bool) -> list[Issue]:
    """The faults of a start-tracking: a ticket is not looked up there (section 6)."""
    faults = [] if body.get("work_item_type") in TYPES else [issue("work_item_type", "Required")]
    if strict and "service_id" not in body:
        faults.append(issue("service_id", "Required"))
    return faults or _id_faults("service_id", body, strict) + _id_faults("work_item_id", body, strict)


def check_ids(body: Row, name: str, most: int, what: str) -> list[Any]:
    """The list under `name`, 1 to `most` long."""
    rows = body.get(name)
    if not isinstance(rows, list):
        raise invalid([issue(name, "Required" if rows is None else "Expected array, received string")], what)
    if not 1 <= len(rows) <= most:
        bound = f"at least {1}" if not rows else f"at most {most}"
        raise invalid([issue(name, f"Array must contain {bound} element(s)")], what)
    return rows


def good_filter(name: str, value: str, strict: bool) -> bool:
    """Whether a filter's value has the right form; lenient takes any id."""
    if "_time_" in name:
        return read_time(value) is not None
    if name.startswith("date_"):
        return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", value))
    allowed = {"approval_status": STATUSES, "work_item_type": TYPES}.get(name)
    if allowed:
        return value in allowed
    return not strict or bool(UUID.fullmatch(value))


# --- who may ---


def require(role: str, strict: bool, action: str, thing: str = "time_entry", words: str = "time_entry") -> None:
    """403 unless the role may."""
    needed = "approve" if action == "request changes" else action
    if strict and needed not in MAY.get(role, {}).get(thing, set()):
        what = "request changes to" if action == "request changes" else action
        raise Refusal(403, "FORBIDDEN", f"Permission denied: Cannot {what} {words}")


def require_own(row: Row, user_id: str, action: str) -> None:
    """403 for another user's entry, whoever asks; 409 for an approved one."""
    if row["user_id"] != user_id:
        raise Refusal(403, "FORBIDDEN", f"Permission denied: Cannot {action} this time entry")
    if row["approval_status"] == "APPROVED":
        verb = "modify" if action == "update" else action
        raise Refusal(409, "CONFLICT", f"Cannot {verb} approved time entries")


def approvable(status: str | None) -> str | None:
    """Why an entry of this status cannot be approved; None when it can."""
    if status is None:
        return "Time entry not found"
    return (
        None
        if status in ("SUBMITTED", "CHANGES_REQUESTED")
        else f"Time entry is in {status} status and cannot be approved"
    )


def sent_back(status: str) -> str:
    """The status after request-changes, which says success whatever it was."""
    return "CHANGES_REQUESTED" if status == "SUBMITTED" else status
