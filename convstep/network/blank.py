"""Tensors whose shape alone is known: one number stands for all of theirs, and takes no memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from convstep.ops.base import Array, Shape

MOST_ELEMENTS = 2**56
"""More elements than any memory holds; up to here, sizes in bytes are 64-bit numbers."""


def blank(shape: Shape, dtype: np.dtype[Any], number: Any = 0) -> Array:
    """A tensor of that shape which holds one number only."""
    return np.broadcast_to(np.array(number, dtype=dtype), shape)


def is_blank(array: Array) -> bool:
    """Whether all elements are the same place in memory."""
    return array.size > 1 and not any(array.strides)


def cast(array: Array, dtype: np.dtype[Any]) -> Array:
    """The array in another dtype; a blank one stays blank."""
    return blank(array.shape, dtype, array[(0,) * array.ndim]) if is_blank(array) else array.astype(dtype)
