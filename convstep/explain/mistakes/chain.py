"""Mistakes with the chain rule: what is multiplied with what, and which paths are added up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convstep.explain.mistakes.backward import Site
from convstep.ops.base import Array
from convstep.ops.convolution import Convolution
from convstep.ops.elementwise import Elementwise
from convstep.ops.linear import Linear
from convstep.ops.standardise import Standardise

_ACTIVATIONS = ("GLU", "LogSoftmax", "PReLU", "Softmax", "Softmax2d", "Softmin")
_MOST_PARTS = 32
"""So many channels or samples are left out one after the other; of more, the first and the last."""


def sum_before_multiply(site: Site) -> Iterator[Array]:
    """Σ local × Σ upstream: over all uses, over those of a channel or sample, and with what met the padding."""
    if not site.is_listed:
        return
    local = np.where(site.is_use, site.links.local, 0.0)
    upstream = np.where(site.is_use, site.upstream_met, 0.0)
    yield site.shaped(local.sum(axis=1) * upstream.sum(axis=1))
    yield site.shaped(local.sum(axis=1) * site.upstream_met.sum(axis=1))
    if len(site.grid) > 1 and site.grid[0] > 1:
        parts = (len(local), site.grid[0], -1)
        for met in (upstream, site.upstream_met):
            yield site.shaped((local.reshape(parts).sum(axis=2) * met.reshape(parts).sum(axis=2)).sum(axis=1))


def missing_upstream(site: Site) -> Iterator[Array]:
    """The local derivatives alone."""
    yield site.with_upstream(np.ones_like(site.upstream))


def missing_activation_derivative(site: Site) -> Iterator[Array]:
    """The upstream gradient handed on as it is."""
    is_activation = isinstance(site.op, Elementwise) or site.node.op_name in _ACTIVATIONS
    if is_activation and site.slot == 0 and site.upstream.shape == site.step.shape:
        yield site.upstream


def missing_path(site: Site) -> Iterator[Array]:
    """One user of a tensor left out; one channel or sample left out, or the only one; only the element's own place."""
    if site.users > 1:
        yield np.zeros(site.step.shape, site.upstream.dtype)
    axis = _summed_axis(site)
    if axis is not None:
        count = site.upstream.shape[axis]
        for nth in range(count) if count <= _MOST_PARTS else (0, count - 1):
            only = np.zeros_like(site.upstream)
            at = (slice(None),) * axis + (nth,)
            only[at] = site.upstream[at]
            alone = site.with_upstream(only)
            yield alone
            yield site.given - alone
    elif _mixes(site):
        own = site.links.index == np.arange(len(site.links.index))[:, None]
        yield site.shaped(np.where(own, site.products, 0.0).sum(axis=1))
    if isinstance(site.op, Standardise) and site.slot == 0 and not site.op.fixed:
        yield from _without_statistics(site, site.op)


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
