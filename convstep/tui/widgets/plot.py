"""A curve over the iterations, in dots of a quarter of a line: two of them side by side in each cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
from textual.strip import Strip

from convstep.explain.numbers import short
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.text import Piece, pad, strip_of

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.uint8]

_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)
"""The bits of a Braille pattern, by row and column."""
_BLANK = 0x2800
_ORDERS = 1000
"""Where positive numbers span more than this factor, their logarithms are drawn."""


@dataclass(frozen=True)
class Scale:
    """The numbers at the lower and the upper end of a plot."""

    low: float
    high: float
    logarithmic: bool

    @staticmethod
    def of(values: Floats) -> Scale:
        """One on which all finite values have room."""
        finite = values[np.isfinite(values)]
        if not finite.size:
            return Scale(0.0, 1.0, False)
        low, high = float(finite.min()), float(finite.max())
        return Scale(low, high, low > 0 and high / low > _ORDERS)

    def share(self, values: Floats) -> Floats:
        """Where values stand between the ends, 0 to 1; NaN for those that are not finite."""
        low, high = self.low, self.high
        with np.errstate(all="ignore"):
            if self.logarithmic:
                values, low, high = np.log(values), math.log(low), math.log(high)
            share = (values - low) / (high - low) if high > low else values * 0 + 0.5
        return np.where(np.isfinite(share), share, np.nan)


def plot_lines(
    values: Floats, beside: Floats, chosen: int, width: int, height: int, palette: Palette, ascii: bool = False
) -> list[Strip]:
    """The curve of `values`, one an iteration, NaN where there is none yet; that of `beside` stands behind it.

    The chosen iteration has a line of its own, `×` marks those whose value is infinite or was none. Exactly
    `height` lines: the last one has the iterations' numbers.
    """
    scale = Scale.of(np.concatenate([values, beside]))
    ends = [f"{value:.4g}" if math.isfinite(value) else short(value) for value in (scale.high, scale.low)]
    margin = max(map(len, ends)) + 1
    rows, columns = max(1, height - 1), max(2, width - margin - 2)
    front, behind = (_pattern(scale.share(v), rows, columns) for v in (values, beside))
    bad = {_cell(int(k), values.size, columns) for k in np.flatnonzero(np.isinf(values))}
    here = _cell(chosen, values.size, columns)
    point = scale.share(values[chosen : chosen + 1])
    at = None if not point.size or np.isnan(point[0]) else rows - 1 - min(rows - 1, int(point[0] * rows))
    lines = []
    for row in range(rows):
        label = ends[0] if row == 0 else ends[1] if row == rows - 1 else ""
        cells: list[Piece] = []
        for column, (bits, other) in enumerate(zip(front[row].tolist(), behind[row].tolist(), strict=True)):
            text, style = _glyph(bits or other, ascii), palette.title if bits else palette.faint
            if column == here:
                text, style = ("●", palette.now) if row == at else (text if text != " " else "┊", palette.now)
            if column in bad and row == 0:
                text, style = "×", palette.warning
            cells.append((text, style))
        margin_pieces = [(pad(label, margin - 1, "right"), palette.faint), (" │", palette.line)]
        lines.append(strip_of([*margin_pieces, *_joined(cells)], width, palette.text))
    note = "" if not scale.logarithmic else "log scale" if margin > len("log scale") else "log"
    return [*lines, _axis(values.size, here, chosen, margin, columns, width, palette, note)][:height]


def _joined(cells: list[Piece]) -> list[Piece]:
    """The same cells, those of one style next to each other in one piece."""
    return [("".join(text for text, _ in run), style) for style, run in groupby(cells, key=lambda cell: cell[1])]


def _axis(
    count: int, here: int, chosen: int, margin: int, columns: int, width: int, palette: Palette, note: str
) -> Strip:
    """The first, the chosen and the last iteration, each below its place."""
    line = list(pad("0", columns))
    for number, place in ((count - 1, columns - 1), (chosen, here)):
        text = str(number)
        start = min(max(0, place - len(text) // 2), columns - len(text))
        line[max(0, start - 1) : start + len(text) + 1] = f" {text} "[0 if start else 1 :]
    text = "".join(line)[:columns]
    return strip_of(
        [(pad(note, margin - 1, "right") + "  ", palette.faint), (text, palette.faint)], width, palette.text
    )


def _cell(iteration: int, count: int, columns: int) -> int:
    """The column of an iteration."""
    return 0 if count < 2 else round(iteration * (2 * columns - 1) / (count - 1)) // 2


def _glyph(bits: int, ascii: bool) -> str:
    if not bits:
        return " "
    return "*" if ascii else chr(_BLANK + bits)


def _pattern(shares: Floats, rows: int, columns: int) -> Bits:
    """The Braille bits of each cell: the curve as a connected line, with gaps where there are no numbers."""
    cells = np.zeros((rows, columns), np.uint8)
    low, high = _columns(shares, 2 * columns)
    top = 4 * rows - 1
    before: tuple[int, int] | None = None
    for x in range(2 * columns):
        if np.isnan(low[x]):
            before = None
            continue
        lower, upper = round(float(low[x]) * top), round(float(high[x]) * top)
        reach = (lower, upper)
        if before is not None:
            lower, upper = min(lower, before[1] + 1), max(upper, before[0] - 1)
        before = reach
        for y in range(lower, upper + 1):
            cells[(top - y) // 4, x // 2] |= _DOTS[(top - y) % 4, x % 2]
    return cells


def _columns(shares: Floats, dots: int) -> tuple[Floats, Floats]:
    """For each column of dots the lowest and the highest value; NaN where there is none."""
    count = shares.size
    if count < 2:
        alone = np.full(dots, np.nan)
        alone[: min(1, count)] = shares
        return alone, alone
    if count <= dots:
        at = np.linspace(0, count - 1, dots)
        left = np.floor(at).astype(np.intp)
        right, part = np.minimum(left + 1, count - 1), at - left
        between = np.where(part > 0, shares[left] * (1 - part) + shares[right] * part, shares[left])
        return between, between
    bins = np.arange(count) * dots // count
    low, high = np.full(dots, np.nan), np.full(dots, np.nan)
    np.fmin.at(low, bins, shares)
    np.fmax.at(high, bins, shares)
    return low, high
