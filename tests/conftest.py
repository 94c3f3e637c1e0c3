"""Fixtures for all tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from hypothesis import settings

from alga.practice.app import App
from tests.support import Clock, Desk, Faulty, body_of, serving

settings.register_profile("alga", deadline=None)  # a busy computer is no fault
settings.load_profile("alga")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A person on a fresh machine, without a login."""
    return Desk(tmp_path / "home")


@dataclass
class Strict:
    """A technician's desk, connected to a strict server on a socket, with a network that can fail."""

    desk: Desk
    app: App
    url: str
    network: Faulty

    def as_role(self, role: str) -> Desk:
        """Another person's desk on the same server."""
        env = {"ALGA_URL": self.url, "ALGA_API_KEY": self.app.key_of(role)}
        return Desk(self.desk.home.parent / role, self.desk.clock, env=env)


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Strict]:
    """A strict embedded server on a loopback socket, and a technician in front of it."""
    clock = Clock()
    app = App(tmp_path / "server" / "strict.db", clock, strict=True)
    with serving(app) as url, httpx.HTTPTransport() as wire:
        env = {"ALGA_URL": url, "ALGA_API_KEY": app.key_of("technician")}
        network = Faulty(wire)
        yield Strict(Desk(tmp_path / "home", clock, env=env, transport=network), app, url, network)


@pytest.fixture
def known(strict: Strict) -> Strict:
    """A technician whose key's user the server has shown, at a script's desk."""
    strict.desk.tty = False
    strict.desk.ok("log", "TIC1011", "7:00-7:30", "-s", "Basic Support")
    strict.network.requests.clear()
    return strict


class Published(httpx.BaseTransport):
    """A server that knows the published vocabulary only, and refuses what is not in it."""

    deployed = ("start_time", "end_time", "entry_id", "billable_duration", "is_billable", "duration_hours", "work_date")

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Take the deployed names out of both directions."""
        if request.content and isinstance(body := body_of(request), dict):
            kept = {key: value for key, value in body.items() if key not in self.deployed}
            headers = {key: value for key, value in request.headers.items() if key != "content-length"}
            request = httpx.Request(request.method, request.url, headers=headers, json=kept)
        answer = self.inner.handle_request(request)
        answer.read()
        if answer.status_code == 204 or answer.status_code >= 400:
            return answer
        envelope = answer.json()
        data = envelope["data"]
        rows = data if isinstance(data, list) else [data] if data else []
        for row in rows:
            for name in self.deployed:
                row.pop(name, None)
        return httpx.Response(answer.status_code, json=envelope)


@pytest.fixture
def published(tmp_path: Path, desk: Desk) -> Desk:
    """A desk in front of such a server."""
    app = App(tmp_path / "server.db", desk.clock, desk.zone)
    desk.transport = Faulty(Published(httpx.WSGITransport(app=app)))
    desk.env = {"ALGA_URL": "https://psa.example.test", "ALGA_API_KEY": app.key_of("local")}
    return desk
