"""GELU: every number times the probability that a normal one lies below it."""

from __future__ import annotations

from math import pi, sqrt
from typing import ClassVar

import numpy as np

from convstep.ops.activation.elementwise import Elementwise
from convstep.ops.activation.normal import below, normal
from convstep.ops.arguments import Approximate
from convstep.ops.base import Array
from convstep.ops.expression import (
    Apply,
    Element,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    difference,
    total,
)

_SCALE, _CUBIC = sqrt(2 / pi), 0.044715
"""The approximation tanh(√(2/π) · (x + 0.044715 · x³)) of 2Φ(x) − 1."""


def _bent(x: Array) -> Array:
    """Approximately 2Φ(x) − 1."""
    bent: Array = np.tanh(_SCALE * (x + _CUBIC * x * x * x))
    return bent


class GELU(Elementwise):
    """torch.nn.GELU: y = x · Φ(x), Φ the normal distribution function: by erf, or approximated by tanh."""

    function: ClassVar[str] = "gelu"
    effect: ClassVar[str] = "multiplies every number of {} by the probability Φ that a normal number lies below it"

    large: ClassVar[int] = 2**17

    approximate: Approximate = "none"

    def apply(self, x: Array) -> Array:
        share = below(x) if self.approximate == "none" else np.asarray(0.5 * (1 + _bent(x)))
        np.multiply(x, share, out=share)
        return share

    def slope(self, x: Array, y: Array) -> Array:
        if self.approximate == "none":
            share, bell = normal(x)
            bell *= x
            bell *= 1 / sqrt(2 * pi)
            share += bell
            return share
        bent = _bent(x)
        slope: Array = 0.5 * (1 + bent) + 0.5 * x * (1 - bent * bent) * (_SCALE * (1 + 3 * _CUBIC * x * x))
        return slope

    # -- as expressions

    def _bent_expression(self, x: Element) -> Expression:
        if self.approximate == "none":
            return Apply("erf", (Quotient(x, Apply("sqrt", (Number(2.0),))),))
        cubic = total([x, Product((Number(_CUBIC), Power(x, 3)))])
        return Apply("tanh", (Product((Number(_SCALE), cubic)),))

    def written(self, x: Element, at: float) -> Expression:
        return Product((x, self._below_expression(x)))

    def _below_expression(self, x: Element) -> Expression:
        return Quotient(total([Number(1.0), self._bent_expression(x)]), Number(2.0))

    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        below = self._below_expression(x)
        if self.approximate == "none":
            bell = Apply("exp", (Negative(Quotient(Power(x, 2), Number(2.0))),))
            return total([below, Quotient(Product((x, bell)), Apply("sqrt", (Number(2 * pi),)))])
        inner = Product((Number(_SCALE), total([Number(1.0), Product((Number(3 * _CUBIC), Power(x, 2)))])))
        rest = difference(Number(1.0), Power(self._bent_expression(x), 2))
        return total([below, Product((Quotient(x, Number(2.0)), rest, inner))])
