"""The base of all dialogs."""

from __future__ import annotations

from typing import Any, TypeVar

from textual import events
from textual.app import App
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.strip import Strip

from convstep.tui.screens.once import Once

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], Once, inherit_bindings=False):
    """A screen over the one before it. (Styles for a ModalScreen follow the first base alone.)"""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (14, "-high")]
    """Classes by the screen's rows: where there are few, none are spent on margins, so that the line typed is seen."""

    def _post_register(self, app: App[Any]) -> None:
        # Textual would find the styles once without these classes, and once more with them, when the size is told.
        super()._post_register(app)
        self._classes.update(self._get_breakpoint_classes(app.size.height, self.VERTICAL_BREAKPOINTS))

    def _on_screen_resume(self, event: events.ScreenResume) -> None:
        # They were found when it was put up, and no theme changes while it is hidden.
        event.refresh_styles = False

    @property
    def covers(self) -> set[Region]:
        """Its box: around that one sees the screen below."""
        return {child.region for child in self.children if child.region}

    def render_lines(self, crop: Region) -> list[Strip]:
        """Around the box the lines of the screen below, as they are. (Textual would make segments of them anew.)"""
        stack = self.app.screen_stack
        below = stack[stack.index(self) - 1]
        rows = self.rows_to_paint or set(crop.line_range)
        # Not this screen's size: it is the new one already when the window is resized, before all is laid out for it.
        chops = below._compositor._render_chops(below._compositor.size.region, rows.__contains__)
        width = crop.right
        lines = [
            Strip.join(chops[y].values()) if y in rows and y < len(chops) else Strip.blank(width)
            for y in crop.line_range
        ]
        return [line.adjust_cell_length(width).crop(*crop.column_span) for line in lines]
