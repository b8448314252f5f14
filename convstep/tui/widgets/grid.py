"""A grid as lines: header, perhaps a strip of channels, and the visible rows. Only visible cells are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from rich.style import Style
from textual.strip import Strip

from convstep.debugger.screen.view import HIDDEN, Cells, Grid, Mark, Status
from convstep.explain.numbers import NumberFormat
from convstep.ops.base import IntArray
from convstep.tui.theme.colours import STEPS, Palette
from convstep.tui.theme.glyphs import LEVELS
from convstep.tui.widgets.cells import CHANGED, DIFFERS, Column, column_of, is_word, number_text, parts
from convstep.tui.widgets.text import Piece, cut, cut_name, strip_of
from convstep.tui.widgets.window import Window

_CACHED_ROWS = 8192
_rows: OrderedDict[tuple[object, ...], Strip] = OrderedDict()


@dataclass(frozen=True)
class Visible:
    """The cells of a window with their texts; built once a repaint."""

    window: Window
    cells: Cells
    texts: list[str]
    form: NumberFormat

    @staticmethod
    def of(grid: Grid, window: Window, form: NumberFormat) -> Visible:
        """Asks the grid for the cells of a window."""
        return Visible(window, grid.cells(window.indices()), [], form).written(form)

    def written(self, form: NumberFormat) -> Visible:
        """The same cells in another format."""
        values, states = self.cells.values.tolist(), self.cells.status.tolist()
        texts = [number_text(v, s, form) for v, s in zip(values, states, strict=True)]
        return Visible(self.window, self.cells, texts, form)

    @property
    def tail(self) -> int:
        """The cells behind a number that its `…`, its `*` and its `≠` need."""
        partial = self.cells.status == Status.PARTIAL
        if not any(self.signs):
            return int(partial.any())
        signs = np.array([len(sign) for sign in self.signs], int)
        return int((partial.astype(int) + signs).max(initial=0))

    @cached_property
    def signs(self) -> list[str]:
        """What stands behind each number: changed by an edit, or not what one has oneself."""
        cells = self.cells
        if cells.was is None and cells.differs is None:
            return [""] * len(self.texts)
        signs = np.where(cells.changed, CHANGED, "")
        if cells.differs is not None:
            known = cells.differs & ~np.isin(cells.status, (Status.BLANK, Status.PARTIAL, Status.PADDING))
            signs = np.where(known & ~cells.changed, DIFFERS, signs)
        return [str(sign) for sign in signs]

    def column(self, gap: bool) -> Column:
        """The column that holds every visible text; with a gap there is always room for a `…`, too."""
        return column_of(self.texts, self.form, tail=max(gap, self.tail), gap=gap)

    def marked(self, mark: Mark) -> tuple[int, int] | None:
        """The first visible cell of a role, as row and column of the window."""
        hits = np.flatnonzero(self.cells.marks == mark)
        return divmod(int(hits[0]), self.window.cols) if hits.size else None


class Drawing(NamedTuple):
    """How a grid is to be drawn: its width in cells, its left edge, the cell under the cursor, the colours.

    Rows of numbers stand `indent` further to the right than their header.
    """

    palette: Palette
    width: int
    left: list[Piece]
    cursor: tuple[int, int] | None = None
    indent: int = 0


def header(grid: Grid, window: Window, drawing: Drawing, focused: bool, inline: list[Piece] | None = None) -> Strip:
    """`× o1  1×64×56×56 · [0, 12, :, :]`, with the number itself where there is only one."""
    palette = drawing.palette
    title = f"{grid.sign} {grid.title}" if grid.sign else grid.title
    slice_text = window.slice_text(grid.shape) if window.matrix.leads > 1 or not window.whole else ""
    room = drawing.width - sum(len(text) for text, _ in drawing.left) - 1
    pieces: list[Piece] = [*drawing.left, (cut_name(title, room), palette.title + Style(underline=focused or None))]
    room -= len(title)
    if inline:
        pieces += [(" ", palette.text), *inline]
        room -= 1 + sum(len(text) for text, _ in inline)
    note = " · ".join(part for part in (grid.note, slice_text) if part)
    if len(note) + 1 > room and slice_text:
        note = slice_text
    if note and room > 2:
        pieces.append((" " * min(2, max(1, room - len(note))) + cut(note, room - 1), palette.faint))
    return strip_of(pieces, drawing.width, palette.text)


def rows(grid: Grid, visible: Visible, column: Column, drawing: Drawing) -> list[Strip]:
    """One strip a row of the window; a row that was drawn before is not drawn again."""
    window, cells, frame = visible.window, visible.cells, _frame(drawing)
    result = []
    for r in range(window.rows):
        part = slice(r * window.cols, (r + 1) * window.cols)
        cursor = drawing.cursor[1] if drawing.cursor and drawing.cursor[0] == r else None
        key = (
            cells.values[part].tobytes(),
            cells.status[part].tobytes(),
            cells.marks[part].tobytes(),
            tuple(visible.signs[part]),
            visible.form,
            grid.scale,
            column,
            cursor,
            *frame,
        )
        result.append(_kept(key, partial(_row, grid, visible, column, drawing, part, cursor)))
    return result


def _row(grid: Grid, visible: Visible, column: Column, drawing: Drawing, part: slice, cursor: int | None) -> Strip:
    blank = (" " * drawing.indent, drawing.palette.text)
    pieces = [*drawing.left, blank, *_cells(grid, visible, column, drawing, part, cursor)]
    return strip_of(pieces, drawing.width, drawing.palette.text)


def number(grid: Grid, visible: Visible, drawing: Drawing) -> list[Piece]:
    """The one number of a grid that has only one, for its header line."""
    column = column_of(visible.texts, NumberFormat(1, 0), tail=0, gap=False)
    cursor = 0 if drawing.cursor is not None else None
    return _cells(grid, visible, column, drawing, slice(0, 1), cursor)


def _frame(drawing: Drawing) -> tuple[object, ...]:
    """All of a drawing that its lines depend on, but for the cursor."""
    return drawing.width, drawing.indent, tuple(drawing.left), id(drawing.palette)


def _kept(key: tuple[object, ...], draw: Callable[[], Strip]) -> Strip:
    """The line of this key; what was drawn before is not drawn again."""
    strip = _rows.get(key)
    if strip is None:
        strip = _rows[key] = draw()
        if len(_rows) > _CACHED_ROWS:
            _rows.popitem(last=False)
    return strip


def _cells(
    grid: Grid, visible: Visible, column: Column, drawing: Drawing, part: slice, cursor: int | None
) -> list[Piece]:
    palette, scale = drawing.palette, grid.scale
    cells = visible.cells
    values, states, marks = cells.values[part].tolist(), cells.status[part].tolist(), cells.marks[part].tolist()
    pieces: list[Piece] = []
    for i, (value, status, mark, sign, text) in enumerate(
        zip(values, states, marks, visible.signs[part], visible.texts[part], strict=True)
    ):
        word = is_word(value, status)
        level = 0 if word or status in (Status.BLANK, Status.PADDING, HIDDEN) else palette.level(value, scale)
        here = i == cursor
        before, opening, body, sign, closing, after = parts(text, status, mark, column, sign)
        around = palette.cell(level, Mark.NONE, status, False)
        style = palette.cell(level, mark, status, here, word)
        if mark == Mark.NONE and not here and not sign:
            pieces.append((f"{before} {body} {after}", style if not word else around))
            if word:
                pieces[-1:] = [(before + " ", around), (body, style), (" " + after, around)]
        else:
            bracket = palette.bracket(level, mark, here)
            behind = palette.sign(level, here, sign == DIFFERS)
            pieces += [(before, around), (opening, bracket), (body, style), (sign, behind)]
            pieces += [(closing, bracket), (after, around)]
    return [piece for piece in pieces if piece[0]]


def channels(grid: Grid, visible: Visible, drawing: Drawing) -> Strip:
    """One glyph a slice, by the number that stands in each where the first visible one stands in this."""
    window = visible.window
    caption = f"  {window.lead + 1} of {window.matrix.leads}"
    room = max(1, drawing.width - sum(len(text) for text, _ in drawing.left) - len(caption))
    count = min(room, window.matrix.leads)
    first = min(max(0, window.lead - count // 2), window.matrix.leads - count)
    leads = first + np.arange(count)
    spot = visible.marked(Mark.WRITTEN) or visible.marked(Mark.NOW) or (0, 0)
    inside = (window.row + spot[0]) * window.matrix.cols + window.col + spot[1]
    cells = grid.cells(leads * (window.matrix.rows * window.matrix.cols) + inside)
    key = (cells.values.tobytes(), cells.status.tobytes(), first, caption, grid.scale, *_frame(drawing))
    return _kept(key, partial(_glyphs, grid, cells, leads, window.lead, caption, drawing))


def _glyphs(grid: Grid, cells: Cells, leads: IntArray, here: int, caption: str, drawing: Drawing) -> Strip:
    palette = drawing.palette
    pieces = list(drawing.left)
    for lead, value, status in zip(leads.tolist(), cells.values.tolist(), cells.status.tolist(), strict=True):
        written = status not in (Status.BLANK, Status.PADDING, HIDDEN)
        level = palette.level(value, grid.scale) if written else 0
        glyph = LEVELS[min(7, (abs(level) * 8 - 1) // STEPS)] if level else "·"
        pieces.append((glyph, palette.spark(level, lead == here)))
    pieces.append((caption, palette.faint))
    return strip_of(pieces, drawing.width, palette.text)
