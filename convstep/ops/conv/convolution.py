"""What convolutions have in common, forwards and transposed: a kernel's taps meet an input's positions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import prod, sqrt
from typing import Any, ClassVar, Self

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, Positive, PositiveOrNone, require_floats
from convstep.ops.base import Array, Call, Empty, IntArray, Parameter, Shape, Spec
from convstep.ops.conv.conv_kernels import Geometry
from convstep.ops.factors import Factors, with_bias
from convstep.ops.feeding import Feeding
from convstep.ops.indices import flat, unravel
from convstep.ops.products import Codes, ProductSum
from convstep.ops.windows import Window

AXIS_NAMES = {1: "L", 2: "H, W", 3: "D, H, W"}


class Convolution(Feeding, ProductSum):
    """A kernel met with an input over any number of axes, forwards or transposed.

    A subclass says which outputs read which inputs at which tap (`window`), and where in the weight a pair of
    channels stands (`weight_at`).
    """

    axes: ClassVar[int]
    parameter_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    in_channels: PositiveOrNone = None
    out_channels: Positive
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    groups: Positive = 1
    bias: Flag = True

    # -- shapes

    def infer(self, inputs: Sequence[Spec]) -> Self:
        require_floats(inputs)
        shape, axes = inputs[0].shape, self.axes
        if len(shape) not in (axes + 1, axes + 2):
            sizes = AXIS_NAMES[axes]
            raise ArgumentError("inputs", f"takes an input (N, C, {sizes}) or (C, {sizes}), not {list(shape)}")
        channels = shape[-axes - 1]
        if self.in_channels not in (None, channels):
            raise ArgumentError("in_channels", f"is {self.in_channels}, but the input has {channels} channels")
        for name, count in (("in_channels", channels), ("out_channels", self.out_channels)):
            if count % self.groups:
                raise ArgumentError("groups", f"{self.groups} does not divide {name} = {count}")
        return self.replace(in_channels=channels)

    def declare(self) -> dict[str, Parameter]:
        shape = self.weight_shape
        bound = 1 / sqrt(prod(shape[1:]))
        weight = Parameter(shape, {"init": "kaiming_uniform", "a": sqrt(5)})
        bias = Parameter((self.out_channels,), {"init": "uniform", "a": -bound, "b": bound})
        return {"weight": weight, "bias": bias} if self.bias else {"weight": weight}

    @property
    @abstractmethod
    def weight_shape(self) -> Shape:
        """(channels, channels a group, *kernel_size)."""

    @property
    @abstractmethod
    def window(self) -> Window:
        """Which outputs of a plane read which of its inputs, at which tap."""

    @abstractmethod
    def weight_at(self, made: IntArray, read: IntArray, tap: IntArray) -> IntArray:
        """The weight with which output channel `made` reads input channel `read` of its group at a tap."""

    @abstractmethod
    def used(self, weight: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """The output channel that elements of the weight make, the first and the last place there, -1 for none."""

    def infer_output(self) -> Spec:
        shape = self.inputs[0].shape
        return Spec((*shape[: -self.axes - 1], self.out_channels, *self.window.outputs), self.inputs[0].dtype)

    @property
    def channels(self) -> int:
        return self.inputs[0].shape[-self.axes - 1]

    @cached_property
    def batch(self) -> int:
        """Samples in the input; an unbatched input counts as one."""
        return prod(self.inputs[0].shape[: -self.axes - 1])

    @property
    def kept_bytes(self) -> int:
        return self.window.nbytes

    @property
    @abstractmethod
    def geometry(self) -> Geometry:
        """The convolution whose columns a pass makes: this one, or that whose adjoint it is."""

    @property
    @abstractmethod
    def column_channels(self) -> int:
        """How many channels the columns have."""

    @property
    def passing_bytes(self) -> int:
        geometry = self.geometry
        if geometry.is_pointwise:
            return super().passing_bytes
        channels, itemsize = self.column_channels, self.output.dtype.itemsize
        samples, rows = geometry.blocks(self.batch, channels, itemsize)[0]
        columns: int = samples.stop * rows.stop * geometry.row_bytes(channels, itemsize)
        return self.batch * channels * prod(geometry.padded) * itemsize + columns + super().passing_bytes

    # -- one element

    @cached_property
    def counts(self) -> tuple[int, int, int, int]:
        """Input channels a group, output channels a group, taps, outputs a channel."""
        return (
            self.channels // self.groups,
            self.out_channels // self.groups,
            prod(self.kernel_size),
            prod(self.window.outputs),
        )

    def row_grid(self, slot: int) -> Shape:
        return (1,) if slot == 2 else (self.counts[0], *self.kernel_size)

    def column_grid(self, slot: int) -> Shape:
        if slot == 0:
            return (self.counts[1], *self.window.feed_grid)
        return (self.batch, *self.window.outputs)

    def batched(self, input: Array) -> Array:
        """An input as (N, C, …)."""
        return input.reshape(self.batch, self.channels, *self.window.size)

    def made(self, output: Array) -> Array:
        """A tensor of the output's shape as (N, O, …)."""
        return output.reshape(self.batch, self.out_channels, *self.window.outputs)

    def with_bias(self, output: Array, operands: tuple[Array, ...]) -> Array:
        """An output (N, O, …), changed in place, with the bias where there is one, in its own shape."""
        if self.bias:
            output += operands[2].reshape(-1, *(1,) * self.axes)
        return output.reshape(self.output.shape)

    def factors_with_bias(self, factors: Factors, call: Call) -> Factors:
        """Those of the output, with the bias where there is one."""
        return with_bias(factors, call.operands[2].reshape(self.groups, -1)) if self.bias else factors

    def pairs(self, out: IntArray) -> tuple[IntArray, IntArray, Codes]:
        channels, per_group, taps, outputs = self.counts
        sample, made, place = unravel(out, (self.batch, self.out_channels, outputs))
        position, empty = (a[:, None, :] for a in self.window.reads(place))
        channel = (made // per_group * channels)[:, None] + np.arange(channels)
        plane = (sample[:, None] * self.channels + channel)[:, :, None]
        read = np.where(empty == Empty.NO, plane * prod(self.window.size) + position, -1)
        weight = self.weight_at(made[:, None, None], channel[:, :, None], np.arange(taps))
        return flat(read), flat(weight), flat(np.broadcast_to(empty, read.shape))

    @property
    def bias_dim(self) -> int:
        return -self.axes - 1

    def input_column(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        channels, per_group, _, outputs = self.counts
        sample, channel, place = unravel(into, (self.batch, self.channels, prod(self.window.size)))
        position, taps, codes = self.window.feeds(place)
        position, tap, empty = position[:, None, :], taps[:, None, :], codes[:, None, :]
        fed = (channel // channels * per_group)[:, None] + np.arange(per_group)
        plane = (sample[:, None] * self.out_channels + fed)[:, :, None]
        out = np.where(empty == Empty.NO, plane * outputs + position, -1)
        weight = np.where(empty == Empty.NO, self.weight_at(fed[:, :, None], channel[:, None, None], tap), -1)
        return flat(out), flat(weight), flat(np.broadcast_to(empty, out.shape))

    def fed(self, slot: int, into: IntArray) -> tuple[IntArray, IntArray]:
        channels, per_group, _, outputs = self.counts
        first_sample, last_sample = np.zeros_like(into), np.full(into.shape, self.batch - 1)
        if slot == 0:
            sample, channel, place = unravel(into, (self.batch, self.channels, prod(self.window.size)))
            first_sample = last_sample = sample
            made, (first, last) = channel // channels * per_group, self.window.fed(place)
            most = made + per_group - 1
        elif slot == 1:
            made, first, last = self.used(into)
            most = made
        else:
            made = most = into
            first, last = np.zeros_like(into), np.full(into.shape, outputs - 1)
        first = np.where(first < 0, -1, (first_sample * self.out_channels + made) * outputs + first)
        return first, np.where(last < 0, -1, (last_sample * self.out_channels + most) * outputs + last)
