"""Whose certificates are believed: those of SSL_CERT_FILE, SSL_CERT_DIR, this computer, else certifi's."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import certifi
import pytest

from alga.api import connection
from alga.api.http import Http, Target
from alga.core.errors import ConfigError, NoConnection
from tests.hostile.world import raw_server

CERTIFICATE = Path(__file__).with_name("localhost.pem")  # signed by nobody, for tests alone, with its key
HASH = "ce275665"  # of its subject: openssl x509 -hash


class Empty(BaseHTTPRequestHandler):
    """Answers with nothing in it."""

    def do_GET(self) -> None:
        """An empty list."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"data": []}')

    def log_message(self, *args: object) -> None:
        """Nothing is printed."""


class Quiet(HTTPServer):
    """Says nothing of a client that hangs up."""

    def handle_error(self, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def server() -> Iterator[str]:
    """An https server on this computer that shows it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with Quiet(("127.0.0.1", 0), Empty) as http:
        http.socket = context.wrap_socket(http.socket, server_side=True)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://localhost:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment says nothing, unless a test does."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def ask(url: str) -> object:
    """What a request gets."""
    http = Http(Target(url, "k", "acme", "AlgaPSA"), sleep=lambda seconds: None)
    try:
        return http.request("GET", "/x").data
    finally:
        http.close()


def hashed(directory: Path, others: int = 0) -> Path:
    """A directory in which OpenSSL finds it, among others."""
    directory.mkdir()
    for name in (HASH, *(f"{n:08x}" for n in range(others))):
        (directory / f"{name}.0").write_bytes(CERTIFICATE.read_bytes())
    return directory


def test_a_certificate_that_nobody_vouches_for_is_refused(server: str) -> None:
    with pytest.raises(NoConnection, match="certificate verify failed"):
        ask(server)


def test_ssl_cert_file_is_believed(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert ask(server) == []


def test_ssl_cert_dir_is_believed(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    directory = hashed(tmp_path / "certs")
    for said in (str(directory), f"{tmp_path}/empty:{directory}", f"{directory}:{tmp_path}/none"):
        monkeypatch.setenv("SSL_CERT_DIR", said)
        assert ask(server) == []


def test_a_certificate_file_that_is_not_there_is_told(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(ConfigError, match="SSL_CERT_FILE or SSL_CERT_DIR cannot be read: No such file") as told:
        ask(server)
    assert told.value.hint == "Check that it exists: /nowhere/ca.pem"


def test_this_computers_certificates_are_believed_one_by_one(
    server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    places = SimpleNamespace(capath=str(hashed(tmp_path / "certs", others=20)))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: places)
    assert ask(server) == []
    assert connection.trusted(server).get_ca_certs() == [], "none is read before it is needed"


@pytest.mark.parametrize("there", ["nothing", "none", "one of one's own"])
def test_where_this_computer_has_none_certifis_are_taken(
    there: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if there == "one of one's own":
        hashed(tmp_path / "certs")
    places = SimpleNamespace(capath=None if there == "nothing" else str(tmp_path / "certs"))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: places)
    ours, theirs = connection.trusted("https://x.test"), ssl.create_default_context(cafile=certifi.where())
    assert len(ours.get_ca_certs()) == len(theirs.get_ca_certs())
    assert ours.verify_mode is ssl.CERT_REQUIRED and ours.check_hostname


def test_http_needs_none_and_believes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    context = connection.trusted("http://localhost")
    assert (context.get_ca_certs(), context.verify_mode) == ([], ssl.CERT_REQUIRED)


def test_a_proxy_is_used_with_its_password_and_not_for_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def behave(request: bytes) -> list[bytes]:
        asked.append(request)
        return [b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"data": []}']

    with raw_server(behave) as url:
        monkeypatch.setenv("HTTP_PROXY", url.replace("//", "//me:se%40cret@"))
        monkeypatch.setenv("no_proxy", "other.test")
        for server, through in (("http://psa.test", 1), ("http://psa.test:8080", 2), (url, 3)):
            http = Http(Target(server, "k", "acme", "AlgaPSA"), sleep=lambda seconds: None)
            assert http.request("GET", "/time-entries").data == []
            http.close()
            assert len(asked) == through
    assert asked[0].startswith(b"GET http://psa.test/api/v1/time-entries HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6c2VAY3JldA==" in asked[0]
    assert asked[1].startswith(b"GET http://psa.test:8080/")
    assert asked[2].startswith(b"GET /api/v1/"), "not as a proxy"
    assert connection.proxy("http://other.test") is None


@pytest.mark.parametrize("excepted", ["fd00::1", "https://[fd00::1]", "[fd00::1]:8443", "*", "x.test, fd00::1"])
def test_every_form_of_no_proxy_is_heeded(monkeypatch: pytest.MonkeyPatch, excepted: str) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert connection.proxy("https://[fd00::1]:8443") is not None
    monkeypatch.setenv("no_proxy", excepted)
    assert connection.proxy("https://[fd00::1]:8443") is None


def test_a_proxys_password_and_name_may_have_any_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://me:p%C3%A4ss@bücher.test:3128")
    found = connection.proxy("https://psa.test")
    assert found and found.auth == (b"me", "päss".encode())
    assert (found.url.host, found.url.port) == (b"xn--bcher-kva.test", 3128)
