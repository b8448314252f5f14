"""Smooth activations, and ReLU: one short block each."""

from __future__ import annotations

from math import isnan
from typing import ClassVar

import numpy as np

from convstep.ops.activation.elementwise import Elementwise
from convstep.ops.arguments import Flag, Real
from convstep.ops.base import Array, Naming
from convstep.ops.choosing import cancelled, chosen, kept
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


class ReLU(Elementwise):
    """torch.nn.ReLU: y = max(x, 0), with the derivative 0 at 0. `inplace` changes no number."""

    function: ClassVar[str] = "relu"
    effect: ClassVar[str] = "keeps what is above 0 in {} and sets the rest to 0"
    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    inplace: Flag = False

    def apply(self, x: Array) -> Array:
        above: Array = np.maximum(x, x.dtype.type(0))
        return above

    def slope(self, x: Array, y: Array) -> Array:
        # NaN is not at or below 0: torch lets the gradient through there.
        opened: Array = (~(x <= 0)).astype(x.dtype)
        return opened

    def pulled(self, upstream: Array, x: Array, y: Array) -> Array:
        # No product: what is shut off stays 0 even under an infinite upstream gradient.
        return kept(upstream, ~(x <= 0))

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


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(−x))."""
    # Where exp overflows, 1 / Inf is the right 0.
    share: Array = 1 / (1 + np.exp(-x))
    return share


class Sigmoid(Elementwise):
    """torch.nn.Sigmoid: y = 1 / (1 + exp(−x))."""

    function: ClassVar[str] = "sigmoid"
    effect: ClassVar[str] = "squashes every number of {} into the range from 0 to 1"

    def apply(self, x: Array) -> Array:
        return sigmoid(x)

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


class LogSigmoid(Elementwise):
    """torch.nn.LogSigmoid: y = log(1 / (1 + exp(−x)))."""

    function: ClassVar[str] = "logsigmoid"
    effect: ClassVar[str] = "takes the logarithm of the sigmoid of every number of {}"

    def apply(self, x: Array) -> Array:
        return log_sigmoid(x)

    def slope(self, x: Array, y: Array) -> Array:
        # As torch has it, from a power that cannot overflow.
        power = np.exp(-np.abs(x))
        share: Array = power / (1 + power)
        # 1 − share below 0, share above.
        slope: Array = np.abs((x < 0) - share)
        return slope

    def written(self, x: Element, at: float) -> Expression:
        # Two ways to write the same: exp of a negative number only.
        if at < 0:
            return difference(x, Apply("log1p", (Apply("exp", (x,)),)))
        return Negative(Apply("log1p", (Apply("exp", (Negative(x),)),)))

    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        return Apply("sigmoid", (Negative(x),))


def log_sigmoid(x: Array) -> Array:
    """log(1 / (1 + exp(−x)))."""
    logarithm: Array = np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))
    return logarithm


class SiLU(Elementwise):
    """torch.nn.SiLU: y = x · sigmoid(x)."""

    function: ClassVar[str] = "silu"
    effect: ClassVar[str] = "multiplies every number of {} by its own sigmoid"

    inplace: Flag = False

    def apply(self, x: Array) -> Array:
        product: Array = x / (1 + np.exp(-x))
        return product

    def slope(self, x: Array, y: Array) -> Array:
        share = sigmoid(x)
        slope: Array = share * (1 + x * (1 - share))
        return slope

    def written(self, x: Element, at: float) -> Expression:
        return Product((x, Apply("sigmoid", (x,))))

    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        share = Apply("sigmoid", (x,))
        return Product((share, total([Number(1.0), Product((x, difference(Number(1.0), share)))])))


class Mish(Elementwise):
    """torch.nn.Mish: y = x · tanh(log(1 + exp(x)))."""

    function: ClassVar[str] = "mish"
    effect: ClassVar[str] = "multiplies every number of {} by the tanh of its softplus"

    inplace: Flag = False

    def apply(self, x: Array) -> Array:
        product: Array = x * np.tanh(np.log1p(np.exp(x)))
        return product

    def slope(self, x: Array, y: Array) -> Array:
        power = np.exp(x)
        bent = np.tanh(np.log1p(power))
        slope: Array = bent + x * (1 - bent * bent) / (1 + 1 / power)
        return slope

    def _bent(self, x: Element) -> Expression:
        return Apply("tanh", (Apply("log1p", (Apply("exp", (x,)),)),))

    def written(self, x: Element, at: float) -> Expression:
        return Product((x, self._bent(x)))

    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        rest = difference(Number(1.0), Power(self._bent(x), 2))
        return total([self._bent(x), Product((x, Apply("sigmoid", (x,)), rest))])


class Softplus(Elementwise):
    """torch.nn.Softplus: y = log(1 + exp(beta · x)) / beta; where beta · x is above the threshold, x itself."""

    function: ClassVar[str] = "softplus"
    effect: ClassVar[str] = "turns every number of {} into {self.rule}, a smooth ReLU"

    beta: Real = 1.0
    threshold: Real = 20.0

    @property
    def rule(self) -> str:
        """The function in words."""
        return "log(1 + exp(x))" if self.beta == 1 else f"log(1 + exp({self.beta:g} · x)) / {self.beta:g}"

    def apply(self, x: Array) -> Array:
        scaled = x * self.beta
        bent: Array = np.log1p(np.exp(scaled)) / x.dtype.type(self.beta)
        straight = scaled > self.threshold
        return chosen(straight, x, bent) if straight.any() else bent

    def slope(self, x: Array, y: Array) -> Array:
        scaled = x * self.beta
        straight = scaled > self.threshold
        power = np.exp(scaled)
        share: Array = power / (power + 1)
        return chosen(straight, np.ones((), x.dtype), share) if straight.any() else share

    def _scaled(self, x: Element) -> Expression:
        return x if self.beta == 1 else Product((Number(self.beta), x))

    def written(self, x: Element, at: float) -> Expression:
        if at * self.beta > self.threshold:
            return x
        log = Apply("log1p", (Apply("exp", (self._scaled(x),)),))
        return log if self.beta == 1 else Quotient(log, Number(self.beta))

    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        return Number(1.0) if at * self.beta > self.threshold else Apply("sigmoid", (self._scaled(x),))

    def tell_slope(self, x: str, y: str, at: float, naming: Naming) -> str:
        if at * self.beta > self.threshold:
            return f"{x} is above the threshold, where torch takes x for the softplus, so {y} changes as it does"
        return super().tell_slope(x, y, at, naming)


class Softsign(Elementwise):
    """torch.nn.Softsign: y = x / (1 + |x|)."""

    function: ClassVar[str] = "softsign"
    effect: ClassVar[str] = "divides every number of {} by 1 + its size"

    def apply(self, x: Array) -> Array:
        quotient: Array = x / (1 + np.abs(x))
        return quotient

    def slope(self, x: Array, y: Array) -> Array:
        size = 1 + np.abs(x)
        # NaN at infinity, as torch's chain of derivatives has it.
        slope: Array = 1 / size - np.abs(x) / size / size
        return slope

    def pulled(self, upstream: Array, x: Array, y: Array) -> Array:
        return super().pulled(upstream, x, y) + cancelled(upstream)

    def written(self, x: Element, at: float) -> Expression:
        return Quotient(x, total([Number(1.0), Apply("abs", (x,))]))

    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        return Quotient(Number(1.0), Power(total([Number(1.0), Apply("abs", (x,))]), 2))


class Tanhshrink(Elementwise):
    """torch.nn.Tanhshrink: y = x − tanh(x)."""

    function: ClassVar[str] = "tanhshrink"
    effect: ClassVar[str] = "takes from every number of {} its tanh"

    def apply(self, x: Array) -> Array:
        rest: Array = x - np.tanh(x)
        return rest

    def slope(self, x: Array, y: Array) -> Array:
        slope: Array = np.square(np.tanh(x))
        return slope

    def pulled(self, upstream: Array, x: Array, y: Array) -> Array:
        return super().pulled(upstream, x, y) + cancelled(upstream)

    def written(self, x: Element, at: float) -> Expression:
        return difference(x, Apply("tanh", (x,)))

    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        return Power(Apply("tanh", (x,)), 2)
