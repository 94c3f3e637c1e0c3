"""Exports as an Excel workbook: real dates and numbers, text as text, and a second sheet with sums."""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from alga.errors import UsageError
from alga.plain import plain_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alga.api.models import TimeEntry
    from alga.export.rows import Field, Value

MOST_ROWS = 1_048_575  # of a sheet, below the heading
LONGEST = 32_767  # characters in a cell
WIDTHS = {"work_date": 11, "duration_minutes": 10, "billable_minutes": 10, "notes": 60}
MADE = datetime(2026, 1, 1)  # the same entries give the same bytes
_NO_XML = str.maketrans({"\ufffe": "\ufffd", "\uffff": "\ufffd"})


def write_xlsx(out: BinaryIO, entries: Sequence[TimeEntry], fields: Sequence[Field], zone: tzinfo) -> int:
    """Write the workbook in constant memory; how many texts were cut because Excel's cells are no longer.

    Raises UsageError for more rows than a sheet has.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    if len(entries) > MOST_ROWS:
        raise UsageError(f"A sheet has {MOST_ROWS} rows, and there are more entries.", "Export csv, or fewer days.")
    with TemporaryFile() as whole:  # it seeks, which a pipe does not
        book = Workbook(whole, {"constant_memory": True})
        book.set_properties({"title": "Time entries", "created": MADE})
        sheet = _fill(book, entries, fields, zone)
        try:
            book.close()
        except FileCreateError as fault:
            raise fault.args[0] from None  # the OSError it was
        whole.seek(0)
        copyfileobj(whole, out)
    return sheet.cut


def _fill(book: Any, entries: Sequence[TimeEntry], fields: Sequence[Field], zone: tzinfo) -> _Sheet:
    sheet = _Sheet(book, "Entries", [field.name for field in fields])
    sums: dict[tuple[str, str], list[int]] = {}
    for entry in entries:
        sheet.add([field.value(entry, zone) for field in fields])
        person = entry.user_name or entry.user_id or ""
        item = entry.work_item_title or entry.work_item_id or entry.work_item_type or ""
        total = sums.setdefault((person, item), [0, 0, 0])
        for n, minutes in enumerate((1, entry.duration_minutes, entry.billable_minutes or 0)):
            total[n] += minutes
    totals = _Sheet(book, "Sums", ["person", "work_item", "entries", "duration_minutes", "billable_minutes"])
    for (person, item), numbers in sorted(sums.items()):
        totals.add([person, item, *numbers])
    totals.add(["Total", "", *map(sum, zip(*sums.values(), strict=True))] if sums else ["Total", "", 0, 0, 0])
    for each in (sheet, totals):
        each.finish()
    return sheet


class _Sheet:
    """A sheet with a frozen heading and filters, written row by row."""

    def __init__(self, book: Any, name: str, heads: Sequence[str]) -> None:
        self._sheet, self._rows, self._heads, self.cut = book.add_worksheet(name), 0, heads, 0
        self._date, self._time = (book.add_format({"num_format": form}) for form in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm"))
        bold = book.add_format({"bold": True})
        self._sheet.freeze_panes(1, 0)
        for column, head in enumerate(heads):
            self._sheet.set_column(column, column, WIDTHS.get(head, 18))
            self._sheet.write_string(0, column, head, bold)

    def add(self, values: Sequence[Value]) -> None:
        """A row."""
        self._rows += 1
        for column, value in enumerate(values):
            self._write(column, value)

    def _write(self, column: int, value: Value) -> None:
        if isinstance(value, int):
            self._sheet.write_number(self._rows, column, value)
        elif isinstance(value, datetime):
            self._sheet.write_datetime(self._rows, column, value.replace(tzinfo=None), self._time)
        elif isinstance(value, date):
            self._sheet.write_datetime(self._rows, column, datetime(value.year, value.month, value.day), self._date)
        elif value:
            text = plain_lines(value).translate(_NO_XML)
            self.cut += len(text) > LONGEST
            self._sheet.write_string(self._rows, column, text[:LONGEST])

    def finish(self) -> None:
        """Put filters over all of it."""
        self._sheet.autofilter(0, 0, self._rows, len(self._heads) - 1)
