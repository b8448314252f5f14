"""Mistakes that show in a whole gradient: dimensions exchanged, one use only, a constant factor, the sign."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, permutations

import numpy as np

from convstep.explain.mistakes.backward import Backward, Site
from convstep.explain.mistakes.closeness import Closeness
from convstep.ops.base import Array
from convstep.ops.conv.convolution import Convolution
from convstep.ops.linear.linear import Linear

_MOST_DIMENSIONS = 5
_FEW_DIMENSIONS = 4
_MOST_ELEMENTS = 2**16
_CHANCE = 1e-4
"""Elements of a precision that agree on a factor by less than such a chance leave no doubt."""
_EXACT = 1e-6
_NEARLY_1 = 1e-3
_MOST_PARTS, _FEW_PARTS = 4096, 8
"""The largest denominator of a simple factor, in double precision and below: 1 / (batch size · positions)."""


def transpositions(tensor: Array) -> Iterator[Array]:
    """The tensor without its dimensions of size 1: two dimensions exchanged, then every other order."""
    plain = tensor.squeeze()
    if not 2 <= plain.ndim <= _MOST_DIMENSIONS:
        return
    for a, b in combinations(range(plain.ndim), 2):
        yield plain.swapaxes(a, b)
    for order in permutations(range(plain.ndim)):
        if sum(k != at for k, at in enumerate(order)) > 2:
            yield plain.transpose(order)


def transposed(site: Site) -> Iterator[Array]:
    """The gradient in another order of dimensions, its numbers laid into its shape; that by the transposed weight."""
    dims = [axis for axis, size in enumerate(site.given.shape) if size > 1]
    if 2 <= len(dims) <= _MOST_DIMENSIONS:
        for order in _orders(dims, site.given.ndim, _FEW_DIMENSIONS if site.given.size <= _MOST_ELEMENTS else 0):
            shape = site.given.shape
            yield np.ascontiguousarray(site.given.transpose(order)).reshape(shape)
            if any(shape[axis] != size for axis, size in zip(order, shape, strict=True)):
                yield site.given.reshape([shape[axis] for axis in order]).transpose(np.argsort(order))
    upstream = [axis for axis, size in enumerate(site.upstream.shape) if size > 1]
    for a, b in combinations(upstream, 2):
        if site.upstream.shape[a] == site.upstream.shape[b]:
            yield site.with_upstream(site.upstream.swapaxes(a, b))
    if isinstance(site.op, (Convolution, Linear)) and site.slot == 0:
        weight = site.call.operands[1]
        for a, b in combinations(range(weight.ndim), 2):
            if weight.shape[a] == weight.shape[b] > 1:
                yield site.with_operand(1, np.ascontiguousarray(weight.swapaxes(a, b)))


def _orders(dims: list[int], count: int, most: int) -> Iterator[list[int]]:
    """Orders of `count` dimensions that exchange two of some; then, of `most` at most, every other order of them."""
    every = permutations(dims) if len(dims) <= most else iter(())
    exchanged = [tuple(b if d == a else a if d == b else d for d in dims) for a, b in combinations(dims, 2)]
    for order in (*exchanged, *(o for o in every if o not in exchanged and o != tuple(dims))):
        whole = list(range(count))
        for at, axis in zip(dims, order, strict=True):
            whole[at] = axis
        yield whole


def single_uses(backward: Backward, tensor: str) -> Iterator[tuple[str, Array]]:
    """Of a tensor with three users or more, what each alone gives, with the layer that uses it."""
    writers = backward.writers.get(tensor, [])
    if len(writers) > 2:
        for k in writers:
            yield backward.timeline.steps[k].layer, backward.iteration.given[k]


def lacks_a_slice(wrong: Array, truth: Array, closeness: Closeness) -> bool:
    """Whether all is right but for one channel or sample, which is 0."""
    if wrong.size != truth.size or truth.ndim < 1:
        return False
    mine = wrong.reshape(truth.shape)
    differs = ~closeness.close(mine, truth)
    if np.any(mine[differs]) or differs.all() or not differs.any():
        return False
    return any(len(np.unique(np.nonzero(differs)[axis])) == 1 < truth.shape[axis] for axis in range(min(2, truth.ndim)))


def wrong_sign(site: Site) -> Iterator[Array]:
    """What this step gives, with the opposite sign."""
    yield -site.given


def factor_between(wrong: Array, truth: Array, closeness: Closeness) -> float | None:
    """The constant c with wrong = c · truth, if there is one.

    Any number is some multiple of another: where few elements could agree by chance, c must be simple.
    """
    if wrong.shape != truth.shape or not (np.isfinite(truth).all() and np.isfinite(wrong).all()):
        return None
    largest = int(np.argmax(np.abs(truth))) if truth.size else -1
    if largest < 0 or truth.reshape(-1)[largest] == 0:
        return None
    factor = float(wrong.reshape(-1)[largest] / truth.reshape(-1)[largest])
    is_exact = closeness.relative < _EXACT
    near = Fraction(factor).limit_denominator(_MOST_PARTS if is_exact else _FEW_PARTS)
    is_simple = near.numerator != 0 and (near.denominator == 1 or abs(near.numerator) <= 2)
    is_simple &= abs(near.numerator) <= _MOST_PARTS
    if is_simple and closeness.same(np.array([factor]), np.array([float(near)])):
        factor = float(near)
    elif closeness.relative ** (_magnitudes(truth) - 1) > _CHANCE:
        return None
    is_none = factor == 0.0 or abs(factor - 1) < max(_NEARLY_1, 10 * closeness.relative)
    return None if is_none or not closeness.same(wrong, factor * truth) else factor


def _magnitudes(tensor: Array) -> int:
    """How many different numbers there are, signs and 0 apart: those of two classes are a and −a."""
    magnitudes = np.sort(np.abs(tensor[tensor != 0]))
    return 0 if not magnitudes.size else 1 + int(np.count_nonzero(np.diff(magnitudes) > _EXACT * magnitudes[-1]))
