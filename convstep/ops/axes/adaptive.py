"""An axis cut into as many windows as outputs are wanted, by arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np

from convstep.ops.axes.axis import Codes, SummingAxis, code
from convstep.ops.base import Array, Empty, IntArray

_AT_ONCE = 2**14
"""So many windows are worked on at a time."""


@dataclass(frozen=True)
class AdaptiveAxis(SummingAxis):
    """The i-th of m windows over n positions goes from ⌊i · n / m⌋ up to ⌈(i + 1) · n / m⌉.

    So what a position feeds is again such a window, with m and n exchanged.
    """

    size: int
    outputs: int
    taps: int
    longest: int

    def _window(self, outputs: IntArray) -> tuple[IntArray, IntArray]:
        """Where windows begin, and where they end."""
        return outputs * self.size // self.outputs, -(-(outputs + 1) * self.size // self.outputs)

    @property
    def _transposed(self) -> AdaptiveAxis:
        return AdaptiveAxis(self.outputs, self.size, self.longest, self.taps)

    def at(self, outputs: IntArray, taps: IntArray) -> tuple[IntArray, Codes]:
        first, end = self._window(outputs)
        position = first + taps
        short = position >= end
        position[short] = -1
        return position, code((short, Empty.WINDOW))

    def fed_counts(self, into: IntArray) -> IntArray:
        first, end = self._transposed._window(into)
        return np.asarray(end - first)

    def feeds(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        outputs, codes = self._transposed.at(into[:, None], np.arange(self.longest))
        taps = np.where(outputs < 0, 0, into[:, None] - self._window(outputs)[0])
        return outputs, taps, codes

    # -- sums

    def counts(self, padding: bool) -> IntArray:
        if self.size % self.outputs == 0:
            return np.array([self.size // self.outputs])
        if self.outputs % self.size == 0:
            return np.array([1])
        first, end = self._window(np.arange(self.outputs))
        return np.asarray(end - first)

    def span(self, out: int) -> tuple[slice, int]:
        (first,), (end,) = self._window(np.array([out]))
        return slice(int(first), int(end)), 0

    def add_up(self, tensor: Array, along: int) -> Array:
        before, after = tensor.shape[:along], tensor.shape[along + 1 :]
        if self.size % self.outputs == 0:
            windows = tensor.reshape(*before, self.outputs, -1, *after)
            return np.asarray(windows.sum(axis=along + 1))
        if self.outputs % self.size == 0:
            return np.repeat(tensor, self.outputs // self.size, axis=along)
        left: tuple[Any, ...] = (slice(None),) * along
        sums = np.empty((*before, self.outputs, *after), tensor.dtype)
        for k in range(0, self.outputs, _AT_ONCE):
            first, end = self._window(np.arange(k, min(k + _AT_ONCE, self.outputs)))
            part = tensor[(*left, slice(first[0], end[-1]))]
            sums[(*left, slice(k, k + _AT_ONCE))] = self._part(part, first - first[0], end - first[0], along)
        return sums

    def _part(self, tensor: Array, first: IntArray, end: IntArray, along: int) -> Array:
        """The sums of some windows, which go on to the tensor's end."""
        left: tuple[Any, ...] = (slice(None),) * along
        if self.outputs > self.size:  # windows of one or two positions
            longer = end - first > 1
            sums = np.take(tensor, first, axis=along)
            sums[(*left, longer)] += np.take(tensor, first[longer] + 1, axis=along)
            return sums
        # Each from its first position up to one past its last; the last window ends where the axis does.
        parts = np.add.reduceat(tensor, np.stack([first, end], axis=1).reshape(-1)[:-1], axis=along)
        return np.asarray(parts[(*left, slice(None, None, 2))])

    def give_back(self, upstream: Array, along: int) -> Array:
        return self._transposed.add_up(upstream, along)


def adaptive_axis(size: int, outputs: int) -> AdaptiveAxis:
    """An axis of so many positions, cut into so many windows."""
    return AdaptiveAxis(size, outputs, _longest(size, outputs), _longest(outputs, size))


def _longest(size: int, outputs: int) -> int:
    """The longest of so many windows: each part of a position at its ends counts as a whole one."""
    whole, rest = divmod(size, outputs)
    return whole + (rest > 0) + (rest > gcd(rest, outputs))
