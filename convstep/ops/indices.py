"""Flat indices, and what they are in a shape."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from convstep.ops.base import Array, IntArray, Shape


def flat(links: Array) -> Array:
    """Links laid out over several axes, (m, …), as (m, n)."""
    return links.reshape(len(links), -1)


def unravel(index: IntArray | int, shape: Shape) -> tuple[IntArray, ...]:
    """Like numpy's, and a scalar has the empty index."""
    return tuple(np.asarray(axis) for axis in np.unravel_index(index, shape)) if shape else ()


def last_true(rows: npt.NDArray[np.bool_]) -> IntArray:
    """The last true place of each row, (m, n), and -1 where there is none: (m,)."""
    return np.where(rows.any(axis=1), rows.shape[1] - 1 - rows[:, ::-1].argmax(axis=1), -1)
