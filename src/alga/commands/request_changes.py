"""alga request-changes: send entries back to the people who recorded them."""

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from alga.app.session import Session
from alga.commands.approve import Decision, Ids, carried_out
from alga.core.entry import EntryRequest
from alga.core.errors import UsageError
from alga.lookup import entries
from alga.outbox.operation import Kind, Operation
from alga.outbox.results import Ending, Outcome, outcome
from alga.ui.command import command
from alga.ui.filters import FilterOptions, PeriodOptions, ScopeOptions
from alga.ui.options import DryRun, Yes
from alga.ui.output import Output

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="What should change, in a sentence.")]
Feedback = Annotated[str | None, typer.Option("--feedback", metavar="TEXT", help="More about it.")]


@command
def request_changes(
    session: Session,
    period: PeriodOptions,
    scope: ScopeOptions,
    filters: FilterOptions,
    reason: Reason,
    entry_ids: Ids = None,
    feedback: Feedback = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> Output:
    """Send submitted entries back, with a reason."""
    if not reason.strip():
        raise UsageError("The reason is empty.", "Give a reason: --reason TEXT")

    def deliver(operations: Sequence[Operation], tell: Callable[[int], None]) -> list[Outcome]:
        seen = [each.before for each in operations if each.before]
        before = entries.by_ids(session.client, [str(each.entry_id) for each in operations], seen)
        already = {entry.id for entry in before.values() if entry.approval_status == "CHANGES_REQUESTED"}
        results = session.outbox.deliver(operations, tell)
        stored = [each.entry for each in results if each.entry]
        if stored and not any(entry.change_reason == reason for entry in stored):
            session.warn("The server does not store the reason: tell the person yourself.")
        endings = {True: Ending.SENT_BACK_ALREADY, False: Ending.SENT_BACK}
        return [outcome(each, endings[each.operation.entry_id in already]) for each in results]

    operation = Operation(Kind.SEND_BACK, EntryRequest(notes=reason), "", session.now(), feedback=feedback)
    decision = Decision("request-changes", "Send back", "Sent back", operation, deliver)
    return carried_out(session, decision, entry_ids, (period, scope, filters), yes, dry_run)
