"""What is hostile, and what must hold all the same."""

import json
import random
import re
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx

from tests.support import EXAMPLES, SAME_EACH_TIME, Desk, Result

KEY = "never-to-be-seen-" + "k" * 47
KNOWN_EXITS = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130}
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
STYLES = re.compile(r"\x1b\[[0-9;]*m")  # alga's own, in a terminal
MOST_SHOWN = 60_000  # characters of one command's output, but for JSON and exports
SECONDS = 20.0  # that one command may take where the server answers at once

COMMANDS = (
    ("list",), ("list", "--json"), ("list", "--everyone", "-f", "ids"), ("day",), ("status",), ("status", "--json"),
    ("stats", "--by", "user"), ("search", "note"), ("search", "note", "--all"), ("show", "0b1c"), ("tickets",),
    ("tickets", "vpn"), ("services",), ("whoami",), ("doctor",), ("templates",), ("export", "--json"), ("export",),
    ("log", "TIC1042", "9:00-9:30", "--date", "2026-11-20", "-s", "Basic Support"), ("start", "TIC1011"), ("stop",),
    ("cancel", "-y"), ("resume",), ("edit", "0b1c", "-m", "x"), ("delete", "0b1c", "-y"), ("approve", "0b1c", "-y"),
    ("approve", "--dry-run"), ("request-changes", "0b1c", "--reason", "x", "-y"), ("sync",), ("queue",),
    ("queue", "--sent"),
)  # fmt: skip
STATUSES = (
    200, 201, 202, 203, 204, 205, 206, 207, 300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408,
    409, 410, 411, 412, 413, 414, 415, 417, 418, 421, 422, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505,
    507, 511, 520, 599,
)  # fmt: skip
DEEP: Any = None
for _ in range(900):
    DEEP = [DEEP]
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**9, 10**30, -(10**400), 1e308, 0.5, "", " ", "x", "\x00", "\x1b[2J\x07", "\u202egnp",
    "\ud800", "\U0001f600", "NaN", "1e999", "9" * 5000, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-11-23T08:00:00", "2026-02-31T08:00:00Z", "20261123T080000Z",
    "2026-W48-1", "../../etc/passwd", "%s%n{0}{server}", "<script>", "x" * 3000, [], {}, [[]], [None], {"a": {}},
    [1, 2, 3], {"error": 5}, {"id": "x"}, DEEP,
)  # fmt: skip
BODIES: tuple[bytes, ...] = (
    b"", b"{}", b"[]", b"null", b"{", b'{"data":', b'{"data":null}', b'{"data":[]}', b'{"data":{}}', b'{"data":[{}]}',
    b'{"data":[null]}', b'{"data":5}', b'{"data":"x"}', b'{"data":NaN}', b'{"data":[NaN]}', b'{"data":Infinity}',
    b'{"data":' + b"9" * 5000 + b"}", b'{"error":5}', b'{"error":"no"}',
    b'{"error":{"code":5,"message":[],"details":{}}}',
    b'{"error":{"code":"X","message":"\\ud800\\u001b[2J","details":[{"path":["a",5],"message":null}]}}',
    b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"<!DOCTYPE html><html>", b"[" * 3000, b'{"data":' * 3000,
    b'{"data":[],"pagination":{"total":1e400,"hasNext":"yes"}}', b'{"data":[],"pagination":[]}', b"\x1f\x8b\x08\x00",
    b'{"data":"\xed\xa0\x80"}', b'{"data":[],"data":[1]}', b'{"data":[' + b"{}," * 2000 + b"{}]}", b"\x00" * 3000,
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {}, {"Date": "Mon, 23 Nov 10000000 08:00:00 GMT"}, {"Date": "\x7f"}, {"Retry-After": "9" * 400},
    {"Retry-After": "-1"}, {"Retry-After": "1e9"}, {"Set-Cookie": "a=b; Domain=x; expires=Mon, 23 Nov 99999 08:00:00"},
    {"Set-Cookie": "\x01\x02=\x80"}, {"Location": "https://evil.example"}, {"Content-Type": "text/html; charset=utf-7"},
    {"Content-Type": "\x80"}, {"Date": "Mon, 23 Nov 2026 08:00:00 +9999"}, {"Transfer-Encoding": "x"},
)  # fmt: skip


def dice(name: str) -> random.Random:
    """The same numbers each time in `make test`, other ones in `make soak`."""
    return random.Random(name) if SAME_EACH_TIME else random.Random()


def rounds(small: int) -> range:
    """So many cases in `make test`; more as more examples are asked for."""
    return range(max(1, small * EXAMPLES // 150))


def held(result: Result, command: tuple[str, ...], whole: bool = False) -> None:
    """What holds whatever came from outside: a known exit, no traceback, bounded and harmless text, no key."""
    text = STYLES.sub("", result.out + result.err).replace("\r\n", "\n")  # in CSV
    assert result.code in KNOWN_EXITS, (command, result)
    assert "Traceback" not in text and "Internal error" not in text, (command, result)
    assert KEY not in text, command
    assert not CONTROL.search(text), (command, CONTROL.search(text), result)
    assert whole or len(text) < MOST_SHOWN, (command, len(text))
    assert len(result.err) < MOST_SHOWN, (command, len(result.err))
    if result.code:
        assert (result.err + result.out).strip(), (command, result)


def checked(desk: Desk, command: tuple[str, ...], whole: bool = False, **more: Any) -> Result:
    """Type a command line, and see that it holds and ends."""
    began = time.monotonic()
    result = desk(*command, **more)
    assert time.monotonic() - began < SECONDS, command
    held(result, command, whole or "--json" in command or command[:1] in (("export",), ("queue",)) or "ids" in command)
    return result


def mutated(body: bytes, chance: random.Random) -> bytes:
    """An answer with one value changed, dropped, doubled or cut off."""
    try:
        data = json.loads(body)
    except ValueError:
        return chance.choice(BODIES)
    if chance.random() < 0.15:
        return body[: chance.randrange(len(body) + 1)]
    places = list(_places(data))
    if not places:
        return chance.choice(BODIES)
    for holder, key in chance.sample(places, min(len(places), chance.choice((1, 1, 1, 3)))):
        try:
            if chance.random() < 0.15:
                del holder[key]
            else:
                holder[key] = chance.choice(VALUES)
        except (KeyError, IndexError):
            continue
    return json.dumps(data).encode()


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Where values stand: the holder and the key."""
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in list(pairs):
        yield data, key
        yield from _places(value)


class Mutating(httpx.BaseTransport):
    """A server whose answers are changed while `hostile`."""

    def __init__(self, inner: httpx.BaseTransport, chance: random.Random) -> None:
        self.inner, self.chance, self.hostile = inner, chance, True

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The request is carried out; what is said of it may be anything."""
        response = self.inner.handle_request(request)
        content = response.read()
        if not self.hostile or self.chance.random() < 0.3:
            return response
        headers = self.chance.choice(HEADERS) if self.chance.random() < 0.3 else {}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return httpx.Response(response.status_code, headers=raw, content=mutated(content, self.chance))


# --- servers on a socket ------------------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def raw_server(behave: Callable[[bytes], Iterable[bytes]]) -> Iterator[str]:
    """A server that gives each connection's first request to `behave`, and sends the pieces it yields."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with connection:
                try:
                    request = connection.recv(65536)
                    for piece in behave(request):
                        connection.sendall(piece)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def slowly(data: bytes, pause: float = 0.02) -> Iterator[bytes]:
    """A byte at a time."""
    for at in range(len(data)):
        time.sleep(pause)
        yield data[at : at + 1]


def forever(piece: bytes, pause: float = 0.0) -> Iterator[bytes]:
    """The same again and again."""
    while True:
        time.sleep(pause)
        yield piece


@cache
def packed(layers: int, megabytes: int) -> tuple[bytes, ...]:
    """Blanks, packed in layers: few bytes that become many."""
    data = zlib.compress(b" " * (1024 * 1024) * megabytes, 1, 31)
    for _ in range(layers - 1):
        data = zlib.compress(data, 9, 31)
    names = b", ".join([b"gzip"] * layers)
    return (OK + b"Content-Encoding: " + names + b"\r\nContent-Length: %d\r\n\r\n" % len(data) + data,)
