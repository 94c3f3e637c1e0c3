"""alga stats: totals, and by day, week, month, person, service, work item, type or status."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from alga.app.session import Session
from alga.core.filters import Selection
from alga.core.intervals import Sums
from alga.core.periods import Period, days
from alga.core.times import counted, format_day, format_minutes, local_date
from alga.export import spool
from alga.lookup import work_items
from alga.ui import messages, options
from alga.ui.command import command
from alga.ui.filters import FilterOptions, PeriodOptions, ScopeOptions, choose
from alga.ui.messages import mention
from alga.ui.options import GROUPS
from alga.ui.output import Output
from alga.ui.tables import Head, Line, Table, unicode

if TYPE_CHECKING:
    from alga.core.entry import Entry

Typed = tuple[spool.GroupName, str, Sums]  # a group, and the type of its work item
Group = tuple[spool.GroupName, Sums]
NOTHING = Sums(0, 0, 0, 0)
BAR = 24  # characters
By = Annotated[str | None, typer.Option("--by", metavar="GROUP", help=f"{', '.join(GROUPS)}.")]


@command
def stats(
    session: Session, period: PeriodOptions, scope: ScopeOptions, filters: FilterOptions, by: By = None
) -> Output:
    """Show totals (default: yours, this week)."""
    options.one_of("--by", by, GROUPS)
    selection, title = choose(session, period, scope, filters, "week", "mine")
    whole = scope.everyone and by is None and filters == FilterOptions()
    total = _of_server(session, selection.period) if whole else None
    source, said, groups = "server", "the server's totals (a running timer counts as an entry)", list[Group]()
    if total is None:
        total, groups = _computed(session, selection, by)
        source, said = "entries", f"computed from {counted(total.entries + total.running, 'entry')}"
    data: dict[str, Any] = {"period": _published(selection.period), "source": source, **_minutes(total)}
    mention(session)
    if by is None:
        return Output(data, f"{title}\n{_totals(total, said)}")
    data["groups"] = [{"key": group.id, "name": group.name, **_minutes(sums)} for group, sums in groups]
    named = [(name, sums) for (_, name), sums in groups]
    return Output(data, _bars(title, by.upper().replace("-", " "), named, total, f"Source: {said}."))


def _of_server(session: Session, period: Period) -> Sums | None:
    days_asked = {"date_from": period.first, "date_to": period.last}
    told = session.client.stats({name: str(day) for name, day in days_asked.items() if day})
    return Sums(round(told.total_hours * 60), round(told.billable_hours * 60), told.total_entries, 0) if told else None


def _minutes(total: Sums) -> dict[str, Any]:
    return {
        "entries": total.entries,
        "running": total.running,
        "duration_minutes": total.worked,
        "billable_minutes": total.billable,
        "non_billable_minutes": total.worked - total.billable,
        "billable_percentage": _percentage(total),
        "average_minutes": round(total.worked / total.entries) if total.entries else 0,
    }


def _percentage(total: Sums) -> int:
    return round(100 * total.billable / total.worked) if total.worked else 0


def _published(period: Period) -> dict[str, str | None]:
    first, last = (str(day) if day else None for day in (period.first, period.last))
    return {"from": first, "to": last}


def _totals(total: Sums, source: str) -> str:
    numbers = _minutes(total)
    running = f", {total.running} more running" if total.running else ""
    return messages.details([
        ("Worked", format_minutes(total.worked)),
        ("Billable", f"{format_minutes(total.billable)} ({numbers['billable_percentage']}%)"),
        ("Not billable", format_minutes(total.worked - total.billable)),
        ("Entries", f"{total.entries}{running}"),
        ("Per entry", format_minutes(numbers["average_minutes"])),
        ("Source", source),
    ])  # fmt: skip


def _computed(session: Session, selection: Selection, by: str | None) -> tuple[Sums, list[Group]]:
    """The totals of all entries and of each group, from the export, so that they are complete.

    Days, weeks and months are in order; other groups by the time worked, the longest first.
    """
    key = _keys(session)[by] if by else lambda entry: spool.NO_GROUP

    def put(into: spool.Spool, entry: "Entry", meant: bool) -> None:
        running = entry.ended_at is None
        kind = spool.GroupName("", entry.work_item_type or "")
        into.add(entry, b"" if meant and not running else None, meant and running, key(entry), kind)

    every = spool.spooled(session.client, selection, session.zone, session.warn, put)
    groups = [(group, kind.name, sums) for group, kind, sums in every.groups()] if by else []
    if by == "work-item":
        groups = _labelled(session, groups)
    shown = [(group, sums) for group, _, sums in groups]
    if by in ("day", "week"):
        return every.sums(), _with_empty(session, selection.period, shown, by)
    if by == "month":
        return every.sums(), sorted(shown, key=lambda each: each[0])
    return every.sums(), sorted(shown, key=lambda each: (-each[1].worked, each[0]))


def _with_empty(session: Session, period: Period, shown: list[Group], by: str) -> list[Group]:
    """The groups in order, with the days or weeks in which nothing is recorded, up to today."""
    today, known = local_date(session.now(), session.zone), dict(shown)
    if not known:
        return []
    dates = [date.fromisoformat(group.id) for group in known]
    first = period.first or min(dates)
    last = max([min(period.last or today, today), *dates])
    names = [_day_name(first + timedelta(days=n), today) for n in range((last - first).days + 1)]
    if by == "week":
        names = [_week_name(date.fromisoformat(name.id), today) for name in names]
    return [(name, known.get(name, NOTHING)) for name in dict.fromkeys(sorted(names))]


def _day_name(day: date, today: date) -> spool.GroupName:
    return spool.GroupName(str(day), format_day(day, today))


def _week_name(day: date, today: date) -> spool.GroupName:
    monday = day - timedelta(days=day.weekday())
    return spool.GroupName(str(monday), days(monday, monday + timedelta(days=6), today))


class _Pointed(NamedTuple):
    """A work item as entries refer to it."""

    work_item_type: str | None
    work_item_id: str | None
    work_item_title: str | None


def _labelled(
    session: Session, groups: list[tuple[spool.GroupName, str, Sums]]
) -> list[tuple[spool.GroupName, str, Sums]]:
    """The groups with the names by which people know the work items."""
    items = [_Pointed(kind, group.id or None, group.name or None) for group, kind, _ in groups]
    work_items.learn_numbers(items, session.client, session.cache)
    names = [work_items.label(item, session.cache) for item in items]
    named = zip(names, groups, strict=True)
    return [(spool.GroupName(group.id or kind, name), kind, sums) for name, (group, kind, sums) in named]


def _keys(session: Session) -> "dict[str, Callable[[Entry], spool.GroupName]]":
    zone, today = session.zone, local_date(session.now(), session.zone)

    def day(entry: "Entry") -> spool.GroupName:
        return _day_name(local_date(entry.started_at, zone), today)

    def week(entry: "Entry") -> spool.GroupName:
        return _week_name(local_date(entry.started_at, zone), today)

    def month(entry: "Entry") -> spool.GroupName:
        on = local_date(entry.started_at, zone)
        return spool.GroupName(f"{on:%Y-%m}", f"{on:%b %Y}")

    def named(key: str | None, name: str | None, nothing: str) -> spool.GroupName:
        return spool.group(key, name or key or nothing)

    return {
        "day": day,
        "month": month,
        "week": week,
        "user": lambda e: named(e.user_id, e.user_name, "?"),
        "service": lambda e: named(e.service_id, e.service_name, "no service"),
        "work-item": lambda e: spool.group(e.work_item_id, e.work_item_title or e.work_item_type or ""),
        "type": lambda e: named(e.work_item_type, None, "?"),
        "status": lambda e: named(e.approval_status, None, "?"),
    }


def _bars(title: str, heading: str, groups: Sequence[tuple[str, Sums]], total: Sums, source: str) -> Table:
    """A line for each group, with a bar of the time worked; the billable part is solid."""
    full, light = ("\u2588", "\u2591") if unicode() else ("#", ".")
    most = max([group.worked for _, group in groups], default=0) or 1

    def line(name: str, group: Sums, style: str = "", drawn: bool = True) -> Line:
        long, billed = (round(BAR * minutes / most) for minutes in (group.worked, group.billable))
        bar = full * billed + light * max(0, long - billed) if drawn else ""
        running = f" +{group.running} running" if group.running else ""
        worked, billable = format_minutes(group.worked), format_minutes(group.billable)
        return Line([name, f"{group.entries}{running}", worked, billable, bar], style)

    heads = [Head(heading, most=32), *(Head(name, right=True) for name in ("ENTRIES", "WORKED", "BILLABLE")), Head("")]
    lines = [line(name, group) for name, group in groups]
    totals = [Line(), line("Total", total, "dim", drawn=False)] if groups else []
    return Table(title, heads, [*lines, *totals], empty="Nothing recorded.", below=[source])
