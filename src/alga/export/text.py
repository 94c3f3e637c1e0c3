"""Exports as text: CSV that a spreadsheet opens without running it, JSON, and JSON lines."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, BinaryIO

from alga.export.rows import Field, as_text
from alga.plain import as_json, guarded, plain_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

    from alga.api.models import TimeEntry


def write_csv(out: BinaryIO, entries: Iterable[TimeEntry], fields: Sequence[Field], zone: tzinfo, exact: bool) -> None:
    """RFC 4180 with a heading. Unless `exact`, text that a spreadsheet runs or a terminal obeys is made harmless."""
    text = io.TextIOWrapper(out, encoding="utf-8", errors="replace", newline="")
    writer = csv.writer(text)
    writer.writerow([field.name for field in fields])
    for entry in entries:
        cells = [as_text(field.value(entry, zone)) for field in fields]
        writer.writerow(cells if exact else [_harmless(cell) for cell in cells])
    text.flush()
    text.detach()


def _harmless(cell: str | int | None) -> str | int | None:
    if not isinstance(cell, str):
        return cell
    return plain_lines(guarded(cell))


def write_jsonl(out: BinaryIO, entries: Iterable[TimeEntry], fields: Sequence[Field], zone: tzinfo) -> None:
    """An object a line."""
    for entry in entries:
        out.write(f"{_object(entry, fields, zone)}\n".encode())


def write_json(out: BinaryIO, entries: Iterable[TimeEntry], fields: Sequence[Field], zone: tzinfo) -> None:
    """One array, an object a line."""
    before = "[\n "
    for entry in entries:
        out.write(f"{before}{_object(entry, fields, zone)}".encode())
        before = ",\n "
    out.write(b"[]\n" if before == "[\n " else b"\n]\n")


def _object(entry: TimeEntry, fields: Sequence[Field], zone: tzinfo) -> str:
    return as_json({field.name: as_text(field.value(entry, zone)) for field in fields}, indent=None)
