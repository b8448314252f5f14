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
        for k, tap in np.ndindex(axis.fed_outputs.shape[1], axis.taps):
            inputs = np.flatnonzero((axis.fed_outputs[:, k] >= 0) & (axis.fed_taps[:, k] == tap))
            outputs = axis.fed_outputs[inputs, k]
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
        return bool((self.axis.positions[:, 0] >= 0).all()), bool((self.axis.fed_outputs[:, 0] >= 0).all())

    def read(self, x: Array, along: int, fill: float = 0.0) -> Array:
        """The tensor with the axis `along` mapped; places without an input hold `fill`."""
        shape = (*x.shape[:along], self.axis.outputs, *x.shape[along + 1 :])
        before = (slice(None),) * along
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
        covered = self._covers[1]
        gradient = np.empty(shape, upstream.dtype) if covered else np.zeros(shape, upstream.dtype)
        for piece in self.pieces:
            into = (*before, piece.inputs)
            _put(gradient, into, upstream[(*before, piece.outputs)], piece.weights, piece.use == 0)
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
