"""alga bulk: many entries at once, from files, with what became of each."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from alga import entries, workitems
from alga.bulk import changing, creating
from alga.bulk.changing import Change
from alga.bulk.creating import Bulk
from alga.bulk.reading import Fault, Rows, ids_in, read
from alga.bulk.rows import Known, check_columns, split, to_create
from alga.columns import OUTCOMES, entries_flat, listing
from alga.command import command, deliberate, look, service
from alga.errors import Refused, UsageError
from alga.learnt import DEPLOYED
from alga.options import DryRun, Yes
from alga.outcomes import Outcome, exit_code, summed
from alga.output import Shown, confirm, interactive, progress, read_stdin
from alga.session import Session
from alga.times import counted

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="CSV, JSON or JSON lines; - reads standard input.")]
Doomed = Annotated[list[str], typer.Argument(metavar="ID|FILE...", help="Ids, files with ids, or - to read them.")]


@command
def create(session: Session, files: Files, yes: Yes = False, dry_run: DryRun = False) -> Shown:
    """Record the rows of files: date, start, end or span, item, notes, billable, service."""
    deliberate(session)
    rows = _read(files, (("item", "type"), ("start", "span")))
    bulk, known = _bulk(session), _known(session)
    drafts, faulty = split(to_create(record, known) for record in rows.records)
    plan = creating.plan(bulk, drafts, session.timer.taken())
    faults = [*rows.faults, *faulty, *plan.faults]
    if not (plan.drafts or plan.landed or faults):
        return Shown([], "No rows: nothing to do.")
    if dry_run:
        ready = [Outcome("to record", True, None, None, each.place, creating.label(bulk, each)) for each in plan.drafts]
        return _dry(session, [*plan.landed, *ready], faults)
    if plan.drafts or not plan.landed:  # else there is nothing to send, and each row is told
        _check_faults(faults, len(plan.drafts), yes)
    with progress("Recorded", len(plan.drafts)) as tell:
        outcomes = creating.create(bulk, plan.drafts, tell)
    return _shown(session, "Recorded", [*plan.landed, *outcomes, *map(_fault, faults)])


@command
def update(session: Session, files: Files, yes: Yes = False, dry_run: DryRun = False) -> Shown:
    """Change entries by the rows of files: id, and what should change."""
    deliberate(session)
    rows = _read(files, (("id",),))
    bulk, known = _bulk(session), _known(session)
    ids = [record.values.get("id") or record.values.get("entry_id") or "" for record in rows.records]
    there = changing.look_up(bulk, list(dict.fromkeys(each.lower() for each in ids if each)))
    changes, faulty = split(changing.to_change(bulk, record, known, there) for record in rows.records)
    changes, twice = _once(changes)
    changes, overlapping = changing.check_overlaps(bulk, changes)
    faults = [*rows.faults, *faulty, *twice, *overlapping]
    if not (changes or faults):
        return Shown([], "No rows: nothing to do.")
    if dry_run:
        return _dry(session, [Outcome("to change", True, e.before.id, None, e.place) for e in changes], faults)
    _check_faults(faults, len(changes), yes)
    with progress("Changed", len(changes)) as tell:
        outcomes = changing.change(bulk, changes, tell)
    return _shown(session, "Changed", [*outcomes, *map(_fault, faults)])


@command
def delete(session: Session, named: Doomed, yes: Yes = False, dry_run: DryRun = False) -> Shown:
    """Delete entries: ids, or files that name them."""
    deliberate(session)
    bulk = _bulk(session)
    ids: list[str] = []
    for each in named:
        from_file = each == "-" or Path(each).is_file()
        typed = ids_in(_name(each), _content(each)) if from_file else [each]
        ids += entries.full_ids(session.client, session.learnt, typed, session.now())
    ids = list(dict.fromkeys(ids))
    if not ids:
        return Shown([], "No ids: nothing to do.")
    there = changing.look_up(bulk, ids)
    table = entries_flat("To delete", list(there.values()), look(session))
    if dry_run:
        return Shown([entry.published() for entry in there.values()], table)
    if there and not yes and not confirm(f"Delete {counted(len(there), 'entry')}?", False, "Add --yes.", table):
        return Shown([], "Kept.")
    with progress("Deleted", len(ids)) as tell:
        outcomes = changing.delete(bulk, ids, there, tell)
    return _shown(session, "Deleted", outcomes)


# --- what they share ------------------------------------------------------------------------------


def _bulk(session: Session) -> Bulk:
    return Bulk(session.client, session.learnt, session.zone, session.now())


def _known(session: Session) -> Known:
    client, learnt = session.client, session.learnt
    return Known(
        session.zone,
        session.now(),
        cache(lambda typed, kind: workitems.resolve(typed, kind, client, learnt)),
        cache(lambda typed: _service(session, typed)),
        workitems.own_user(client, learnt),
    )


def _service(session: Session, typed: str | None) -> str | None:
    if typed:
        return workitems.named(typed, session.client, session.learnt)
    service_id = service(session, None)
    if service_id is None and session.learnt.kind == DEPLOYED:
        raise Refused("AlgaPSA needs a service for every entry.", "Add a service, or: alga config set service NAME")
    return service_id


def _read(files: Sequence[str], needed: Sequence[tuple[str, ...]]) -> Rows:
    """The rows of all files, their columns checked."""
    every = [read(_name(file), _content(file)) for file in files]
    for rows in every:
        check_columns(rows, needed)
    records = [record for rows in every for record in rows.records]
    return Rows(records, [fault for rows in every for fault in rows.faults], {})


def _name(file: str) -> str:
    return "standard input" if file == "-" else file


def _content(file: str) -> bytes:
    if file == "-":
        return read_stdin()
    try:
        return Path(file).read_bytes()
    except OSError as fault:
        raise UsageError(f"{file} cannot be read: {fault.strerror}. Nothing was sent.") from fault


def _once(changes: Sequence[Change]) -> tuple[list[Change], list[Fault]]:
    """Each entry once; another row for it is a fault."""
    first: dict[str, Change] = {}
    faults = []
    for each in changes:
        before = first.setdefault(each.before.id, each)
        if before is not each:
            faults.append(Fault(each.place, "id", f"{before.place} changes that entry already."))
    return list(first.values()), faults


def _check_faults(faults: Sequence[Fault], good: int, yes: bool) -> None:
    """Show all that is wrong before anything is sent; --yes, or a person who is asked, goes on with the good rows."""
    if not faults or (yes and good):
        return
    shown = [str(fault) for fault in sorted(faults, key=lambda fault: (fault.place.file, fault.place.line))]
    rows = len({fault.place for fault in faults})
    if good and interactive():
        if confirm(f"{counted(rows, 'row')} cannot be sent. Send the other {good}?", False, "", shown):
            return
        raise UsageError("Nothing was sent.", "Mend the rows and run it again.")
    hint = f"To send the other {good}: add --yes" if good else ""
    raise UsageError(f"{counted(rows, 'row')} cannot be sent. Nothing was sent.", hint, shown)


def _fault(fault: Fault) -> Outcome:
    column = f"{fault.column}: " if fault.column else ""
    return Outcome("faulty", False, None, f"{column}{fault.message}", fault.place)


def _dry(session: Session, ready: Sequence[Outcome], faults: Sequence[Fault]) -> Shown:
    title = (
        f"{counted(len(ready), 'row')} can be sent, {len({fault.place for fault in faults})} cannot. Nothing was sent."
    )
    outcomes = _in_order([*ready, *map(_fault, faults)])
    table = listing(title, OUTCOMES, outcomes, look(session), "No rows.")
    data = [outcome.published() | {"delivery": None} for outcome in outcomes]
    return Shown(data, table, UsageError.exit_code if faults else 0)


def _shown(session: Session, verb: str, outcomes: Sequence[Outcome]) -> Shown:
    ordered = _in_order(outcomes)
    table = listing(summed(verb, ordered), OUTCOMES, ordered, look(session), "")
    return Shown([outcome.published() for outcome in ordered], table, exit_code(ordered))


def _in_order(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda each: (each.place.file, each.place.line) if each.place else ("", 0))


SUBCOMMANDS = {"create": create, "update": update, "delete": delete}
