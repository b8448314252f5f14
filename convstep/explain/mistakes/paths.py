"""Paths to the loss that were left out: a branch, a use, a channel, a group, a sample, a statistic."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from convstep.explain.mistakes.backward import Site
from convstep.explain.mistakes.chain import softmax_of_scores
from convstep.ops.base import Array
from convstep.ops.conv.convolution import Convolution
from convstep.ops.linear.linear import Linear
from convstep.ops.loss.cross_entropy import CrossEntropyLoss
from convstep.ops.norm.standardise import Standardise

_MOST_PARTS = 32
"""So many channels or samples are left out one after the other; of more, the first and the last."""
_MOST_ELEMENTS = 2**16


def missing_path(site: Site) -> Iterator[Array]:
    """A path left out, or one channel, feature, sample or group of what the step gives."""
    yield from whole_paths(site)
    for axis in range(min(2, len(site.step.shape))):
        for part in _parts(site.step.shape, axis, _groups(site)):
            gradient = site.given.copy()
            gradient[part] = 0
            yield gradient


def whole_paths(site: Site) -> Iterator[Array]:
    """One user of a tensor left out; one summand, or all but one, of a sum over channels, groups or samples; a norm's
    statistics; the other scores of a softmax or a cross entropy.
    """
    yield np.zeros(site.step.shape, site.upstream.dtype)
    axis = _summed_axis(site)
    if axis is not None:
        for part in _parts(site.upstream.shape, axis, _groups(site)):
            only = np.zeros_like(site.upstream)
            only[part] = site.upstream[part]
            alone = site.with_upstream(only)
            yield alone
            yield site.given - alone
    if isinstance(site.op, Convolution) and site.slot == 1 and site.is_listed:
        yield from _single_places(site)
    if axis is None and _mixes(site):
        own = site.links.index == np.arange(len(site.links.index))[:, None]
        yield site.shaped(np.where(own, site.products, 0.0).sum(axis=1))
    if isinstance(site.op, Linear) and site.slot < 2 and site.upstream.ndim > 2:
        yield from _without_a_row(site)
    if isinstance(site.op, Standardise) and site.slot == 0 and not site.op.fixed:
        yield from _without_statistics(site, site.op)
    if isinstance(site.op, CrossEntropyLoss) and site.slot == 0:
        yield from _without_the_other_scores(site)


def _single_places(site: Site) -> Iterator[Array]:
    """A kernel's gradient from one place of the output alone, or from all but that."""
    places = site.products.reshape(len(site.products), site.grid[0], -1).sum(axis=1)
    count = places.shape[1]
    for nth in range(count) if 1 < count <= _MOST_PARTS else (0, count - 1) if count > 1 else ():
        alone = site.shaped(places[:, nth])
        yield alone
        yield site.given - alone


def _without_statistics(site: Site, op: Standardise) -> Iterator[Array]:
    """A norm's gradient that leaves out the paths through mean and variance, through the variance, the mean."""
    saved, layout = site.call.saved, op.layout
    standard = (site.call.operands[0].reshape(layout.shape) - saved["mean"]) * saved["rate"]
    given = site.upstream.reshape(layout.shape)
    if "weight" in op.slots:
        given = given * site.call.operands[op.slots["weight"]].reshape(1, layout.groups, layout.channels, 1)
    by_mean = given.mean(axis=layout.axes, keepdims=True)
    by_variance = standard * (given * standard).mean(axis=layout.axes, keepdims=True)
    for gradient in (given, given - by_mean, given - by_variance):
        yield site.shaped(gradient * saved["rate"])


def _without_the_other_scores(site: Site) -> Iterator[Array]:
    """A cross entropy's gradient by the label's own score alone, and by the sum of exponentials alone."""
    if not getattr(site.op, "by_label", False):
        return
    softmax, labelled = softmax_of_scores(site), site.given < 0
    per_sample = np.where(labelled, site.given / (softmax - 1), 0.0).sum(
        axis=0 if softmax.ndim == 1 else 1, keepdims=True
    )
    yield np.where(labelled, -per_sample, 0.0)
    yield softmax * per_sample
    yield np.where(labelled, site.given, 0.0)


def _without_a_row(site: Site) -> Iterator[Array]:
    """Of many rows of numbers the first or the last alone, or all but that."""
    rows = site.upstream.reshape(-1, site.upstream.shape[-1])
    for nth in (0, len(rows) - 1) if len(rows) > 1 else ():
        only = np.zeros_like(rows)
        only[nth] = rows[nth]
        alone = site.with_upstream(only.reshape(site.upstream.shape))
        yield alone
        yield site.given - alone


def _parts(shape: tuple[int, ...], axis: int, groups: int) -> Iterator[tuple[slice, ...]]:
    """Single places along a dimension, then the groups that divide it."""
    count = shape[axis]
    for parts in dict.fromkeys((count, groups)):
        if parts > 1 and count % parts == 0:
            size = count // parts
            for nth in range(parts) if parts <= _MOST_PARTS and prod(shape) <= _MOST_ELEMENTS else (0, parts - 1):
                yield (*(slice(None),) * axis, slice(nth * size, (nth + 1) * size))


def _groups(site: Site) -> int:
    return site.op.groups if isinstance(site.op, Convolution) else 1


def _summed_axis(site: Site) -> int | None:
    """The dimension of the upstream gradient that the operand's gradient sums up: channels, or samples."""
    dims = site.upstream.ndim
    axis = None
    if isinstance(site.op, Convolution):
        axis = dims - site.op.axes - 1 if site.slot == 0 else 0 if dims == site.op.axes + 2 else None
    elif isinstance(site.op, Linear):
        axis = dims - 1 if site.slot == 0 else 0 if dims > 1 else None
    if axis is None or site.parameter == "bias" or site.upstream.shape[axis] < 2:
        return None
    return axis


def _mixes(site: Site) -> bool:
    """Whether each output element depends on many inputs beside its own, as in a softmax or a norm."""
    windows = isinstance(site.op, (Convolution, Linear)) or hasattr(site.op, "window")
    return site.slot == 0 and site.upstream.shape == site.step.shape and site.is_listed and not windows
