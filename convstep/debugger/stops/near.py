"""Which elements' running sums come near some numbers, found without adding up most of them.

The terms are taken in parts. At the ends of a part the running sum comes from BLAS; within, it goes up by no more than
the part's positive products, and down by no more than its negative ones. Where that brings it near a number, pieces of
the part are looked at in the same way, in single precision; what is left of them term by term, and then in double.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from convstep.debugger.stops.needles import LEAST, ULP, Needle, Singles
from convstep.debugger.stops.truth import Bools
from convstep.engine.sums import Floats
from convstep.ops.base import Array, IntArray
from convstep.ops.factors import Factors

_PART, _PIECE = 64, 8
_ROWS, _TILE, _BLOCK = 64, 2**15, 64
"""At most so many rows and elements at a time, and columns of one product: for larger ones BLAS waits for threads."""
_FEW = 2**8
"""So many elements of a tile are rather looked at term by term."""
_MANY = 2**12
_TRIANGLE = np.triu(np.full((_PIECE, _PIECE), 2.0, np.float32))


@dataclass(frozen=True)
class Near:
    """A search for some numbers; `room` is what rounding in double precision may add to a sum.

    Elements are looked at that are `wanted`, flat; `check` is called every few milliseconds. With `alone`, it is single
    products that come near, and not their sums.
    """

    factors: Factors
    needles: list[Needle]
    room: float
    wanted: Bools
    check: Callable[[], None]
    alone: bool = False

    def elements(self) -> IntArray:
        """Those whose sums come near, ascending."""
        return np.concatenate([np.zeros(0, np.intp), *map(self._of_stack, range(self.factors.stacks))])

    def _of_stack(self, stack: int) -> IntArray:
        factors = self.factors
        shape = (factors.rows, factors.columns)
        size = factors.rows * factors.columns
        tile_of = _Products if self.alone else _Sums
        wanted = self.wanted[stack * size : (stack + 1) * size].reshape(shape)
        found = np.zeros(shape, bool)
        if wanted.any():
            left = _Side.of(factors.left[stack % len(factors.left)], 1, 0.5)
            high = min(_ROWS, factors.rows)
            for columns, right in self._columns(stack, max(_TILE // high // _BLOCK, 1) * _BLOCK):
                for row in range(0, factors.rows, high):
                    tile = slice(row, row + high), columns
                    if wanted[tile].any():
                        found[tile] = tile_of(self, left[tile[0]], right, wanted[tile]).found()
        return stack * size + np.flatnonzero(found)

    def _columns(self, stack: int, most: int) -> Iterator[tuple[slice, _Side]]:
        """The columns of a stack, so many at a time."""
        for first, some in self.factors.right(stack):
            for start in range(0, len(some), most):
                self.check()
                part = some[start : start + most]
                yield slice(first + start, first + start + len(part)), _Side.of(part, _BLOCK, 1.0)


@dataclass(frozen=True)
class _Side:
    """The factors of some rows or columns, (n, K): as they are, and a share of them and of their magnitudes."""

    exact: Floats
    single: Singles
    size: Singles

    @classmethod
    def of(cls, factors: Array, multiple: int, share: float) -> _Side:
        """With zeros up to a multiple of rows, and up to whole pieces."""
        count, terms = (-(-n // m) * m for n, m in zip(factors.shape, (multiple, _PIECE), strict=True))
        exact = np.zeros((count, terms))
        exact[: factors.shape[0], : factors.shape[1]] = factors
        single = exact.astype(np.float32) * np.float32(share)
        return cls(exact, single, np.abs(single))

    def __getitem__(self, rows: slice) -> _Side:
        return _Side(self.exact[rows], self.single[rows], self.size[rows])


class _Tile:
    """Some rows with some columns, laid out as (blocks, rows, columns of a block). Rows have a half as their share."""

    def __init__(self, near: Near, left: _Side, right: _Side, wanted: Bools) -> None:
        self.near, self.left, self.right = near, left, right
        self.shape = (len(right.exact) // _BLOCK, len(left.exact), _BLOCK)
        self.width = wanted.shape[1]
        flat = np.zeros((len(left.exact), len(right.exact)), bool)
        flat[:, : self.width] = wanted
        self.wanted = np.ascontiguousarray(flat.reshape(len(flat), -1, _BLOCK).swapaxes(0, 1))
        self.open = self.wanted.copy()
        """What no sum has come near yet."""
        block, row, column = np.ogrid[tuple(map(slice, self.shape))]
        self._row, self._column = (
            np.ravel(each + np.zeros(self.shape, np.intp)) for each in (row, block * _BLOCK + column)
        )

    def found(self) -> Bools:
        """The elements that come near, (rows, columns)."""
        self.look()
        found: Bools = (self.wanted & ~self.open).swapaxes(0, 1).reshape(self.shape[1], -1)
        return found[:, : self.width]

    @abstractmethod
    def look(self) -> None:
        """Close all that come near."""


class _Products(_Tile):
    """Term by term: a product of matrices with two columns is a product and the needle away from it."""

    def look(self) -> None:
        left, right = (np.ones((*side.single.shape[:1], 2), np.float32) for side in (self.left, self.right))
        away, close = np.empty(self.shape, np.float32), np.empty(self.shape, bool)
        for k in range(self.left.exact.shape[1]):
            if not k % _PIECE:
                self.near.check()
            left[:, 0], right[:, 0] = self.left.single[:, k], self.right.single[:, k]
            for needle in self.near.needles:
                left[:, 1] = -needle.middle / 2
                np.matmul(left, right.reshape(-1, _BLOCK, 2).swapaxes(1, 2), out=away)
                room = (needle.half + 8 * ULP * (abs(needle.middle) + needle.half) + LEAST) / 2
                np.less_equal(np.abs(away, out=away), np.float32(room), out=close)
                if close.any():
                    self._take(needle, k, np.flatnonzero(close & self.open))

    def _take(self, needle: Needle, k: int, at: IntArray) -> None:
        products = self.left.exact[self._row[at], k] * self.right.exact[self._column[at], k]
        self.open.reshape(-1)[at[np.abs(products - needle.middle) <= needle.half + self.near.room]] = False


class _Sums(_Tile):
    """Part by part, piece by piece, term by term."""

    def look(self) -> None:
        total = np.zeros(self.shape)
        for first in range(0, self.left.exact.shape[1], _PART):
            self.near.check()
            part = slice(first, first + _PART)
            own: Floats = self._product("exact", part)
            half: Singles = self._product("size", part)
            for needle in self.near.needles:
                self._look(needle, part, total - needle.middle, own, half)
            total += own
            for needle in self.near.needles:
                self.open &= np.abs(total - needle.middle) > needle.half + self.near.room
            if not self.open.any():
                break

    def _product(self, name: str, part: slice, out: Singles | None = None) -> Any:
        left, right = getattr(self.left, name)[:, part], getattr(self.right, name)[:, part]
        return np.matmul(left, right.reshape(-1, _BLOCK, right.shape[1]).swapaxes(1, 2), out=out)

    def _look(self, needle: Needle, part: slice, start: Floats, own: Floats, half: Singles) -> None:
        """Close the elements that come near in a part, which begins at `start`, and goes half of `own` ± `half` on."""
        close = np.abs(start + own / 2) <= half * (1 + _PART * 4 * ULP) + (needle.half + self.near.room)
        close &= self.open
        count = np.count_nonzero(close)
        if count > _FEW:
            close = self._look_closer(needle, part, start.astype(np.float32), float(half.max()))
        at = np.flatnonzero(close)
        for few in np.split(at, range(_MANY, len(at), _MANY)):
            products = self.left.exact[self._row[few], part] * self.right.exact[self._column[few], part]
            sums = start.reshape(-1)[few, None] + np.add.accumulate(products, axis=1)
            near = (np.abs(sums) <= needle.half + self.near.room).any(axis=1)
            self.open.reshape(-1)[few[near]] = False

    def _look_closer(self, needle: Needle, part: slice, now: Singles, half: float) -> Bools:
        """The elements that come near in a part, as single precision has it: `now` is where it begins."""
        # 16 additions to what is at most all of the part and the needle away, their sizes, and the products of pieces.
        room = np.float32(needle.half + 64 * ULP * (2 * half + needle.half) + LEAST)
        own, most, far = (np.empty(self.shape, np.float32) for _ in range(3))
        close, found = np.empty(self.shape, bool), np.zeros(self.shape, bool)
        for first in range(part.start, min(part.stop, self.left.exact.shape[1]), _PIECE):
            piece = slice(first, first + _PIECE)
            self._product("single", piece, own)
            self._product("size", piece, most)
            now += own
            most += room
            np.less_equal(np.abs(now, out=far), most, out=close)
            close &= self.open
            at = np.flatnonzero(close)
            if len(at):
                at = self._in_piece(at, now.reshape(-1)[at] - own.reshape(-1)[at], first // _PIECE, room)
                found.reshape(-1)[at] = True
            now += own
        return found

    def _in_piece(self, at: IntArray, start: Singles, piece: int, room: np.float32) -> IntArray:
        """Those of some elements that come near in a piece, term by term."""
        pieces = self.left.exact.shape[1] // _PIECE
        products = self.left.single.reshape(-1, _PIECE).take(self._row.take(at) * pieces + piece, axis=0)
        products *= self.right.single.reshape(-1, _PIECE).take(self._column.take(at) * pieces + piece, axis=0)
        products[:, 0] += start / 2
        sums = products @ _TRIANGLE
        near = np.flatnonzero(np.abs(sums, out=sums) <= room)
        return at[near // _PIECE] if len(near) else at[:0]
