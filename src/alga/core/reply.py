"""What a person says of a free stretch of time: which work, and which part of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from alga.core import grammar
from alga.core.errors import UsageError
from alga.core.times import format_interval, local_date

if TYPE_CHECKING:
    from alga.core.grammar import Hours


class Free(NamedTuple):
    """A free stretch of time, in UTC."""

    started_at: datetime
    ended_at: datetime


class Reply(NamedTuple):
    """What was said of a stretch: the work item as typed, and when, in UTC."""

    typed: str
    started_at: datetime
    ended_at: datetime


def parse_reply(text: str, stretch: Free, now: datetime, zone: tzinfo, hours: Hours = ()) -> Reply:
    """A reply as for alga log, `2 9:00-9:40`, in either order; without a span all of the stretch, and a length counts
    from its beginning. Raises UsageError, also for a span outside the stretch.
    """
    words = text.split()
    if len(words) < 2:
        return Reply(text, *stretch)
    faults = []
    for item, rest in ((words[0], words[1:]), (words[-1], words[:-1])):
        try:
            return Reply(item, *_within(" ".join(rest), stretch, now, zone, hours))
        except UsageError as fault:
            faults.append(fault)
    if not re.search(r"[0-9]", text):  # words of a title
        return Reply(text, *stretch)
    raise faults[0]


def _within(span: str, stretch: Free, now: datetime, zone: tzinfo, hours: Hours) -> tuple[datetime, datetime]:
    start, end = stretch
    if grammar.is_length(span):
        first, last = start, start + timedelta(minutes=grammar.length_of(span))
    else:
        first, last = grammar.parse_interval(span, now, local_date(start, zone), zone, hours)
    if not start <= first < last <= end:
        shown = format_interval(*stretch, zone)
        raise UsageError(f"{format_interval(first, last, zone)} is not within {shown}.", f"Free: {shown}")
    return first, last
