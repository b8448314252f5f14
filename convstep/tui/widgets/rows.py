"""A list of rows to choose from."""

from __future__ import annotations

from typing import Literal

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import OptionList

from convstep.tui.theme.glyphs import to_ascii
from convstep.tui.widgets.lines import Lines

_CHOSEN = "▶"
_MARKED = 2
"""Cells with which every row begins (app.tcss)."""


class Rows(OptionList):
    """Textual's list: the chosen row is marked by shape, too, and paging before the first layout does not break it."""

    def _move_page(self, direction: Literal[-1, 1]) -> None:
        if self.size.height:
            super()._move_page(direction)

    def _update_lines(self) -> None:
        """Where there is no room beside the mark, Textual fails to wrap the rows: then none is seen."""
        if self.scrollable_content_region.width > _MARKED:
            super()._update_lines()

    def render_line(self, y: int) -> Strip:
        """The mark takes the first of the blank cells with which every row begins."""
        strip = super().render_line(y)
        at = self.highlighted
        if at is None or self._index_to_line.get(at) != self.scroll_offset.y + y:
            return strip
        mark = Segment(to_ascii(_CHOSEN) if Lines.ascii else _CHOSEN, next(iter(strip.crop(0, 1))).style)
        return Strip.join([Strip([mark], 1), strip.crop(1)])
