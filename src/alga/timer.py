"""Start, stop, switch and cancel: on the server's clock, or on the one kept here."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from alga import kept
from alga.clash import Clash, Taken
from alga.errors import (
    AlgaError,
    AlreadyRunning,
    AuthError,
    Forbidden,
    Interrupted,
    NoSession,
    NotFound,
    Overlaps,
    Refused,
    UnknownOutcome,
    Unreachable,
)
from alga.kept import Parts
from alga.learnt import DEPLOYED
from alga.running import Running, Stopped, check_billable, check_end, of_entry, of_kept
from alga.times import cut, format_day, format_interval, format_time, local_date
from alga.truth import NON_BILLABLE, Asked, differences
from alga.workitems import WorkItem

if TYPE_CHECKING:
    from alga.api.models import TimeEntry
    from alga.outbox.journal import Kept

SERVICES = "Choose one: -s NAME (see alga services), or a default: alga config set service NAME"
KEPT_HERE = "Clock kept here; AlgaPSA gets the entry at stop (its own timer leaves entries off the time sheet)."


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
            except Unreachable:
                return True  # a finished entry is right on either kind
        return profile.timer == "local" or learnt.kind == DEPLOYED

    def here(self) -> Running | None:
        """The timer whose clock is kept here, without asking anyone."""
        session = None if self._on.profile.is_local else self._on.journal.running()
        return of_kept(session) if session else None

    def waiting(self) -> list[Running]:
        """Stopped here and not known to be on the server."""
        return [] if self._on.profile.is_local else [of_kept(each) for each in self._on.journal.stopped()]

    def there(self) -> Running | None:
        """The session on the server's clock."""
        entry = self._on.client.active_session()
        return of_entry(self._on.learnt, entry) if entry else None

    def running(self) -> Running | None:
        """The timer kept here, else the server's."""
        return self.here() or self.there()

    def clash(self) -> Clash:
        """The check for overlaps, with the sessions kept here, of which the server knows nothing."""
        return Clash(self._on.client, self._on.learnt, self._on.zone, self._on.now(), self.taken())

    def taken(self) -> list[Taken]:
        """The time of the sessions kept here."""
        here = [each for each in (self.here(), *self.waiting()) if each]
        return [Taken(each.started_at, each.ended_at, each.work_item.label, each.key, sent=False) for each in here]

    def unsent(self) -> list[str]:
        """A sentence for each stop that waits here, and for what waits for another key."""
        return [] if self._on.profile.is_local else kept.unsent(self._on)

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
        except Interrupted:
            raise
        except AlgaError as error:
            if old.key not in {each.key for each in self.waiting()}:
                raise
            self._on.warn(f"{old.work_item.label}: {error.message}")
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
        return of_entry(self._on.learnt, entry)

    def _start_here(self, item: WorkItem, service_id: str | None, notes: str | None, start: datetime) -> Running:
        if service_id is None and self._on.learnt.kind == DEPLOYED:  # what it would refuse at the stop
            raise Refused("AlgaPSA needs a service for every entry. Nothing was started.", SERVICES)
        there = None
        with suppress(Unreachable):
            there = self._on.client.active_session()
        if there or self._on.journal.running():
            raise AlreadyRunning("A timer is running already.", "To see it: alga status")
        return of_kept(self._on.journal.start((item.type, item.id), item.label, service_id, notes, start))

    def _back_date(self, entry: "TimeEntry", start: datetime) -> "TimeEntry":
        """The second step of a back-dated start: PUT the start. Where that fails the timer runs all the same."""
        zone = self._on.zone
        wanted, now = format_time(start, zone), format_time(entry.started_at, zone)
        asked = Asked(started_at=start)
        try:
            changed = self._on.client.update_entry(entry.id, asked, running=True)
        except UnknownOutcome:
            self._on.warn(f"It is not known whether it runs from {wanted} or {now}. To see: alga status")
            return entry
        except (Refused, Forbidden, NotFound, Unreachable) as error:
            typed = f"--from '{start.astimezone(zone):%Y-%m-%d} {wanted}'"
            told = f"It runs from {now}, not {wanted}: {error.message}"
            self._on.warn(f"{told} After the stop: alga edit {entry.id[:8]} {typed}")
            return entry
        for sentence in differences(asked, changed, zone):
            self._on.warn(sentence)
        return changed

    def _check_start(self, at: datetime, now: datetime) -> None:
        if cut(at) > now:
            zone = self._on.zone
            day = format_day(local_date(at, zone), local_date(now, zone))
            raise Refused(
                f"{format_time(at, zone)} on {day} has not come yet. Nothing was started.",
                "Did it start yesterday? Say so: --at 'yesterday 17:30'",
            )
        try:
            self.clash().check(cut(at), now, running=False)  # one that runs is asked about in its own words
        except Unreachable:
            return  # checked again at stop
        except Overlaps as error:
            told = f"{error.message} Nothing was started."
            raise Overlaps(told, "To record what came before: alga log WORK_ITEM --from TIME --to TIME") from None

    # --- stop ---

    def stop(self, running: Running, asked: Asked) -> Stopped:
        """Stop it, at `asked.ended_at` or now, with the notes, service and billable minutes asked for.

        Raises Refused for an end before the start or more than 15 minutes ahead, Overlaps before anything is sent.
        """
        end = cut(asked.ended_at or self._on.now())
        if running.kept or asked.ended_at:  # a server that stops by its own clock knows better than this one
            check_end(running, end, self._on.now(), self._on.zone)
        check_billable(running, asked, end)
        if running.kept:
            return self._stop_here(running, running.kept, asked, end)
        assert running.entry
        if overlap := self._overlap(running, end):
            raise overlap
        if asked.billable_minutes is None and running.work_item.type == NON_BILLABLE:
            asked = replace(asked, billable_minutes=0)
        try:
            entry = self._on.client.stop_tracking(running.entry.session_id or running.entry.id, asked)
        except NoSession as error:
            raise self._elsewhere(running.entry.id, error) from None
        return Stopped(running, asked, entry)

    def send(self, running: Running) -> Stopped:
        """Send what was stopped before and is not known to be on the server."""
        session = running.kept
        assert session
        asked = kept.as_asked(session)
        if session.ended_at == session.started_at:
            self._on.journal.forget(session)
            return Stopped(running, asked, None)
        return Stopped(running, asked, kept.post(self._on, session))

    def mend(self, running: Running, asked: Asked) -> Running:
        """Change what is to be sent of a session stopped before; it never gets longer than it was.

        Raises Refused when it turns out to be on the server already.
        """
        session = running.kept
        assert session and session.ended_at
        if asked == Asked():
            return running
        self._on_server(session, "To change it: alga edit")
        end = cut(asked.ended_at or session.ended_at)
        if not session.started_at < end <= session.ended_at:
            zone = self._on.zone
            told = f"It was stopped at {kept.on_day(self._on, session.ended_at)}{format_time(session.ended_at, zone)}"
            raise Refused(
                f"{told}: {format_time(end, zone)} is not within that.", "alga stop sends it; alga cancel discards it."
            )
        check_billable(running, asked, end)
        return of_kept(kept.mark_stopped(self._on, session, asked, end))

    def hold(self, running: Running, asked: Asked, error: AlgaError) -> AlgaError:
        """Write the end down when what should go with it cannot be looked up; the error to raise."""
        if not running.kept or running.ended_at or not asked.ended_at:
            return error.adding("The timer still runs.") if not running.ended_at else error
        end = cut(asked.ended_at)
        check_end(running, end, self._on.now(), self._on.zone)
        stopped = kept.mark_stopped(self._on, running.kept, asked, end)
        return kept.keeping(self._on, error, stopped, "alga stop, with what else you want to say of it, sends it.")

    def _on_server(self, session: "Kept", then: str) -> None:
        """Raise Refused when an earlier sending of a stop turns out to have arrived."""
        if session.sent and (entry := kept.already_there(self._on, session)):
            self._on.journal.forget(session)
            shown = format_interval(entry.started_at, entry.ended_at, self._on.zone)
            raise Refused(f"It is recorded already: {shown} ({entry.id[:8]}).", f"{then} {entry.id[:8]}")

    def _stop_here(self, running: Running, session: "Kept", asked: Asked, end: datetime) -> Stopped:
        overlap = None
        with suppress(Unreachable, AuthError, Forbidden, Refused, NotFound):
            overlap = self._overlap(running, end)
        if overlap:
            raise overlap
        # Where that could not be looked up, the end is written down all the same: the error comes again at the sending.
        return self.send(of_kept(kept.mark_stopped(self._on, session, asked, end)))

    def _elsewhere(self, entry_id: str, error: NoSession) -> AlgaError:
        try:
            entry = self._on.client.get_entry(entry_id)
        except NotFound:
            return error
        shown = format_interval(entry.started_at, entry.ended_at, self._on.zone)
        return NoSession(f"That timer was stopped elsewhere: {shown} ({entry.id[:8]}).", f"alga show {entry.id[:8]}")

    def _overlap(self, running: Running, end: datetime) -> Overlaps | None:
        """What the interval would overlap. With both clocks ours is ended first, so the server's does not count."""
        try:
            self.clash().check(running.started_at, end, ignoring=running.key, running=running.kept is None)
        except Overlaps as error:
            later = f"start later with alga edit {running.key[:8]} --from TIME, " if running.entry else ""
            ways = f"Stop earlier with alga stop --at, {later}or discard it with alga cancel and log the rest."
            again = f"{ways} {error.hint}"
            return Overlaps(f"{error.message} The timer still runs.", again)
        return None

    # --- cancel ---

    def cancel(self, running: Running) -> None:
        """Discard it. On the server's clock that deletes the entry, which a technician may not (Forbidden)."""
        if running.kept:
            with self._on.journal.alone(running.kept) as session:
                try:
                    self._on_server(session, "To remove it: alga delete")
                except (Unreachable, AuthError) as error:
                    raise error.adding("It may be on the server, so it is still kept here.") from None
                self._on.journal.forget(session)
        elif running.entry:
            now = self.there()  # it may have been stopped while the question stood
            if now is None or now.key != running.key:
                raise self._elsewhere(running.entry.id, NoSession("That timer is not running any more."))
            self._on.client.delete_entry(running.entry.id)
