"""alga stats: totals, and by day, week, month, person, service, work item, type or status."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alga import options, sentences, sheet, workitems
from alga.choosing import FilterOptions, PeriodOptions, ScopeOptions, choose, listed
from alga.command import command
from alga.output import Shown
from alga.periods import Period, days
from alga.session import Session
from alga.sheet import Sums
from alga.tables import Head, Line, Table, unicode
from alga.times import counted, format_day, format_minutes, local_date
from alga.told import mention

if TYPE_CHECKING:
    from alga.api.models import TimeEntry

Key = tuple[str, str]  # what a group is in JSON, and as a person knows it
Groups = Sequence[tuple[Key, Sums]]
BAR = 24  # characters
BY = ("day", "week", "month", "user", "service", "work-item", "type", "status")
By = Annotated[str | None, typer.Option("--by", metavar="|".join(BY), help="What to sum by.")]


@command
def stats(session: Session, period: PeriodOptions, scope: ScopeOptions, filters: FilterOptions, by: By = None) -> Shown:
    """Show totals: yours of this week."""
    options.one_of("--by", by, BY)
    selection, title = choose(session, period, scope, filters, "week", "mine")
    whole = scope.everyone and by is None and filters == FilterOptions()
    total = _of_server(session, selection.period) if whole else None
    source, said, rows = "server", "the server's own (a running timer is an entry)", list["TimeEntry"]()
    if total is None:
        rows = listed(session, selection)
        total, source, said = sheet.sums(rows), "entries", f"computed from {counted(len(rows), 'entry')}"
    data: dict[str, Any] = {"period": _published(selection.period), "source": source, **_minutes(total)}
    mention(session)
    if by is None:
        return Shown(data, f"{title}\n{_totals(total, said)}")
    groups = _grouped(session, rows, by)
    data["groups"] = [{"key": key, "name": name, **_minutes(group)} for (key, name), group in groups]
    named = [(name, group) for (_, name), group in groups]
    return Shown(data, _bars(title, by.upper().replace("-", " "), named, total, f"Source: {said}."))


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
    running = f", {total.running} running beside" if total.running else ""
    return sentences.details([
        ("Worked", format_minutes(total.worked)),
        ("Billable", f"{format_minutes(total.billable)} ({numbers['billable_percentage']}%)"),
        ("Not billable", format_minutes(total.worked - total.billable)),
        ("Entries", f"{total.entries}{running}"),
        ("Per entry", format_minutes(numbers["average_minutes"])),
        ("Source", source),
    ])  # fmt: skip


def _grouped(session: Session, rows: "Sequence[TimeEntry]", by: str) -> Groups:
    """Days, weeks and months in their order; other groups by the time worked, the longest first."""
    groups = list(sheet.grouped(rows, _keys(session)[by]).items())
    if by in ("day", "week", "month"):
        return sorted(groups, key=lambda group: group[0])
    return sorted(groups, key=lambda group: (-group[1].worked, group[0]))


def _keys(session: Session) -> "dict[str, Callable[[TimeEntry], Key]]":
    zone, today = session.zone, local_date(session.now(), session.zone)

    def day(entry: "TimeEntry") -> Key:
        on = local_date(entry.started_at, zone)
        return str(on), format_day(on, today)

    def week(entry: "TimeEntry") -> Key:
        on = local_date(entry.started_at, zone)
        monday = on - timedelta(days=on.weekday())
        return str(monday), days(monday, monday + timedelta(days=6), today)

    def month(entry: "TimeEntry") -> Key:
        on = local_date(entry.started_at, zone)
        return f"{on:%Y-%m}", f"{on:%b %Y}"

    return {
        "day": day,
        "month": month,
        "week": week,
        "user": lambda e: (e.user_id or "", e.user_name or e.user_id or "?"),
        "service": lambda e: (e.service_id or "", e.service_name or e.service_id or "no service"),
        "work-item": lambda e: (e.work_item_id or e.work_item_type or "", workitems.label(e, session.learnt)),
        "type": lambda e: (e.work_item_type or "", e.work_item_type or "?"),
        "status": lambda e: (e.approval_status or "", e.approval_status or "?"),
    }


def _bars(title: str, heading: str, groups: Sequence[tuple[str, Sums]], total: Sums, source: str) -> Table:
    """A line a group, with a bar of the time worked: its billable part full."""
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
