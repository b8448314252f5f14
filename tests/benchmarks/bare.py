"""The yardstick: a bare Textual app that fills the screen with coloured numbers, new ones at every key."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.strip import Strip
from textual.widget import Widget

_CELL = 8


class Numbers(Widget):
    """As many numbers as fit, each on a background that shows its size."""

    turn = 0

    def render_line(self, y: int) -> Strip:
        cells = []
        for x in range(self.size.width // _CELL):
            value = (self.turn * 7919 + y * 104729 + x * 1299709) % 1000
            style = Style(bgcolor=Color.from_rgb(value // 4, 40, 250 - value // 4))
            cells.append(Segment(f"{value / 100 - 5:{_CELL}.3f}", style))
        return Strip(cells, self.size.width // _CELL * _CELL)


class Bare(App[None]):
    """One widget, repainted whole."""

    CSS = "Numbers { width: 100%; height: 100%; }"

    def compose(self) -> ComposeResult:
        yield Numbers()

    def on_key(self) -> None:
        numbers = self.query_one(Numbers)
        numbers.turn += 1
        numbers.refresh()


if __name__ == "__main__":
    Bare().run()
