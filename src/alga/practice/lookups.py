"""Tickets, services and assigned work on the embedded server."""

from __future__ import annotations

from alga.practice import rules, store
from alga.practice.request import Request, Response
from alga.practice.time_entries import number, paged


def tickets(request: Request) -> Response:
    """GET /tickets?ticket_number=: a substring match, as on the deployed server."""
    page, limit = number(request, "page", 1, None), number(request, "limit", 25, rules.PAGE_MOST)
    rows = _tickets(request, request.query.get("ticket_number", ""), by_title=False)
    shown = rows[(page - 1) * limit : page * limit]
    return Response.data(shown, pagination=paged(page, limit, len(rows)), meta={"filters": {}})


def ticket(request: Request, ticket_id: str) -> Response:
    """GET /tickets/{id}: 400 for what is no UUID, as a ticket's number."""
    if not rules.UUID.fullmatch(ticket_id):
        raise rules.Refusal(400, "VALIDATION_ERROR", "Invalid ticket ID format")
    row = request.db.execute("SELECT * FROM tickets WHERE ticket_id = ?", (ticket_id.lower(),)).fetchone()
    if row is None:
        raise rules.Refusal(404, "NOT_FOUND", "Ticket not found")
    return Response.data(dict(row) | {"is_closed": bool(row["is_closed"])})


def task(request: Request, task_id: str) -> Response:
    """GET /projects/tasks/{id}."""
    if not rules.UUID.fullmatch(task_id):
        raise rules.Refusal(400, "VALIDATION_ERROR", "Invalid task ID format")
    row = request.db.execute("SELECT * FROM tasks WHERE task_id = ?", (task_id.lower(),)).fetchone()
    if row is None:
        raise rules.Refusal(404, "NOT_FOUND", "Task not found")
    return Response.data({"task_id": row["task_id"], "task_name": row["task_name"], "assigned_to": row["assigned_to"]})


def search_tickets(request: Request) -> Response:
    """GET /tickets/search?query=: number or title, an array without pagination."""
    limit = number(request, "limit", 25, rules.PAGE_MOST)
    words = request.query.get("query", "")
    if not words:
        raise rules.invalid([rules.issue("query", "Required")], "Query validation failed")
    rows = _tickets(request, words, by_title=True)
    if request.query.get("include_closed") != "true":
        rows = [row for row in rows if not row["is_closed"]]
    return Response.data(rows[:limit])


def _tickets(request: Request, words: str, by_title: bool) -> list[dict[str, object]]:
    rows = request.db.execute("SELECT * FROM tickets ORDER BY ticket_number").fetchall()
    wanted = words.lower()
    return [
        dict(row) | {"is_closed": bool(row["is_closed"])}
        for row in rows
        if wanted in row["ticket_number"].lower() or (by_title and wanted in row["title"].lower())
    ]


def services(request: Request) -> Response:
    """GET /services: needs service:read, which technicians lack."""
    request.require("read", "service", "service")
    page, limit = number(request, "page", 1, None), number(request, "limit", 25, rules.PAGE_MOST)
    rows = [dict(row) for row in request.db.execute("SELECT * FROM services ORDER BY service_name").fetchall()]
    shown = rows[(page - 1) * limit : page * limit]
    return Response.data(shown, pagination=paged(page, limit, len(rows)))


def time_sheet(request: Request, sheet_id: str) -> Response:
    """GET /time-sheets/{id}: anyone's, with its period, a month here."""
    row = request.db.execute("SELECT * FROM sheets WHERE id = ?", (sheet_id,)).fetchone()
    if row is None:
        raise rules.Refusal(404, "NOT_FOUND", "Time sheet not found")
    year, month = map(int, row["period"].split("-"))
    after = f"{year + month // 12}-{month % 12 + 1:02}"
    return Response.data({
        "id": row["id"], "user_id": row["user_id"], "approval_status": row["approval_status"],
        "period_start": f"{row['period']}-01T00:00:00.000Z", "period_end": f"{after}-01T00:00:00.000Z",
    })  # fmt: skip


def activities(request: Request) -> Response:
    """GET /activities: open tickets and tasks of the key's user, and with `type=timeEntry` their latest entries."""
    if request.query.get("type") == "timeEntry":
        return _own_entries(request)
    query = "SELECT * FROM tickets WHERE assigned_to = ? AND NOT is_closed ORDER BY ticket_number"
    rows = request.db.execute(query, (request.user["user_id"],)).fetchall()
    shown = [
        {
            "id": row["ticket_id"], "type": "ticket", "sourceType": "ticket", "sourceId": row["ticket_id"],
            "title": row["title"], "ticketNumber": row["ticket_number"], "clientName": row["client_name"],
            "assignedTo": [row["assigned_to"]], "isClosed": False,
        }
        for row in rows
    ]  # fmt: skip
    if "projectTask" in request.query.get("type", ""):
        shown += _own_tasks(request)
    return Response.data(shown, pagination=paged(1, max(len(shown), 1), len(shown)))


def _own_tasks(request: Request) -> list[dict[str, object]]:
    query = "SELECT * FROM tasks WHERE assigned_to = ? ORDER BY task_name"
    return [
        {
            "id": row["task_id"], "type": "projectTask", "sourceType": "projectTask", "sourceId": row["task_id"],
            "title": row["task_name"], "projectName": row["project_name"], "assignedTo": [row["assigned_to"]],
        }
        for row in request.db.execute(query, (request.user["user_id"],)).fetchall()
    ]  # fmt: skip


def _own_entries(request: Request) -> Response:
    user_id = request.user["user_id"]
    rows = store.select(request.db, [("entries.user_id = ?", user_id)], "ORDER BY start_time DESC", 25)
    shown = [
        {"id": row["entry_id"], "type": "timeEntry", "sourceType": "timeEntry", "sourceId": row["entry_id"],
         "title": f"Time Entry: {row['work_item_type']}", "assignedTo": [user_id]}
        for row in rows
    ]  # fmt: skip
    return Response.data(shown, pagination=paged(1, max(len(shown), 1), len(shown)))
