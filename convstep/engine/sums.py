"""Accumulation: what the elements of a gradient collect, product by product.

This is the one place where local derivatives meet upstream gradients. Running sums are left to right in
float64, by ascending upstream element, then tap; so they are the same bits in gather and in scatter order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from convstep.engine.recording import Iteration
from convstep.engine.timeline import Step
from convstep.ops.base import Empty, IntArray, Links, quiet

Floats = npt.NDArray[np.float64]


class Collected(NamedTuple):
    """All terms of m elements of one step's gradient; every array has the shape (m, n)."""

    links: Links
    upstream: Floats
    products: Floats
    sums: Floats


@quiet
def collect(step: Step, iteration: Iteration, into: IntArray) -> Collected:
    """What elements `into` of the gradient that a backward step writes are made of."""
    assert step.node is not None
    links = step.node.op.column(iteration.calls[step.layer], step.slot, into)
    upstream = upstream_at(step, iteration, links.index)
    products = multiply(links, upstream)
    return Collected(links, upstream, products, np.add.accumulate(products, axis=1))


@quiet
def multiply(links: Links, upstream: Floats) -> Floats:
    """Local × upstream; what is empty gives 0, whatever stands on the other side."""
    products = links.local * upstream
    if links.empty is not None:
        products[links.empty != Empty.NO] = 0.0
    return products


def upstream_at(step: Step, iteration: Iteration, index: IntArray) -> Floats:
    """The upstream gradient at flat indices of the output, 0 where the index is -1."""
    values = iteration.grads[step.layer].reshape(-1)[index].astype(np.float64)
    values[index < 0] = 0.0
    return values


class Shares(NamedTuple):
    """The terms of one scatter step: what upstream element `source` gives, tap by tap, (n,).

    `target` is the element of the gradient that receives term k, -1 where none does; `nth` counts, from 0, how
    often the same target came before within these shares.
    """

    links: Links
    upstream: float
    products: Floats
    target: IntArray
    nth: IntArray


def shares(step: Step, iteration: Iteration, source: int) -> Shares:
    """What one element of the upstream gradient gives to the elements that fed it."""
    assert step.node is not None
    links = step.node.op.row(iteration.calls[step.layer], step.slot, np.array([source]))
    upstream = float(upstream_at(step, iteration, np.array([source]))[0])
    products = multiply(links, np.full(links.local.shape, upstream))[0]
    target = links.index[0]
    return Shares(links, upstream, products, target, occurrence(target))


def occurrence(values: IntArray) -> IntArray:
    """How often each value stands before its place."""
    if (values[1:] > values[:-1]).all():
        return np.zeros_like(values)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.searchsorted(ordered, ordered, side="left")
    nth = np.empty_like(values)
    nth[order] = np.arange(len(values)) - first
    return nth


def place_in_column(collected: Collected, source: int, nth: int) -> int:
    """Where in the column of a single element its nth term from upstream element `source` stands."""
    return int(np.flatnonzero(collected.links.index[0] == source)[nth])
