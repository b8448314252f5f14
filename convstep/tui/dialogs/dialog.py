"""The base of all dialogs."""

from __future__ import annotations

from typing import TypeVar

from textual.geometry import Region
from textual.screen import ModalScreen
from textual.strip import Strip

from convstep.tui.screens.once import Once

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], Once, inherit_bindings=False):
    """A screen over the one before it. (Styles for a ModalScreen follow the first base alone.)"""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (14, "-high")]
    """Classes by the screen's rows: where there are few, none are spent on margins, so that the line typed is seen."""

    @property
    def covers(self) -> set[Region]:
        """Its box: around that one sees the screen below."""
        return {child.region for child in self.children if child.region}

    def render_lines(self, crop: Region) -> list[Strip]:
        """Around the box the lines of the screen below, as they are. (Textual would make segments of them anew.)"""
        stack = self.app.screen_stack
        below = stack[stack.index(self) - 1]
        width, height = self.size
        lines = [line.adjust_cell_length(width) for line in below._compositor.render_strips(self.size)]
        lines += [Strip.blank(width)] * (height - len(lines))
        return [line.crop(*crop.column_span) for line in lines[slice(*crop.line_span)]]
