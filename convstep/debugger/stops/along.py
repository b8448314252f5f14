"""Which elements' running sums come near some numbers, where those of many elements go much the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convstep.debugger.stops.needles import LEAST, ULP, Needle, Singles
from convstep.debugger.stops.truth import Bools
from convstep.engine.sums import Floats
from convstep.ops.base import IntArray
from convstep.ops.bounded import Course

_PIECE = 8
"""So many terms are a piece, and so many pieces a part."""
_PART = _PIECE * _PIECE
_TILE = 2**16
_MANY = 2**14


@dataclass(frozen=True)
class Along:
    """A search for `needles` in the sums of a course; `room` is what rounding in double precision may add to a sum.

    The terms are taken part by part, then piece by piece: within each, all sums stay between numbers that are known
    at once. `check` is called every few milliseconds.
    """

    course: Course
    needles: list[Needle]
    room: float
    check: Callable[[], None]

    def elements(self) -> IntArray:
        """Those whose sums come near."""
        count = self.course.drift.shape[1]
        # The last term again: the sums stay where they are.
        drift = np.pad(self.course.drift, ((0, 0), (0, -count % _PART)), mode="edge")
        terms = drift.reshape(len(drift), -1, _PIECE)
        pieces = _Boxes.around(terms).grouped(_PIECE)
        found = np.zeros(len(self.course.at), bool)
        if not len(found):
            return self.course.elements
        for needle in self.needles:
            for row, part in self._in_parts(needle, _Boxes.around(drift.reshape(len(drift), -1, _PART))):
                row, piece = self._in_pieces(needle, pieces, row, part)
                found[self._near(needle, terms, row, piece)] = True
        return self.course.elements[found]

    def _in_parts(self, needle: Needle, parts: _Boxes) -> Iterator[tuple[IntArray, IntArray]]:
        """Rows, and parts in which their sums may come near, some at a time."""
        _, rates, _, own, at = self.course
        count = parts.middle.shape[1]
        size = max(1, _TILE // max(count, 1))
        for first in range(0, len(at), size):
            self.check()
            rows = slice(first, first + size)
            # Before its own term, and after it; with it anything may be.
            begin, end = int(at[first]) // _PART, int(at[rows][-1]) // _PART + 1
            now = (at[rows] // _PART)[:, None] - np.arange(begin, end)
            centre = rates[rows].astype(np.float32) @ parts.middle
            centre[:, begin:end] += np.where(now < 0, own[rows, None], 0.0).astype(np.float32)
            centre[:, end:] += own[rows, None].astype(np.float32)
            centre -= np.float32(needle.middle)
            reach = np.abs(rates[rows]).astype(np.float32) @ parts.half
            reach += self._room(needle)
            close = np.abs(centre, out=centre) <= reach
            close[:, begin:end] |= now == 0
            flat = np.flatnonzero(close)
            for start in range(0, len(flat), _MANY):
                row, part = np.divmod(flat[start : start + _MANY], count)
                yield first + row, part

    def _in_pieces(self, needle: Needle, pieces: _Boxes, row: IntArray, part: IntArray) -> tuple[IntArray, IntArray]:
        """The rows and the pieces of some parts in which their sums may come near."""
        _, rates, _, own, at = self.course
        now = (at[row] // _PIECE - part * _PIECE)[:, None] - np.arange(_PIECE)
        centre = np.where(now < 0, own[row, None], 0.0).astype(np.float32)
        centre -= np.float32(needle.middle)
        reach = np.full(centre.shape, self._room(needle))
        for rate, middle, half in zip(rates.T.astype(np.float32), pieces.middle, pieces.half, strict=True):
            some = rate[row, None]
            centre += some * middle[part]
            reach += np.abs(some) * half[part]
        close = (np.abs(centre) <= reach) | (now == 0)
        which, piece = np.divmod(np.flatnonzero(close), _PIECE)
        return row[which], part[which] * _PIECE + piece

    @cached_property
    def _size(self) -> float:
        """What no part of a sum exceeds."""
        _, rates, drift, own, _ = self.course
        return float(np.abs(rates).max(axis=0) @ np.abs(drift).max(axis=1) + np.abs(own).max())

    def _room(self, needle: Needle) -> np.float32:
        """What is added to how far sums go: the needle's half, and what single precision loses."""
        size = self._size + abs(needle.middle) + needle.half
        return np.float32(needle.half + self.room + 16 * ULP * size + LEAST)

    def _near(self, needle: Needle, terms: Floats, row: IntArray, piece: IntArray) -> IntArray:
        """Those rows of pairs of a row and a piece whose sums come near, (m,)."""
        _, rates, _, own, at = self.course
        passed = at[row, None] - (piece * _PIECE)[:, None] <= np.arange(_PIECE)
        sums = np.where(passed, own[row, None], 0.0) - needle.middle
        for rate, drift in zip(rates.T, terms, strict=True):
            sums += rate[row, None] * drift[piece]
        near: Bools = np.abs(sums, out=sums) <= needle.half + self.room
        return row[np.flatnonzero(near) // _PIECE]


@dataclass(frozen=True)
class _Boxes:
    """Between which numbers the drift stays in each piece, (r, pieces) or in groups of them."""

    middle: Singles
    half: Singles

    @classmethod
    def around(cls, drift: Floats) -> _Boxes:
        """(r, pieces, terms of a piece)."""
        low, high = drift.min(axis=2), drift.max(axis=2)
        return cls(((low + high) / 2).astype(np.float32), ((high - low) / 2).astype(np.float32))

    def grouped(self, count: int) -> _Boxes:
        """So many pieces together: (r, groups, count)."""
        shape = (len(self.middle), -1, count)
        return _Boxes(self.middle.reshape(shape), self.half.reshape(shape))
