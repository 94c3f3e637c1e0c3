"""The wire: what is repeated and what never is, every shape of an answer, and what a lost answer means."""

import importlib
import json
import socket
import sys
import threading
from collections.abc import Callable

import httpx
import pytest

from alga.api import http as wire
from alga.api import lean
from alga.api.client import Client
from alga.api.http import Http, Target
from alga.core.entry import EntryRequest
from alga.core.errors import (
    AlgaError,
    Incomplete,
    Interrupted,
    NeverSent,
    NoConnection,
    NoSuchPath,
    Refused,
    ServerFailed,
    TooLarge,
    UnknownOutcome,
    Unreachable,
    Verdict,
)
from alga.core.times import from_wire
from tests.support import answering

TARGET = Target("https://psa.example.test", "secret" * 10, "acme", "AlgaPSA")
EMPTY = {
    "data": [],
    "pagination": {"page": 1, "limit": 25, "total": 0, "totalPages": 0, "hasNext": False, "hasPrev": False},
}

HOUR = EntryRequest("ticket", "t", from_wire("2026-01-01T00:00:00Z"), from_wire("2026-01-01T01:00:00Z"))


class Script(httpx.BaseTransport):
    """Answers or faults, one after the other; the last one stays."""

    def __init__(self, *steps: httpx.Response | BaseException) -> None:
        self.steps, self.count = list(steps), 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        step = self.steps[min(self.count, len(self.steps) - 1)]
        self.count += 1
        if isinstance(step, BaseException):
            raise step
        return httpx.Response(step.status_code, headers=step.headers, content=step.content)


def http(transport: httpx.BaseTransport, slept: list[float] | None = None) -> Http:
    return Http(TARGET, transport, sleep=(slept if slept is not None else []).append)


def failing(action: Callable[[], object]) -> AlgaError:
    with pytest.raises(AlgaError) as caught:
        action()
    return caught.value


def ok(body: object = EMPTY) -> httpx.Response:
    return httpx.Response(200, json=body)


@pytest.mark.parametrize(
    "first",
    [httpx.ConnectTimeout("slow"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("gone"), httpx.Response(503)],
)
def test_a_get_is_tried_three_times_with_growing_pauses(first: httpx.Response | BaseException) -> None:
    slept: list[float] = []
    script = Script(first, first, ok())
    assert http(script, slept).request("GET", "/time-entries").data == []
    assert script.count == 3
    assert 0.15 <= slept[0] <= 0.45 <= 2 * slept[1]
    hopeless = Script(first)
    failing(lambda: http(hopeless).request("GET", "/time-entries"))
    assert hopeless.count == 3


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (httpx.ConnectError("refused"), NoConnection),
        (httpx.ConnectTimeout("slow"), NoConnection),
        (httpx.ReadTimeout("slow"), UnknownOutcome),
        (httpx.WriteError("reset"), UnknownOutcome),
        (httpx.RemoteProtocolError("gone"), UnknownOutcome),
        (
            httpx.Response(500, json={"error": {"code": "INTERNAL_ERROR", "message": "An unexpected error"}}),
            ServerFailed,
        ),
        (httpx.Response(502, content=b"<html>bad gateway</html>"), ServerFailed),
        (httpx.Response(201, content=b'{"data": {"id'), UnknownOutcome),
        (httpx.Response(200, content=b"<html>captive portal</html>"), UnknownOutcome),
        (httpx.Response(200, json={"ok": True}), UnknownOutcome),
        (httpx.Response(400, json={"error": {"code": "X", "message": "no"}}), Refused),
        (KeyboardInterrupt(), Interrupted),
    ],
)
def test_a_write_is_sent_once_and_what_is_not_known_is_said(
    method: str, step: httpx.Response | BaseException, kind: type[AlgaError]
) -> None:
    script = Script(step)
    error = failing(lambda: http(script).request(method, "/time-entries", body={}))
    assert script.count == 1
    assert type(error) is kind
    if issubclass(kind, UnknownOutcome):
        assert "may or may not have been recorded" in error.message
        assert "alga list --today" in error.hint


def test_a_429_is_waited_out_as_told_for_writes_too() -> None:
    limited = httpx.Response(
        429, headers={"Retry-After": "7"}, json={"error": {"code": "RATE_LIMITED", "message": "x"}}
    )
    for method in ("GET", "POST"):
        slept: list[float] = []
        assert http(Script(limited, ok()), slept).request(method, "/time-entries").data == []
        assert slept == [7.0]
    long = httpx.Response(429, headers={"Retry-After": "3600"}, json={})
    slept = []
    error = failing(lambda: http(Script(long), slept).request("POST", "/time-entries", body={}))
    assert (type(error), slept) == (NeverSent, [])
    assert "Nothing was recorded" in error.message


def test_empty_and_204_answers() -> None:
    assert http(answering(204)).request("DELETE", "/time-entries/x", body={}).data is None
    assert isinstance(failing(lambda: http(answering(200)).request("GET", "/x")), Unreachable)
    assert isinstance(failing(lambda: http(answering(405)).request("GET", "/x")), NoSuchPath)


# Whose word an answer is, and what it does to a write: (status, in the API's shape, the route answered before).
NO, NOT_SENT, UNKNOWN, ENDED = Verdict.NO, Verdict.NOT_SENT, Verdict.UNKNOWN, Verdict.ENDED
WORDS: list[tuple[int, bool, bool, Verdict]] = [
    *((status, True, known, NO) for status in (400, 403, 404, 405, 409, 410, 413, 418, 422) for known in (False, True)),
    *((status, False, known, NO) for status in (405, 413, 414, 431) for known in (False, True)),
    (404, False, False, NO),
    (404, False, True, UNKNOWN),
    *((status, False, known, UNKNOWN) for status in (400, 403, 409, 410, 422) for known in (False, True)),
    *((status, shaped, True, UNKNOWN) for status in (408, 425, 500, 502, 503, 504) for shaped in (False, True)),
    *((401, shaped, True, ENDED) for shaped in (False, True)),
    *((429, shaped, True, NOT_SENT) for shaped in (False, True)),
]


@pytest.mark.parametrize(("status", "shaped", "known", "verdict"), WORDS)
def test_whose_word_an_answer_is(status: int, shaped: bool, known: bool, verdict: Verdict) -> None:
    said = json.dumps({"error": {"code": "X", "message": "no"}}).encode() if shaped else b"<html>Maintenance</html>"
    client = http(Script(httpx.Response(status, content=said)))
    if known:
        client.answered.add("time-entries/bulk")
    error = failing(lambda: client.request("POST", "/time-entries/bulk", body={}))
    assert error.verdict is verdict
    if verdict is UNKNOWN:
        assert error.message == f"psa.example.test answered {status}: it may or may not have been recorded."
    if not shaped and verdict is not ENDED:
        assert "psa.example.test" in error.message
    assert ("time-entries/bulk" in client.answered) is (known or (shaped and verdict is NO))


@pytest.mark.parametrize(
    ("path", "known_as"),
    [
        ("/time-entries", "time-entries"),
        ("/time-entries/bulk", "time-entries/bulk"),
        ("/time-entries/0b1c", "time-entries/{id}"),
        ("/time-entries/stop-tracking/0b1c", "time-entries/stop-tracking"),
        ("/tickets/search", "tickets/search"),
    ],
)
def test_a_route_is_a_path_without_its_ids(path: str, known_as: str) -> None:
    assert wire.route(path) == known_as


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"data": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b'{"error": 5}',
        b'{"data": {"entry_id": "a", "start_time": "yesterday"}}',
        b'{"data": [1]}',
        b'{"data": "text"}',
        b"null",
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_senseless_body_never_gets_past_our_errors(body: bytes, status: int) -> None:
    client = Client(http(answering(status, body)))
    for call in (lambda: client.get_entry("x"), lambda: client.create_entry(HOUR), lambda: client.list_entries({})):
        error = failing(call)
        assert error.exit_code in (5, 7)


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    large = answering(200, b" " * (wire.MOST + 1))
    assert type(failing(lambda: http(large).request("POST", "/x", body={}))) is UnknownOutcome
    error = failing(lambda: http(large).request("GET", "/x"))
    assert (type(error), error.message) == (TooLarge, "psa.example.test sent more than 16 MB.")
    monkeypatch.setattr(wire, "READ", wire.READ._replace(one_try=-1.0))
    assert "timed out" in failing(lambda: http(answering(200, b"{}")).request("GET", "/x")).message


def test_a_real_connection_that_is_refused_or_dropped() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = f"http://127.0.0.1:{taken.getsockname()[1]}"
        client = Http(Target(free, "k", "p", "AlgaPSA"), sleep=lambda seconds: None)
        refused = failing(lambda: client.request("POST", "/time-entries", body={}))
        client.close()
    assert type(refused) is NoConnection
    assert "Connection refused" in refused.message

    with socket.create_server(("127.0.0.1", 0)) as server:

        def drop() -> None:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.close()

        thread = threading.Thread(target=drop)
        thread.start()
        client = Http(Target(f"http://127.0.0.1:{server.getsockname()[1]}", "k", "p", "AlgaPSA"))
        dropped = failing(lambda: client.request("POST", "/time-entries", body={}))
        client.close()
        thread.join()
    assert type(dropped) is UnknownOutcome


def test_what_is_not_needed_is_hidden_while_others_are_imported_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("click", "anyio"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with lean.without("click", "json"), pytest.raises(ImportError):
        importlib.import_module("click")
    assert importlib.import_module("click").__name__ == "click"
    assert importlib.import_module("json") is json, "what is loaded already stays"


def test_the_key_is_in_no_error_and_no_repr() -> None:
    for step in (httpx.ConnectError("x"), httpx.Response(401, json={"error": "Unauthorized"}), httpx.Response(500)):
        client = http(Script(step))
        error = failing(lambda client=client: client.request("GET", "/x"))  # type: ignore[misc]
        assert TARGET.key not in f"{error!r} {error.message} {error.hint} {error.__cause__!r} {client!r} {TARGET!r}"


def test_a_long_message_leaves_room_for_the_details() -> None:
    told = {
        "code": "X",
        "message": "m" * 5000,
        "details": [{"path": ["a"], "message": "b" * 5000}, {"message": "last"}],
    }
    error = failing(lambda: http(answering(400, {"error": told})).request("GET", "/x"))
    assert len(error.message) < 1000
    assert "mmm\u2026; a: bbb" in error.message and error.message.endswith("\u2026; last.")


@pytest.mark.parametrize(
    "date", ["Mon, 23 Nov 10000000 08:00:00 GMT", "\x7f", "", "Fri, 31 Dec 9999 23:59:59 -1200", "x" * 900]
)
def test_a_date_that_is_none_costs_nothing_but_the_date(date: str) -> None:
    client = http(answering(200, EMPTY, {"Date": date}))
    assert client.request("GET", "/time-entries").data == []
    assert client.ahead is None


@pytest.mark.parametrize("body", [b'{"data": NaN}', b'{"data": [], "pagination": {"total": -Infinity}}'])
def test_what_json_does_not_know_is_not_read(body: bytes) -> None:
    assert "cannot read" in failing(lambda: http(answering(200, body)).request("GET", "/x")).message


def test_no_cookie_is_kept_and_no_redirect_followed() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        headers = {"Set-Cookie": "a=b; Path=/", "Location": "https://evil.example/"}
        return httpx.Response(200 if len(asked) == 1 else 307, json=EMPTY, headers=headers)

    client = http(httpx.MockTransport(answer))
    client.request("GET", "/time-entries")
    assert "redirects to another address" in failing(lambda: client.request("POST", "/time-entries", body={})).message
    assert [request.url.host for request in asked] == ["psa.example.test"] * 2
    assert not any("Cookie" in request.headers for request in asked)


def test_an_id_stays_one_segment_of_the_path() -> None:
    paths: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(204)

    client = Client(http(httpx.MockTransport(answer)))
    client.delete_entry("../../users?x=1")
    assert paths == [b"/api/v1/time-entries/..%2F..%2Fusers%3Fx%3D1"]


def test_pages_that_shift_are_walked_without_doubling_and_a_page_without_news_ends_the_walk() -> None:
    def row(number: int) -> dict[str, str]:
        return {"id": f"e{number}", "started_at": "2026-01-01T00:00:00Z"}

    pages = [[row(1), row(2)], [row(2), row(3)], [row(3)], [row(4)]]
    answers = [ok({"data": rows, "pagination": {"hasNext": True, "total": 3}}) for rows in pages]
    script = Script(*answers)
    assert [entry.id for entry in Client(http(script)).walk_entries({})] == ["e1", "e2", "e3"]
    assert script.count == 3


def test_a_walk_that_comes_out_short_is_walked_again_and_then_said() -> None:
    def page(*numbers: int) -> httpx.Response:
        rows = [{"id": f"e{number}", "started_at": "2026-01-01T00:00:00Z"} for number in numbers]
        return ok({"data": rows, "pagination": {"hasNext": False, "total": 3}})

    assert len(Client(http(Script(page(1, 2), page(3, 2)))).walk_entries({})) == 3
    with pytest.raises(Incomplete) as short:
        Client(http(Script(page(1, 2)))).walk_entries({})
    assert len(short.value.rows) == 2
    assert short.value.message == "psa.example.test counts 3 entries and returned only 2, so totals would be wrong."


def test_both_vocabularies_are_read() -> None:
    deployed = {
        "entry_id": "a",
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2026-01-01T01:00:00Z",
        "billable_duration": 60,
    }
    published = {
        "id": "a",
        "started_at": "2026-01-01T00:00:00Z",
        "ended_at": "2026-01-01T01:00:00Z",
        "billable_minutes": 60.0,
    }
    one, other = (Client(http(answering(200, {"data": body}))).get_entry("a") for body in (deployed, published))
    assert one.published() == other.published()
    assert json.dumps(one.published())
