"""How far the running sums of a convolution and its two gradients go, through BLAS: part after part of their terms.

At the end of each part the running sum is a matrix product; within a part it goes up by no more than its positive
products, and down by no more than its negative ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil, prod, sqrt

import numpy as np

from convstep.ops.base import Array, Shape
from convstep.ops.conv.conv_kernels import Geometry, columns, input_gradient

Extents = tuple[Array, Array]
"""The least and the largest running sum of each element, or further out."""
Part = Callable[[slice, bool], Array]
"""The sum of some terms of each element; or, where that is asked for, of their magnitudes."""


def of_output(x: Array, weight: Array, geometry: Geometry) -> Extents:
    """(N, C, *sizes), (O, C/groups, *kernel) → twice (N, O, *outputs); a bias comes after that."""
    read = columns(x, geometry)
    kernel = weight.reshape(geometry.groups, weight.shape[0] // geometry.groups, -1)
    sizes = np.abs(kernel), np.abs(read)

    def part(terms: slice, magnitude: bool) -> Array:
        w, r = sizes if magnitude else (kernel, read)
        return np.asarray(np.matmul(w[:, :, terms], r[:, :, terms]))

    shape = (x.shape[0], weight.shape[0], *geometry.outputs)
    return _reshaped(_extents(part, kernel.shape[2]), shape)


def of_input(upstream: Array, weight: Array, geometry: Geometry) -> Extents:
    """(N, O, *outputs), (O, C, *kernel) → twice (N, C, *sizes), of one group."""
    sizes = np.abs(upstream), np.abs(weight)

    def part(made: slice, magnitude: bool) -> Array:
        given, kernel = sizes if magnitude else (upstream, weight)
        return input_gradient(np.ascontiguousarray(given[:, made]), kernel[made], geometry)

    return _extents(part, weight.shape[0], prod(geometry.kernel))


def of_weight(x: Array, upstream: Array, geometry: Geometry, shape: Shape) -> Extents:
    """(N, C, *sizes), (N, O, *outputs) → twice `shape`, the weight's."""
    read = columns(x, geometry)
    given = upstream.reshape(x.shape[0], geometry.groups, shape[0] // geometry.groups, -1)
    sizes = np.abs(given), np.abs(read)
    outputs = given.shape[3]

    def part(places: slice, magnitude: bool) -> Array:
        g, r = sizes if magnitude else (given, read)
        sample, first = divmod(places.start, outputs)
        within = slice(first, first + places.stop - places.start)
        return np.asarray(np.matmul(g[sample, :, :, within], r[sample, :, :, within].swapaxes(1, 2)))

    return _reshaped(_extents(part, x.shape[0] * outputs, 1, outputs), shape)


def _parts(count: int, terms: int, within: int) -> Iterator[slice]:
    """`count` runs of so many terms each, in parts; none goes over a multiple of `within`."""
    # The sum of n terms of either sign goes as far as √n of them: then a part is short beside it.
    size = ceil(count / max(1, ceil(sqrt(count * terms) / 4)))
    for first in range(0, count, within):
        for start in range(first, min(first + within, count), size):
            yield slice(start, min(start + size, first + within, count))


def _extents(part: Part, count: int, terms: int = 1, within: int = 0) -> Extents:
    total = low = high = np.zeros(())
    for some in _parts(count, terms, within or count):
        own, most = part(some, False), part(some, True)
        high = np.maximum(high, total + (most + own) / 2)
        low = np.minimum(low, total + (own - most) / 2)
        total = total + own
    return low, high


def _reshaped(extents: Extents, shape: Shape) -> Extents:
    return extents[0].reshape(shape), extents[1].reshape(shape)
