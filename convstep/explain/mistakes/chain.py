"""Mistakes with the chain rule: what is multiplied with what."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convstep.explain.mistakes.backward import Site
from convstep.ops.activation.elementwise import Elementwise
from convstep.ops.base import Array
from convstep.ops.conv.convolution import Convolution
from convstep.ops.linear.linear import Linear
from convstep.ops.loss.binary_loss import BCEWithLogitsLoss
from convstep.ops.loss.cross_entropy import CrossEntropyLoss
from convstep.ops.norm.dropout import Dropout

_ACTIVATIONS = ("GLU", "LogSoftmax", "PReLU", "Softmax", "Softmax2d", "Softmin")


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
    yield from _totals(site)


def _totals(site: Site) -> Iterator[Array]:
    """The totals of whole planes: the same number at every place, or at every tap."""
    if isinstance(site.op, Convolution) and site.op.groups == 1 and site.slot < 2:
        made, places = site.op.made(site.upstream), tuple(range(2, 2 + site.op.axes))
        planes = made.sum(axis=places, dtype=np.float64)
        read = site.op.batched(site.call.operands[0]).sum(axis=places, dtype=np.float64)
        kernel = site.call.operands[1].sum(axis=places, dtype=np.float64)
        channels, ones = site.op.channels, (1,) * site.op.axes
        kernel = kernel if kernel.shape == (planes.shape[1], channels) else kernel.T
        if site.slot == 0:
            shape = (*planes.shape[:1], channels, *ones)
            for totals in (planes @ kernel, planes.sum(axis=1)[:, None] * kernel.sum(axis=0)):
                yield site.shaped(np.broadcast_to(totals.reshape(shape), site.op.batched(site.given).shape))
        elif site.call.operands[1].shape[:2] == (planes.shape[1], channels):
            for totals in (planes.T @ read, np.outer(planes.sum(axis=0), read.sum(axis=0))):
                yield np.broadcast_to(totals.reshape(*totals.shape, *ones), site.step.shape)
    elif isinstance(site.op, Linear) and site.slot == 0:
        yield np.broadcast_to(site.upstream.sum() * site.call.operands[1].sum(axis=0), site.step.shape)


def missing_upstream(site: Site) -> Iterator[Array]:
    """The local derivatives alone; all that comes before left out; the layer itself, and those after it, left out."""
    yield site.with_upstream(np.ones_like(site.upstream))
    if site.parameter is None:
        yield np.full(site.step.shape, -1.0 if site.op.is_loss and site.slot else 1.0, site.upstream.dtype)
    if isinstance(site.op, (Convolution, Linear)) and site.slot == 0 and site.is_listed:
        yield site.shaped(np.where(site.is_use, site.upstream_met, 0.0).sum(axis=1))
    if site.parameter is None and not _is_activation(site) and site.upstream.size == site.given.size:
        yield site.shaped(site.upstream)
    yield from (site.shaped(gradient) for gradient in site.beyond)


def missing_activation_derivative(site: Site) -> Iterator[Array]:
    """The upstream gradient handed on as it is; a loss of scores taken by their probabilities."""
    if _is_activation(site) and site.slot == 0 and site.upstream.shape == site.step.shape:
        yield site.upstream
    if isinstance(site.op, CrossEntropyLoss) and site.slot == 0 and site.op.by_label:
        # By the softmax's outputs: −1 / p at the label, 0 elsewhere.
        share = softmax_of_scores(site)
        yield np.where(site.given < 0, site.given / ((1 - share) * share), 0.0)
    if isinstance(site.op, BCEWithLogitsLoss) and site.slot == 0:
        share = 1 / (1 + np.exp(-site.call.operands[0]))
        yield site.given / (share * (1 - share))


def _is_activation(site: Site) -> bool:
    return isinstance(site.op, (Elementwise, Dropout)) or site.node.op_name in _ACTIVATIONS


def softmax_of_scores(site: Site) -> Array:
    """What a cross entropy makes of its scores: a probability for each class."""
    scores = site.call.operands[0]
    classes = 0 if scores.ndim == 1 else 1
    made = np.exp(scores - scores.max(axis=classes, keepdims=True))
    return np.asarray(made / made.sum(axis=classes, keepdims=True))
