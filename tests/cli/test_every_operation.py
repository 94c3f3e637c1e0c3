"""Each of the 17 published operations is reached by a command."""

import re

import httpx

from alga.practice.app import App
from tests.support import Desk, Faulty

PUBLISHED = {  # as the published page has them: the operation, and a command that uses it
    "GET /time-entries": ["list"],
    "POST /time-entries": ["log", "tk_1", "1:00-1:30"],
    "GET /time-entries/active-session": ["status"],
    "POST /time-entries/approve": ["approve", "{entry}", "--yes"],
    "DELETE /time-entries/bulk": ["bulk", "delete", "{entry}", "--yes"],
    "POST /time-entries/bulk": ["bulk", "create", "-"],
    "PUT /time-entries/bulk": ["bulk", "update", "-"],
    "GET /time-entries/export": ["export"],
    "POST /time-entries/request-changes": ["request-changes", "{entry}", "--reason", "x", "--yes"],
    "GET /time-entries/search": ["search", "x"],
    "POST /time-entries/start-tracking": ["start", "tk_1"],
    "GET /time-entries/stats": ["stats", "--everyone"],
    "POST /time-entries/stop-tracking/{sessionId}": ["stop"],
    "GET /time-entries/templates": ["templates"],
    "DELETE /time-entries/{id}": ["delete", "{entry}", "--yes"],
    "GET /time-entries/{id}": ["show", "{entry}"],
    "PUT /time-entries/{id}": ["edit", "{entry}", "-m", "x"],
}
NAMED = "|".join(
    (
        "active-session",
        "approve",
        "bulk",
        "export",
        "request-changes",
        "search",
        "start-tracking",
        "stats",
        "templates",
    )
)


def operation(request: httpx.Request) -> str:
    """The operation of a request, by its published path."""
    path = request.url.path.removeprefix("/api/v1")
    path = re.sub(r"(?<=/stop-tracking/)[^/]+$", "{sessionId}", path)
    path = re.sub(rf"^/time-entries/(?!({NAMED})$)[^/]+$", "/time-entries/{id}", path)
    return f"{request.method} {path}"


def test_every_operation_is_reached(desk: Desk) -> None:
    assert len(PUBLISHED) == 17
    app = App(desk.home / "data" / "local.db", desk.clock, desk.zone)
    network = Faulty(httpx.WSGITransport(app=app))
    desk.transport, desk.env = network, {"ALGA_PROFILE": "local"}
    for wanted, command in PUBLISHED.items():
        desk.clock.pass_by(hours=1)
        rows = {"create": "start,span,item\n2026-11-20T09:00:00Z,1h,tk_1\n"}
        entry = (
            desk.ok("log", "tk_9", "30m", "--json").json["id"] if "{entry}" in command or "update" in command else ""
        )
        rows["update"] = f"id,notes\n{entry},new\n"
        network.requests.clear()
        typed = [part.format(entry=entry) for part in command]
        result = desk(*typed, typed=rows.get(command[1], "") if len(command) > 1 else "")
        assert wanted in map(operation, network.requests), (wanted, result)
