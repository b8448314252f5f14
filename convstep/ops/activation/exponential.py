"""Activations that are a straight line above 0 and an exponential below: ELU, CELU, SELU."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.activation.piecewise import Piece, Piecewise, exp_minus_1, line
from convstep.ops.arguments import Flag, Real
from convstep.ops.base import Array, Spec
from convstep.ops.choosing import chosen
from convstep.ops.expression import Apply, Element, Expression, Number, Quotient, times


class _Exponential(Piecewise):
    """Scale · x above 0, height · (exp(x / width) − 1) below; at 0 torch takes the slope of what is below."""

    shuts: ClassVar[bool] = False

    @property
    @abstractmethod
    def curve(self) -> tuple[float, float, float]:
        """Scale, height, width."""

    @property
    def _rate(self) -> float:
        """1 / width, which torch takes in single precision; agreeing with torch comes first."""
        width = float(np.float32(self.curve[2]))
        return 1 / width if width else math.inf

    def apply(self, x: Array) -> Array:
        scale, height, width = self.curve
        # One of the two is 0.
        bent: Array = height * np.expm1(np.minimum(x, 0) / width)
        return bent + scale * np.maximum(x, 0)

    def slope(self, x: Array, y: Array) -> Array:
        scale, height, _ = self.curve
        below = height * self._rate * np.exp(np.minimum(x, 0) * self._rate)
        return chosen(x <= 0, below, np.asarray(scale, x.dtype))

    @property
    def pieces(self) -> tuple[Piece, ...]:
        scale, height, width = self.curve
        rate = self._rate

        def value(x: Element) -> Expression:
            return times(height, exp_minus_1(x if width == 1 else Quotient(x, Number(width))))

        def slope(x: Element) -> Expression:
            return times(height * rate, Apply("exp", (times(rate, x),)))

        return Piece(0.0, value, slope), line(scale)


class ELU(_Exponential):
    """torch.nn.ELU: x above 0, alpha · (exp(x) − 1) below."""

    function: ClassVar[str] = "elu"
    effect: ClassVar[str] = "keeps what is above 0 in {} and turns the rest into {self.alpha:g} · (exp(x) − 1)"

    alpha: Real = 1.0
    inplace: Flag = False

    @property
    def curve(self) -> tuple[float, float, float]:
        return 1.0, self.alpha, 1.0


class CELU(_Exponential):
    """torch.nn.CELU: x above 0, alpha · (exp(x / alpha) − 1) below: smooth at 0 whatever alpha is."""

    function: ClassVar[str] = "celu"
    effect: ClassVar[str] = (
        "keeps what is above 0 in {} and turns the rest into {self.alpha:g} · (exp(x / {self.alpha:g}) − 1)"
    )

    alpha: Real = 1.0
    inplace: Flag = False

    def infer(self, inputs: Sequence[Spec]) -> Self:
        if self.alpha == 0:
            raise ArgumentError("alpha", "is 0, by which x cannot be divided")
        return super().infer(inputs)

    @property
    def curve(self) -> tuple[float, float, float]:
        return 1.0, self.alpha, self.alpha


class SELU(_Exponential):
    """torch.nn.SELU: an ELU with two constants, chosen so that means stay near 0 and variances near 1."""

    function: ClassVar[str] = "selu"
    effect: ClassVar[str] = "multiplies what is above 0 in {} by 1.0507 and turns the rest into 1.7581 · (exp(x) − 1)"

    inplace: Flag = False

    @property
    def curve(self) -> tuple[float, float, float]:
        scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
        return scale, scale * alpha, 1.0
