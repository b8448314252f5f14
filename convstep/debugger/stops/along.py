"""Which elements' running sums come near some numbers, where those of many elements go much the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convstep.debugger.stops.needles import Needle
from convstep.debugger.stops.truth import Bools
from convstep.engine.sums import Floats
from convstep.ops.base import IntArray
from convstep.ops.bounded import Course

_PIECE = 16
_ROWS, _TILE = 128, 2**17
_ULP = 2.0**-24
_MANY = 2**14


@dataclass(frozen=True)
class Along:
    """A search for `needles` in the sums of a course; `room` is what rounding in double precision may add to a sum.

    The terms are taken piece by piece: within each, all sums stay between numbers that are known at once.
    """

    course: Course
    needles: list[Needle]
    room: float
    check: Callable[[], None]

    def elements(self) -> IntArray:
        """Those whose sums come near."""
        rates, drift, own, at = self.course[1:]
        pieces = -(-drift.shape[1] // _PIECE)
        # The last term again: the sum stays where it is.
        drift = np.pad(drift, ((0, 0), (0, pieces * _PIECE - drift.shape[1])), mode="edge")
        by_piece = drift.reshape(len(drift), pieces, _PIECE)
        low, high = by_piece.min(axis=2), by_piece.max(axis=2)
        middle, half = (low + high) / 2, (high - low) / 2
        found = np.zeros(len(at), bool)
        for needle in self.needles:
            size = max(1, min(_ROWS, _TILE // max(pieces, 1)))
            for first in range(0, len(at), size):
                self.check()
                rows = slice(first, first + size)
                close = self._close(needle, rates[rows], middle, half, own[rows], at[rows] // _PIECE)
                row, piece = np.nonzero(close)
                for start in range(0, len(row), _MANY):
                    some = slice(start, start + _MANY)
                    near = self._near(needle, first + row[some], piece[some], by_piece)
                    found[near] = True
        return self.course.elements[found]

    def _close(self, needle: Needle, rates: Floats, middle: Floats, half: Floats, own: Floats, at: IntArray) -> Bools:
        """In which pieces each of some sums may come near, (rows, pieces)."""
        centre = rates.astype(np.float32) @ middle.astype(np.float32)
        reach = np.abs(rates).astype(np.float32) @ half.astype(np.float32)
        pieces = np.arange(middle.shape[1])
        first, last = int(at.min()), int(at.max()) + 1
        centre[:, last:] += own[:, None].astype(np.float32)
        centre[:, first:last] += (own[:, None] * (pieces[first:last] > at[:, None])).astype(np.float32)
        centre -= np.float32(needle.middle)
        size = float(np.abs(rates).max(axis=0) @ np.abs(middle).max(axis=1) + np.abs(own).max()) + abs(needle.middle)
        reach += np.float32(needle.half + self.room + 16 * _ULP * size)
        close = np.abs(centre, out=centre) <= reach
        close[np.arange(len(at)), at] = True
        return close

    def _near(self, needle: Needle, row: IntArray, piece: IntArray, by_piece: Floats) -> IntArray:
        """Those rows of pairs of a row and a piece whose sums come near."""
        _, rates, _, own, at = self.course
        sums = np.where(np.arange(_PIECE) + (piece * _PIECE)[:, None] >= at[row, None], own[row, None], 0.0)
        sums -= needle.middle
        for rate, drift in zip(rates.T, by_piece, strict=True):
            sums += rate[row, None] * drift[piece]
        return row[(np.abs(sums) <= needle.half + self.room).any(axis=1)]
