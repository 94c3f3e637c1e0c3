"""The two vocabularies in one table, and the bodies that carry both.

The deployed server drops keys it does not know and the published schema allows extra ones, so every write says each
thing in both, and every reading accepts either.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alga.core.entry import NON_BILLABLE, Asked
from alga.core.times import minutes_between, to_wire

if TYPE_CHECKING:
    from datetime import datetime

Body = dict[str, Any]

DEPLOYED = {  # published: deployed
    "id": "entry_id",
    "started_at": "start_time",
    "ended_at": "end_time",
    "billable_minutes": "billable_duration",
}


def names(published: str) -> tuple[str, ...]:
    """The names under which a field may come, the published one first."""
    deployed = DEPLOYED.get(published)
    return (published, deployed) if deployed else (published,)


def create_body(asked: Asked) -> Body:
    """POST /time-entries. Needs both times; billable minutes default to those worked, none for a non-billable type."""
    assert asked.started_at and asked.ended_at
    worked = minutes_between(asked.started_at, asked.ended_at)
    if asked.billable_minutes is None:
        asked = replace(asked, billable_minutes=0 if asked.work_item_type == NON_BILLABLE else worked)
    return {**_said(asked), **_times(asked.started_at, asked.ended_at), **_billable(asked), "duration_minutes": worked}


def start_body(asked: Asked) -> Body:
    """POST start-tracking: the server uses its own clock and ignores a start, a user and billable (section 6)."""
    return _said(asked)


def stop_body(asked: Asked) -> Body:
    """POST stop-tracking: at least `{}`, since no body at all is a 500 (section 6)."""
    return {**_said(asked), **_times(None, asked.ended_at), **_billable(asked)}


def update_body(asked: Asked, running: bool) -> Body:
    """PUT /time-entries/{id}: what changes. Callers give both times or neither: the order is checked only then.

    On a running timer `is_billable` would store a negative number (section 6), so it is left out.
    """
    billable = {} if running else _billable(asked)
    return {**_said(asked), **_times(asked.started_at, asked.ended_at), **billable}


def _said(asked: Asked) -> Body:
    names_alike = ("work_item_type", "work_item_id", "service_id", "user_id", "notes")
    return {name: value for name in names_alike if (value := getattr(asked, name)) is not None}


def _times(start: datetime | None, end: datetime | None) -> Body:
    body: Body = {}
    for published, instant in (("started_at", start), ("ended_at", end)):
        if instant:
            body |= dict.fromkeys(names(published), to_wire(instant))
    return body


def _billable(asked: Asked) -> Body:
    if asked.billable_minutes is None:
        return {}
    # On writing, the deployed server knows only all or nothing; billable_duration is ignored there.
    return {"billable_minutes": asked.billable_minutes, "is_billable": asked.billable_minutes > 0}
