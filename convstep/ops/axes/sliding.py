"""A window that slides over an axis with zeros around it, by arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import Any

import numpy as np

from convstep.ops.axes.axis import Codes, SummingAxis, code
from convstep.ops.base import Array, Empty, IntArray

_FEW_TAPS = 8
"""Up to so many taps it is quickest to add whole slices, tap by tap."""

Places = tuple[Any, ...]
"""An index of an array, as it stands in brackets."""


@dataclass(frozen=True)
class SlidingAxis(SummingAxis):
    """Output o reads position o · stride + t · dilation − before at tap t."""

    size: int
    taps: int
    stride: int
    before: int
    after: int
    dilation: int
    outputs: int

    def at(self, outputs: IntArray, taps: IntArray) -> tuple[IntArray, Codes]:
        position = outputs * self.stride + taps * self.dilation - self.before
        outside = (position < 0) | (position >= self.size)
        codes = code((position >= self.size + self.after, Empty.WINDOW), (outside, Empty.PADDING))
        position[outside] = -1
        return position, codes

    # -- what a position feeds: the taps that it stands at from some output are evenly spaced

    @cached_property
    def _spacing(self) -> int:
        """How many taps are between two outputs that read the same position."""
        return self.stride // gcd(self.stride, self.dilation)

    def _taps_at(self, into: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """For each position, the least tap that it may stand at, and the first and the last from a real output.

        Where there is none the last is less than the first; where no tap meets the position the least is `taps`.
        """
        place, common, spacing = into + self.before, gcd(self.stride, self.dilation), self._spacing
        inverse = pow(self.dilation // common, -1, spacing)
        least = np.where(place % common == 0, place // common * inverse % spacing, self.taps)
        least = np.minimum(least, self.taps)
        low = np.maximum(-((place - (self.outputs - 1) * self.stride) // -self.dilation), 0)
        high = np.minimum(place // self.dilation, self.taps - 1)
        first = low + (least - low) % spacing
        last = high - (high - least) % spacing
        return least, first, np.where(least == self.taps, -1, last)

    def fed_counts(self, into: IntArray) -> IntArray:
        _, first, last = self._taps_at(into)
        return np.asarray(np.maximum((last - first) // self._spacing + 1, 0))

    def feeds(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        least, first, last = self._taps_at(into)
        taps = last[:, None] - self._spacing * np.arange(self.longest)
        short = taps < first[:, None]
        outputs = ((into + self.before)[:, None] - taps * self.dilation) // self.stride
        outputs[short], taps[short] = -1, 0
        # A position that a tap would reach from an output beyond the edges lacks a window; the rest, the stride.
        of_all = np.maximum((self.taps - 1 - least) // self._spacing + 1, 0)
        beyond = of_all > np.maximum((last - first) // self._spacing + 1, 0)
        return outputs, taps, code((short & beyond[:, None], Empty.WINDOW), (short, Empty.STRIDE))

    # -- sums

    def counts(self, padding: bool) -> IntArray:
        last = (self.outputs - 1) * self.stride + (self.taps - 1) * self.dilation - self.before
        if last < self.size + self.after * padding and (padding or not self.before):
            return np.array([self.taps])
        start = np.arange(self.outputs) * self.stride
        if padding:
            return self._taps_below(self.before + self.size + self.after - start)
        return self._taps_below(self.before + self.size - start) - self._taps_below(self.before - start)

    def _taps_below(self, bound: IntArray) -> IntArray:
        """How many taps of a window are less than so far from its start."""
        return np.clip(-(bound // -self.dilation), 0, self.taps)

    def add_up(self, tensor: Array, along: int) -> Array:
        if self._is_side_by_side:
            return _blocks(tensor, along, self.outputs, self.taps)
        total = np.zeros((*tensor.shape[:along], self.outputs, *tensor.shape[along + 1 :]), tensor.dtype)
        before: Places = (slice(None),) * along
        if self.outputs < self.taps:
            for out, places in self._windows():
                total[(*before, out)] = tensor[(*before, places)].sum(axis=along)
        else:
            for outputs, places in self._slices():
                total[(*before, outputs)] += tensor[(*before, places)]
        return total

    def give_back(self, upstream: Array, along: int) -> Array:
        total = np.zeros((*upstream.shape[:along], self.size, *upstream.shape[along + 1 :]), upstream.dtype)
        before: Places = (slice(None),) * along
        if self.outputs < self.taps:
            for out, places in self._windows():
                total[(*before, places)] += upstream[(*before, slice(out, out + 1))]
        else:
            for outputs, places in reversed(list(self._slices())):
                total[(*before, places)] += upstream[(*before, outputs)]
        return total

    @property
    def _is_side_by_side(self) -> bool:
        plain = self.before == 0 and self.dilation == 1 and self.stride == self.taps > _FEW_TAPS
        return plain and self.outputs * self.taps == self.size

    def _windows(self) -> Iterator[tuple[int, slice]]:
        """Each output, and where it reads."""
        for out in range(self.outputs):
            yield out, self.span(out)[0]

    def span(self, out: int) -> tuple[slice, int]:
        start = out * self.stride - self.before
        stop = min(start + (self.taps - 1) * self.dilation + 1, self.size)
        outside = -(min(start, 0) // self.dilation)
        start += outside * self.dilation
        return slice(start, max(start, stop), self.dilation), outside

    def _slices(self) -> Iterator[tuple[slice, slice]]:
        """For each tap, the outputs that read a position there, and where they read."""
        for tap in range(self.taps):
            start = tap * self.dilation - self.before
            first = max(0, -(start // self.stride))
            end = min(self.outputs, (self.size - 1 - start) // self.stride + 1)
            if first < end:
                places = slice(first * self.stride + start, (end - 1) * self.stride + start + 1, self.stride)
                yield slice(first, end), places


def _blocks(tensor: Array, along: int, outputs: int, taps: int) -> Array:
    """The sums of windows side by side, which together are the whole axis."""
    windows = tensor.reshape(*tensor.shape[:along], outputs, taps, *tensor.shape[along + 1 :])
    return np.asarray(windows.sum(axis=along + 1))
