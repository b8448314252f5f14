"""When two numbers count as the same: what the coarser of their precisions leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convstep.ops.base import Array


@dataclass(frozen=True)
class Closeness:
    """Equal to within `relative` of the number and `overall` of the tensor's largest one."""

    relative: float
    overall: float

    def close(self, a: Array, b: Array) -> npt.NDArray[np.bool_]:
        """Which elements of a and b are equal; non-finite ones only if they are the same."""
        finite = b[np.isfinite(b)]
        scale = float(np.abs(finite).max(initial=0.0))
        return np.isclose(a, b, rtol=self.relative, atol=self.overall * scale, equal_nan=True)

    def same(self, a: Array, b: Array) -> bool:
        """Whether all elements are equal."""
        return a.shape == b.shape and bool(self.close(a, b).all())


_BY_PRECISION = {
    "float64": Closeness(1e-8, 1e-10),
    "float32": Closeness(2e-5, 2e-6),
    "float16": Closeness(4e-3, 2e-3),
    "bfloat16": Closeness(2e-2, 1e-2),
}
_FROM_COARSE = ("bfloat16", "float16", "float32")


def closeness(*precisions: str) -> Closeness:
    """The closeness of numbers of these precisions: float16, bfloat16, float32; all else is float64."""
    for precision in _FROM_COARSE:
        if precision in precisions:
            return _BY_PRECISION[precision]
    return _BY_PRECISION["float64"]
