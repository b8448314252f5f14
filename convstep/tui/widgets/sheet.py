"""A sheet: a table of which the rows around a chosen one are visible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.text import Piece, cut, pad, strip_of

_GAP = 2


@dataclass(frozen=True)
class Column:
    """A column is as wide as its title, its widest visible text and `least`; the last one takes the room that is left.

    Where there is no room, the column with the largest `yields` goes first; those with 0 stay.
    """

    title: str
    least: int = 1
    right: bool = False
    yields: int = 0


Cell = tuple[str, str]
"""A text and its role, an attribute of the palette: text, faint, strong, warning, now."""


@dataclass(frozen=True)
class Sheet:
    """`count` rows, of which only those that are visible are asked for."""

    columns: tuple[Column, ...]
    count: int
    row: Callable[[int], Sequence[Cell]]


def first_visible(first: int, chosen: int, count: int, rows: int) -> int:
    """The first of so many visible rows: as near to `first` as lets the chosen one be seen."""
    first = min(max(first, chosen - rows + 1), chosen)
    return max(0, min(first, count - rows))


def sheet_lines(sheet: Sheet, first: int, chosen: int, width: int, height: int, palette: Palette) -> list[Strip]:
    """The titles, and the rows from `first` on; exactly `height` lines."""
    rows = [sheet.row(k) for k in range(first, min(sheet.count, first + height - 1))]
    kept, widths = _widths(sheet.columns, rows, width - 2)
    titles = [
        (pad(cut(sheet.columns[k].title, size), size, _align(sheet.columns[k])), palette.faint)
        for k, size in zip(kept, widths, strict=True)
    ]
    lines = [strip_of(_spaced("  ", titles, palette), width, palette.text)]
    for r, row in enumerate(rows):
        here = first + r == chosen
        cells = [
            (pad(cut(row[k][0], size), size, _align(sheet.columns[k])), _style(palette, row[k][1], here))
            for k, size in zip(kept, widths, strict=True)
        ]
        lines.append(strip_of(_spaced("▶ " if here else "  ", cells, palette), width, palette.text))
    blank = strip_of([], width, palette.text)
    return [*lines, *[blank] * (height - len(lines))][: max(0, height)]


def _style(palette: Palette, role: str, here: bool) -> Style:
    style: Style = getattr(palette, role)
    return style + Style(bold=True, underline=True) if here else style


def _align(column: Column) -> str:
    return "right" if column.right else "left"


def _spaced(lead: str, cells: Sequence[tuple[str, Style]], palette: Palette) -> list[Piece]:
    pieces: list[Piece] = [(lead, palette.marker)]
    for k, (text, style) in enumerate(cells):
        pieces += [(" " * _GAP if k else "", palette.text), (text, style)]
    return pieces


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], room: int) -> tuple[list[int], list[int]]:
    """The columns that have room, and their widths."""
    widths = [
        max([column.least, cell_len(column.title), *(cell_len(row[k][0]) for row in rows)])
        for k, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))

    def used() -> int:
        # The last column is content with its least.
        last = kept[-1]
        return sum(widths[k] for k in kept if k != last) + max(columns[last].least, 0) + _GAP * (len(kept) - 1)

    while used() > room and (yielding := [k for k in kept if columns[k].yields]):
        kept.remove(max(yielding, key=lambda k: columns[k].yields))
    left = room - sum(widths[k] for k in kept[:-1]) - _GAP * (len(kept) - 1)
    return kept, [*(widths[k] for k in kept[:-1]), max(1, min(widths[kept[-1]], left))]
