"""A request to the embedded server and its answer, in the deployed server's envelope."""

from __future__ import annotations

import json
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple

from alga.practice import rules

if TYPE_CHECKING:
    import sqlite3

    from _typeshed.wsgi import StartResponse


class Response(NamedTuple):
    """An answer's status, body and type."""

    status: int
    content: bytes
    content_type: str = "application/json"

    @classmethod
    def json(cls, status: int, body: object) -> Response:
        """Any JSON."""
        return cls(status, json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    @classmethod
    def failed(cls, status: int, code: str, message: str, details: object = None) -> Response:
        """The envelope of an error."""
        error = {"code": code, "message": message}
        return cls.json(status, {"error": error | ({"details": details} if details else {})})

    def sent(self, start_response: StartResponse, *headers: tuple[str, str]) -> list[bytes]:
        """The answer as WSGI has it."""
        own = [("Content-Type", self.content_type), ("Content-Length", str(len(self.content)))]
        start_response(f"{self.status} {'OK' if self.status < 400 else 'Refused'}", [*own, *headers])
        return [self.content]

    @classmethod
    def data(cls, data: object, status: int = 200, **beside: object) -> Response:
        """The envelope of a success."""
        return cls.json(status, {"data": data, **beside})


class Request(NamedTuple):
    """A handler's input: the database, the user, and the request."""

    db: sqlite3.Connection
    user: sqlite3.Row
    query: dict[str, str]
    body: dict[str, Any]
    now: datetime
    zone: tzinfo
    strict: bool

    def require(self, action: str, thing: str = "time_entry", words: str = "time_entry") -> None:
        """403 unless the user's role may."""
        rules.require(self.user["role"], self.strict, action, thing, words)

    def entry_body(self) -> dict[str, Any]:
        """The body in deployed names; lenient takes published ones too."""
        return self.body if self.strict else dict(rules.lenient(self.body))

    def shown(self, row: sqlite3.Row) -> dict[str, Any]:
        """An entry as the server writes it; lenient adds the published names, and has no time sheets."""
        billable, running = row["billable_duration"], row["end_time"] is None
        entry = dict(row) | {
            "start_time": _millis(row["start_time"]),
            "end_time": None if running else _millis(row["end_time"]),
            "work_date": f"{row['work_date']}T00:00:00.000Z",
            "work_timezone": str(self.zone) if self.strict else None,
            "duration_hours": f"{billable / 60:.2f}",
            "is_billable": billable > 0,
            "invoiced": False,
        }
        if self.strict:
            return entry
        del entry["time_sheet_id"]
        worked = 0 if running else rules.minutes(row["start_time"], row["end_time"])
        return entry | {
            "id": row["entry_id"],
            "started_at": entry["start_time"],
            "ended_at": entry["end_time"],
            "duration_minutes": worked,
            "billable_minutes": billable,
        }

    def session(self, row: sqlite3.Row) -> dict[str, Any]:
        """A running entry as start-tracking and active-session write it."""
        elapsed = round((self.now - datetime.fromisoformat(row["start_time"])).total_seconds() / 60)
        return self.shown(row) | {"session_id": row["entry_id"], "status": "active", "elapsed_minutes": elapsed}


def _millis(stored: str) -> str:
    return stored.replace("Z", ".000Z")
