"""A border of the input's own numbers around it: mirrored, its edge repeated, or from the other side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from convstep.ops.axes.repeating import repeated
from convstep.ops.base import Array

Pads = Sequence[tuple[int, int]]
"""How many places are added before and after each of the last axes."""


def surround(x: Array, pads: Pads, mode: str) -> Array:
    """The tensor with its last axes padded, the very last one first (as torch does it)."""
    for along, (before, after) in reversed(list(_axes(x, pads))):
        size = x.shape[along]
        x = np.take(x, repeated(np.arange(-before, size + after), size, mode), axis=along)
    return x


def fold(upstream: Array, pads: Pads, mode: str) -> Array:
    """The adjoint of `surround`: what the border has goes back to the places that it repeats."""
    for along, (before, after) in _axes(upstream, pads):
        size = upstream.shape[along] - before - after
        left: tuple[Any, ...] = (slice(None),) * along
        gradient = upstream[(*left, slice(before, before + size))].copy()
        for place in (*range(before), *range(before + size, before + size + after)):
            at = int(repeated(np.array(place - before), size, mode))
            gradient[(*left, at)] += upstream[(*left, place)]
        upstream = gradient
    return upstream


def _axes(x: Array, pads: Pads) -> Iterator[tuple[int, tuple[int, int]]]:
    """The axes that have a border, with its sizes."""
    for k, pair in enumerate(pads):
        if any(pair):
            yield x.ndim - len(pads) + k, pair
