"""An httpx client, without parts that alga does not use: its command line, asyncio, unneeded certificates."""

from __future__ import annotations

import os
import re
import ssl
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from alga.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

A_FEW = 10  # certificates that a user may have added; more means the system's own are there
HASHED = re.compile(r"[0-9a-f]{8}\.\d+")  # the file name under which OpenSSL finds a certificate


@contextmanager
def without(*names: str) -> Iterator[None]:
    """A block in which the named packages cannot be imported, so that features alga does not use are not loaded."""
    hidden = set(names) - set(sys.modules)
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with without("click"):  # with click installed httpx loads its own command line, and all of rich
    import httpx as httpx


def opened(
    url: str, headers: Mapping[str, str], transport: httpx.BaseTransport | None, through_proxies: bool
) -> httpx.Client:
    """A client for one origin. It follows no redirects, so that the key in its headers stays with that origin."""
    with without("anyio", "trio"):  # httpcore uses them only for asynchronous requests
        return httpx.Client(
            base_url=url,
            headers=headers,
            follow_redirects=False,
            transport=transport,
            verify=trusted(url),
            trust_env=through_proxies,  # or a proxy would get the key of this computer's own server
        )


def trusted(url: str) -> ssl.SSLContext:
    """Which certificate authorities to trust: SSL_CERT_FILE, SSL_CERT_DIR, this computer's, otherwise certifi's.

    This computer's certificates are looked up singly in a directory; certifi's file takes 20 ms to read. Raises
    ConfigError.
    """
    if url.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without certificates: never used
    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        if file or directory:
            return ssl.create_default_context(cafile=file or None, capath=None if file else directory)
    except OSError as fault:
        told = f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {fault.strerror or fault}."
        raise ConfigError(told, f"Check that it exists: {file or directory}") from fault
    directory = ssl.get_default_verify_paths().capath
    with suppress(OSError):
        if directory and sum(HASHED.fullmatch(name) is not None for name in os.listdir(directory)) > A_FEW:
            return ssl.create_default_context(capath=directory)
    return httpx.create_ssl_context()
