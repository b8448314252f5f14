"""Convolution: sums of products of an input window and a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod, sqrt
from typing import Any, ClassVar, Self

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, Pair, PairOrWords, Positive, ZerosMode, require_floats
from convstep.ops.base import (
    Array,
    Call,
    Empty,
    IntArray,
    Naming,
    Parameter,
    Shape,
    Spec,
    quiet,
    unravel,
)
from convstep.ops.conv_kernels import Geometry, convolve, input_gradient, weight_gradient
from convstep.ops.products import Codes, ProductSum
from convstep.ops.windows import Window, sliding_axis


class _Conv(ProductSum):
    """Convolution over any number of axes; a subclass fixes their number and the types of its arguments.

    torch.nn.Conv2d: out[n, o, …] = bias[o] + Σ over c, taps of input[n, c, …] · weight[o, c, taps].
    """

    axes: ClassVar[int]
    parameter_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    in_channels: Positive | None = None
    out_channels: Positive
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    groups: Positive = 1
    bias: Flag = True
    padding_mode: ZerosMode = "zeros"

    # -- shapes

    def infer(self, inputs: Sequence[Spec]) -> Self:
        require_floats(inputs)
        shape, axes = inputs[0].shape, self.axes
        if len(shape) not in (axes + 1, axes + 2):
            wanted = f"(N, C, {'H, W' if axes == 2 else '…'})"
            raise ArgumentError("inputs", f"takes an input of {axes + 2} dimensions {wanted}, not {list(shape)}")
        channels = shape[-axes - 1]
        if self.in_channels not in (None, channels):
            raise ArgumentError("in_channels", f"is {self.in_channels}, but the input has {channels} channels")
        for name, count in (("in_channels", channels), ("out_channels", self.out_channels)):
            if count % self.groups:
                raise ArgumentError("groups", f"{self.groups} does not divide {name} = {count}")
        if self.padding == "same" and any(s != 1 for s in self.stride):
            raise ArgumentError("padding", "'same' goes with stride 1 only")
        return self.model_copy(update={"in_channels": channels})

    def declare(self) -> dict[str, Parameter]:
        per_group = self.channels // self.groups
        bound = 1 / sqrt(per_group * prod(self.kernel_size))
        weight = Parameter((self.out_channels, per_group, *self.kernel_size), {"init": "kaiming_uniform", "a": sqrt(5)})
        bias = Parameter((self.out_channels,), {"init": "uniform", "a": -bound, "b": bound})
        return {"weight": weight, "bias": bias} if self.bias else {"weight": weight}

    def infer_output(self) -> Spec:
        shape = self.inputs[0].shape
        return Spec((*shape[: -self.axes - 1], self.out_channels, *self.window.outputs), self.inputs[0].dtype)

    @cached_property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """Zero padding before and after, per axis; what `same` adds beyond an even number goes after (torch)."""
        if self.padding == "valid":
            return ((0, 0),) * self.axes
        if self.padding == "same":
            whole = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return tuple((pad // 2, pad - pad // 2) for pad in whole)
        return tuple((pad, pad) for pad in self.padding)

    @cached_property
    def window(self) -> Window:
        axes = []
        sizes = self.inputs[0].shape[-self.axes :]
        for size, kernel, stride, (before, after), dilation in zip(
            sizes, self.kernel_size, self.stride, self.pads, self.dilation, strict=True
        ):
            outputs = (size + before + after - dilation * (kernel - 1) - 1) // stride + 1
            if outputs < 1:
                raise ArgumentError(
                    "kernel_size",
                    f"the window spans {dilation * (kernel - 1) + 1}, "
                    f"more than the padded input's {size + before + after}",
                )
            axes.append(sliding_axis(size, kernel, stride, before, after, dilation, outputs))
        return Window(tuple(axes))

    @property
    def channels(self) -> int:
        return self.inputs[0].shape[-self.axes - 1]

    @cached_property
    def batch(self) -> int:
        """Samples in the input; an unbatched input counts as one."""
        return prod(self.inputs[0].shape[: -self.axes - 1])

    # -- the whole tensor

    @cached_property
    def geometry(self) -> Geometry:
        sizes, outputs = self.window.size, self.window.outputs
        return Geometry(sizes, outputs, self.kernel_size, self.stride, self.dilation, self.pads, self.groups)

    def _batched(self, input: Array) -> Array:
        """An input as (N, C, …)."""
        return input.reshape(self.batch, self.channels, *self.geometry.sizes)

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        output = convolve(self._batched(operands[0]), operands[1], self.geometry)
        if self.bias:
            output += operands[2].reshape(-1, *(1,) * self.axes)
        return output.reshape(self.output.shape)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        x, weight = self._batched(call.operands[0]), call.operands[1]
        batched = upstream.reshape(self.batch, self.out_channels, *self.geometry.outputs)
        gradients: list[Array | None] = [None] * len(call.operands)
        if wanted[0]:
            gradients[0] = input_gradient(batched, weight, self.geometry).reshape(self.inputs[0].shape)
        if wanted[1]:
            gradients[1] = weight_gradient(x, batched, self.geometry, weight.shape)
        if self.bias and wanted[2]:
            gradients[2] = batched.sum(axis=(0, *range(2, 2 + self.axes)))
        return gradients

    # -- one element

    @cached_property
    def _counts(self) -> tuple[int, int, int, int]:
        """Input channels a group, output channels a group, taps, outputs a channel."""
        return (
            self.channels // self.groups,
            self.out_channels // self.groups,
            prod(self.kernel_size),
            prod(self.window.outputs),
        )

    def row_grid(self, slot: int) -> Shape:
        return (1,) if slot == 2 else (self._counts[0], *self.kernel_size)

    def column_grid(self, slot: int) -> Shape:
        if slot == 0:
            return (self._counts[1], *self.window.feed_grid)
        return (self.batch, *self.window.outputs)

    def pairs(self, out: IntArray) -> tuple[IntArray, IntArray, Codes]:
        channels, per_group, taps, outputs = self._counts
        sample, channel, place = unravel(out, (self.batch, self.out_channels, outputs))
        position, empty = self.window.reads(place)
        first = sample * (self.channels) + channel // per_group * channels
        plane = (first[:, None] + np.arange(channels))[:, :, None]
        read = np.where(empty[:, None, :] == Empty.NO, plane * prod(self.window.size) + position[:, None, :], -1)
        weight = channel[:, None] * (channels * taps) + np.arange(channels * taps)
        return _flat(read), weight, _flat(np.broadcast_to(empty[:, None, :], read.shape))

    def bias_of(self, out: IntArray) -> IntArray:
        return unravel(out, (self.batch, self.out_channels, self._counts[3]))[1]

    def input_column(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        channels, per_group, taps, outputs = self._counts
        sample, channel, place = unravel(into, (self.batch, self.channels, prod(self.window.size)))
        position, tap, empty = self.window.feeds(place)
        fed = (channel // channels * per_group)[:, None] + np.arange(per_group)
        plane = (sample[:, None] * self.out_channels + fed)[:, :, None]
        blank = empty[:, None, :] != Empty.NO
        out = np.where(blank, -1, plane * outputs + position[:, None, :])
        weight = (fed * channels + (channel % channels)[:, None])[:, :, None] * taps + tap[:, None, :]
        weight = np.where(blank, -1, weight)
        codes = np.broadcast_to(empty[:, None, :], out.shape)
        return _flat(out), _flat(weight), _flat(codes)

    def weight_column(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        channels, per_group, taps, outputs = self._counts
        fed, channel, tap = unravel(into, (self.out_channels, channels, taps))
        position, empty = self.window.tap_reads(tap)
        samples = np.arange(self.batch)
        plane = samples * (self.channels) + (fed // per_group * channels + channel)[:, None]
        read = plane[:, :, None] * prod(self.window.size) + position[:, None, :]
        read = np.where(empty[:, None, :] == Empty.NO, read, -1)
        out = (samples * self.out_channels + fed[:, None])[:, :, None] * outputs + np.arange(outputs)
        codes = np.broadcast_to(empty[:, None, :], out.shape)
        return _flat(out), _flat(read), _flat(codes)

    def bias_column(self, into: IntArray) -> IntArray:
        outputs = self._counts[3]
        plane = np.arange(self.batch) * self.out_channels + into[:, None]
        return _flat(plane[:, :, None] * outputs + np.arange(outputs))

    # -- in words

    def tell(self, naming: Naming) -> str:
        kernel = "×".join(map(str, self.kernel_size))
        return f"slides the {kernel} kernel {naming.tensor(1)} over {naming.tensor(0)}"


def _flat(links: Array) -> Array:
    """Links laid out over several axes, (m, …), as (m, n)."""
    return links.reshape(len(links), -1)


class Conv2d(_Conv):
    """torch.nn.Conv2d."""

    axes: ClassVar[int] = 2

    kernel_size: Pair
    stride: Pair = (1, 1)
    padding: PairOrWords = (0, 0)
    dilation: Pair = (1, 1)
