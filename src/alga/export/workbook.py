"""Exports as an Excel workbook: real dates and numbers, text as text, and a second sheet with sums."""

from __future__ import annotations

import pickle
from datetime import date, datetime
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from alga.core.errors import UsageError
from alga.core.safe_text import plain_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alga.export.fields import Value
    from alga.export.spool import Spool

MOST_ROWS = 1_048_575  # of a sheet, below the heading
LONGEST = 32_767  # characters in a cell
WIDTHS = {"work_date": 11, "duration_minutes": 10, "billable_minutes": 10, "notes": 60}
MADE = datetime(2026, 1, 1)  # the same entries give the same bytes
_NO_XML = str.maketrans({"\ufffe": "\ufffd", "\uffff": "\ufffd"})


def packed(cells: Sequence[Value]) -> bytes:
    """A row as the spool keeps it: a date stays a date."""
    return pickle.dumps(cells, pickle.HIGHEST_PROTOCOL)


def unpacked(row: bytes) -> Sequence[Value]:
    """The cells again."""
    cells: Sequence[Value] = pickle.loads(row)  # alga's own data, from a file that nobody else opens
    return cells


def write_xlsx(out: BinaryIO, spool: Spool, names: Sequence[str]) -> int:
    """Write the workbook in constant memory. Returns how many texts were cut to the size of an Excel cell.

    Raises UsageError for more rows than a sheet can hold.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    if spool.sums().entries > MOST_ROWS:
        raise UsageError(
            f"An Excel sheet holds {MOST_ROWS} rows, and there are more entries.", "Export csv, or fewer days."
        )
    with TemporaryFile() as whole:  # writing a workbook seeks, which a pipe cannot
        book = Workbook(whole, {"constant_memory": True})
        book.set_properties({"title": "Time entries", "created": MADE})
        sheet = _fill(book, spool, names)
        try:
            book.close()
        except FileCreateError as fault:
            raise fault.args[0] from None  # the OSError it was
        whole.seek(0)
        copyfileobj(whole, out)
    return sheet.cut


def _fill(book: Any, spool: Spool, names: Sequence[str]) -> _Sheet:
    sheet = _Sheet(book, "Entries", names)
    for row in spool:
        sheet.add(unpacked(row))
    minutes = ("entries", "duration_minutes", "billable_minutes")
    totals = _Sheet(book, "Sums", ["person", "work_item", *minutes, "user_id", "work_item_id"])
    for person, item, sums in spool.groups():
        totals.add([person.name, item.name, sums.entries, sums.worked, sums.billable, person.id, item.id])
    total = spool.sums()
    totals.add(["Total", "", total.entries, total.worked, total.billable])
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
