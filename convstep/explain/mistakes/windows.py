"""Mistakes with sliding windows: kernels, strides, paddings, overlaps, maxima."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from convstep.errors import ArgumentError
from convstep.explain.mistakes.backward import Floats, Site
from convstep.ops.base import Array, Call, Empty, Operation
from convstep.ops.conv import Conv1d, Conv2d, Conv3d
from convstep.ops.conv_kernels import Places, input_gradient, weight_gradient
from convstep.ops.convolution import Convolution
from convstep.ops.pool import Pool


def unflipped_kernel(site: Site) -> Iterator[Array]:
    """The input's gradient with the kernel as it stands, where it must be turned by 180°."""
    if isinstance(site.op, Convolution) and site.slot == 0 and prod(site.op.kernel_size) > 1:
        yield site.with_operand(1, _turned(site.call.operands[1], site.op.axes))


def reversed_gradient(site: Site) -> Iterator[Array]:
    """A kernel's gradient turned by 180°; all its numbers in reverse; an input's gradient turned."""
    if not isinstance(site.op, Convolution) or site.slot > 1:
        return
    if site.slot == 1:
        yield _turned(site.given, site.op.axes)
        yield site.shaped(site.given.reshape(-1)[::-1])
    else:
        yield _turned(site.given, site.op.axes)


def _turned(tensor: Array, axes: int) -> Array:
    """The last axes turned by 180°."""
    return np.flip(tensor, tuple(range(-axes, 0)))


def ignored_stride(site: Site) -> Iterator[Array]:
    """The same windows, but each one place after the last: the upstream gradient stays together."""
    stride = getattr(site.op, "stride", None) or getattr(site.op, "kernel_size", None)
    if not hasattr(site.op, "stride") or not isinstance(stride, tuple) or prod(stride) == 1 or site.slot > 1:
        return
    arguments: dict[str, Any] = {"stride": (1,) * len(stride)}
    if hasattr(site.op, "output_padding"):
        arguments["output_padding"] = (0,) * len(stride)
    yield from _as_though(site, arguments, centred=False)
    if isinstance(site.op, (Conv1d, Conv2d, Conv3d)) and site.slot == 0:
        yield from _unspread(site, site.op)


def _unspread(site: Site, op: Conv1d | Conv2d | Conv3d) -> Iterator[Array]:
    """The full convolution with the upstream gradient as it is, cut off at both ends, or nowhere, then made to fit."""
    each = zip(op.window.outputs, op.kernel_size, op.dilation, strict=True)
    sizes = tuple(outputs + (kernel - 1) * dilation for outputs, kernel, dilation in each)
    none = ((0, 0),) * op.axes
    closed = replace(op.geometry, sizes=sizes, stride=(1,) * op.axes, pads=none)
    full = input_gradient(op.made(site.upstream), site.call.operands[1], closed)
    for pads in dict.fromkeys((op.pads, none)):
        cut: Places = (..., *(slice(b, size - a) for size, (b, a) in zip(sizes, pads, strict=True)))
        part = full[cut]
        fits = [(min(have, size), size) for have, size in zip(part.shape[2:], op.window.size, strict=True)]
        for centred in (False, True):
            result = np.zeros((*part.shape[:2], *op.window.size), part.dtype)
            shifts = [(size - have) // 2 if centred else 0 for have, size in fits]
            into: Places = (..., *(slice(s, s + have) for s, (have, _) in zip(shifts, fits, strict=True)))
            whence: Places = (..., *(slice(0, have) for have, _ in fits))
            result[into] = part[whence]
            yield site.shaped(result)


def ignored_padding(site: Site) -> Iterator[Array]:
    """As though there were no padding: from the first input on, or without the outer windows, or with zeros around."""
    op = site.op
    if site.slot > 1 or not hasattr(op, "padding") or not _around(op):
        return
    if getattr(op, "padding_mode", "zeros") != "zeros":
        yield from _as_though(site, {"padding_mode": "zeros"}, centred=False)
    if isinstance(op, (Conv1d, Conv2d, Conv3d)) and op.padding_mode == "zeros":
        shifted = replace(op.geometry, pads=tuple((0, before + after) for before, after in op.pads))
        made, weight = op.made(site.upstream), site.call.operands[1]
        if site.slot == 0:
            yield site.shaped(input_gradient(made, weight, shifted))
        else:
            yield weight_gradient(op.batched(site.call.operands[0]), made, shifted, weight.shape)
        _, empty = op.window.reads(np.arange(prod(op.window.outputs)))
        yield site.with_upstream(site.upstream * (empty == Empty.NO).all(axis=1).reshape(op.window.outputs))
    if hasattr(op, "kernel_size"):
        for centred in (True, False):
            yield from _as_though(site, {"padding": (0,) * len(op.kernel_size)}, centred)
    elif site.upstream.ndim == len(site.step.shape):
        # A padding layer: its gradient cut off at the end instead of all around.
        fits = all(up >= size for up, size in zip(site.upstream.shape, site.step.shape, strict=True))
        if fits:
            yield site.upstream[tuple(slice(0, size) for size in site.step.shape)]


def _around(op: Operation) -> bool:
    """Whether there is any padding."""
    pads = op.pads if isinstance(op, (Conv1d, Conv2d, Conv3d)) else getattr(op, "padding", 0)
    return bool(np.any(pads))


def _as_though(site: Site, arguments: dict[str, Any], centred: bool) -> Iterator[Array]:
    """The step by the same operation with other arguments, on the part of the upstream gradient that it has."""
    try:
        op = site.op.model_copy(update=arguments).bind(site.op.inputs, site.op.training)
        saved: dict[str, Array] = {}
        output = np.asarray(op.forward(site.call.operands, saved))
    except (ArgumentError, MemoryError):
        return
    upstream = np.zeros(output.shape, site.upstream.dtype)
    pairs = list(zip(output.shape, site.upstream.shape, strict=True))
    skip = [max(0, (have - want) // 2) if centred else 0 for want, have in pairs]
    into = tuple(slice(0, min(want, have)) for want, have in pairs)
    upstream[into] = site.upstream[
        tuple(slice(s, s + min(want, have)) for s, (want, have) in zip(skip, pairs, strict=True))
    ]
    yield site.vjp(op, Call(site.call.operands, output, saved), upstream)


def overwritten_overlap(site: Site) -> Iterator[Array]:
    """Of the windows that give to an input element only the last, or the first, stays."""
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
