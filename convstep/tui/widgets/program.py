"""The list of operations: what is done, what is now, what is still to come. A click goes there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip

from convstep.debugger.screen.view import ProgramLine
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.lines import Lines
from convstep.tui.widgets.text import cell_len, cut, rule, strip_of

_SIGNS = {"done": "✓", "now": "▶", "coming": "○"}


def first_line(program: Sequence[ProgramLine], rows: int) -> int:
    """The first visible line: the current operation stands in the middle, as far as the ends allow."""
    now = bisect_left(program, True, key=lambda line: line.state != "done")
    return min(max(0, now - rows // 2), max(0, len(program) - rows))


def program_lines(program: Sequence[ProgramLine], width: int, height: int, palette: Palette) -> list[Strip]:
    """The list with its title line; exactly `height` lines."""
    first = first_line(program, height - 1)
    lines = [rule("Program", width, palette.line, palette.title)]
    for line in program[first : first + height - 1]:
        ink = {"now": palette.now, "coming": palette.faint}.get(line.state, palette.text)
        text = f" {_SIGNS.get(line.state, ' ')} {fitted(line.text, width - 4)}"
        lines.append(strip_of([(text, ink)], width, palette.text))
    blank = strip_of([], width, palette.text)
    return [*lines, *[blank] * (height - len(lines))][:height]


def fitted(text: str, width: int) -> str:
    """What is said after an operation (two spaces lie between) in short where there is little room, else not at all."""
    if cell_len(text) <= width:
        return text
    operation, _, more = text.partition("  ")
    short = f"{operation}  {more.replace(' of ', '/').removesuffix(' by training')}"
    return short if more and cell_len(short) <= width else cut(operation, width)


class Program(Lines, inherit_bindings=False):
    """The list as a widget: it knows which operation stands on which line."""

    class Chosen(Message):
        """An operation was clicked."""

        def __init__(self, operation: int) -> None:
            super().__init__()
            self.operation = operation

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.operations: list[int] = []

    def show_program(self, program: Sequence[ProgramLine], width: int, height: int, palette: Palette) -> None:
        """Draw the list at this size."""
        first = first_line(program, height - 1)
        self.operations = [line.operation for line in program[first : first + height - 1]]
        self.show(program_lines(program, width, height, palette))

    def on_click(self, event: events.Click) -> None:
        if 1 <= event.y <= len(self.operations):
            self.post_message(self.Chosen(self.operations[event.y - 1]))
