"""Listings as text: fixed widths, one rule under the heads, a terminal's width kept to, nothing cut through a pipe."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from alga.plain import plain

if TYPE_CHECKING:
    from rich.box import Box
    from rich.table import Table as RichTable

_NARROW, _LEAST, _WRAPPED = 80, 8, 20
_GAPS = (3, 2, 1)


@dataclass(frozen=True)
class Head:
    """A column's heading; one column takes the room that is left."""

    name: str
    right: bool = False
    wide: bool = False
    most: int | None = None  # characters in a terminal; through a pipe nothing is cut
    wrap: bool = False  # more lines rather than a cut text


@dataclass(frozen=True)
class Line:
    """A row of a table: plain, dim (a heading), or marked (the running timer)."""

    cells: Sequence[str] = ()
    style: str = ""


@dataclass(frozen=True)
class Table:
    """A listing as text: a title, lines above, headings, rows, lines below, and a line when there are no rows.

    `marked` words stand out.
    """

    title: str
    heads: Sequence[Head]
    lines: Sequence[Line]
    empty: str = "Nothing."
    marked: str = ""
    above: Sequence[str] = ()
    below: Sequence[str] = ()


def drawn(table: Table, stream: TextIO) -> list[str]:
    """The table's lines for a stream: in a terminal with its width and, unless NO_COLOR, its colours."""
    above, below = [plain(each) for each in (table.title, *table.above) if each], [plain(each) for each in table.below]
    if not table.lines:
        return [*above, table.empty, *below]
    from rich.console import Console

    terminal = stream.isatty()
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    grid, width = _grid(table, terminal)
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


def _grid(table: Table, terminal: bool) -> "tuple[RichTable, int]":
    """The table as rich draws it, and how wide it is."""
    from rich.table import Table as RichTable
    from rich.text import Text

    cells = [[Text(plain(cell), style=line.style) for cell in line.cells] for line in table.lines]
    if table.marked:
        for cell in (cell for row in cells for cell in row):
            cell.highlight_words([table.marked], style="reverse", case_sensitive=False)
    sizes = [[cell.cell_len for cell in row] for row in cells]
    for gap in _GAPS:
        widths = _widths(table.heads, sizes, terminal, gap)
        if not terminal or not _crowded(table.heads, widths, gap):
            break
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
            no_wrap=not (head.wrap and terminal),
            overflow="fold" if head.wrap else "ellipsis" if unicode() else "crop",
            style="dim" if head.name == "ID" else "",
        )
    for row in cells:
        grid.add_row(*row)
    return grid, sum(widths) + gap * len(widths)


def _box() -> "Box":
    """Nothing but a rule under the heads."""
    from rich.box import Box

    rule = "\u2500" if unicode() else "-"
    return Box(f"    \n    \n {rule}{rule} \n    \n    \n    \n    \n    \n", ascii=not unicode())


def _crowded(heads: Sequence[Head], widths: Sequence[int], gap: int) -> bool:
    """Whether it is wider than the terminal, or leaves a text that wraps too little room."""
    narrow = any(head.wrap and width < _WRAPPED for head, width in zip(heads, widths, strict=True))
    return narrow or sum(widths) + gap * (len(widths) - 1) > shutil.get_terminal_size().columns


def _widths(heads: Sequence[Head], rows: Sequence[Sequence[int]], terminal: bool, gap: int) -> list[int]:
    """Each column as wide as its widest cell. A terminal's width is kept to; through a pipe nothing is cut."""
    widths = [max([len(head.name), *(row[n] for row in rows if row)]) for n, head in enumerate(heads)]
    gaps = gap * (len(widths) - 1)
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


def unicode() -> bool:
    """Whether the locale is one that shows a drawn rule: not C, where cron runs."""
    where = os.environ.get("LC_ALL") or os.environ.get("LANG") or "" if os.name == "posix" else sys.stdout.encoding
    return "utf" in where.lower()
