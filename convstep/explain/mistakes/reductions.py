"""Mistakes with sums and means over the batch or over positions, and with a bias's sum."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

from convstep.explain.mistakes.backward import Site
from convstep.ops.base import Array, Call
from convstep.ops.conv.convolution import Convolution
from convstep.ops.linear.linear import Linear

_MOST_USES = 4096


def mean_for_sum(site: Site) -> Iterator[Array]:
    """Averaged over the batch, over positions or over both, where a sum is right."""
    if site.op.is_loss:
        if getattr(site.op, "reduction", None) == "sum":
            yield from _otherwise_reduced(site, "mean")
        yield from (site.given / count for count in _sizes(site.call.operands[0].shape))
    elif site.parameter is not None or isinstance(site.op, (Convolution, Linear)):
        counts = dict.fromkeys((prod(site.grid), *site.grid[:1], prod(site.grid[1:])))
        yield from (site.given / count for count in counts if count > 1)
    elif site.node.op_name == "Sum":
        yield site.given / max(1, prod(site.step.shape) // max(1, site.upstream.size))


def sum_for_mean(site: Site) -> Iterator[Array]:
    """Not divided by the number of samples or positions, where a mean is right."""
    if site.op.is_loss:
        if getattr(site.op, "reduction", None) in ("mean", "batchmean"):
            yield from _otherwise_reduced(site, "sum")
            yield from (site.given * count for count in _sizes(site.call.operands[0].shape))
    elif site.node.op_name == "Mean" or site.node.op_name.startswith("AdaptiveAvgPool"):
        yield site.given * max(1, prod(site.step.shape) // max(1, site.upstream.size))
    elif site.node.op_name.startswith("AvgPool"):
        yield site.given * prod(site.op.row_grid(0))


def _sizes(shape: tuple[int, ...]) -> list[int]:
    """The batch size, what a sample holds, and the like."""
    counts = dict.fromkeys((*shape[:1], prod(shape[1:]), prod(shape[2:]), prod(shape[:1] + shape[2:]), prod(shape)))
    return [count for count in counts if count > 1]


def _otherwise_reduced(site: Site, reduction: str) -> Iterator[Array]:
    op = site.op.replace(reduction=reduction).bind(site.op.inputs, site.op.training)
    saved: dict[str, Array] = {}
    output = np.asarray(op.forward(site.call.operands, saved))
    yield site.vjp(op, Call(site.call.operands, output, saved), site.upstream)


def missing_bias_sum(site: Site) -> Iterator[Array]:
    """One position, one row, or one position of one row, where all are added up."""
    if not site.is_listed or not (site.parameter == "bias" or site.node.op_name == "Add"):
        return
    grid = site.grid
    uses = site.products.reshape(-1, *grid)
    axes = range(1, len(grid) + 1)
    kept = {(axis,) for axis in axes} | {tuple(axes), tuple(axes)[1:]} - {()}
    for some in sorted(kept):
        rest = tuple(axis for axis in axes if axis not in some)
        sums = uses.sum(axis=rest, keepdims=True)
        places = [range(sums.shape[axis]) for axis in axes]
        if 1 < prod(map(len, places)) <= _MOST_USES:
            for place in product(*places):
                one: Any = (slice(None), *place)
                yield site.shaped(sums[one])
