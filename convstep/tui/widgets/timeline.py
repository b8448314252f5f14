"""One iteration as a bar, its phases as long as their shares of the steps. A click or a drag goes there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import events
from textual.message import Message
from textual.strip import Strip

from convstep.debugger.screen.view import TimelineBar
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.lines import Lines
from convstep.tui.widgets.text import Piece, strip_of

_SHORTEST = 2


class Stretch(NamedTuple):
    """A phase's cells `start` to `start + length` on the line, for the steps `first` to `last` (excluded)."""

    name: str
    start: int
    length: int
    first: int
    last: int


def stretches(bar: TimelineBar, width: int) -> list[Stretch]:
    """Where each phase stands on a line of this width; names give way where there is no room for them."""
    phases = [phase for phase in bar.phases if phase[2] > phase[1]]
    room = width - len(_lead(bar)) - len(_tail(bar)) - 2
    for length in (99, 4, 1, 0):
        names = [name[:length] for name, _, _ in phases]
        free = room - sum(len(name) + 1 + bool(name) for name in names)
        if free >= _SHORTEST * len(phases):
            break
    lengths = _lengths([last - first for _, first, last in phases], max(free, len(phases)))
    result = []
    x = 1 + len(_lead(bar))
    for name, length, (_, first, last) in zip(names, lengths, phases, strict=True):
        x += len(name) + bool(name)
        result.append(Stretch(name, x, length, first, last))
        x += length + 1
    return result


def share_at(bar: TimelineBar, width: int, x: int) -> float:
    """The share of the iteration's steps, 0.0 to 1.0, that a place on the line stands for."""
    step = 0.0
    for part in stretches(bar, width):
        if x < part.start:
            break
        inside = min(1.0, (x - part.start) / max(1, part.length - 1))
        step = part.first + inside * (part.last - 1 - part.first)
    return min(1.0, step / max(1, bar.steps - 1))


def percent(bar: TimelineBar) -> int:
    """How far one is, rounded down: 100 is the very last step."""
    return 0 if bar.position < 0 else 100 * bar.position // max(1, bar.steps - 1) if bar.steps > 1 else 100


def timeline_line(bar: TimelineBar, width: int, palette: Palette) -> Strip:
    """The bar: `forward ━━━━ loss ━ backward ━━●┄┄┄ update ┄┄   35 %`."""
    pieces: list[Piece] = [(" " + _lead(bar), palette.faint)]
    marked = False
    for part in stretches(bar, width):
        here = part.first <= bar.position < part.last or (bar.position < 0 and not marked)
        done = part.length if bar.position >= part.last else 0
        if here:
            done = 0 if bar.position < 0 else (bar.position - part.first) * part.length // (part.last - part.first)
        if part.name:
            pieces.append((part.name + " ", palette.strong if here else palette.faint))
        pieces.append(("━" * done, palette.text))
        rest = part.length - done
        if here:
            pieces.append(("●", palette.now))
            rest -= 1
            marked = True
        pieces.append(("┄" * rest, palette.faint))
        pieces = _with_alarm(pieces, bar, part, palette)
        pieces.append((" ", palette.faint))
    used = sum(len(text) for text, _ in pieces)
    tail = _tail(bar)
    pieces.append((" " * max(0, width - used - len(tail) - 1) + tail, palette.text))
    return strip_of(pieces, width, palette.text)


def _with_alarm(pieces: list[Piece], bar: TimelineBar, part: Stretch, palette: Palette) -> list[Piece]:
    """The line so far, with a mark on the step that wrote the first number that is not finite."""
    if bar.alarm is None or not part.first <= bar.alarm < part.last:
        return pieces
    x = part.start + (bar.alarm - part.first) * part.length // (part.last - part.first)
    marked: list[Piece] = []
    for text, style in pieces:
        at, x = x, x - len(text)
        if 0 <= at < len(text):
            marked += [(text[:at], style), ("!", palette.now), (text[at + 1 :], style)]
        else:
            marked.append((text, style))
    return marked


def _lead(bar: TimelineBar) -> str:
    return f"iteration {bar.iteration} of {bar.iterations}  " if bar.iterations > 1 else ""


def _tail(bar: TimelineBar) -> str:
    return f"{percent(bar):3} %"


def _lengths(steps: Sequence[int], room: int) -> list[int]:
    """Cells for each phase: at least a few, the rest by its share of the steps."""
    least = min(_SHORTEST, max(1, room // max(1, len(steps))))
    spare = max(0, room - least * len(steps))
    total = max(1, sum(steps))
    result = [least + spare * step // total for step in steps]
    if result:
        longest = max(range(len(steps)), key=lambda i: steps[i])
        result[longest] += max(0, room - sum(result))
    return result


class Timeline(Lines, inherit_bindings=False):
    """The bar as a widget."""

    class Chosen(Message):
        """A place on the bar was clicked or dragged to."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    bar: TimelineBar | None = None
    dragging = False

    def show_bar(self, bar: TimelineBar, width: int, palette: Palette) -> None:
        """Draw the bar at this width."""
        self.bar = bar
        self.show([timeline_line(bar, width, palette)])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.dragging = True
        self.capture_mouse()
        self._choose(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self.dragging:
            self._choose(event.x)

    def on_mouse_up(self) -> None:
        self.dragging = False
        self.release_mouse()

    def _choose(self, x: int) -> None:
        if self.bar is not None:
            self.post_message(self.Chosen(share_at(self.bar, self.size.width, x)))
