"""Which timer runs: on the clock kept here, or on the server's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from alga.core.errors import AuthError, Unreachable
from alga.delivery import sender
from alga.lookup import overlaps
from alga.outbox import transitions
from alga.outbox.operation import Kind
from alga.running import Running, gone, of_entry, of_operation, of_prompt
from alga.state import status_file

if TYPE_CHECKING:
    from types import EllipsisType

    from alga.api.models import TimeEntry
    from alga.delivery.recognise import Parts
    from alga.lookup.overlaps import Taken
    from alga.outbox.outbox import AtOnce, Outbox

    class Timing(Parts, Protocol):
        """What a session gives the timer."""

        @property
        def outbox(self) -> Outbox[TimeEntry] | AtOnce[TimeEntry]: ...
        @property
        def queue(self) -> Outbox[TimeEntry]: ...


class Clocks:
    """What runs, and what time is spoken for."""

    def __init__(self, parts: Timing) -> None:
        self._on = parts
        self.seen: Running | EllipsisType | None = ...  # what runs by the last that was heard: ... for nothing heard

    def kept_here(self) -> bool:
        """Whether alga keeps the clock: as the setting says, else on servers of the deployed kind (docs/design.md)."""
        profile, cache = self._on.profile, self._on.cache
        if profile.is_local or profile.timer == "server":
            return False
        if profile.timer == "auto" and cache.kind is None:
            try:
                self._on.client.list_entries({"limit": "1"})  # the client tells learnt what it sees
            except Unreachable:
                return True  # a finished entry is right on either kind
        return profile.timer == "local" or cache.deployed

    def known(self) -> Running | None:
        """The timer that this computer knows of, without asking anyone: kept here, or begun here on the server.

        On practice data, as a command saw it last.
        """
        if self._on.profile.is_local:
            shown = status_file.read(self._on.paths.timer, self._on.profile.name)
            return of_prompt(shown) if shown else None
        live = self._on.journal.live() if self._on.paths.outbox_db.exists() else None
        return of_operation(live) if live else None

    def here(self) -> Running | None:
        """The timer whose clock is kept here, or whose start on the server is in doubt."""
        known = self.known()
        if known is None or known.operation is None or known.operation.entry_id:
            return None
        self.seen = known
        return known

    def there(self) -> Running | None:
        """The session on the server's clock."""
        entry = self._on.client.active_session()
        known = self.known()
        if entry and (entry.session_id or entry.id) in self.ending():
            self.seen = None
            return None
        mine = known.operation if known and known.operation and known.operation.entry_id else None
        if mine and (entry is None or (entry.session_id or entry.id) != mine.entry_id):
            self._on.journal.put(transitions.done(mine, None))
            self._on.warn(gone(mine, self._on.zone))
            mine = None
        self.seen = of_entry(self._on.cache, entry, mine) if entry else None
        return self.seen

    def ending(self) -> set[str | None]:
        """The sessions on the server whose stop, or removal, waits here."""
        if self._on.profile.is_local:
            return set()
        journal = self._on.journal
        stops = [each for each in (*journal.queued(), *journal.aside()) if each.kind is Kind.STOP]
        return {each.entry_id for each in (*stops, *journal.queued()) if each.kind in (Kind.STOP, Kind.DELETE)}

    def running(self) -> Running | None:
        """The timer kept here, else the server's, else without a connection the one that was begun there."""
        if here := self.here():
            return here
        try:
            return self.there()
        except (Unreachable, AuthError):
            if known := self.known():
                return known
            raise

    def running_if_known(self) -> Running | None:
        """The same; None where no server answers and nothing is known here: work goes on without a connection."""
        try:
            return self.running()
        except Unreachable:
            return None

    def clash(self) -> overlaps.Clash:
        """The check for overlaps, with what waits here, of which the server knows nothing."""
        return overlaps.Clash(self._on.client, self._on.cache, self._on.zone, self._on.now(), self.taken())

    def taken(self) -> list[Taken]:
        """The time of what waits here."""
        return [] if self._on.profile.is_local else sender.taken(self._on.journal)
