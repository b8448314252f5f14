"""Convolution: sums of products of an input window and a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import ClassVar, Self

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import (
    PaddingMode,
    Pair,
    PairOrWords,
    Single,
    SingleOrWords,
    Triple,
    TripleOrWords,
)
from convstep.ops.axes.axis import Axis
from convstep.ops.axes.limits import check_axis, check_plane
from convstep.ops.axes.repeating import repeating_axis
from convstep.ops.axes.sliding import SlidingAxis
from convstep.ops.base import OUTPUT, Array, Call, Empty, IntArray, Naming, Shape, Spec, quiet
from convstep.ops.conv.borders import fold, surround
from convstep.ops.conv.conv_factors import of_input, of_output, of_weight
from convstep.ops.conv.conv_kernels import Geometry, convolve, input_gradient, weight_gradient
from convstep.ops.conv.convolution import Convolution
from convstep.ops.factors import Factors
from convstep.ops.indices import flat, unravel
from convstep.ops.products import Codes
from convstep.ops.windows import Window, extent

_PADDED = {
    "zeros": "",
    "reflect": " (mirrored at its edges)",
    "replicate": " (its edges repeated)",
    "circular": " (which goes on from the other side)",
}


class _Conv(Convolution):
    """torch.nn.Conv2d: out[n, o, …] = bias[o] + Σ over c, taps of input[n, c, …] · weight[o, c, taps]."""

    padding_mode: PaddingMode = "zeros"

    # -- shapes

    def infer(self, inputs: Sequence[Spec]) -> Self:
        if self.padding == "same" and any(s != 1 for s in self.stride):
            raise ArgumentError("padding", "'same' goes with stride 1 only")
        return super().infer(inputs)

    @property
    def weight_shape(self) -> Shape:
        return (self.out_channels, self.channels // self.groups, *self.kernel_size)

    @cached_property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """Padding before and after, per axis; what `same` adds beyond an even number goes after (torch)."""
        if self.padding == "valid":
            return ((0, 0),) * self.axes
        if self.padding == "same":
            whole = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return tuple((pad // 2, pad - pad // 2) for pad in whole)
        return tuple((pad, pad) for pad in self.padding)

    @cached_property
    def window(self) -> Window:
        plans = []
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
            check_axis(size + before + after)
            plans.append((size, kernel, stride, before, after, dilation, outputs))
        check_plane(plan[-1] for plan in plans)
        mode = self.padding_mode
        axes: list[Axis] = [SlidingAxis(*p) if mode == "zeros" else repeating_axis(*p, mode) for p in plans]
        return Window(tuple(axes))

    def weight_at(self, made: IntArray, read: IntArray, tap: IntArray) -> IntArray:
        channels, _, taps, _ = self.counts
        return (made * channels + read % channels) * taps + tap

    def used(self, weight: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        # A weight is there for every output, on the padding too.
        channels, _, taps, outputs = self.counts
        return weight // (channels * taps), np.zeros_like(weight), np.full(weight.shape, outputs - 1)

    # -- the whole tensor

    def _padded(self, input: Array) -> Array:
        """An input as (N, C, …), with its border where that is no zeros."""
        batched = self.batched(input)
        return batched if self.padding_mode == "zeros" else surround(batched, self.pads, self.padding_mode)

    @property
    def column_channels(self) -> int:
        return self.channels

    @cached_property
    def geometry(self) -> Geometry:
        sizes, outputs, pads = self.window.size, self.window.outputs, self.pads
        if self.padding_mode != "zeros":
            sizes = tuple(before + size + after for size, (before, after) in zip(sizes, pads, strict=True))
            pads = ((0, 0),) * self.axes
        return Geometry(sizes, outputs, self.kernel_size, self.stride, self.dilation, pads, self.groups)

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        return self.with_bias(convolve(self._padded(operands[0]), operands[1], self.geometry), operands)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        weight, made = call.operands[1], self.made(upstream)
        gradients: list[Array | None] = [None] * len(call.operands)
        if wanted[0]:
            given = input_gradient(made, weight, self.geometry)
            if self.padding_mode != "zeros":
                given = fold(given, self.pads, self.padding_mode)
            gradients[0] = given.reshape(self.inputs[0].shape)
        if wanted[1]:
            gradients[1] = weight_gradient(self._padded(call.operands[0]), made, self.geometry, weight.shape)
        if self.bias and wanted[2]:
            gradients[2] = made.sum(axis=(0, *range(2, 2 + self.axes)))
        return gradients

    def factors(self, call: Call, slot: int, upstream: Array) -> Factors | None:
        weight = call.operands[1]
        if slot == 0:
            plain = self.padding_mode == "zeros"
            return of_input(self.made(upstream), weight, self.geometry) if plain else None
        padded = self._padded(call.operands[0])
        if slot == OUTPUT:
            return self.factors_with_bias(of_output(padded, weight, self.geometry), call)
        return of_weight(padded, self.made(upstream), self.geometry, weight.shape) if slot == 1 else None

    # -- one element

    def weight_column(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        channels, per_group, taps, outputs = self.counts
        fed, channel, tap = unravel(into, (self.out_channels, channels, taps))
        position, empty = (a[:, None, :] for a in self.window.tap_reads(tap))
        samples = np.arange(self.batch)
        plane = (samples * self.channels + (fed // per_group * channels + channel)[:, None])[:, :, None]
        read = np.where(empty == Empty.NO, plane * prod(self.window.size) + position, -1)
        out = (samples * self.out_channels + fed[:, None])[:, :, None] * outputs + np.arange(outputs)
        return flat(out), flat(read), flat(np.broadcast_to(empty, out.shape))

    # -- in words

    def tell(self, naming: Naming) -> str:
        kernel = extent(self.kernel_size)
        return f"slides the {kernel} kernel {naming.tensor(1)} over {naming.tensor(0)}{_PADDED[self.padding_mode]}"


class Conv1d(_Conv):
    """torch.nn.Conv1d."""

    axes: ClassVar[int] = 1

    kernel_size: Single
    stride: Single = (1,)
    padding: SingleOrWords = (0,)
    dilation: Single = (1,)


class Conv2d(_Conv):
    """torch.nn.Conv2d."""

    axes: ClassVar[int] = 2

    kernel_size: Pair
    stride: Pair = (1, 1)
    padding: PairOrWords = (0, 0)
    dilation: Pair = (1, 1)


class Conv3d(_Conv):
    """torch.nn.Conv3d."""

    axes: ClassVar[int] = 3

    kernel_size: Triple
    stride: Triple = (1, 1, 1)
    padding: TripleOrWords = (0, 0, 0)
    dilation: Triple = (1, 1, 1)
