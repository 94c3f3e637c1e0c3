"""The embedded server's routes: a WSGI app, the same in process and behind `alga serve`."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from alga.core.errors import AlgaError
from alga.practice import lookups, review, time_entries
from alga.practice.request import Request, Response
from alga.practice.rules import Refusal
from alga.practice.store import PEOPLE, Store

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BASE = "/api/v1"
WHOLE_BODY = 8 * 1024 * 1024
NOT_FOUND = b"<!DOCTYPE html><html><head><title>404: This page could not be found.</title></head></html>"
ID = r"([^/]+)"
Handler = Callable[..., Response]

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/time-entries", time_entries.listed),
    ("POST", "/time-entries", time_entries.create),
    ("GET", "/time-entries/active-session", time_entries.active_session),
    ("POST", "/time-entries/start-tracking", time_entries.start_tracking),
    ("POST", f"/time-entries/stop-tracking/{ID}", time_entries.stop_tracking),
    ("POST", "/time-entries/approve", review.approve),
    ("POST", "/time-entries/request-changes", review.request_changes),
    ("POST", "/time-entries/bulk", review.bulk_create),
    ("PUT", "/time-entries/bulk", review.bulk_update),
    ("DELETE", "/time-entries/bulk", review.bulk_delete),
    ("GET", "/time-entries/search", review.search),
    ("GET", "/time-entries/stats", review.stats),
    ("GET", "/time-entries/export", review.export),
    ("GET", "/time-entries/templates", review.templates),
    ("GET", f"/time-entries/{ID}", time_entries.get),
    ("PUT", f"/time-entries/{ID}", time_entries.update),
    ("DELETE", f"/time-entries/{ID}", time_entries.delete),
    ("GET", "/tickets", lookups.tickets),
    ("GET", "/tickets/search", lookups.search_tickets),
    ("GET", f"/tickets/{ID}", lookups.ticket),
    ("GET", f"/projects/tasks/{ID}", lookups.task),
    ("GET", "/services", lookups.services),
    ("GET", f"/time-sheets/{ID}", lookups.time_sheet),
    ("GET", "/activities", lookups.activities),
)
STRICT_ONLY = (lookups.ticket, lookups.task)  # a lenient server takes any id
FREE_BODY = (
    time_entries.create,
    time_entries.update,
    time_entries.delete,
)  # these treat a body that is not JSON as {} (section 0)


@dataclass
class App:
    """One server. `zone` is the user's zone, for work dates; `clock` gives the time for the server's own timers."""

    path: Path
    clock: Callable[[], datetime]
    zone: tzinfo = UTC
    strict: bool = False

    def __post_init__(self) -> None:
        self.store = Store(self.path, self.strict)

    def user_of(self, role: str) -> tuple[str, str, str]:
        """Id, name and key of a role's user; a lenient server has a single user for all roles."""
        wanted = role if self.strict and role in PEOPLE else "local"
        with self.store.open(writing=False) as db:
            row = db.execute("SELECT user_id, user_name, api_key FROM users WHERE role = ?", (wanted,)).fetchone()
        if row is None:
            raise self.store.unusable(f"it has no user with the role {wanted}")
        return row["user_id"], row["user_name"], row["api_key"]

    def knows(self, key: str) -> bool:
        """Whether the key is a user's."""
        with self.store.open(writing=False) as db:
            return bool(db.execute("SELECT 1 FROM users WHERE api_key = ?", (key,)).fetchone())

    def key_of(self, role: str) -> str:
        """The key of a role's user."""
        return self.user_of(role)[2]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        date = format_datetime(self.clock().astimezone(UTC), usegmt=True)
        return self._answer(environ).sent(start_response, ("Date", date))

    def _answer(self, environ: WSGIEnvironment) -> Response:
        key = environ.get("HTTP_X_API_KEY", "")
        if not key:
            return Response.json(401, {"error": "Unauthorized: API key missing"})
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "").removesuffix("/").removeprefix(BASE)
        matching = [(verb, handler, match) for verb, route, handler in ROUTES if (match := re.fullmatch(route, path))]
        matching = [each for each in matching if self.strict or each[1] not in STRICT_ONLY]
        found = next(((handler, match) for verb, handler, match in matching if verb == method), None)
        if not found:
            return Response(405, b"") if matching else Response(404, NOT_FOUND, "text/html; charset=utf-8")
        handler, match = found
        try:
            return self._handle(handler, match.groups(), key, environ)
        except Refusal as refusal:
            return Response.failed(refusal.status, refusal.code, refusal.message, refusal.details)
        except AlgaError:
            raise
        except Exception as fault:
            raise self.store.unusable(f"{type(fault).__name__}: {fault}") from fault

    def _handle(self, handler: Handler, path_ids: tuple[str, ...], key: str, environ: WSGIEnvironment) -> Response:
        body = _body(environ, free=handler in FREE_BODY)
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        with self.store.open(writing=environ["REQUEST_METHOD"] != "GET") as db:
            user = db.execute("SELECT * FROM users WHERE api_key = ?", (key,)).fetchone()
            if not user:
                raise Refusal(401, "UNAUTHORIZED", "Invalid API key")
            request = Request(db, user, query, body, self.clock().astimezone(UTC), self.zone, self.strict)
            try:
                return handler(request, *path_ids)
            except sqlite3.IntegrityError as fault:
                raise Refusal(400, "BAD_REQUEST", "Invalid reference", f"service_id: {fault}") from fault


def _body(environ: WSGIEnvironment, free: bool) -> dict[str, Any]:
    """The JSON object in the body. An unreadable body is `{}` on create, update and delete, and a 500 elsewhere."""
    said = environ.get("CONTENT_LENGTH") or "0"
    if not (said.isascii() and said.isdecimal()):
        raise Refusal(400, "VALIDATION_ERROR", "Content-Length must be a number")
    if len(said) > 9 or (length := int(said)) > WHOLE_BODY:
        raise Refusal(413, "VALIDATION_ERROR", "Body too large")
    text = environ["wsgi.input"].read(length).decode("utf-8-sig", "replace") if length else ""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        if free or environ["REQUEST_METHOD"] == "GET":
            return {}
        raise Refusal(500, "INTERNAL_ERROR", "An unexpected error occurred") from None
    if not isinstance(body, dict):
        raise Refusal(400, "VALIDATION_ERROR", "Validation failed", [{"path": [], "message": "Expected object"}])
    return body
