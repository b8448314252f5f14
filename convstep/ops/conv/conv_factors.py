"""The terms of a convolution and of its two gradients, as the products of two matrices."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from convstep.ops.base import Array, Shape
from convstep.ops.conv.conv_kernels import Geometry, Places, padded, windows
from convstep.ops.factors import Columns, Factors

_LARGEST = 2**24
"""Bytes of the columns that are made at a time."""


def of_output(x: Array, weight: Array, geometry: Geometry) -> Factors:
    """(N, C, *sizes), (O, C/groups, *kernel): the elements of (N, O, *outputs), by channel, then tap."""
    left = weight.reshape(geometry.groups, weight.shape[0] // geometry.groups, -1)
    return _sliding(padded(x, geometry), left, geometry)


def of_input(upstream: Array, weight: Array, geometry: Geometry, backwards: bool = False) -> Factors:
    """(N, O, *outputs), (O, C/groups, *kernel): the elements of (N, C, *sizes), by output channel.

    Then by output; or, where it goes through a kernel `backwards`, by tap.
    """
    axes = len(geometry.kernel)
    reach = [d * (k - 1) for d, k in zip(geometry.dilation, geometry.kernel, strict=True)]
    spread = np.zeros(
        (*upstream.shape[:2], *(s + r for s, r in zip(geometry.sizes, reach, strict=True))), upstream.dtype
    )
    into: Places = (...,)
    taken: Places = (...,)
    for size, stride, far, (pad, _), count in zip(
        spread.shape[2:], geometry.stride, reach, geometry.pads, geometry.outputs, strict=True
    ):
        first = far - pad
        begin = max(0, -(first // stride))
        end = max(begin, min(count, (size - 1 - first) // stride + 1))
        into = (*into, slice(first + begin * stride, max(first + (end - 1) * stride + 1, 0), stride))
        taken = (*taken, slice(begin, end))
    spread[into] = upstream[taken]
    kernel = weight.reshape(geometry.groups, -1, *weight.shape[1:]).swapaxes(1, 2)
    if not backwards:
        kernel = np.flip(kernel, tuple(range(3, 3 + axes)))
    left = kernel.reshape(geometry.groups, weight.shape[1], -1)
    ones = (1,) * axes
    whole = Geometry(
        spread.shape[2:], geometry.sizes, geometry.kernel, ones, geometry.dilation, ((0, 0),) * axes, geometry.groups
    )
    return _sliding(spread, left, whole, backwards)


def of_weight(x: Array, upstream: Array, geometry: Geometry, shape: Shape) -> Factors:
    """(N, C, *sizes), (N, O, *outputs): the elements of `shape`, the weight's, by sample, then output."""
    batch, channels, taps = x.shape[0], x.shape[1] // geometry.groups, prod(geometry.kernel)
    wide, axes = padded(x, geometry), len(geometry.kernel)
    left = upstream.reshape(batch, geometry.groups, shape[0] // geometry.groups, -1).transpose(1, 2, 0, 3)
    terms = left.shape[2] * left.shape[3]

    def right(group: int) -> Columns:
        for some in _portions(channels, taps * terms * x.itemsize):
            first = group * channels
            view = windows(wide[:, first + some.start : first + some.stop], geometry, slice(0, geometry.outputs[0]))
            order = (1, *range(2, 2 + axes), 0, *range(2 + axes, 2 + 2 * axes))
            yield some.start * taps, view.transpose(order).reshape(-1, terms)

    return Factors(geometry.groups, channels * taps, left.reshape(*left.shape[:2], terms), right)


def _sliding(x: Array, left: Array, geometry: Geometry, backwards: bool = False) -> Factors:
    """A kernel, (groups, R, channels · taps), slid over a padded input; `backwards`, the last of its taps first."""
    axes, channels = len(geometry.kernel), x.shape[1] // geometry.groups
    places = prod(geometry.outputs[1:])

    def right(stack: int) -> Columns:
        sample, group = divmod(stack, geometry.groups)
        own = x[sample : sample + 1, group * channels : (group + 1) * channels]
        for rows in _portions(geometry.outputs[0], places * left.shape[2] * x.itemsize):
            view = windows(own, geometry, rows)[0]
            if backwards:
                view = np.flip(view, tuple(range(1, 1 + axes)))
            order = (*range(1 + axes, 1 + 2 * axes), *range(1 + axes))
            yield rows.start * places, view.transpose(order).reshape(-1, left.shape[2])

    return Factors(len(x) * geometry.groups, prod(geometry.outputs), left, right)


def _portions(count: int, size: int) -> Iterator[slice]:
    """Of `count` things of so many bytes each, as many at a time as are not large."""
    most = max(1, _LARGEST // max(size, 1))
    for first in range(0, count, most):
        yield slice(first, min(first + most, count))
