"""Losses that compare prediction and target element by element, and then add up or average."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.arguments import Reduction, require_floats
from convstep.ops.arithmetic.broadcast import Broadcast, broadcast_shape
from convstep.ops.base import (
    OUTPUT,
    Array,
    Call,
    IntArray,
    Links,
    Naming,
    Operation,
    Parameter,
    Read,
    Shape,
    Spec,
    Term,
    quiet,
)
from convstep.ops.blocks import broadcast_in_blocks
from convstep.ops.expression import Element, Expression, Number, Product, Quotient, Sum, total
from convstep.ops.terms import Terms

Floats = npt.NDArray[np.float64]
Numbers = tuple[float, ...]


class PointwiseLoss(Operation):
    """Mean, sum or list of f(x, y) over all pairs of a prediction x (slot 0) and its target y (slot 1).

    A subclass gives f (`compare`, `compare_expression`), its derivatives (`slope`, `slope_expression`) and the
    words `does` and `noun`. What else f reads (a variance, a weight of positive targets) follows as `rest`.
    Different shapes are broadcast, as torch does. A buffer `weight` multiplies f, pair by pair.
    """

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 2
    is_loss: ClassVar[bool] = True
    same_shapes: ClassVar[bool] = False
    """Whether torch wants prediction and target of one shape."""
    whole_targets: ClassVar[bool] = True
    """Whether the target may hold integers."""

    does: ClassVar[str]
    """f as a term's description."""
    noun: ClassVar[str]
    """What f gives, in words and the plural: "squared differences"."""

    reduction: Reduction = "mean"

    @property
    def rule(self) -> str:
        """`does` with these arguments."""
        return self.does

    @abstractmethod
    def compare(self, x: Array, y: Array, *rest: Array) -> Array:
        """The function f."""

    @abstractmethod
    def slope(self, slot: int, x: Array, y: Array, *rest: Array) -> Array:
        """∂f by the input in a slot: ∂f/∂x (slot 0), ∂f/∂y (slot 1) …"""

    def pulled(self, slot: int, share: Array, x: Array, y: Array, *rest: Array) -> Array:
        """What comes back to the input in a slot of `share`, the upstream gradient of f."""
        pulled: Array = share * self.slope(slot, x, y, *rest)
        return pulled

    @abstractmethod
    def compare_expression(self, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        """The function f as an expression; `at` are the numbers of x, y …"""

    @abstractmethod
    def slope_expression(self, slot: int, at: Numbers, x: Element, y: Element, *rest: Element) -> Expression:
        """∂f by the input in a slot as an expression."""

    def check(self, slot: int, values: Array) -> None:
        """Raises ArgumentError where f is not there for these numbers."""

    # -- what follows from these

    def infer_output(self) -> Spec:
        require_floats(self.inputs[:1])
        if not self.whole_targets:
            require_floats(self.inputs)
        pairs = self.pairs
        shapes = [list(spec.shape) for spec in self.inputs[:2]]
        if self.same_shapes and shapes[0] != shapes[1]:
            raise ArgumentError("inputs", f"takes a target of the prediction's shape {shapes[0]}, not {shapes[1]}")
        # A target of whole numbers takes the prediction's dtype, as in torch.
        dtype = np.result_type(*(spec.dtype for spec in self.inputs if spec.is_float))
        return Spec(pairs if self.reduction == "none" else (), dtype)

    def declare_buffers(self) -> dict[str, Parameter]:
        given = [name for name in self.buffer_names if getattr(self, name)]
        return {name: Parameter(self.pairs, {"init": "ones"}, stretches=True) for name in given}

    @cached_property
    def pairs(self) -> Shape:
        """The shape in which predictions and targets meet."""
        return broadcast_shape([Spec(self.met_shape(slot), spec.dtype) for slot, spec in enumerate(self.inputs)])

    def met_shape(self, slot: int) -> Shape:
        """The shape in which an operand meets the others."""
        return self.operand_shape(slot)

    @cached_property
    def _operands(self) -> tuple[Broadcast, ...]:
        count = len(self.inputs) + len(self.buffers)
        return tuple(Broadcast(self.met_shape(slot), self.pairs) for slot in range(count))

    @cached_property
    def _weight(self) -> int | None:
        """The slot of the weight that multiplies f."""
        return len(self.inputs) + list(self.buffers).index("weight") if "weight" in self.buffers else None

    def _split(self, values: Sequence[Array]) -> tuple[list[Array], Array | None]:
        """What f reads, and the weight."""
        rest = [value for slot, value in enumerate(values) if slot != self._weight]
        return rest, None if self._weight is None else values[self._weight]

    def _losses(self, values: Sequence[Array]) -> Array:
        read, weight = self._split(values)
        losses = self.compare(*read)
        return losses if weight is None else losses * weight

    def _slopes(self, slot: int, values: Sequence[Array]) -> Array:
        if slot >= len(self.inputs):
            return np.zeros_like(values[slot])
        read, weight = self._split(values)
        slopes = self.slope(slot, *read)
        return slopes if weight is None else slopes * weight

    def _pulled(self, slot: int, share: Array, values: Sequence[Array]) -> Array:
        read, weight = self._split(values)
        return self.pulled(slot, share if weight is None else share * weight, *read)

    @property
    def _is_mean(self) -> bool:
        return self.reduction in ("mean", "batchmean")

    @property
    def _divisor(self) -> int:
        if self.reduction == "batchmean":
            return (self.inputs[0].shape or (1,))[0]
        return prod(self.pairs) if self.reduction == "mean" else 1

    def check_data(self, slot: int, values: Array) -> None:
        self.check(slot, values)

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        for slot in range(len(self.inputs)):
            self.check(slot, operands[slot])
        shapes = (self.met_shape(slot) for slot in range(len(operands)))
        kind = self.output.dtype
        values = [operand.reshape(shape) for operand, shape in zip(operands, shapes, strict=True)]
        losses = broadcast_in_blocks(lambda *some: self._losses(some), kind, *values, read_as=kind)
        if self.reduction != "none":
            losses = losses.sum() / kind.type(self._divisor)
        return np.asarray(losses, dtype=kind)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        shapes = (self.met_shape(slot) for slot in range(len(call.operands)))
        values = [operand.reshape(shape) for operand, shape in zip(call.operands, shapes, strict=True)]
        gradients: list[Array | None] = [None] * len(values)
        for slot, spec in enumerate(self.inputs):
            if wanted[slot]:

                def pulled(given: Array, *some: Array, slot: int = slot) -> Array:
                    return self._pulled(slot, given / self._divisor, some)

                # Rounded once, at the end, also in single precision.
                gradient = broadcast_in_blocks(pulled, spec.dtype, upstream, *values, read_as=np.dtype(np.float64))
                whole = np.broadcast_to(gradient, self.pairs)
                gradients[slot] = self._operands[slot].collect(whole).reshape(spec.shape)
        return gradients

    # -- one element

    def _pairs_of(self, out: IntArray) -> IntArray:
        """The pairs that make up each output element, (m, n)."""
        if self.reduction == "none":
            return out[:, None]
        return np.broadcast_to(np.arange(prod(self.pairs)), (len(out), prod(self.pairs)))

    def _meet(self, call: Call, pair: IntArray) -> list[Floats]:
        """The numbers of all operands at some pairs, as float64."""
        return [
            tensor.reshape(-1)[operand.reads(pair)].astype(np.float64)
            for tensor, operand in zip(call.operands, self._operands, strict=True)
        ]

    def row_grid(self, slot: int) -> Shape:
        return (1,) if self.reduction == "none" else self.pairs or (1,)

    def column_grid(self, slot: int) -> Shape:
        return self._operands[slot].uses

    @quiet
    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        pairs = self._pairs_of(out)
        return Links(self._operands[slot].reads(pairs), self._slopes(slot, self._meet(call, pairs)) / self._divisor)

    @quiet
    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        pairs = self._operands[slot].feeds(into)
        out = pairs if self.reduction == "none" else np.zeros_like(pairs)
        return Links(out, self._slopes(slot, self._meet(call, pairs)) / self._divisor)

    def _elements(self, pair: int) -> list[Element]:
        return [Element(slot, int(o.reads(np.array(pair)))) for slot, o in enumerate(self._operands)]

    def _expression(self, call: Call, pair: int, slot: int | None = None) -> Expression:
        """The function f of one pair, weighted, or its derivative by the input in a slot."""
        elements = self._elements(pair)
        weight = None if self._weight is None else elements.pop(self._weight)
        at = tuple(call.value(e.slot, e.index) for e in elements)
        of = self.compare_expression(at, *elements) if slot is None else self.slope_expression(slot, at, *elements)
        return of if weight is None else Product((weight, of))

    @quiet
    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        pairs = self._operands[slot].feeds(np.array([into]))[0].tolist()
        slopes = [self._expression(call, p, slot) for p in pairs if self.reduction != "none" or p == out]
        if not slopes:
            return Number(0.0)
        return total(slopes) if self._divisor == 1 else Quotient(total(slopes), Number(float(self._divisor)))

    def term_count(self) -> int:
        return prod(self.row_grid(0)) + self._is_mean

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        pairs = self._pairs_of(np.array([out]))[0]
        values = self._meet(call, pairs)
        losses = np.broadcast_to(self._losses(values), pairs.shape)
        sums = np.add.accumulate(losses)
        does = self.rule if self._weight is None else f"weight · ({self.rule})"

        def make(k: int) -> Term:
            if k == len(pairs):
                result = float(sums[-1] / self._divisor)
                return Term((Read("sum", 0, float(sums[-1])),), result, does=f"divide by {self._divisor}", holds=result)
            at = self._elements(int(pairs[k]))
            reads = tuple(Read(e.slot, e.index, float(v[k])) for e, v in zip(at, values, strict=True))
            so_far = float(sums[k])
            running = None if self.reduction == "none" else so_far
            return Term(reads, float(losses[k]), does=does, sum=running, holds=None if self._is_mean else so_far)

        return Terms(len(pairs) + self._is_mean, make)

    @quiet
    def formula(self, call: Call, out: int) -> Expression:
        if self.reduction == "none":
            return self._expression(call, out)
        whole = Sum(prod(self.pairs), lambda k: self._expression(call, k))
        return Quotient(whole, Number(float(self._divisor))) if self._is_mean else whole

    # -- in words

    def tell(self, naming: Naming) -> str:
        what = {"mean": "averages the", "sum": "adds up the", "none": "lists the"}.get(self.reduction, "adds up the")
        weighted = "weighted " if self._weight is not None else ""
        text = f"{what} {weighted}{self.noun} between {naming.tensor(0)} and {naming.tensor(1)}"
        return f"{text} and divides by the batch size {self._divisor}" if self.reduction == "batchmean" else text

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        x, y, *_ = (naming.element(e.slot, e.index) for e in self._elements(out if self.reduction == "none" else 0))
        count = prod(self.row_grid(0))
        if count == 1:
            return f"is {self.rule}, where x is {x} and y is {y}"
        how = "mean" if self.reduction == "mean" else "sum"
        by = f", divided by the batch size {self._divisor}" if self.reduction == "batchmean" else ""
        return f"is the {how} of {count} {self.noun}, {self.rule}, the first between {x} and {y}{by}"

    def _pair(self, slot: int, out: int, into: int) -> list[Element]:
        """What was compared where operand[into] entered output[out]."""
        first = out if self.reduction == "none" else self._operands[slot].feeds(np.array([into]))[0][0]
        return list(self._elements(int(first)))

    def at_kink(self, call: Call, slot: int, out: IntArray, into: IntArray) -> npt.NDArray[np.bool_]:
        pairs = (self._pair(slot, int(k), int(i)) for k, i in zip(out, into, strict=True))
        told = (self.tell_kink(slot, tuple(call.value(e.slot, e.index) for e in pair)) for pair in pairs)
        return np.array([bool(text) for text in told], dtype=bool)

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        elements = self._pair(slot, out, into)
        x, y, *rest = (
            f"{naming.element(e.slot, e.index)} = {naming.number(call.value(e.slot, e.index))}" for e in elements
        )
        text = f"{x} was compared with {y} when {naming.element(OUTPUT, out)} was made"
        if slot > 1:
            text = f"{rest[slot - 2]} took part when {text}"
        return f"{text}{self.tell_kink(slot, tuple(call.value(e.slot, e.index) for e in elements))}"

    def tell_kink(self, slot: int, at: Numbers) -> str:
        """What torch takes for the derivative where there is none: "; |x − y| has none at 0, torch takes 0"."""
        return ""
