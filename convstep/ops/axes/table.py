"""An axis as tables: for what reads few positions in no simple pattern, such as upsampling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.axes.axis import Axis, Codes
from convstep.ops.axes.limits import check_table
from convstep.ops.axes.repeating import check_repeating, repeated
from convstep.ops.base import Empty, IntArray


@dataclass(frozen=True)
class TableAxis(Axis):
    """`positions[o, t]` is the position that output o reads at tap t, -1 where there is none, for the reason `codes`.

    `fed_outputs[p, k]` and `fed_taps[p, k]` are the k-th output that position p feeds; shorter lists are filled up
    for the reason `fed_codes`.
    """

    size: int
    outputs: int
    taps: int
    positions: IntArray
    codes: Codes
    fed_outputs: IntArray
    fed_taps: IntArray
    fed_codes: Codes

    @property
    def nbytes(self) -> int:
        tables = (self.positions, self.codes, self.fed_outputs, self.fed_taps, self.fed_codes)
        return sum(table.nbytes for table in tables)

    @cached_property
    def repeats(self) -> bool:
        there = self.fed_outputs[:, 1:] >= 0
        return bool(((self.fed_outputs[:, 1:] == self.fed_outputs[:, :-1]) & there).any())

    def at(self, outputs: IntArray, taps: IntArray) -> tuple[IntArray, Codes]:
        return self.positions[outputs, taps], self.codes[outputs, taps]

    def feeds(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        return self.fed_outputs[into], self.fed_taps[into], self.fed_codes[into]

    def fed_counts(self, into: IntArray) -> IntArray:
        return np.asarray((self.fed_outputs[into] >= 0).sum(axis=1))

    @cached_property
    def longest(self) -> int:
        return int(self.fed_outputs.shape[1])


def axis_from(positions: IntArray, codes: Codes, size: int, filler: npt.ArrayLike) -> TableAxis:
    """The axis with these reads; `filler` says, for each input position, why its list may be short."""
    there = np.flatnonzero(positions >= 0)
    there = there[np.argsort(positions.reshape(-1)[there], kind="stable")]
    read = positions.reshape(-1)[there]
    counts = np.bincount(read, minlength=size)
    longest = max(int(counts.max(initial=0)), 1)
    nth = np.arange(len(read)) - np.repeat(np.cumsum(counts) - counts, counts)
    fed_outputs = np.full((size, longest), -1)
    fed_taps = np.zeros((size, longest), dtype=fed_outputs.dtype)
    fed_outputs[read, nth], fed_taps[read, nth] = np.divmod(there, positions.shape[1])
    reason = np.broadcast_to(np.asarray(filler, dtype=np.uint8)[..., None], fed_outputs.shape)
    fed_codes = np.where(fed_outputs < 0, reason, np.uint8(Empty.NO))
    outputs, taps = positions.shape
    return TableAxis(size, outputs, taps, positions, codes, fed_outputs, fed_taps, fed_codes)


def padded_positions(size: int, before: int, after: int, mode: str) -> IntArray:
    """The input position that each position of a padded axis repeats, -1 for a constant.

    `mode` is torch's: zeros, constant, reflect, replicate, circular. A negative padding cuts off. Raises
    ArgumentError about `padding` where torch cannot pad so.
    """
    if size + before + after < 1 or size + min(before, 0) + min(after, 0) < 0:
        raise ArgumentError("padding", f"({before}, {after}) leaves nothing of a size of {size}")
    check_table(size + before + after)
    position = np.arange(-before, size + after)
    if mode in ("replicate", "reflect"):
        check_repeating(size, before, after, mode)
        return repeated(position, size, mode)
    if mode == "circular":
        first = max(-before, 0)
        ring = size - first - max(-after, 0)
        check_repeating(ring, before, after, mode)
        return first + repeated(position - first, ring, mode)
    return np.where((position >= 0) & (position < size), position, -1)
