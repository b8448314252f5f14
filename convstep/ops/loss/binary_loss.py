"""Losses between probabilities: binary cross entropy, of shares or of scores, and Kullback-Leibler divergence."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.activation.activation import log_sigmoid, sigmoid
from convstep.ops.arguments import BatchReduction, Flag
from convstep.ops.base import Array
from convstep.ops.choosing import cancelled
from convstep.ops.expression import (
    Apply,
    Element,
    Expression,
    Negative,
    Number,
    Product,
    Quotient,
    difference,
    total,
)
from convstep.ops.loss.old_reduction import OldReduction
from convstep.ops.loss.pointwise_loss import Numbers, PointwiseLoss

_LEAST = float(np.float32(1e-12))
"""What torch divides by at least, a single-precision number."""


class BCELoss(OldReduction, PointwiseLoss):
    """torch.nn.BCELoss of probabilities x: −(y · log x + (1 − y) · log(1 − x)), each log at least −100.

    The derivative by x is (x − y) / (x · (1 − x)), where torch divides by 1e-12 at least.
    """

    buffer_names: ClassVar[tuple[str, ...]] = ("weight",)
    same_shapes: ClassVar[bool] = True
    whole_targets: ClassVar[bool] = False
    does: ClassVar[str] = "−(y · log x + (1 − y) · log(1 − x))"
    noun: ClassVar[str] = "binary cross entropies"

    weight: Flag = False

    def check_data(self, slot: int, values: Array) -> None:
        super().check_data(slot, values)
        # Of the file's numbers only: a difference quotient may ask what lies a little beyond 0 and 1.
        wrong = (values < 0) | (values > 1)
        if slot == 1 and wrong.any():
            raise ArgumentError(None, f"the target {values[wrong][0]:g} is no probability from 0 to 1")

    def check(self, slot: int, values: Array) -> None:
        wrong = (values < 0) | (values > 1)
        if slot == 0 and wrong.any():
            raise ArgumentError(
                None,
                f"the prediction {values[wrong][0]:g} is no probability from 0 to 1; a Sigmoid before it makes one",
            )

    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        loss: Array = (y - 1) * np.maximum(np.log1p(-x), -100) - y * np.maximum(np.log(x), -100)
        return loss

    def slope(self, slot: int, x: Array, y: Array, *rest: Array) -> Array:
        if slot:
            by_y: Array = np.log1p(-x) - np.log(x)
            return by_y
        by_x: Array = (x - y) / np.maximum((1 - x) * x, _LEAST)
        return by_x

    def compare_expression(self, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        other = difference(Number(1.0), x)
        right, wrong = _log(x, at[0]), _log(other, 1 - at[0])
        return Negative(total([Product((y, right)), Product((difference(Number(1.0), y), wrong))]))

    def slope_expression(self, slot: int, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        other = difference(Number(1.0), x)
        if slot:
            return difference(Apply("log", (other,)), Apply("log", (x,)))
        under: Expression = Product((x, other))
        return Quotient(difference(x, y), under if at[0] * (1 - at[0]) >= _LEAST else Number(_LEAST))

    def tell_kink(self, slot: int, at: Numbers) -> str:
        if slot or at[0] * (1 - at[0]) >= _LEAST:
            return ""
        return "; x · (1 − x) is all but 0, and torch divides by 1e-12 instead"


def _log(share: Expression, at: float) -> Expression:
    """Log of a probability, at least −100."""
    return Number(-100.0) if at < 1e-43 else Apply("log", (share,))


class BCEWithLogitsLoss(OldReduction, PointwiseLoss):
    """torch.nn.BCEWithLogitsLoss of scores x: the binary cross entropy of sigmoid(x).

    −(pos_weight · y · log σ(x) + (1 − y) · log σ(−x)).
    """

    buffer_names: ClassVar[tuple[str, ...]] = ("weight", "pos_weight")
    same_shapes: ClassVar[bool] = True
    whole_targets: ClassVar[bool] = False
    does: ClassVar[str] = "−(y · log σ(x) + (1 − y) · log σ(−x))"
    noun: ClassVar[str] = "binary cross entropies of sigmoids"

    weight: Flag = False
    pos_weight: Flag = False

    @property
    def rule(self) -> str:
        return self.does.replace("(y ·", "(pos_weight · y ·") if self.pos_weight else self.does

    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        logs = log_sigmoid(x)
        loss: Array = (1 - y) * x - (1 + (rest[0] - 1) * y) * logs if rest else (1 - y) * x - logs
        return loss

    def slope(self, slot: int, x: Array, y: Array, *rest: Array) -> Array:
        by: Array
        if slot == 0:
            by = (rest[0] * y + 1 - y) * sigmoid(x) - rest[0] * y if rest else sigmoid(x) - y
        else:
            by = log_sigmoid(-x) - rest[0] * log_sigmoid(x) if rest else -x
        return by

    def compare_expression(self, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        positive = Product((*rest, y, _log_sigmoid(x, at[0])))
        return Negative(total([positive, Product((difference(Number(1.0), y), _log_sigmoid(Negative(x), -at[0])))]))

    def slope_expression(self, slot: int, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        if slot:
            if not rest:
                return Negative(x)
            wrong, right = _log_sigmoid(Negative(x), -at[0]), _log_sigmoid(x, at[0])
            return difference(wrong, Product((rest[0], right)))
        share = Apply("sigmoid", (x,))
        if not rest:
            return difference(share, y)
        weighted = Product((rest[0], y))
        return difference(Product((total([weighted, difference(Number(1.0), y)]), share)), weighted)


def _log_sigmoid(x: Expression, at: float) -> Expression:
    """Log σ(x), written so that no exp overflows."""
    if at < 0:
        return difference(x, Apply("log1p", (Apply("exp", (x,)),)))
    turned = x.of if isinstance(x, Negative) else Negative(x)
    return Negative(Apply("log1p", (Apply("exp", (turned,)),)))


class KLDivLoss(OldReduction, PointwiseLoss):
    """torch.nn.KLDivLoss of log-probabilities x and probabilities y: y · (log y − x), 0 for a y of 0.

    With log_target y holds logarithms, too: exp(y) · (y − x). `batchmean` divides by the batch size alone.
    """

    whole_targets: ClassVar[bool] = False
    does: ClassVar[str] = "y · (log y − x)"
    noun: ClassVar[str] = "divergences"

    reduction: BatchReduction = "mean"
    log_target: Flag = False

    @property
    def rule(self) -> str:
        return "exp(y) · (y − x)" if self.log_target else self.does

    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        if self.log_target:
            return np.asarray(np.exp(y) * (y - x))
        return np.asarray(np.where(y == 0, 0, y * np.log(y)) - y * x)

    def slope(self, slot: int, x: Array, y: Array, *rest: Array) -> Array:
        by: Array
        if slot == 0:
            by = -np.exp(y) if self.log_target else -y
            return by
        if self.log_target:
            # Torch's parts, in the loss's own precision: where both are infinite, they leave no number.
            power = np.exp(y).astype(self.output.dtype)
            by = power * (y - x) + power
        else:
            # y / y: 1, but NaN at a y of 0, where torch's derivative is not a number.
            by = np.log(y) + y / y - x
        return by

    def pulled(self, slot: int, share: Array, x: Array, y: Array, *rest: Array) -> Array:
        pulled = super().pulled(slot, share, x, y, *rest)
        if slot == 0:
            return pulled
        # With logarithms torch's parts cancel only where y − x is no more than 0.
        return pulled + np.where(self.log_target & (y > x), 0, cancelled(share))

    def compare_expression(self, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        if self.log_target:
            return Product((Apply("exp", (y,)), difference(y, x)))
        if at[1] == 0:
            return Negative(Product((y, x)))
        return Product((y, difference(Apply("log", (y,)), x)))

    def slope_expression(self, slot: int, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        if slot == 0:
            return Negative(Apply("exp", (y,)) if self.log_target else y)
        if self.log_target:
            return Product((Apply("exp", (y,)), total([difference(y, x), Number(1.0)])))
        return total([Apply("log", (y,)), Number(1.0), Negative(x)])
