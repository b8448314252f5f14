"""One axis of a window: which input position each output reads at each tap, and the other way round.

An axis answers for the outputs and positions that it is asked about; no list of all of them is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
import numpy.typing as npt

from convstep.ops.base import Array, Empty, IntArray

Codes = npt.NDArray[np.uint8]

_AT_ONCE = 2**14


class Axis(ABC):
    """`taps` places that each of `outputs` reads, out of `size` input positions.

    What an input position feeds is a list of outputs, ascending, then by tap; shorter lists are filled up to the
    longest one. Positions, outputs and taps that are not there are -1, with the reason in an `Empty` code.
    """

    size: int
    outputs: int
    taps: int

    @abstractmethod
    def at(self, outputs: IntArray, taps: IntArray) -> tuple[IntArray, Codes]:
        """The position that outputs read at taps, in any shapes that broadcast."""

    @abstractmethod
    def feeds(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        """For m positions, the outputs fed and at which tap, (m, longest)."""

    @abstractmethod
    def fed_counts(self, into: IntArray) -> IntArray:
        """How many outputs (and taps) each position feeds."""

    @property
    def nbytes(self) -> int:
        """What the axis keeps."""
        return 0

    @cached_property
    def repeats(self) -> bool:
        """Whether an output reads some position at more than one tap."""
        return False

    @cached_property
    def longest(self) -> int:
        """How many outputs a position feeds at most, at least 1."""
        parts = range(0, self.size, _AT_ONCE)
        most = [self.fed_counts(np.arange(k, min(k + _AT_ONCE, self.size))).max() for k in parts]
        return max(1, int(max(most, default=1)))

    def reads(self, out: IntArray) -> tuple[IntArray, Codes]:
        """For m outputs, the position of each tap, (m, taps)."""
        return self.at(out[:, None], np.arange(self.taps))

    def tap_reads(self, tap: IntArray) -> tuple[IntArray, Codes]:
        """For m taps, the position that each output reads there, (m, outputs)."""
        return self.at(np.arange(self.outputs), tap[:, None])

    def fed(self, into: IntArray) -> tuple[IntArray, IntArray]:
        """For m positions, the first and the last output fed, -1 where there is none."""
        outputs, _, _ = self.feeds(into)
        return outputs[:, 0], outputs.max(axis=1)


class SummingAxis(Axis):
    """An axis whose windows are summed up as a whole."""

    @abstractmethod
    def counts(self, padding: bool) -> IntArray:
        """How many positions each output reads, (1,) where all read as many; with the padding, where it is counted."""

    @abstractmethod
    def span(self, out: int) -> tuple[slice, int]:
        """The positions that one output reads, and at which tap the first of them."""

    @abstractmethod
    def add_up(self, tensor: Array, along: int) -> Array:
        """The sum of each window, along one of a tensor's axes."""

    @abstractmethod
    def give_back(self, upstream: Array, along: int) -> Array:
        """Its adjoint: each position gets the sum of the outputs that read it."""


def code(*reasons: tuple[npt.NDArray[np.bool_], Empty]) -> Codes:
    """The reason of the first condition that holds, `Empty.NO` where none does."""
    codes = np.zeros(np.broadcast_shapes(*(where.shape for where, _ in reasons)), np.uint8)
    for where, reason in reversed(reasons):
        codes[np.broadcast_to(where, codes.shape)] = reason
    return codes
