"""The error function of every element, to the last digits of float64.

Rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error function",
Mathematics of Computation 23 (1969), pages 631 to 637: one near 0, one for the tail 1 − erf.
"""

from __future__ import annotations

import numpy as np

from convstep.ops.base import Array

_MIDDLE = 0.46875
_LAST = 6.0
"""From here on erf is ±1 to the last digit."""

# Coefficients of numerators and denominators, the highest power first.
_NEAR = (
    (0.185777706184603153, 3.1611237438705656, 113.864154151050156, 377.485237685302021, 3209.37758913846947),
    (1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062),
)
_TAIL = (
    (
        *(2.15311535474403846e-8, 0.564188496988670089, 8.88314979438837594, 66.1191906371416295, 298.635138197400131),
        *(881.95222124176909, 1712.04761263407058, 2051.07837782607147, 1230.33935479799725),
    ),
    (
        *(1.0, 15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019),
        *(3290.79923573345963, 4362.61909014324716, 3439.36767414372164, 1230.33935480374942),
    ),
)
_BLOCK = 8192
"""Elements at a time: what stays in the cache is quicker than whole arrays, pass by pass."""


def erf(x: Array) -> Array:
    """2/√π · ∫ exp(−t²) dt from 0 to x, in the shape and dtype of x."""
    flat = np.ascontiguousarray(x).reshape(-1)
    result = np.empty_like(flat)
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK].astype(np.float64)
        result[start : start + _BLOCK] = _erf(block)
    return result.reshape(x.shape)


def _erf(x: Array) -> Array:
    size = np.minimum(np.abs(x), _LAST)
    # exp(−t²) as a product: t² of many digits, rounded, would cost exp its last ones.
    coarse = np.trunc(size * 16) / 16
    powers = np.exp(-coarse * coarse) * np.exp((coarse - size) * (coarse + size))
    far = 1 - powers * _ratio(_TAIL, size)
    middle = np.clip(x, -_MIDDLE, _MIDDLE)
    near = middle * _ratio(_NEAR, middle * middle)
    small = size <= _MIDDLE
    value: Array = near * small + np.copysign(far, x) * ~small
    return value


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    over, under = (_polynomial(c, x) for c in coefficients)
    over /= under
    return over


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    value = x * coefficients[0]
    value += coefficients[1]
    for c in coefficients[2:]:
        value *= x
        value += c
    return value
