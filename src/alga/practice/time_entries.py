"""Single entries and tracking sessions on the embedded server."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from alga.practice import rules, store
from alga.practice.request import Request, Response
from alga.practice.rules import Refusal

SORTABLE = (
    "created_at",
    "start_time",
    "end_time",
    "updated_at",
    "work_date",
    "entry_id",
    "user_id",
    "billable_duration",
)
FILTERS = {
    "user_id": "entries.user_id = ?",
    "work_item_id": "work_item_id = ?",
    "work_item_type": "work_item_type = ?",
    "service_id": "entries.service_id = ?",
    "approval_status": "approval_status = ?",
    "date_from": "work_date >= ?",
    "date_to": "work_date <= ?",
    "start_time_from": "start_time >= ?",
    "start_time_to": "start_time <= ?",
    "end_time_from": "end_time >= ?",
    "end_time_to": "end_time <= ?",
}


def listed(request: Request) -> Response:
    """GET /time-entries: every user's, paged to 100; unknown parameters have no effect."""
    request.require("read")
    where, page, limit = (
        filters(request),
        number(request, "page", 1, None),
        number(request, "limit", 25, rules.PAGE_MOST),
    )
    sort, order = request.query.get("sort", "created_at"), request.query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise rules.invalid([rules.issue("order", "Invalid enum value")], "Query validation failed")
    if sort not in SORTABLE:
        message = "The server is misconfigured for this operation. Please contact support."
        raise Refusal(500, "INTERNAL_CONFIGURATION", message)
    nulls = "NULLS FIRST" if order == "desc" else "NULLS LAST"
    rows = store.select(request.db, where, f"ORDER BY entries.{sort} {order} {nulls}", limit, (page - 1) * limit)
    meta = {
        "sort": sort,
        "order": order,
        "filters": {name: request.query[name] for name in FILTERS if name in request.query},
    }
    pages = paged(page, limit, store.count(request.db, where))
    return Response.data([request.shown(row) for row in rows], pagination=pages, meta=meta)


def filters(request: Request) -> list[tuple[str, object]]:
    """The conditions of a query string. 400 for an invalid value."""
    where: list[tuple[str, object]] = []
    for name, expression in FILTERS.items():
        if (value := request.query.get(name)) is not None:
            where.append((expression, _filter_value(request, name, value)))
    if (billable := request.query.get("is_billable")) is not None:
        if billable not in ("true", "false"):
            raise rules.invalid([rules.issue("is_billable", "Invalid boolean value")], "Query validation failed")
        where.append(("(billable_duration > 0) = ?", billable == "true"))
    return where


def _filter_value(request: Request, name: str, value: str) -> str:
    instant = rules.read_time(value) if "_time_" in name else None
    if not rules.good_filter(name, value, request.strict):
        raise rules.invalid([rules.issue(name, "Invalid")], "Query validation failed")
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ") if instant else value


def number(request: Request, name: str, otherwise: int, most: int | None) -> int:
    """A count from the query, from 1 to `most`."""
    text = request.query.get(name, str(otherwise))
    value = int(text) if text.isdecimal() and len(text) < 10 else 0
    if value < 1 or (most and value > most):
        bound = f"less than or equal to {most}" if most and value > 1 else "greater than or equal to 1"
        raise rules.invalid([rules.issue(name, f"Number must be {bound}")], "Query validation failed")
    return value


def paged(page: int, limit: int, total: int) -> dict[str, Any]:
    """The pagination of an envelope."""
    pages = -(-total // limit)
    numbers = {"page": page, "limit": limit, "total": total, "totalPages": pages}
    return numbers | {"hasNext": page < pages, "hasPrev": page > 1}


def create(request: Request) -> Response:
    """POST /time-entries: own entry, minutes cut, 409 when it overlaps another entry of the user."""
    request.require("create")
    row = create_row(request, request.entry_body())
    answer = request.shown(row)
    if request.strict:
        sheet = request.db.execute("SELECT * FROM sheets WHERE id = ?", (row["time_sheet_id"],)).fetchone()
        answer["time_sheet"] = {"id": sheet["id"], "approval_status": sheet["approval_status"]}
        answer["user"] = {"user_id": row["user_id"]}
    return Response.data(answer, 201)


def create_row(request: Request, body: dict[str, Any]) -> Any:
    """Store a new finished entry. Raises Refusal."""
    if issues := rules.check_entry(body, request.strict):
        raise rules.invalid(issues)
    if request.strict and body["work_item_type"] == "ticket" and not _ticket_exists(request, body["work_item_id"]):
        raise rules.invalid([rules.issue("work_item_id", "Ticket not found")])
    start, end = (rules.cut(_time(body[name])) for name in ("start_time", "end_time"))
    user = ("entries.user_id = ?", request.user["user_id"])
    own = store.select(request.db, [user, ("start_time < ?", end), ("end_time > ?", start)])
    if rules.overlap(start, end, map(dict, own)):
        raise Refusal(409, "CONFLICT", "Time entry overlaps with existing entry")
    sheet = store.sheet(request.db, request.user["user_id"], start[:7]) if request.strict else None
    billable = rules.billable(rules.minutes(start, end), body, request.strict)
    return _insert(request, body, start, end, billable, sheet)


def _insert(
    request: Request, body: dict[str, Any], start: str, end: str | None, billable: int, sheet: str | None
) -> Any:
    entry_id, now = str(uuid.uuid4()), request.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    row = {name: body.get(name) for name in ("work_item_type", "work_item_id", "notes", "service_id")}
    store.insert(request.db, row | {
        "entry_id": entry_id, "user_id": request.user["user_id"], "start_time": start, "end_time": end,
        "billable_duration": billable, "approval_status": "DRAFT", "time_sheet_id": sheet,
        "work_date": _work_date(request, start), "created_at": now, "updated_at": now,
    })  # fmt: skip
    return store.one(request.db, entry_id)


def _work_date(request: Request, start: str) -> str:
    return datetime.fromisoformat(start).astimezone(request.zone).strftime("%Y-%m-%d")


def _ticket_exists(request: Request, ticket_id: str) -> bool:
    return bool(request.db.execute("SELECT 1 FROM tickets WHERE ticket_id = ?", (ticket_id,)).fetchone())


def _time(value: object) -> datetime:
    instant = rules.read_time(value)
    assert instant
    return instant


def _found(request: Request, entry_id: str) -> Any:
    if request.strict and not rules.UUID.fullmatch(entry_id):
        raise Refusal(400, "VALIDATION_ERROR", "Invalid time_entry ID format")
    row = store.one(request.db, entry_id)
    if row is None:
        raise Refusal(404, "NOT_FOUND", "time_entry not found")
    return row


def get(request: Request, entry_id: str) -> Response:
    """GET /time-entries/{id}: anyone's."""
    request.require("read")
    return Response.data(request.shown(_found(request, entry_id)))


def update(request: Request, entry_id: str) -> Response:
    """PUT /time-entries/{id}: own and not approved; overlap is not checked."""
    request.require("update")
    row = _found(request, entry_id)
    rules.require_own(row, request.user["user_id"], "update")
    return Response.data(request.shown(update_row(request, row, request.entry_body())))


def update_row(request: Request, row: Any, body: dict[str, Any]) -> Any:
    """Change what the body names; billable minutes follow the times, all or nothing. Raises Refusal."""
    if issues := rules.check_entry(body, request.strict, creating=False):
        raise rules.invalid(issues)
    changes: dict[str, Any] = {
        name: body[name] for name in ("work_item_type", "work_item_id", "notes", "service_id") if name in body
    }
    for name in ("start_time", "end_time"):
        if name in body:
            changes[name] = rules.cut(_time(body[name]))
    start, end = changes.get("start_time", row["start_time"]), changes.get("end_time", row["end_time"])
    if end and {"start_time", "end_time", "is_billable", "billable_minutes"} & set(body):
        worked = rules.minutes(start, end)
        changes["billable_duration"] = rules.billable(worked, body, request.strict, row["billable_duration"] > 0)
    changes["work_date"] = _work_date(request, start)
    changes["updated_at"] = request.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    store.update(request.db, row["entry_id"], changes)
    return store.one(request.db, row["entry_id"])


def delete(request: Request, entry_id: str) -> Response:
    """DELETE /time-entries/{id}: own and not approved, and the role needs delete."""
    request.require("delete")
    row = _found(request, entry_id)
    rules.require_own(row, request.user["user_id"], "delete")
    request.db.execute("DELETE FROM entries WHERE entry_id = ?", (row["entry_id"],))
    return Response(204, b"")


# --- tracking sessions ---


def running(request: Request) -> Any:
    """The user's running entry, or None."""
    rows = store.select(request.db, [("entries.user_id = ?", request.user["user_id"]), ("end_time IS NULL AND ?", 1)])
    return rows[0] if rows else None


def active_session(request: Request) -> Response:
    """GET active-session: `null` when there is none."""
    row = running(request)
    return Response.data(request.session(row) if row else None)


def start_tracking(request: Request) -> Response:
    """POST start-tracking: now, cut to the minute, one a user; no time sheet, now or later."""
    request.require("create")
    body = request.entry_body()
    if issues := rules.check_start(body, request.strict):
        raise rules.invalid(issues, "Invalid tracking data")
    if running(request):
        message = "Active time tracking session already exists. Please stop the current session first."
        raise Refusal(409, "CONFLICT", message)
    row = _insert(request, {"notes": "", **body}, rules.cut(request.now), None, 0, None)
    return Response.data(request.session(row), 201)


def stop_tracking(request: Request, session_id: str) -> Response:
    """POST stop-tracking/{id}: the end given or now; neither order nor overlap is checked."""
    request.require("update")
    row, body = running(request), request.entry_body()
    if not row or row["entry_id"] != session_id.lower():
        raise Refusal(404, "NOT_FOUND", "Active session not found")
    if "end_time" in body and rules.read_time(body["end_time"]) is None:
        raise rules.invalid([rules.issue("end_time", "Invalid datetime")], "Invalid stop data")
    end = rules.cut(_time(body["end_time"]) if "end_time" in body else request.now)
    worked = rules.minutes(row["start_time"], end)
    store.update(request.db, row["entry_id"], {
        "end_time": end, "notes": body.get("notes") or row["notes"],
        "service_id": body.get("service_id", row["service_id"]),
        "billable_duration": rules.billable(worked, body, request.strict),
        "updated_at": request.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    })  # fmt: skip
    return Response.data(request.shown(_found(request, row["entry_id"])), 201)
