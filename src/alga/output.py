"""The only printer: results to stdout; errors, warnings and notes to stderr. All text is made plain."""

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from alga.errors import AlgaError, Interrupted, UsageError

if TYPE_CHECKING:
    from rich.box import Box
    from rich.table import Table as RichTable

FORMATS = ("table", "json", "jsonl", "ids")
# What could move a cursor, change a colour, end a line or reverse the reading order.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BLANK = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
_NARROW, _GAP, _LEAST = 80, 3, 8


@dataclass(frozen=True)
class Head:
    """A column's heading; one column takes the room that is left."""

    name: str
    right: bool = False
    wide: bool = False
    most: int | None = None  # characters in a terminal; through a pipe nothing is cut


@dataclass(frozen=True)
class Line:
    """A row of a table: plain, dim (a heading), or marked (the running timer)."""

    cells: Sequence[str] = ()
    style: str = ""


@dataclass(frozen=True)
class Table:
    """A listing as text: a title, headings, rows, and a line when there are none."""

    title: str
    heads: Sequence[Head]
    lines: Sequence[Line]
    empty: str = "Nothing."


@dataclass(frozen=True)
class Shown:
    """What a command returns: data for JSON, and the same for people."""

    data: Any
    text: str | Table
    exit_code: int = 0


@dataclass(frozen=True)
class Format:
    """How to print it: --format, --json and --fields."""

    name: str = "table"
    fields: Sequence[str] = field(default=())

    @property
    def machine(self) -> bool:
        """For a program to read."""
        return self.name in ("json", "jsonl")


def chosen(name: str | None, as_json: bool, fields: str | None) -> Format:
    """The format asked for. Raises UsageError for one there is not."""
    if name is not None and name not in FORMATS:
        raise UsageError(f"There is no format '{name}'.", f"There is: {', '.join(FORMATS)}")
    if as_json and name not in (None, "json"):
        raise UsageError(f"--json and --format {name} exclude each other.")
    wanted = [part.strip() for part in (fields or "").split(",") if part.strip()]
    return Format("json" if as_json else name or "table", wanted)


# --- plain text -----------------------------------------------------------------------------------


def plain(text: str) -> str:
    """One line without anything that drives a terminal: blanks for line ends and tabs, � for other controls."""
    return _CONTROL.sub("\ufffd", _BLANK.sub(" ", text))


def as_json(data: object, indent: int | None = 2) -> str:
    """JSON that reads back the same, with whatever could drive a terminal escaped."""
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    return _CONTROL.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)


# --- results --------------------------------------------------------------------------------------


def show(shown: Shown, form: Format) -> None:
    """Print a command's result to stdout."""
    data = _picked(shown.data, form.fields) if form.fields else shown.data
    match form.name:
        case "json":
            _print(as_json(data))
        case "jsonl":
            _print_lines([as_json(row, indent=None) for row in _rows(data)])
        case "ids":
            _print_lines([plain(str(row["id"])) for row in _rows(shown.data) if row.get("id")])
        case _:
            _print_text(_of_fields(_rows(data), form.fields) if form.fields else shown.text)


def _print_text(text: str | Table) -> None:
    if isinstance(text, Table):
        _print_table(text)
    elif text:
        _print_lines([_folded(plain(line), sys.stdout) for line in text.split("\n")])


def _print_lines(lines: Sequence[str]) -> None:
    if lines:
        _print("\n".join(lines))


def _rows(data: Any) -> list[Mapping[str, Any]]:
    return list(data) if isinstance(data, list) else [] if data is None else [data]


def _picked(data: Any, fields: Sequence[str]) -> Any:
    known = _rows(data)[0] if _rows(data) else None
    for name in fields:
        if known is not None and name not in known:
            told = f"There is no field '{name}'. The command was carried out; only its output is missing."
            raise UsageError(told, f"There is: {', '.join(known)}")
    picked = [{name: row[name] for name in fields} for row in _rows(data)]
    return picked if isinstance(data, list) or data is None else picked[0]


def _of_fields(rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> Table:
    cells = [Line(["" if row[name] is None else str(row[name]) for name in fields]) for row in rows]
    return Table("", [Head(name.upper(), wide=name == "notes") for name in fields], cells)


# --- messages -------------------------------------------------------------------------------------


def messages(warnings: Sequence[str], notes: Sequence[str]) -> None:
    """Warnings, and for a person notes, to stderr."""
    for sentence in [*warnings, *(notes if sys.stderr.isatty() else ())]:
        _print(_wrapped(sentence), sys.stderr)


def error(fault: AlgaError, form: Format, warnings: Sequence[str] = ()) -> None:
    """What happened, and what to type next; for a program one object, with the warnings in it."""
    if form.machine:
        told: dict[str, Any] = {"error": fault.message, "hint": fault.hint or None, "exit_code": fault.exit_code}
        told |= {"warnings": list(warnings)} if warnings else {}
        _print(as_json(told, indent=None), sys.stderr)
        return
    _print(_wrapped(f"alga: {fault.message}"), sys.stderr)
    if fault.hint:
        _print(_wrapped(fault.hint), sys.stderr)


def interactive() -> bool:
    """Whether there is a person to ask: questions go to stderr, answers come from stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, default: bool, otherwise: str, above: Sequence[str] = ()) -> bool:
    """Ask in a terminal. Without one raises UsageError, which says what to type `otherwise`."""
    if not interactive():
        raise UsageError(f"{question} There is no terminal to ask in. Nothing was changed.", otherwise)
    while True:
        answer = ask(f"{question} [{'Y/n' if default else 'y/N'}]", above).lower()
        if answer in ("", "y", "yes", "n", "no"):
            return default if not answer else answer.startswith("y")


def ask(question: str, above: Sequence[str] = ()) -> str:
    """A line typed by the person at the terminal, under what it is about; stdout stays clean."""
    sys.stderr.write("".join(f"{plain(line)}\n" for line in above) + plain(question) + " ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise Interrupted("Interrupted: no answer. Nothing was changed.")
    return answer.strip()


def _wrapped(sentence: str) -> str:
    return _folded(plain(sentence), sys.stderr)


def _folded(line: str, stream: TextIO) -> str:
    """A line of text between words, where a terminal would break it within one."""
    if not stream.isatty() or len(line) <= (width := shutil.get_terminal_size().columns):
        return line
    said, command, typed = line.partition(" Try: ")
    if command:  # a command to paste stays on one line
        return f"{_folded(said, stream)}\n{_folded(f'Try: {typed}', stream)}"
    return "\n".join(textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False))


def _print(text: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    try:
        stream.write(text + "\n")
    except UnicodeEncodeError:  # a terminal that knows fewer characters
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


# --- tables ---------------------------------------------------------------------------------------


def _print_table(table: Table) -> None:
    if table.title:
        _print(plain(table.title))
    if not table.lines:
        _print(table.empty)
        return
    from rich.console import Console

    terminal = sys.stdout.isatty()
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    drawn, width = _drawn(table, terminal)
    console = Console(
        width=width,
        color_system="standard" if colour else None,
        force_terminal=colour,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(drawn)
    _print_lines([line.rstrip() for line in capture.get().splitlines()])


def _drawn(table: Table, terminal: bool) -> "tuple[RichTable, int]":
    """The table as rich draws it, and how wide it is."""
    from rich.table import Table as RichTable
    from rich.text import Text

    cells = [[Text(plain(cell), style=line.style) for cell in line.cells] for line in table.lines]
    widths = _widths(table.heads, [[cell.cell_len for cell in row] for row in cells], terminal)
    tight = terminal and sum(widths) + _GAP * (len(widths) - 1) > shutil.get_terminal_size().columns
    padding = (0, 1, 0, 0) if tight else (0, 1)
    drawn = RichTable(box=_box(), show_edge=False, pad_edge=False, padding=padding, header_style="dim")
    for head, width in zip(table.heads, widths, strict=True):
        drawn.add_column(
            Text(head.name),
            justify="right" if head.right else "left",
            width=width,
            no_wrap=True,
            overflow="ellipsis" if _unicode() else "crop",
            style="dim" if head.name == "ID" else "",
        )
    for row in cells:
        drawn.add_row(*row)
    return drawn, sum(widths) + _GAP * len(widths)


def _box() -> "Box":
    """Nothing but a rule under the heads."""
    from rich.box import Box

    rule = "\u2500" if _unicode() else "-"
    return Box(f"    \n    \n {rule}{rule} \n    \n    \n    \n    \n    \n", ascii=not _unicode())


def _widths(heads: Sequence[Head], rows: Sequence[Sequence[int]], terminal: bool) -> list[int]:
    """Each column as wide as its widest cell. A terminal's width is kept to; through a pipe nothing is cut."""
    widths = [max([len(head.name), *(row[n] for row in rows if row)]) for n, head in enumerate(heads)]
    gaps = _GAP * (len(widths) - 1)
    if not terminal:
        rest = _NARROW - sum(widths) - gaps
        return [width + max(0, rest) if head.wide else width for width, head in zip(widths, heads, strict=True)]
    widths = [min(width, head.most or width) for width, head in zip(widths, heads, strict=True)]
    total = shutil.get_terminal_size().columns
    for n, head in enumerate(heads):
        if head.wide:
            widths[n] = max(total - gaps - sum(widths) + widths[n], _LEAST)
    flexible = [n for n, head in enumerate(heads) if head.most]
    while sum(widths) + gaps > total and any(widths[n] > _LEAST for n in flexible):
        widths[max(flexible, key=lambda n: widths[n])] -= 1
    return widths


def _unicode() -> bool:
    """Whether the locale is one that shows a drawn rule: not C, where cron runs."""
    where = os.environ.get("LC_ALL") or os.environ.get("LANG") or "" if os.name == "posix" else sys.stdout.encoding
    return "utf" in where.lower()
