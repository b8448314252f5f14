"""Random numbers that depend on a seed and a tensor's name alone.

The derivation is part of the file format and stays as it is: SHA-256 of the text `SEED:NAME` (UTF-8), read as a
big-endian integer, seeds numpy's PCG64, whose raw 64-bit words w give uniform numbers (w >> 11) · 2⁻⁵³ in [0, 1).
Normal numbers come from pairs of these, by Box and Muller: no other layer, and no library's taste, has a say.
"""

from __future__ import annotations

from hashlib import sha256
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from convstep.ops.base import Array, Shape

Floats = npt.NDArray[np.float64]
DOUBLE = np.dtype(np.float64)

_BLOCK = 1 << 15
"""So many numbers at a time stay in the cache."""


class Draw:
    """The stream of random numbers of one tensor; `between` and `around` round them to its dtype."""

    def __init__(self, seed: int, name: str, dtype: np.dtype[Any] = DOUBLE) -> None:
        key = sha256(f"{seed}:{name}".encode("utf-8", "surrogatepass")).digest()
        self._bits = np.random.PCG64(int.from_bytes(key, "big"))
        self.dtype = dtype

    def uniform(self, shape: Shape) -> Floats:
        """Numbers in [0, 1), the same to the bit everywhere."""
        uniform: Floats = np.empty(prod(shape))
        for start in range(0, uniform.size, _BLOCK):
            _fill(uniform[start : start + _BLOCK], self._bits)
        return uniform.reshape(shape)

    def between(self, shape: Shape, low: float, width: float) -> Array:
        """Numbers in [low, low + width) of the draw's dtype, made in float64."""
        numbers = np.empty(prod(shape), self.dtype)
        made = np.empty(min(_BLOCK, numbers.size))
        for start in range(0, numbers.size, _BLOCK):
            block = made[: numbers.size - start]
            _fill(block, self._bits)
            block *= width
            block += low
            numbers[start : start + _BLOCK] = block
        return numbers.reshape(shape)

    def normal(self, shape: Shape) -> Floats:
        """Standard normal numbers, the same to the last place everywhere."""
        return self._normal(shape, 0.0, 1.0, DOUBLE)

    def around(self, shape: Shape, mean: float, std: float) -> Array:
        """Normal numbers of the draw's dtype, made in float64."""
        return self._normal(shape, mean, std, self.dtype)

    def _normal(self, shape: Shape, mean: float, std: float, dtype: np.dtype[Any]) -> Array:
        count = prod(shape)
        half = (count + 1) // 2
        numbers = np.empty((half, 2), dtype)
        # All first numbers of the pairs come before all second ones: two places in one stream.
        later = np.random.PCG64()
        later.state = self._bits.state
        later.advance(half)
        pair = np.empty((2, min(_BLOCK, half)))
        for start in range(0, half, _BLOCK):
            first, second = pair[:, : half - start]
            _fill(first, self._bits)
            _fill(second, later)
            # 1 − u lies in (0, 1]: its logarithm is finite.
            radius = np.sqrt(-2.0 * np.log(1.0 - first))
            angle = 2.0 * np.pi * second
            block = numbers[start : start + _BLOCK]
            block[:, 0] = radius * np.cos(angle) * std + mean
            block[:, 1] = radius * np.sin(angle) * std + mean
        self._bits = later
        return numbers.reshape(-1)[:count].reshape(shape)


def _fill(block: Floats, bits: np.random.PCG64) -> None:
    np.multiply(bits.random_raw(block.size) >> np.uint64(11), 2.0**-53, out=block)
