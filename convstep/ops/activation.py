"""Activations: one short block each."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import ClassVar

import numpy as np

from convstep.ops.arguments import Flag
from convstep.ops.base import Array, Call, Naming, quiet
from convstep.ops.elementwise import Elementwise
from convstep.ops.expression import Element, Expression, Number, Power, Product, difference


class ReLU(Elementwise):
    """torch.nn.ReLU: y = max(x, 0), with the derivative 0 at 0. `inplace` changes no number."""

    function: ClassVar[str] = "relu"
    effect: ClassVar[str] = "keeps what is above 0 in {} and sets the rest to 0"

    inplace: Flag = False

    def apply(self, x: Array) -> Array:
        kept: Array = np.maximum(x, x.dtype.type(0))
        return kept

    def slope(self, x: Array, y: Array) -> Array:
        # NaN is not at or below 0: torch lets the gradient through there.
        opened: Array = np.where(x <= 0, x.dtype.type(0), x.dtype.type(1))
        return opened

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        # No product: what is shut off stays 0 even under an infinite upstream gradient.
        return [np.where(call.operands[0] <= 0, upstream.dtype.type(0), upstream) if wanted[0] else None]

    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        return Number(0.0 if at <= 0 else 1.0)

    def tell_slope(self, x: str, y: str, at: float, naming: Naming) -> str:
        if at == 0:
            return f"{x} is exactly 0, where ReLU has no derivative; torch takes 0, so {y} does not react to it"
        if at < 0:
            return f"{x} is not above 0, so {y} does not react to it"
        if isnan(at):
            return f"{x} is not a number; torch lets the gradient through"
        return f"{x} is above 0, so {y} changes as it does"


class Sigmoid(Elementwise):
    """torch.nn.Sigmoid: y = 1 / (1 + exp(−x))."""

    function: ClassVar[str] = "sigmoid"
    effect: ClassVar[str] = "squashes every number of {} into the range from 0 to 1"

    def apply(self, x: Array) -> Array:
        # exp of a negative number only: it cannot overflow.
        power = np.exp(-np.abs(x))
        sigmoid: Array = np.where(x < 0, power, x.dtype.type(1)) / (1 + power)
        return sigmoid

    def slope(self, x: Array, y: Array) -> Array:
        slope: Array = y * (1 - y)
        return slope

    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        return Product((y, difference(Number(1.0), y)))

    def tell_slope(self, x: str, y: str, at: float, naming: Naming) -> str:
        return f"{y} is the sigmoid of {x}, whose slope there is {y} · (1 − {y})"


class Tanh(Elementwise):
    """torch.nn.Tanh."""

    function: ClassVar[str] = "tanh"
    effect: ClassVar[str] = "squashes every number of {} into the range from −1 to 1"

    def apply(self, x: Array) -> Array:
        return np.tanh(x)

    def slope(self, x: Array, y: Array) -> Array:
        slope: Array = 1 - y * y
        return slope

    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        return difference(Number(1.0), Power(y, 2))

    def tell_slope(self, x: str, y: str, at: float, naming: Naming) -> str:
        return f"{y} is the tanh of {x}, whose slope there is 1 − {y}²"
