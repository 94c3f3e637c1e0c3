"""Listings as text: fixed widths and one rule under the headings; fitted to a terminal's width, not to a pipe's."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from textwrap import shorten, wrap
from typing import TYPE_CHECKING, TextIO

from alga.core.safe_text import brief, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.box import Box
    from rich.console import Group
    from rich.table import Table as RichTable

_NARROW, _LEAST, _WRAPPED = 80, 8, 20
_STACKED = 60  # columns of a terminal below which a row takes two lines
_PADDED = 40  # through a pipe no cell is padded to more: one long note would widen every line
_LONGEST = 2000  # characters of a cell
_GAPS = (3, 2, 1)


@dataclass(frozen=True)
class Head:
    """A column's heading; a `wide` column takes the remaining width."""

    name: str
    right: bool = False
    wide: bool = False
    most: int | None = None  # most characters in a terminal
    wrap: bool = False  # more lines rather than a cut text
    room: int = 0  # only in a terminal of that many columns


@dataclass(frozen=True)
class Line:
    """A row of a table: plain, dim (a heading), or marked (the running timer)."""

    cells: Sequence[str] = ()
    style: str = ""


@dataclass(frozen=True)
class Table:
    """A listing as text: a title, lines above, headings, rows, lines below; the line `empty` if it has no rows.

    `marked` text is highlighted.
    """

    title: str
    heads: Sequence[Head]
    lines: Sequence[Line]
    empty: str = "Nothing."
    marked: str = ""
    above: Sequence[str] = ()
    below: Sequence[str] = ()


def drawn(table: Table, stream: TextIO, fold: Callable[[str, TextIO], str]) -> list[str]:
    """The table's lines for a stream: in a terminal fitted to its width and, unless NO_COLOR is set, in colour. `fold`
    wraps a sentence.
    """
    above = [fold(plain(table.title), stream)] * bool(table.title) + [plain(each) for each in table.above if each]
    below = [fold(plain(each), stream) for each in table.below]
    if not table.lines:
        return [*above, table.empty, *below]
    columns = shutil.get_terminal_size().columns if stream.isatty() else 0
    table = _with_room(table, columns)
    if not columns:
        return [*above, *_piped(table), *below]
    from rich.console import Console

    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    grid, width = _stacked(table, columns) if columns < _STACKED else _grid(table)
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
        console.print(grid)
    return [*above, *(line.rstrip() for line in capture.get().splitlines()), *below]


def _with_room(table: Table, columns: int) -> Table:
    """The table without the columns for which the terminal is too narrow."""
    kept = [n for n, head in enumerate(table.heads) if head.room <= columns]
    if len(kept) == len(table.heads):
        return table
    lines = [replace(line, cells=[line.cells[n] for n in kept] if line.cells else ()) for line in table.lines]
    return replace(table, heads=[table.heads[n] for n in kept], lines=lines)


def _stacked(table: Table, columns: int) -> tuple[Group, int]:
    """The table for a narrow terminal: of each row as many columns as fit on a line, and below it the others, cut or
    wrapped between words.
    """
    from rich.console import Group
    from rich.text import Text

    rows = [[_cell(cell) for cell in line.cells] for line in table.lines]
    natural = [max([len(head.name), *(len(row[n]) for row in rows if row)]) for n, head in enumerate(table.heads)]
    beside, used = list[int](), -_GAPS[1]
    for n, head in enumerate(table.heads):
        if head.wide or head.wrap or used + _GAPS[1] + natural[n] > columns:
            break
        beside.append(n)
        used += _GAPS[1] + natural[n]
    beside = beside or [0]
    lines = [_beside([head.name for head in table.heads], table.heads, natural, beside)]
    shown = [Text(lines[0], style="dim"), Text(("\u2500" if unicode() else "-") * columns)]
    for line, row in zip(table.lines, rows, strict=True):
        shown.append(Text(_beside(row, table.heads, natural, beside) if row else "", style=line.style))
        rest = [(row[n], head) for n, head in enumerate(table.heads) if row and n not in beside and row[n]]
        shown += [Text(f"  {each}", style=line.style) for each in _below(rest, columns - 2)]
    return Group(*shown), columns


def _beside(cells: Sequence[str], heads: Sequence[Head], widths: Sequence[int], chosen: Sequence[int]) -> str:
    padded = [cells[n].rjust(widths[n]) if heads[n].right else cells[n].ljust(widths[n]) for n in chosen]
    return (" " * _GAPS[1]).join(padded).rstrip()


def _below(rest: Sequence[tuple[str, Head]], columns: int) -> list[str]:
    """The other cells of a row: on one line, whose longest text is cut between words; or wrapped, where all counts."""
    if any(head.wrap for _, head in rest):
        return wrap("  ".join(cell for cell, _ in rest), columns, break_on_hyphens=False)
    texts = [cell for cell, _ in rest]
    over = len("  ".join(texts)) - columns
    if over > 0:
        longest = max(range(len(texts)), key=lambda n: len(texts[n]))
        mark = "\u2026" if unicode() else "~"
        texts[longest] = shorten(texts[longest], max(len(texts[longest]) - over, 1), placeholder=mark)
    return ["  ".join(texts)[:columns]] if texts else []


def _grid(table: Table) -> tuple[RichTable, int]:
    """The table as rich draws it, and how wide it is."""
    from rich.table import Table as RichTable
    from rich.text import Text

    cells = [[Text(_cell(cell), style=line.style) for cell in line.cells] for line in table.lines]
    if table.marked:
        for cell in (cell for row in cells for cell in row):
            cell.highlight_words([table.marked], style="reverse", case_sensitive=False)
    sizes = [[cell.cell_len for cell in row] for row in cells]
    widths, gap = _fitted(table.heads, sizes)
    padding = (0, 0, 0, 0) if gap == 1 else (0, 1, 0, 0) if gap == 2 else (0, 1)
    for row in cells if not unicode() else ():  # where there is no ellipsis, a cut text says so too
        for cell, head, width in zip(row, table.heads, widths, strict=False):
            if cell.cell_len > width and not head.wrap:
                cell.truncate(width - 1)
                cell.append("~")
    grid = RichTable(box=_box(), show_edge=False, pad_edge=False, padding=padding, header_style="dim")
    for head, width in zip(table.heads, widths, strict=True):
        grid.add_column(
            Text(head.name),
            justify="right" if head.right else "left",
            width=width,
            no_wrap=not head.wrap,
            overflow="fold" if head.wrap else "ellipsis" if unicode() else "crop",
            style="dim" if head.name == "ID" else "",
        )
    for row in cells:
        grid.add_row(*row)
    return grid, sum(widths) + gap * len(widths)


def _cell(text: str) -> str:
    return plain(brief(text, _LONGEST))


def _box() -> Box:
    """Nothing but a rule under the heads."""
    from rich.box import Box

    rule = "\u2500" if unicode() else "-"
    return Box(f"    \n    \n {rule}{rule} \n    \n    \n    \n    \n    \n", ascii=not unicode())


def _piped(table: Table) -> list[str]:
    """The lines through a pipe: cells are not fitted, only padded so that short ones stand below each other."""
    from rich.cells import cell_len

    rows = [[head.name for head in table.heads], *([_cell(cell) for cell in line.cells] for line in table.lines)]
    gap = " " * _GAPS[0]
    widths = [min(_PADDED, max((cell_len(row[n]) for row in rows if row), default=0)) for n in range(len(table.heads))]
    room = _NARROW - sum(widths) - len(gap) * (len(widths) - 1)
    widths = [n + max(0, room) if head.wide else n for n, head in zip(widths, table.heads, strict=True)]
    lines = []
    for row in rows:
        blanks = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False)]
        cells = zip(row, blanks, table.heads, strict=False)
        lines.append(gap.join(blank + cell if head.right else cell + blank for cell, blank, head in cells).rstrip())
    rule = ("\u2500" if unicode() else "-") * (sum(widths) + len(gap) * (len(widths) - 1))
    return [lines[0], rule, *lines[1:]]


def _fitted(heads: Sequence[Head], sizes: Sequence[Sequence[int]]) -> tuple[list[int], int]:
    """The column widths in a terminal, and the gap between columns, which narrows before anything is cut."""
    for gap in _GAPS:
        widths, fits = _widths(heads, sizes, gap, whole=True)
        if fits:
            return widths, gap
    for gap in _GAPS[1:]:  # something is cut in any case
        widths, fits = _widths(heads, sizes, gap)
        if fits:
            break
    return widths, gap


def _widths(
    heads: Sequence[Head], rows: Sequence[Sequence[int]], gap: int, whole: bool = False
) -> tuple[list[int], bool]:
    """The column widths in a terminal, and whether they fit, with nothing of the wide column cut if `whole`.

    The wide column takes the rest of the width; if that is too little, other columns are cut.
    """
    natural = [max([len(head.name), *(row[n] for row in rows if row)]) for n, head in enumerate(heads)]
    gaps = gap * (len(natural) - 1)
    widths = [_least(head, width) for head, width in zip(heads, natural, strict=True)]
    room = shutil.get_terminal_size().columns - gaps
    asked = [natural[n] if whole and head.wide else widths[n] for n, head in enumerate(heads)]
    fits = sum(asked) <= room
    for n, head in enumerate(heads):
        if head.wide:
            widths[n] += max(0, room - sum(widths))
    flexible = [n for n, head in enumerate(heads) if head.most]
    while sum(widths) > room and any(widths[n] > _LEAST for n in flexible):
        widths[max(flexible, key=lambda n: widths[n])] -= 1
    return widths, fits


def _least(head: Head, natural: int) -> int:
    """What a column should have at least in a terminal."""
    if head.wide:
        return min(natural, _WRAPPED) if head.wrap else _LEAST
    return min(natural, head.most or natural)


def unicode() -> bool:
    """Whether the locale can show box-drawing characters: not C, which cron uses."""
    where = os.environ.get("LC_ALL") or os.environ.get("LANG") or "" if os.name == "posix" else sys.stdout.encoding
    return "utf" in where.lower()
