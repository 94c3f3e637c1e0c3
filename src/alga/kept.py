"""Sessions whose clock is kept here: from the journal to a finished entry on the server, once."""

from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Protocol

from alga import entries, workitems
from alga.clash import Clash
from alga.config import Profile
from alga.errors import AlgaError, Interrupted, Overlaps, Refused, UnknownOutcome
from alga.learnt import DEPLOYED, Learnt
from alga.times import format_day, format_interval, format_time, local_date, minutes_between
from alga.truth import NON_BILLABLE, Asked

if TYPE_CHECKING:
    from alga.api.client import Client
    from alga.api.models import TimeEntry
    from alga.outbox.journal import Journal, Kept


LOOKS = "alga stop looks for it there before it sends it again."


class Parts(Protocol):
    """What a session gives the timer."""

    @property
    def client(self) -> "Client": ...
    @property
    def journal(self) -> "Journal": ...
    @property
    def learnt(self) -> Learnt: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def zone(self) -> tzinfo: ...
    def now(self) -> datetime: ...
    def warn(self, sentence: str) -> None: ...


def mark_stopped(parts: Parts, kept: "Kept", asked: Asked, end: datetime) -> "Kept":
    """Write down the end and what goes with it, before anything is sent."""
    notes, service = asked.notes or kept.notes, asked.service_id or kept.service_id
    billable = kept.billable_minutes if asked.billable_minutes is None else asked.billable_minutes
    return parts.journal.stop(kept, end, notes, service, billable)


def as_asked(kept: "Kept") -> Asked:
    """The entry that a stopped session becomes."""
    assert kept.ended_at
    worked = 0 if kept.work_item_type == NON_BILLABLE else minutes_between(kept.started_at, kept.ended_at)
    return Asked(
        work_item_type=kept.work_item_type,
        work_item_id=kept.work_item_id,
        started_at=kept.started_at,
        ended_at=kept.ended_at,
        billable_minutes=worked if kept.billable_minutes is None else kept.billable_minutes,
        notes=kept.notes,
        service_id=kept.service_id,
    )


def post(parts: Parts, kept: "Kept") -> "TimeEntry":
    """Post a stopped session, looking for it first if it may be there already.

    Whatever goes wrong, the interval stays in the journal, and the error says so. Two processes never send at once.
    """
    with parts.journal.alone(kept) as current:
        return _post(parts, current)


def _post(parts: Parts, kept: "Kept") -> "TimeEntry":
    doubted = kept.sent
    try:
        entry = already_there(parts, kept) if doubted else None
        if entry is None:
            _check_guarded(parts, doubted)
            kept = parts.journal.sending(kept)
            entry = _create(parts, kept, doubted)
    except (UnknownOutcome, Interrupted) as error:
        raise keeping(parts, error, kept, LOOKS) from None
    except AlgaError as error:
        if not doubted:  # what was once in doubt stays so: an earlier sending may still arrive
            parts.journal.not_sent(kept)
        raise keeping(parts, error, kept, LOOKS if doubted else "alga stop sends it.") from None
    parts.journal.forget(kept)
    return entry


def _create(parts: Parts, kept: "Kept", doubted: bool) -> "TimeEntry":
    assert kept.ended_at
    try:
        return parts.client.create_entry(as_asked(kept))
    except Overlaps as error:
        # The usual proof that an earlier try got through: a repeated create answers 409 (section 0, idempotency).
        if doubted and (entry := already_there(parts, kept)):
            return entry
        clash = Clash(parts.client, parts.learnt, parts.zone, parts.now())
        raise clash.named(error, kept.started_at, kept.ended_at) from None


def _check_guarded(parts: Parts, doubted: bool) -> None:
    """Raise Refused where a second sending could double the entry: nobody to look for, and no overlap rule known."""
    if doubted and parts.learnt.user_id is None and parts.learnt.kind != DEPLOYED:
        raise Refused(
            "It may have arrived, and the server does not show whose key this is, so alga cannot look for it.",
            "To see: alga list --everyone --today. If it is there: alga cancel",
        )


def already_there(parts: Parts, kept: "Kept") -> "TimeEntry | None":
    """The own entry that an earlier sending made: same work item, start and end. Another's is never taken for it."""
    user_id = workitems.own_user(parts.client, parts.learnt)
    if user_id is None:
        return None
    found = entries.since(parts.client, user_id, kept.started_at, kept.started_at + timedelta(seconds=59))
    same = (user_id, kept.work_item_type, kept.work_item_id, kept.ended_at)
    return next((e for e in found if (e.user_id, e.work_item_type, e.work_item_id, e.ended_at) == same), None)


def keeping(parts: Parts, error: AlgaError, kept: "Kept", then: str) -> AlgaError:
    """The error, with what became of the stop."""
    assert kept.ended_at
    stopped = f"{on_day(parts, kept.ended_at)}{format_time(kept.ended_at, parts.zone)}"
    return error.adding(f"Your stop at {stopped} is kept: {then}")


def unsent(parts: Parts) -> list[str]:
    """A sentence for each stop that waits here, and for what waits for another key."""
    said = []
    for kept in parts.journal.stopped():
        state = (
            "may or may not be recorded. alga stop looks." if kept.sent else "is not recorded yet. alga stop sends it."
        )
        said.append(f"{_words(parts, kept)} {state}")
    theirs = "waits for the key it was kept with, or one of the same user: alga login"
    return said + [f"{_words(parts, kept)} {theirs}" for kept in parts.journal.of_others()]


def _words(parts: Parts, kept: "Kept") -> str:
    interval = format_interval(kept.started_at, kept.ended_at, parts.zone)
    return f"{kept.label} {on_day(parts, kept.started_at)}{interval}"


def on_day(parts: Parts, instant: datetime) -> str:
    """`Mon 23 Nov `, and nothing for today."""
    day, today = local_date(instant, parts.zone), local_date(parts.now(), parts.zone)
    return "" if day == today else f"{format_day(day, today)} "
