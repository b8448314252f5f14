"""The lines of a pane: its blocks one below the other, each with its share of the room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from rich.style import Style
from textual.strip import Strip

from convstep.debugger.screen.view import Block, Grid, Mark, Note
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets import grid as grids
from convstep.tui.widgets.cells import Column, column_of, fitted, number_text
from convstep.tui.widgets.grid import Drawing, Visible
from convstep.tui.widgets.sharing import Place, Want, share
from convstep.tui.widgets.text import Piece, cell_len, rule, strip_of, wrap
from convstep.tui.widgets.window import Matrix, Slot, Window, window_of

_CHANNELS_FROM = 6
"""A grid of this many lines and more gives one of them to its channels; so does one that is whole all the same."""

_INDENT = 2
_LONGEST_NOTE = 24
LOOKED_AT = 24
"""So many blocks are asked what they want; more never have room, unless there are more lines."""
_LOWEST = 3
"""On so few lines nothing is said about blocks that have no room."""


class Placed(NamedTuple):
    """A grid as it stands in a pane: numbers from line `top` and cell `left` on, a column every `pitch` cells."""

    grid: Grid
    window: Window
    header: int
    top: int
    left: int
    column: Column

    def offset(self, row: int, col: int) -> tuple[int, int]:
        """The last cell before the decimal point of the number at (row, col) of the window."""
        return self.left + col * self.column.pitch + self.column.left, self.top + row

    def index_at(self, x: int, y: int) -> int | None:
        """The flat index of the number at a place in the pane."""
        row, col = y - self.top, (x - self.left) // self.column.pitch
        inside = 0 <= row < self.window.rows and 0 <= col < self.window.cols and x >= self.left
        return self.window.index(row, col) if inside else None


@dataclass
class Drawn:
    """A drawn pane: its lines, where its grids stand, its active cells by role, how many blocks have no room below."""

    strips: list[Strip] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    active: dict[Mark, tuple[int, int]] = field(default_factory=dict)
    hidden: int = 0


class Frame(NamedTuple):
    """What a pane is drawn with: its place, its colours, and what the person chose."""

    width: int
    height: int
    palette: Palette
    slots: Mapping[str, Slot]
    divider: bool = False
    focused: bool = False
    cursor: tuple[str, int] | None = None
    first: int = 0

    @property
    def left(self) -> list[Piece]:
        ink = self.palette.title if self.focused else self.palette.line
        return [("│", ink), (" ", self.palette.text)] if self.divider else [(" ", self.palette.text)]

    @property
    def inner(self) -> int:
        return max(1, self.width - len(self.left))


def draw_pane(title: str, blocks: Sequence[Block], frame: Frame) -> Drawn:
    """The pane with its title line; exactly `frame.height` lines."""
    palette = frame.palette
    ink = palette.title + Style(reverse=True) if frame.focused else palette.title
    head = rule(title, frame.width - frame.divider, palette.line, ink)
    if frame.divider:
        head = strip_of([("┬", palette.line), *((text, style or ink) for text, style, _ in head)], frame.width, ink)
    drawn = Drawn([head])
    lines = frame.height - 1
    shown = list(blocks[frame.first : frame.first + max(lines, LOOKED_AT)])
    further = len(blocks) - frame.first - len(shown)
    places = _places(shown, frame, lines)
    hidden = further + sum(place.height == 0 for place in places)
    roomy = hidden and lines > _LOWEST
    if roomy:
        places = _places(shown, frame, lines - 1)
        hidden = further + sum(place.height == 0 for place in places)
    drawn.hidden = hidden
    visible = _all_visible(shown, places, frame)
    for block, place in zip(shown, places, strict=True):
        if not place.height:
            continue
        _fill(drawn, frame, place.top + 1)
        if isinstance(block, Note):
            drawn.strips += _note(block, place.height, frame)
        else:
            _grid(drawn, block, *visible[block.key], place, frame)
    _fill(drawn, frame, frame.height)
    if roomy:
        drawn.strips[-1] = strip_of([*frame.left, (f"↓ {hidden} more", palette.faint)], frame.width, palette.text)
    drawn.strips = drawn.strips[: frame.height]
    return drawn


def _places(blocks: Sequence[Block], frame: Frame, lines: int) -> list[Place]:
    families = families_of(blocks)
    wants = []
    for i, block in enumerate(blocks):
        gap = i + 1 < len(blocks) and isinstance(blocks[i + 1], Grid)
        if isinstance(block, Note):
            most = max(1, len(wrap(block.text, frame.inner, _LONGEST_NOTE)))
            wants.append(Want(1, most, gap, first=block.style == "strong"))
            continue
        matrix = Matrix.of(block.shape)
        if _inline(block, frame):
            wants.append(Want(1, 1, gap, first=len(families[block.key]) > 1))
        else:
            family = families[block.key]
            wants.append(Want(2, 1 + matrix.rows + (matrix.leads > 1), gap, family, first=len(family) > 1))
    return share(wants, lines)


def _inline(grid: Grid, frame: Frame) -> bool:
    """Whether the grid is one number that has room beside its title."""
    if Matrix.of(grid.shape).size != 1:
        return False
    cells = grid.cells(np.zeros(1, np.intp))
    text = number_text(float(cells.values[0]), int(cells.status[0]), grid.format)
    title = f"{grid.sign} {grid.title}" if grid.sign else grid.title
    return cell_len(title) + 1 + len(text) + len("[…]") <= frame.inner


def families_of(blocks: Sequence[Block]) -> dict[str, tuple[str, ...]]:
    """The keys of the grids that are to be compared with each grid: local × upstream = products, else itself.

    Those are scrolled together and have the same columns and as many rows.
    """
    alike: dict[object, list[Grid]] = {}
    for block in blocks:
        if isinstance(block, Grid):
            alike.setdefault((block.shape, block.follow), []).append(block)
    result: dict[str, tuple[str, ...]] = {}
    for grids_alike in alike.values():
        keys = tuple(grid.key for grid in grids_alike)
        compared = any(grid.sign for grid in grids_alike)
        result.update({key: keys if compared else (key,) for key in keys})
    return result


def _all_visible(blocks: Sequence[Block], places: Sequence[Place], frame: Frame) -> dict[str, tuple[Visible, Column]]:
    kin = families_of(blocks)
    families: dict[tuple[str, ...], list[tuple[Grid, int]]] = {}
    for block, place in zip(blocks, places, strict=True):
        if isinstance(block, Grid) and place.height:
            families.setdefault(kin[block.key], []).append((block, place.height))
    result: dict[str, tuple[Visible, Column]] = {}
    for family in families.values():
        result.update(_family_visible(family, frame))
    return result


def _family_visible(family: list[tuple[Grid, int]], frame: Frame) -> dict[str, tuple[Visible, Column]]:
    """Windows, cells and common columns of the grids of one family."""
    matrix = Matrix.of(family[0][0].shape)
    slot = frame.slots.get(family[0][0].key, {})
    forms = [fitted(grid.format, matrix.cols, frame.inner) for grid, _ in family]
    roomy = _joined([column_of([], form, 1, True) for form in forms])
    gap = roomy.pitch * matrix.cols <= frame.inner
    column = roomy if gap else _joined([column_of([], form, 0, False) for form in forms])
    while True:
        cols = max(1, min(matrix.cols, frame.inner // column.pitch))
        seen = []
        for (grid, height), form in zip(family, forms, strict=True):
            rows = height - 1 - _has_channels(matrix, height)
            window = window_of(matrix, max(1, rows), cols, grid.follow, slot)
            seen.append(Visible.of(grid, window, form))
        column = _joined([visible.column(gap) for visible in seen])
        if cols == 1 or column.pitch * cols <= frame.inner:
            roomy_seen = (_in_its_room(grid, visible, column) for (grid, _), visible in zip(family, seen, strict=True))
            return {grid.key: (visible, column) for (grid, _), visible in zip(family, roomy_seen, strict=True)}
        if gap:
            gap, column = False, _joined([visible.column(False) for visible in seen])


def _in_its_room(grid: Grid, visible: Visible, column: Column) -> Visible:
    """With the decimals that were given up for room, where an exponent has made the column wide all the same."""
    form = visible.form
    more = min(grid.format.decimals or 0, column.right - 1) - (form.decimals or 0)
    if more <= 0:
        return visible
    return visible.written(replace(form, width=form.width + more, decimals=(form.decimals or 0) + more))


def _joined(columns: list[Column]) -> Column:
    """One column wide enough for all of these."""
    first = columns[0]
    left, right = max(c.left for c in columns), max(c.right for c in columns)
    return replace(first, left=left, right=right, tail=max(c.tail for c in columns))


def _has_channels(matrix: Matrix, height: int) -> bool:
    return matrix.leads > 1 and height >= min(_CHANNELS_FROM, 2 + matrix.rows)


def _grid(drawn: Drawn, grid: Grid, visible: Visible, column: Column, place: Place, frame: Frame) -> None:
    window, matrix = visible.window, visible.window.matrix
    cursor = frame.cursor
    at = window.place(cursor[1]) if cursor and cursor[0] == grid.key and cursor[1] < matrix.size else None
    indent = min(_INDENT, max(0, frame.inner - column.pitch * window.cols))
    drawing = Drawing(frame.palette, frame.width, frame.left, at, indent)
    chosen = cursor is not None and cursor[0] == grid.key
    header = len(drawn.strips)
    if frame.slots.get(grid.key, {}).get("pinned"):
        grid = replace(grid, title=f"{grid.title} pinned")
    if _inline(grid, frame):
        number = grids.number(grid, visible, drawing)
        drawn.strips.append(grids.header(grid, window, drawing, chosen, number))
        left = len(frame.left) + len(f"{grid.sign} {grid.title}" if grid.sign else grid.title) + 1
        placed = Placed(grid, window, header, header, left, column_of(visible.texts, visible.form, 0, False))
    else:
        drawn.strips.append(grids.header(grid, window, drawing, chosen))
        if _has_channels(matrix, place.height):
            drawn.strips.append(grids.channels(grid, visible, drawing))
        placed = Placed(grid, window, header, len(drawn.strips), len(frame.left) + indent, column)
        drawn.strips += grids.rows(grid, visible, column, drawing)
    drawn.placed.append(placed)
    for mark in (Mark.WRITTEN, Mark.NOW):
        if mark not in drawn.active and (spot := visible.marked(mark)):
            drawn.active[mark] = placed.offset(*spot)


def _note(note: Note, height: int, frame: Frame) -> list[Strip]:
    palette = frame.palette
    ink = {"caption": palette.faint, "strong": palette.strong}.get(note.style, palette.text)
    lines = wrap(note.text, frame.inner, height)
    return [strip_of([*frame.left, (line, ink)], frame.width, palette.text) for line in lines]


def _fill(drawn: Drawn, frame: Frame, until: int) -> None:
    """Blank lines up to this one."""
    while len(drawn.strips) < until:
        drawn.strips.append(strip_of(frame.left, frame.width, frame.palette.text))
