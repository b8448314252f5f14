"""Windows over several axes, known from sizes alone.

Whatever moves a window (convolution, pooling, padding) is a product of one `Axis` per axis:
(output, tap) → input position or the reason why there is none, and its inverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from convstep.ops.axes.axis import Axis, Codes
from convstep.ops.axes.spreading import SpreadingAxis
from convstep.ops.base import Empty, IntArray, Shape
from convstep.ops.indices import unravel


def extent(sizes: Sequence[int]) -> str:
    """The sizes of a window in words: `2×2`, and along a single axis `3-wide`."""
    return f"{sizes[0]}-wide" if len(sizes) == 1 else "×".join(map(str, sizes))


@dataclass(frozen=True)
class Window:
    """The product of one `Axis` per axis. Indices are flat over all axes of the window."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> Shape:
        return tuple(axis.size for axis in self.axes)

    @property
    def outputs(self) -> Shape:
        return tuple(axis.outputs for axis in self.axes)

    @property
    def taps(self) -> Shape:
        return tuple(axis.taps for axis in self.axes)

    @property
    def nbytes(self) -> int:
        return sum(axis.nbytes for axis in self.axes)

    @property
    def feed_grid(self) -> Shape:
        """The layout of the longest list of outputs that one input position feeds."""
        return tuple(axis.longest for axis in self.axes)

    def reads(self, out: IntArray) -> tuple[IntArray, Codes]:
        """For m outputs, the input position and `Empty` code of each tap, (m, taps)."""
        at = unravel(out, self.outputs)
        return _cross([axis.reads(i) for axis, i in zip(self.axes, at, strict=True)], self.size)

    def at(self, outputs: IntArray, taps: IntArray) -> IntArray:
        """The input position that outputs read at taps, -1 where there is none, in any shapes that broadcast."""
        places, steps = np.unravel_index(outputs, self.outputs), np.unravel_index(taps, self.taps)
        each = [axis.at(o, t) for axis, o, t in zip(self.axes, places, steps, strict=True)]
        flat, empty = each[0]
        for (position, reason), size in zip(each[1:], self.size[1:], strict=True):
            flat, empty = flat * size + position, np.maximum(empty, reason)
        return np.where(empty == Empty.NO, flat, -1)

    def feeds(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        """For m input positions, the outputs fed, at which tap, and the `Empty` codes, each (m, feeds)."""
        at = unravel(into, self.size)
        each = [axis.feeds(i) for axis, i in zip(self.axes, at, strict=True)]
        out, empty = _cross([(outputs, codes) for outputs, _, codes in each], self.outputs)
        tap, _ = _cross([(taps, codes) for _, taps, codes in each], self.taps)
        if any(axis.repeats for axis in self.axes[:-1]):
            # A position read twice along one axis comes back to the same outputs of the next: these go together.
            order = np.argsort(np.where(out < 0, prod(self.outputs), out), axis=1, kind="stable")
            out, tap = np.take_along_axis(out, order, axis=1), np.take_along_axis(tap, order, axis=1)
            empty = np.take_along_axis(empty, order, axis=1)
        return out, tap, empty

    def tap_reads(self, tap: IntArray) -> tuple[IntArray, Codes]:
        """For m taps, the input position that each output reads there, and its `Empty` code, (m, outputs)."""
        at = unravel(tap, self.taps)
        return _cross([axis.tap_reads(i) for axis, i in zip(self.axes, at, strict=True)], self.size)

    def fed(self, into: IntArray) -> tuple[IntArray, IntArray]:
        """For m input positions, the first and the last output fed, -1 where there is none."""
        at = unravel(into, self.size)
        return _ends([axis.fed(i) for axis, i in zip(self.axes, at, strict=True)], self.outputs)


@dataclass(frozen=True)
class SpreadingWindow(Window):
    """The window of a transposed convolution: at each tap a position feeds one output."""

    axes: tuple[SpreadingAxis, ...]

    def tap_feeds(self, tap: IntArray) -> tuple[IntArray, Codes]:
        """For m taps, the output that each input position feeds there, and its `Empty` code, (m, size)."""
        at = unravel(tap, self.taps)
        return _cross([axis.tap_feeds(i) for axis, i in zip(self.axes, at, strict=True)], self.outputs)

    def fed_at_tap(self, tap: IntArray) -> tuple[IntArray, IntArray]:
        """For m taps, the first and the last output that reads a position there, -1 where there is none."""
        at = unravel(tap, self.taps)
        return _ends([axis.fed_at_tap(i) for axis, i in zip(self.axes, at, strict=True)], self.outputs)


def _ends(parts: list[tuple[IntArray, IntArray]], sizes: Shape) -> tuple[IntArray, IntArray]:
    """The first and the last flat position, (m,), from those on each axis; -1 where any axis has none."""
    first = last = np.zeros(len(parts[0][0]), np.intp)
    nowhere = np.zeros(len(parts[0][0]), bool)
    for (low, high), size in zip(parts, sizes, strict=True):
        nowhere |= low < 0
        first, last = first * size + low, last * size + high
    return np.where(nowhere, -1, first), np.where(nowhere, -1, last)


def _cross(parts: list[tuple[IntArray, Codes]], sizes: Shape) -> tuple[IntArray, Codes]:
    """Row-major flat indices, (m, n_1 · n_2 · …), from one list of positions per axis, (m, n_axis).

    Where any axis has nothing, the flat index is -1, for the strongest reason: what is past the window's end
    on one axis is not even padding.
    """
    flat, empty = parts[0]
    m = flat.shape[0]
    for (part, reason), size in zip(parts[1:], sizes[1:], strict=True):
        count = flat.shape[1] * part.shape[1]  # not -1: there may be nothing at all
        flat = (flat[:, :, None] * size + part[:, None, :]).reshape(m, count)
        empty = np.maximum(empty[:, :, None], reason[:, None, :]).reshape(m, count)
    return np.where(empty == Empty.NO, flat, -1), empty
