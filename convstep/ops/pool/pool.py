"""What poolings have in common: a window slides over each plane of the input."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.arguments import require_floats
from convstep.ops.base import (
    Array,
    Call,
    Empty,
    IntArray,
    Links,
    Operation,
    Shape,
    Spec,
)
from convstep.ops.windows import Codes, Window

_FEW_TAPS = 8
"""Up to so many taps it is quickest to add whole slices, tap by tap."""

_BYTES_A_PLACE = 18
"""What a tap of a window in a plane takes while the table of all of them is made."""


class Pool(Operation):
    """Windows over the last axes of the input; what stands before them are planes of their own."""

    axes: ClassVar[int]
    forms: ClassVar[str]
    """How the input's dimensions are written."""

    @property
    @abstractmethod
    def window(self) -> Window:
        """Which places of a plane each output reads."""

    @property
    @abstractmethod
    def windows_in_words(self) -> str:
        """The windows in a sentence: "every 2×2 window"."""

    # -- shapes

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        spec, axes = self.inputs[0], self.axes
        if len(spec.shape) not in (axes + 1, axes + 2):
            raise ArgumentError("inputs", f"takes an input {self.forms}, not {list(spec.shape)}")
        return Spec((*spec.shape[:-axes], *self.window.outputs), spec.dtype)

    @cached_property
    def planes(self) -> int:
        return prod(self.inputs[0].shape[: -self.axes])

    @cached_property
    def inputs_a_plane(self) -> int:
        return prod(self.window.size)

    @cached_property
    def outputs_a_plane(self) -> int:
        return prod(self.window.outputs)

    @property
    def kept_bytes(self) -> int:
        return self.window.nbytes

    @property
    def passing_bytes(self) -> int:
        return super().passing_bytes + _BYTES_A_PLACE * prod(self.window.taps) * self.outputs_a_plane

    # -- which elements meet

    @cached_property
    def tap_reads(self) -> IntArray:
        """Where in its plane each output reads at each tap, -1 where it does not: (taps, outputs)."""
        return self.window.tap_reads(np.arange(prod(self.window.taps)))[0]

    def gather(self, tensor: Array, table: IntArray, fill: float) -> Iterator[tuple[IntArray, Array]]:
        """For each row of a table of places within a plane, that row and the numbers there, (planes, places).

        The place -1 gives the filler. The numbers are overwritten by the next row's.
        """
        # np.pad does the same, at the cost of a small pooling.
        flat = tensor.reshape(self.planes, -1)
        planes = np.empty((self.planes, flat.shape[1] + 1), tensor.dtype)
        planes[:, :-1], planes[:, -1] = flat, fill
        numbers = np.empty((self.planes, table.shape[1]), dtype=tensor.dtype)
        for places in table:
            # With mode="wrap", -1 is the filler at the end, and numpy writes into `out` directly.
            yield places, np.take(planes, places, axis=1, out=numbers, mode="wrap")

    def reads(self, out: IntArray) -> tuple[IntArray, Codes]:
        """For m outputs, the input element of each tap and the `Empty` codes, (m, taps)."""
        plane, place = np.divmod(out, self.outputs_a_plane)
        position, empty = self.window.reads(place)
        return np.where(empty == Empty.NO, plane[:, None] * self.inputs_a_plane + position, -1), empty

    def feeds(self, into: IntArray) -> tuple[IntArray, Codes]:
        """For m input elements, the outputs that they feed and the `Empty` codes, (m, n)."""
        plane, place = np.divmod(into, self.inputs_a_plane)
        position, _, empty = self.window.feeds(place)
        return np.where(empty == Empty.NO, plane[:, None] * self.outputs_a_plane + position, -1), empty

    def row_grid(self, slot: int) -> Shape:
        return self.window.taps

    def column_grid(self, slot: int) -> Shape:
        return self.window.feed_grid

    @abstractmethod
    def _local(self, call: Call, out: IntArray, into: IntArray) -> npt.NDArray[np.float64]:
        """∂output[out]/∂input[into] for pairs that meet, in any shape; what it says of -1 is not used."""

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        index, empty = self.reads(out)
        return Links(index, np.where(empty == Empty.NO, self._local(call, out[:, None], index), 0.0), empty)

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        index, empty = self.feeds(into)
        return Links(index, np.where(empty == Empty.NO, self._local(call, index, into[:, None]), 0.0), empty)

    def candidates(self, out: int) -> IntArray:
        """The input elements that one output element really reads."""
        (index,), (empty,) = self.reads(np.array([out]))
        read: IntArray = index[empty == Empty.NO]
        return read


def add_up(tensor: Array, tables: Sequence[IntArray]) -> Array:
    """Sums over windows, one axis after the other.

    The tensor is (planes, sizes …); each axis has a table (new size, taps) of the places to add up, -1 for none.
    """
    for axis in range(len(tables), 0, -1):
        tensor = _add_up_axis(tensor, tables[axis - 1], axis)
    return tensor


def _add_up_axis(tensor: Array, table: IntArray, axis: int) -> Array:
    shape, size, taps = tensor.shape, tensor.shape[axis], table.shape[1]
    parts: Iterable[Array]
    if table.size == size and np.array_equal(table.reshape(-1), np.arange(size)):
        # Windows side by side, which together are the whole axis.
        windows = tensor.reshape(*shape[:axis], *table.shape, *shape[axis + 1 :])
        if taps > _FEW_TAPS:
            return np.asarray(windows.sum(axis=axis + 1))
        parts = np.moveaxis(windows, axis + 1, 0)
    else:
        padded = np.concatenate([tensor, np.zeros((*shape[:axis], 1, *shape[axis + 1 :]), tensor.dtype)], axis=axis)
        if taps > _FEW_TAPS and (np.diff(table, axis=1)[table[:, 1:] >= 0] == 1).all():
            # Stretches that follow each other: each from its first place up to one past its last.
            ends = np.stack([table[:, 0], table.max(axis=1) + 1], axis=1).reshape(-1)
            if (table[:, 0] >= 0).all():
                sums: Array = np.add.reduceat(padded, ends, axis=axis)
                return np.ascontiguousarray(sums[(slice(None),) * axis + (slice(None, None, 2),)])
        parts = (np.take(padded, places, axis=axis, mode="wrap") for places in table.T)
    total = np.zeros((*shape[:axis], len(table), *shape[axis + 1 :]), tensor.dtype)
    for part in parts:
        total += part
    return total
