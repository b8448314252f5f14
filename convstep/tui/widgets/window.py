"""Which part of a tensor is visible: a slice of its last two dimensions, and a window of that slice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from convstep.ops.base import IntArray, Shape

Slot = dict[str, Any]
"""Where a person left a grid: `lead`, `row`, `col`, and `at`, the index followed then; perhaps `pinned`."""


class Matrix(NamedTuple):
    """A shape as `leads` matrices of `rows` by `cols`; rank 0 and 1 are one row."""

    leads: int
    rows: int
    cols: int

    @staticmethod
    def of(shape: Shape) -> Matrix:
        """The last two dimensions of a shape, and how many such slices there are."""
        if len(shape) < 2:
            return Matrix(1, 1, shape[0] if shape else 1)
        return Matrix(math.prod(shape[:-2]), shape[-2], shape[-1])

    @property
    def size(self) -> int:
        return self.leads * self.rows * self.cols

    def split(self, index: int) -> tuple[int, int, int]:
        """A flat index as slice, row and column."""
        lead, rest = divmod(index, self.rows * self.cols)
        return lead, *divmod(rest, self.cols)


@dataclass(frozen=True)
class Window:
    """`rows` by `cols` cells of slice `lead`, the first of them at (`row`, `col`)."""

    matrix: Matrix
    lead: int
    row: int
    col: int
    rows: int
    cols: int

    def index(self, row: int, col: int) -> int:
        """The flat index of the cell that stands at (row, col) of the window."""
        return (self.lead * self.matrix.rows + self.row + row) * self.matrix.cols + self.col + col

    def indices(self) -> IntArray:
        """The flat indices of all its cells, row by row."""
        rows = self.lead * self.matrix.rows + self.row + np.arange(self.rows)
        return (rows[:, None] * self.matrix.cols + self.col + np.arange(self.cols)).reshape(-1)

    def place(self, index: int) -> tuple[int, int] | None:
        """Where a flat index stands in the window; None where it is not visible."""
        lead, row, col = self.matrix.split(index)
        row, col = row - self.row, col - self.col
        inside = lead == self.lead and 0 <= row < self.rows and 0 <= col < self.cols
        return (row, col) if inside else None

    @property
    def whole(self) -> bool:
        """Whether the slice is visible from end to end."""
        return self.rows == self.matrix.rows and self.cols == self.matrix.cols

    def slice_text(self, shape: Shape) -> str:
        """`[0, 12, 3:9, :]`: the slice and, where it is not whole, the window."""
        heads = [str(int(i)) for i in np.unravel_index(self.lead, shape[:-2])] if len(shape) > 2 else []
        spans = [(self.row, self.rows, self.matrix.rows)] if len(shape) > 1 else []
        spans.append((self.col, self.cols, self.matrix.cols))
        tails = [":" if count == full else f"{start}:{start + count}" for start, count, full in spans]
        return f"[{', '.join(heads + tails)}]"


def window_of(matrix: Matrix, rows: int, cols: int, follow: int | None, slot: Mapping[str, Any]) -> Window:
    """The window of at most `rows` by `cols` cells: where the person left it, or else around `follow`.

    What a person chose holds until a step follows another element, or as long as it is pinned. Without it the
    window depends on `follow` alone, not on the way there, so that the same position always looks the same.
    """
    rows, cols = max(1, min(rows, matrix.rows)), max(1, min(cols, matrix.cols))
    if slot and (slot.get("pinned") or slot.get("at") == follow):
        lead, row, col = slot.get("lead", 0), slot.get("row", 0), slot.get("col", 0)
    else:
        lead, row, col = matrix.split(follow or 0)
        row, col = _around(row, rows), _around(col, cols)
    lead = min(max(0, lead), matrix.leads - 1)
    return Window(matrix, lead, _clamped(row, rows, matrix.rows), _clamped(col, cols, matrix.cols), rows, cols)


def reaching(window: Window, index: int) -> Window:
    """The same window, moved just as far as makes this index visible."""
    lead, row, col = window.matrix.split(index)
    row = min(max(window.row, row - window.rows + 1), row)
    col = min(max(window.col, col - window.cols + 1), col)
    return Window(window.matrix, lead, row, col, window.rows, window.cols)


def slot_of(window: Window, follow: int | None) -> Slot:
    """What keeps a window in its place until another element is followed."""
    return {"lead": window.lead, "row": window.row, "col": window.col, "at": follow}


def _around(wanted: int, count: int) -> int:
    """The start of a window of `count` with `wanted` in its middle half; it moves by halves, not at every step."""
    half = max(1, count // 2)
    return wanted // half * half - (count - half) // 2


def _clamped(start: int, count: int, full: int) -> int:
    return min(max(0, start), full - count)
