"""Activations made of straight lines, one short block each: each piece holds up to its end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.activation.piecewise import Piece, Piecewise, constant, either, line
from convstep.ops.arguments import Flag, FromZero, Real
from convstep.ops.base import Array, Naming, Spec
from convstep.ops.choosing import chosen, kept
from convstep.ops.expression import Number, Product, Quotient, total


class LeakyReLU(Piecewise):
    """torch.nn.LeakyReLU: x above 0, negative_slope · x below; at 0 torch takes negative_slope."""

    function: ClassVar[str] = "leaky_relu"
    shuts: ClassVar[bool] = False
    effect: ClassVar[str] = "keeps what is above 0 in {} and multiplies the rest by {self.negative_slope:g}"

    negative_slope: Real = 0.01
    inplace: Flag = False

    def apply(self, x: Array) -> Array:
        if 0 < self.negative_slope <= 1:
            # Above 0 the larger of the two is x, below it the product.
            return np.asarray(np.maximum(x, x * self.negative_slope))
        return chosen(x > 0, x, x * x.dtype.type(self.negative_slope))

    def slope(self, x: Array, y: Array) -> Array:
        return either(x, x > 0, 1, self.negative_slope)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return line(self.negative_slope, end=0.0), line(1.0)


class _Clamp(Piecewise):
    """x, held between two ends; at both torch takes the slope 0."""

    effect: ClassVar[str] = "holds every number of {} between {self.ends[0]:g} and {self.ends[1]:g}"

    @property
    @abstractmethod
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest value."""

    def apply(self, x: Array) -> Array:
        low, high = self.ends
        held: Array = np.clip(x, x.dtype.type(low), x.dtype.type(high))
        return held

    def slope(self, x: Array, y: Array) -> Array:
        low, high = self.ends
        return either(x, ~((x <= low) | (x >= high)), 1, 0)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        low, high = self.ends
        return constant(low, end=low), line(1.0, end=high, closed=False), constant(high)


class Hardtanh(_Clamp):
    """torch.nn.Hardtanh: x, held between min_val and max_val."""

    function: ClassVar[str] = "hardtanh"

    min_val: Real = -1.0
    max_val: Real = 1.0
    inplace: Flag = False

    def infer(self, inputs: Sequence[Spec]) -> Self:
        if self.max_val <= self.min_val:
            raise ArgumentError("max_val", f"is {self.max_val:g}, and must be above min_val = {self.min_val:g}")
        return super().infer(inputs)

    @property
    def ends(self) -> tuple[float, float]:
        return self.min_val, self.max_val


class ReLU6(_Clamp):
    """torch.nn.ReLU6: x, held between 0 and 6."""

    function: ClassVar[str] = "relu6"

    inplace: Flag = False

    @property
    def ends(self) -> tuple[float, float]:
        return 0.0, 6.0


_SIXTH = float(np.float32(1 / 6))
"""The slope of a hardsigmoid: torch keeps it in single precision, and agreeing with torch comes first."""


class Hardsigmoid(Piecewise):
    """torch.nn.Hardsigmoid: x / 6 + 1/2, held between 0 and 1; at −3 and 3 torch takes 0."""

    function: ClassVar[str] = "hardsigmoid"
    effect: ClassVar[str] = "turns every number of {} into x / 6 + 1/2, held between 0 and 1"

    inplace: Flag = False

    def apply(self, x: Array) -> Array:
        held: Array = np.clip(x + 3, 0, 6) / 6
        return held

    def slope(self, x: Array, y: Array) -> Array:
        return either(x, (x > -3) & (x < 3), _SIXTH, 0)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        middle = Piece(
            3.0,
            lambda x: total([Quotient(x, Number(6.0)), Number(0.5)]),
            lambda x: Number(_SIXTH),
            closed=False,
        )
        return constant(0.0, end=-3.0), middle, constant(1.0)


class Hardswish(Piecewise):
    """torch.nn.Hardswish: x · (x + 3) / 6 between −3 and 3, 0 below, x above; torch takes 0 at −3, 1 at 3."""

    function: ClassVar[str] = "hardswish"
    effect: ClassVar[str] = "multiplies every number of {} by x / 6 + 1/2, held between 0 and 1"

    inplace: Flag = False

    def apply(self, x: Array) -> Array:
        product: Array = x * np.clip(x + 3, 0, 6) / 6
        return product

    def slope(self, x: Array, y: Array) -> Array:
        return kept(chosen(x < 3, x / 3 + x.dtype.type(0.5), np.ones((), x.dtype)), ~(x <= -3))

    @property
    def pieces(self) -> tuple[Piece, ...]:
        middle = Piece(
            3.0,
            lambda x: Quotient(Product((x, total([x, Number(3.0)]))), Number(6.0)),
            lambda x: total([Quotient(x, Number(3.0)), Number(0.5)]),
            closed=False,
        )
        return constant(0.0, end=-3.0), middle, line(1.0)


class Softshrink(Piecewise):
    """torch.nn.Softshrink: every number moved towards 0 by lambd; 0 where less is left, and its slope there."""

    function: ClassVar[str] = "softshrink"
    effect: ClassVar[str] = "moves every number of {} towards 0 by {self.lambd:g}, and not beyond"

    lambd: FromZero = 0.5

    def apply(self, x: Array) -> Array:
        rest: Array = x - np.clip(x, -self.lambd, self.lambd)
        return rest

    def slope(self, x: Array, y: Array) -> Array:
        return either(x, ~((x >= -self.lambd) & (x <= self.lambd)), 1, 0)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        width = self.lambd
        return line(1.0, width, end=-width, closed=False), constant(0.0, end=width), line(1.0, -width)


class Hardshrink(Piecewise):
    """torch.nn.Hardshrink: 0 from −lambd to lambd, x elsewhere; at the two jumps torch takes 0."""

    function: ClassVar[str] = "hardshrink"
    effect: ClassVar[str] = "sets to 0 what lies between -{self.lambd:g} and {self.lambd:g} in {} and keeps the rest"

    lambd: Real = 0.5

    def tell(self, naming: Naming) -> str:
        if self.lambd < 0:
            return f"keeps every number of {naming.tensor(0)}, as lambd is below 0"
        return super().tell(naming)

    def _is_small(self, x: Array) -> Array:
        small: Array = (x >= -self.lambd) & (x <= self.lambd)
        return small

    def apply(self, x: Array) -> Array:
        rest: Array = x * ~self._is_small(x)
        return rest

    def slope(self, x: Array, y: Array) -> Array:
        return either(x, ~self._is_small(x), 1, 0)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        if self.lambd < 0:
            return (line(1.0),)
        return line(1.0, end=-self.lambd, closed=False), constant(0.0, end=self.lambd), line(1.0)


class Threshold(Piecewise):
    """torch.nn.Threshold: x above the threshold, elsewhere `value`; at the threshold torch takes 0."""

    function: ClassVar[str] = "threshold"
    effect: ClassVar[str] = "keeps what is above {self.threshold:g} in {} and sets the rest to {self.value:g}"

    threshold: Real
    value: Real
    inplace: Flag = False

    def apply(self, x: Array) -> Array:
        return chosen(x <= self.threshold, np.asarray(self.value, x.dtype), x)

    def slope(self, x: Array, y: Array) -> Array:
        return either(x, ~(x <= self.threshold), 1, 0)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return constant(self.value, end=self.threshold), line(1.0)
