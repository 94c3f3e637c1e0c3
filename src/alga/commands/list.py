"""alga list: one's entries by day, complete for their period."""

from alga import entries, workitems
from alga.columns import entries_by_day
from alga.command import command, look
from alga.options import PeriodOptions, ScopeOptions
from alga.output import Shown
from alga.session import Session
from alga.times import format_time


@command
def list(session: Session, period: PeriodOptions, scope: ScopeOptions) -> Shown:  # noqa: A001  the verb's own name
    """List time entries, by day: yours of this week."""
    chosen = period.chosen("week", session.now(), session.zone)
    user_id = scope.user
    everyone = scope.everyone
    if not user_id and not everyone:
        user_id = workitems.own_user(session.client, session.learnt)
        if user_id is None:
            everyone = True
            session.warn(
                "The server has not shown yet whose key this is, so these are everyone's. A first alga log tells."
            )
    rows = entries.in_period(session.client, chosen, user_id, session.zone)
    workitems.learn_numbers(rows, session.client, session.learnt)
    for sentence in session.timer.unsent():
        session.warn(sentence)
    if here := session.timer.here():
        since = format_time(here.started_at, session.zone)
        session.warn(f"The timer on {here.work_item.label} runs here since {since}: it is listed when it is stopped.")
    whose = "Everyone's" if everyone else f"User {user_id}'s" if scope.user else "Mine"
    text = entries_by_day(f"{whose}, {chosen.name}", rows, look(session), with_person=everyone)
    return Shown([entry.published() for entry in rows], text)
