"""A pane: grids one below the other. With the focus, arrows move a cell cursor through its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.message import Message

from convstep.debugger.screen.view import Block, Blocks, Cells, Grid, Mark
from convstep.tui.actions import CURSOR_KEYS
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.lines import Lines
from convstep.tui.widgets.pane_lines import LOOKED_AT, Drawn, Frame, Placed, draw_pane, families_of
from convstep.tui.widgets.window import Matrix, Window, reaching, slot_of


@dataclass(frozen=True)
class Spot:
    """A number on the screen: its grid, its flat index and the cell as it is."""

    grid: Grid
    index: int
    cells: Cells

    @property
    def name(self) -> str:
        return self.grid.element(self.index)


class Pane(Lines, can_focus=True, inherit_bindings=False):
    """One of the three panes. What a person chose in it is kept in the session's `look`."""

    BINDINGS = [Binding(key, f"cursor({dr}, {dc})", show=False) for key, (dr, dc) in CURSOR_KEYS.items()]

    class Changed(Message):
        """The cursor or a window moved: the screen is to be painted again."""

    def __init__(self, id: str, title: str, look: dict[str, Any]) -> None:
        super().__init__(id)
        self.title = title
        self.look = look
        self.blocks = Blocks.of(())
        self.drawn = Drawn()

    @property
    def slots(self) -> dict[str, Any]:
        slots: dict[str, Any] = self.look.setdefault("windows", {})
        return slots

    def on_focus(self, event: events.Focus) -> None:
        self._take_note(event, True)

    def on_blur(self, event: events.Blur) -> None:
        self._take_note(event, False)

    def _take_note(self, event: events.Focus | events.Blur, focused: bool) -> None:
        """What shows the focus is drawn with the blocks: refreshing the pane as it was would cost a frame."""
        event.prevent_default()
        self.has_focus = focused
        self.screen.post_message(events.DescendantFocus(self) if focused else events.DescendantBlur(self))

    def watch_has_focus(self, has_focus: bool) -> None:
        """No style depends on it."""

    def show_blocks(self, blocks: Sequence[Block], region: Region, palette: Palette, caption: str = "") -> None:
        """Draw these blocks into a region of this size."""
        self.blocks = Blocks.of(blocks)
        cursor = self.cursor() if self.has_focus else None
        place = (cursor[0].key, cursor[1]) if cursor else None
        width, height = region.size
        frame = Frame(width, height, palette, self.slots, region.x > 0, self.has_focus, place, self._top)
        self.drawn = draw_pane(self.title + caption, self.blocks, frame)
        self.show(self.drawn.strips)

    @property
    def _top(self) -> int:
        """Which block stands at the top."""
        top: int = self.look.setdefault("tops", {}).get(self.id, 0)
        return max(0, min(top, len(self.blocks) - 1))

    def release(self) -> None:
        """Hold on to no tensor any more; what was drawn stays on the screen."""
        self.blocks = Blocks.of(())
        self.drawn = Drawn()

    # The cursor

    def cursor(self) -> tuple[Grid, int] | None:
        """The grid and the flat index under the cursor; the first visible active number where none was chosen."""
        key, index = self.look.setdefault("cursors", {}).get(self.id, (None, 0))
        if key is not None and (chosen := self.blocks.grid(key)):
            return chosen, min(index, Matrix.of(chosen.shape).size - 1)
        grids = [block for block in self.blocks[:LOOKED_AT] if isinstance(block, Grid)]
        if not grids:
            return None
        grid = next((g for g in grids if g.follow is not None), grids[0])
        return grid, grid.follow or 0

    def spot(self) -> Spot | None:
        """The number under the cursor."""
        cursor = self.cursor()
        if cursor is None:
            return None
        grid, index = cursor
        return Spot(grid, index, grid.cells(np.array([index])))

    def cursor_offset(self) -> tuple[int, int] | None:
        """Where the terminal's cursor belongs: on the visible cell cursor, else on the number written now."""
        active = self.drawn.active.get(Mark.WRITTEN) or self.drawn.active.get(Mark.NOW)
        cursor = self.cursor() if self.has_focus else None
        placed = self.placed(cursor[0].key) if cursor else None
        spot = placed.window.place(cursor[1]) if placed and cursor else None
        return placed.offset(*spot) if placed and spot else active

    def placed(self, key: str) -> Placed | None:
        """Where a grid stands, if it is visible."""
        return next((placed for placed in self.drawn.placed if placed.grid.key == key), None)

    def put_cursor(self, grid: Grid, index: int) -> None:
        """Move the cursor there, and its grid's window with it."""
        self.look.setdefault("cursors", {})[self.id] = [grid.key, index]
        placed = self.placed(grid.key)
        if placed is None:
            self.look.setdefault("tops", {})[self.id] = self._block_of(grid)
        else:
            self._keep(grid, reaching(placed.window, index))
        self.post_message(self.Changed())

    def action_cursor(self, rows: int, cols: int) -> None:
        """An arrow: within the slice, and over its upper and lower edge into the next grid."""
        cursor = self.cursor()
        if cursor is None:
            return
        grid, index = cursor
        lead, row, col = Matrix.of(grid.shape).split(index)
        row, col = row + rows, col + cols
        matrix = Matrix.of(grid.shape)
        if not 0 <= row < matrix.rows:
            neighbour = self._neighbour(grid, rows)
            if neighbour is None:
                return
            grid = neighbour
            matrix = Matrix.of(grid.shape)
            lead, row, first = self._entry(grid, matrix, rows)
            col = max(col, first) if first else col
        col = min(max(0, col), matrix.cols - 1)
        self.put_cursor(grid, (lead * matrix.rows + row) * matrix.cols + col)

    def _neighbour(self, grid: Grid, direction: int) -> Grid | None:
        """The next grid above or below."""
        place = self.blocks.place(grid.key)
        while place is not None and 0 <= (place := place + direction) < len(self.blocks):
            block = self.blocks[place]
            if isinstance(block, Grid):
                return block
        return None

    def _entry(self, grid: Grid, matrix: Matrix, direction: int) -> tuple[int, int, int]:
        """The slice, row and first column at which a grid is entered from above or below."""
        placed = self.placed(grid.key)
        if placed is None:
            return 0, 0 if direction > 0 else matrix.rows - 1, 0
        window = placed.window
        return window.lead, window.row if direction > 0 else window.row + window.rows - 1, window.col

    # Windows

    def change_channel(self, step: int) -> bool:
        """Another slice of the grid under the cursor, or of the pane's first that has several."""
        cursor = self.cursor() if self.has_focus else None
        placed = self.drawn.placed
        if cursor and Matrix.of(cursor[0].shape).leads > 1:
            placed = [one for one in placed if one.grid is cursor[0]]
        several = next((one for one in placed if one.window.matrix.leads > 1), None)
        if several is None:
            return False
        grid, old = several.grid, several.window
        lead = min(max(0, old.lead + step), old.matrix.leads - 1)
        self._keep(grid, Window(old.matrix, lead, old.row, old.col, old.rows, old.cols))
        if cursor and cursor[0] is grid:
            _, row, col = old.matrix.split(cursor[1])
            index = (lead * old.matrix.rows + row) * old.matrix.cols + col
            self.look.setdefault("cursors", {})[self.id] = [grid.key, index]
        self.post_message(self.Changed())
        return True

    def _keep(self, grid: Grid, window: Window) -> None:
        for key in self._family(grid):
            pinned = {"pinned": True} if self._is_pinned(key) else {}
            self.slots[key] = slot_of(window, grid.follow) | pinned

    def _family(self, grid: Grid) -> tuple[str, ...]:
        return families_of(self.blocks[:LOOKED_AT]).get(grid.key, (grid.key,))

    def _is_pinned(self, key: str) -> bool:
        return bool(self.slots.get(key, {}).get("pinned"))

    def pin(self) -> str:
        """The visible slice of the grid under the cursor no longer follows the step, or does so again."""
        cursor = self.cursor()
        placed = self.placed(cursor[0].key) if cursor else None
        if cursor is None or placed is None:
            return "no tensor is chosen: tab goes to a pane"
        grid = cursor[0]
        for key in self._family(grid):
            if self._is_pinned(key):
                del self.slots[key]
            else:
                self.slots[key] = slot_of(placed.window, grid.follow) | {"pinned": True}
        if not self._is_pinned(grid.key):
            return f"{grid.title} follows the steps again"
        return f"{grid.title} {placed.window.slice_text(grid.shape)} is pinned; p lets it follow the steps again"

    def _block_of(self, grid: Grid) -> int:
        return self.blocks.place(grid.key) or 0

    # The mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        for placed in self.drawn.placed:
            index = placed.index_at(event.x, event.y)
            if index is not None:
                self.put_cursor(placed.grid, index)
                return

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll_grid(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll_grid(event, -1)

    def _scroll_grid(self, event: events.MouseEvent, direction: int) -> None:
        """The grid under the mouse by a line (with shift: a column), or the pane where that grid is whole."""
        event.stop()
        under = [placed for placed in self.drawn.placed if placed.header <= event.y]
        if under and not under[-1].window.whole:
            old = under[-1].window
            across = event.shift or old.rows == old.matrix.rows
            row = old.row if across else min(max(0, old.row + direction), old.matrix.rows - old.rows)
            col = min(max(0, old.col + direction), old.matrix.cols - old.cols) if across else old.col
            self._keep(under[-1].grid, Window(old.matrix, old.lead, row, col, old.rows, old.cols))
        elif self.blocks:
            top = self._top
            self.look["tops"][self.id] = max(0, top - 1) if direction < 0 else top + bool(self.drawn.hidden)
        self.post_message(self.Changed())
