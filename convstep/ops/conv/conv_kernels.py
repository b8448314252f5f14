"""Convolution of whole tensors, and its two adjoints, through BLAS: fast, and nothing but arrays and a geometry.

Windows are copied into columns, (N, groups, C/groups · taps, outputs), and multiplied with the kernel: of the ways
tried on ResNet's layers (also a product per tap on shifted views, blocks of rows, a full convolution for the
input's gradient) the nearest to torch's speed. A 1×1 kernel's input is its own columns. Where all columns together
would be large, they are made block by block: of a few samples, or of a few of one sample's rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from convstep.ops.base import Array, Shape
from convstep.ops.matrices import product

Places = tuple[Any, ...]
"""An index of an array, as it stands in brackets."""
Tap = tuple[Places, Places]
"""A tap's places in (N, C, *kernel, *outputs), and those of the padded input that it reads."""
Block = tuple[slice, slice]
"""Some samples, and some places along the outputs' first axis."""

_LARGEST_COLUMNS = 2**24
"""Bytes of the columns of a block: enough for the largest layer of a ResNet."""


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
    def taps(self) -> list[Tap]:
        return list(self.taps_of(slice(0, self.outputs[0])))

    def taps_of(self, rows: slice) -> Iterator[Tap]:
        """Those of some places along the outputs' first axis: these alone are in a tap's first."""
        starts = (rows.start, *(0 for _ in self.outputs[1:]))
        stops = (rows.stop, *self.outputs[1:])
        for tap in np.ndindex(*self.kernel):
            each = zip(tap, self.dilation, self.stride, starts, stops, strict=True)
            reads = (slice(t * d + s * a, t * d + s * (b - 1) + 1, s) for t, d, s, a, b in each)
            yield (slice(None), slice(None), *tap), (..., *reads)

    @cached_property
    def _row_size(self) -> int:
        return 0 if self.is_pointwise else prod(self.kernel) * prod(self.outputs[1:])

    def row_bytes(self, channels: int, itemsize: int) -> int:
        """What the columns of one place along the outputs' first axis take; a 1×1 kernel needs no copies."""
        return channels * itemsize * self._row_size

    def in_one(self, batch: int, channels: int, itemsize: int) -> bool:
        """Whether all columns together are not large."""
        return batch * self.outputs[0] * self.row_bytes(channels, itemsize) <= _LARGEST_COLUMNS

    def blocks(self, batch: int, channels: int, itemsize: int) -> list[Block]:
        """All samples and rows, in blocks whose columns are not large: mostly a single one."""
        rows = self.outputs[0]
        if self.in_one(batch, channels, itemsize):
            return [(slice(0, batch), slice(0, rows))]
        most = max(1, _LARGEST_COLUMNS // self.row_bytes(channels, itemsize))
        if most >= rows:
            samples = most // rows
            return [(slice(k, min(k + samples, batch)), slice(0, rows)) for k in range(0, batch, samples)]
        parts = [slice(k, min(k + most, rows)) for k in range(0, rows, most)]
        return [(slice(k, k + 1), part) for k in range(batch) for part in parts]


def convolve(x: Array, weight: Array, geometry: Geometry) -> Array:
    """Σ over taps and the group's channels of x · weight: (N, C, *sizes), (O, C/groups, *kernel) → (N, O, *outputs)."""
    kernel = weight.reshape(geometry.groups, weight.shape[0] // geometry.groups, -1)
    shape = (x.shape[0], weight.shape[0], *geometry.outputs)
    size = (x.shape[0], x.shape[1], x.itemsize)
    if geometry.in_one(*size):
        return np.asarray(np.matmul(kernel, columns(x, geometry))).reshape(shape)
    output, wide = np.empty(shape, np.result_type(x, weight)), padded(x, geometry)
    for samples, rows in geometry.blocks(*size):
        made = np.matmul(kernel, _columns(wide[samples], geometry, rows))
        part = output[samples, :, rows]
        part[...] = made.reshape(part.shape)
    return output


def input_gradient(upstream: Array, weight: Array, geometry: Geometry) -> Array:
    """What each input element gets back: (N, O, *outputs), (O, C/groups, *kernel) → (N, C, *sizes)."""
    groups, batch = geometry.groups, upstream.shape[0]
    kernel = weight.reshape(groups, weight.shape[0] // groups, -1).transpose(0, 2, 1)
    channels = groups * weight.shape[1]
    by_group = (batch, groups, weight.shape[0] // groups, -1)
    if geometry.is_pointwise:
        return product(kernel, upstream.reshape(by_group)).reshape(batch, channels, *geometry.sizes)
    padded = np.zeros((batch, channels, *geometry.padded), np.result_type(upstream, weight))
    size = (batch, channels, upstream.itemsize)
    if geometry.in_one(*size):
        _give_back(padded, kernel, upstream.reshape(by_group), geometry, geometry.taps)
    else:
        for samples, rows in geometry.blocks(*size):
            some = upstream[samples, :, rows]
            parts = some.reshape(len(some), *by_group[1:])
            _give_back(padded[samples], kernel, parts, geometry, geometry.taps_of(rows))
    gradient: Array = padded[geometry.inner]
    return gradient


def _give_back(padded: Array, kernel: Array, upstream: Array, geometry: Geometry, taps: Iterable[Tap]) -> None:
    """Add what some outputs give, (N, groups, O/groups, outputs), to the padded input."""
    given = product(kernel, upstream).reshape(*padded.shape[:2], *geometry.kernel, -1, *geometry.outputs[1:])
    for tap, reads in taps:
        padded[reads] += given[tap]


def weight_gradient(x: Array, upstream: Array, geometry: Geometry, shape: Shape) -> Array:
    """What each weight gets back: (N, C, *sizes), (N, O, *outputs) → `shape`, the weight's."""
    size = (x.shape[0], x.shape[1], x.itemsize)
    if geometry.in_one(*size):
        return _weight_gradient(columns(x, geometry), upstream, geometry, shape)
    gradient, wide = np.zeros(shape, np.result_type(x, upstream)), padded(x, geometry)
    for samples, rows in geometry.blocks(*size):
        read = _columns(wide[samples], geometry, rows)
        gradient += _weight_gradient(read, upstream[samples, :, rows], geometry, shape)
    return gradient


def _weight_gradient(read: Array, upstream: Array, geometry: Geometry, shape: Shape) -> Array:
    batch = len(upstream)
    by_group = upstream.reshape(batch, geometry.groups, shape[0] // geometry.groups, -1)
    if batch * prod(shape) <= read.size:
        each: Array = np.matmul(by_group, read.swapaxes(2, 3))
        total: Array = each.sum(axis=0)
        return total.reshape(shape)
    gradient: Array = np.matmul(by_group[0], read[0].swapaxes(1, 2))
    for sample in range(1, batch):
        gradient += np.matmul(by_group[sample], read[sample].swapaxes(1, 2))
    return gradient.reshape(shape)


def padded(x: Array, geometry: Geometry) -> Array:
    """The input with its zeros around it; itself where there are none."""
    if geometry.padded == geometry.sizes:
        return x
    # np.pad does the same, at the cost of a small convolution.
    wide = np.zeros((*x.shape[:2], *geometry.padded), x.dtype)
    wide[geometry.inner] = x
    return wide


def columns(x: Array, geometry: Geometry) -> Array:
    """Every window as a column: (N, groups, C/groups · taps, outputs)."""
    if geometry.is_pointwise:
        return x.reshape(len(x), geometry.groups, x.shape[1] // geometry.groups, prod(geometry.outputs))
    return _columns(padded(x, geometry), geometry, slice(0, geometry.outputs[0]))


def _columns(wide: Array, geometry: Geometry, rows: slice) -> Array:
    """The columns of some places along the outputs' first axis."""
    batch, channels = wide.shape[:2]
    places = (rows.stop - rows.start) * prod(geometry.outputs[1:])
    taps = channels // geometry.groups * prod(geometry.kernel)
    return windows(wide, geometry, rows).reshape(batch, geometry.groups, taps, places)


def windows(wide: Array, geometry: Geometry, rows: slice) -> Array:
    """A padded input as windows see it, (N, C, *kernel, *outputs), for some places along the outputs' first axis."""
    wide = np.ascontiguousarray(wide)
    outputs = (rows.stop - rows.start, *geometry.outputs[1:])
    spatial = wide.strides[2:]
    tap_strides = (stride * d for stride, d in zip(spatial, geometry.dilation, strict=True))
    step_strides = (stride * s for stride, s in zip(spatial, geometry.stride, strict=True))
    # What as_strided does, too, at the cost of a small convolution.
    return np.ndarray(
        (*wide.shape[:2], *geometry.kernel, *outputs),
        wide.dtype,
        wide,
        rows.start * geometry.stride[0] * spatial[0],
        (*wide.strides[:2], *tap_strides, *step_strides),
    )
