"""Convolution of whole tensors, and its two adjoints, through BLAS: fast, and nothing but arrays and a geometry.

Windows are copied into columns, (N, groups, C/groups · taps, outputs), and multiplied with the kernel: of the ways
tried on ResNet's layers (also a product per tap on shifted views, blocks of rows, a full convolution for the
input's gradient) the nearest to torch's speed. A 1×1 kernel's input is its own columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from convstep.ops.base import Array, Shape
from convstep.ops.matrices import product

Places = tuple[Any, ...]
"""An index of an array, as it stands in brackets."""


@dataclass(frozen=True)
class Geometry:
    """A convolution's numbers, per spatial axis; `pads` are the zeros before and after."""

    sizes: Shape
    outputs: Shape
    kernel: Shape
    stride: Shape
    dilation: Shape
    pads: tuple[tuple[int, int], ...]
    groups: int = 1

    @cached_property
    def padded(self) -> Shape:
        return tuple(before + size + after for size, (before, after) in zip(self.sizes, self.pads, strict=True))

    @cached_property
    def is_pointwise(self) -> bool:
        """Whether each output reads just the input at its own place."""
        return self.padded == self.sizes == self.outputs and prod(self.kernel) == prod(self.stride) == 1

    @cached_property
    def inner(self) -> Places:
        """Where the input lies in the padded one."""
        pairs = zip(self.sizes, self.pads, strict=True)
        return (..., *(slice(before, before + size) for size, (before, _) in pairs))

    @cached_property
    def taps(self) -> list[tuple[Places, Places]]:
        """For each tap, its places in (N, C, *kernel, *outputs), and those of the padded input that it reads."""
        taps: list[tuple[Places, Places]] = []
        for tap in np.ndindex(*self.kernel):
            each = zip(tap, self.dilation, self.stride, self.outputs, strict=True)
            reads = (slice(t * d, t * d + s * (o - 1) + 1, s) for t, d, s, o in each)
            taps.append(((slice(None), slice(None), *tap), (..., *reads)))
        return taps


def convolve(x: Array, weight: Array, geometry: Geometry) -> Array:
    """Σ over taps and the group's channels of x · weight: (N, C, *sizes), (O, C/groups, *kernel) → (N, O, *outputs)."""
    read = columns(x, geometry)
    kernel = weight.reshape(geometry.groups, weight.shape[0] // geometry.groups, -1)
    output: Array = np.matmul(kernel, read)
    return output.reshape(x.shape[0], weight.shape[0], *geometry.outputs)


def input_gradient(upstream: Array, weight: Array, geometry: Geometry) -> Array:
    """What each input element gets back: (N, O, *outputs), (O, C/groups, *kernel) → (N, C, *sizes)."""
    groups, batch = geometry.groups, upstream.shape[0]
    kernel = weight.reshape(groups, weight.shape[0] // groups, -1)
    by_group = upstream.reshape(batch, groups, weight.shape[0] // groups, -1)
    given = product(kernel.transpose(0, 2, 1), by_group)
    channels = groups * weight.shape[1]
    if geometry.is_pointwise:
        return given.reshape(batch, channels, *geometry.sizes)
    given = given.reshape(batch, channels, *geometry.kernel, *geometry.outputs)
    padded = np.zeros((batch, channels, *geometry.padded), given.dtype)
    for tap, reads in geometry.taps:
        padded[reads] += given[tap]
    gradient: Array = padded[geometry.inner]
    return gradient


def weight_gradient(x: Array, upstream: Array, geometry: Geometry, shape: Shape) -> Array:
    """What each weight gets back: (N, C, *sizes), (N, O, *outputs) → `shape`, the weight's."""
    read = columns(x, geometry)
    by_group = upstream.reshape(x.shape[0], geometry.groups, shape[0] // geometry.groups, -1)
    if x.shape[0] * prod(shape) <= read.size:
        each: Array = np.matmul(by_group, read.swapaxes(2, 3))
        total: Array = each.sum(axis=0)
        return total.reshape(shape)
    gradient: Array = np.matmul(by_group[0], read[0].swapaxes(1, 2))
    for sample in range(1, x.shape[0]):
        gradient += np.matmul(by_group[sample], read[sample].swapaxes(1, 2))
    return gradient.reshape(shape)


def _padded(x: Array, geometry: Geometry) -> Array:
    """The input with its zeros around it; itself where there are none."""
    if geometry.padded == geometry.sizes:
        return x
    # np.pad does the same, at the cost of a small convolution.
    padded = np.zeros((*x.shape[:2], *geometry.padded), x.dtype)
    padded[geometry.inner] = x
    return padded


def columns(x: Array, geometry: Geometry) -> Array:
    """Every window as a column: (N, groups, C/groups · taps, outputs)."""
    batch, channels = x.shape[:2]
    shape = (batch, geometry.groups, channels // geometry.groups * prod(geometry.kernel), prod(geometry.outputs))
    if geometry.is_pointwise:
        return x.reshape(shape)
    padded = _padded(x, geometry)
    spatial = padded.strides[2:]
    tap_strides = (stride * d for stride, d in zip(spatial, geometry.dilation, strict=True))
    step_strides = (stride * s for stride, s in zip(spatial, geometry.stride, strict=True))
    windows = np.lib.stride_tricks.as_strided(
        padded,
        (batch, channels, *geometry.kernel, *geometry.outputs),
        (*padded.strides[:2], *tap_strides, *step_strides),
        writeable=False,
    )
    return windows.reshape(shape)
