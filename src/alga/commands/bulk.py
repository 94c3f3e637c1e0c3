"""alga bulk: create, change or delete many entries at once, from files."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache as remember
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from alga.app.session import Session
from alga.bulk import plan
from alga.bulk.plan import Bulk, Change
from alga.bulk.reading import Fault, FileRow, FileRows, read
from alga.bulk.rows import LookUps, check_columns, id_of, ids_in, split, to_create
from alga.core.errors import AlgaError, NeedsService, NotFound, Refused, UsageError
from alga.core.files import read_input
from alga.core.times import counted
from alga.lookup import entries, services, work_items
from alga.lookup.entries import NOT_THERE
from alga.lookup.overlaps import Taken
from alga.outbox import describe, transitions
from alga.outbox.operation import Operation
from alga.outbox.results import Ending, Outcome, Place, Result, exit_code, outcome, summed
from alga.ui import columns, messages
from alga.ui.command import command, deliberate, still_allowed
from alga.ui.messages import to_be_sent
from alga.ui.options import DryRun, Yes
from alga.ui.output import Output, confirm, interactive, progress, read_stdin
from alga.ui.tables import Table

if TYPE_CHECKING:
    from alga.core.entry import Entry

T = TypeVar("T")
NOTHING = "Nothing was changed."
UNCHECKED = ("project_task",)  # the server checks a new entry's ticket itself (section 2)
DRY = "Nothing was sent (--dry-run)."
Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="CSV, JSON or JSON lines; - reads standard input.")]
Doomed = Annotated[
    list[str], typer.Argument(metavar="ID|FILE...", help="Ids, files with ids, or - for standard input.")
]


@command
def create(session: Session, files: Files, yes: Yes = False, dry_run: DryRun = False) -> Output:
    """Record the rows of files: date, start, end or span, item, notes, billable, service."""
    deliberate(session)
    rows = _read(files, (("item", "type"), ("start", "span")))
    bulk, known = _bulk(session), _known(session, UNCHECKED)
    drafts, faulty = split(to_create(record, known) for record in rows.records)
    waiting = plan.waiting(drafts, to_be_sent(session))  # queued by an earlier run, which this run continues
    going, there, clashing = plan.creates(bulk, drafts, waiting, _taken(session, waiting.values()))
    faults = [*rows.faults, *faulty, *clashing]
    if not (going or there or faults):
        return Output([], "No rows: nothing to do.")
    landed = [
        Outcome(
            Ending.RECORDED_ALREADY, entry.id, plan.differs(draft, entry) or None, draft.place, plan.label(bulk, draft)
        )
        for draft, entry in there
    ]
    if dry_run:
        ready = [Outcome(Ending.TO_RECORD, None, None, each.place, plan.label(bulk, each)) for each, _ in going]
        return _dry(session, [*landed, *ready], faults)
    untold = going or not there  # otherwise nothing is left to send, and each row is reported
    if untold and not _goes_on(faults, len(going), yes):
        return Output([], NOTHING)
    found = [transitions.done(waiting[draft.place], entry) for draft, entry in there if draft.place in waiting]
    session.journal.save(found)
    with progress("Recorded", len(going)) as tell:
        results = session.outbox.deliver([each for _, each in going], tell)
    recorded = [
        outcome(each, Ending.RECORDED, draft.place, plan.label(bulk, draft), _differing(session, each))
        for (draft, _), each in zip(going, results, strict=True)
    ]
    return _shown(session, [*landed, *recorded, *_faulty(faults)])


def _taken(session: Session, waiting: Iterable[Operation]) -> list[Taken]:
    """The time of operations that wait on this computer, without those that are sent now."""
    gone_on_with = {f"kept-{operation.id}" for operation in waiting}
    return [each for each in session.timer.taken() if each.id not in gone_on_with]


@command
def update(session: Session, files: Files, yes: Yes = False, dry_run: DryRun = False) -> Output:
    """Change entries from the rows of files: id, and the columns to change."""
    deliberate(session)
    rows = _read(files, (("id",),))
    bulk, known = _bulk(session), _known(session, work_items.LOOKED_UP)
    found, unknown = _entries(session, bulk, rows)
    changes, faulty = split(plan.to_change(bulk, each, known, entry) for each, entry in found)
    changes, twice = _once(changes)
    changes, overlapping = plan.check_overlaps(bulk, changes, session.timer.taken())
    faults = [*rows.faults, *unknown, *faulty, *twice, *overlapping]
    if not (changes or faults):
        return Output([], "No rows: nothing to do.")
    same = [Outcome(Ending.UNCHANGED, each.before.id, None, each.place) for each in changes if each.nothing]
    edits = plan.edits(bulk, [each for each in changes if not each.nothing])
    if dry_run:
        ready = [
            Outcome(Ending.TO_CHANGE, each.before.id, None, each.place, plan.words(each.asked)) for each, _ in edits
        ]
        return _dry(session, [*same, *ready], faults)
    if not _goes_on(faults, len(changes), yes):
        return Output([], NOTHING)
    with progress("Changed", len(edits)) as tell:
        results = session.outbox.deliver([each for _, each in edits], tell)
    changed = [
        outcome(each, Ending.CHANGED, change.place, reason=_differing(session, each))
        for (change, _), each in zip(edits, results, strict=True)
    ]
    return _shown(session, [*same, *changed, *_faulty(faults)])


@command
def delete(session: Session, named: Doomed, yes: Yes = False, dry_run: DryRun = False) -> Output:
    """Delete entries, given ids or files with ids."""
    deliberate(session)
    bulk = _bulk(session)
    typed = [entry_id for each in named for entry_id in (_ids_of(each) if _is_file(each) else [each])]
    ids = entries.full_ids(session.client, session.cache, typed, session.now())
    if not ids:
        return Output([], "No ids: nothing to do.")
    there = plan.look_up(bulk, ids)
    why = {each: plan.closed(bulk, there[each]) if each in there else NOT_THERE for each in ids}
    doomed = [there[each] for each in ids if not why[each]]
    table = replace(
        columns.entries_flat("To delete", doomed, messages.view(session)), below=_others(len(ids) - len(doomed))
    )
    if dry_run:
        table = replace(table, below=[*table.below, DRY])
        return Output([work_items.published(entry, session.cache) for entry in doomed], table)
    if doomed and not yes:
        still_allowed(session, "delete")
    if doomed and not yes and not confirm(f"Delete {counted(len(doomed), 'entry')}?", False, "Add --yes.", table):
        return Output([], NOTHING)
    with progress("Deleted", len(doomed)) as tell:
        results = session.outbox.deliver([plan.removal(bulk, each) for each in doomed], tell)
    refused = [Outcome(Ending.REFUSED, each, reason) for each, reason in why.items() if reason]
    return _shown(session, [*refused, *(outcome(each, Ending.DELETED)._replace(label="") for each in results)])


# --- what they share ------------------------------------------------------------------------------


def _bulk(session: Session) -> Bulk:
    session.timer.kept_here()  # asks what kind of server it is, if that is not known yet
    return Bulk(session.client, session.cache, session.zone, session.now())


def _known(session: Session, ids_of: Sequence[str]) -> LookUps:
    """What rows are read with; ids are looked up of the types that the server does not check."""
    client, cache = session.client, session.cache
    return LookUps(
        session.zone,
        session.now(),
        _remembered(lambda typed, kind: work_items.resolve(typed, kind, client, cache, ids_of=ids_of)),
        _remembered(lambda typed, item: _service(session, typed, item)),
        work_items.own_user(client, cache),
        cache.deployed,
    )


def _remembered(look_up: Callable[..., T]) -> Callable[..., T]:
    """Look up each value only once, also when the answer is a refusal."""

    @remember
    def answer(*typed: object) -> T | AlgaError:
        try:
            return look_up(*typed)
        except (NotFound, Refused, UsageError) as error:
            return error

    def told(*typed: object) -> T:
        found = answer(*typed)
        if isinstance(found, AlgaError):
            raise found
        return found

    return told


def _entries(session: Session, bulk: Bulk, rows: FileRows) -> "tuple[list[tuple[FileRow, Entry | None]], list[Fault]]":
    """Each row with its entry; ids that match no entry, or several, are faults."""
    finder = entries.Finder(session.client, session.cache, session.now())
    ids: dict[str, str] = {"": ""}
    faults: list[Fault] = []
    for record in rows.records:
        typed = id_of(record)
        try:
            ids[typed] = ids[typed] if typed in ids else finder.full_id(typed)
        except (NotFound, UsageError) as error:
            faults.append(Fault(record.place, "id", f"{error.message} {error.hint}".strip()))
    there = plan.look_up(bulk, list(dict.fromkeys(filter(None, ids.values()))))
    wrong = {fault.place for fault in faults}
    return [(each, there.get(ids[id_of(each)])) for each in rows.records if each.place not in wrong], faults


def _service(session: Session, typed: str | None, item: str | None) -> str | None:
    try:
        return services.chosen(typed, session.profile.service, item, session.client, session.cache)
    except NeedsService as error:
        raise Refused(error.message, "Add a column 'service', or set a default: alga config set service NAME") from None


def _read(files: Sequence[str], needed: Sequence[tuple[str, ...]]) -> FileRows:
    """The rows of all files, their columns checked."""
    every = [read(_name(file), _content(file)) for file in files]
    for rows in every:
        check_columns(rows, needed)
    records = [record for rows in every for record in rows.records]
    return FileRows(records, [fault for rows in every for fault in rows.faults], {})


def _is_file(named: str) -> bool:
    """Whether an argument is a file rather than an id: an existing path, or a name that only a file can have."""
    path = Path(named)
    return named == "-" or path.exists() or path.suffix != "" or "/" in named


def _ids_of(file: str) -> list[str]:
    return ids_in(_name(file), _content(file))


def _others(number: int) -> list[str]:
    return [f"{counted(number, 'other')} cannot be deleted: not found, approved, or somebody else's."] if number else []


def _name(file: str) -> str:
    return "standard input" if file == "-" else file


def _content(file: str) -> bytes:
    try:
        return read_stdin() if file == "-" else read_input(Path(file))
    except OSError as fault:
        raise UsageError(f"{_name(file)} cannot be read: {fault.strerror}. Nothing was sent.") from fault


def _once(changes: Sequence[Change]) -> tuple[list[Change], list[Fault]]:
    """Each entry once; a second row for an entry is a fault."""
    first: dict[str, Change] = {}
    faults = []
    for each in changes:
        before = first.setdefault(each.before.id, each)
        if before is not each:
            faults.append(Fault(each.place, "id", f"{before.place} already changes that entry."))
    return list(first.values()), faults


def _goes_on(faults: Sequence[Fault], good: int, yes: bool) -> bool:
    """Show all faults before anything is sent; with --yes, or if a person agrees, continue with the good rows."""
    if not faults or (yes and good):
        return True
    shown = [str(fault) for fault in sorted(faults, key=lambda fault: (fault.place.file, fault.place.row))]
    rows = len({fault.place for fault in faults})
    if good and interactive():
        return confirm(f"{counted(rows, 'row')} cannot be sent. Send the other {good}?", False, "", shown)
    hint = f"To send the other {good}: add --yes" if good else ""
    raise UsageError(f"{counted(rows, 'row')} cannot be sent. Nothing was sent.", hint, shown)


def _faulty(faults: Sequence[Fault]) -> list[Outcome]:
    """One outcome for each row, with all of its faults."""
    rows: dict[Place, list[str]] = {}
    for fault in faults:
        rows.setdefault(fault.place, []).append(f"{fault.column}: {fault.message}" if fault.column else fault.message)
    return [Outcome(Ending.FAULTY, None, " ".join(said), place) for place, said in rows.items()]


def _dry(session: Session, ready: Sequence[Outcome], faults: Sequence[Fault]) -> Output:
    shown = _shown(session, [*ready, *_faulty(faults)])
    assert isinstance(shown.text, Table)
    table = replace(shown.text, below=[*shown.text.below, DRY])
    return Output(shown.data, table, UsageError.exit_code if faults else 0)


def _differing(session: Session, result: Result) -> str:
    """The differences between the request and the stored entry, in one line."""
    return " ".join(describe.differing(result, session.zone))


def _shown(session: Session, outcomes: Sequence[Outcome]) -> Output:
    ordered = _in_order(outcomes)
    table = replace(columns.listing("", columns.OUTCOMES, ordered, messages.view(session), ""), below=[summed(ordered)])
    return Output([outcome.published() for outcome in ordered], table, exit_code(ordered))


def _in_order(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda each: (each.place.file, each.place.row) if each.place else ("", 0))


SUBCOMMANDS = {"create": create, "update": update, "delete": delete}
