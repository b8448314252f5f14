"""Numbers taken along: one with every digit, or the visible slice as a Python literal."""

from __future__ import annotations

import math

from convstep.debugger.screen.view import HIDDEN, Grid, Status
from convstep.tui.widgets.pane import Spot
from convstep.tui.widgets.window import Window


def described(spot: Spot) -> str:
    """`grad(o1)[2] = 18.0`, with what is to be known about an unfinished one, and one's own number."""
    cells, yours = spot.cells, ""
    if spot.grid.yours is not None:
        differs = cells.differs is not None and bool(cells.differs[0])
        yours = f"; yours {'differs: ' if differs else ''}{spot.grid.yours(spot.index)!r}"
    return f"{_number(spot)}{yours}"


def _number(spot: Spot) -> str:
    status = int(spot.cells.status[0])
    if status == Status.BLANK:
        return f"{spot.name}: not written yet"
    if status == HIDDEN:
        return f"{spot.name} = ?"
    if status == Status.PADDING:
        return f"{spot.name}: padding, no number of the tensor"
    more = " so far, more is to come" if status == Status.PARTIAL else ""
    now = f"{float(spot.cells.values[0])!r}{more}"
    if spot.cells.was is not None and spot.cells.changed[0]:
        return f"{spot.name} was {float(spot.cells.was[0])!r}, now {now}"
    return f"{spot.name} = {now}"


def copied_number(spot: Spot) -> str:
    """The number as Python reads it; `None` where nothing is written."""
    return literal(float(spot.cells.values[0]), int(spot.cells.status[0]))


def copied_slice(grid: Grid, window: Window) -> str:
    """The window as a nested list; a scalar as a number, a vector as a plain list."""
    cells = grid.cells(window.indices())
    texts = [literal(v, s) for v, s in zip(cells.values.tolist(), cells.status.tolist(), strict=True)]
    if not grid.shape:
        return texts[0]
    lines = [f"[{', '.join(texts[r * window.cols : (r + 1) * window.cols])}]" for r in range(window.rows)]
    return lines[0] if len(grid.shape) == 1 else f"[{', '.join(lines)}]"


def literal(value: float, status: int) -> str:
    """A number in Python: NaN and infinities as calls of `float`, a blank one as None, padding as 0.0."""
    if status in (Status.BLANK, HIDDEN):
        return "None"
    if status == Status.PADDING:
        return "0.0"
    return repr(value) if math.isfinite(value) else f"float('{value}')"
