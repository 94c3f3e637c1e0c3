"""One request(): the key, the envelope, all error formats, safe retries, and the translation of httpx's exceptions."""

from __future__ import annotations

import json
import math
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from alga import __version__
from alga.api import refusals
from alga.api import stream as lists
from alga.api.connection import httpx, opened
from alga.core.errors import (
    AlgaError,
    Interrupted,
    InterruptedUnsent,
    NeverSent,
    NoConnection,
    RoleForbids,
    Senseless,
    ServerFailed,
    UnknownOutcome,
    Unreachable,
)
from alga.core.safe_text import sound
from alga.state.config import LOCAL

PAUSES = (0.3, 0.6)  # seconds before the second and the third try
RETRIED = {429, 502, 503, 504}
DOUBTFUL = {408, 425}  # whoever answers so, the request may have been carried out
NAMED = {  # words in a path where other paths have an id
    "active-session", "start-tracking", "stop-tracking", "approve", "request-changes", "bulk", "search", "stats",
    "export", "templates",
}  # fmt: skip
LONGEST_WAIT, TOLD_WAIT = 60.0, 2.0
MAX_BYTES = 256 * 1024 * 1024  # of an answer, and of one row of a long list
HALF = re.compile(r"\\u[dD]")  # half a character, escaped
DEADLINE, LONG = 120.0, 3600.0  # seconds for a whole answer, and for a long list
READ, WRITE = (httpx.Timeout(seconds, connect=2.0) for seconds in (10.0, 30.0))  # a write is not repeated
CHECK = "To see whether it was recorded: alga list --today"
Json = Any


class Envelope(NamedTuple):
    """A successful answer: its `data`, and the pagination, if any."""

    data: Json
    pagination: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Target:
    """A server and a key. The key is sent only to this origin and never shown."""

    url: str
    key: str = field(repr=False)
    profile: str
    server: str
    tenant: str | None = None

    @property
    def loopback(self) -> bool:
        """Whether the server is on this computer."""
        return httpx.URL(self.url).host in ("127.0.0.1", "localhost", "::1")

    @property
    def host(self) -> str:
        """The server's name in connection errors: `psa.example.com`."""
        return self.server if self.profile == LOCAL else httpx.URL(self.url).netloc.decode("ascii")


@dataclass(eq=False, repr=False)
class Http:
    """Requests to one server. A GET is tried three times, a write once, except after a 429, which did nothing."""

    target: Target
    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    waiting: Callable[[float], None] = lambda seconds: None
    timed_out: Callable[[], None] = lambda: None  # called when connecting timed out
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    answered: set[str] = field(default_factory=set)  # routes from which the API has answered
    forbidden: Callable[[str], None] = lambda action: None  # called when the role may not do an action
    paused: bool = False  # there was no connection a moment ago: nothing is tried
    ahead: float | None = None  # seconds by which the server's clock was ahead of ours at its last answer
    _client: httpx.Client | None = None
    _wrote: bool = False
    _until: float = math.inf

    def each(self, path: str, query: Mapping[str, str], begin: Callable[[], Callable[[Json], None]]) -> Envelope:
        """GET a list and pass on each row as it arrives; the envelope has the pagination.

        `begin` is called before each try and returns where its rows go: rows of an earlier try do not count. Raises
        what request() raises.
        """
        return self.request("GET", path, query, into=lambda: lists.RowReader(begin()))

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json = None,
        into: Callable[[], lists.RowReader] | None = None,
    ) -> Envelope:
        """Send a request and return its envelope. For `into` see each().

        Raises the errors of alga.core.errors: NeverSent when certainly nothing was recorded, UnknownOutcome when a
        write may have been recorded, and the errors of refusals.py for 4xx.
        """
        write = method != "GET"
        for pause in (*PAUSES, None):
            try:
                rows = into() if into else None
                status, headers, content = self._send(method, path, query, body, rows)
            except Unreachable as fault:
                if write or pause is None or isinstance(fault, Senseless) or self._late(pause):
                    raise
                wait = pause * random.uniform(0.5, 1.5)
            else:
                asked = None if pause is None else _wait(write, status, headers, pause)
                if asked is None or self._late(asked):
                    self._wrote |= write and status < 400
                    if rows and rows.taken:
                        self.answered.add(route(path))
                        return Envelope([], rows.pagination)
                    return self._open(write, path, status, content)
                wait = asked
            if wait > TOLD_WAIT:
                self.waiting(wait)
            self._pause(wait)
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def within(self, seconds: float | None) -> Iterator[None]:
        """A block of requests that together take at most `seconds`. Raises NeverSent when the time is over."""
        before = self._until
        self._until = min(before, math.inf if seconds is None else time.monotonic() + seconds)
        try:
            yield
        finally:
            self._until = before

    def close(self) -> None:
        """Give the connection back."""
        if self._client:
            self._client.close()

    def _send(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Json, rows: lists.RowReader | None
    ) -> tuple[int, httpx.Headers, bytes]:
        timeout = self._timeout(READ if method == "GET" else WRITE)
        with (
            self._translated(method != "GET"),
            self._connection().stream(method, f"/api/v1{path}", params=query, json=body, timeout=timeout) as response,
        ):
            self._compare_clocks(response.headers.get("Date", ""))
            if rows and response.is_success:
                return response.status_code, response.headers, self._read_rows(response, rows)
            return response.status_code, response.headers, self._read(response, method != "GET")

    def _timeout(self, usual: httpx.Timeout) -> httpx.Timeout:
        server, left = self.target.host, self._until - time.monotonic()
        if self.paused:
            raise NoConnection(f"There was no connection to {server} a moment ago.", "To try now: alga sync")
        if left <= 0:
            raise NeverSent(f"{server} was not asked again: it took too long.", "Try again later.")
        return httpx.Timeout(min(left, usual.read or left), connect=min(left, usual.connect or left))

    def _late(self, seconds: float) -> bool:
        return time.monotonic() + seconds > self._until

    def _connection(self) -> httpx.Client:
        if not self._client:
            headers = {"X-API-Key": self.target.key, "User-Agent": f"alga/{__version__}", "Accept": "application/json"}
            if self.target.tenant:
                headers["x-tenant-id"] = self.target.tenant
            self._client = opened(self.target.url, headers, self.transport, through_proxies=not self.target.loopback)
        return self._client

    def _pause(self, seconds: float) -> None:
        try:
            self.sleep(seconds)
        except KeyboardInterrupt as fault:
            raise InterruptedUnsent(f"Interrupted while waiting for {self.target.host}. Nothing was sent.") from fault

    def _compare_clocks(self, date: str) -> None:
        with suppress(ValueError):
            self.ahead = (parsedate_to_datetime(date).astimezone(UTC) - self.now()).total_seconds()

    def _read(self, response: httpx.Response, write: bool) -> bytes:
        """The body, limited in bytes and in time."""
        content, until = bytearray(), min(time.monotonic() + DEADLINE, self._until)
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_BYTES or time.monotonic() > until:
                raise self._unusable(write, f"sent more than {MAX_BYTES // 1024**2} MB, or without end")
        return bytes(content)

    def _read_rows(self, response: httpx.Response, rows: lists.RowReader) -> bytes:
        """Read the rows, each limited in bytes and together in time. Returns the body if it had no rows."""
        until = min(time.monotonic() + LONG, self._until)
        try:
            for chunk in response.iter_bytes():
                rows.feed(chunk)
                if rows.unread > MAX_BYTES or time.monotonic() > until:
                    raise self._unusable(False, "sent a list without end")
            return rows.end()
        except lists.Broken as fault:
            raise self._unusable(False, "gave an answer alga cannot read") from fault

    @contextmanager
    def _translated(self, write: bool) -> Iterator[None]:
        """The only place where httpx's exceptions become alga's errors."""
        server = self.target.host
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as fault:
            if isinstance(fault, httpx.ConnectTimeout):
                self.timed_out()
            raise NoConnection(
                f"{server} cannot be reached ({_why(fault)}).", "Check the network, then type it again."
            ) from fault
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as fault:
            raise NeverSent(f"The address {self.target.url} cannot be used.", "Check it: alga config list") from fault
        except httpx.DecodingError as fault:
            raise self._unusable(write, "sent an answer that cannot be decoded") from fault
        except (httpx.TransportError, httpx.StreamError) as fault:
            raise self._unusable(write, f"did not answer ({_why(fault)})") from fault
        except KeyboardInterrupt as fault:
            before = "What was sent before is recorded." if self._wrote else "Nothing was sent."
            told = "It may or may not have been recorded." if write else before
            hint = CHECK if write or self._wrote else ""
            raise Interrupted(f"Interrupted while waiting for {server}. {told}", hint) from fault

    def _unusable(self, write: bool, what: str) -> Unreachable:
        if write:
            return UnknownOutcome(f"{self.target.host} {what}", CHECK)
        hint = "Ask for less: a shorter period." if "without end" in what else "Try again later."
        return Unreachable(f"{self.target.host} {what}.", hint)

    def _open(self, write: bool, path: str, status: int, content: bytes) -> Envelope:
        if status == 204:
            self.answered.add(route(path))
            return Envelope(None)
        if 300 <= status < 400:
            raise Unreachable(
                f"{self.target.host} redirects to another address. alga does not follow redirects, to protect the key.",
                "Log in with the new address: alga login URL",
            )
        body, readable = _parse(content)
        if status >= 400:
            raise self._refused(write, path, status, body)
        if not readable or not isinstance(body, Mapping) or "data" not in body:
            raise self._unusable(write, "gave an answer alga cannot read")
        self.answered.add(route(path))
        pagination = body.get("pagination")
        return Envelope(body["data"], pagination if isinstance(pagination, Mapping) else {})

    def _refused(self, write: bool, path: str, status: int, body: Json) -> AlgaError:
        """The error for a 4xx or 5xx: the API's own refusal, or an answer that did not come from the API."""
        target, answer = self.target, refusals.read(status, body)
        if status in (401, 429) or (refusals.spoken(body) and status not in DOUBTFUL and status < 500):
            if status not in (401, 429):
                self.answered.add(route(path))
            error = refusals.error_for(answer, target.server, target.host, target.profile)
            if isinstance(error, RoleForbids):
                self.forbidden(error.action)
            return error
        if status == 405 or (status == 404 and route(path) not in self.answered):
            return refusals.not_offered(status, target.host, write)
        if status in refusals.TOO_LARGE:
            return refusals.too_large(status, target.host)
        if not write:
            return refusals.failed(answer, target.host)
        if "misconfigured" in answer.message:
            return ServerFailed(
                refusals.DEFECT.format(host=target.host), f"Tell its administrator: {answer.message}", str(status)
            )
        return ServerFailed(f"{target.host} answered {status}", CHECK, str(status))


def route(path: str) -> str:
    """A path without the ids in it: `time-entries/bulk`, `time-entries/{id}`."""
    first, *rest = path.strip("/").split("/")
    return "/".join([first, *(part if part in NAMED else "{id}" for part in rest[:1])])


def _parse(content: bytes) -> tuple[Json, bool]:
    try:
        text = content.decode("utf-8-sig")
        data = json.loads(text)
        return sound(data) if HALF.search(text) else data, True
    except (ValueError, RecursionError):
        return None, False


def _wait(write: bool, status: int, headers: httpx.Headers, pause: float) -> float | None:
    """Seconds before the next try: as the server asks, otherwise `pause`. None for no further try.

    A 429 did nothing, so a write may follow it; after any other answer a write may have been recorded.
    """
    if status not in RETRIED or (write and status != 429):
        return None
    asked = headers.get("Retry-After", "")
    if not asked.isdecimal():
        return pause * random.uniform(0.5, 1.5)
    return float(asked) if len(asked) < 9 and float(asked) <= LONGEST_WAIT else None


def _why(fault: Exception) -> str:
    if isinstance(fault, httpx.TimeoutException):
        return "timed out"
    return str(fault).partition("] ")[2] or str(fault) or type(fault).__name__
