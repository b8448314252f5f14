"""Losses by the distance between prediction and target: squared, absolute, or one near 0 and the other far away."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import FromZero, Real
from convstep.ops.base import Array, Spec
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
)
from convstep.ops.loss.old_reduction import OldReduction
from convstep.ops.loss.pointwise_loss import Numbers, PointwiseLoss


class DistanceLoss(PointwiseLoss):
    """A function of x − y: the derivative by y is that by x, turned round."""

    @abstractmethod
    def rise(self, d: Array) -> Array:
        """The derivative by d = x − y."""

    @abstractmethod
    def rise_expression(self, d: Expression, at: float) -> Expression:
        """The derivative by d as an expression, where d is `at`."""

    def slope(self, slot: int, x: Array, y: Array, *rest: Array) -> Array:
        return self.rise(x - y) if slot == 0 else -self.rise(x - y)

    def slope_expression(self, slot: int, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        rise = self.rise_expression(difference(x, y), at[0] - at[1])
        return rise if slot == 0 else Negative(rise)


class MSELoss(OldReduction, DistanceLoss):
    """torch.nn.MSELoss: mean, sum or list of (x − y)²."""

    does: ClassVar[str] = "(x − y)²"
    noun: ClassVar[str] = "squared differences"

    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        squares: Array = np.square(x - y)
        return squares

    def rise(self, d: Array) -> Array:
        return 2 * d

    def compare_expression(self, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        return Power(difference(x, y), 2)

    def rise_expression(self, d: Expression, at: float) -> Expression:
        return Product((Number(2.0), d))

    def slope_expression(self, slot: int, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        return Product((Number(2.0), difference(x, y) if slot == 0 else difference(y, x)))


class L1Loss(OldReduction, DistanceLoss):
    """torch.nn.L1Loss: mean, sum or list of |x − y|; where they are equal torch takes the derivative 0."""

    does: ClassVar[str] = "|x − y|"
    noun: ClassVar[str] = "absolute differences"

    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        sizes: Array = np.abs(x - y)
        return sizes

    def rise(self, d: Array) -> Array:
        # NaN is neither above nor below 0: torch's sign of it is 0.
        signs: Array = (d > 0) * 1.0 - (d < 0)
        return signs

    def compare_expression(self, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        return Apply("abs", (difference(x, y),))

    def rise_expression(self, d: Expression, at: float) -> Expression:
        return Apply("sign", (d,))

    def tell_kink(self, slot: int, at: Numbers) -> str:
        return "; they are equal, where |x − y| has no derivative, and torch takes 0" if at[0] == at[1] else ""


class _RoundedLoss(DistanceLoss):
    """A parabola where |x − y| is below an edge, straight lines beyond it, joined without a kink."""

    @property
    @abstractmethod
    def edge(self) -> float:
        """Where the parabola ends."""

    @property
    @abstractmethod
    def height(self) -> float:
        """The slope of the straight lines."""

    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        # min · (|d| − min / 2) · height / edge with min(|d|, edge) is the parabola and the lines in one.
        size = np.abs(x - y)
        near = np.minimum(size, self.edge)
        losses: Array = (size - 0.5 * near) * near * (self.height / self.edge)
        return losses

    def rise(self, d: Array) -> Array:
        bent: Array = np.clip(d / self.edge, -1, 1) * self.height
        return bent

    def compare_expression(self, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        d = difference(x, y)
        if abs(at[0] - at[1]) < self.edge:
            return Product((Number(0.5 * self.height / self.edge), Power(d, 2)))
        far = difference(Apply("abs", (d,)), Number(0.5 * self.edge))
        return far if self.height == 1 else Product((Number(self.height), far))

    def rise_expression(self, d: Expression, at: float) -> Expression:
        if abs(at) < self.edge:
            return Quotient(Product((Number(self.height), d)), Number(self.edge)) if self.height != self.edge else d
        return Number(self.height if at > 0 else -self.height)


class SmoothL1Loss(OldReduction, _RoundedLoss):
    """torch.nn.SmoothL1Loss: (x − y)² / (2·beta) where |x − y| is below beta, |x − y| − beta / 2 elsewhere.

    With beta 0 it is |x − y|, with the derivative 0 where both are equal.
    """

    noun: ClassVar[str] = "smoothed absolute differences"
    does: ClassVar[str] = "|x − y|, rounded near 0"

    beta: FromZero = 1.0

    @property
    def edge(self) -> float:
        return self.beta

    @property
    def height(self) -> float:
        return 1.0

    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        return super().compare(x, y) if self.beta else np.abs(x - y)

    def rise(self, d: Array) -> Array:
        return super().rise(d) if self.beta else (d > 0) * 1.0 - (d < 0)

    def rise_expression(self, d: Expression, at: float) -> Expression:
        return super().rise_expression(d, at) if self.beta else Apply("sign", (d,))

    def tell_kink(self, slot: int, at: Numbers) -> str:
        if self.beta or at[0] != at[1]:
            return ""
        return "; they are equal, where |x − y| has no derivative, and torch takes 0"


class HuberLoss(_RoundedLoss):
    """torch.nn.HuberLoss: (x − y)² / 2 where |x − y| is below delta, delta · (|x − y| − delta / 2) elsewhere."""

    noun: ClassVar[str] = "Huber losses"
    does: ClassVar[str] = "(x − y)² / 2, straight beyond delta"
    whole_targets: ClassVar[bool] = False

    delta: Real = 1.0

    def infer(self, inputs: Sequence[Spec]) -> Self:
        if self.delta <= 0:
            raise ArgumentError("delta", f"is {self.delta:g}, and must be above 0")
        return super().infer(inputs)

    @property
    def edge(self) -> float:
        return self.delta

    @property
    def height(self) -> float:
        return self.delta
