"""The options and arguments that commands share, written once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Annotated, ClassVar

import typer

from alga.core import grammar
from alga.core.errors import Refused, UsageError
from alga.core.times import AHEAD, cut, format_day, format_time, is_digits, local_date
from alga.ui import output

FORMATS = ("table", "json", "jsonl", "ids")
GROUPS = ("day", "week", "month", "user", "service", "work-item", "type", "status")  # of alga stats
BOTH = "A span and --from or --to cannot be combined."
FILES = ("csv", "json", "jsonl", "xlsx")  # the formats of an export
ProfileName = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="The login to use; 'local' is the practice data on this computer."),
]
ITEM = "A ticket's number (TIC1042, 1042), words of its title, or any work item's id"
WorkItem = Annotated[str, typer.Argument(metavar="WORK_ITEM", help=f"{ITEM}.")]
Notes = Annotated[str | None, typer.Option("-m", "--notes", metavar="TEXT", help="What was done; appears on invoices.")]
ReplaceNotes = Annotated[
    bool, typer.Option("--replace-notes", help="Replace the notes of the timer; otherwise -m adds a line to them.")
]
Service = Annotated[
    str | None,
    typer.Option("-s", "--service", metavar="SERVICE", help="The service to bill, by name or id."),
]
Type = Annotated[
    str | None,
    typer.Option("--type", metavar="TYPE", help="ticket (the default), ad_hoc, …"),
]
Offline = Annotated[bool, typer.Option("--offline", help="Show only what this computer knows; asks no server.")]
Exact = Annotated[bool, typer.Option("--exact", help="Take WORK_ITEM as its id: look nothing up.")]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="Start (or stop) at this time instead of now, e.g. 9:05.")
]
Ago = Annotated[str | None, typer.Option("--ago", metavar="SPAN", help="Start (or stop) this long ago, e.g. 15m.")]
Billable = Annotated[str | None, typer.Option("--billable", metavar="MINUTES", help="Bill this many minutes, e.g. 60.")]
NoBillable = Annotated[bool, typer.Option("--no-billable", help="Bill nothing.")]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Go ahead without asking.")]
On = Annotated[str | None, typer.Option("--date", metavar="DATE", help="The day of the times: yesterday, 2026-06-02.")]
From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="The start: 9:00, 'yesterday 9:00'.")]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="The end.")]
EntryId = Annotated[str, typer.Argument(metavar="ID", help="An entry's id, its first characters, or last.")]


@dataclass(repr=False)
class Common:
    """The options that every command takes."""

    profile: ProfileName = None
    form: Annotated[
        str | None,
        typer.Option("-f", "--format", metavar="FORMAT", help="table, json, jsonl or ids."),
    ] = None
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False
    fields: Annotated[str | None, typer.Option("--fields", metavar="A,B", help="Only these fields.")] = None
    formats: ClassVar[Sequence[str]] = FORMATS

    def wanted(self) -> list[str]:
        """The names given with --fields."""
        return [part.strip() for part in (self.fields or "").split(",") if part.strip()]

    def chosen(self) -> "output.Format":
        """The requested format. Raises UsageError for an unknown format."""
        if self.form is not None and self.form not in self.formats:
            raise UsageError(f"Unknown format '{self.form}'.", f"Choose from: {', '.join(self.formats)}")
        if self.json and self.form not in (None, "json"):
            raise UsageError(f"--json and --format {self.form} cannot be combined.")
        return output.Format("json" if self.json else self.form or "table", self.wanted())


DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]


def one_of(what: str, typed: str | None, allowed: Sequence[str]) -> None:
    """Raise UsageError for a value that is not allowed."""
    if typed is not None and typed not in allowed:
        raise UsageError(f"Invalid value '{typed}' for {what}.", f"Choose from: {', '.join(allowed)}")


def billable_minutes(typed: str | None, nothing: bool) -> int | None:
    """Minutes of --billable (`60`, `1h`) or 0 for --no-billable; None when neither was given. Raises UsageError."""
    if typed is not None and nothing:
        raise UsageError("--billable and --no-billable cannot be combined.")
    if typed is None:
        return 0 if nothing else None
    return grammar.parse_minutes(typed)


def moment(at: str | None, ago: str | None, now: datetime, zone: tzinfo) -> datetime | None:
    """The instant of --at or --ago, in UTC; None for now. Raises UsageError."""
    if at and ago:
        raise UsageError("--at and --ago cannot be combined.")
    if ago:
        return cut(now) - timedelta(minutes=grammar.parse_span(ago))
    return grammar.parse_instant(at, now, zone) if at else None


def moved(instant: datetime, own_day: date, day: date, now: datetime, zone: tzinfo) -> datetime:
    """The same clock time, on another day than the own day of the entry."""
    if own_day == day:
        return instant
    local = instant.astimezone(zone)
    return grammar.parse_instant(f"{local:%H:%M}", now, zone, day + (local.date() - own_day))


def interval(
    span: str | None, day: str | None, first: str | None, last: str | None, now: datetime, zone: tzinfo
) -> tuple[datetime, datetime]:
    """Start and end in UTC of a SPAN with --date, or of --from and --to (up to now without --to)."""
    today = local_date(now, zone)
    on = grammar.parse_date(day, today, alone=True) if day else None
    if span and (first or last):
        raise UsageError(BOTH, "Use 9:00-10:30 or --from 9:00 --to 10:30.")
    if span:
        return grammar.parse_interval(span, now, on, zone)
    if not first:
        raise UsageError("How long, or from when to when?", "For example: 90m, 9:00-10:30, or --from 9:00 --to 10:30.")
    start = _start(first, on, on or today, now, zone)
    if not last:
        if start.astimezone(zone).date() != today:
            raise UsageError("Until when? The start is not today.", "Give the end too: --to 10:30")
        return start, cut(now)
    return start, grammar.parse_instant(last, now, zone, local_date(start, zone))


def new_times(
    was: tuple[datetime, datetime | None],
    span: str | None,
    day: str | None,
    first: str | None,
    last: str | None,
    now: datetime,
    zone: tzinfo,
) -> tuple[datetime, datetime | None]:
    """Start and end in UTC of an entry that gets a SPAN, or --from and --to, and --date: a time that was not typed
    stays, on the entry's own day or that of --date.

    Raises UsageError, also for a start on another day whose end is not typed.
    """
    own_day, today = local_date(was[0], zone), local_date(now, zone)
    given = grammar.parse_date(day, today) if day else None
    on = given or own_day
    if span and (first or last):
        raise UsageError(BOTH, "Use 9:00-10:30 or --from 9:00 --to 10:30.")
    if span and is_digits(span):
        raise UsageError(f"'{span}' is no span of time. A work item?", f"Then: --work-item {span}")
    if span and grammar.is_length(span):
        raise UsageError(f"{span} from when?", f"Give the start too: 9:00+{grammar.length_of(span)}m")
    if span:
        return grammar.parse_interval(span, now, on, zone, own_days=given is None)
    start = _start(first, given, on, now, zone) if first else moved(was[0], own_day, on, now, zone)
    if last:
        return start, grammar.parse_instant(last, now, zone, local_date(start, zone))
    if was[1] and local_date(start, zone) != on:
        raise UsageError(f"Until when? The start is not on {format_day(on, today)}.", "Give the end too: --to 10:30")
    return start, moved(was[1], own_day, on, now, zone) if was[1] else None


def _start(typed: str, given: date | None, on: date, now: datetime, zone: tzinfo) -> datetime:
    """The instant of --from. Raises UsageError for one that is on another day than --date."""
    start = grammar.parse_instant(typed, now, zone, on)
    if given and local_date(start, zone) != given:
        raise UsageError(f"'{typed}' is not on {format_day(given, local_date(now, zone))}.", "Say the day once.")
    return start


def moment_since(typed: str, start: datetime, now: datetime, zone: tzinfo, command: str) -> datetime:
    """The instant of a stop's --at, in UTC: a time without a date is taken between the start and now.

    Raises Refused when no day fits, UsageError, with the commands to choose from, when several days fit.
    """
    today, first = local_date(now, zone), local_date(start, zone)
    time = grammar.read_time(typed, now, zone)
    if time.says_when:
        return time.on(today, zone)
    days = [first + timedelta(days=n) for n in range(min((today - first).days, 31) + 1)]
    fitting, faults = list[datetime](), list[UsageError]()
    for day in days:
        try:  # an offset may be that of one of the days only
            each = time.on(day, zone)
        except UsageError as fault:
            faults.append(fault)
            continue
        fitting += [each] if start <= each <= now + AHEAD else []
    if not fitting and faults:
        raise faults[0]
    if not fitting:
        since = f"{format_day(first, today)} {format_time(start, zone)}"
        raise Refused(f"{typed} is not between the start, {since}, and now. The timer is still running.")
    if len(fitting) > 1:
        ways = [f"{command} --at '{each.astimezone(zone):%Y-%m-%d} {format_time(each, zone)}'" for each in fitting]
        raise UsageError(f"{typed} on which day? The timer is still running.", "  or  ".join(ways[-3:]))
    return fitting[0]
