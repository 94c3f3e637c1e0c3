"""alga sync: deliver everything that waits."""

from typing import TYPE_CHECKING, Annotated

import typer

from alga.app.session import Session
from alga.core.entry import EntryRequest
from alga.core.errors import AlreadyRunning, AuthError, ConfigError, Overtaken
from alga.core.intervals import sums
from alga.core.times import counted, format_minutes
from alga.lookup import work_items
from alga.lookup.entries import EVER, since
from alga.outbox.describe import differing, published
from alga.outbox.operation import PRACTICE, Kind, Operation, State
from alga.outbox.outbox import STILL_WAITS
from alga.outbox.results import Result
from alga.state.config import LOCAL
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.messages import mention
from alga.ui.options import Yes
from alga.ui.output import Output, confirm, progress

if TYPE_CHECKING:
    from alga.core.entry import Entry

PATIENCE = 60.0  # seconds for another alga that is sending
Local = Annotated[bool, typer.Option("--local", help="Send the practice data of this computer too, each entry once.")]


@command
def sync(session: Session, local: Local = False, yes: Yes = False) -> Output:
    """Deliver everything that waits, however long it takes."""
    session.syncing = True
    if local and not _queue_practice(session, yes):
        return Output([], "Nothing was sent.")
    session.journal.resume()
    with progress("Delivered", len(session.journal.queued())) as tell:
        settled = session.outbox.drain(wait=PATIENCE, tell=tell)
    for each in settled:
        session.warnings += differing(each, session.zone)
    seen = {each.operation.id for each in settled}
    settled += [Result(each) for each in session.journal.queued() if each.id not in seen]
    key_refused = next((each.error for each in settled if isinstance(each.error, AuthError)), None)
    if key_refused:
        session.warn(f"{key_refused.message} {key_refused.hint}")
    mention(session)
    left, others = [*session.journal.queued(), *session.journal.aside()], session.journal.of_others()
    code = AuthError.exit_code if key_refused else STILL_WAITS if left else 0
    data = [published(each.operation) for each in settled]
    empty = "Nothing to send." if left else "Nothing waits for this login." if others else "Nothing waits."
    return Output(data, columns.listing("", columns.SYNCED, settled, messages.view(session), empty), code)


def _queue_practice(session: Session, yes: bool) -> bool:
    """Queue the finished practice entries that were not queued before. Returns False if the person declines."""
    if session.profile.is_local:
        raise ConfigError("There is no login to send the practice data to.", "To connect: alga login")
    practice = Session(session.environment, LOCAL)
    own = work_items.own_user(practice.client, practice.cache)
    entries = [each for each in since(practice.client, own, EVER) if each.ended_at and each.duration_minutes]
    new = [each for each in entries if session.journal.with_key(_key(each)) is None]
    work_items.learn_numbers(new, practice.client, practice.cache)
    if not new:
        session.note("The practice data has nothing new to send.")
        return True
    worked = format_minutes(sums(new).worked)
    question = f"Send {counted(len(new), 'entry')} of the practice data, {worked} worked, to {session.profile.url}?"
    if not yes and not confirm(question, False, "alga sync --local --yes"):
        return False
    try:
        session.journal.add([_operation(session, practice, each) for each in new])
    except (AlreadyRunning, Overtaken) as fault:
        raise Overtaken("Another alga is sending the practice data right now.", "Try again in a moment.") from fault
    return True


def _key(entry: "Entry") -> str:
    return f"{PRACTICE}{entry.id}"


def _operation(session: Session, practice: Session, entry: "Entry") -> Operation:
    """The operation for a practice entry: its ticket by number and its service by name, since ids are local."""
    number = practice.cache.tickets.get(entry.work_item_id or "", [""])[0]
    typed = number or entry.work_item_id or ""
    asked = EntryRequest(
        entry.work_item_type,
        None,
        entry.started_at,
        entry.ended_at,
        entry.billable_minutes,
        entry.notes,
    )
    label = typed or entry.work_item_type or ""
    service = entry.service_name or ""
    return Operation(
        Kind.CREATE, asked, label, session.now(), State.QUEUED, item_typed=typed, service_typed=service, key=_key(entry)
    )
