"""alga approve: approve submitted entries, or entries given by id."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from alga.app.session import Session
from alga.bulk.rows import ids_in
from alga.core import intervals
from alga.core.entry import EntryRequest
from alga.core.errors import NotFound, UsageError
from alga.core.times import counted, format_minutes
from alga.lookup import entries, work_items
from alga.lookup.overlaps import LOOK_BACK
from alga.outbox.operation import Kind, Operation
from alga.outbox.results import Ending, Outcome, exit_code, outcome, summed
from alga.ui import columns, messages
from alga.ui.command import command, deliberate
from alga.ui.filters import FilterOptions, PeriodOptions, ScopeOptions, choose, listed
from alga.ui.options import DryRun, Yes
from alga.ui.output import Output, confirm, interactive, progress, read_stdin
from alga.ui.tables import Table

if TYPE_CHECKING:
    from alga.core.entry import Entry

Ids = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID...]", help="Entry ids, or their first characters; - reads ids. Without ids: what waits."
    ),
]


@dataclass(frozen=True)
class Decision:
    """A reviewer's decision: its words, an operation without an entry as a pattern, and the way to deliver it."""

    command: str
    verb: str
    done: str
    operation: Operation
    deliver: Callable[[Sequence[Operation], Callable[[int], None]], Sequence[Outcome]]


@command
def approve(
    session: Session,
    period: PeriodOptions,
    scope: ScopeOptions,
    filters: FilterOptions,
    entry_ids: Ids = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> Output:
    """Approve entries; without ids, in a terminal, shows what waits and asks."""
    operation = Operation(Kind.APPROVE, EntryRequest(), "", session.now())

    def deliver(operations: Sequence[Operation], tell: Callable[[int], None]) -> list[Outcome]:
        return [outcome(each, Ending.APPROVED) for each in session.outbox.deliver(operations, tell)]

    decision = Decision("approve", "Approve", "Approved", operation, deliver)
    return carried_out(session, decision, entry_ids, (period, scope, filters), yes, dry_run)


def carried_out(
    session: Session,
    decision: Decision,
    typed: list[str] | None,
    chosen: tuple[PeriodOptions, ScopeOptions, FilterOptions],
    yes: bool,
    dry_run: bool,
) -> Output:
    """Find entries by ids or filters, show them and ask where a person can answer, then carry out the decision."""
    deliberate(session)
    by_filter = any(group != type(group)() for group in chosen)
    if typed and by_filter:
        raise UsageError(
            "Ids and filters cannot be combined.", f"Give either ids, alga {decision.command} ID…, or filters."
        )
    if typed:
        ids = _typed_ids(session, typed)
        seen = interactive() and "-" not in typed and not yes  # by a person, who is shown the entries first
        if not dry_run and not (seen and ids):
            return _done(session, decision, ids) if ids else Output([], "No ids were given: nothing to do.")
        if not dry_run:
            session.client.allow("approve")  # before the question rather than after it
        rows, shown = _named(session, ids)
        if not (rows or dry_run):
            raise NotFound("No entry has that id. Nothing was changed.", "To see ids: alga list")
        return _dry(shown) if dry_run else _asked(session, decision, rows, shown)
    if not by_filter and (yes or not interactive()) and not dry_run:
        raise UsageError(
            f"{decision.verb} what?", f"Give ids, - to read ids, or a filter: alga {decision.command} --last-week"
        )
    rows, title = _selected(session, chosen)
    shown = _waiting(session, rows, title)
    if dry_run:
        return _dry(shown)
    if not rows:
        return shown
    session.client.allow("approve")
    return _done(session, decision, [row.id for row in rows], rows) if yes else _asked(session, decision, rows, shown)


def _asked(session: Session, decision: Decision, rows: "list[Entry]", shown: Output) -> Output:
    """Carry out the decision if the person, who sees the entries, agrees."""
    people = len({row.user_id for row in rows})
    worked = format_minutes(intervals.sums(rows).worked)
    question = f"{decision.verb} {counted(len(rows), 'entry')} of {counted(people, 'person')}, {worked} worked?"
    assert isinstance(shown.text, Table)
    if not confirm(question, False, "To go ahead without asking, add --yes. To preview, --dry-run.", shown.text):
        return Output([], "Nothing was changed.")
    return _done(session, decision, [row.id for row in rows], rows)


def _named(session: Session, ids: list[str]) -> "tuple[list[Entry], Output]":
    """The entries of ids, and how they are shown."""
    found = entries.by_ids(session.client, ids)
    for missing in (entry_id for entry_id in ids if entry_id not in found):
        session.warn(f"No entry has the id {missing}.")
    rows = sorted(found.values(), key=lambda entry: (entry.started_at, entry.id))
    return rows, _waiting(session, rows, "Entries by id")


def _typed_ids(session: Session, typed: list[str]) -> list[str]:
    named = [each for each in typed if each != "-"]
    read = ids_in("standard input", read_stdin()) if "-" in typed else []
    return entries.full_ids(session.client, session.cache, [*named, *read], session.now())


def _selected(session: Session, chosen: tuple[PeriodOptions, ScopeOptions, FilterOptions]) -> "tuple[list[Entry], str]":
    """The entries of the filters: by default the submitted ones, of everyone but the user."""
    selection, title = choose(session, *chosen, "ever", "others")
    if not selection.statuses:
        selection, title = replace(selection, statuses=("SUBMITTED",)), f"{title}, SUBMITTED"
    return listed(session, selection), title


def _waiting(session: Session, rows: "list[Entry]", title: str) -> Output:
    """The entries by person, with notes on what an approver should check."""
    marks: dict[str, list[str]] = {}
    if rows:
        first, last = rows[0].started_at - LOOK_BACK, max(row.ended_at or row.started_at for row in rows)
        around = entries.since_some(session.client, None, first, last)
        overlaps = intervals.overlapping(around, session.now())
        needs_service = session.cache.deployed
        odd = {row.id: intervals.oddities(row, overlaps.get(row.id), session.zone, needs_service) for row in rows}
        marks = {row.id: [*_closed(row), *odd[row.id]] for row in rows}
    table = replace(
        columns.entries_by_person(title, rows, messages.view(session), [columns.look_at(marks)]),
        empty="No entry matches.",
    )
    return Output([work_items.published(row, session.cache) | {"look_at": marks[row.id]} for row in rows], table)


def _dry(shown: Output) -> Output:
    assert isinstance(shown.text, Table)
    return shown._replace(text=replace(shown.text, below=["Nothing was changed (--dry-run)."]))


def _closed(entry: "Entry") -> list[str]:
    """A status that allows no review, or a note that the entry was sent back before."""
    if entry.approval_status in ("DRAFT", "APPROVED"):
        return [entry.approval_status]
    return ["sent back before"] if entry.approval_status == "CHANGES_REQUESTED" or entry.change_reason else []


def _done(session: Session, decision: Decision, ids: list[str], known: "Sequence[Entry]" = ()) -> Output:
    view = messages.view(session)
    seen = {entry.id: entry for entry in known}  # approve only the version that was seen
    operations = [
        decision.operation._replace(
            entry_id=each,
            label=columns.named(seen[each], view) if each in seen else "",
            before=seen.get(each),
        )
        for each in ids
    ]
    with progress(decision.done, len(ids)) as tell:
        outcomes = decision.deliver(operations, tell)
    if any("DRAFT" in (each.reason or "") for each in outcomes):
        session.warn("A DRAFT entry cannot be approved until its time sheet is submitted on the web.")
    table = replace(columns.listing("", columns.OUTCOMES, outcomes, view, ""), below=[summed(outcomes)])
    return Output([each.published() for each in outcomes], table, exit_code(outcomes))
