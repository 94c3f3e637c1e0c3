"""alga without a command: the login, the timer, today, and the next steps."""

from alga import __version__
from alga.app.session import Session
from alga.commands.status import line, today
from alga.core.errors import AuthError, Unreachable
from alga.ui.command import command
from alga.ui.messages import mention
from alga.ui.output import Output


@command
def home(session: Session) -> Output:
    """Show the login, the running timer, today, and what to type next."""
    profile = session.profile
    where = (
        "practice data on this computer, no AlgaPSA login"
        if profile.is_local
        else f"{profile.url} (profile {profile.name})"
    )
    running, day_sum = session.timer.known(), "not known"
    with session.in_passing():
        try:
            running = session.timer.here() or session.timer.there()
            day_sum = today(session, running)
        except (Unreachable, AuthError) as error:
            session.warn(error.message)
    timer = line(session, running, 5) if running else "Nothing is running."
    if running:
        steps = [("alga stop", "stop and record it"), ("alga switch WORK_ITEM", "stop it and start another")]
    else:
        steps = [("alga start WORK_ITEM", "start the clock"), ("alga log WORK_ITEM 90m", "record work already done")]
    steps.append(
        ("alga login", "connect to AlgaPSA") if profile.is_local else ("alga list", "your entries of this week")
    )
    wide = max(len(typed) for typed, _ in steps)
    next_steps = "\n".join(f"  {typed.ljust(wide)}   {what}" for typed, what in steps)
    rest = f"  {'alga --help'.ljust(wide)}   everything else"
    text = f"alga {__version__}: {where}\n\n{timer}\nToday  {day_sum}\n\nNext\n{next_steps}\n{rest}"
    session.notes.clear()
    mention(session)
    data = {
        "profile": profile.name,
        "url": profile.url or None,
        "running": running.published(session.now()) if running else None,
    }
    return Output(data, text)
