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
from alga.api import connection, refusals, stream
from alga.api.deadline import Deadline, Limits
from alga.api.lean import httpx
from alga.core.errors import (
    CHECK,
    AlgaError,
    Interrupted,
    InterruptedUnsent,
    NeverSent,
    NoConnection,
    RoleForbids,
    Senseless,
    ServerFailed,
    TooLarge,
    UnknownOutcome,
    UnknownUser,
    Unreachable,
    UsageError,
)
from alga.core.safe_text import MOST_BRACKETS, sound
from alga.state.config import LOCAL

PAUSES = (0.3, 0.6)  # seconds before the second and the third try
RETRIED = {429, 502, 503, 504}
DOUBTFUL = {408, 425}  # whoever answers so, the request may have been carried out
NAMED = {  # words in a path where other paths have an id
    "active-session", "start-tracking", "stop-tracking", "approve", "request-changes", "bulk", "search", "stats",
    "export", "templates",
}  # fmt: skip
LONGEST_WAIT, TOLD_WAIT = 60.0, 2.0
MEGABYTE = 1024 * 1024
HALF = re.compile(r"\\u[dD]")  # half a character, escaped
MOST, MOST_OF_A_PAGE, MOST_OF_A_LIST = 16 * MEGABYTE, 8 * MEGABYTE, 4096 * MEGABYTE  # bytes; of a list MOST each row
AT_ONCE = 64 * 1024  # bytes that are read and looked at together
READ = Limits(whole=120, first=30, one_try=10)
WRITE = Limits(whole=120, first=30, one_try=30, answer=30)  # a write is not repeated
LIST = Limits(whole=3600, first=600, one_try=600)  # the deployed server makes all rows before it sends the first
UNREADABLE = "gave an answer alga cannot read"
Json = Any


class Envelope(NamedTuple):
    """A successful answer: its `data`, the pagination, if any, and its bytes."""

    data: Json
    pagination: Mapping[str, Any] = MappingProxyType({})
    size: int = 0


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
    slow: Callable[[bool], None] = lambda write: None  # called once a request that takes longer than a second
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    answered: set[str] = field(default_factory=set)  # routes from which the API has answered
    forbidden: Callable[[str], None] = lambda action: None  # called when the role may not do an action
    unknown_user: Callable[[], None] = lambda: None  # called when the server does not know a user that was named
    paused: bool = False  # there was no connection a moment ago: nothing is tried
    ahead: float | None = None  # seconds by which the server's clock was ahead of ours at its last answer
    _wrote: bool = False
    _writing: bool = False
    _until: float = math.inf

    def __post_init__(self) -> None:
        self._deadline = Deadline(lambda: self.slow(self._writing))
        self._headers = {
            "X-API-Key": self.target.key,
            "User-Agent": f"alga/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            **({"x-tenant-id": self.target.tenant} if self.target.tenant else {}),
        }

    def each(self, path: str, query: Mapping[str, str], begin: Callable[[], Callable[[Json], None]]) -> Envelope:
        """GET a list and pass on each row as it arrives; the envelope has the pagination.

        `begin` is called before each try and returns where its rows go: rows of an earlier try do not count. Raises
        what request() raises.
        """
        return self.request("GET", path, query, into=lambda: stream.RowReader(begin()))

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json = None,
        into: Callable[[], stream.RowReader] | None = None,
        most: int = MOST,
    ) -> Envelope:
        """Send a request and return its envelope, of at most so many bytes. For `into` see each().

        Raises the errors of alga.core.errors: NeverSent when certainly nothing was recorded, UnknownOutcome when a
        write may have been recorded, and the errors of refusals.py for 4xx.
        """
        write = self._writing = method != "GET"
        self._may_ask()
        request = self._request(method, path, query, body)
        self._deadline.begin(WRITE if write else LIST if into else READ, self._until)
        wait = 0.0
        for pause in (*PAUSES, None):
            self._deadline.begin_try(wait)
            try:
                rows = into() if into else None
                status, headers, content = self._send(request, rows, most)
            except Unreachable as fault:
                again = not write and not isinstance(fault, (Senseless, TooLarge))
                if pause is None or not again or self._deadline.too_late(pause):
                    raise
                wait = pause * random.uniform(0.5, 1.5)
            else:
                asked = None if pause is None else _wait(write, status, headers, pause)
                if asked is None or self._deadline.too_late(asked):
                    self._wrote |= write and status < 400
                    with self._translated(write):
                        return self._open(write, path, status, content, rows)
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
        if self.transport:
            self.transport.close()

    def _send(
        self, request: httpx.Request, rows: stream.RowReader | None, most: int
    ) -> tuple[int, httpx.Headers, bytes]:
        write = request.method != "GET"
        with self._translated(write):
            if not self.transport:  # through a proxy the key of this computer's own server would leave this computer
                self.transport = connection.Transport(self.target.url, self._deadline, not self.target.loopback)
            response = self.transport.handle_request(request)
            try:
                self._compare_clocks(response.headers.get("Date", ""))
                if rows and response.is_success:
                    return response.status_code, response.headers, self._read_rows(response, rows)
                return response.status_code, response.headers, self._read(response, write, most)
            finally:
                response.close()

    def _may_ask(self) -> None:
        server = self.target.host
        if self.paused:
            raise NoConnection(f"There was no connection to {server} a moment ago.", "To try now: alga sync")
        if time.monotonic() > self._until:
            raise NeverSent(f"{server} was not asked again: it took too long.", "Try again later.")

    def _request(self, method: str, path: str, query: Mapping[str, str] | None, body: Json) -> httpx.Request:
        """The request; the key goes to this origin only, since no redirect is followed."""
        url = f"{self.target.url}/api/v1{path}"
        try:
            return httpx.Request(method, url, params=query, headers=self._headers, json=body)
        except httpx.InvalidURL as fault:
            raise NeverSent(f"The address {self.target.url} cannot be used.", "Check it: alga config list") from fault
        except UnicodeError as fault:
            raise UsageError("The request has characters that are no text. Nothing was sent.") from fault

    def _pause(self, seconds: float) -> None:
        try:
            self.sleep(seconds)
        except KeyboardInterrupt as fault:
            raise InterruptedUnsent(f"Interrupted while waiting for {self.target.host}. Nothing was sent.") from fault

    def _compare_clocks(self, date: str) -> None:
        with suppress(ValueError, TypeError, OverflowError):
            self.ahead = (parsedate_to_datetime(date).astimezone(UTC) - self.now()).total_seconds()

    def _read(self, response: httpx.Response, write: bool, most: int) -> bytes:
        """The body. Raises TooLarge for a read of more than `most` bytes."""
        content = bytearray()
        for chunk in self._chunks(response):
            content += chunk
            if len(content) > most:
                raise self._too_much(write, f"sent more than {most // MEGABYTE} MB", bytes(content[:MEGABYTE]))
        if content.count(b"{") + content.count(b"[") > MOST_BRACKETS:
            raise self._too_much(write, "sent too many values at once", bytes(content[:MEGABYTE]))
        return bytes(content)

    def _read_rows(self, response: httpx.Response, rows: stream.RowReader) -> bytes:
        """Read the rows, limited in bytes each and together. Returns the body if it had no rows."""
        size = 0
        for chunk in self._chunks(response):
            size += len(chunk)
            if size > MOST_OF_A_LIST:
                raise self._too_much(False, f"sent more than {MOST_OF_A_LIST // MEGABYTE} MB", b"")
            if rows.unread + len(chunk) > MOST:
                raise self._too_much(False, f"sent more than {MOST // MEGABYTE} MB", rows.head)
            rows.feed(chunk)
        return rows.end()

    def _chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """The body as it arrives, within the deadline whatever the transport."""
        for chunk in response.iter_bytes():
            for start in range(0, len(chunk), AT_ONCE):
                yield chunk[start : start + AT_ONCE]
            if self._deadline.left <= 0:
                raise httpx.ReadTimeout("timed out")

    def _too_much(self, write: bool, what: str, head: bytes) -> Unreachable:
        if write:
            return UnknownOutcome(f"{self.target.host} {what}", CHECK)
        error = TooLarge(f"{self.target.host} {what}.", "Ask for less.")
        error.head = head
        return error

    @contextmanager
    def _translated(self, write: bool) -> Iterator[None]:
        """The only place where httpx's exceptions become alga's errors."""
        server = self.target.host
        try:
            yield
        except AlgaError:
            raise
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as fault:
            if isinstance(fault, httpx.ConnectTimeout):
                self.timed_out()
            raise NoConnection(
                f"{server} cannot be reached ({_why(fault)}).", "Check the network, then type it again."
            ) from fault
        except httpx.DecodingError as fault:
            raise self._unusable(write, "sent an answer that cannot be decoded") from fault
        except (httpx.TransportError, httpx.StreamError) as fault:
            raise self._unusable(write, f"did not answer ({_why(fault)})") from fault
        except KeyboardInterrupt as fault:
            before = "What was sent before is recorded." if self._wrote else "Nothing was sent."
            told = "It may or may not have been recorded." if write else before
            hint = CHECK if write or self._wrote else ""
            raise Interrupted(f"Interrupted while waiting for {server}. {told}", hint) from fault
        except Exception as fault:  # an answer that nobody thought of
            if write:
                raise self._unusable(write, UNREADABLE) from fault
            raise Senseless(f"{server} {UNREADABLE}.", "Is it an AlgaPSA server? alga config list") from fault

    def _unusable(self, write: bool, what: str) -> Unreachable:
        if write:
            return UnknownOutcome(f"{self.target.host} {what}", CHECK)
        return Unreachable(f"{self.target.host} {what}.", "Try again later.")

    def _open(self, write: bool, path: str, status: int, content: bytes, rows: stream.RowReader | None) -> Envelope:
        if rows and rows.taken:
            self.answered.add(route(path))
            return Envelope([], rows.pagination)
        if status == 204:
            self.answered.add(route(path))
            return Envelope(None)
        if 300 <= status < 400:
            told = f"{self.target.host} redirects to another address, where alga does not send the key"
            hint = "Log in with the new address: alga login URL"
            raise ServerFailed(told, hint, str(status)) if write else Unreachable(f"{told}.", hint)
        body, readable = _parse(content)
        if status >= 400:
            raise self._refused(write, path, status, body)
        if not readable or not isinstance(body, Mapping) or "data" not in body:
            raise self._unusable(write, UNREADABLE)
        self.answered.add(route(path))
        pagination = body.get("pagination")
        return Envelope(body["data"], pagination if isinstance(pagination, Mapping) else {}, len(content))

    def _refused(self, write: bool, path: str, status: int, body: Json) -> AlgaError:
        """The error for a 4xx or 5xx: the API's own refusal, or an answer that did not come from the API."""
        target, answer = self.target, refusals.read(status, body)
        if status in (401, 429) or (refusals.spoken(body) and status not in DOUBTFUL and status < 500):
            if status not in (401, 429):
                self.answered.add(route(path))
            error = refusals.error_for(answer, target.server, target.host, target.profile)
            if isinstance(error, RoleForbids):
                self.forbidden(error.action)
            if isinstance(error, UnknownUser):
                self.unknown_user()
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
        data = json.loads(text, parse_constant=_no_number)
        return sound(data) if HALF.search(text) else data, True
    except (ValueError, RecursionError):
        return None, False


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


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
