"""What poolings have in common: a window slides over each plane of the input."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.arguments import (
    Flag,
    Pair,
    PairFrom0,
    PairOrNone,
    require_floats,
)
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
from convstep.ops.windows import Axis, Codes, Window, sliding_axis

EMPTY_WORDS = {Empty.PADDING: "padding", Empty.WINDOW: "past the edge", Empty.STRIDE: "between two strides"}


class Pool(Operation):
    """A window over the last axes of the input; what stands before them are planes of their own."""

    axes: ClassVar[int] = 2

    kernel_size: Pair
    stride: PairOrNone = None
    padding: PairFrom0 = (0, 0)
    ceil_mode: Flag = False

    @property
    def spread(self) -> tuple[int, ...]:
        """The dilation of each axis."""
        return (1,) * self.axes

    # -- shapes

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        spec, axes = self.inputs[0], self.axes
        if len(spec.shape) not in (axes + 1, axes + 2):
            raise ArgumentError("inputs", f"takes an input (N, C, H, W) or (C, H, W), not {list(spec.shape)}")
        return Spec((*spec.shape[:-axes], *self.window.outputs), spec.dtype)

    @cached_property
    def window(self) -> Window:
        sizes = self.inputs[0].shape[-self.axes :]
        stride = self.stride or self.kernel_size
        each = zip(sizes, self.kernel_size, stride, self.padding, self.spread, strict=True)
        return Window(tuple(_pool_axis(*axis, self.ceil_mode) for axis in each))

    @cached_property
    def planes(self) -> int:
        return prod(self.inputs[0].shape[: -self.axes])

    @cached_property
    def inputs_a_plane(self) -> int:
        return prod(self.window.size)

    @cached_property
    def outputs_a_plane(self) -> int:
        return prod(self.window.outputs)

    # -- which elements meet

    @cached_property
    def tap_reads(self) -> IntArray:
        """Where in its plane each output reads at each tap, -1 where it does not: (taps, outputs)."""
        return self.window.tap_reads(np.arange(prod(self.window.taps)))[0]

    def gather(self, tensor: Array, table: IntArray, fill: float) -> Iterator[tuple[IntArray, Array]]:
        """For each row of a table of places within a plane, that row and the numbers there, (planes, places).

        The place -1 gives the filler. The numbers are overwritten by the next row's.
        """
        planes = np.pad(tensor.reshape(self.planes, -1), ((0, 0), (0, 1)), constant_values=fill)
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

    @property
    def size_in_words(self) -> str:
        return "×".join(map(str, self.kernel_size))


def _pool_axis(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> Axis:
    """One axis, with torch's number of outputs; a window starts inside the input or its left padding."""
    if padding > kernel // 2:
        raise ArgumentError("padding", f"{padding} is more than half of the kernel size {kernel}")
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    outputs = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (outputs - 1) * stride >= size + padding:
        outputs -= 1
    if outputs < 1:
        span = dilation * (kernel - 1) + 1
        raise ArgumentError(
            "kernel_size", f"the window spans {span}, more than the padded input's {size + 2 * padding}"
        )
    axis = sliding_axis(size, kernel, stride, padding, padding, dilation, outputs)
    if (axis.reads < 0).all(axis=1).any():
        raise ArgumentError("dilation", "a window would lie on padding alone")
    return axis
