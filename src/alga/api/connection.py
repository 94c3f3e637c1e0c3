"""An httpx client, without what alga does not use: its command line, asyncio, certificates that nobody asks for."""

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

A_FEW = 10  # of one's own, beside which there must be others
HASHED = re.compile(r"[0-9a-f]{8}\.\d+")  # how OpenSSL names a certificate that it finds by itself


@contextmanager
def without(*names: str) -> Iterator[None]:
    """In here packages cannot be imported that others would load for things that alga does not use."""
    hidden = set(names) - set(sys.modules)
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with without("click"):  # where that is installed httpx loads its own command line, and with it all of rich
    import httpx as httpx


def opened(
    url: str, headers: Mapping[str, str], transport: httpx.BaseTransport | None, through_proxies: bool
) -> httpx.Client:
    """A client of one origin, which follows no redirect: the key in its headers is for that origin alone."""
    with without("anyio", "trio"):  # httpcore takes them for what is asynchronous
        return httpx.Client(
            base_url=url,
            headers=headers,
            follow_redirects=False,
            transport=transport,
            verify=trusted(url),
            trust_env=through_proxies,  # or a proxy would get the key of this computer's own server
        )


def trusted(url: str) -> ssl.SSLContext:
    """Whose certificates are believed: SSL_CERT_FILE, SSL_CERT_DIR, this computer's, else certifi's.

    This computer's are looked up one by one in a directory, where certifi's are a file that takes 20 ms to read.
    """
    if url.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nobody's: it is never used
    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        if file or directory:
            return ssl.create_default_context(cafile=file or None, capath=None if file else directory)
    except OSError as fault:
        told = f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {fault.strerror or fault}."
        raise ConfigError(told, f"Is it there? {file or directory}") from fault
    directory = ssl.get_default_verify_paths().capath
    with suppress(OSError):
        if directory and sum(HASHED.fullmatch(name) is not None for name in os.listdir(directory)) > A_FEW:
            return ssl.create_default_context(capath=directory)
    return httpx.create_ssl_context()
