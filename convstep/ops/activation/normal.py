"""The normal distribution of every element: Φ(x), the probability of less, and exp(−x² / 2), the bell.

In double precision Φ(−z) = exp(−z² / 2) · R(z) for z of 0 or more, R a rational function: to the last digits also
where Φ is small. In single precision Φ(x) = (1 + tanh(x · P(x²))) / 2, P a polynomial: to within 1e-7, as torch has it.
"""

from __future__ import annotations

import numpy as np

from convstep.ops.base import Array

# P's coefficients, the highest power first, fitted so that (1 + tanh) · x / 2 errs by no more than 7e-8.
_SINGLE = (
    *(1.82340944e-09, -1.34373187e-07, 3.98691243e-06, -5.53985456e-05),
    *(-3.24609430e-05, 3.63330680e-02, 7.97884904e-01),
)
# R's numerator and denominator, fitted at Chebyshev points to Φ(−z) · exp(z² / 2). All coefficients are above 0:
# nothing cancels. The relative error is 3e-16 up to z = 39; beyond, Φ is 0.
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


_LAST = 39.0


def below(x: Array) -> Array:
    """Φ(x), in the dtype of x."""
    return _single(x) if x.dtype == np.float32 else _double(x, bell(x))


def bell(x: Array) -> Array:
    """exp(−x² / 2), in the dtype of x."""
    square = np.asarray(x * x)
    square *= x.dtype.type(-0.5)
    np.exp(square, out=square)
    return square


def normal(x: Array) -> tuple[Array, Array]:
    """Φ(x) and exp(−x² / 2), in the dtype of x."""
    height = bell(x)
    return _single(x) if x.dtype == np.float32 else _double(x, height), height


def _single(x: Array) -> Array:
    # numpy's arithmetic turns arrays without dimensions into plain numbers.
    share = np.asarray(_polynomial(_SINGLE, x * x))
    share *= x
    np.tanh(share, out=share)
    share += np.float32(1)
    share *= np.float32(0.5)
    return share


def _double(x: Array, height: Array) -> Array:
    over, under = _DOUBLE
    size = np.minimum(np.abs(x), _LAST)
    tail = _polynomial(over, size)
    tail /= _polynomial(under, size)
    tail *= height
    # 1 − tail above 0, the tail itself below.
    return np.asarray(np.abs((x > 0) - tail))


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    value: Array = x * x.dtype.type(coefficients[0])
    value += x.dtype.type(coefficients[1])
    for c in coefficients[2:]:
        value *= x
        value += x.dtype.type(c)
    return value
