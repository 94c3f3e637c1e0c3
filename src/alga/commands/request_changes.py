"""alga request-changes: send entries back to the people whose they are."""

from collections.abc import Sequence
from typing import Annotated

import typer

from alga import review
from alga.app.session import Session
from alga.commands.approve import Act, Ids, carried_out
from alga.core.entry import EntryRequest
from alga.core.errors import UsageError
from alga.outbox.operation import Kind, Operation
from alga.outbox.results import Outcome, Watch
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
        raise UsageError("Why? The reason is empty.", "Say it: --reason TEXT")

    def send(ids: Sequence[str], watch: Watch) -> list[Outcome]:
        outcomes, kept = review.request_changes(session.client, ids, reason, feedback, watch)
        if any(outcome.done for outcome in outcomes) and not kept:
            session.warn("The server keeps no reason: tell the person yourself.")
        return outcomes

    operation = Operation(Kind.SEND_BACK, EntryRequest(notes=reason), "", session.now(), feedback=feedback)
    act = Act("request-changes", "Send back", "Sent back", send, operation)
    return carried_out(session, act, entry_ids, (period, scope, filters), yes, dry_run)
