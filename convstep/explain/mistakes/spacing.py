"""Mistakes with strides and paddings: where windows lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from convstep.errors import ArgumentError
from convstep.explain.mistakes.backward import Site
from convstep.ops.base import Array, Call, Empty, Operation
from convstep.ops.conv.conv import Conv1d, Conv2d, Conv3d
from convstep.ops.conv.conv_kernels import Geometry, Places, convolve, input_gradient, weight_gradient
from convstep.ops.conv.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from convstep.ops.pool.pool import Pool

Forwards = Conv1d | Conv2d | Conv3d
Transposed = ConvTranspose1d | ConvTranspose2d | ConvTranspose3d


def ignored_stride(site: Site) -> Iterator[Array]:
    """The same windows, but each one place after the last: the upstream gradient stays together."""
    stride = getattr(site.op, "stride", None) or getattr(site.op, "kernel_size", None)
    if not hasattr(site.op, "stride") or not isinstance(stride, tuple) or prod(stride) == 1 or site.slot > 1:
        return
    arguments: dict[str, Any] = {"stride": (1,) * len(stride)}
    if hasattr(site.op, "output_padding"):
        arguments["output_padding"] = (0,) * len(stride)
    yield from _as_though(site, arguments, centred=False)
    if isinstance(site.op, Forwards) and site.slot == 0:
        yield from _unspread(site, site.op)
        yield from _repeated(site, site.op)
    if isinstance(site.op, Transposed):
        yield _by_windows(site, site.op, replace(site.op.geometry, stride=(1,) * site.op.axes))
    kernel = getattr(site.op, "kernel_size", None)
    if isinstance(site.op, Pool) and isinstance(kernel, tuple) and stride != kernel:
        # Windows that are taken to lie side by side.
        yield from _as_though(site, {"stride": kernel}, centred=False)


def _unspread(site: Site, op: Forwards) -> Iterator[Array]:
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


def _by_windows(site: Site, op: Transposed, geometry: Geometry) -> Array:
    """A transposed convolution's gradient by other windows of the upstream one."""
    made, weight = op.made(site.upstream), site.call.operands[1]
    if site.slot == 0:
        return site.shaped(convolve(made, weight, geometry))
    return weight_gradient(made, op.batched(site.call.operands[0]), geometry, weight.shape)


def _repeated(site: Site, op: Forwards) -> Iterator[Array]:
    """The full convolution with each upstream number repeated by the stride, where zeros belong between them."""
    made, weight = op.made(site.upstream), site.call.operands[1]
    for axis, stride in enumerate(op.stride, start=2):
        made = np.repeat(made, stride, axis=axis)
    outputs = made.shape[2:]
    spans = [(kernel - 1) * dilation for kernel, dilation in zip(op.kernel_size, op.dilation, strict=True)]
    sizes = tuple(outputs[k] + spans[k] for k in range(op.axes))
    none = ((0, 0),) * op.axes
    closed = replace(op.geometry, sizes=sizes, outputs=outputs, stride=(1,) * op.axes, pads=none)
    full = input_gradient(made, weight, closed)
    result = np.zeros((*full.shape[:2], *op.window.size), full.dtype)
    cut: Places = (
        ...,
        *(slice(before, before + size) for size, (before, _) in zip(op.window.size, op.pads, strict=True)),
    )
    part = full[cut]
    into: Places = (..., *(slice(0, have) for have in part.shape[2:]))
    result[into] = part
    yield site.shaped(result)


def ignored_padding(site: Site) -> Iterator[Array]:
    """As though there were no padding: from the first input on, or without the outer windows, or with zeros around."""
    op = site.op
    if site.slot > 1 or not hasattr(op, "padding") or not _around(op):
        return
    if getattr(op, "padding_mode", "zeros") != "zeros":
        yield from _as_though(site, {"padding_mode": "zeros"}, centred=False)
    if isinstance(op, Forwards) and op.padding_mode == "zeros":
        made, weight = op.made(site.upstream), site.call.operands[1]
        for pads in (tuple((0, sum(around)) for around in op.pads), tuple((sum(around), 0) for around in op.pads)):
            shifted = replace(op.geometry, pads=pads)
            if site.slot == 0:
                yield site.shaped(input_gradient(made, weight, shifted))
            else:
                yield weight_gradient(op.batched(site.call.operands[0]), made, shifted, weight.shape)
        if site.slot == 1:
            yield from _inner_taps(site, op)
        _, empty = op.window.reads(np.arange(prod(op.window.outputs)))
        yield site.with_upstream(site.upstream * (empty == Empty.NO).all(axis=1).reshape(op.window.outputs))
    if isinstance(op, Transposed):
        yield _by_windows(site, op, replace(op.geometry, pads=tuple((0, sum(around)) for around in op.geometry.pads)))
    if hasattr(op, "kernel_size"):
        for centred in (True, False):
            yield from _as_though(site, {"padding": (0,) * len(op.kernel_size)}, centred)
    elif site.upstream.ndim == len(site.step.shape):
        # A padding layer: its gradient cut off at the end instead of all around.
        fits = all(up >= size for up, size in zip(site.upstream.shape, site.step.shape, strict=True))
        if fits:
            yield site.upstream[tuple(slice(0, size) for size in site.step.shape)]


def _inner_taps(site: Site, op: Forwards) -> Iterator[Array]:
    """A kernel's gradient at those taps alone that find an input for every output, in their place, or the first."""
    inner, first = np.zeros(site.step.shape, site.given.dtype), np.zeros(site.step.shape, site.given.dtype)
    found = []
    for axis in range(op.axes):
        last = (op.window.outputs[axis] - 1) * op.stride[axis]
        taps = np.arange(op.kernel_size[axis]) * op.dilation[axis] - op.pads[axis][0]
        found.append(np.flatnonzero((taps >= 0) & (taps + last < op.window.size[axis])))
    if all(len(taps) for taps in found):
        places = np.ix_(*(np.arange(size) for size in site.step.shape[:2]), *found)
        inner[places] = site.given[places]
        into: Places = (..., *(slice(0, len(taps)) for taps in found))
        first[into] = site.given[places]
        yield inner
        yield first


def _around(op: Operation) -> bool:
    """Whether there is any padding."""
    pads = op.pads if isinstance(op, Forwards) else getattr(op, "padding", 0)
    return bool(np.any(pads))


def _as_though(site: Site, arguments: dict[str, Any], centred: bool) -> Iterator[Array]:
    """The step by the same operation with other arguments, on the part of the upstream gradient that it has."""
    try:
        op = site.op.replace(**arguments).bind(site.op.inputs, site.op.training)
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
