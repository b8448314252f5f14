"""The base of every widget on the main screen: it shows finished strips, and repaints the changed lines alone."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from convstep.tui.theme.glyphs import ascii_only, to_ascii


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
        if len(old) != len(fresh):
            self.refresh()
            return
        width = self.size.width
        changed = [
            Region(0, y, width, 1) for y, (a, b) in enumerate(zip(old, fresh, strict=True)) if a is not b and a != b
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)


def in_ascii(strip: Strip) -> Strip:
    """The strip with every glyph replaced by its stand-in of the same width."""
    return Strip([Segment(to_ascii(text), style) for text, style, _ in strip], strip.cell_length)


def use_ascii_where_needed() -> None:
    """Ask the environment once, when the app starts."""
    Lines.ascii = ascii_only()
