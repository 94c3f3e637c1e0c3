"""alga start: start the clock on a work item."""

import shlex
import sys
from datetime import datetime
from typing import Annotated

import typer

from alga.app.running import Running
from alga.app.session import Session
from alga.app.timer import KEPT_HERE
from alga.commands.stop import end_of_forgotten, stopped
from alga.core.errors import AlgaError, AlreadyRunning, UsageError
from alga.core.times import cut, format_day, format_minutes, format_time, local_date
from alga.lookup import work_items
from alga.lookup.work_items import WorkItem
from alga.ui import messages, options
from alga.ui.choices import Asked, item_or_none, numbered, service_or_typed, spelled_out, with_service
from alga.ui.command import command
from alga.ui.messages import nothing
from alga.ui.options import ITEM, Ago, At, Exact, Notes, Service, Type
from alga.ui.output import Output, confirm, interactive

IN_DOUBT = "No answer: AlgaPSA's timer may be running; alga checks when it connects. alga stop works anyway."
WorkItemOrChoice = Annotated[
    str | None,
    typer.Argument(metavar="[WORK_ITEM]", help=f"{ITEM}; by default choose from a list."),
]


@command
def start(
    session: Session,
    work_item: WorkItemOrChoice = None,
    notes: Notes = None,
    service_name: Service = None,
    kind: Type = None,
    exact: Exact = False,
    at: At = None,
    ago: Ago = None,
) -> Output:
    """Start the clock on a work item."""
    moment = options.moment(at, ago, session.now(), session.zone)
    typed = spelled_out(session, Asked(work_item, kind, service_name, notes), exact)
    service_name, notes = typed.service, typed.notes
    with nothing("started"):
        item = item_or_none(session, typed, exact) if work_item else _choose(session)
    service_found: tuple[str | None, str | None] = (None, service_name)

    def begin(service: str | None) -> Running:
        nonlocal service_found
        if session.timer.here():
            raise AlreadyRunning("A timer is already running.", "To see it: alga status")
        with session.in_passing(), nothing("started"):
            service_found = service_or_typed(session, service, item)
            return session.timer.start(item, service_found, notes, moment)

    try:
        return started(session, with_service(session, begin, service_name))
    except AlreadyRunning as error:
        with session.in_passing():
            old = session.timer.running()
        if old is None:
            raise error
    if same := runs_already(session, old, item, notes, service_name, moment):
        return same
    elapsed = format_minutes(old.minutes(session.now()))
    told = f"{old.work_item.label} is running ({elapsed})."
    if not interactive():
        if moment is None:
            end_of_forgotten(session, old)
        hint = session.retyped(()).replace(" start", " switch", 1)
        raise AlreadyRunning(f"{told} Nothing was started.", hint) from None
    if not confirm(f"{told} Stop it and start {item.label}?", True, ""):
        raise AlreadyRunning("Nothing was started.") from None
    return switched(session, old, item, service_found, notes, moment)


def runs_already(
    session: Session,
    old: Running,
    item: WorkItem,
    notes: str | None,
    service: str | None,
    at: datetime | None,
    anew: str = "",
) -> Output | None:
    """The output where the work item runs already and nothing else was asked for; None where another one runs.

    Raises AlreadyRunning for other notes, another service or another start, with the command that does it: `anew`, or
    else one that changes what runs.
    """
    running = {(old.work_item.id or "").lower(), old.work_item.label.lower()}
    if item.type != old.work_item.type or (item.id or item.label).lower() not in running:
        return None
    told = f"{old.work_item.label} runs already, since {format_time(old.started_at, session.zone)}"
    if at and cut(at) != old.started_at:
        new = f"{local_date(at, session.zone)}T{format_time(at, session.zone)}"
        again = f"alga cancel -y, then {session.retyped(())}"
        hint = f"alga edit {old.entry.id[:8]} --from {new}" if old.entry else again
        raise AlreadyRunning(f"{told}. Its start was not changed.", anew or f"To change the start: {hint}")
    if notes and notes != old.notes:
        hint = f"To add these notes: alga stop -m {shlex.quote(notes)}"
        raise AlreadyRunning(f"{told}. Its notes were not changed.", anew or hint)
    if service and not _billed_so(session, old, service):
        hint = f"When you stop: alga stop -s {shlex.quote(service)}"
        raise AlreadyRunning(f"{told}. Its service was not changed.", anew or hint)
    data = old.published(session.now()) | {"delivery": "delivered" if old.entry else "queued"}
    return Output(data, f"{told}. Nothing was changed.")


def _billed_so(session: Session, old: Running, typed: str) -> bool:
    """Whether a timer is billed as the service that was typed, as far as services are known here."""
    wanted, known = typed.lower(), session.cache.services
    if wanted in ((old.service_id or "").lower(), (old.service[1] or "").lower()):
        return True
    exact = [key for key, name in known.items() if name.lower() == wanted]
    return (exact or [key for key, name in known.items() if wanted in name.lower()]) == [old.service_id]


def started(session: Session, running: Running) -> Output:
    """The output of a start."""
    view = messages.view(session)
    name = view.named(running.work_item.label, running.work_item.id)
    day, today = local_date(running.started_at, session.zone), local_date(session.now(), session.zone)
    on = "" if day == today else f"{format_day(day, today)} "
    billed_as = view.billed_as(*running.service)
    at = f"{format_time(running.started_at, session.zone)}{session.place(running.started_at)}"
    text = f"Started {name} at {on}{at}{billed_as}"
    if running.entry is None:
        session.warn(IN_DOUBT) if not running.kept else _say_kept(session)
    data = running.published(session.now()) | {"delivery": "delivered" if running.entry else "queued"}
    return Output(data, f"{text}: {running.short_notes}" if running.notes else text)


def _say_kept(session: Session) -> None:
    """Say once a profile where the clock is kept, and why."""
    if sys.stderr.isatty() and session.first("clock", session.profile.name):
        why = KEPT_HERE if session.cache.deployed else "AlgaPSA gets the entry at stop."
        session.note(f"Clock kept here ({session.environment.computer}), and nowhere else; {why}")


def switched(
    session: Session,
    old: Running,
    item: WorkItem,
    service_found: tuple[str | None, str | None],
    notes: str | None,
    at: datetime | None,
) -> Output:
    """Stop the old timer, start the new one, and return the output of both."""
    ended = None if at else end_of_forgotten(session, old)
    with session.in_passing():
        done, running = session.timer.switch(old, item, service_found, notes, at, ended)
    begun = started(session, running)
    try:
        end = stopped(session, done)
    except AlgaError as error:
        since = format_time(running.started_at, session.zone)
        raise error.adding(f"{running.work_item.label} was started at {since}.") from None
    return Output({"stopped": end.data, "started": begun.data}, f"{end.text}\n{begun.text}")


def _choose(session: Session) -> WorkItem:
    """A recent or assigned work item, chosen by the person in a terminal. Raises UsageError."""
    if not interactive():
        raise UsageError("Start what? There is no terminal to choose in.", "alga start WORK_ITEM")
    found = work_items.recent_and_assigned(session.client, session.cache)
    if not found:
        raise UsageError(
            "Start what? There is no recent or assigned work.", "alga start WORK_ITEM, or alga tickets WORDS"
        )
    return numbered(found)
