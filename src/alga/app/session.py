"""The composition root: a profile's transport, client, journal and clock."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Any

from alga.api import client, http
from alga.app import timer
from alga.core import files
from alga.core.errors import LONGEST, ConfigError, NoConnection, Overtaken
from alga.core.safe_text import brief
from alga.core.times import LAST_YEAR, city, local_date, zone_named
from alga.delivery import sender
from alga.outbox import describe, journal, outbox
from alga.practice import app
from alga.practice import server as listener
from alga.state import cache, config, status_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from wsgiref.simple_server import WSGIServer

    import httpx

    from alga.app.environment import Environment
    from alga.state.cache import ServerCache
    from alga.state.config import Choice, Config, Paths, Profile

MOST_MENTIONED = 100  # days or profiles that are remembered
PRACTICE = "No AlgaPSA login: kept on this computer. To connect: alga login"


@dataclass(eq=False)
class Session:
    """One command's connection to its profile. It collects warnings and notes, which are printed after the result."""

    environment: Environment
    asked: str | None = None
    typed: Sequence[str] = ()  # the command line, without the program's name
    again: str = ""  # the command line of alga log without its times, for hints with other times
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    say: Callable[[str], None] = lambda sentence: None  # says a sentence at once, where a person reads
    syncing: bool = False  # the command itself delivers what waits
    _unreachable: bool = False
    _waits: set[str] = field(default_factory=set)  # sentences about waiting that were said

    @cached_property
    def zone(self) -> tzinfo:
        """The time zone in which people type and read times: the setting, or this computer's.

        Raises ConfigError when the computer's is none.
        """
        with suppress(ConfigError):  # whatever needs the profile says so
            if (setting := self.profile.zone) and (named := zone_named(setting)):
                return named
        zone = self.environment.zone
        try:
            self.now().astimezone(zone).utcoffset()
        except (ValueError, OverflowError):
            told = f"The time zone in TZ cannot be used: {os.environ.get('TZ', '')}."
            raise ConfigError(told, "For example: TZ=Europe/Berlin") from None
        return zone

    def place(self, instant: datetime) -> str:
        """` Berlin`: the zone's city, where this computer's clock shows another time at that instant; otherwise ''."""
        here, there = (instant.astimezone(zone).utcoffset() for zone in (self.environment.zone, self.zone))
        return "" if here == there else f" {city(self.zone)}"

    def mention_zone(self) -> None:
        """Say once that times are read in UTC, where no zone is set: this may be a server that a person works on."""
        if not ({"zone", "choice"} <= set(vars(self)) and sys.stderr.isatty()):
            return
        utc = not self.profile.zone and self.zone.tzname(self.now()) == "UTC"
        if utc and self.first("utc", self.profile.name):
            self.note("Times are in UTC, this computer's time zone. Yours: alga config set zone Europe/Berlin")

    def now(self) -> datetime:
        """Now, in UTC. Raises ConfigError when this computer's clock is centuries off."""
        now = self.environment.clock()
        if not 1971 <= now.year < LAST_YEAR:
            raise ConfigError(
                f"This computer's clock is in the year {now.year}.", "Set it, and type the command again."
            )
        return now

    def warn(self, sentence: str) -> None:
        """Add a warning, which is always printed to stderr."""
        sentence = brief(sentence, LONGEST)
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def note(self, sentence: str) -> None:
        """Add a note, which is printed to stderr only in a terminal."""
        sentence = brief(sentence, LONGEST)
        if sentence not in self.notes:
            self.notes.append(sentence)

    def retyped(self, without: str | Sequence[str], *more: str) -> str:
        """The command line again, to be pasted: without some options and their values, and with additional words."""
        dropped = (without,) if isinstance(without, str) else tuple(without)
        kept, value = list[str](), False
        for word in self.typed:
            if not value and word.partition("=")[0] not in dropped:
                kept.append(word)
            value = not value and word in dropped
        end = kept.index("--") if "--" in kept else len(kept)
        return shlex.join(["alga", *kept[:end], *more, *kept[end:]])

    # --- where it goes ---

    @cached_property
    def paths(self) -> Paths:
        """This environment's files."""
        return config.find_paths(self.environment.env)

    @cached_property
    def config(self) -> Config:
        """The config file as it was on first use. Raises ConfigError."""
        return config.load_config(self.paths.config)

    @cached_property
    def choice(self) -> Choice:
        """The profile, and whether it was named."""
        return config.choose(self.asked, self.environment.env, self.config)

    @property
    def profile(self) -> Profile:
        """The profile this command goes to."""
        return self.choice.profile

    @cached_property
    def cache(self) -> ServerCache:
        """The cache of this server and key. The embedded server's user is always known."""
        known = self.remembered
        if self.profile.is_local:
            user_id, name, _ = self.embedded.user_of("local")
            known.own(user_id, name)
        return known

    @cached_property
    def remembered(self) -> ServerCache:
        """The same without opening the embedded server's data."""
        profile = self.profile
        known = cache.load_cache(self.paths.state_dir / "learnt", profile.url or config.LOCAL, profile.key)
        known.any_word = profile.is_local
        return known

    @cached_property
    def client(self) -> client.Client:
        """The API client. If the user did not name the practice data, a note or warning says that it is used."""
        profile = self.profile
        if profile.is_local:
            self._mention_practice()
            target = http.Target("http://localhost", self.embedded.key_of("local"), config.LOCAL, "The practice server")
        else:
            target = http.Target(profile.url, profile.key, profile.name, "AlgaPSA", profile.tenant)
        transport, environment = self._transport(), self.environment
        requests = http.Http(
            target,
            transport,
            environment.sleep,
            self._waiting,
            self._no_connection,
            lambda write: self._slow(target.host, write),
            self.now,
        )
        requests.answered = self.cache.routes
        requests.forbidden = self.cache.forbid
        requests.unknown_user = self.cache.forget_user
        made = client.Client(requests, self.cache.see)
        self.__dict__["client"] = made  # delivering, which comes first, uses it
        self._deliver_what_waits()
        return made

    @cached_property
    def embedded(self) -> app.App:
        """The server on this computer, in process."""
        return app.App(self.paths.local_db, self.now, self.zone)

    def server(self, strict: bool, role: str, port: int) -> tuple[WSGIServer, str]:
        """The embedded server on a loopback socket, and the key of a role. A strict server has separate data.

        Raises ConfigError when the port is taken.
        """
        served = app.App(self.paths.strict_db, self.now, UTC, strict) if strict else self.embedded
        try:
            return listener.listen(served, port), served.key_of(role)
        except OSError as fault:
            raise ConfigError(
                f"Port {port} cannot be used: {fault.strerror}.", "Without --port, alga serve takes a free port."
            ) from fault

    @cached_property
    def journal(self) -> journal.Journal:
        """The operations that wait for this server and key."""
        profile = self.profile
        server = config.LOCAL if profile.is_local else profile.url
        key = cache.fingerprint(profile.key)
        kept = int(profile.receipts.removesuffix("d")) if profile.receipts else journal.RECEIPTS.days
        return journal.Journal(
            self.paths.outbox_db,
            server,
            key,
            self.now,
            lambda: self.remembered.user_id,
            typed=sys.stdin.isatty() and sys.stderr.isatty(),
            durable=not profile.is_local,
            receipts=timedelta(days=kept),
        )

    @cached_property
    def outbox(self) -> outbox.Outbox:
        """The outbox, through which all writes go: on disk before they are sent."""
        return outbox.Outbox(self.journal, sender.Server(self), self.now)

    def in_passing(self) -> AbstractContextManager[object]:
        """A block whose requests take a few seconds at most; after a recent connection failure none is tried."""
        if self._unreachable or self.journal.paused():
            self.client.pause()
        return self.client.within(outbox.BRIEFLY)

    def stay_offline(self) -> None:
        """Send no requests in this command, and nothing of what waits."""
        self.syncing = True
        self.client.pause()

    def _deliver_what_waits(self) -> None:
        """Deliver waiting operations briefly before a command continues. What does not get through keeps waiting."""
        if self.syncing or not self.paths.outbox_db.exists() or self.journal.paused() or not self.journal.queued():
            return
        try:
            settled = self.outbox.drain(outbox.BRIEFLY, wait=0)
        except Overtaken:
            return
        except ConfigError as fault:  # the lock is damaged: reading still works
            self.warn(fault.message)
            return
        self._unreachable = any(isinstance(each.error, NoConnection) for each in settled)
        self.warnings += describe.reports(settled, self.zone, self.now())

    def _no_connection(self) -> None:
        """The connection timed out: pause, so that other commands do not wait for the server at once."""
        self.journal.pause()

    @cached_property
    def timer(self) -> timer.Timer:
        """The running timer, whichever clock keeps it."""
        return timer.Timer(self)

    def close(self) -> None:
        """Save the cache and the prompt's timer, and close the connections."""
        parts: dict[str, Any] = vars(self)
        if "client" in parts:
            self.client.close()
        if "journal" in parts:
            self.journal.close()
        try:
            if "cache" in parts:
                self.cache.save()
            if "timer" in parts and self.timer.seen is not ...:
                profile, seen = self.profile.name, self.timer.seen
                status_file.write(self.paths.timer, profile, seen.shown(profile) if seen else None)
        except OSError as fault:
            self.note(f"The cache could not be saved: {fault.strerror}.")

    def _transport(self) -> httpx.BaseTransport | None:
        if self.environment.transport or not self.profile.is_local:
            return self.environment.transport
        import httpx

        return httpx.WSGITransport(app=self.embedded)

    def _waiting(self, seconds: float) -> None:
        self.say(f"The server asks to wait {seconds:.0f} s.")

    def _slow(self, host: str, write: bool) -> None:
        """Say what alga waits for, and, of a write, that it is saved."""
        with suppress(Exception):  # a sentence must not decide what becomes of a write
            alone = write and len(self.journal.of_act()) <= 1  # of many, those that were not sent are taken back
            saved = alone and any(each.sent_at for each in self.journal.queued())
            rest = " It is saved here: Ctrl-C leaves the rest to alga sync." if saved else ""
            if (sentence := f"Waiting for {host}.{rest}") not in self._waits:
                self._waits.add(sentence)
                self.say(sentence)

    def _mention_practice(self) -> None:
        if self.choice.named:
            return
        if not sys.stderr.isatty():
            self.warn(PRACTICE)
        elif self.first("practice", self._today):
            self.note(PRACTICE)

    def mention_open_config(self) -> None:
        """Warn, once a day, if other users of this computer can read where keys are kept."""
        if "paths" not in vars(self):
            return
        path = self.paths.config
        if files.open_to_others(path) and self.first("open-config", self._today):
            told = f"Other users of this computer can read {path}, where keys are kept."
            self.warn(f"{told} To stop that: chmod 600 {shlex.quote(str(path))}")

    def first(self, said: str, of: str) -> bool:
        """Whether something is said of a day, or of a profile, for the first time on this computer."""
        if of in self.marks(f"{said}-mentioned"):
            return False
        self.mark(f"{said}-mentioned", of)
        return True

    def marks(self, name: str) -> list[str]:
        """The lines that were remembered on this computer under a name."""
        with suppress(OSError, ValueError):
            return files.read_own(self.paths.state_dir / name).splitlines()
        return []

    def mark(self, name: str, line: str) -> None:
        """Remember a line, and the latest of those before."""
        with suppress(OSError):
            lines = [*self.marks(name)[-MOST_MENTIONED:], line]
            files.write_whole(self.paths.state_dir / name, "\n".join(lines), cache=True)

    @property
    def _today(self) -> str:
        return str(local_date(self.now(), self.zone))
