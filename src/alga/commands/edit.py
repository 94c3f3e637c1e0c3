"""alga edit: change an entry."""

import tomllib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alga.app.session import Session
from alga.core import periods
from alga.core.entry import EntryRequest, billable_follows, check_billable, check_times
from alga.core.errors import NotFound, Overlaps, Refused, Unreachable, UsageError
from alga.core.times import cut, local_date, minutes_between
from alga.delivery import sender
from alga.lookup import entries, work_items
from alga.outbox.operation import Kind, Operation
from alga.ui import editor, messages, options
from alga.ui.choices import is_last, item_or_typed, service_or_typed, the_id, wants_last
from alga.ui.command import command
from alga.ui.messages import delivered, nothing, settled_entry, told
from alga.ui.options import Billable, EntryId, From, NoBillable, Notes, On, Service, To
from alga.ui.output import Output, interactive

if TYPE_CHECKING:
    from alga.core.entry import Entry

Span = Annotated[
    str | None, typer.Argument(metavar="[SPAN]", help="The new times: 9:00-10:30 or 9:00+90m, on the entry's own day.")
]
Item = Annotated[
    str | None,
    typer.Option("--work-item", metavar="WORK_ITEM", help="The new work item."),
]
OtherType = Annotated[
    str | None,
    typer.Option("--type", metavar="TYPE", help="The new type of work item."),
]


NOTHING_SAID = "Give one of: 9:00-10:30, -m TEXT, -s SERVICE, --billable 60, --work-item, --from, --to."
WRONG = "#!"  # begins a line that says what is wrong with the text
PAST_MIDNIGHT = "Past midnight? Give the date too: --to '2026-06-03 1:00'"


@dataclass(frozen=True)
class Changes:
    """What is to change, as typed; what is None stays. Billable time in minutes."""

    span: str | None = None
    notes: str | None = None
    service: str | None = None
    work_item: str | None = None
    kind: str | None = None
    billable: int | None = None
    date: str | None = None
    first: str | None = None
    last: str | None = None


@command
def edit(
    session: Session,
    entry_id: EntryId,
    span: Span = None,
    notes: Notes = None,
    service_name: Service = None,
    work_item: Item = None,
    kind: OtherType = None,
    billable: Billable = None,
    no_billable: NoBillable = False,
    date: On = None,
    first: From = None,
    last: To = None,
) -> Output:
    """Change an entry: its times, notes, service, work item or billable minutes; without options in your editor."""
    minutes = options.billable_minutes(billable, no_billable)
    changes = Changes(span, notes, service_name, work_item, kind, minutes, date, first, last)
    if changes == Changes():
        if not interactive():
            raise UsageError("What should change?", NOTHING_SAID)
        return _in_editor(session, entry_id)
    return _carried_out(session, entry_id, changes)


def _carried_out(session: Session, entry_id: str, changes: Changes) -> Output:
    with nothing("changed"):
        before, remembered = _seen(session, entry_id)
        _check_last(session, entry_id, before)
        start, end = _times(session, before, changes.span, changes.date, changes.first, changes.last)
        typed, kind = changes.work_item, changes.kind
        item = item_or_typed(session, typed, kind or _kind(session, before, typed)) if typed else None
    with session.in_passing():
        with nothing("changed"):
            service = changes.service
            service_id, service_typed = service_or_typed(session, service, item) if service else (None, None)
        new_kind, item_id = (item.type, item.id or None) if item else (kind, None)
        said = EntryRequest(new_kind, item_id, start, end, changes.billable, changes.notes, None, service_id)
        asked = billable_follows(said, before)
        running = before.ended_at is None and end is None
        if running and asked.billable_minutes is not None:
            raise Refused(
                "The timer is still running: give the billable minutes when you stop it.", "alga stop --billable 60"
            )
        _check(session, before, asked)
        label = work_items.label(before, session.cache)
        operation = Operation(Kind.EDIT, asked, label, session.now(), entry_id=before.id, before=before)
        typed_item = item.label if item else None
        operation = operation._replace(remembered=remembered, item_typed=typed_item, service_typed=service_typed)
        return _changed(session, before, operation)


def _check_last(session: Session, typed: str, before: "Entry") -> None:
    """Show `last` and ask where another entry was recorded here after it: `last` goes by when work ended. Raises
    Refused for a no.
    """
    if not (is_last(typed) and interactive()):
        return
    recorded = next((act.operations for act in session.journal.acts()), [])
    if before.id not in [each.entry_id for each in recorded]:
        wants_last("Change it?", [messages.entry_line(f"'{typed}' is", before, messages.view(session))])


def _seen(session: Session, entry_id: str) -> "tuple[Entry, bool]":
    """The entry, and whether it is only as this computer saw it last."""
    with session.in_passing():
        return entries.as_seen(session.client, session.cache, the_id(session, entry_id), session.now())


# --- in an editor ---------------------------------------------------------------------------------


def _in_editor(session: Session, entry_id: str) -> Output:
    """Let the person edit the entry as text, again as long as something is wrong with it."""
    with nothing("changed"):
        before, _ = _seen(session, entry_id)
    made = _as_text(session, before)
    text, error = made, None
    while True:
        typed = editor.edited(text, session.environment.env, ".toml")
        if typed == made:
            return Output([], "Nothing was changed.")
        if typed == text and error:  # closed as it was: the person gives up
            raise error
        try:
            return _carried_out(session, before.id, _changes(typed, tomllib.loads(made)))
        except (UsageError, Refused, NotFound) as fault:
            error = fault
        kept = [line for line in typed.splitlines() if not line.startswith(WRONG)]
        text = "\n".join([f"{WRONG} {error.message} {error.hint}".rstrip(), *kept, ""])


def _as_text(session: Session, entry: "Entry") -> str:
    """An entry as TOML: what can be changed, with comments."""
    import tomlkit

    zone, local = session.zone, entry.started_at.astimezone(session.zone)
    end = entry.ended_at.astimezone(zone) if entry.ended_at else None
    same = end is not None and end.date() == local.date()
    document = tomlkit.document()
    document.add(tomlkit.comment(messages.entry_line("Entry", entry, messages.view(session)).replace("\n", " ")))
    document.add(tomlkit.comment("Values that you change here are changed in the entry."))
    values = {
        "date": str(local.date()),
        "from": f"{local:%H:%M}",
        "to": f"{end:%H:%M}" if end and same else f"{end:%Y-%m-%d %H:%M}" if end else "",
        "work_item": work_items.label(entry, session.cache),
        "type": entry.work_item_type or "",
        "service": entry.service_name or session.cache.services.get(entry.service_id or "") or entry.service_id or "",
        "billable": entry.billable_minutes or 0,
    }
    for name, value in values.items():
        document.add(name, tomlkit.item(value))
    document["billable"].comment("minutes")
    document.add("notes", tomlkit.string(entry.notes or "", multiline=True))
    return tomlkit.dumps(document)


def _changes(typed: str, before: dict[str, Any]) -> Changes:
    """What was changed in the text. Raises UsageError."""
    try:
        after = tomllib.loads(typed)
    except (ValueError, RecursionError) as fault:
        raise UsageError(f"This is no TOML: {fault}.") from None
    if unknown := set(after) - set(before):
        raise UsageError(f"Unknown: {', '.join(sorted(unknown))}.", f"Choose from: {', '.join(before)}")
    changed = {name: value for name, value in after.items() if value != before[name]}
    if wrong := [name for name, value in changed.items() if type(value) is not type(before[name])]:
        raise UsageError(f"{wrong[0]} must be {'a number' if wrong[0] == 'billable' else 'text in quotes'}.")
    if not changed:
        raise UsageError("The text has no other values than the entry.")
    names = {"from": "first", "to": "last", "work_item": "work_item", "type": "kind"}
    return Changes(**{names.get(name, name): value for name, value in changed.items()})


def _changed(session: Session, before: "Entry", operation: Operation) -> Output:
    with nothing("changed"):
        settled = session.outbox.deliver_one(operation)
        entry = settled_entry(session, settled)
    if entry is None:
        return Output(
            work_items.published(before, session.cache) | {"delivery": "queued"},
            messages.entry_line("To change:", before, messages.view(session)),
        )
    told(session, settled.operation.asked, entry)
    return Output(delivered(session, entry), messages.entry_line("Changed", entry, messages.view(session)))


def _times(
    session: Session, before: "Entry", span: str | None, date: str | None, first: str | None, last: str | None
) -> tuple[datetime | None, datetime | None]:
    """The new times, both or neither (of a running timer only the start); without a date on the entry's own day."""
    if not (span or date or first or last):
        return None, None
    if before.ended_at is None and (span or last):
        raise Refused(
            "The timer is still running: give the end when you stop it. Nothing was changed.", "alga stop --at 10:30"
        )
    was = before.started_at, before.ended_at
    return options.new_times(was, span, date, first, last, session.now(), session.zone)


def _kind(session: Session, before: "Entry", typed: str) -> str | None:
    """The type of the new work item: what is known here, or a number, says it; else it stays."""
    said = work_items.here(typed, None, session.cache) or work_items.NUMBER.fullmatch(typed)
    return None if said else before.work_item_type


def _check(session: Session, before: "Entry", asked: EntryRequest) -> None:
    """Refuse what the server would silently accept on a change: an end before the start, an overlap."""
    now, start, end = session.now(), asked.started_at, asked.ended_at
    worked = minutes_between(start, end) if start and end else before.duration_minutes
    with nothing("changed"):
        check_billable(asked.billable_minutes, worked)
        if start:
            check_times(start, end or cut(now), now, session.zone, past_midnight=PAST_MIDNIGHT)
    with nothing("changed"), suppress(Unreachable):  # checked again before it is sent
        sender.check_whole(session, asked.billable_minutes, worked, own=True)
    if start is None:
        return
    with suppress(Unreachable):
        _say_if_left_behind(session, before, start)
    try:
        session.timer.clash().check(start, end or cut(now), ignoring=before.id)
    except Unreachable:
        return  # checked again before it is sent
    except Overlaps as error:
        raise error.adding("Nothing was changed.") from None


def _say_if_left_behind(session: Session, before: "Entry", start: datetime) -> None:
    """Warn that an entry stays on its time sheet even if its new date lies in another period (section 4)."""
    moved = before._replace(started_at=start)
    day = moved.counts_on or local_date(start, session.zone)
    if days := entries.on_other_sheet(session.client, before, day):
        sheet = periods.days(*days, local_date(session.now(), session.zone))
        session.warn(
            f"{before.id[:8]} stays on the time sheet of {sheet}, which does not include {day}. "
            "To move it to the right time sheet: log the time again and delete this entry."
        )
