"""Losses that compare prediction and target element by element, and then add up or average."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convstep.ops.arguments import Reduction, require_floats
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Links, Naming, Operation, Read, Shape, Spec, Term, quiet
from convstep.ops.broadcast import Broadcast, broadcast_shape
from convstep.ops.expression import (
    Element,
    Expression,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    difference,
    total,
)
from convstep.ops.terms import Terms


class PointwiseLoss(Operation):
    """Mean, sum or list of f(x, y) over all pairs of a prediction x (slot 0) and its target y (slot 1).

    A subclass gives f (`compare`, `compare_expression`), its two derivatives (`slope`, `slope_expression`)
    and the words `does` and `noun`. Different shapes are broadcast, as torch does.
    """

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 2
    is_loss: ClassVar[bool] = True

    does: ClassVar[str]
    """f as a term's description."""
    noun: ClassVar[str]
    """What f gives, in words and the plural: "squared differences"."""

    reduction: Reduction = "mean"

    @abstractmethod
    def compare(self, x: Array, y: Array) -> Array:
        """The function f."""

    @abstractmethod
    def slope(self, slot: int, x: Array, y: Array) -> Array:
        """∂f/∂x (slot 0) or ∂f/∂y (slot 1)."""

    @abstractmethod
    def compare_expression(self, x: Element, y: Element) -> Expression:
        """The function f as an expression."""

    @abstractmethod
    def slope_expression(self, slot: int, x: Element, y: Element) -> Expression:
        """∂f/∂x or ∂f/∂y as an expression."""

    # -- what follows from these

    def infer_output(self) -> Spec:
        require_floats(self.inputs[:1])
        # A target of whole numbers takes the prediction's dtype, as in torch.
        dtype = np.result_type(*(spec.dtype for spec in self.inputs if spec.is_float))
        shape = broadcast_shape(self.inputs)
        return Spec(shape if self.reduction == "none" else (), dtype)

    @cached_property
    def pairs(self) -> Shape:
        """The shape in which predictions and targets meet."""
        return broadcast_shape(self.inputs)

    @cached_property
    def _operands(self) -> tuple[Broadcast, Broadcast]:
        x, y = self.inputs
        return Broadcast(x.shape, self.pairs), Broadcast(y.shape, self.pairs)

    @property
    def _divisor(self) -> int:
        return prod(self.pairs) if self.reduction == "mean" else 1

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        x, y = (operand.astype(self.output.dtype, copy=False) for operand in operands)
        losses = self.compare(x, y)
        if self.reduction != "none":
            losses = losses.sum() / losses.dtype.type(self._divisor)
        return np.asarray(losses, dtype=self.output.dtype)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        # Rounded once, at the end, also in single precision.
        x, y, share = (tensor.astype(np.float64, copy=False) for tensor in (*call.operands, upstream))
        share = share / self._divisor
        return [
            operand.collect(np.asarray(self.slope(slot, x, y) * share, dtype=spec.dtype)) if want else None
            for slot, (operand, spec, want) in enumerate(zip(self._operands, self.inputs, wanted, strict=True))
        ]

    # -- one element

    def _pairs_of(self, out: IntArray) -> IntArray:
        """The pairs that make up each output element, (m, n)."""
        if self.reduction == "none":
            return out[:, None]
        return np.broadcast_to(np.arange(prod(self.pairs)), (len(out), prod(self.pairs)))

    def _meet(self, call: Call, pair: IntArray) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Prediction and target of some pairs, as float64."""
        x, y = (
            tensor.reshape(-1)[operand.reads(pair)].astype(np.float64)
            for tensor, operand in zip(call.operands, self._operands, strict=True)
        )
        return x, y

    def row_grid(self, slot: int) -> Shape:
        return (1,) if self.reduction == "none" else self.pairs or (1,)

    def column_grid(self, slot: int) -> Shape:
        return self._operands[slot].uses

    @quiet
    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        pairs = self._pairs_of(out)
        return Links(self._operands[slot].reads(pairs), self.slope(slot, *self._meet(call, pairs)) / self._divisor)

    @quiet
    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        pairs = self._operands[slot].feeds(into)
        out = pairs if self.reduction == "none" else np.zeros_like(pairs)
        return Links(out, self.slope(slot, *self._meet(call, pairs)) / self._divisor)

    def _elements(self, pair: int) -> tuple[Element, Element]:
        x, y = (Element(slot, int(o.reads(np.array(pair)))) for slot, o in enumerate(self._operands))
        return x, y

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        pairs = self._operands[slot].feeds(np.array([into]))[0].tolist()
        slopes = [self.slope_expression(slot, *self._elements(p)) for p in pairs if self.output.shape == () or p == out]
        if not slopes:
            return Number(0.0)
        return total(slopes) if self._divisor == 1 else Quotient(total(slopes), Number(float(self._divisor)))

    def term_count(self) -> int:
        return prod(self.row_grid(0)) + (self.reduction == "mean")

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        pairs = self._pairs_of(np.array([out]))[0]
        x, y = self._meet(call, pairs)
        losses = self.compare(x, y)
        sums = np.add.accumulate(losses)
        mean = self.reduction == "mean"

        def make(k: int) -> Term:
            if k == len(pairs):
                result = float(sums[-1] / len(pairs))
                return Term((Read("sum", 0, float(sums[-1])),), result, does=f"divide by {len(pairs)}", holds=result)
            at = self._elements(int(pairs[k]))
            reads = tuple(Read(e.slot, e.index, float(v)) for e, v in zip(at, (x[k], y[k]), strict=True))
            so_far = float(sums[k])
            running = None if self.reduction == "none" else so_far
            return Term(reads, float(losses[k]), does=self.does, sum=running, holds=None if mean else so_far)

        return Terms(len(pairs) + mean, make)

    def formula(self, call: Call, out: int) -> Expression:
        if self.reduction == "none":
            return self.compare_expression(*self._elements(out))
        count = prod(self.pairs)
        whole = Sum(count, lambda k: self.compare_expression(*self._elements(k)))
        return Quotient(whole, Number(float(count))) if self.reduction == "mean" else whole

    # -- in words

    def tell(self, naming: Naming) -> str:
        what = {"mean": "averages the", "sum": "adds up the", "none": "lists the"}[self.reduction]
        return f"{what} {self.noun} between {naming.tensor(0)} and {naming.tensor(1)}"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        pair = self._elements(out if self.reduction == "none" else 0)
        x, y = (naming.element(e.slot, e.index) for e in pair)
        count = prod(self.row_grid(0))
        if count == 1:
            return f"is {self.does}, where x is {x} and y is {y}"
        how = "mean" if self.reduction == "mean" else "sum"
        return f"is the {how} of {count} {self.noun}, {self.does}, the first between {x} and {y}"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        pair = int(self._operands[slot].feeds(np.array([into]))[0][0])
        x, y = (
            f"{naming.element(e.slot, e.index)} = {naming.number(call.value(e.slot, e.index))}"
            for e in self._elements(pair)
        )
        return f"{x} was compared with {y} when {naming.element(OUTPUT, out)} was made"


class MSELoss(PointwiseLoss):
    """torch.nn.MSELoss: mean, sum or list of (x − y)²."""

    does: ClassVar[str] = "(x − y)²"
    noun: ClassVar[str] = "squared differences"

    def compare(self, x: Array, y: Array) -> Array:
        squares: Array = np.square(x - y)
        return squares

    def slope(self, slot: int, x: Array, y: Array) -> Array:
        slope: Array = 2 * (x - y if slot == 0 else y - x)
        return slope

    def compare_expression(self, x: Element, y: Element) -> Expression:
        return Power(difference(x, y), 2)

    def slope_expression(self, slot: int, x: Element, y: Element) -> Expression:
        return Product((Number(2.0), difference(x, y) if slot == 0 else difference(y, x)))
