"""A window that slides over an axis with its own numbers around it: reflect, replicate, circular."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.axes.axis import Axis, Codes, code
from convstep.ops.axes.sliding import SlidingAxis
from convstep.ops.base import Empty, IntArray


@dataclass(frozen=True)
class RepeatingAxis(Axis):
    """The windows `over` the padded axis, whose positions before and after the input repeat some of its own."""

    size: int
    outputs: int
    taps: int
    over: SlidingAxis
    before: int
    mode: str

    def at(self, outputs: IntArray, taps: IntArray) -> tuple[IntArray, Codes]:
        place, codes = self.over.at(outputs, taps)
        return np.where(place < 0, -1, repeated(place - self.before, self.size, self.mode)), codes

    @cached_property
    def _borders(self) -> tuple[IntArray, IntArray]:
        """The places on the padding by the position that each repeats, and those positions, ascending."""
        after = self.before + self.size
        places = np.concatenate([np.arange(self.before), np.arange(after, self.over.size)])
        positions = repeated(places - self.before, self.size, self.mode)
        order = np.argsort(positions, kind="stable")
        return places[order], positions[order]

    @property
    def nbytes(self) -> int:
        return 16 * (self.over.size - self.size)

    def _places(self, into: IntArray) -> IntArray:
        """All places of the padded axis that hold each position, (m, most), -1 where there are fewer."""
        places, positions = self._borders
        first, end = np.searchsorted(positions, into, "left"), np.searchsorted(positions, into, "right")
        nth = first[:, None] + np.arange(int((end - first).max(initial=0)))
        there = nth < end[:, None]
        repeats = np.full(there.shape, -1)
        repeats[there] = places[nth[there]]
        return np.concatenate([(into + self.before)[:, None], repeats], axis=1)

    def fed_counts(self, into: IntArray) -> IntArray:
        places, positions = self._borders
        ends = np.searchsorted(positions, into, "left"), np.searchsorted(positions, into, "right")
        sums = np.concatenate([[0], np.cumsum(self.over.fed_counts(places))])
        return np.asarray(self.over.fed_counts(into + self.before) + sums[ends[1]] - sums[ends[0]])

    @cached_property
    def repeats(self) -> bool:
        _, positions = self._borders
        outputs, _, _ = self.feeds(np.unique(positions))
        return bool(((outputs[:, 1:] == outputs[:, :-1]) & (outputs[:, 1:] >= 0)).any())

    def feeds(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        places, nothing = self._places(into), self.outputs * self.taps
        fed, at, _ = self.over.feeds(np.maximum(places, 0).reshape(-1))
        there = (fed >= 0) & (places.reshape(-1, 1) >= 0)
        found = np.where(there, fed * self.taps + at, nothing).reshape(len(into), places.shape[1] * fed.shape[1])
        found = np.sort(found, axis=1)[:, : self.longest]
        keys = np.full((len(into), self.longest), nothing)
        keys[:, : found.shape[1]] = found
        # Positions that the padding does not repeat have the shorter lists.
        short = keys == nothing
        outputs, taps = np.divmod(keys, self.taps)
        outputs[short], taps[short] = -1, 0
        return outputs, taps, code((short, Empty.WINDOW))


def repeating_axis(
    size: int, kernel: int, stride: int, before: int, after: int, dilation: int, outputs: int, mode: str
) -> RepeatingAxis:
    """A window of `kernel` taps over positions with their own around them; ArgumentError as `check_repeating`."""
    check_repeating(size, before, after, mode)
    over = SlidingAxis(before + size + after, kernel, stride, 0, 0, dilation, outputs)
    return RepeatingAxis(size, outputs, kernel, over, before, mode)


def repeated(position: IntArray, size: int, mode: str) -> IntArray:
    """The position that each one of an axis that goes on beyond its ends repeats."""
    if mode == "replicate":
        return np.clip(position, 0, size - 1)
    if mode == "reflect":
        position = np.abs(position)
        return np.where(position < size, position, 2 * (size - 1) - position)
    return np.asarray(position % size)


def check_repeating(size: int, before: int, after: int, mode: str) -> None:
    """Raises ArgumentError about `padding` where torch cannot pad so."""
    if mode == "reflect" and max(before, after) >= size:
        raise ArgumentError(
            "padding", f"reflect needs paddings smaller than the size, but a size of {size} has ({before}, {after})"
        )
    if mode == "circular" and max(before, after) > size:
        raise ArgumentError(
            "padding", f"circular goes around once at most, but ({before}, {after}) repeats {size} positions"
        )
