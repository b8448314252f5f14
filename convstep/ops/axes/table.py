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

    What position p feeds are the entries `order[starts[p] : starts[p + 1]]`, each output · taps + tap. A list that is
    shorter than others is so for the reason `fillers`.
    """

    size: int
    outputs: int
    taps: int
    positions: IntArray
    codes: Codes
    order: IntArray
    starts: IntArray
    fillers: Codes

    @property
    def nbytes(self) -> int:
        tables = (self.positions, self.codes, self.order, self.starts, self.fillers)
        return sum(table.nbytes for table in tables if any(table.strides))

    @cached_property
    def repeats(self) -> bool:
        outputs, read = self.order // self.taps, self.positions.reshape(-1)[self.order]
        return bool(((outputs[1:] == outputs[:-1]) & (read[1:] == read[:-1])).any())

    def at(self, outputs: IntArray, taps: IntArray) -> tuple[IntArray, Codes]:
        return self.positions[outputs, taps].astype(np.intp), self.codes[outputs, taps]

    def feeds(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        nth = self.starts[into][:, None] + np.arange(self.longest)
        there = nth < self.starts[into + 1][:, None]
        entries = np.full(nth.shape, -1)
        entries[there] = self.order[nth[there]]
        outputs, taps = np.divmod(entries, self.taps)
        taps[~there] = 0
        return outputs, taps, np.where(there, np.uint8(Empty.NO), self.fillers[into][:, None])

    def fed_counts(self, into: IntArray) -> IntArray:
        return np.asarray(self.starts[into + 1] - self.starts[into])

    @cached_property
    def counts(self) -> IntArray:
        """How many entries each position has."""
        return np.diff(self.starts)

    @cached_property
    def longest(self) -> int:
        return max(1, int(self.counts.max(initial=0)))


def axis_from(positions: IntArray, codes: Codes, size: int, filler: npt.ArrayLike) -> TableAxis:
    """The axis with these reads; `filler` says, for each input position, why its list may be short."""
    outputs, taps = positions.shape
    # Half the bytes: an axis has fewer than 2^31 places.
    positions = positions.astype(np.int32, copy=False)
    read = positions.reshape(-1)
    order: IntArray = np.arange(read.size, dtype=np.int32)
    if (read < 0).any():
        order = order[read >= 0]
        read = read[order]
    if (read[1:] < read[:-1]).any():
        sort = np.argsort(read, kind="stable").astype(np.int32)
        order, read = order[sort], read[sort]
    starts: IntArray = np.searchsorted(read, np.arange(size + 1, dtype=np.int32)).astype(np.int32)
    fillers = np.broadcast_to(np.asarray(filler, dtype=np.uint8), (size,))
    return TableAxis(size, outputs, taps, positions, codes, order, starts, fillers)


def padded_positions(size: int, before: int, after: int, mode: str) -> IntArray:
    """The input position that each position of a padded axis repeats, -1 for a constant.

    `mode` is torch's: zeros, constant, reflect, replicate, circular. A negative padding cuts off. Raises
    ArgumentError about `padding` where torch cannot pad so.
    """
    if size + before + after < 1 or size + min(before, 0) + min(after, 0) < 0:
        raise ArgumentError("padding", f"({before}, {after}) leaves nothing of a size of {size}")
    check_table(size + before + after)
    position: IntArray = np.arange(-before, size + after, dtype=np.int32)
    if mode in ("replicate", "reflect"):
        check_repeating(size, before, after, mode)
        return repeated(position, size, mode)
    if mode == "circular":
        first = max(-before, 0)
        ring = size - first - max(-after, 0)
        check_repeating(ring, before, after, mode)
        return first + repeated(position - first, ring, mode)
    return np.where((position >= 0) & (position < size), position, -1)
