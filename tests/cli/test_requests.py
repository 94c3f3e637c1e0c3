"""How many requests a command makes, and over how many connections."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.conftest import Strict
from tests.support import Desk


@pytest.fixture
def known(strict: Strict) -> Strict:
    """A server of the deployed kind of which everything is known: the user, a ticket, a service."""
    strict.desk.ok("log", "TIC1042", "6:00-6:30", "-s", "Basic Support", "-m", "x")
    strict.desk.ok("list")
    return strict


def requests(strict: Strict, *args: str) -> list[str]:
    """What a command line asks of the server."""
    strict.network.requests.clear()
    strict.desk.ok(*args)
    return [f"{request.method} {request.url.path.removeprefix('/api/v1')}" for request in strict.network.requests]


def test_where_nothing_is_unknown_a_command_is_one_request(known: Strict) -> None:
    assert requests(known, "list") == ["GET /time-entries"]
    asked = requests(known, "log", "TIC1042", "7:00-7:30", "-m", "x")
    assert asked == ["GET /time-entries", "POST /time-entries"], "the service last used on it, perhaps elsewhere"
    known.desk.ok("config", "set", "service", "Basic Support")
    assert requests(known, "log", "TIC1042", "8:00-8:30", "-m", "x") == ["POST /time-entries"]
    assert requests(known, "log", "tic1042", "7:30-8:00", "-s", "basic support", "-m", "x") == ["POST /time-entries"]
    known.desk.ok("start", "TIC1042", "-m", "x")
    known.desk.clock.pass_by(minutes=48)
    assert requests(known, "status") == ["GET /time-entries"]
    assert requests(known, "stop") == ["POST /time-entries"]
    for offline in (["status", "--offline"], ["status", "--offline", "--template", "{elapsed}"], ["queue"]):
        assert requests(known, *offline) == []


def test_an_overlap_is_asked_for_where_the_server_does_not_refuse_it_itself(known: Strict) -> None:
    known.desk.ok("log", "TIC1042", "7:00-7:30", "-m", "x")
    known.network.requests.clear()
    refused = known.desk("log", "TIC1042", "7:15-7:45", "-m", "x", columns=200)
    assert (refused.code, len(known.network.sent("POST"))) == (5, 1)
    assert "07:15-07:45 overlaps TIC1042 07:00-07:30" in refused.err
    assert "Try: alga log TIC1042 -m x 7:30-8:00" in refused.err


class Counting(BaseHTTPRequestHandler):
    """A server that keeps connections open, and has no entries."""

    protocol_version = "HTTP/1.1"
    connections: set[tuple[str, int]]

    def do_GET(self) -> None:
        """An empty list."""
        self.connections.add(self.client_address)
        content = json.dumps({"data": None if self.path.endswith("session") else []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def keeping(desk: Desk) -> Iterator[set[tuple[str, int]]]:
    """A desk in front of it: the connections it took."""
    connections: set[tuple[str, int]] = set()
    handler = type("Handler", (Counting,), {"connections": connections})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        desk.env = {"ALGA_URL": f"http://127.0.0.1:{server.server_port}", "ALGA_API_KEY": "k"}
        yield connections
        server.shutdown()
        thread.join()


def test_the_requests_of_a_command_share_a_connection(desk: Desk, keeping: set[tuple[str, int]]) -> None:
    desk.ok("list")
    assert len(keeping) == 1, "its own user was asked for, in three requests"
    desk.ok("export", "-f", "jsonl")
    assert len(keeping) == 2
