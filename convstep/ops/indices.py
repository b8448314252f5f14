"""Flat indices, and what they are in a shape."""

from __future__ import annotations

import numpy as np

from convstep.ops.base import IntArray, Shape


def unravel(index: IntArray | int, shape: Shape) -> tuple[IntArray, ...]:
    """Like numpy's, and a scalar has the empty index."""
    return tuple(np.asarray(axis) for axis in np.unravel_index(index, shape)) if shape else ()
