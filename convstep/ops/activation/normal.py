"""The normal distribution of every element: Φ(x), the probability of less, and exp(−x² / 2), the bell.

Φ(−z) = exp(−z² / 2) · R(z) for z of 0 or more, R a rational function: to the last digits also where Φ is small.
"""

from __future__ import annotations

import numpy as np

from convstep.ops.base import Array

# R's numerator and denominator, the highest power first, fitted at Chebyshev points to Φ(−z) · exp(z² / 2). All
# coefficients are above 0: nothing cancels. Relative errors: 2e-8 up to z = 14 and 3e-16 up to 39; beyond, Φ is 0.
_SINGLE = (
    (0.0035732023, 0.0370050528, 0.172530226, 0.423949158, 0.5),
    (0.00895646755, 0.0927687286, 0.441198816, 1.15820438, 1.64578293, 1.0),
)
_DOUBLE = (
    (
        *(1.1288864439058975e-06, 3.1495644024397352e-05, 0.00042710772008838451, 0.0036521633768772429),
        *(0.0215671984869301, 0.090981821470329904, 0.27438765430156786, 0.57315471857527112),
        *(0.76048097957946537, 0.5),
    ),
    (
        *(2.8296986791684788e-06, 7.8947871834143563e-05, 0.001073429986613585, 0.0092335638324527961),
        *(0.05512589125147116, 0.23705430517134071, 0.73973631037272292, 1.6472174339866563),
        *(2.4964812742995277, 2.3188465199617956, 1.0),
    ),
)


def normal(x: Array) -> tuple[Array, Array]:
    """Φ(x) and exp(−x² / 2), in the dtype of x."""
    (over, under), last = (_SINGLE, 14.0) if x.dtype == np.float32 else (_DOUBLE, 39.0)
    bell = np.exp(x * x * x.dtype.type(-0.5))
    size = np.minimum(np.abs(x), x.dtype.type(last))
    tail = _polynomial(over, size)
    tail /= _polynomial(under, size)
    tail *= bell
    # 1 − tail above 0, the tail itself below.
    return np.abs((x > 0) - tail), bell


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    value: Array = x * x.dtype.type(coefficients[0])
    value += x.dtype.type(coefficients[1])
    for c in coefficients[2:]:
        value *= x
        value += x.dtype.type(c)
    return value
