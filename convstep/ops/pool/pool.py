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
from convstep.ops.arguments import require_floats
from convstep.ops.axes.axis import Codes, SummingAxis
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
from convstep.ops.windows import Window

_SMALL_TABLE = 2**16
"""Up to so many places of all taps are kept in a table: more are found anew, tap by tap."""

_BLOCK, _PLANES = 2**15, 4
"""So many outputs are worked on at a time; where a plane has more, those of a few planes: their places are the same."""


class Pool(Operation):
    """Windows over the last axes of the input; what stands before them are planes of their own."""

    axes: ClassVar[int]
    forms: ClassVar[str]
    """How the input's dimensions are written."""

    @property
    @abstractmethod
    def window_axes(self) -> tuple[SummingAxis, ...]:
        """The windows along each axis."""

    @cached_property
    def window(self) -> Window:
        """Which places of a plane each output reads."""
        return Window(self.window_axes)

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
        return super().passing_bytes + self.inputs[0].size * self.inputs[0].dtype.itemsize

    # -- which elements meet

    @cached_property
    def _small_table(self) -> IntArray | None:
        taps = prod(self.window.taps)
        return self.window.tap_reads(np.arange(taps))[0] if taps * self.outputs_a_plane <= _SMALL_TABLE else None

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Some planes, and some outputs of a plane: all of them together, a moderate number at a time."""
        outputs = max(1, min(self.outputs_a_plane, _BLOCK))
        planes = max(_PLANES, _BLOCK // outputs)
        for k in range(0, self.planes, planes):
            for start in range(0, self.outputs_a_plane, outputs):
                yield slice(k, k + planes), slice(start, min(start + outputs, self.outputs_a_plane))

    def places(self, outputs: slice) -> Iterator[IntArray]:
        """For each tap, where in its plane each of some outputs reads, -1 where it does not: (outputs,)."""
        if self._small_table is not None:
            yield from self._small_table[:, outputs]
            return
        out = np.arange(outputs.start, outputs.stop)
        for tap in range(prod(self.window.taps)):
            yield self.window.at(out, np.array(tap))

    def places_at(self, taps: IntArray, outputs: slice) -> IntArray:
        """Where in its plane each of some outputs reads, each at a tap of its own: (planes, outputs)."""
        out = np.arange(outputs.start, outputs.stop)
        return self.window.at(out, taps) if self._small_table is None else self._small_table[taps, out]

    def gather(self, planes: Array, outputs: slice, fill: float) -> Iterator[Array]:
        """For each tap, the numbers that some outputs read there, (planes, outputs), and the filler where none.

        The numbers are overwritten by the next tap's.
        """
        numbers = np.empty((len(planes), outputs.stop - outputs.start), dtype=planes.dtype)
        if self._small_table is not None:
            # With the filler at the end, where -1 finds it. np.pad does the same, at the cost of a small pooling.
            filled = np.empty((len(planes), planes.shape[1] + 1), planes.dtype)
            filled[:, :-1], filled[:, -1] = planes, fill
            planes = filled
        for places in self.places(outputs):
            # With mode="wrap", -1 is the end, and numpy writes into `out` directly.
            np.take(planes, places, axis=1, out=numbers, mode="wrap")
            if self._small_table is None:
                numbers[:, places < 0] = fill
            yield numbers

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

    # -- sums

    def add_up(self, tensor: Array) -> Array:
        """The sum of each window: an input-shaped tensor as (planes, *outputs)."""
        tensor = tensor.reshape(self.planes, *self.window.size)
        for along in range(self.axes, 0, -1):
            tensor = self.window_axes[along - 1].add_up(tensor, along)
        return tensor

    def by_plane(self, output: Array) -> Array:
        """A tensor of the output's shape as (planes, *outputs)."""
        return output.reshape(self.planes, *self.window.outputs)

    def give_back(self, upstream: Array) -> Array:
        """Its adjoint: each input gets the sum of the outputs that read it, in the input's shape."""
        upstream = self.by_plane(upstream)
        for along in range(self.axes, 0, -1):
            upstream = self.window_axes[along - 1].give_back(upstream, along)
        return upstream.reshape(self.inputs[0].shape)

    def counts(self, padding: bool) -> IntArray:
        """How many numbers the window of each output of a plane holds; with those of the padding, where wanted.

        In the outputs' dimensions, of size 1 where that makes no difference.
        """
        sizes = np.ones((), dtype=np.intp)
        for axis in self.window_axes:
            sizes = np.multiply.outer(sizes, axis.counts(padding))
        return sizes

    def of_output(self, numbers: Array, out: IntArray) -> Array:
        """Numbers of a plane's outputs, given as `counts`, for some outputs."""
        place = np.unravel_index(out % self.outputs_a_plane, self.window.outputs)
        some: Array = np.broadcast_to(numbers, self.window.outputs)[place]
        return some
