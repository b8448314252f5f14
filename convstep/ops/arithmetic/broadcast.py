"""Broadcasting as index arithmetic: which element of an operand an element of the result reads, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.base import Array, IntArray, Shape, Spec
from convstep.ops.indices import unravel


def broadcast_shape(inputs: Sequence[Spec]) -> Shape:
    """The common shape of all inputs. Raises ArgumentError where they have none."""
    try:
        return np.broadcast_shapes(*(spec.shape for spec in inputs))
    except ValueError:
        shapes = " and ".join(str(list(spec.shape)) for spec in inputs)
        raise ArgumentError(
            "inputs", f"the shapes {shapes} do not go together: sizes must be equal, or one of them 1"
        ) from None


def common_dtype(inputs: Sequence[Spec]) -> np.dtype[Any]:
    """The dtype of a result of floats, as torch has it: scalars say nothing beside tensors with dimensions."""
    return np.result_type(*({spec.dtype for spec in inputs if spec.shape} or {spec.dtype for spec in inputs}))


@dataclass(frozen=True)
class Broadcast:
    """An operand of the shape `part` stretched over a result of the shape `whole`."""

    part: Shape
    whole: Shape

    @property
    def uses(self) -> Shape:
        """The sizes along which the operand is repeated; without any, (1,)."""
        return tuple(w for p, w in zip(self._padded, self.whole, strict=True) if p != w) or (1,)

    @property
    def _padded(self) -> Shape:
        return (1,) * (len(self.whole) - len(self.part)) + self.part

    def reads(self, out: IntArray) -> IntArray:
        """For elements of the result, the element of the operand that each reads; any shape."""
        index = np.zeros_like(out)
        for at, size in zip(unravel(out, self.whole), self._padded, strict=True):
            index = index * size + (at if size > 1 else 0)
        return index

    def feeds(self, into: IntArray) -> IntArray:
        """For m elements of the operand, the elements of the result that read it, ascending, (m, uses)."""
        first, offsets = np.zeros_like(into), np.zeros(1, dtype=into.dtype)
        stride = prod(self.whole)
        for at, part, size in zip(unravel(into, self._padded), self._padded, self.whole, strict=True):
            stride //= max(size, 1)
            if part == size:
                first = first + at * stride
            else:
                offsets = (offsets[:, None] + np.arange(size) * stride).reshape(-1)
        return first[:, None] + offsets

    def collect(self, gradient: Array) -> Array:
        """A gradient of the whole's shape added up over the repetitions: the operand's gradient."""
        repeated = tuple(k for k, (p, w) in enumerate(zip(self._padded, self.whole, strict=True)) if p != w)
        total = gradient.sum(axis=repeated, keepdims=True) if repeated else gradient
        return total.reshape(self.part)
