"""A transposed convolution's axis, by arithmetic: each position is spread over a few outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convstep.ops.axes.axis import Axis, Codes, code
from convstep.ops.base import Empty, IntArray


@dataclass(frozen=True)
class SpreadingAxis(Axis):
    """Position i puts tap t at output i · stride − padding + t · dilation."""

    size: int
    taps: int
    stride: int
    padding: int
    dilation: int
    outputs: int

    def at(self, outputs: IntArray, taps: IntArray) -> tuple[IntArray, Codes]:
        position, rest = np.divmod(outputs + self.padding - taps * self.dilation, self.stride)
        between, outside = rest != 0, (position < 0) | (position >= self.size)
        position[between | outside] = -1
        return position, code((between, Empty.STRIDE), (outside, Empty.PADDING))

    def _taps_at(self, into: IntArray) -> tuple[IntArray, IntArray]:
        """For each position, the first and the last tap that lands on an output."""
        start = into * self.stride - self.padding
        first = np.maximum(-(start // self.dilation), 0)
        return first, np.minimum((self.outputs - 1 - start) // self.dilation, self.taps - 1)

    def fed_counts(self, into: IntArray) -> IntArray:
        first, last = self._taps_at(into)
        return np.asarray(np.maximum(last - first + 1, 0))

    def feeds(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        first, last = self._taps_at(into)
        taps = first[:, None] + np.arange(self.longest)
        outputs = (into * self.stride - self.padding)[:, None] + taps * self.dilation
        short = taps > last[:, None]
        outputs[short], taps[short] = -1, 0
        # What a position lacks is what the padding cuts off.
        return outputs, taps, code((short, Empty.PADDING))

    def tap_feeds(self, tap: IntArray) -> tuple[IntArray, Codes]:
        """For m taps, the output that each position feeds there, (m, size)."""
        outputs = np.arange(self.size) * self.stride - self.padding + (tap * self.dilation)[:, None]
        cut = (outputs < 0) | (outputs >= self.outputs)
        outputs[cut] = -1
        return outputs, code((cut, Empty.PADDING))

    def fed_at_tap(self, tap: IntArray) -> tuple[IntArray, IntArray]:
        """For m taps, the first and the last output that reads a position there, -1 where there is none."""
        start = tap * self.dilation - self.padding
        first = np.maximum(-(start // self.stride), 0)
        last = np.minimum((self.outputs - 1 - start) // self.stride, self.size - 1)
        nowhere = last < first
        return np.where(nowhere, -1, start + first * self.stride), np.where(nowhere, -1, start + last * self.stride)
