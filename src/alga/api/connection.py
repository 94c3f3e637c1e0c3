"""The connection to a server, on httpcore: a deadline at each step, one layer of gzip, this computer's certificates."""

from __future__ import annotations

import errno
import os
import re
import ssl
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from alga.api.lean import httpx, without
from alga.core.errors import NetworkSettings
from alga.state.config import is_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from alga.api.deadline import Deadline

A_FEW = 10  # certificates that a user may have added; more means the system's own are there
HASHED = re.compile(r"[0-9a-f]{8}\.\d+")  # the file name under which OpenSSL finds a certificate
CONNECTING, ADDRESS = 10.0, 2.0  # seconds for a name and a connection, and for a connection to one address
KEPT = 4.0  # seconds without a request; the deployed server keeps a connection for 5
PIECE = 64 * 1024  # bytes sent, and unpacked, at once
GZIP = 31  # zlib's number for it


with without("anyio", "trio"):  # for asynchronous requests
    import httpcore


class Transport(httpx.BaseTransport):
    """Connections to one origin. It knows no redirects and no cookies, and of encodings only one layer of gzip."""

    def __init__(self, url: str, deadline: Deadline, through_proxies: bool) -> None:
        """`through_proxies`: as the environment says. Raises NetworkSettings for a proxy that cannot be used."""
        self._deadline = deadline
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted(url),
            proxy=proxy(url) if through_proxies else None,
            network_backend=Network(deadline),
            keepalive_expiry=KEPT,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises httpx's exceptions."""
        url, headers = request.url, request.headers.raw
        origin = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        asked = httpcore.Request(request.method, origin, headers=headers, content=self._leaving(request))
        with as_httpx():
            answer = self._pool.handle_request(asked)
        body = Body(answer.stream)
        packed = b",".join(value for name, value in answer.headers if name.lower() == b"content-encoding")
        if packed.strip().lower() not in (b"", b"identity", b"gzip", b"x-gzip"):
            body.close()
            raise httpx.DecodingError("it is packed in a way that alga did not ask for")
        plain = [(name, value) for name, value in answer.headers if name.lower() != b"content-encoding"]
        return httpx.Response(answer.status, headers=plain, stream=Unpacked(body) if b"zip" in packed.lower() else body)

    def _leaving(self, request: httpx.Request) -> Iterator[bytes]:
        """The body; when httpcore asks for more after its end, the whole request has left this computer."""
        assert isinstance(request.stream, httpx.SyncByteStream)
        yield from request.stream
        self._deadline.all_has_left()

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


class Body(httpx.SyncByteStream):
    """An answer's body as it arrives."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with as_httpx():
            yield from self._stream

    def close(self) -> None:
        """Give the connection back."""
        self._stream.close()


class Unpacked(Body):
    """The same unpacked, a bounded piece at a time."""

    def __iter__(self) -> Iterator[bytes]:
        gzip, came = zlib.decompressobj(GZIP), False
        try:
            for chunk in super().__iter__():
                while chunk:
                    came = True
                    if gzip.eof:  # another member follows
                        gzip = zlib.decompressobj(GZIP)
                    yield gzip.decompress(chunk, PIECE)
                    chunk = gzip.unused_data if gzip.eof else gzip.unconsumed_tail
        except zlib.error as fault:
            raise httpx.DecodingError(str(fault)) from fault
        if came and not gzip.eof:
            raise httpx.DecodingError("its end is missing")


class Network(httpcore.NetworkBackend):
    """The system's network, with a deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline, self._system = deadline, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to each of a name's addresses in turn. The system resolves names without a time limit."""

        def connect() -> httpcore.NetworkStream:
            return self._system.connect_tcp(host, port, ADDRESS, local_address, socket_options)

        return Stream(self._deadline.in_a_thread(connect, httpcore.ConnectTimeout, CONNECTING), self._deadline)


class Stream(httpcore.NetworkStream):
    """A connection each of whose steps ends at the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes."""
        data = self._deadline.wait(lambda seconds: self._inner.read(max_bytes, seconds), httpcore.ReadTimeout)
        self._deadline.arrived()
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes. A piece of which a part has left is not sent again."""
        for start in range(0, len(buffer), PIECE):
            if (left := self._deadline.left) <= 0:
                raise httpcore.WriteTimeout("timed out")
            self._inner.write(buffer[start : start + PIECE], left)

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Agree on a key."""

        def agree() -> httpcore.NetworkStream:
            return self._inner.start_tls(ssl_context, server_hostname, CONNECTING)

        return Stream(self._deadline.in_a_thread(agree, httpcore.ConnectTimeout, CONNECTING), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore wants to know of the socket."""
        return self._inner.get_extra_info(info)


@contextmanager
def as_httpx() -> Iterator[None]:
    """Raise httpcore's exceptions as httpx's of the same names."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
    ) as fault:
        raise getattr(httpx, type(fault).__name__)(str(fault)) from fault


def proxy(url: str) -> httpcore.Proxy | None:
    """The environment's proxy for a server, if any. Raises NetworkSettings for a proxy other than http and https."""
    parts, known = urlsplit(url), getproxies()
    scheme, host = parts.scheme if known.get(parts.scheme) else "all", parts.hostname or ""
    address = known.get(scheme)
    if not address or _goes_direct(parts.netloc, host, known.get("no", "")):
        return None
    try:
        there = httpx.URL(address if "://" in address else f"http://{address}")
        usable = there.scheme in ("http", "https") and (there.port or 0) < 65536
        if usable and there.raw_host and is_host(there.raw_host.decode()):
            place = httpcore.URL(scheme=there.raw_scheme, host=there.raw_host, port=there.port, target=b"/")
            auth = (there.username.encode(), there.password.encode()) if there.username else None
            return httpcore.Proxy(place, auth, ssl_context=trusted(address) if there.scheme == "https" else None)
    except (httpx.InvalidURL, ValueError):
        pass
    raise NetworkSettings(
        f"The proxy in {scheme.upper()}_PROXY cannot be used: alga needs the address of an http or https proxy.",
        f"Change {scheme.upper()}_PROXY, or leave it out for this server: NO_PROXY={host}",
    )


def _goes_direct(netloc: str, host: str, excepted: str) -> bool:
    """Whether NO_PROXY or the system's settings name a server, as a host, with its port, or as an address."""
    named = {each.strip().rpartition("//")[2].strip("[]") for each in excepted.split(",")}
    return bool(proxy_bypass(netloc) or proxy_bypass(host) or {netloc.strip("["), host} & named)


def trusted(url: str) -> ssl.SSLContext:
    """Which certificate authorities to trust: SSL_CERT_FILE, SSL_CERT_DIR, this computer's, otherwise certifi's.

    This computer's certificates are looked up singly in a directory; certifi's file takes 20 ms to read. Raises
    NetworkSettings.
    """
    if url.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without certificates: never used
    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        if file and not os.path.isfile(file):  # opening a pipe would wait
            raise FileNotFoundError(errno.ENOENT, "No such file")
        if file or directory:
            return ssl.create_default_context(cafile=file or None, capath=None if file else directory)
    except OSError as fault:
        told = f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {fault.strerror or fault}."
        raise NetworkSettings(told, f"Check that it exists: {file or directory}") from fault
    directory = ssl.get_default_verify_paths().capath
    with suppress(OSError):
        if directory and sum(HASHED.fullmatch(name) is not None for name in os.listdir(directory)) > A_FEW:
            return ssl.create_default_context(capath=directory)
    return httpx.create_ssl_context()
