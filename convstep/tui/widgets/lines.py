"""The base of every widget on the main screen: it shows finished strips, and repaints the changed lines alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from rich.segment import Segment
from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from convstep.tui.theme.glyphs import ascii_only, to_ascii
from convstep.tui.widgets.line import Line


class Lines(Widget, inherit_bindings=False):
    """Lines that someone else has drawn. Nothing is laid out or mounted when they change."""

    ascii = False
    """Whether every glyph is replaced by an ASCII one; the app sets it at its start."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._strips: list[Strip] = []

    def show(self, strips: Sequence[Strip]) -> None:
        """Take these lines; each as wide as the widget is or will be after its layout."""
        fresh = [in_ascii(strip) for strip in strips] if Lines.ascii else list(strips)
        old, self._strips = self._strips, fresh
        if not self.size:
            return
        if len(old) != len(fresh):
            self.refresh()
            return
        width = self.size.width
        changed = [Region(0, y, width, 1) for y in range(len(old)) if old[y] is not fresh[y] and old[y] != fresh[y]]
        if changed:
            self.refresh(*changed)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """A layout paints what gets another place or size; asked for one, Textual would paint all of it once more."""
        return super().refresh(*regions, repaint=repaint and not layout, layout=layout, recompose=recompose)

    def render_line(self, y: int) -> Strip:
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as they are: there is no border to put around them, and they are kept already.

        Their colours are true ones, or else the terminal's own and to be left so.
        """
        width = self.size.width
        lines = [self.render_line(y) for y in crop.line_range]
        if any(line.cell_length != width for line in lines):
            style = self.rich_style
            lines = [line.adjust_cell_length(width, style) for line in lines]
        for each in self.get_line_filters():
            if not isinstance(each, ANSIToTruecolor):
                background = self.background_colors[1]
                lines = [line.apply_filter(each, background) for line in lines]
        return lines if crop.column_span == (0, width) else [line.crop(*crop.column_span) for line in lines]


def in_ascii(strip: Strip) -> Strip:
    """The strip with every glyph replaced by its stand-in of the same width."""
    return Line([Segment(to_ascii(text), style) for text, style, _ in strip], strip.cell_length)


def use_ascii_where_needed() -> None:
    """Ask the environment once, when the app starts."""
    Lines.ascii = ascii_only()
