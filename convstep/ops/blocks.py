"""Large tensors worked on block by block: what is made on the way stays in the cache, and takes no memory."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Literal

import numpy as np

from convstep.ops.base import Array

_BLOCK = 2**18
"""Bytes of a block."""
_SMALL = 2**13
"""Up to so many elements are a block by themselves."""


def in_blocks(function: Callable[..., Array], large: int, *tensors: Array) -> Array:
    """A function of tensors of one shape, element by element; in blocks from so many bytes on.

    Its numbers have the first tensor's dtype.
    """
    first = tensors[0]
    length = _BLOCK // first.itemsize
    if first.nbytes <= large or not all(tensor.flags.c_contiguous for tensor in tensors):
        return function(*tensors)
    result, flat = np.empty_like(first), [tensor.reshape(-1) for tensor in tensors]
    for start in range(0, first.size, length):
        result.reshape(-1)[start : start + length] = function(*(tensor[start : start + length] for tensor in flat))
    return result


def broadcast_in_blocks(
    function: Callable[..., Array], dtype: np.dtype[Any], *tensors: Array, read_as: np.dtype[Any] | None = None
) -> Array:
    """A function of tensors that broadcast, element by element; large ones in blocks, as vectors of one length.

    The function gets its numbers in the dtype `read_as` (each tensor's own); the result has `dtype`.
    """
    shape = np.broadcast_shapes(*(tensor.shape for tensor in tensors))
    kinds = [tensor.dtype if read_as is None else read_as for tensor in tensors]
    if prod(shape) <= _SMALL:
        made = function(*(tensor.astype(kind, copy=False) for tensor, kind in zip(tensors, kinds, strict=True)))
        made = np.asarray(made, dtype)
        return made if made.shape == shape else np.array(np.broadcast_to(made, shape))
    result = np.empty(shape, dtype)
    read: list[Literal["readonly", "writeonly"]] = ["readonly"]
    blocks = np.nditer(
        [*tensors, result],
        ["external_loop", "buffered", "zerosize_ok"],
        [*[read] * len(tensors), ["writeonly"]],
        [*kinds, dtype],
        order="C",
        casting="unsafe",
        buffersize=_BLOCK // 8,
    )
    with blocks:
        for *parts, block in blocks:
            block[...] = function(*parts)
    return result
