"""Start, stop, switch and cancel: on the server's clock, or on this computer's clock."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from alga.app.running import (
    Running,
    Stopped,
    gone,
    of_entry,
    of_operation,
    other_start,
)
from alga.core.entry import EntryRequest, check_billable, check_times
from alga.core.errors import (
    CHOOSE_SERVICE,
    AlgaError,
    AlreadyRunning,
    AuthError,
    Forbidden,
    NeedsService,
    NoSession,
    NotFound,
    Overlaps,
    Refused,
    Unreachable,
)
from alga.core.times import cut, format_day, format_interval, format_time, local_date, minutes_between
from alga.delivery import sender
from alga.lookup import overlaps
from alga.outbox import results, transitions
from alga.outbox.operation import Kind, Operation, State

if TYPE_CHECKING:
    from datetime import datetime
    from types import EllipsisType

    from alga.delivery.recognise import Parts
    from alga.lookup.overlaps import Taken
    from alga.lookup.work_items import WorkItem
    from alga.outbox.outbox import Outbox

    class Timing(Parts, Protocol):
        """What the timer needs from a session."""

        @property
        def outbox(self) -> Outbox: ...


KEPT_HERE = "AlgaPSA gets the entry at stop (its own timer leaves entries off the time sheet)."
ONLY_HERE = "A timer that alga keeps is only on the computer where it was started."


class Timer:
    """The running timer, with start, stop, switch and cancel, on whichever clock applies."""

    def __init__(self, parts: Timing) -> None:
        self._on = parts
        self.seen: Running | EllipsisType | None = ...  # the timer as last seen; ... while unknown

    def kept_here(self) -> bool:
        """Whether alga keeps the clock: by the setting, otherwise on servers of the deployed kind (docs/design.md)."""
        profile, cache = self._on.profile, self._on.cache
        if profile.is_local or profile.timer == "server":
            return False
        if profile.timer == "auto" and cache.kind is None:
            try:
                self._on.client.list_entries({"limit": "1"})  # the cache learns from every answer
            except Unreachable:
                return True  # a finished entry is right on either kind
        return profile.timer == "local" or cache.deployed

    def keeps_clock(self) -> bool:
        """The same as far as it is known, without asking a server."""
        profile = self._on.profile
        return not profile.is_local and (
            profile.timer == "local" or (profile.timer == "auto" and self._on.cache.deployed)
        )

    def known(self) -> Running | None:
        """The timer that this computer knows, without asking a server: kept here, or started here on the server."""
        live = self._on.journal.live() if self._on.paths.outbox_db.exists() else None
        return of_operation(live) if live else None

    def here(self) -> Running | None:
        """The timer whose clock is on this computer, or whose start on the server is in doubt; None without one."""
        known = self.known()
        if known is None or known.operation is None or known.operation.entry_id:
            return None
        self.seen = known
        return known

    def there(self) -> Running | None:
        """The timer on the server's clock; None without one. Raises Unreachable."""
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
        """The ids of sessions on the server whose stop, or deletion, waits on this computer."""
        journal = self._on.journal
        stops = [each for each in (*journal.queued(), *journal.aside()) if each.kind is Kind.STOP]
        return {each.entry_id for each in (*stops, *journal.queued()) if each.kind in (Kind.STOP, Kind.DELETE)}

    def running(self) -> Running | None:
        """The timer on this computer, otherwise the server's; without a connection the one started there."""
        if here := self.here():
            return here
        try:
            return self.there()
        except (Unreachable, AuthError):
            if known := self.known():
                return known
            raise

    def running_if_known(self) -> Running | None:
        """The same; None without a connection and a known timer, so that work can continue."""
        try:
            return self.running()
        except Unreachable:
            return None

    def clash(self) -> overlaps.Clash:
        """The check for overlaps, including operations that wait here, which the server does not know."""
        return overlaps.Clash(self._on.client, self._on.cache, self._on.zone, self._on.now(), self.taken())

    def taken(self) -> list[Taken]:
        """The time of operations that wait here."""
        return sender.taken(self._on.journal)

    # --- start ---

    def start(
        self, item: WorkItem, service: tuple[str | None, str | None], notes: str | None, at: datetime | None
    ) -> Running:
        """Start now, or back-dated to `at` (UTC), with a service's id, or its name as typed without a connection.

        Raises AlreadyRunning, Overlaps, or the server's refusal.
        """
        now = self._on.now()
        if at:
            self._check_start(at, now)
        return self._begin(item, service, notes, at)

    def _begin(
        self, item: WorkItem, service: tuple[str | None, str | None], notes: str | None, at: datetime | None
    ) -> Running:
        service_id, service_typed = service
        asked = EntryRequest(item.type, item.id or None, cut(at) if at else None, notes=notes, service_id=service_id)
        operation = Operation(
            Kind.START,
            asked,
            item.label,
            self._on.now(),
            item_typed=item.label if item.id or item.pending else None,
            service_typed=service_typed,
            timer=True,
        )
        if self.kept_here() or self.ending():  # the server allows one timer, and the old one has not ended there
            self.seen = self._start_here(operation)
        else:
            self.seen = self._started(self._on.outbox.deliver_one(operation))
        return self.seen

    def _started(self, settled: results.Result) -> Running:
        """The new timer: on the server's clock; on this computer if it certainly was not sent; otherwise in doubt."""
        if settled.entry and settled.operation.entry_id:
            if other := other_start(settled.operation, settled.entry.started_at, self._on.zone):
                self._on.warn(f"For now the timer runs {other}: alga stop corrects it.")
            return of_entry(self._on.cache, settled.entry, settled.operation)
        if settled.operation.state is State.QUEUED and settled.operation.sent_at is None:
            return of_operation(self._on.journal.put(transitions.kept_here(settled.operation)))
        return of_operation(settled.operation)

    def _start_here(self, operation: Operation) -> Running:
        asked = operation.asked
        if asked.service_id is None and operation.service_typed is None and self._on.cache.deployed:
            raise NeedsService("AlgaPSA needs a service for every entry. Nothing was started.", CHOOSE_SERVICE)
        there = None
        with suppress(Unreachable):
            there = self.there()
        if there:
            raise AlreadyRunning("A timer is already running.", "To see it: alga status")
        sender.say_if_wrong(self._on)
        return of_operation(self._on.journal.add([transitions.kept_here(operation)])[0])

    def _check_start(self, at: datetime, now: datetime) -> None:
        if cut(at) > now:
            zone = self._on.zone
            day = format_day(local_date(at, zone), local_date(now, zone))
            raise Refused(
                f"{format_time(at, zone)} on {day} is in the future. Nothing was started.",
                "Did it start yesterday? Use --at 'yesterday 17:30'",
            )
        try:
            self.clash().check(cut(at), now, running=False)  # start asks about a running timer itself
        except Unreachable:
            return  # checked again at stop
        except Overlaps as error:
            told = f"{error.message} Nothing was started."
            raise Overlaps(told, "To record the earlier time: alga log WORK_ITEM --from TIME --to TIME") from None

    def switch(
        self,
        old: Running,
        item: WorkItem,
        service: tuple[str | None, str | None],
        notes: str | None,
        at: datetime | None,
        ended: datetime | None = None,
    ) -> tuple[Stopped, Running]:
        """Stop a timer and start another at the same minute, or now if the old one `ended` before.

        A stop that waits here does not delay the start.
        """
        moment = cut(at or self._on.now())
        stopped = self.stop(old, EntryRequest(ended_at=ended or (moment if at or old.kept else None)))
        begun = stopped.entry.ended_at if stopped.entry and not ended else None
        try:
            return stopped, self._begin(item, service, notes, None if ended else begun or moment)
        except AlgaError as error:
            raise error.adding(f"{old.work_item.label} is stopped; {item.label} was not started.") from None

    # --- stop ---

    def stop(self, running: Running, asked: EntryRequest, service_typed: str | None = None) -> Stopped:
        """Stop a timer, at `asked.ended_at` or now, with the requested notes, service and billable minutes.

        Raises Refused for an end before the start or more than 15 minutes ahead, Overlaps before anything is sent.
        """
        end = self._checked_end(running, asked)
        if self._on.profile.is_local and minutes_between(running.started_at, end) < 1:
            self._cancelled(running)
            self.seen = None
            return Stopped(running, asked)
        stopping = transitions.stopped(self._known(running), asked, end, self._on.now(), service_typed)
        journal = self._on.journal
        if stopping.id:  # a timer belongs to the act that stops it
            stopping = stopping._replace(act=journal.act, typed=journal.typed)
        if stopping.state is State.DROPPED:
            journal.put(stopping)
            self.seen = None
            return Stopped(running, asked)
        try:
            settled = self._on.outbox.go_on(stopping) if stopping.id else self._on.outbox.deliver_one(stopping)
        except NoSession:
            raise
        except (Refused, Forbidden, NotFound) as error:
            raise error.adding("The timer is still running.") from None
        if running.kept and running.operation and isinstance(settled.error, Overlaps):  # the server refused
            self._on.journal.put(running.operation._replace(version=settled.operation.version))  # it: it still runs
            raise self._overlapping(running, settled.error)
        self.seen = None
        shown = transitions.as_entry(settled.operation) if running.kept else asked
        if settled.operation.state is State.DONE:
            return Stopped(running, shown, settled.entry)
        return Stopped(running, shown, None, settled.operation, settled.error)

    def _checked_end(self, running: Running, asked: EntryRequest) -> datetime:
        """The timer's end. Raises Refused or Overlaps, before anything is written to disk."""
        now = self._now_there(running)
        end = cut(asked.ended_at or now)
        worked = max(0, minutes_between(running.started_at, end))
        try:
            check_times(running.started_at, end, now, self._on.zone, least=0, past_midnight="")
            check_billable(asked.billable_minutes, worked)
            with suppress(Unreachable):  # checked again before it is sent
                sender.check_whole(self._on, asked.billable_minutes, worked, own=True, stopping=True)
        except Refused as error:
            raise error.adding("The timer is still running.") from None
        self._check_stop(running, end)
        return end

    def _now_there(self, running: Running) -> datetime:
        """Now, by the clock of this timer: a server's clock may be ahead of or behind this computer's."""
        ahead = None if running.kept or self._on.profile.is_local else self._on.client.ahead
        return self._on.now() + timedelta(seconds=ahead or 0.0)

    def _known(self, running: Running) -> Operation:
        """The operation of a timer in the journal; for a timer started elsewhere, a new operation."""
        if running.operation:
            return running.operation
        assert running.entry
        return Operation(
            Kind.START,
            EntryRequest(),
            running.work_item.label,
            self._on.now(),
            State.RUNNING,
            running.entry.session_id or running.entry.id,
            running.entry,
            timer=True,
        )

    def _check_stop(self, running: Running, end: datetime) -> None:
        """Raise Overlaps. With a timer on both clocks, ours is stopped first, so the server's timer does not count."""
        try:
            start = min(running.started_at, running.operation.started_at if running.operation else running.started_at)
            if running.kept and self._on.cache.deployed:  # the server refuses overlaps when it creates the entry
                self.clash().check_here(start, end, ignoring=running.key, running=False)
            else:
                self.clash().check(start, end, ignoring=running.key, running=running.entry is not None)
        except (Unreachable, AuthError, Forbidden, NotFound):
            return  # the end is kept anyway
        except Overlaps as error:
            raise self._overlapping(running, error) from None

    def _overlapping(self, running: Running, error: Overlaps) -> Overlaps:
        later = f"start later with alga edit {running.entry.id[:8]} --from TIME, " if running.entry else ""
        ways = f"Stop earlier with alga stop --at, {later}or discard it with alga cancel and log the rest."
        return Overlaps(f"{error.message} The timer is still running.", f"{ways} {error.hint}")

    # --- cancel ---

    def cancel(self, running: Running) -> results.Result:
        """Discard a timer. On the server's clock this deletes the entry, which technicians may not do (Forbidden)."""
        settled = self._cancelled(running)
        self.seen = None
        return settled

    def _cancelled(self, running: Running) -> results.Result:
        if running.kept and running.operation:
            return results.Result(self._on.journal.put(transitions.dropped(running.operation)))
        now = self.there()  # it may have been stopped during the question
        known = self.known()
        if known and known.kept and known.operation:  # a start in doubt that did not reach the server
            return results.Result(self._on.journal.put(transitions.dropped(known.operation)))
        if now is None or now.entry is None or (running.id and now.id != running.id):
            raise self._elsewhere(running, NoSession("That timer is no longer running."))
        deleting = Operation(Kind.DELETE, EntryRequest(), now.work_item.label, self._on.now(), entry_id=now.entry.id)
        settled = self._on.outbox.deliver_one(deleting._replace(before=now.entry))
        if now.operation:
            gone = settled.operation.state is State.DONE  # then it recorded nothing
            self._on.journal.put(transitions.dropped(now.operation) if gone else transitions.done(now.operation, None))
        return settled

    def _elsewhere(self, running: Running, error: NoSession) -> AlgaError:
        try:
            entry = self._on.client.get_entry(running.id) if running.id else None
        except NotFound:
            return error
        if entry is None:
            return error
        shown = format_interval(entry.started_at, entry.ended_at, self._on.zone)
        return NoSession(f"That timer was stopped elsewhere: {shown} ({entry.id[:8]}).", f"alga show {entry.id[:8]}")
