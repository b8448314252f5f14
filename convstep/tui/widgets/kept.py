"""Text of a dialog that is opened again and again: laid out once for a width, drawn once for a style."""

from __future__ import annotations

from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual


class Kept(Visual):
    """A Content that remembers its lines. The names of colours in it are read once: keep one for each theme."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._heights: dict[int, int] = {}
        self._strips: dict[tuple[int, int | None, Style], list[Strip]] = {}

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        key = width, height, style
        if key not in self._strips:
            self._strips[key] = self._content.render_strips(width, height, style, options)
        return list(self._strips[key])

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return self._content.get_optimal_width(rules, container_width)

    def get_minimal_width(self, rules: RulesMap) -> int:
        return self._content.get_minimal_width(rules)

    def get_height(self, rules: RulesMap, width: int) -> int:
        if width not in self._heights:
            self._heights[width] = self._content.get_height(rules, width)
        return self._heights[width]
