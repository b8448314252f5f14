"""When two numbers count as the same: what the coarser of their precisions leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from convstep.ops.base import Array

_MANY, _SOME = 2**14, 2**7
"""Of so many elements some are looked at first: most differences show there."""


@dataclass(frozen=True)
class Closeness:
    """Equal to within `relative` of the number, `overall` of the tensor's largest one, or `floor`."""

    relative: float
    overall: float
    floor: float

    def close(self, a: Array, b: Array) -> npt.NDArray[np.bool_]:
        """Which elements of a and b are equal; non-finite ones only if they are the same."""
        return self._close(a, b, largest(b))

    def _close(self, a: Array, b: Array, largest_of_all: float) -> npt.NDArray[np.bool_]:
        tolerance = max(self.floor, self.overall * largest_of_all)
        return np.isclose(a, b, rtol=self.relative, atol=tolerance, equal_nan=True)

    def same(self, a: Array, b: Array) -> bool:
        """Whether all elements are equal."""
        if a.shape != b.shape:
            return False
        peak, step = largest(b), max(1, a.size // _SOME)
        if a.size > _MANY and not self._close(a.reshape(-1)[::step], b.reshape(-1)[::step], peak).all():
            return False
        return bool(self._close(a, b, peak).all())


_BY_PRECISION = {
    "float64": Closeness(1e-8, 1e-10, 1e-14),
    "float32": Closeness(2e-5, 2e-6, 2e-8),
    "float16": Closeness(4e-3, 2e-3, 2e-8),
    "bfloat16": Closeness(2e-2, 1e-2, 2e-8),
}
_FROM_COARSE = ("bfloat16", "float16", "float32")
_LEAST_HALF = 6e-8
"""Below it float16 holds nothing but 0."""


def closeness(largest_gradient: float, *precisions: str) -> Closeness:
    """The closeness of numbers of these precisions: float16, bfloat16, float32; all else is float64.

    Relative to the largest gradient of all: what is left of large numbers that cancel is no difference.
    """
    coarsest = next((p for p in _FROM_COARSE if p in precisions), "float64")
    allowed = _BY_PRECISION[coarsest]
    floor = allowed.floor * largest_gradient
    return replace(allowed, floor=max(floor, _LEAST_HALF) if "float16" in precisions else floor)


def largest(tensor: Array) -> float:
    """The largest finite magnitude."""
    return float(np.abs(tensor[np.isfinite(tensor)]).max(initial=0.0))
