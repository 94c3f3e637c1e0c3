"""alga delete: remove entries."""

from shlex import join
from typing import Annotated, Any

import typer

from alga.app.session import Session
from alga.core.entry import EntryRequest
from alga.core.errors import AlgaError
from alga.lookup import entries, work_items
from alga.outbox.operation import Kind, Operation, State
from alga.ui import messages
from alga.ui.choices import is_last, the_id, wants_last
from alga.ui.command import command, still_allowed
from alga.ui.messages import nothing, settled_entry
from alga.ui.options import Yes
from alga.ui.output import Output, confirm

Ids = Annotated[
    list[str],
    typer.Argument(metavar="ID...", help="Entry ids, or their first characters."),
]


@command
def delete(session: Session, entry_ids: Ids, yes: Yes = False) -> Output:
    """Delete entries."""
    with nothing("deleted"), session.in_passing():
        named_ids = [the_id(session, typed) for typed in entry_ids]
        found = [entries.as_seen(session.client, session.cache, typed, session.now()) for typed in named_ids]
    remembered = {entry.id: old for entry, old in found}
    doomed = list({entry.id: entry for entry, _ in found}.values())
    named = ", ".join(entry.id[:8] for entry in doomed)
    shown = [messages.entry_line("To delete:", entry, messages.view(session)) for entry in doomed]
    last = any(map(is_last, entry_ids))
    if last or not yes:
        with nothing("deleted"):
            still_allowed(session, "delete")
    if last:
        wants_last(f"Delete {named}?", shown)
    elif not yes and not confirm(f"Delete {named}?", False, f"alga delete {join(entry_ids)} --yes", shown):
        return Output([], "Nothing was deleted.")
    lines: list[str] = []
    gone: list[dict[str, Any]] = []
    for entry in doomed:
        label, before = work_items.label(entry, session.cache), entry
        operation = Operation(Kind.DELETE, EntryRequest(), label, session.now(), entry_id=entry.id, before=before)
        operation = operation._replace(remembered=remembered[entry.id])
        try:
            with session.in_passing():
                settled = session.outbox.deliver_one(operation)
        except AlgaError as error:
            if lines:
                raise error.adding(f"Deleted before that: {', '.join(each['id'][:8] for each in gone)}.") from None
            raise (error.adding("Nothing was deleted.") if error.exit_code in (4, 5) else error) from None
        done = settled.operation.state is State.DONE
        if not done:
            settled_entry(session, settled)
        gone.append(work_items.published(entry, session.cache) | {"delivery": "delivered" if done else "queued"})
        lines.append(messages.entry_line("Deleted" if done else "To delete:", entry, messages.view(session)))
    return Output(gone, "\n".join(lines))
