"""Losses for targets of 1 and −1: nothing is lost once a prediction is clear enough."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from convstep.ops.arguments import Real
from convstep.ops.base import Array
from convstep.ops.expression import Apply, Element, Expression, Negative, Number, Product, difference, total
from convstep.ops.loss.old_reduction import OldReduction
from convstep.ops.loss.pointwise_loss import Numbers, PointwiseLoss


class _MarginLoss(OldReduction, PointwiseLoss):
    """The target says which way to push; torch has no derivative by it."""

    def is_differentiable(self, slot: int) -> bool:
        return slot == 0

    def slope_expression(self, slot: int, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        return self.slope_by_prediction(at, x, y) if slot == 0 else Number(0.0)

    @abstractmethod
    def slope_by_prediction(self, at: Numbers, x: Element, y: Element) -> Expression:
        """∂f/∂x."""


class HingeEmbeddingLoss(_MarginLoss):
    """torch.nn.HingeEmbeddingLoss: x where y is 1, max(0, margin − x) where y is −1, both for any other y.

    Where x is the margin itself, torch takes the slope −1.
    """

    does: ClassVar[str] = "x for y = 1, max(0, margin − x) for y = −1"
    noun: ClassVar[str] = "hinge losses"

    margin: Real = 1.0

    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        return np.where(y != 1, np.maximum(self.margin - x, 0), 0) + np.where(y != -1, x, 0)

    def slope(self, slot: int, x: Array, y: Array, *rest: Array) -> Array:
        if slot:
            return np.zeros_like(y)
        # Not `x <= margin`: torch lets the gradient of NaN through nowhere.
        slope: Array = np.where(y != -1, 1.0, 0.0) - np.where((y != 1) & (self.margin - x >= 0), 1.0, 0.0)
        return slope

    def pulled(self, slot: int, share: Array, x: Array, y: Array, *rest: Array) -> Array:
        # No products: what does not count gets 0 even of an infinite upstream gradient.
        return np.where(y != -1, share, 0) - np.where((y != 1) & (self.margin - x >= 0), share, 0)

    def _parts(self, at: Numbers) -> tuple[bool, bool]:
        """Whether x counts, and whether margin − x does."""
        return at[1] != -1, at[1] != 1 and self.margin - at[0] >= 0

    def compare_expression(self, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        whole, gap = self._parts(at)
        parts = [x] * whole + [difference(Number(self.margin), x)] * gap
        return total(parts) if parts else Number(0.0)

    def slope_by_prediction(self, at: Numbers, x: Element, y: Element) -> Expression:
        whole, gap = self._parts(at)
        return Number(float(whole) - float(gap))

    def tell_kink(self, slot: int, at: Numbers) -> str:
        if at[1] == 1 or at[0] != self.margin:
            return ""
        return "; it is exactly the margin, where the hinge has no derivative, and torch takes −1"


class SoftMarginLoss(_MarginLoss):
    """torch.nn.SoftMarginLoss: log(1 + exp(−y · x))."""

    does: ClassVar[str] = "log(1 + exp(−y · x))"
    noun: ClassVar[str] = "soft margins"

    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        margins: Array = np.log1p(np.exp(-y * x))
        return margins

    def slope(self, slot: int, x: Array, y: Array, *rest: Array) -> Array:
        # In the loss's own precision: where it overflows there, torch's quotient is not a number.
        power = np.exp(-y * x).astype(self.output.dtype)
        return np.zeros_like(y) if slot else -y * power / (1 + power)

    def compare_expression(self, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        return Apply("log1p", (Apply("exp", (Negative(Product((y, x))),)),))

    def slope_by_prediction(self, at: Numbers, x: Element, y: Element) -> Expression:
        return Negative(Product((y, Apply("sigmoid", (Negative(Product((y, x))),)))))
