"""Whole tensors read through the table of an axis: padding, upsampling, and the way back.

An output position is a sum over taps of weight · input; without weights there is one tap, and it is a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convstep.ops.base import Array, IntArray
from convstep.ops.windows import Axis

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AxisMap:
    """One axis: what each output reads, and with which weights, (outputs, taps)."""

    axis: Axis
    weights: Floats | None = None

    @property
    def changes_nothing(self) -> bool:
        reads = self.axis.reads
        plain = self.weights is None or bool((self.weights == 1).all())
        return plain and reads.shape == (self.axis.size, 1) and bool((reads[:, 0] == np.arange(len(reads))).all())

    def read(self, x: Array, along: int, fill: float = 0.0) -> Array:
        """The tensor with the axis `along` mapped; places without an input hold `fill`."""
        reads = self.axis.reads
        if self.weights is None:
            return _taken(x, reads[:, 0], along, fill)
        result: Array | None = None
        for tap in range(self.axis.taps):
            part = _taken(x, reads[:, tap], along, 0.0) * _lengthwise(self.weights[:, tap], x, along)
            result = part if result is None else np.add(result, part, out=result)
        assert result is not None
        return result

    def give_back(self, upstream: Array, along: int) -> Array:
        """The adjoint of `read`: each input position gets back what the outputs that read it have."""
        axis = self.axis
        shape = (*upstream.shape[:along], axis.size, *upstream.shape[along + 1 :])
        gradient = np.zeros(shape, upstream.dtype)
        before = (slice(None),) * along
        for k in range(axis.feeds.shape[1]):
            into = np.flatnonzero(axis.feeds[:, k] >= 0)
            output, tap = axis.feeds[into, k], axis.feeds_tap[into, k]
            part = upstream[(*before, _places(output))]
            if self.weights is not None:
                part = part * _lengthwise(self.weights[output, tap], upstream, along)
            gradient[(*before, _places(into))] += part
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


def _taken(x: Array, reads: IntArray, along: int, fill: float) -> Array:
    before = (slice(None),) * along
    into = np.flatnonzero(reads >= 0)
    if len(into) == len(reads):
        return np.take(x, reads, axis=along)
    shape = (*x.shape[:along], len(reads), *x.shape[along + 1 :])
    result = np.full(shape, fill, x.dtype)
    result[(*before, _places(into))] = x[(*before, _places(reads[into]))]
    return result


def _places(index: IntArray) -> IntArray | slice:
    """Neighbouring places as a slice, which numpy reads and writes faster."""
    if len(index) and index[-1] - index[0] == len(index) - 1 and bool((np.diff(index) == 1).all()):
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


def _lengthwise(weights: Floats, x: Array, along: int) -> Array:
    """Weights laid along one axis of a tensor, in its dtype."""
    return weights.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - along - 1))
