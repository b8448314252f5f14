"""Mistakes with sliding windows: kernels, strides, paddings, overlaps, maxima."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from convstep.explain.mistakes.backward import Floats, Site
from convstep.ops.base import Array
from convstep.ops.conv.convolution import Convolution
from convstep.ops.pool.pool import Pool


def unflipped_kernel(site: Site) -> Iterator[Array]:
    """The input's gradient with the kernel as it stands, where it must be turned by 180°."""
    if isinstance(site.op, Convolution) and site.slot == 0 and prod(site.op.kernel_size) > 1:
        weight, axes = site.call.operands[1], site.op.axes
        yield site.with_operand(1, _turned(weight, axes))
        if sum(size > 1 for size in site.op.kernel_size) > 1:
            yield from (site.with_operand(1, np.flip(weight, axis)) for axis in range(-axes, 0))


def reversed_gradient(site: Site) -> Iterator[Array]:
    """A kernel's gradient turned by 180°, or by a turned upstream one; an input's turned; all numbers in reverse."""
    if not isinstance(site.op, Convolution) or site.slot > 1:
        return
    axes = site.op.axes
    yield _turned(site.given, axes)
    if site.slot == 1:
        yield site.shaped(site.given.reshape(-1)[::-1])
        yield site.with_upstream(_turned(site.upstream, axes))
        if sum(size > 1 for size in site.op.kernel_size) > 1:
            yield from (np.flip(site.given, axis) for axis in range(-axes, 0))


def _turned(tensor: Array, axes: int) -> Array:
    """The last axes turned by 180°."""
    return np.flip(tensor, tuple(range(-axes, 0)))


def overwritten_overlap(site: Site) -> Iterator[Array]:
    """Of the windows that give to an input element only the last, or the first, stays; of a kernel's, only the last."""
    if isinstance(site.op, Convolution) and site.slot == 1 and site.is_listed:
        yield site.shaped(site.products[:, -1])
        yield site.shaped(site.products.reshape(len(site.products), site.grid[0], -1)[:, :, -1].sum(axis=1))
    slides = isinstance(site.op, (Convolution, Pool)) and site.slot == 0
    if not (slides or site.node.op_name == "Embedding") or not site.is_listed:
        return
    uses = site.is_use
    if isinstance(site.op, Convolution) and site.grid[0] > 1:
        # A window's share is that of all its channels: they have the same empties.
        shape = (len(uses), site.grid[0], -1)
        products = np.asarray(site.products.reshape(shape).sum(axis=1))
        windows = np.asarray(uses.reshape(shape).any(axis=1))
        yield site.shaped(_last(products, windows))
        yield site.shaped(_last(products[:, ::-1], windows[:, ::-1]))
    ways: list[Array] = [uses]
    if not isinstance(site.op, Convolution):
        ways.append(np.asarray(uses & (site.links.local != 0)))
    for counts in ways:
        yield site.shaped(_last(site.products, counts))
        yield site.shaped(_last(site.products[:, ::-1], counts[:, ::-1]))


def _last(products: Floats, counts: Array) -> Floats:
    """In each row the last product that counts, 0 where none does."""
    last = products.shape[1] - 1 - np.argmax(counts[:, ::-1], axis=1)
    return np.where(counts.any(axis=1), products[np.arange(len(last)), last], 0.0)


def pool_spread(site: Site) -> Iterator[Array]:
    """A maximum's gradient for its whole window, or for all its ties, each in full or shared out; or the last tie's."""
    if not isinstance(site.op, Pool) or "winner" not in site.call.saved:
        return
    outputs = site.call.output.size
    if outputs * prod(site.op.window.taps) > 2**22:
        return
    index, _ = site.op.reads(np.arange(outputs))
    read = index >= 0
    values = site.call.operands[0].reshape(-1)[index]
    tied = read & (values == site.call.output.reshape(-1)[:, None])
    last = tied & (np.cumsum(tied[:, ::-1], axis=1)[:, ::-1] == 1)
    upstream = site.upstream.reshape(-1)[:, None]
    for chosen in (read, tied):
        yield _spread(site, index, chosen * upstream / np.maximum(chosen.sum(axis=1, keepdims=True), 1))
        yield _spread(site, index, chosen * upstream)
    yield _spread(site, index, read * upstream / prod(site.op.window.taps))
    yield _spread(site, index, last * upstream)


def _spread(site: Site, index: Array, shares: Array) -> Array:
    """The shares added up where they go; those at -1 go nowhere."""
    size = prod(site.step.shape)
    totals = np.bincount(index.reshape(-1) + 1, weights=shares.reshape(-1), minlength=size + 1)
    return site.shaped(totals[1:])
