"""Every recorded answer to an operation that alga uses is read by the models or the error mapping."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from alga.api.client import Client
from alga.api.http import Http, Target
from alga.core.entry import Entry, EntryRequest
from alga.core.errors import AlgaError, AuthError, Forbidden, NotFound, Refused, UnknownOutcome, Unreachable
from alga.core.times import from_wire
from tests.contract.recordings import ALL, BY_NAME, Exchange

NOW = from_wire("2026-11-23T09:00:00Z")
ASKED = EntryRequest("ticket", "t", NOW, NOW, 30)
CALLS: dict[tuple[str, str], Callable[[Client], Any]] = {
    ("GET", "/time-entries"): lambda client: client.list_entries({}),
    ("POST", "/time-entries"): lambda client: client.create_entry(ASKED),
    ("GET", "/time-entries/active-session"): lambda client: client.active_session(),
    ("POST", "/time-entries/start-tracking"): lambda client: client.start_tracking(ASKED),
    ("POST", "/time-entries/stop-tracking/*"): lambda client: client.stop_tracking("x", ASKED),
    ("POST", "/time-entries/approve"): lambda client: client.approve(["x"]),
    ("POST", "/time-entries/request-changes"): lambda client: client.request_changes(["x"], "why"),
    ("POST", "/time-entries/bulk"): lambda client: client.bulk_create([ASKED]),
    ("PUT", "/time-entries/bulk"): lambda client: client.bulk_update({"x": ASKED}),
    ("DELETE", "/time-entries/bulk"): lambda client: client.bulk_delete(["x"]),
    ("GET", "/time-entries/search"): lambda client: client.search("x", {}),
    ("GET", "/time-entries/stats"): lambda client: client.stats({}),
    ("GET", "/time-entries/export"): lambda client: client.export({}, lambda page: lambda entry: None),
    ("GET", "/time-entries/templates"): lambda client: client.templates(),
    ("GET", "/time-entries/*"): lambda client: client.get_entry("x"),
    ("PUT", "/time-entries/*"): lambda client: client.update_entry("x", ASKED),
    ("DELETE", "/time-entries/*"): lambda client: client.delete_entry("x"),
    ("GET", "/tickets"): lambda client: client.tickets_numbered("x"),
    ("GET", "/tickets/search"): lambda client: client.search_tickets("x"),
    ("GET", "/services"): lambda client: client.services(),
    ("GET", "/activities"): lambda client: client.activities(),
}


def call_for(exchange: Exchange) -> Callable[[Client], Any] | None:
    """The client method that this exchange would answer."""
    path = re.sub(r"(?<=stop-tracking/)[^/]+$", "*", exchange.operation)
    exact = CALLS.get((exchange.method, path))
    if exact or not re.fullmatch(r"/time-entries/[^/]+", path):
        return exact
    return CALLS.get((exchange.method, "/time-entries/*"))


def is_csv(exchange: Exchange) -> bool:
    """alga always asks for JSON: the server's CSV has local dates and no ids."""
    return exchange.headers.get("content-type", "").startswith("text/csv")


USED = [exchange for exchange in ALL if call_for(exchange) and not is_csv(exchange)]


def client_for(exchange: Exchange) -> Client:
    """A client in front of a server that gives this one answer."""
    body = exchange.body
    content = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    transport = httpx.MockTransport(lambda request: httpx.Response(exchange.status, content=content))
    target = Target("https://algapsa.test", "k" * 64, "acme", "AlgaPSA")
    return Client(Http(target, transport, sleep=lambda seconds: None))


def error_of(exchange: Exchange) -> AlgaError:
    """The error that this answer becomes."""
    call = call_for(exchange)
    assert call
    with pytest.raises(AlgaError) as caught:
        call(client_for(exchange))
    return caught.value


def test_most_recordings_are_used() -> None:
    assert len(USED) > 350
    assert {call_for(exchange) for exchange in USED} == set(CALLS.values()), "an operation has no recording"


@pytest.mark.parametrize("exchange", [e for e in USED if e.status < 300], ids=lambda e: e.name)
def test_a_success_is_read(exchange: Exchange) -> None:
    call = call_for(exchange)
    assert call
    answer = call(client_for(exchange))
    rows = getattr(answer, "rows", answer)
    for entry in rows if isinstance(rows, list) else [rows]:
        if isinstance(entry, Entry):
            assert_same_entry(entry, exchange.body["data"])


def assert_same_entry(entry: Entry, data: Any) -> None:
    """What was read is what the server wrote, in the other vocabulary."""
    raw = next(row for row in (data if isinstance(data, list) else [data]) if row["entry_id"] == entry.id)
    shown = entry.published()
    assert entry.started_at == from_wire(raw["start_time"])
    assert entry.ended_at == (from_wire(raw["end_time"]) if raw["end_time"] else None)
    assert entry.billable_minutes == raw["billable_duration"]
    assert (shown["notes"], shown["user_id"], shown["service_id"]) == (raw["notes"], raw["user_id"], raw["service_id"])
    assert shown["approval_status"] == raw["approval_status"]
    if entry.ended_at:
        seconds = (from_wire(raw["end_time"]) - from_wire(raw["start_time"])).total_seconds()
        assert abs(shown["duration_minutes"] - seconds / 60) < 1


NONE_APPROVED = [e for e in USED if e.status == 400 and "could be approved" in str(e.body)]


@pytest.mark.parametrize("exchange", NONE_APPROVED, ids=lambda e: e.name)
def test_an_approval_that_approved_nothing_is_read_entry_by_entry(exchange: Exchange) -> None:
    results = client_for(exchange).approve(["x"])
    raw = exchange.body["error"]["details"]
    assert [(result.entry_id, result.success, result.error) for result in results] == [
        (each["entry_id"], False, each["error"]) for each in raw
    ]


@pytest.mark.parametrize(
    "exchange", [e for e in USED if e.status >= 400 and e not in NONE_APPROVED], ids=lambda e: e.name
)
def test_a_refusal_becomes_one_of_our_errors(exchange: Exchange) -> None:
    error = error_of(exchange)
    allowed: dict[int, tuple[type[AlgaError], ...]] = {
        400: (Refused, NotFound), 401: (AuthError,), 403: (Forbidden,), 404: (NotFound, Unreachable),
        405: (Refused,), 409: (Refused,), 429: (Unreachable,),
    }  # fmt: skip
    writing = exchange.method != "GET"
    lost = (UnknownOutcome,) if writing else (Unreachable,)
    assert isinstance(error, allowed.get(exchange.status, lost)), error.message
    assert error.message
    assert "{" not in error.message
    assert "\n" not in error.message


HINTS = {  # the message table of the domain: a recording of each, the exit code, what the user reads
    "create/service_id missing": (5, "needs a service", "-s NAME"),
    "start-tracking/service_id missing": (5, "needs a service", "alga config set service"),
    "create/service_id unknown uuid": (5, "does not know that service", "alga services"),
    "create/unknown ticket uuid": (5, "does not know that work item", "alga tickets WORDS"),
    "create/non-uuid work item tk_9c41": (5, "does not know that work item", "alga tickets WORDS"),
    "create/no time period 2025": (5, "no time period", "Settings > Time Entry"),
    "create/end before start": (5, "not after the start", "Past midnight?"),
    "auth/good key + non-uuid tenant": (4, "refused the key of profile acme", "alga login"),
    "auth/no key": (4, "refused the key of profile acme", "alga login"),
    "technician lookups/services": (4, "may not read services", "service:read"),
    "delete/tech deletes admin's": (4, "may not delete time entries", "timeentry:delete"),
    "delete/other user's": (4, "belongs to somebody else", ""),
    "approve/stock Admin role (no time_entry:approve exists in stock seeds)": (
        4,
        "may not approve",
        "No standard role",
    ),
    "request-changes/stock admin": (4, "time_entry:approve", "No standard role"),
    "stop-tracking/stop again": (6, "no longer running", "alga list --today"),
    "get/unknown": (6, "did not find it", "alga list"),
    "create/overlap identical": (5, "overlaps", "alga list"),
    "start-tracking/second start -> conflict": (5, "already running", "alga switch"),
    "delete/approved": (5, "approved", "reopen it on the web"),
    "ratelimit/burst 121": (7, "limiting requests", "Wait"),
    "list/sort=nope": (7, "known defect", "contact support"),
}


@pytest.mark.parametrize("name", HINTS)
def test_every_message_of_the_domain_has_its_hint(name: str) -> None:
    exit_code, message, hint = HINTS[name]
    error = error_of(BY_NAME[name])
    assert error.exit_code == exit_code
    assert message in error.message
    assert hint in f"{error.hint} {error.message}"


def test_a_product_without_time_entries_says_so() -> None:
    body = {"error": {"code": "PRODUCT_ACCESS_DENIED", "message": "Not included"}}
    exchange = Exchange("made up from the code", "GET", "/api/v1/time-entries", "", "", None, 403, body, {})
    assert "no time entries" in error_of(exchange).message
