"""Losses that are negative log-likelihoods of counts and of normally distributed numbers."""

from __future__ import annotations

from math import log, pi
from typing import ClassVar

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, FromZero
from convstep.ops.base import Array, Naming, Shape
from convstep.ops.choosing import cancelled
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
from convstep.ops.loss.old_reduction import OldReduction
from convstep.ops.loss.pointwise_loss import Numbers, PointwiseLoss


class PoissonNLLLoss(OldReduction, PointwiseLoss):
    """torch.nn.PoissonNLLLoss: exp(x) − y · x, or x − y · log(x + eps) without log_input.

    `full` adds Stirling's y · log y − y + log(2π · y) / 2 where y is above 1.
    """

    noun: ClassVar[str] = "Poisson losses"
    does: ClassVar[str] = "exp(x) − y · x"

    log_input: Flag = True
    full: Flag = False
    eps: FromZero = 1e-8

    @property
    def rule(self) -> str:
        rule = self.does if self.log_input else f"x − y · log(x + {self.eps:g})"
        return f"{rule} + Stirling's approximation of log y!" if self.full else rule

    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        loss: Array = np.exp(x) - y * x if self.log_input else x - y * np.log(x + self.eps)
        if self.full:
            loss = loss + np.where(y > 1, y * np.log(y) - y + 0.5 * np.log(2 * pi * y), 0)
        return loss

    def slope(self, slot: int, x: Array, y: Array, *rest: Array) -> Array:
        if slot == 0:
            # In the loss's own precision: what overflows there stays infinite, though it is divided, as in torch.
            by_x: Array = np.exp(x).astype(self.output.dtype) - y if self.log_input else 1 - y / (x + self.eps)
            return by_x
        by_y: Array = -x if self.log_input else -np.log(x + self.eps)
        # Where Stirling does not count, torch's 0 · log y is still NaN for a y of 0 or less.
        return by_y + np.where(y > 1, np.log(y) + 0.5 / y + (y / y - 1), 0 * np.log(y)) if self.full else by_y

    def pulled(self, slot: int, share: Array, x: Array, y: Array, *rest: Array) -> Array:
        # Torch's parts: exp(x) or 1 and what y takes away; by y, those of Stirling.
        parted = y > 1 if slot else y >= 0
        left = cancelled(share) if self.full or not slot else 0
        return super().pulled(slot, share, x, y, *rest) + np.where(parted, left, 0)

    def _log(self, x: Element) -> Expression:
        return x if self.log_input else Apply("log", (total([x, Number(self.eps)]),))

    def compare_expression(self, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        expected: Expression = Apply("exp", (x,)) if self.log_input else x
        parts = [expected, Negative(Product((y, self._log(x))))]
        if self.full and at[1] > 1:
            half = Quotient(Apply("log", (Product((Number(2 * pi), y)),)), Number(2.0))
            parts += [Product((y, Apply("log", (y,)))), Negative(y), half]
        return total(parts)

    def slope_expression(self, slot: int, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        if slot == 0:
            if self.log_input:
                return difference(Apply("exp", (x,)), y)
            return difference(Number(1.0), Quotient(y, total([x, Number(self.eps)])))
        parts: list[Expression] = [Negative(self._log(x))]
        if self.full and at[1] > 1:
            parts += [Apply("log", (y,)), Quotient(Number(0.5), y)]
        return total(parts)


class GaussianNLLLoss(PointwiseLoss):
    """torch.nn.GaussianNLLLoss of prediction x, target y and variance v: (log v + (x − y)² / v) / 2.

    A variance below eps counts as eps, but keeps the derivative that it has there. Its last dimension may be
    missing, or one of its sizes 1. `full` adds log(2π) / 2.
    """

    min_inputs: ClassVar[int] = 3
    max_inputs: ClassVar[int | None] = 3
    does: ClassVar[str] = "(log v + (x − y)² / v) / 2"
    noun: ClassVar[str] = "Gaussian losses"

    full: Flag = False
    eps: FromZero = 1e-6

    @property
    def rule(self) -> str:
        return f"{self.does} + log(2π) / 2" if self.full else self.does

    def met_shape(self, slot: int) -> Shape:
        shape, whole = self.operand_shape(slot), self.operand_shape(0)
        if slot != 2 or shape == whole:
            return shape
        if shape == whole[:-1]:
            return (*shape, 1)
        differing = [v for x, v in zip(whole, shape, strict=False) if x != v]
        if len(shape) != len(whole) or differing != [1]:
            raise ArgumentError(
                "inputs",
                f"the variance has the shape {list(shape)}; it takes the prediction's {list(whole)}, one size 1, "
                "or the last dimension missing",
            )
        return shape

    def check(self, slot: int, values: Array) -> None:
        if slot == 2 and (values < 0).any():
            raise ArgumentError(None, f"the variance {values[values < 0][0]:g} is negative; variances are 0 or more")

    def _held(self, v: Array) -> Array:
        held: Array = np.maximum(v, v.dtype.type(self.eps))
        return held

    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        v = self._held(rest[0])
        loss: Array = 0.5 * (np.log(v) + np.square(x - y) / v)
        return loss + 0.5 * log(2 * pi) if self.full else loss

    def slope(self, slot: int, x: Array, y: Array, *rest: Array) -> Array:
        v = self._held(rest[0])
        d = (x - y) / v
        if slot == 2:
            by_v: Array = 0.5 * (1 / v - d * d)
            return by_v
        by_x: Array = d
        return by_x if slot == 0 else -by_x

    def pulled(self, slot: int, share: Array, x: Array, y: Array, *rest: Array) -> Array:
        pulled = super().pulled(slot, share, x, y, *rest)
        return pulled + cancelled(share) if slot == 2 else pulled

    def _variance(self, at: Numbers, v: Element) -> Expression:
        return Number(self.eps) if at[2] < self.eps else v

    def compare_expression(self, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        v = self._variance(at, rest[0])
        loss = Quotient(
            total([Apply("log", (v,)), Quotient(Power(difference(x, y), 2), v)]),
            Number(2.0),
        )
        return total([loss, Number(0.5 * log(2 * pi))]) if self.full else loss

    def slope_expression(self, slot: int, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        v = self._variance(at, rest[0])
        if slot == 2:
            square = Quotient(Power(difference(x, y), 2), Power(v, 2))
            return Quotient(difference(Quotient(Number(1.0), v), square), Number(2.0))
        return Quotient(difference(x, y) if slot == 0 else difference(y, x), v)

    def tell(self, naming: Naming) -> str:
        return f"{super().tell(naming)}, given the variances {naming.tensor(2)}"

    def tell_kink(self, slot: int, at: Numbers) -> str:
        return f"; the variance counts as {self.eps:g}, and its derivative is taken there" if at[2] < self.eps else ""
