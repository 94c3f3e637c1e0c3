"""alga fill: ask for each free stretch of a day which work it was, and record the replies at once."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from alga.app import calendar, proposals
from alga.app.proposals import Kept, Proposal
from alga.app.session import Session
from alga.commands.day import Work, work_of
from alga.commands.log import several
from alga.core import grammar
from alga.core import reply as replies
from alga.core.day import of_day
from alga.core.entry import EntryRequest
from alga.core.errors import AlgaError, Interrupted, UsageError
from alga.core.intervals import gaps
from alga.core.reply import Free
from alga.core.times import (
    counted,
    cut,
    day_start,
    format_day,
    format_interval,
    format_minutes,
    is_digits,
    local_date,
    minutes_between,
    to_wire,
)
from alga.core.worktime import worth_asking
from alga.lookup import work_items
from alga.lookup.work_items import WorkItem
from alga.outbox.operation import Kind, Operation
from alga.ui import columns, messages
from alga.ui.choices import Asked, item_or_none, spelled_out
from alga.ui.command import command
from alga.ui.options import Common
from alga.ui.output import Output, ask, confirm, interactive

SKIP, END = "-", "q"
ASKED = "Which work, and when, if not all of that time (- skips, q ends)?"
Day = Annotated[str, typer.Argument(metavar="[DATE]", help="The day to fill: yesterday, 2026-06-02; by default today.")]
Week = Annotated[bool, typer.Option("--week", help="Every day of this week so far.")]
Calendar = Annotated[
    str | None, typer.Option("--from-calendar", metavar="FILE", help="Propose the events of a calendar file (.ics).")
]


class Question(NamedTuple):
    """A free stretch of a day, with what it may have been."""

    free: Free
    proposals: list[Proposal]


@command
def fill(session: Session, common: Common, day: Day = "today", week: Week = False, ics: Calendar = None) -> Output:
    """Ask which work the free stretches of a day were, and record it."""
    now, zone = session.now(), session.zone
    today = local_date(now, zone)
    first = last = grammar.parse_date(day, today, alone=True)
    if week:
        first, last = today - timedelta(days=today.weekday()), today
    work = work_of(session, first, last, current=True)
    stretches = [
        free for n in range((last - first).days + 1) for free in _free(session, first + timedelta(days=n), work)
    ]
    propose = _Proposing(session, work, first, last, ics)
    if common.chosen().machine:
        return Output([_published(propose.of(free)) for free in stretches], "")
    if not stretches:
        return Output([], _nothing_free(session, first, last))
    if not interactive():
        raise UsageError("There is no terminal to ask in.", "To see what is free: alga fill --json")
    path = session.paths.state_dir / f"fill-{session.journal.whose}.json"
    others = [each for each in proposals.load(path) if not _fits(each, stretches)]
    kept = _again(session, path, stretches)
    waiting = [left for free in stretches for left in _left(free, kept, session)]
    while waiting:
        question = propose.of(waiting.pop(0))
        replied, goes_on = _replied(session, question, propose)
        waiting = waiting if goes_on else []
        if replied:
            kept.append(replied)
            proposals.keep(path, [*others, *kept])
            waiting[:0] = _left(question.free, [replied], session) if goes_on else []
    if not kept:
        return Output([], "Nothing was recorded.")
    kept.sort(key=lambda each: each.started_at)
    if not confirm(_question(kept), True, "", columns.kept_table(kept, messages.view(session))):
        proposals.keep(path, others)
        return Output([], "Nothing was recorded.")
    output = several(session, _operations(session, kept), None)
    failed = [each for each, row in zip(kept, output.data, strict=True) if row["delivery"] is None]
    proposals.keep(path, [*others, *failed])  # they are offered again
    return output


def _free(session: Session, day: date, work: Work) -> list[Free]:
    """The free stretches of a day up to now: of the working hours, or without these between its entries."""
    now, zone, work_time = cut(session.now()), session.zone, session.profile.work_time
    if work_time.hours:
        return [Free(*each) for each in work_time.free(day, work.stretches, zone, now)]
    sheet = of_day(day, work.stretches, zone, now, work_time, False)
    ends = [each.ended_at or now for each in sheet.stretches]
    tail = [(max(ends), now)] if ends and max(ends) < now and day == local_date(now, zone) else []
    return [Free(*each) for each in worth_asking([*sheet.gaps, *tail])]


def _nothing_free(session: Session, first: date, last: date) -> str:
    day = format_day(first, local_date(session.now(), session.zone))
    told = f"Nothing is free {'this week so far' if first != last else f'on {day}'}."
    hint = 'alga config set hours "8:00-12:00 13:00-17:00"'
    return told if session.profile.hours else f"{told} To fill your working hours, set them: {hint}"


class _Proposing:
    """What free stretches may have been; servers and calendars are asked once, when the first is proposed."""

    def __init__(self, session: Session, work: Work, first: date, last: date, ics: str | None) -> None:
        self._session, self._work, self._first, self._last = session, work, first, last
        self._ics, self._known = ics, list[Proposal]()
        self._events: list[proposals.Event] | None = None
        self.shown: list[str] = []  # the lines of the proposals that were shown last

    def of(self, free: Free) -> Question:
        """A stretch with its proposals."""
        session = self._session
        if self._events is None:
            self._events = self._read()
            self._known = list(self._likely())
        found = proposals.proposed(
            free, self._work.recorded, self._known, self._events, session.cache, session.zone, session.now()
        )
        return Question(free, found)

    def _read(self) -> list[proposals.Event]:
        if self._ics is None:
            return []
        zone = self._session.zone
        begin, end = day_start(self._first, zone), day_start(self._last + timedelta(days=1), zone)
        return calendar.events(Path(self._ics), begin, end, zone)

    def _likely(self) -> Iterator[Proposal]:
        """Aliases, assigned work, then what was recorded lately."""
        client, cache = self._session.client, self._session.cache
        for name, alias in self._session.profile.aliases.items():
            if alias.work_item and (known := work_items.here(alias.work_item, alias.type, cache)):
                yield Proposal(known, alias.notes or "", f"your alias {name}", alias.notes, None, alias.service)
        with work_items.comfort():
            for each in work_items.assigned(client, cache):
                title = each.title if each.title != each.item.label else each.project_name
                yield Proposal(each.item, title or "", "assigned to you")
        for entry in reversed(self._work.recorded):
            if entry.work_item_id:
                item = WorkItem(entry.work_item_type or "ticket", entry.work_item_id, work_items.label(entry, cache))
                title = work_items.title(item.id, cache) or entry.notes or ""
                yield Proposal(item, title, "worked on lately")


def _again(session: Session, path: Path, stretches: list[Free]) -> list[Kept]:
    """The replies of a fill that was interrupted, as far as their time is still free, if the person wants them."""
    kept = [each for each in proposals.load(path) if _fits(each, stretches)]
    if not kept:
        return []
    table = columns.kept_table(kept, messages.view(session))
    return kept if confirm("These replies are not recorded yet. Go on with them?", True, "", table) else []


def _fits(reply: Kept, stretches: list[Free]) -> bool:
    """Whether the time of a reply is still free."""
    return any(free.started_at <= reply.started_at and reply.ended_at <= free.ended_at for free in stretches)


def _left(free: Free, kept: list[Kept], session: Session) -> list[Free]:
    """The parts of a stretch without a reply yet."""
    return [Free(*each) for each in worth_asking(gaps(*free, kept, session.now()))]


def _replied(session: Session, stretch: Question, propose: _Proposing) -> tuple[Kept | None, bool]:
    """The reply to a question, asked until it can be read; None to skip it. And whether the person goes on."""
    now, zone = session.now(), session.zone
    day = format_day(local_date(stretch.free.started_at, zone), local_date(now, zone))
    length = format_minutes(minutes_between(*stretch.free))
    lines = [_line(number, each, session) for number, each in enumerate(stretch.proposals, 1)]
    shown = ["", f"{day} {format_interval(*stretch.free, zone)} ({length}) is free."]
    shown += ["  The proposals are the same."] if lines and lines == propose.shown else lines
    propose.shown = lines
    while True:
        typed = ask(ASKED, shown)
        if typed in (END, SKIP, ""):
            return None, typed != END
        try:
            return _kept(session, stretch, typed)
        except Interrupted:
            raise
        except AlgaError as fault:
            shown = [f"{fault.message} {fault.hint}".strip()]


def _line(number: int, proposal: Proposal, session: Session) -> str:
    when = f"{format_interval(*proposal.span, session.zone)} " if proposal.span else ""
    return f"{number:3}  {proposal.item.label}  {proposal.title}  ({when}{proposal.why})"


def _kept(session: Session, stretch: Question, typed: str) -> tuple[Kept, bool]:
    """A typed reply with its notes, and whether the person goes on. Raises AlgaError for a reply that says no work."""
    now, zone, hours = session.now(), session.zone, session.profile.work_time.hours
    reply = replies.parse_reply(typed, stretch.free, now, zone, hours)
    typed_as = spelled_out(session, Asked(reply.typed, None, None, None))
    chosen = None
    if is_digits(reply.typed) and len(reply.typed) <= 2:
        if not 1 <= int(reply.typed) <= len(stretch.proposals):
            raise UsageError(f"There is no {reply.typed} in that list.")
        chosen = stretch.proposals[int(reply.typed) - 1]
        if chosen.span and reply[1:] == stretch.free:
            reply = reply._replace(started_at=chosen.span.started_at, ended_at=chosen.span.ended_at)
    item = chosen.item if chosen else item_or_none(session, typed_as, exact=False)
    proposed = chosen.notes if chosen else typed_as.notes
    said = ask(f"Notes [{proposed}] (- for none):" if proposed else "Notes:")
    notes = {SKIP: "", END: proposed}.get(said, said or proposed)
    EntryRequest(notes=notes)  # refuses invalid characters while they can be typed again
    service = chosen.service if chosen else typed_as.service
    return Kept(item, reply.started_at, reply.ended_at, notes or None, service), said != END


def _question(kept: list[Kept]) -> str:
    total = format_minutes(sum(minutes_between(each.started_at, each.ended_at) for each in kept))
    return f"Record {counted(len(kept), 'entry')} ({total})?"


def _operations(session: Session, kept: list[Kept]) -> list[Operation]:
    return [
        Operation(
            Kind.CREATE,
            EntryRequest(each.item.type, each.item.id or None, each.started_at, each.ended_at, notes=each.notes),
            each.item.label,
            session.now(),
            item_typed=each.item.label if each.item.id or each.item.pending else None,
            service_typed=each.service,
        )
        for each in kept
    ]


def _published(stretch: Question) -> dict[str, Any]:
    return {
        "from": to_wire(stretch.free.started_at),
        "to": to_wire(stretch.free.ended_at),
        "minutes": minutes_between(*stretch.free),
        "proposals": [
            {
                "work_item_type": each.item.type,
                "work_item_id": each.item.id or None,
                "work_item_label": each.item.label,
                "title": each.title or None,
                "notes": each.notes,
                "from": to_wire(each.span.started_at) if each.span else None,
                "to": to_wire(each.span.ended_at) if each.span else None,
                "why": each.why,
            }
            for each in stretch.proposals
        ],
    }
