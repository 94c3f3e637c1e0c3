"""Files of rows: CSV, JSON or JSON lines, as records with their line numbers."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from alga.core.errors import UsageError
from alga.core.safe_text import MOST_BRACKETS, unguarded
from alga.outbox.results import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LONGEST_CELL = 10_000_000
MOST_ROWS = 100_000  # each takes memory until the result is printed
SEPARATORS = ",;\t"
_SEP = re.compile(r"(sep=(.)\r?\n)", re.IGNORECASE)
ID = ("id", "entry_id")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class FileRow:
    """A row as text by column; empty cells are left out."""

    place: Place
    values: Mapping[str, str]
    csv: bool = False

    def text(self, name: str, known: str | None = None) -> str | None:
        """A cell; in an exported CSV without the ' that keeps a spreadsheet from running it as a formula.

        A row with an id counts as exported; text that equals `known` is left unchanged.
        """
        cell = self.values.get(name)
        marked = cell is not None and self.csv and bool(set(ID) & set(self.values)) and cell != known
        return unguarded(cell) if cell and marked else cell


@dataclass(frozen=True)
class Fault:
    """A fault of a row: its place, the column and a sentence."""

    place: Place
    column: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}{f' {self.column}' if self.column else ''}: {self.message}"


@dataclass(frozen=True)
class FileRows:
    """A file's rows, the faults of unreadable rows, and the place where each column first appears."""

    records: Sequence[FileRow]
    faults: Sequence[Fault]
    columns: Mapping[str, Place]


def read(file: str, content: bytes) -> FileRows:
    """The rows of a file. Raises UsageError, with the line, for a file that cannot be read."""
    text = decoded(file, content)
    if text.count("{") + text.count("[") > MOST_BRACKETS:
        raise UsageError(f"{file} has too many values. Nothing was sent.", "Split it into smaller files.")
    columns: dict[str, Place] = {}
    rows = _json_rows(file, text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(file, text, columns)
    records, faults = list[FileRow](), list[Fault]()
    for number, row in enumerate(rows, 1):
        if number > MOST_ROWS:
            told = f"{file} has more than {MOST_ROWS:,} rows. Nothing was sent."
            raise UsageError(told, "Split it into smaller files.")
        row = replace(row, place=row.place._replace(row=number))
        if isinstance(row, Fault):
            faults.append(row)
        else:
            records.append(row)
            for name in row.values:
                columns.setdefault(name, row.place)
    return FileRows(records, faults, columns)


def decoded(file: str, content: bytes) -> str:
    """The file's text: UTF-8 with or without a byte order mark, or UTF-16 with one. Raises UsageError."""
    try:
        text = content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise UsageError(f"{file}, line {line}: not UTF-8 text. Nothing was sent.", "Save it as UTF-8.") from None
    if "\0" in text:
        raise UsageError(f"{file} is not a text file. Nothing was sent.", "Save it as CSV in UTF-8.")
    return text


def normal(name: str) -> str:
    """A column's name as it is compared: `Started At` is `started_at`."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


# --- CSV ------------------------------------------------------------------------------------------


def _separator(header: str) -> str:
    return max(SEPARATORS, key=header.count)


def headings(header: str) -> list[str]:
    """The column names if the line were a heading."""
    return [normal(cell) for cell in next(csv.reader([header], delimiter=_separator(header)), [])]


def _csv_rows(file: str, text: str, named: dict[str, Place]) -> Iterator[FileRow | Fault]:
    csv.field_size_limit(LONGEST_CELL)
    if said := _SEP.match(text):  # as Excel writes it
        text = text[: said.start(1)] + text[said.end(1) :]
    header = next((line for line in text.splitlines() if line.strip()), "")
    separator = said[2] if said else _separator(header)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns: list[str] = []
    line = 1
    try:
        for cells in reader:
            place, line = Place(file, line), reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _checked_headings(place, [normal(cell) for cell in cells])
                named |= dict.fromkeys(columns, place)
            elif len(cells) != len(columns):
                yield Fault(place, "", f"the row has {len(cells)} cells, but the heading has {len(columns)}.")
            else:
                said_by = zip(columns, cells, strict=True)
                yield FileRow(place, {name: cell for name, cell in said_by if cell.strip()}, csv=True)
    except csv.Error as fault:
        raise UsageError(f"{file}, line {reader.line_num}: {fault}. Nothing was sent.", "Is a quote missing?") from None


def _checked_headings(place: Place, columns: list[str]) -> list[str]:
    for number, name in enumerate(columns, 1):
        if not name:
            raise UsageError(f"{place}: column {number} has no heading. Nothing was sent.")
        if columns.count(name) > 1:
            raise UsageError(f"{place}: there are two columns '{name}'. Nothing was sent.")
    return columns


# --- JSON -----------------------------------------------------------------------------------------


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as pairs, with duplicate keys kept."""


def _json_rows(file: str, text: str) -> Iterator[FileRow | Fault]:
    for line, value in _json_values(file, text):
        place = Place(file, line)
        if isinstance(value, str):
            yield FileRow(place, {"id": value})
        elif isinstance(value, _Pairs):
            yield _record(place, value)
        else:
            yield Fault(place, "", "the row is not an object with columns.")


def _record(place: Place, pairs: _Pairs) -> FileRow | Fault:
    values: dict[str, str] = {}
    for name, cell in pairs:
        if isinstance(cell, list):
            return Fault(place, name, "the value is not text or a number.")
        if normal(name) in values:
            return Fault(place, name, "the row has this column twice.")
        if cell is not None and cell != "":
            values[normal(name)] = {True: "yes", False: "no"}[cell] if isinstance(cell, bool) else str(cell)
    return FileRow(place, values)


def _json_values(file: str, text: str) -> Iterator[tuple[int, Any]]:
    """Each value of an array, or of a row of values (JSON lines), with its line."""
    decoder, line, seen = json.JSONDecoder(object_pairs_hook=_Pairs), 1, 0
    at = _next(text, 0)
    listed = text[at] == "["
    at = _next(text, at + 1) if listed else at
    while at < len(text) and not (listed and text[at] == "]"):
        line, seen = line + text.count("\n", seen, at), at
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as fault:
            where = line + text.count("\n", at, fault.pos) if isinstance(fault, json.JSONDecodeError) else line
            raise UsageError(f"{file}, line {where}: not valid JSON. Nothing was sent.") from None
        yield line, value
        at = _next(text, end)
        if listed and text[at : at + 1] == ",":
            at = _next(text, at + 1)
        elif listed and text[at : at + 1] != "]":
            raise UsageError(
                f"{file}, line {line + text.count(chr(10), seen, at)}: the list is not closed. Nothing was sent."
            )
    if listed and at >= len(text):
        told = f"{file}, line {line + text.count(chr(10), seen)}: the list is not closed. Nothing was sent."
        raise UsageError(told)
    if listed and text[at + 1 :].strip():
        raise UsageError(f"{file}: unexpected text after the list. Nothing was sent.")


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
