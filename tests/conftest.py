"""Fixtures for all tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from alga.local.app import App
from tests.support import Clock, Desk, Faulty, serving


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
