"""alga start: the clock runs."""

from datetime import datetime
from typing import Annotated

import typer

from alga import options, workitems
from alga.command import command, nothing, service
from alga.commands.stop import stopped
from alga.errors import AlreadyRunning, UsageError
from alga.options import Ago, At, Notes, Service, Type
from alga.output import Shown, ask, confirm, interactive
from alga.running import Running
from alga.session import Session
from alga.timer import KEPT_HERE
from alga.times import format_day, format_minutes, format_time, local_date, minutes_between
from alga.workitems import WorkItem

WorkItemOrChoice = Annotated[
    str | None,
    typer.Argument(
        metavar="[WORK_ITEM]", help="A ticket's number (TIC1042, 1042) or any work item's id; none: choose."
    ),
]


@command
def start(
    session: Session,
    work_item: WorkItemOrChoice = None,
    notes: Notes = None,
    service_name: Service = None,
    kind: Type = "ticket",
    at: At = None,
    ago: Ago = None,
) -> Shown:
    """Start the clock on a work item."""
    now = session.now()
    moment = options.moment(at, ago, now, session.zone)
    with nothing("started"):
        item = workitems.resolve(work_item, kind, session.client, session.learnt) if work_item else _choose(session)
        service_id = service(session, service_name)
    try:
        with nothing("started"):
            running = session.timer.start(item, service_id, notes, moment)
    except AlreadyRunning as error:
        old = session.timer.running()
        if old is None:
            raise error
        elapsed = format_minutes(max(0, minutes_between(old.started_at, now)))
        told = f"{old.work_item.label} is running ({elapsed})."
        if old.work_item.id == item.id:
            raise AlreadyRunning(f"{told} Nothing was started.", "alga stop records it") from None
        if not interactive():
            moved = f" --at '{at}'" if at else f" --ago {ago}" if ago else ""
            raise AlreadyRunning(f"{told} Nothing was started.", f"alga switch {work_item or item.id}{moved}") from None
        if not confirm(f"{told} Stop it and start {item.label}?", True, ""):
            raise AlreadyRunning("Nothing was started.") from None
        return switched(session, old, item, service_id, notes, moment)
    return started(session, running)


def started(session: Session, running: Running) -> Shown:
    """The words of a start."""
    title = workitems.title(running.work_item.id, session.learnt)
    name = running.work_item.label + (f" ({title})" if title else "")
    day, today = local_date(running.started_at, session.zone), local_date(session.now(), session.zone)
    on = "" if day == today else f"{format_day(day, today)} "
    text = f"Started {name} at {on}{format_time(running.started_at, session.zone)}"
    if running.kept:
        session.note(KEPT_HERE)
    data = running.published(session.now()) | {"delivery": "queued" if running.kept else "delivered"}
    return Shown(data, f"{text}: {running.notes}" if running.notes else text)


def switched(
    session: Session, old: Running, item: WorkItem, service_id: str | None, notes: str | None, at: datetime | None
) -> Shown:
    """Both steps, and the words of both."""
    done, running = session.timer.switch(old, item, service_id, notes, at)
    begun = started(session, running)
    if done is None:
        return Shown({"stopped": None, "started": begun.data}, begun.text)
    ended = stopped(session, done)
    return Shown({"stopped": ended.data, "started": begun.data}, f"{ended.text}\n{begun.text}")


def _choose(session: Session) -> WorkItem:
    """Recent and assigned work, to choose from in a terminal."""
    if not interactive():
        raise UsageError("Start what? There is no terminal to choose in.", "alga start WORK_ITEM")
    found = workitems.recent_and_assigned(session.client, session.learnt)
    if not found:
        raise UsageError(
            "Start what? There is no recent or assigned work.", "alga start WORK_ITEM, or alga tickets WORDS"
        )
    chosen = ask("Which?", [f"{number:3}  {item.label}  {title}" for number, (item, title) in enumerate(found, 1)])
    if not chosen.isdecimal() or not 1 <= int(chosen) <= len(found):
        raise UsageError(f"There is no '{chosen}' in that list. Nothing was started.")
    return found[int(chosen) - 1][0]
