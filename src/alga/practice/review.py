"""Approval, bulk, search, stats and export on the embedded server."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any

from alga.practice import rules, store
from alga.practice.request import Request, Response
from alga.practice.rules import Refusal
from alga.practice.time_entries import create_row, filters, number, paged, update_row

CSV_HEAD = "Date,User,Work Item,Service,Start Time,End Time,Duration (Hours),Billable,Notes,Approval Status"


def approve(request: Request) -> Response:
    """POST approve: each entry's outcome; 400 with the same results when there is no success."""
    request.require("approve", words="time entries")
    results = []
    for entry_id in rules.check_ids(request.body, "entry_ids", rules.REVIEW_MOST, "Invalid approval data"):
        row = store.one(request.db, str(entry_id))
        why = rules.approvable(row["approval_status"] if row else None)
        if not why:
            store.update(request.db, str(entry_id), {"approval_status": "APPROVED"})
        results.append({"success": not why, "entry_id": entry_id} | ({"error": why} if why else {}))
    approved = sum(result["success"] for result in results)
    if not approved:
        raise rules.invalid(results, "No time entries could be approved")
    return Response.data({"approved_count": approved, "results": results})


def request_changes(request: Request) -> Response:
    """POST request-changes: success for every id, whatever the actual result."""
    request.require("request changes", words="time entries")
    what = "Invalid change request data"
    if not request.body.get("change_reason"):
        raise rules.invalid([rules.issue("change_reason", "Required")], what)
    entry_ids = rules.check_ids(request.body, "entry_ids", rules.REVIEW_MOST, what)
    for entry_id in entry_ids:
        if row := store.one(request.db, str(entry_id)):
            store.update(request.db, str(entry_id), {"approval_status": rules.sent_back(row["approval_status"])})
    return Response.data([{"success": True, "entry_id": entry_id} for entry_id in entry_ids])


# --- many at once ---


def bulk_create(request: Request) -> Response:
    """POST bulk: a count; one invalid entry refuses all, an entry that a rule refuses is silently left out."""
    request.require("create")
    bodies = rules.check_ids(request.body, "entries", rules.BULK_MOST, "Invalid bulk data")
    rows = [body if request.strict else dict(rules.lenient(body)) for body in bodies]
    for index, row in enumerate(rows):
        if issues := rules.check_entry(row, request.strict):
            placed = [fault | {"path": ["entries", index, *fault["path"]]} for fault in issues]
            raise rules.invalid(placed, "Invalid bulk data")
    return Response.data({"created_count": sum(_tried(create_row, request, row) for row in rows)}, 201)


def bulk_update(request: Request) -> Response:
    """PUT bulk: a count that includes unknown ids."""
    request.require("update")
    changed = 0
    for item in rules.check_ids(request.body, "entries", rules.BULK_MOST, "Invalid bulk data"):
        if "data" not in item:
            raise rules.invalid([rules.issue("data", "Required")], "Invalid bulk data")
        row = store.one(request.db, str(item.get("entry_id")))
        body = item["data"] if request.strict else dict(rules.lenient(item["data"]))
        changed += row is None or (_mine(request, row) and _tried(update_row, request, row, body))
    return Response.data({"updated_count": changed})


def bulk_delete(request: Request) -> Response:
    """DELETE bulk: 204, whether all, some or none were deleted."""
    request.require("delete")
    for entry_id in rules.check_ids(request.body, "entry_ids", rules.BULK_MOST, "Invalid bulk data"):
        row = store.one(request.db, str(entry_id))
        if row and _mine(request, row):
            request.db.execute("DELETE FROM entries WHERE entry_id = ?", (row["entry_id"],))
    return Response(204, b"")


def _mine(request: Request, row: Any) -> bool:
    return bool(row["user_id"] == request.user["user_id"] and row["approval_status"] != "APPROVED")


def _tried(action: Any, request: Request, *given: Any) -> bool:
    try:
        action(request, *given)
    except Refusal:
        return False
    return True


# --- reading across ---


def search(request: Request) -> Response:
    """GET search: notes only, `%` and `_` match anything, newest first, `page` has no effect."""
    request.require("read")
    words = request.query.get("query", "")
    if not words:
        raise rules.invalid([rules.issue("query", "Required")], "Invalid search parameters")
    limit = number(request, "limit", 25, rules.PAGE_MOST)
    where: list[tuple[str, object]] = [("notes LIKE ?", f"%{words}%"), *_searched_days(request)]
    rows = store.select(request.db, where, "ORDER BY start_time DESC", limit)
    pages = paged(1, limit, store.count(request.db, where))
    return Response.data([request.shown(row) for row in rows], pagination=pages)


def _searched_days(request: Request) -> list[tuple[str, object]]:
    """date_from and date_to as times with `Z`, of which only the date counts (section 10)."""
    found: list[tuple[str, object]] = []
    for name, comparison in (("date_from", "work_date >= ?"), ("date_to", "work_date <= ?")):
        if (text := request.query.get(name)) is not None:
            instant = rules.read_time(text)
            if instant is None:
                raise rules.invalid([rules.issue(name, "Invalid datetime")], "Invalid search parameters")
            found.append((comparison, instant.strftime("%Y-%m-%d")))
    return found


def stats(request: Request) -> Response:
    """GET stats: everybody's, in billable hours, by date_from and date_to only."""
    request.require("read")
    kept = {name: value for name, value in request.query.items() if name in ("date_from", "date_to")}
    where = filters(request._replace(query=kept))
    rows = store.select(request.db, where)
    worked = sum(rules.minutes(row["start_time"], row["end_time"]) for row in rows if row["end_time"])
    billable = sum(row["billable_duration"] for row in rows)
    by = {name: Counter(row[column] or "No Service" for row in rows) for name, column in GROUPS.items()}
    return Response.data({
        "total_hours": worked / 60, "billable_hours": billable / 60, "non_billable_hours": (worked - billable) / 60,
        "total_entries": len(rows), "billable_percentage": round(100 * billable / worked) if worked else 0,
        "average_entry_duration": billable / len(rows) if rows else 0, **by,
    })  # fmt: skip


GROUPS = {
    "entries_by_type": "work_item_type",
    "entries_by_status": "approval_status",
    "entries_by_user": "user_name",
    "entries_by_service": "service_name",
}


def export(request: Request) -> Response:
    """GET export: all rows at once, JSON, or CSV with local dates, billable hours and no ids."""
    request.require("read")
    form = request.query.get("format", "csv")
    if form not in ("csv", "json", "xlsx"):
        raise rules.invalid([rules.issue("format", "Invalid enum value")], "Invalid export parameters")
    rows = store.select(request.db, filters(request), "ORDER BY start_time DESC")
    if form != "csv":
        return Response.data([request.shown(row) for row in rows])
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows(_csv_row(row) for row in rows)
    return Response(200, "\n".join([CSV_HEAD, text.getvalue()]).rstrip("\n").encode(), "text/csv")


def _csv_row(row: Any) -> list[str]:
    billable = row["billable_duration"]
    title, service = row["work_item_title"] or "N/A", row["service_name"] or "N/A"
    head = [row["work_date"], row["user_name"], title, service, row["start_time"], row["end_time"] or ""]
    return [*head, f"{billable / 60:.2f}", "Yes" if billable else "No", row["notes"] or "", row["approval_status"]]


def templates(request: Request) -> Response:
    """GET templates: always empty."""
    return Response.data([])
