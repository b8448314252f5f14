"""How numbers are written: one format a tensor, decimal points aligned, whole numbers whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_DECIMALS = 4
_WIDEST_WHOLE = 1e6
_FEW = 256


@dataclass(frozen=True)
class NumberFormat:
    """`decimals` digits after the point (`None`: scientific); `width` is the widest number's, sign included."""

    width: int
    decimals: int | None

    def text(self, value: float) -> str:
        """The number, not padded. A real zero is `0`; NaN and infinities are words."""
        if value == 0 or not math.isfinite(value):
            return _plain(value)
        if self.decimals is None:
            return scientific(value)
        if self.decimals == 0 and value != math.trunc(value):
            return short(value)
        text = f"{value:.{self.decimals}f}"
        # What would round to nothing, or what has outgrown the tensor's format, keeps its digits.
        if float(text) == 0 or len(text) > self.width + 2:
            return min(short(value), scientific(value), key=len)
        return text


def extent(tensor: npt.NDArray[Any]) -> tuple[float, float] | None:
    """The least and the largest finite element; None where there is none."""
    if tensor.size == 0:
        return None
    low, high = float(tensor.min()), float(tensor.max())
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    finite = tensor[np.isfinite(tensor)]
    return (float(finite.min()), float(finite.max())) if finite.size else None


def _is_whole(tensor: npt.NDArray[Any]) -> bool:
    """Whether every finite element is a whole number; most tensors show at their beginning that they are not."""
    if tensor.dtype.kind != "f":
        return True
    flat = tensor.reshape(-1)
    for part in (flat[:_FEW], flat):
        finite = part[np.isfinite(part)]
        if not (finite == np.trunc(finite)).all():
            return False
    return True


def format_of(tensor: npt.NDArray[Any]) -> NumberFormat:
    """The format in which all elements of a tensor are written."""
    return format_within(tensor, extent(tensor))


def format_within(tensor: npt.NDArray[Any], ends: tuple[float, float] | None) -> NumberFormat:
    """The same, where the `extent` of the tensor is known."""
    if ends is None:
        return NumberFormat(3, 0)
    largest = max(abs(ends[0]), abs(ends[1]))
    sign = int(ends[0] < 0)
    if largest < _WIDEST_WHOLE and _is_whole(tensor):
        return NumberFormat(len(f"{largest:.0f}") + sign, 0)
    if largest >= _WIDEST_WHOLE or largest < 1e-3:
        return NumberFormat(8 + sign, None)
    magnitude = math.floor(math.log10(largest))
    decimals = max(1, _DECIMALS - magnitude - (magnitude < 0))
    return NumberFormat(len(f"{largest:.{decimals}f}") + sign, decimals)


def _plain(value: float) -> str:
    """Zero, of either sign, NaN and infinities."""
    if math.isnan(value):
        return "NaN"
    return "0" if value == 0 else "Inf" if value > 0 else "-Inf"


def scientific(value: float) -> str:
    """`1.23e-5`."""
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def short(value: float) -> str:
    """A number in a sentence or a formula: at most six significant digits, whole numbers whole."""
    if value == 0 or not math.isfinite(value):
        return _plain(value)
    if value == int(value) and abs(value) < _WIDEST_WHOLE:
        return str(int(value))
    if abs(value) < 1e-4 or abs(value) >= _WIDEST_WHOLE:
        mantissa, _, exponent = scientific(value).partition("e")
        return f"{float(mantissa):g}e{exponent}"
    return f"{value:.6g}"
