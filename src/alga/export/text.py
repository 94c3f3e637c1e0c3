"""Exports as text: CSV that a spreadsheet opens without running it, JSON, and JSON lines."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, BinaryIO

from alga.core.safe_text import as_json, guarded, plain_lines
from alga.export.fields import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alga.export.fields import Value


def csv_row(cells: Sequence[Value], exact: bool) -> bytes:
    """A CSV row (RFC 4180). Unless `exact`, text that a spreadsheet or terminal would execute is made harmless."""
    text = io.StringIO(newline="")
    shown = map(as_text, cells)
    csv.writer(text).writerow(shown if exact else map(_harmless, shown))
    return text.getvalue().encode("utf-8", "replace")


def _harmless(cell: str | int | None) -> str | int | None:
    if not isinstance(cell, str):
        return cell
    return plain_lines(guarded(cell))


def json_row(names: Sequence[str], cells: Sequence[Value]) -> bytes:
    """A JSON object on one line."""
    return as_json(dict(zip(names, map(as_text, cells), strict=True)), indent=None).encode()


def write_csv(out: BinaryIO, rows: Iterable[bytes], names: Sequence[str]) -> None:
    """Write CSV with a heading."""
    out.write(csv_row(names, exact=True))
    out.writelines(rows)


def write_jsonl(out: BinaryIO, rows: Iterable[bytes]) -> None:
    """Write JSON lines: one object on each line."""
    out.writelines(row + b"\n" for row in rows)


def write_json(out: BinaryIO, rows: Iterable[bytes]) -> None:
    """Write a JSON array, with one object on each line."""
    before = b"[\n "
    for row in rows:
        out.write(before + row)
        before = b",\n "
    out.write(b"[]\n" if before == b"[\n " else b"\n]\n")
