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
from convstep.ops.axis_maps import AxisMap, give_all_back, read_all
from convstep.ops.base import OUTPUT, Array, Call, Empty, IntArray, Naming, Shape, Spec, quiet
from convstep.ops.conv.conv_extents import Extents, of_input, of_output, of_weight
from convstep.ops.conv.conv_kernels import Geometry, convolve, input_gradient, weight_gradient
from convstep.ops.conv.convolution import Convolution
from convstep.ops.indices import flat, unravel
from convstep.ops.products import Codes
from convstep.ops.windows import Window, axis_from, check_plane, extent, padded_positions, sliding_axis

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
            axes.append((size, kernel, stride, before, after, dilation, outputs))
        check_plane(axis[-1] for axis in axes)
        return Window(tuple(sliding_axis(*axis, self.padding_mode) for axis in axes))

    def weight_at(self, made: IntArray, read: IntArray, tap: IntArray) -> IntArray:
        channels, _, taps, _ = self.counts
        return (made * channels + read % channels) * taps + tap

    def used(self, weight: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        # A weight is there for every output, on the padding too.
        channels, _, taps, outputs = self.counts
        return weight // (channels * taps), np.zeros_like(weight), np.full(weight.shape, outputs - 1)

    # -- the whole tensor

    @cached_property
    def _padding_maps(self) -> list[AxisMap]:
        """What pads the input beforehand, where the padding is no zeros."""
        if self.padding_mode == "zeros":
            return []
        maps = []
        for size, (before, after) in zip(self.window.size, self.pads, strict=True):
            reads = padded_positions(size, before, after, self.padding_mode)[:, None]
            maps.append(AxisMap(axis_from(reads, np.zeros(reads.shape, np.uint8), size, Empty.WINDOW)))
        return maps

    @property
    def column_channels(self) -> int:
        return self.channels

    @cached_property
    def geometry(self) -> Geometry:
        sizes, outputs, pads = self.window.size, self.window.outputs, self.pads
        if self._padding_maps:
            sizes, pads = tuple(m.axis.outputs for m in self._padding_maps), ((0, 0),) * self.axes
        return Geometry(sizes, outputs, self.kernel_size, self.stride, self.dilation, pads, self.groups)

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        padded = read_all(self.batched(operands[0]), self._padding_maps)
        return self.with_bias(convolve(padded, operands[1], self.geometry), operands)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        weight, made = call.operands[1], self.made(upstream)
        gradients: list[Array | None] = [None] * len(call.operands)
        if wanted[0]:
            padded = input_gradient(made, weight, self.geometry)
            gradients[0] = give_all_back(padded, self._padding_maps).reshape(self.inputs[0].shape)
        if wanted[1]:
            padded = read_all(self.batched(call.operands[0]), self._padding_maps)
            gradients[1] = weight_gradient(padded, made, self.geometry, weight.shape)
        if self.bias and wanted[2]:
            gradients[2] = made.sum(axis=(0, *range(2, 2 + self.axes)))
        return gradients

    @quiet
    def extents(self, call: Call, slot: int, upstream: Array) -> Extents | None:
        weight = call.operands[1]
        if slot == 0:
            plain = self.groups == 1 and not self._padding_maps
            return of_input(self.made(upstream), weight, self.geometry) if plain else None
        padded = read_all(self.batched(call.operands[0]), self._padding_maps)
        if slot == OUTPUT:
            return of_output(padded, weight, self.geometry)
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
