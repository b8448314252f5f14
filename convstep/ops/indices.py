"""Flat indices, and what they are in a shape."""

from __future__ import annotations

import numpy as np

from convstep.ops.base import Array, IntArray, Shape


def flat(links: Array) -> Array:
    """Links laid out over several axes, (m, …), as (m, n)."""
    return links.reshape(len(links), -1)


def unravel(index: IntArray | int, shape: Shape) -> tuple[IntArray, ...]:
    """Like numpy's, and a scalar has the empty index."""
    return tuple(np.asarray(axis) for axis in np.unravel_index(index, shape)) if shape else ()
