"""The top of the screen: what runs, where one is, and the plain sentence."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from convstep.debugger.screen.view import View
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.text import Piece, cell_len, cut, cut_name, strip_of, wrap

_ARROW = " › "
_OUTER = "… › "
_SHORTEST = 12
"""Cells of a breadcrumb that is cut."""


def head_lines(view: View, width: int, height: int, palette: Palette) -> list[Strip]:
    """The status line, and the sentence on the lines that are left of `height`."""
    lines = [_status(view, width, palette)]
    for text in wrap(_sentence(view, width - 2, height - 1), width - 2, height - 1):
        lines.append(strip_of([(f" {text}", palette.text)], width, palette.text))
    blank = strip_of([], width, palette.text)
    return [*lines, *[blank] * (height - len(lines))][:height]


def _sentence(view: View, width: int, lines: int) -> str:
    """The longest sentence that has room; its end, the sum so far, is not to be cut off."""
    sentences = [view.sentence, *view.shorter]
    return next((text for text in sentences if len(wrap(text, width, lines + 1)) <= lines), sentences[-1])


def _status(view: View, width: int, palette: Palette) -> Strip:
    """Name, breadcrumbs, and the position at the right; iteration, phase and name give way first."""
    status = cut(view.status, width - 2)
    room = max(0, width - cell_len(status) - 3)
    name = f"{cut(view.name, room // 3)}   "
    from_operation = len(view.where) - (2 if view.timeline.iterations > 1 else 1)
    if _fitting(view.where, room - cell_len(name)) < max(1, min(from_operation, _fitting(view.where, room))):
        name = ""
    where = _path(view.where, room - cell_len(name))
    pieces: list[Piece] = [(f" {name}", palette.strong)]
    outer, arrow, inner = where.rpartition(_ARROW)
    pieces += [(outer + arrow, palette.faint), (inner, palette.strong)]
    used = sum(cell_len(text) for text, _ in pieces)
    pieces += [(" " * max(1, width - used - cell_len(status) - 1), palette.text), (status, palette.title)]
    return strip_of(pieces, width, palette.text)


def _path(crumbs: Sequence[str], room: int) -> str:
    """As many of the inner breadcrumbs as have room: two, of which the outer one may be cut, or else the last."""
    fitting, last = _fitting(crumbs, room), crumbs[-1]
    if fitting > 1 or fitting == len(crumbs):
        return _inner(crumbs, fitting)
    left = room - cell_len(f"{_OUTER}{_ARROW}{last}")
    if left >= _SHORTEST:
        return f"{_OUTER}{cut_name(crumbs[-2], left)}{_ARROW}{last}"
    return _inner(crumbs, 1) if fitting else cut_name(last, room)


def _fitting(crumbs: Sequence[str], room: int) -> int:
    """How many of the inner breadcrumbs have room."""
    return next((n for n in range(len(crumbs), 0, -1) if cell_len(_inner(crumbs, n)) <= room), 0)


def _inner(crumbs: Sequence[str], number: int) -> str:
    return _OUTER * (number < len(crumbs)) + _ARROW.join(crumbs[-number:])
