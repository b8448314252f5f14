"""Transposed convolution: each input element lays the kernel, times itself, onto the output."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import Pair, PairFrom0, Single, SingleFrom0, Triple, TripleFrom0, ZerosMode
from convstep.ops.axes.limits import check_axis, check_plane
from convstep.ops.axes.spreading import SpreadingAxis
from convstep.ops.base import OUTPUT, Array, Call, Empty, IntArray, Naming, Shape, quiet
from convstep.ops.conv.conv_factors import of_input, of_output, of_weight
from convstep.ops.conv.conv_kernels import Geometry, convolve, input_gradient, weight_gradient
from convstep.ops.conv.convolution import Convolution
from convstep.ops.factors import Factors
from convstep.ops.indices import flat, unravel
from convstep.ops.products import Codes
from convstep.ops.windows import SpreadingWindow, extent


class _ConvTranspose(Convolution):
    """torch.nn.ConvTranspose2d: out[n, o, i · stride − padding + tap · dilation] += input[n, c, i] · weight[c, o, tap].

    The adjoint of a convolution with the same kernel: what is forward there is the way back here.
    """

    output_padding: Any
    padding_mode: ZerosMode = "zeros"

    # -- shapes

    @property
    def weight_shape(self) -> Shape:
        return (self.channels, self.out_channels // self.groups, *self.kernel_size)

    @cached_property
    def window(self) -> SpreadingWindow:
        axes = []
        sizes = self.inputs[0].shape[-self.axes :]
        for size, kernel, stride, padding, extra, dilation in zip(
            sizes, self.kernel_size, self.stride, self.padding, self.output_padding, self.dilation, strict=True
        ):
            if extra >= max(stride, dilation):
                raise ArgumentError(
                    "output_padding", f"must be smaller than stride {stride} or dilation {dilation}, not {extra}"
                )
            outputs = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + extra
            if outputs < 1:
                raise ArgumentError("padding", f"{padding} on both sides leaves nothing of the output")
            check_axis(max(size, outputs))
            axes.append(SpreadingAxis(size, kernel, stride, padding, dilation, outputs))
        check_plane(axis.outputs for axis in axes)
        return SpreadingWindow(tuple(axes))

    def weight_at(self, made: IntArray, read: IntArray, tap: IntArray) -> IntArray:
        _, per_group, taps, _ = self.counts
        return (read * per_group + made % per_group) * taps + tap

    # -- the whole tensor

    @property
    def column_channels(self) -> int:
        return self.out_channels

    @cached_property
    def geometry(self) -> Geometry:
        """The geometry of the convolution from this output's shape to this input's."""
        pads = tuple((pad, pad) for pad in self.padding)
        window = self.window
        return Geometry(window.outputs, window.size, self.kernel_size, self.stride, self.dilation, pads, self.groups)

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        output = input_gradient(self.batched(operands[0]), operands[1], self.geometry)
        return self.with_bias(output, operands)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        weight, made = call.operands[1], self.made(upstream)
        gradients: list[Array | None] = [None] * len(call.operands)
        if wanted[0]:
            gradients[0] = convolve(made, weight, self.geometry).reshape(self.inputs[0].shape)
        if wanted[1]:
            gradients[1] = weight_gradient(made, self.batched(call.operands[0]), self.geometry, weight.shape)
        if self.bias and wanted[2]:
            gradients[2] = made.sum(axis=(0, *range(2, 2 + self.axes)))
        return gradients

    def factors(self, call: Call, slot: int, upstream: Array) -> Factors | None:
        x, weight = self.batched(call.operands[0]), call.operands[1]
        if slot == OUTPUT:
            return self.factors_with_bias(of_input(x, weight, self.geometry, backwards=True), call)
        made = self.made(upstream)
        if slot == 0:
            return of_output(made, weight, self.geometry)
        return of_weight(made, x, self.geometry, weight.shape) if slot == 1 else None

    def used(self, weight: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        channels, per_group, taps, _ = self.counts
        channel, fed, tap = unravel(weight, (self.channels, per_group, taps))
        return channel // channels * per_group + fed, *self.window.fed_at_tap(tap)

    # -- one element

    def column_grid(self, slot: int) -> Shape:
        return (self.batch, *self.window.size) if slot == 1 else super().column_grid(slot)

    def pairs(self, out: IntArray) -> tuple[IntArray, IntArray, Codes]:
        inputs, weights, empty = super().pairs(out)
        # A weight's column lists the inputs that it meets; an output where it met none is not among its uses.
        return inputs, np.where(empty == Empty.NO, weights, -1), empty

    def weight_column(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        channels, per_group, taps, outputs = self.counts
        channel, fed, tap = unravel(into, (self.channels, per_group, taps))
        position, empty = (a[:, None, :] for a in self.window.tap_feeds(tap))
        samples, size = np.arange(self.batch), prod(self.window.size)
        plane = (samples * self.out_channels + (channel // channels * per_group + fed)[:, None])[:, :, None]
        out = np.where(empty == Empty.NO, plane * outputs + position, -1)
        read = (samples * self.channels + channel[:, None])[:, :, None] * size + np.arange(size)
        read = np.where(empty == Empty.NO, read, -1)
        return flat(out), flat(read), flat(np.broadcast_to(empty, out.shape))

    # -- in words

    def tell(self, naming: Naming) -> str:
        kernel = extent(self.kernel_size)
        return (
            f"lays the {kernel} kernel {naming.tensor(1)}, times each element of {naming.tensor(0)}, over the output "
            "(overlaps add up)"
        )


class ConvTranspose1d(_ConvTranspose):
    """torch.nn.ConvTranspose1d."""

    axes: ClassVar[int] = 1

    kernel_size: Single
    stride: Single = (1,)
    padding: SingleFrom0 = (0,)
    output_padding: SingleFrom0 = (0,)
    dilation: Single = (1,)


class ConvTranspose2d(_ConvTranspose):
    """torch.nn.ConvTranspose2d."""

    axes: ClassVar[int] = 2

    kernel_size: Pair
    stride: Pair = (1, 1)
    padding: PairFrom0 = (0, 0)
    output_padding: PairFrom0 = (0, 0)
    dilation: Pair = (1, 1)


class ConvTranspose3d(_ConvTranspose):
    """torch.nn.ConvTranspose3d."""

    axes: ClassVar[int] = 3

    kernel_size: Triple
    stride: Triple = (1, 1, 1)
    padding: TripleFrom0 = (0, 0, 0)
    output_padding: TripleFrom0 = (0, 0, 0)
    dilation: Triple = (1, 1, 1)
