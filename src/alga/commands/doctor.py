"""alga doctor: check the setup: files, server, key, clock, role, time zone, time sheets, unsent time."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache as remember
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alga.app.session import Session
from alga.core.errors import AlgaError, ConfigError
from alga.core.files import open_to_others
from alga.core.times import counted, local_date
from alga.delivery.sender import clock_fault
from alga.lookup import entries, work_items
from alga.outbox.describe import mentions
from alga.state.cache import DEPLOYED, PUBLISHED, ServerCache
from alga.state.config import LOOPBACK
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.output import Output

if TYPE_CHECKING:
    from alga.core.entry import Entry

OK, WARNING, FAULT = "ok", "warning", "fault"
SHEETLESS = timedelta(days=30)
FAULTY = 1  # the exit code


@dataclass(frozen=True)
class Finding:
    """The result of one check, and what to type if something is wrong."""

    check: str
    state: str
    found: str
    hint: str = ""


@command
def doctor(session: Session) -> Output:
    """Check the setup: files, server, key, clock, role, time zone."""
    found = [*_of_files(session), *_of_server(session), *_of_path(session)]
    anywhere = messages.View(
        session.zone, session.now(), ServerCache(session.paths.state_dir)
    )  # a damaged config has no login
    hinted = [line for each in found for line in (each, Finding("", "", each.hint)) if line.found]
    data = [{"check": f.check, "state": f.state, "found": f.found, "hint": f.hint or None} for f in found]
    code = FAULTY if any(each.state == FAULT for each in found) else 0
    return Output(data, columns.listing("", columns.FINDINGS, hinted, anywhere, ""), code)


# --- files ----------------------------------------------------------------------------------------


def _of_files(session: Session) -> Iterator[Finding]:
    paths = session.paths
    if not paths.config.exists():
        yield Finding("config", OK, f"no config file yet ({paths.config})")
    elif readable := [each for each in (paths.config_dir, paths.config) if open_to_others(each)]:
        modes = " ".join(f"chmod {'700' if each.is_dir() else '600'} {quote(str(each))};" for each in readable)
        yield Finding("config", FAULT, f"other users of this computer can read {readable[-1]}", modes.rstrip(";"))
    else:
        yield Finding("config", OK, f"{paths.config}, only you can read it")
    for place in (paths.state_dir, paths.data_dir):
        there = next(each for each in (place, *place.parents) if each.exists())
        if not os.access(there, os.W_OK):
            yield Finding(
                "files", FAULT, f"{there} cannot be written, so no timer can be kept", f"ls -ld {quote(str(there))}"
            )


def _of_path(session: Session) -> Iterator[Finding]:
    """AlgaPSA's extension SDK installs a program of the same name."""
    places = session.environment.env.get("PATH", os.environ.get("PATH", "")).split(os.pathsep)
    every = [Path(place) / "alga" for place in places if place]
    programs = list(dict.fromkeys(each.resolve() for each in every if each.is_file() and os.access(each, os.X_OK)))
    ours = {Path(sys.argv[0]).resolve(), Path(sys.executable).parent.resolve() / "alga"}
    foreign = [each for each in programs if each not in ours]
    if foreign and programs[0] == foreign[0]:
        hint = f"Type algapsa, or put the directory of this alga before {foreign[0].parent} in PATH."
        yield Finding("program", WARNING, f"typing alga runs {foreign[0]}, another program", hint)
    elif foreign:
        yield Finding("program", OK, f"another alga exists, {foreign[0]}; this alga comes first")
    else:
        yield Finding("program", OK, "no other alga on the PATH")


# --- the server -----------------------------------------------------------------------------------


def _of_server(session: Session) -> Iterator[Finding]:
    try:
        profile = session.profile
        yield _address(session)
        session.client.list_entries({"limit": "1"})
    except AlgaError as error:
        yield Finding("login" if isinstance(error, ConfigError) else "server", FAULT, error.message, error.hint)
        return
    yield Finding("key", OK, f"accepted (profile {profile.name})")
    for check, view in CHECKS.items():
        try:
            yield view(session)
        except AlgaError as error:
            yield Finding(check, WARNING, error.message, error.hint)


def _address(session: Session) -> Finding:
    profile = session.profile
    if profile.is_local:
        return Finding("address", OK, f"practice data on this computer ({session.paths.local_db})")
    parts = urlsplit(profile.url)
    if parts.scheme == "https":
        return Finding("address", OK, f"{profile.url}, over TLS")
    if parts.hostname in LOOPBACK:
        return Finding("address", OK, f"{profile.url}, on this computer")
    return Finding("address", WARNING, f"{profile.url}: the key is sent unencrypted", "Use https")


def _clock(session: Session) -> Finding:
    ahead = session.client.shown_ahead
    if ahead is None:
        return Finding("clock", OK, "the server does not send its time")
    if fault := clock_fault(ahead):
        return Finding("clock", WARNING, f"this computer is {fault}", "Set this computer's clock.")
    return Finding("clock", OK, "agrees with the server's clock")


def _user(session: Session) -> Finding:
    if user_id := work_items.own_user(session.client, session.cache):
        return Finding("user", OK, f"{session.cache.user_name or ''} {user_id}".strip())
    told = "the server has not yet shown whose key this is: lists show everyone's entries"
    return Finding("user", WARNING, told, "The first alga log will show it.")


def _kind(session: Session) -> Finding:
    kinds = {PUBLISHED: "follows the published API", DEPLOYED: "a deployed AlgaPSA"}
    told = kinds.get(session.cache.kind or "", "not known yet: the server has shown no entry")
    return Finding("server kind", OK, told)


def _timer(session: Session) -> Finding:
    if session.timer.kept_here():
        why = "the server's own timers reach no time sheet" if session.cache.deployed else "as configured"
        return Finding("timer", OK, f"alga keeps the clock: {why}")
    return Finding("timer", OK, "the server keeps the clock")


def _role(session: Session) -> Finding:
    asked = [action for action in session.client.PROBES if action != "create" or _refuses_nothing_said(session)]
    allowed = {action: session.client.allowed(action) for action in asked}
    may = ", ".join(action for action, yes in allowed.items() if yes)
    may_not = ", ".join(action for action, yes in allowed.items() if yes is False)
    found = f"may {may or 'nothing'}" + (f"; may not {may_not}" if may_not else "")
    if allowed["read"] is not False and allowed.get("create") is not False:
        return Finding("role", OK, found)
    return Finding("role", WARNING, found, "Ask an administrator to grant timeentry:read and timeentry:create.")


def _refuses_nothing_said(session: Session) -> bool:
    """Whether the server certainly refuses an empty create; a server of the published kind might accept it."""
    return session.profile.is_local or session.cache.deployed


def _zone(session: Session) -> Finding:
    now = session.now()
    here = now.astimezone(session.zone)
    own = session.cache.user_id  # a work date is in the zone of the entry's user
    query = {"user_id": own or "", "sort": "start_time", "order": "desc", "limit": "1"}
    row = next(iter(session.client.list_entries(query).rows), None) if own else None
    name = row.work_timezone if row else None
    if not name or (there := _in_zone(now, name)) is None or there.utcoffset() == here.utcoffset():
        return Finding(
            "time zone",
            OK,
            f"this computer is on UTC{here:%z}" + (f", the server counts days in {name}" if name else ""),
        )
    told = f"the server counts days in {name}, this computer is on UTC{here:%z}: near midnight dates differ"
    return Finding("time zone", WARNING, told, "Set the time zone in your AlgaPSA profile.")


def _in_zone(now: datetime, name: str) -> datetime | None:
    try:
        return now.astimezone(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _sheets(session: Session) -> Finding:
    user_id = session.cache.user_id
    if user_id is None:
        return Finding("time sheets", OK, "not checked: the server has not shown which entries are yours")
    recent = entries.since(session.client, user_id, session.now() - SHEETLESS)
    lost = [entry for entry in recent if entry.lacks_sheet]
    wrong = _on_another_sheet(session, recent)
    told = [
        f"{counted(len(each), 'entry')} of the last 30 days {how}: {', '.join(entry.id[:8] for entry in each[:5])}"
        for each, how in (
            (lost, "on no time sheet, so not up for approval"),
            (wrong, "on the time sheet of another period"),
        )
        if each
    ]
    if not told:
        return Finding("time sheets", OK, "every entry of the last 30 days is on the time sheet of its period")
    hint = "Log the time again and delete the old entry, or ask an administrator."
    return Finding("time sheets", WARNING, "; ".join(told), hint)


def _on_another_sheet(session: Session, recent: "list[Entry]") -> "list[Entry]":
    """Entries that were moved to another period, but stayed on the old time sheet (section 4)."""
    days = remember(lambda sheet_id: entries.sheet_days(session.client, sheet_id))
    wrong = []
    for entry in recent:
        period = days(entry.time_sheet_id) if entry.time_sheet_id else None
        on = entry.counts_on or local_date(entry.started_at, session.zone)
        if period and not period[0] <= on <= period[1]:
            wrong.append(entry)
    return wrong


def _unsent(session: Session) -> Finding:
    said = mentions(session.journal, session.zone, session.now())
    if not said:
        return Finding("waiting", OK, "nothing waits to be sent")
    return Finding("waiting", WARNING, " ".join(said), "alga sync")


CHECKS = {
    "clock": _clock,
    "user": _user,
    "server kind": _kind,
    "timer": _timer,
    "role": _role,
    "time zone": _zone,
    "time sheets": _sheets,
    "waiting": _unsent,
}
