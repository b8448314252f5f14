"""Whole tensors read through the table of an axis: padding, upsampling, and the way back.

An output position is a sum over taps of weight · input; without weights there is one tap, and it is a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from convstep.ops.axes.table import TableAxis
from convstep.ops.base import Array, IntArray

Floats = npt.NDArray[np.float64]
Places = slice | IntArray

_MOST_SLICES = 6
_MANY = 16
"""With more copies of an input than that, their gradients are added up in one go."""
_LONG, _AT_ONCE = 2**16, 2**15
"""From so many places on, an axis is worked on that many at a time."""
_LARGEST_MATRIX = 128 * 256


class Piece(NamedTuple):
    """Pairs of places that meet, each place once; with a weight for each pair where there are weights.

    `use` counts, from 0, how often the inputs stood in a piece before; `tap` is at which tap the outputs read.
    """

    inputs: Places
    outputs: Places
    weights: Floats | None
    use: int
    tap: int


@dataclass(frozen=True)
class AxisMap:
    """One axis: what each output reads, and with which weights, (outputs, taps)."""

    axis: TableAxis
    weights: Floats | None = None

    @cached_property
    def changes_nothing(self) -> bool:
        reads = self.axis.positions
        plain = self.weights is None or bool((self.weights == 1).all())
        return plain and reads.shape == (self.axis.size, 1) and bool((reads[:, 0] == np.arange(len(reads))).all())

    @cached_property
    def pieces(self) -> list[Piece]:
        """All pairs of places that meet; evenly spaced places are slices, which numpy reads faster than lists."""
        axis, pieces = self.axis, []
        for k, tap in np.ndindex(axis.longest, axis.taps):
            fed = np.flatnonzero(axis.counts > k)
            outputs, taps = np.divmod(axis.order[axis.starts[fed] + k].astype(np.intp), axis.taps)
            inputs, outputs = fed[taps == tap], outputs[taps == tap]
            weights = None if self.weights is None else self.weights[outputs, tap]
            runs = list(islice(_even_runs(inputs, outputs), _MOST_SLICES + 1))
            if len(runs) > _MOST_SLICES:
                pieces.append(Piece(inputs, outputs, weights, k, tap))
                continue
            for run in runs:
                part = None if weights is None else weights[run]
                pieces.append(Piece(_as_slice(inputs[run]), _as_slice(outputs[run]), part, k, tap))
        return pieces

    @cached_property
    def _matrix(self) -> Floats | None:
        """The weights as a matrix (outputs, size), where that is small: BLAS is faster than a few taps then."""
        axis = self.axis
        if self.weights is None or axis.outputs * axis.size > _LARGEST_MATRIX:
            return None
        matrix = np.zeros((axis.outputs, axis.size))
        np.add.at(matrix, (np.arange(axis.outputs)[:, None], axis.positions), self.weights)
        return matrix

    @cached_property
    def _covers(self) -> tuple[bool, bool]:
        """Whether each output reads something, and each input is read."""
        return bool((self.axis.positions[:, 0] >= 0).all()), bool((self.axis.counts > 0).all())

    def read(self, x: Array, along: int, fill: float = 0.0) -> Array:
        """The tensor with the axis `along` mapped; places without an input hold `fill`."""
        shape = (*x.shape[:along], self.axis.outputs, *x.shape[along + 1 :])
        before = (slice(None),) * along
        if self.axis.outputs > _LONG:
            return self._read_long(x, along, fill)
        if self.weights is None:
            if self._covers[0]:
                return np.take(x, self.axis.positions[:, 0], axis=along)
            result = np.full(shape, fill, x.dtype)
            for piece in self.pieces:
                result[(*before, piece.outputs)] = x[(*before, piece.inputs)]
            return result
        # A product with a matrix would spread Inf and NaN over what does not read them.
        if self._matrix is not None and np.isfinite(x).all():
            return _multiply(self._matrix, x, along)
        result = np.empty(shape, x.dtype)
        for piece in sorted(self.pieces, key=lambda piece: piece.tap):
            _put(result, (*before, piece.outputs), x[(*before, piece.inputs)], piece.weights, piece.tap == 0)
        return result

    def give_back(self, upstream: Array, along: int) -> Array:
        """The adjoint of `read`: each input position gets back what the outputs that read it have."""
        shape = (*upstream.shape[:along], self.axis.size, *upstream.shape[along + 1 :])
        before = (slice(None),) * along
        if self._matrix is not None and np.isfinite(upstream).all():
            return _multiply(self._matrix.T, upstream, along)
        if self.weights is None and self.axis.longest > _MANY:
            return self._add_runs(upstream, along)
        if self.axis.size > _LONG or self.axis.outputs > _LONG:
            return self._give_back_long(upstream, along)
        covered = self._covers[1]
        gradient = np.empty(shape, upstream.dtype) if covered else np.zeros(shape, upstream.dtype)
        for piece in self.pieces:
            into = (*before, piece.inputs)
            _put(gradient, into, upstream[(*before, piece.outputs)], piece.weights, piece.use == 0)
        return gradient

    def _read_long(self, x: Array, along: int, fill: float) -> Array:
        """As `read`, some outputs at a time: no piece is kept, and nothing of the axis's length is made."""
        axis = self.axis
        result = np.full((*x.shape[:along], axis.outputs, *x.shape[along + 1 :]), fill, x.dtype)
        for start in range(0, axis.outputs, _AT_ONCE):
            for tap in range(axis.taps):
                reads = axis.positions[start : start + _AT_ONCE, tap]
                there = np.flatnonzero(reads >= 0)
                weights = None if self.weights is None else self.weights[start + there, tap]
                into: tuple[Places, ...] = (*(slice(None),) * along, start + there)
                _put(result, into, np.take(x, reads[there], axis=along), weights, tap == 0)
        return result

    def _give_back_long(self, upstream: Array, along: int) -> Array:
        """As `give_back`, some inputs at a time."""
        axis = self.axis
        gradient = np.zeros((*upstream.shape[:along], axis.size, *upstream.shape[along + 1 :]), upstream.dtype)
        for start in range(0, axis.size, _AT_ONCE):
            counts = axis.counts[start : start + _AT_ONCE]
            for k in range(int(counts.max(initial=0))):
                fed = start + np.flatnonzero(counts > k)
                outputs, taps = np.divmod(axis.order[axis.starts[fed] + k].astype(np.intp), axis.taps)
                weights = None if self.weights is None else self.weights[outputs, taps]
                into: tuple[Places, ...] = (*(slice(None),) * along, fed)
                _put(gradient, into, np.take(upstream, outputs, axis=along), weights, k == 0)
        return gradient

    def _add_runs(self, upstream: Array, along: int) -> Array:
        """The same for copies, where an input has many: those of one input follow each other."""
        axis = self.axis
        gradient = np.zeros((*upstream.shape[:along], axis.size, *upstream.shape[along + 1 :]), upstream.dtype)
        fed = np.flatnonzero(axis.counts)
        into: tuple[Places, ...] = (*(slice(None),) * along, fed)
        in_order = len(axis.order) == axis.outputs and bool((np.diff(axis.order) == 1).all())
        copies = upstream if in_order else np.take(upstream, axis.order, axis=along)
        gradient[into] = np.add.reduceat(copies, axis.starts[fed], axis=along)
        return gradient


def read_all(x: Array, maps: Sequence[AxisMap], fill: float = 0.0) -> Array:
    """The tensor with its last axes mapped, the very last one first (as torch does it)."""
    for along in reversed(range(len(maps))):
        if not maps[along].changes_nothing:
            x = maps[along].read(x, x.ndim - len(maps) + along, fill)
    return x


def give_all_back(upstream: Array, maps: Sequence[AxisMap]) -> Array:
    """The adjoint of `read_all`."""
    for along, axis_map in enumerate(maps):
        if not axis_map.changes_nothing:
            upstream = axis_map.give_back(upstream, upstream.ndim - len(maps) + along)
    return upstream


def _multiply(matrix: Floats, x: Array, along: int) -> Array:
    """A matrix times a tensor, along one of its axes, in the tensor's dtype."""
    matrix = matrix.astype(x.dtype)
    before, after = x.shape[:along], x.shape[along + 1 :]
    if prod(after) == 1:
        product = x.reshape(-1, matrix.shape[1]) @ matrix.T
    else:
        product = np.matmul(matrix, x.reshape(-1, matrix.shape[1], prod(after)))
    return product.reshape(*before, matrix.shape[0], *after)


def _put(result: Array, places: tuple[Places, ...], numbers: Array, weights: Floats | None, is_new: bool) -> None:
    """Puts numbers, times weights along the last of `places`, there: instead of what is there where it `is_new`."""
    if weights is not None:
        factors = weights.astype(numbers.dtype).reshape(-1, *(1,) * (numbers.ndim - len(places)))
        if is_new and isinstance(places[-1], slice):
            np.multiply(numbers, factors, out=result[places])
            return
        numbers = numbers * factors
    if is_new:
        result[places] = numbers
    else:
        result[places] += numbers


def _even_runs(a: IntArray, b: IntArray) -> Iterator[slice]:
    """Stretches along which both lists of places are evenly spaced."""
    steps, start = np.stack([np.diff(a), np.diff(b)]), 0
    while start < len(a):
        even = (steps[:, start:] == steps[:, start : start + 1]).all(axis=0)
        stop = start + 1 + (len(even) if even.all() else int(np.argmin(even)))
        yield slice(start, stop)
        start = stop


def _as_slice(places: IntArray) -> slice:
    """Evenly spaced places, none of them twice, as a slice."""
    first, step = int(places[0]), int(places[1] - places[0]) if len(places) > 1 else 1
    stop = first + step * len(places)
    return slice(first, stop if stop >= 0 else None, step)
