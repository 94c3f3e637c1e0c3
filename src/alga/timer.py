"""The running timer: on the server's clock, or kept here where a server leaves timers off the time sheet."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alga import entries, kept, workitems
from alga.errors import (
    AlgaError,
    AlreadyRunning,
    AuthError,
    Forbidden,
    NeverSent,
    NoSession,
    NotFound,
    Overlaps,
    Refused,
    UnknownOutcome,
    Unreachable,
)
from alga.kept import Parts
from alga.learnt import DEPLOYED
from alga.times import AHEAD, cut, format_day, format_interval, format_time, local_date, minutes_between, to_wire
from alga.truth import Asked, differences
from alga.workitems import WorkItem

if TYPE_CHECKING:
    from alga.api.models import TimeEntry
    from alga.outbox.journal import Kept

SERVICES = "Choose one: -s NAME (see alga services), or a default: alga config set service NAME"
KEPT_HERE = "Clock kept here; AlgaPSA gets the entry at stop (its own timer leaves entries off the time sheet)."


@dataclass(frozen=True)
class Running:
    """A timer: `kept` when its clock is here, `entry` when it is the server's. With `ended_at` it waits to be sent."""

    work_item: WorkItem
    started_at: datetime
    notes: str | None
    service_id: str | None
    kept: "Kept | None" = None
    entry: "TimeEntry | None" = None

    @property
    def ended_at(self) -> datetime | None:
        """When it was stopped, if it was."""
        return self.kept.ended_at if self.kept else None

    def published(self, now: datetime) -> dict[str, Any]:
        """The session as JSON shows it: `id` is null while there is no entry on a server; elapsed in whole minutes."""
        entry = self.entry
        return {
            "id": entry.id if entry else None,
            "session_id": (entry.session_id or entry.id) if entry else None,
            "work_item_type": self.work_item.type,
            "work_item_id": self.work_item.id,
            "user_id": entry.user_id if entry else None,
            "started_at": to_wire(self.started_at),
            "ended_at": to_wire(self.ended_at) if self.ended_at else None,
            "elapsed_minutes": max(0, minutes_between(self.started_at, self.ended_at or now)),
            "service_id": self.service_id,
            "notes": self.notes,
            "clock": "server" if entry else "here",
        }


@dataclass(frozen=True)
class Stopped:
    """What a stop made: the entry, or nothing for less than a minute on the clock kept here."""

    running: Running
    asked: Asked
    entry: "TimeEntry | None"


class Timer:
    """Start, stop and cancel, on whichever clock applies."""

    def __init__(self, parts: Parts) -> None:
        self._on = parts

    # --- what runs ---

    def kept_here(self) -> bool:
        """Whether alga keeps the clock: as the setting says, else on servers of the deployed kind (docs/design.md)."""
        profile, learnt = self._on.profile, self._on.learnt
        if profile.is_local or profile.timer == "server":
            return False
        if profile.timer == "auto" and learnt.kind is None:
            try:
                self._on.client.list_entries({"limit": "1"})  # the client tells learnt what it sees
            except NeverSent:
                return True  # a finished entry is right on either kind
        return profile.timer == "local" or learnt.kind == DEPLOYED

    def here(self) -> Running | None:
        """The timer whose clock is kept here, without asking anyone."""
        session = None if self._on.profile.is_local else self._on.journal.running()
        return self._of_kept(session) if session else None

    def waiting(self) -> list[Running]:
        """Stopped here and not known to be on the server."""
        return [] if self._on.profile.is_local else [self._of_kept(each) for each in self._on.journal.stopped()]

    def there(self) -> Running | None:
        """The session on the server's clock."""
        entry = self._on.client.active_session()
        return self._of_entry(entry) if entry else None

    def running(self) -> Running | None:
        """The timer kept here, else the server's."""
        return self.here() or self.there()

    # --- start ---

    def start(self, item: WorkItem, service_id: str | None, notes: str | None, at: datetime | None) -> Running:
        """Start now, or back-dated to `at` (UTC). Raises AlreadyRunning, Overlaps, or what the server refuses."""
        now = self._on.now()
        if at:
            self._check_start(at, now)
        return self._begin(item, service_id, notes, at)

    def switch(
        self, old: Running, item: WorkItem, service_id: str | None, notes: str | None, at: datetime | None
    ) -> "tuple[Stopped | None, Running]":
        """Stop one and start another at the same minute. A stop that is kept here does not hold up the start."""
        moment = cut(at or self._on.now())
        stopped = None
        try:
            stopped = self.stop(old, Asked(ended_at=moment if at or old.kept else None))
        except (NeverSent, UnknownOutcome) as error:
            if not old.kept:
                raise
            self._on.warn(error.message)
        ended = stopped.entry.ended_at if stopped and stopped.entry else None
        try:
            return stopped, self._begin(item, service_id, notes, ended or moment)
        except AlgaError as error:
            raise error.adding(f"{old.work_item.label} is stopped; {item.label} was not started.") from None

    def _begin(self, item: WorkItem, service_id: str | None, notes: str | None, at: datetime | None) -> Running:
        running = self._started(item, service_id, notes, at)
        self._on.learnt.last_service = service_id or self._on.learnt.last_service
        return running

    def _started(self, item: WorkItem, service_id: str | None, notes: str | None, at: datetime | None) -> Running:
        if self.kept_here():
            return self._start_here(item, service_id, notes, cut(at or self._on.now()))
        asked = Asked(item.type, item.id, notes=notes, service_id=service_id)
        entry = self._on.client.start_tracking(asked)
        self._on.learnt.own(entry.user_id, entry.user_name)
        if at and cut(at) != entry.started_at:
            entry = self._back_date(entry, cut(at))
        for sentence in differences(asked, entry, self._on.zone):
            self._on.warn(sentence)
        return self._of_entry(entry)

    def _start_here(self, item: WorkItem, service_id: str | None, notes: str | None, start: datetime) -> Running:
        self._check_service(service_id)
        try:
            there = self._on.client.active_session()
        except NeverSent:
            there = None
        if there or self._on.journal.running():
            raise AlreadyRunning("A timer is running already.", "To see it: alga status")
        return self._of_kept(self._on.journal.start((item.type, item.id), item.label, service_id, notes, start))

    def _check_service(self, service_id: str | None) -> None:
        """Where the clock is kept here, what the server would refuse at the stop is refused at the start."""
        if service_id is None and self.kept_here() and self._on.learnt.kind == DEPLOYED:
            raise Refused("AlgaPSA needs a service for every entry. Nothing was started.", SERVICES)

    def _back_date(self, entry: "TimeEntry", start: datetime) -> "TimeEntry":
        """The second step of a back-dated start: PUT the start. Refused, the timer runs from now, and that is said."""
        try:
            return self._on.client.update_entry(entry.id, Asked(started_at=start), running=True)
        except AlgaError as error:
            wanted, zone = format_time(start, self._on.zone), self._on.zone
            self._on.warn(
                f"It runs from {format_time(entry.started_at, zone)}, not {wanted}: {error.message} "
                f"After the stop: alga edit {entry.id[:8]} --from {wanted}"
            )
            return entry

    def _check_start(self, at: datetime, now: datetime) -> None:
        if cut(at) > now:
            zone = self._on.zone
            day = format_day(local_date(at, zone), local_date(now, zone))
            raise Refused(
                f"{format_time(at, zone)} on {day} has not come yet. Nothing was started.",
                "Did it start yesterday? Say so: --at 'yesterday 17:30'",
            )
        try:
            self._clash().check(cut(at), now)
        except NeverSent:
            return  # checked again at stop
        except Overlaps as error:
            raise error.adding("Nothing was started.") from None

    # --- stop ---

    def stop(self, running: Running, asked: Asked) -> Stopped:
        """Stop it, at `asked.ended_at` or now, with the notes, service and billable minutes asked for.

        Raises Refused for an end before the start or more than 15 minutes ahead, Overlaps before anything is sent.
        """
        now = self._on.now()
        end = cut(asked.ended_at or now)
        self._check_end(running, end, now)
        if running.kept:
            return self._stop_here(running, running.kept, asked, end)
        assert running.entry
        session = running.entry.session_id or running.entry.id
        self._check_clash(running, end, running.entry.id)
        try:
            entry = self._on.client.stop_tracking(session, asked)
        except NoSession as error:
            raise self._elsewhere(running.entry.id, error) from None
        return Stopped(running, asked, entry)

    def send(self, running: Running) -> Stopped:
        """Send what was stopped before and is not known to be on the server."""
        assert running.kept
        return Stopped(running, kept.as_asked(running.kept), kept.post(self._on, running.kept))

    def mend(self, running: Running, asked: Asked) -> Running:
        """Change what is to be sent of a session stopped before."""
        assert running.kept and running.kept.ended_at
        end = cut(asked.ended_at) if asked.ended_at else running.kept.ended_at
        self._check_end(running, end, self._on.now())
        return self._of_kept(kept.mark_stopped(self._on, running.kept, asked, end))

    def _stop_here(self, running: Running, session: "Kept", asked: Asked, end: datetime) -> Stopped:
        if end == session.started_at:
            self._on.journal.forget(session)
            return Stopped(running, asked, None)
        with suppress(
            Unreachable, AuthError, Forbidden
        ):  # the end is written down all the same, and the error comes again
            self._check_clash(running, end, None)
        return self.send(self._of_kept(kept.mark_stopped(self._on, session, asked, end)))

    def _elsewhere(self, entry_id: str, error: NoSession) -> AlgaError:
        try:
            entry = self._on.client.get_entry(entry_id)
        except NotFound:
            return error
        shown = format_interval(entry.started_at, entry.ended_at, self._on.zone)
        return NoSession(f"That timer was stopped elsewhere: {shown} ({entry.id[:8]}).", f"alga show {entry.id[:8]}")

    def _check_end(self, running: Running, end: datetime, now: datetime) -> None:
        zone = self._on.zone
        if end < running.started_at:
            since = format_time(running.started_at, zone)
            on = format_day(local_date(running.started_at, zone), local_date(now, zone))
            raise Refused(f"{format_time(end, zone)} is before the start, {on} {since}. The timer still runs.")
        if end > now + AHEAD:
            raise Refused(f"{format_time(end, zone)} is more than 15 minutes ahead. The timer still runs.")

    def _check_clash(self, running: Running, end: datetime, ignoring: str | None) -> None:
        try:
            self._clash().check(running.started_at, end, ignoring)
        except Overlaps as error:
            again = f"Stop earlier with alga stop --at, or discard it with alga cancel and log the rest. {error.hint}"
            raise Overlaps(f"{error.message} The timer still runs.", again) from None

    def _clash(self) -> entries.Clash:
        return entries.Clash(self._on.client, self._on.learnt, self._on.zone, self._on.now())

    # --- cancel ---

    def cancel(self, running: Running) -> None:
        """Discard it. On the server's clock that deletes the entry, which a technician may not (Forbidden)."""
        if running.kept:
            self._on.journal.forget(running.kept)
        elif running.entry:
            self._on.client.delete_entry(running.entry.id)

    # --- as one thing ---

    def _of_kept(self, session: "Kept") -> Running:
        item = WorkItem(session.work_item_type, session.work_item_id, session.label)
        return Running(item, session.started_at, session.notes, session.service_id, kept=session)

    def _of_entry(self, entry: "TimeEntry") -> Running:
        label = workitems.label(entry, self._on.learnt)
        item = WorkItem(entry.work_item_type or "ticket", entry.work_item_id or "", label)
        return Running(item, entry.started_at, entry.notes, entry.service_id, entry=entry)
