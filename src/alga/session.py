"""The composition root: a profile's transport, client, journal and clock. What is heavy is imported here, when used."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from time import sleep
from typing import TYPE_CHECKING, Any

import typer

from alga.config import LOCAL, Choice, Config, Paths, Profile, choose, find_paths, load_config
from alga.errors import ConfigError, NoConnection, Overtaken
from alga.files import write_whole
from alga.learnt import Learnt, fingerprint, load_learnt
from alga.outcomes import Tell, Watch
from alga.times import Clock, SystemZone, local_date, system_clock

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

    import httpx

    from alga.api.client import Client
    from alga.api.models import TimeEntry
    from alga.local.app import App
    from alga.outbox.batch import Item
    from alga.outbox.drain import AtOnce, Outbox
    from alga.outbox.journal import Journal
    from alga.outbox.operation import Operation
    from alga.timer import Timer

PRACTICE = "No AlgaPSA login: kept on this computer. To connect: alga login"


@dataclass(frozen=True)
class Outside:
    """What alga touches of the world beyond files: replaced in tests."""

    clock: Clock = system_clock
    zone: tzinfo = field(default_factory=SystemZone)
    transport: "httpx.BaseTransport | None" = None
    sleep: Callable[[float], None] = sleep
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass
class Session:
    """One command's connection to its profile. Warnings and notes gather here and are printed after its result."""

    outside: Outside
    asked: str | None = None
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    syncing: bool = False  # the command itself delivers what waits
    _unreachable: bool = False

    @property
    def zone(self) -> tzinfo:
        """The zone in which people type and read times."""
        return self.outside.zone

    def now(self) -> datetime:
        """Now, in UTC."""
        return self.outside.clock()

    def warn(self, sentence: str) -> None:
        """Something the user must hear, also through a pipe."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def note(self, sentence: str) -> None:
        """Something that helps a person, in a terminal only."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    # --- where it goes ---

    @cached_property
    def paths(self) -> Paths:
        """This environment's files."""
        return find_paths(self.outside.env)

    @cached_property
    def config(self) -> Config:
        """The config file as it was when the command began."""
        return load_config(self.paths.config)

    @cached_property
    def choice(self) -> Choice:
        """The profile, and whether it was named."""
        return choose(self.asked, self.outside.env, self.config)

    @property
    def profile(self) -> Profile:
        """The profile this command goes to."""
        return self.choice.profile

    @cached_property
    def learnt(self) -> Learnt:
        """What is known of this server with this key. The embedded one knows its user."""
        directory = self.paths.state_dir / "learnt"
        if not self.profile.is_local:
            return load_learnt(directory, self.profile.url, self.profile.key)
        user_id, name, key = self.embedded.user_of("local")
        learnt = load_learnt(directory, LOCAL, key)
        learnt.own(user_id, name)
        return learnt

    @cached_property
    def client(self) -> "Client":
        """The API. On the embedded server that the user did not name, they are told so after the command."""
        from alga.api.client import Client
        from alga.api.http import Http, Target

        profile = self.profile
        if profile.is_local:
            self._mention_practice()
            target = Target("http://localhost", self.embedded.key_of("local"), LOCAL, "The practice server")
        else:
            target = Target(profile.url, profile.key, profile.name, "AlgaPSA", profile.tenant)
        http = Http(target, self._transport(), self.outside.sleep, self._waiting, self._no_connection, self.now)
        client = Client(http, self.learnt.see, self.warn)
        if not profile.is_local:
            self.__dict__["client"] = client  # for delivering, which comes first
            self._deliver_what_waits()
        return client

    @cached_property
    def embedded(self) -> "App":
        """The server on this computer, in process."""
        from alga.local.app import App

        return App(self.paths.local_db, self.now, self.zone)

    def server(self, strict: bool, role: str, port: int) -> "tuple[WSGIServer, str]":
        """The embedded server on a loopback socket, and the key of a role. Strict has data of its own.

        Raises ConfigError when the port is taken.
        """
        from alga.local.app import App
        from alga.local.server import listen

        app = App(self.paths.strict_db, self.now, UTC, strict) if strict else self.embedded
        try:
            return listen(app, port), app.key_of(role)
        except OSError as fault:
            raise ConfigError(
                f"Port {port} cannot be used: {fault.strerror}.", "alga serve takes a free one"
            ) from fault

    @cached_property
    def journal(self) -> "Journal":
        """The operations that wait for this server and key."""
        from alga.outbox.journal import Journal

        profile = self.profile
        server = LOCAL if profile.is_local else profile.url
        key = fingerprint(profile.key)
        return Journal(self.paths.outbox_db, server, key, self.now, lambda: self.learnt.user_id)

    @cached_property
    def queue(self) -> "Outbox[TimeEntry]":
        """What is on disk before it is sent."""
        from alga.outbox.drain import Outbox
        from alga.remote import Server

        return Outbox(self.journal, Server(self), self.now)

    @cached_property
    def outbox(self) -> "Outbox[TimeEntry] | AtOnce[TimeEntry]":
        """Where writes go: the queue, or the embedded server at once."""
        if not self.profile.is_local:
            return self.queue
        from alga.outbox.drain import AtOnce
        from alga.remote import Server

        return AtOnce(Server(self))

    def batch(self, operations: "Iterable[tuple[Item, Operation]]", tell: Tell) -> AbstractContextManager[Watch]:
        """Many of them, by the row or the entry they are of: on disk before the first is sent."""
        if self.profile.is_local:
            return nullcontext(Watch(tell))
        from alga.outbox.batch import kept

        client = self.client
        return kept(self.journal, operations, self.now, lambda: client.ahead, tell)

    def in_passing(self) -> AbstractContextManager[object]:
        """All requests in here take a few seconds at most, and none is tried where there was no connection just now."""
        if self.profile.is_local:
            return nullcontext()
        from alga.outbox.drain import BRIEFLY

        client = self.client
        if self._unreachable or self.journal.paused():
            client.pause()
        return client.within(BRIEFLY)

    def _deliver_what_waits(self) -> None:
        """Before a command goes on, briefly. What does not get through waits on; the command's own words say why."""
        if self.syncing or not self.paths.outbox_db.exists() or self.journal.paused() or not self.journal.queued():
            return
        from alga.outbox.drain import BRIEFLY
        from alga.waiting import reports

        try:
            settled = self.queue.drain(BRIEFLY, wait=0)
        except Overtaken:
            return
        self._unreachable = any(isinstance(each.error, NoConnection) for each in settled)
        self.warnings += reports(settled, self.zone, self.now())

    def _no_connection(self) -> None:
        """It timed out: other commands do not wait for that again at once."""
        self.journal.pause()

    @cached_property
    def timer(self) -> "Timer":
        """The running timer, whichever clock keeps it."""
        from alga.timer import Timer

        return Timer(self)

    def close(self) -> None:
        """Keep what was learnt and give the connection back."""
        parts: dict[str, Any] = vars(self)
        if "client" in parts:
            self.client.close()
        if "learnt" in parts:
            try:
                self.learnt.save()
            except OSError as fault:
                self.note(f"What was learnt could not be kept: {fault.strerror}.")

    def _transport(self) -> "httpx.BaseTransport | None":
        if self.outside.transport or not self.profile.is_local:
            return self.outside.transport
        import httpx

        return httpx.WSGITransport(app=self.embedded)

    def _waiting(self, seconds: float) -> None:
        if sys.stderr.isatty():
            typer.echo(f"The server asks to wait {seconds:.0f} s.", err=True)

    def _mention_practice(self) -> None:
        if self.choice.named:
            return
        told, today = self.paths.state_dir / "practice-mentioned", str(local_date(self.now(), self.zone))
        if not sys.stderr.isatty():
            self.warn(PRACTICE)
        elif not told.exists() or told.read_text(encoding="utf-8") != today:
            self.note(PRACTICE)
            write_whole(told, today)
