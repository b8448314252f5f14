"""Arithmetic on two tensors, element by element, with torch's broadcasting: Sub, Mul, Div."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np

from convstep.ops.arguments import require_floats
from convstep.ops.arithmetic.broadcast import Broadcast, broadcast_shape, common_dtype
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Links, Naming, Operation, Read, Shape, Spec, Term, quiet
from convstep.ops.expression import Element, Expression, Negative, Number, Product, Quotient, difference


class Binary(Operation):
    """An operation on the elements of two tensors that lie above each other.

    A subclass gives `apply`, `slope` and the words: `does` (of a term; none for a product), `effect` and `sign`.
    """

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 2

    does: ClassVar[str]
    effect: ClassVar[str]
    """What happens to the inputs, with places for their names: "subtracts {1} from {0}"."""
    sign: ClassVar[str]

    @abstractmethod
    def apply(self, a: Array, b: Array) -> Array:
        """The result, element by element."""

    @abstractmethod
    def slope(self, slot: int, a: Array, b: Array) -> Array:
        """The derivative by the operand in `slot`, of a shape that broadcasts to the result's."""

    def give(self, slot: int, upstream: Array, a: Array, b: Array) -> Array:
        """Upstream × slope."""
        given: Array = upstream * self.slope(slot, a, b)
        return given

    @abstractmethod
    def written(self, a: Element, b: Element) -> Expression:
        """The result as an expression."""

    @abstractmethod
    def written_slope(self, slot: int, a: Element, b: Element) -> Expression:
        """The derivative by the operand in `slot` as an expression."""

    # -- what follows from these

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        return Spec(broadcast_shape(self.inputs), common_dtype(self.inputs))

    @cached_property
    def _operands(self) -> tuple[Broadcast, ...]:
        return tuple(Broadcast(spec.shape, self.output.shape) for spec in self.inputs)

    def _pair(self, out: int) -> tuple[Element, Element]:
        """The two elements that one output element reads."""
        a, b = (int(operand.reads(np.array([out]))[0]) for operand in self._operands)
        return Element(0, a), Element(1, b)

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        return np.asarray(self.apply(operands[0], operands[1]), dtype=self.output.dtype)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        a, b = call.operands
        return [
            operand.collect(np.asarray(self.give(slot, upstream, a, b))).astype(spec.dtype, copy=False)
            if wanted[slot]
            else None
            for slot, (operand, spec) in enumerate(zip(self._operands, self.inputs, strict=True))
        ]

    def row_grid(self, slot: int) -> Shape:
        return (1,)

    def column_grid(self, slot: int) -> Shape:
        return self._operands[slot].uses

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        out = out[:, None]
        return self._links(call, slot, self._operands[slot].reads(out), out)

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        out = self._operands[slot].feeds(into)
        return self._links(call, slot, out, out)

    @quiet
    def _links(self, call: Call, slot: int, index: IntArray, out: IntArray) -> Links:
        at = [operand.reads(out) for operand in self._operands]
        a, b = (tensor.reshape(-1)[i] for tensor, i in zip(call.operands, at, strict=True))
        local = np.broadcast_to(self.slope(slot, a, b), out.shape).astype(np.float64)
        partner = self.partner_slot(slot)
        return Links(index, local, partner=None if partner is None else at[partner])

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        a, b = self._pair(out)
        return self.written_slope(slot, a, b) if (a, b)[slot].index == into else Number(0.0)

    def term_count(self) -> int:
        return 1

    def terms(self, call: Call, out: int) -> Sequence[Term]:
        reads = tuple(Read(e.slot, e.index, call.value(e.slot, e.index)) for e in self._pair(out))
        holds = call.value(OUTPUT, out)
        result = holds if self.does else reads[0].value * reads[1].value  # a product has float64's digits, as all have
        return [Term(reads, result, does=self.does, holds=holds)]

    def formula(self, call: Call, out: int) -> Expression:
        return self.written(*self._pair(out))

    def tell(self, naming: Naming) -> str:
        return self.effect.format(naming.tensor(0), naming.tensor(1))

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        a, b = self._pair(out)
        return f"is {naming.element(0, a.index)} {self.sign} {naming.element(1, b.index)}"


class Sub(Binary):
    """The difference of two tensors, `a - b` in torch."""

    does: ClassVar[str] = "subtract the second from the first"
    effect: ClassVar[str] = "subtracts {1} from {0}"
    sign: ClassVar[str] = "−"

    def apply(self, a: Array, b: Array) -> Array:
        result: Array = a - b
        return result

    def slope(self, slot: int, a: Array, b: Array) -> Array:
        return np.array(-1.0 if slot else 1.0)

    def give(self, slot: int, upstream: Array, a: Array, b: Array) -> Array:
        return -upstream if slot else upstream

    def written(self, a: Element, b: Element) -> Expression:
        return difference(a, b)

    def written_slope(self, slot: int, a: Element, b: Element) -> Expression:
        return Number(-1.0 if slot else 1.0)

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        a, b = (naming.element(e.slot, e.index) for e in self._pair(out))
        reacts = f"it falls as {b} rises" if slot else f"it changes as {a} does"
        return f"{naming.element(OUTPUT, out)} is {a} − {b}, so {reacts}"


class Mul(Binary):
    """The product of two tensors, element by element, `a * b` in torch."""

    does: ClassVar[str] = ""
    effect: ClassVar[str] = "multiplies {0} and {1}, element by element"
    sign: ClassVar[str] = "·"

    def apply(self, a: Array, b: Array) -> Array:
        result: Array = a * b
        return result

    def partner_slot(self, slot: int) -> int | None:
        return 1 - slot

    def slope(self, slot: int, a: Array, b: Array) -> Array:
        return a if slot else b

    def written(self, a: Element, b: Element) -> Expression:
        return Product((a, b))

    def written_slope(self, slot: int, a: Element, b: Element) -> Expression:
        return a if slot else b

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        met = f"{naming.element(1 - slot, partner)} = {naming.number(call.value(1 - slot, partner))}"
        return f"{naming.element(slot, into)} met {met} when {naming.element(OUTPUT, out)} was made"


class Div(Binary):
    """The quotient of two tensors, element by element, `a / b` in torch."""

    does: ClassVar[str] = "divide the first by the second"
    effect: ClassVar[str] = "divides {0} by {1}, element by element"
    sign: ClassVar[str] = "/"

    def apply(self, a: Array, b: Array) -> Array:
        result: Array = a / b
        return result

    def slope(self, slot: int, a: Array, b: Array) -> Array:
        slope: Array = -(a / b / b) if slot else 1 / b
        return slope

    def give(self, slot: int, upstream: Array, a: Array, b: Array) -> Array:
        if slot == 0:
            return np.asarray(upstream / b)
        given = np.asarray(a / b)
        given /= b
        given *= upstream
        return np.negative(given, out=given)

    def written(self, a: Element, b: Element) -> Expression:
        return Quotient(a, b)

    def written_slope(self, slot: int, a: Element, b: Element) -> Expression:
        return Negative(Quotient(Quotient(a, b), b)) if slot else Quotient(Number(1.0), b)

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        a, b = (naming.element(e.slot, e.index) for e in self._pair(out))
        slope = f"{b} is −{a} / {b}²" if slot else f"{a} is 1 / {b}"
        return f"{naming.element(OUTPUT, out)} is {a} / {b}, whose slope by {slope}"
