"""alga export: entries as a file for payroll, billing and spreadsheets."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, BinaryIO, ClassVar

import typer

from alga.app.session import Session
from alga.core.errors import ConfigError, UsageError
from alga.core.files import replacing
from alga.core.filters import Selection
from alga.core.periods import EVER, Period
from alga.core.times import counted, format_minutes, local_date
from alga.export import fields, text, workbook
from alga.export.spool import GroupName, Spool, group, spooled
from alga.ui.command import command, deliberate
from alga.ui.filters import FilterOptions, PeriodOptions, ScopeOptions, choose
from alga.ui.messages import mention
from alga.ui.options import FILES, Common
from alga.ui.output import Bytes, Output, at_terminal

if TYPE_CHECKING:
    from alga.core.entry import Entry
    from alga.state.cache import ServerCache

STDOUT = ("-", "/dev/stdout")
Out = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to that file; its name may contain {from} {to} {date}."),
]
Exact = Annotated[bool, typer.Option("--exact", help="Keep CSV text unchanged, formulas included.")]


@dataclass(repr=False)
class FileOptions(Common):
    """The options that every command takes, with the formats of a file."""

    form: Annotated[
        str | None,
        typer.Option(
            "-f", "--format", metavar="FILE_FORMAT", help="csv, json, jsonl or xlsx; by default from the file's name."
        ),
    ] = None
    formats: ClassVar[Sequence[str]] = FILES


@command
def export(
    session: Session,
    period: PeriodOptions,
    scope: ScopeOptions,
    filters: FilterOptions,
    common: FileOptions,
    output: Out = None,
    exact: Exact = False,
) -> Output:
    """Export entries as CSV, JSON, JSON lines or xlsx, oldest first (default: everyone's, of all time)."""
    deliberate(session)
    form = _form(common, output, exact)
    columns = fields.picked(common.wanted())
    selection, _ = choose(session, period, scope, filters, "ever", "everyone")
    target = _target(session, output, selection.period) if output and output not in STDOUT else None
    if selection.period == EVER:
        session.warn("No period was given: exporting entries of all time.")
    names = [field.name for field in columns]
    pack: dict[str, Callable[[Sequence[fields.Value]], bytes]] = {
        "csv": lambda cells: text.csv_row(cells, exact),
        "xlsx": workbook.packed,
    }
    spool = _spooled(session, selection, columns, pack.get(form, lambda cells: text.json_row(names, cells)))

    def write(out: BinaryIO) -> None:
        _write(session, out, spool, names, form)

    if target is None:
        return Output(None, Bytes(write))
    try:
        with replacing(target) as file:
            write(file)
    except OSError as fault:
        kept = " The existing file is unchanged." if target.is_file() else ""
        told = f"{target} cannot be written: {fault.strerror}.{kept}"
        raise ConfigError(told, "Check the free disk space and the permissions.") from fault
    sums = spool.sums()
    worked, billable = format_minutes(sums.worked), format_minutes(sums.billable)
    session.note(f"Wrote {counted(sums.entries, 'entry')} to {target}: {worked} worked, {billable} billable.")
    return Output(None, Bytes(lambda out: None))


def _spooled(
    session: Session,
    selection: Selection,
    columns: Sequence[fields.Field],
    pack: Callable[[Sequence[fields.Value]], bytes],
) -> Spool:
    """The rows of the matching entries, as they come from the server. Running timers are left out, with a warning."""
    zone = session.zone

    def put(spool: Spool, entry: "Entry", meant: bool) -> None:
        running = entry.ended_at is None
        row = pack([field.value(entry, zone) for field in columns]) if meant and not running else None
        spool.add(entry, row, meant and running, _person(entry), _work_item(entry, session.cache))

    spool = spooled(session.client, selection, zone, session.warn, put)
    sums = spool.sums()
    if not sums.entries:
        session.warn("Nothing to export: no finished entry matches.")
    if count := sums.running + _kept_here(session, selection):
        session.warn(f"{counted(count, 'running timer')} left out: a timer's time is recorded when it stops.")
    mention(session)
    return spool


def _person(entry: "Entry") -> GroupName:
    name = entry.user_name or entry.user_id or ""
    return group(entry.user_id, name)


def _work_item(entry: "Entry", cache: "ServerCache") -> GroupName:
    """The work item's id, with its number where that is known."""
    number, title = cache.tickets.get(entry.work_item_id or "", [""])[0], entry.work_item_title
    name = " ".join(filter(None, (number, title))) or entry.work_item_id or entry.work_item_type or ""
    return group(entry.work_item_id, name)


def _form(common: FileOptions, output: str | None, exact: bool) -> str:
    named = {"": "csv", ".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx"}
    suffix = "" if output in STDOUT else Path(output or "").suffix.lower()
    form = "json" if common.json else common.form or named.get(suffix)
    if form is None or output == "":
        raise UsageError(f"Unknown format '{suffix}'.", f"Choose from: {', '.join(FILES)}; or use -f.")
    if (form == "xlsx" or exact) and at_terminal() and (output is None or output in STDOUT):
        raise UsageError(
            f"{'xlsx' if form == 'xlsx' else '--exact'} cannot be written to a terminal.", "Give a file: -o FILE"
        )
    return form


def _target(session: Session, output: str, period: Period) -> Path:
    """The output file, with the days of the period in its name. Raises UsageError."""
    values = {"from": period.first, "to": period.last, "date": local_date(session.now(), session.zone)}
    for name, day in values.items():
        if day is None and f"{{{name}}}" in output:
            raise UsageError(f"{{{name}}} has no value: the period is open-ended.", "Choose a period: --last-month")
        output = output.replace(f"{{{name}}}", str(day))
    if unknown := re.search(r"\{\w*\}", output):
        raise UsageError(f"Unknown {unknown[0]} in the file's name.", "Choose from: {from} {to} {date}")
    try:
        path = Path(output).expanduser()
    except RuntimeError:  # no such user
        raise UsageError(f"{output} is no place for a file.", "Give a file: -o FILE") from None
    if path.is_dir():
        raise UsageError(f"{path} is a directory.", f"Give a file: -o {quote(f'{path}/time.csv')}")
    return path


def _kept_here(session: Session, asked: Selection) -> bool:
    """Whether the timer that runs on this computer matches the filters."""
    here = session.timer.here()
    other_type = here is not None and asked.work_item_type not in (None, here.work_item.type)
    if here is None or other_type or asked.statuses or asked.billable is not None:
        return False
    start, end = asked.period.bounds(session.zone)
    wanted = (asked.user_ids, asked.work_item_ids, asked.service_ids)
    its = (session.cache.user_id, here.work_item.id, here.service_id)
    within = (not start or here.started_at >= start) and (not end or here.started_at < end)
    return within and all(not want or have in want for want, have in zip(wanted, its, strict=True))


def _write(session: Session, out: BinaryIO, spool: Spool, names: Sequence[str], form: str) -> None:
    match form:
        case "csv":
            text.write_csv(out, spool, names)
        case "json":
            text.write_json(out, spool)
        case "jsonl":
            text.write_jsonl(out, spool)
        case "xlsx":
            if cut := workbook.write_xlsx(out, spool, names):
                session.warn(f"{counted(cut, 'text')} cut to the {workbook.LONGEST} characters of an Excel cell.")
