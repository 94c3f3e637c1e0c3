"""The only module that prints: results to stdout; errors, warnings and notes to stderr. All text is made harmless."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TextIO

from alga.core.errors import AlgaError, Interrupted, UsageError
from alga.core.files import MOST_INPUT, bounded
from alga.core.safe_text import as_json, plain
from alga.outbox import results
from alga.ui import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

LITTLE = 50  # up to this number no progress is shown


class Output(NamedTuple):
    """The output of a command: data for JSON, the same as text for people, and the exit code."""

    data: Any
    text: str | tables.Table | Bytes | Callable[[], str | tables.Table]  # a function if it is expensive
    exit_code: int = 0


class Bytes(NamedTuple):
    """A result that is a file's content, whatever the format: `write` puts it into a binary stream."""

    write: Callable[[BinaryIO], object]


class Format(NamedTuple):
    """How to print a result: --format, --json and --fields."""

    name: str = "table"
    fields: Sequence[str] = ()

    @property
    def machine(self) -> bool:
        """Whether the output is for a program."""
        return self.name in ("json", "jsonl")


# --- results --------------------------------------------------------------------------------------


def show(shown: Output, form: Format) -> None:
    """Print a command's result to stdout."""
    if isinstance(shown.text, Bytes):
        shown.text.write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    data = shown.data
    if form.fields:
        if unknown := _unknown(data, form.fields):
            if is_write(data):  # the result of a write is always shown
                show(shown, form._replace(fields=()))
            raise unknown
        data = _picked(data, form.fields)
    match form.name:
        case "json":
            _print_data([as_json(data)], sys.stdout)
        case "jsonl":
            _print_data([as_json(row, indent=None) for row in _rows(data)], sys.stdout)
        case "ids":
            _print_data([plain(str(row["id"])) for row in _named(_rows(shown.data))], sys.stdout)
        case _:
            _print_text(_of_fields(_rows(data), form.fields) if form.fields else shown.text)


def _print_text(text: str | tables.Table | Bytes | Callable[[], str | tables.Table]) -> None:
    text = text() if callable(text) else text
    if isinstance(text, str):
        _print_lines([_folded(plain(line), sys.stdout) for line in text.split("\n")] if text else [])
    elif isinstance(text, tables.Table):
        _print_lines(tables.drawn(text, sys.stdout, _folded))


def _print_data(lines: Sequence[str], stream: TextIO) -> None:
    """Lines for a program: UTF-8, whatever the console's encoding."""
    stream.flush()
    stream.buffer.write("".join(f"{line}\n" for line in lines).encode())
    stream.buffer.flush()


def _print_lines(lines: Sequence[str], stream: TextIO | None = None) -> None:
    if lines:
        _print("\n".join(lines), stream)


def is_write(data: Any) -> bool:
    """Whether the data is the result of a write."""
    return any("delivery" in row for row in _rows(data)) or (isinstance(data, dict) and "started" in data)


def _rows(data: Any) -> list[Mapping[str, Any]]:
    return list(data) if isinstance(data, list) else [] if data is None else [data]


def _named(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows with an id; of outcomes only the successful ones, for use in a pipe. Raises UsageError."""
    if rows and not any("id" in row for row in rows):
        raise UsageError("This output has no ids.", "Choose another format: table, json or jsonl.")
    return [row for row in rows if row.get("id") and row.get("outcome") not in results.NOT_DONE]


def _unknown(data: Any, fields: Sequence[str]) -> UsageError | None:
    known = next(iter(_rows(data)), dict.fromkeys(fields))
    wrong = next((name for name in fields if name not in known), None)
    shown = ", so all fields are shown" if "delivery" in known else ""
    return UsageError(f"Unknown field '{wrong}'{shown}.", f"Choose from: {', '.join(known)}") if wrong else None


def _picked(data: Any, fields: Sequence[str]) -> Any:
    picked = [{name: row[name] for name in fields} for row in _rows(data)]
    return picked if isinstance(data, list) or data is None else picked[0]


def _of_fields(rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> tables.Table:
    cells = [tables.Line(["" if row[name] is None else str(row[name]) for name in fields]) for row in rows]
    return tables.Table("", [tables.Head(name.upper(), wide=name == "notes") for name in fields], cells)


# --- messages -------------------------------------------------------------------------------------


def messages(warnings: Sequence[str], notes: Sequence[str]) -> None:
    """Print warnings to stderr, and notes too if stderr is a terminal."""
    for sentence in [*warnings, *(notes if sys.stderr.isatty() else ())]:
        _print(_wrapped(sentence), sys.stderr)


def say(sentence: str) -> None:
    """Print a sentence to stderr at once, if a person reads there: while a command waits."""
    if sys.stderr.isatty():
        _print(_wrapped(sentence), sys.stderr)


def error(fault: AlgaError, form: Format, warnings: Sequence[str] = ()) -> None:
    """Print what happened and what to type next to stderr; for a program as one JSON object, with the warnings."""
    if form.machine:
        told: dict[str, Any] = {"error": fault.message, "hint": fault.hint or None, "exit_code": fault.exit_code}
        told |= {"details": list(fault.details)} if fault.details else {}
        told |= {"warnings": list(warnings)} if warnings else {}
        _print_data([as_json(told, indent=None)], sys.stderr)
        return
    lines = [f"alga: {fault.message}", *fault.details, *fault.hint.split("\n")]
    if not (sys.stderr.isatty() or fault.details):  # one line for a log, or for the mail of a cron job
        hint = f"Try: {fault.hint}" if fault.hint.startswith("alga ") else fault.hint.replace("\n", "   ")
        lines = [f"{lines[0]} {hint}".rstrip()]
    for line in filter(None, lines):
        _print(_wrapped(line), sys.stderr)


def interactive() -> bool:
    """Whether a person can be asked: questions go to stderr, answers come from stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def at_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def confirm(question: str, default: bool, otherwise: str, above: Sequence[str] | tables.Table = ()) -> bool:
    """Ask a yes-or-no question in a terminal, below the lines or table `above`.

    Raises UsageError without a terminal, with `otherwise` as the hint, and Interrupted without an answer."""
    if not interactive():
        raise UsageError(f"{question} There is no terminal to ask in. Nothing was changed.", otherwise)
    if isinstance(above, tables.Table):
        _print_lines(tables.drawn(above, sys.stderr, _folded), sys.stderr)
    else:
        _print_lines([_wrapped(line) for line in above], sys.stderr)
    asked = f"{question} [{'Y/n' if default else 'y/N'}]"
    while True:
        answer = ask(asked).lower()
        asked = f"y or n? {asked.removeprefix('y or n? ')}"
        if answer in ("", "y", "yes", "n", "no"):
            return default if not answer else answer.startswith("y")


def ask(question: str, above: Sequence[str] = ()) -> str:
    """A line typed at the terminal, asked for below the lines `above`; stdout stays clean. Raises Interrupted."""
    sys.stderr.write("".join(f"{_wrapped(line)}\n" for line in above) + _wrapped(question) + " ")
    sys.stderr.flush()
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        raise
    except UnicodeDecodeError:
        raise UsageError("The answer is not valid UTF-8 text. Nothing was changed.") from None
    if not answer:
        sys.stderr.write("\n")
        raise Interrupted("Interrupted: no answer. Nothing was changed.")
    return answer.strip()


def watch(drawn: Callable[[], Sequence[str]], sleep: Callable[[float], None]) -> None:
    """Show lines in a terminal and draw them again every second, until Ctrl-C. Raises UsageError without one."""
    if not at_terminal():
        raise UsageError("--watch needs a terminal.", "For scripts: alga status --json")
    above = ""
    with suppress(KeyboardInterrupt):
        while True:
            width = shutil.get_terminal_size().columns
            lines = [plain(each)[:width] for each in drawn()]
            sys.stdout.write(above + "".join(f"{each}\x1b[K\n" for each in lines))
            sys.stdout.flush()
            above = f"\x1b[{len(lines)}F"
            sleep(1)


def read_stdin() -> bytes:
    """All of standard input. Raises OSError when it is larger than a file may be."""
    return bounded(sys.stdin.buffer, MOST_INPUT, "standard input")


@contextmanager
def progress(doing: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress line in a terminal (done of total), which is erased at the end."""
    said = ""

    def tell(done: int) -> None:
        nonlocal said
        if total > LITTLE and sys.stderr.isatty():
            said = f"{doing} {done} of {total}"
            sys.stderr.write(f"\r{said}")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if said:
            sys.stderr.write(f"\r{' ' * len(said)}\r")
            sys.stderr.flush()


def _wrapped(sentence: str) -> str:
    return _folded(plain(sentence), sys.stderr)


def _folded(line: str, stream: TextIO) -> str:
    """A line of text, wrapped between words where a terminal would break it inside a word."""
    if not stream.isatty() or len(line) <= (width := shutil.get_terminal_size().columns):
        return line
    if line.startswith(("alga ", "Try: alga ")):  # a command to paste stays on one line, however long
        return line
    if command := re.search(r" Try: |(?<=[:?]) (?=alga \w)", line):
        said, typed = line[: command.start()], line[command.end() :]
        return f"{_folded(said, stream)}\n{'Try: ' if command[0].strip() else ''}{typed}"
    return "\n".join(textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False))


def _print(text: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    try:
        stream.write(text + "\n")
    except UnicodeEncodeError:  # a terminal that knows fewer characters
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()
