"""What tests share: a desk to type at, a clock to turn, a server on a socket, a network that fails."""

import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import httpx

from alga.app.environment import Environment
from alga.cli import run
from alga.practice.app import App
from alga.practice.server import listen

EXAMPLES = int(os.environ.get("ALGA_TEST_EXAMPLES", "150"))  # of each state machine; make soak asks for more
SAME_EACH_TIME = "ALGA_TEST_EXAMPLES" not in os.environ  # so that CI judges the change; make soak throws the dice
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where nothing waits for a disk
MAILBOX, VPN_DROPS = "TIC1042 (Mailbox full, cannot send)", "TIC1011 (VPN drops every hour)"  # as a sentence names them
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 8, 12, tzinfo=UTC)  # 09:12 in Berlin


def pause(seconds: float) -> None:
    """Nobody waits in a test; replaced where somebody presses Ctrl-C meanwhile."""


class Stream(io.TextIOWrapper):
    """A stream that says whether it is a terminal."""

    def __init__(self, content: str | bytes = "", tty: bool = False) -> None:
        self._bytes = io.BytesIO(content.encode() if isinstance(content, str) else content)
        super().__init__(self._bytes, encoding="utf-8", errors="surrogateescape", newline="")
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    @property
    def content(self) -> bytes:
        """All that was written."""
        self.flush()
        return self._bytes.getvalue()


@dataclass(frozen=True)
class Result:
    """What a command line left behind."""

    code: int
    out: str
    err: str
    content: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.out)


@dataclass
class Clock:
    """A clock that a test turns."""

    now: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        """Let time pass: minutes=48."""
        self.now += timedelta(**span)


@dataclass
class Desk:
    """A person at a terminal, with a home of their own."""

    home: Path
    clock: Clock = field(default_factory=Clock)
    zone: tzinfo = BERLIN
    env: dict[str, str] = field(default_factory=dict)
    transport: httpx.BaseTransport | None = None
    tty: bool = True
    columns: int = 80

    def __call__(
        self, *args: str, typed: str | bytes = "", tty: bool | None = None, columns: int | None = None
    ) -> Result:
        """Type a command line."""
        at_terminal = self.tty if tty is None else tty
        out, err = Stream(tty=at_terminal), Stream(tty=at_terminal)
        environment = Environment(
            self.clock, self.zone, self.transport, lambda seconds: pause(seconds), self.environment(), "lap7"
        )
        terminal = {"COLUMNS": str(columns or self.columns)} if at_terminal else {}
        shown = {"LANG": "en_US.UTF-8", "TERM": "xterm", **terminal, **self.env}
        with (
            patch.object(sys, "stdin", Stream(typed, tty=at_terminal)),
            patch.object(sys, "stdout", out),
            patch.object(sys, "stderr", err),
            patch.dict(os.environ, shown, clear=True),
        ):
            code = run(args, environment)
        return Result(code, out.content.decode(errors="replace"), err.content.decode(), out.content)

    def environment(self) -> dict[str, str]:
        """The environment of its commands."""
        places = {f"ALGA_{name}_DIR": str(self.home / name.lower()) for name in ("CONFIG", "DATA", "STATE")}
        return {**places, **self.env}

    def ok(self, *args: str, **given: Any) -> Result:
        """Type a command line that must succeed."""
        result = self(*args, **given)
        assert result.code == 0, result
        return result


@contextmanager
def serving(app: App) -> Iterator[str]:
    """The app on a loopback socket: its URL."""
    server = listen(app, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Faulty(httpx.BaseTransport):
    """A network in front of a transport: `before` may fail a request, `after` may lose or change its answer."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = inner
        self.requests: list[httpx.Request] = []
        self.before: Callable[[httpx.Request], None] = lambda request: None
        self.after: Callable[[httpx.Request, httpx.Response], httpx.Response] = lambda request, response: response

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it on, with what the test wants to happen."""
        self.requests.append(request)
        self.before(request)
        response = self.inner.handle_request(request)
        response.read()
        return self.after(request, response)

    def sent(self, method: str) -> list[httpx.Request]:
        """The requests of a method."""
        return [request for request in self.requests if request.method == method]


def hourly(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """A server whose `billing_method` filters services, as the deployed one does."""
    if not request.url.path.endswith("/services") or "billing_method" not in request.url.params:
        return response
    rows = [row for row in response.json()["data"] if row["billing_method"] == "hourly"]
    return httpx.Response(200, json={"data": rows, "pagination": {"hasNext": False, "total": len(rows)}})


def strict_rows(number: int, item: str = "TIC1042", first_day: int = 1) -> str:
    """So many rows of half an hour each, in October, without an overlap."""
    rows = [
        f"2026-10-{first_day + n // 40:02},{n % 40 // 2}:{n % 2 * 30:02},30m,{item},Basic Support,note {n}"
        for n in range(number)
    ]
    return "date,start,span,item,service,notes\n" + "".join(f"{row}\n" for row in rows)


def body_of(request: httpx.Request) -> Any:
    """A request's JSON."""
    return json.loads(request.content)


def taking_no_entry(inner: httpx.BaseTransport) -> httpx.MockTransport:
    """A server that refuses every new entry."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(400, json={"error": {"code": "VALIDATION_ERROR", "message": "No"}})
        return inner.handle_request(request)

    return httpx.MockTransport(answer)


def utc(text: str) -> datetime:
    """An instant, of a text without a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def answering(status: int, body: object = None, headers: dict[str, str] | None = None) -> httpx.MockTransport:
    """A server that always gives one answer."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return httpx.MockTransport(lambda request: httpx.Response(status, content=content, headers=headers))


def joined(text: str) -> str:
    """Wrapped lines as one."""
    return " ".join(text.split())
