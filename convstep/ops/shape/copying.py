"""Operations that only move numbers: every output element is a copy of one input element. Cat, and all of `shape`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import Integer, dimension
from convstep.ops.base import OUTPUT, Array, Call, Empty, IntArray, Links, Naming, Operation, Read, Shape, Spec, Term
from convstep.ops.expression import Element, Expression, Number


class Copying(Operation):
    """Every output element copies one element of one input, and every input element is copied once.

    A subclass says where from (`source`) and where to (`target`).
    """

    @abstractmethod
    def source(self, out: IntArray) -> tuple[IntArray, IntArray]:
        """The slot and the element that each output element copies, (m,) each."""

    @abstractmethod
    def target(self, slot: int, into: IntArray) -> IntArray:
        """The output element that each input element goes to, (m,)."""

    # -- what follows from these

    def row_grid(self, slot: int) -> Shape:
        return (1,)

    def column_grid(self, slot: int) -> Shape:
        return (1,)

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        slots, index = self.source(out)
        here = slots == slot
        empty = np.where(here, Empty.NO, Empty.WINDOW).astype(np.uint8)
        return Links(np.where(here, index, -1)[:, None], here[:, None].astype(np.float64), empty[:, None])

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        return Links(self.target(slot, into)[:, None], np.ones((len(into), 1)))

    def _from(self, out: int) -> tuple[int, int]:
        slot, index = self.source(np.array([out]))
        return int(slot[0]), int(index[0])

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        return Number(1.0 if self._from(out) == (slot, into) else 0.0)

    def term_count(self) -> int:
        return 1

    def terms(self, call: Call, out: int) -> Sequence[Term]:
        slot, index = self._from(out)
        value = call.value(slot, index)
        return [Term((Read(slot, index, value),), value, does="copy", holds=value)]

    def formula(self, call: Call, out: int) -> Expression:
        return Element(*self._from(out))

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        return f"is a copy of {naming.element(*self._from(out))}"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        return f"{naming.element(OUTPUT, out)} is a copy of {naming.element(slot, into)}"


class Cat(Copying):
    """torch.cat: the inputs one after the other along `dim`; their other sizes are equal."""

    max_inputs: ClassVar[int | None] = None

    dim: Integer = 0

    def infer_output(self) -> Spec:
        shapes = [spec.shape for spec in self.inputs]
        if not all(shapes):
            raise ArgumentError("inputs", "takes tensors of at least one dimension, not scalars")
        dim = dimension("dim", self.dim, shapes[0])
        around = {(len(shape), shape[:dim], shape[dim + 1 :]) for shape in shapes}
        if len(around) > 1:
            listed = " and ".join(str(list(shape)) for shape in shapes)
            raise ArgumentError("inputs", f"the shapes {listed} differ elsewhere than in dimension {dim}")
        size = sum(shape[dim] for shape in shapes)
        # Beside floats, integers say nothing (torch).
        floats = {spec.dtype for spec in self.inputs if spec.is_float}
        dtype = np.result_type(*(floats or {spec.dtype for spec in self.inputs}))
        return Spec((*shapes[0][:dim], size, *shapes[0][dim + 1 :]), dtype)

    @cached_property
    def _dim(self) -> int:
        return dimension("dim", self.dim, self.inputs[0].shape)

    @cached_property
    def _starts(self) -> IntArray:
        """Where each input begins along the dimension, and the end."""
        return np.cumsum([0, *(spec.shape[self._dim] for spec in self.inputs)])

    @property
    def _inner(self) -> int:
        return prod(self.output.shape[self._dim + 1 :])

    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        return np.concatenate(operands, axis=self._dim, dtype=self.output.dtype)

    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        parts = np.split(upstream, self._starts[1:-1], axis=self._dim)
        return [
            np.ascontiguousarray(part, dtype=spec.dtype) if want else None
            for part, spec, want in zip(parts, self.inputs, wanted, strict=True)
        ]

    def source(self, out: IntArray) -> tuple[IntArray, IntArray]:
        outer, rest = np.divmod(out, self._starts[-1] * self._inner)
        position, inner = np.divmod(rest, self._inner)
        slot = np.searchsorted(self._starts, position, side="right") - 1
        size = np.diff(self._starts)[slot]
        return slot, (outer * size + position - self._starts[slot]) * self._inner + inner

    def target(self, slot: int, into: IntArray) -> IntArray:
        size = self.inputs[slot].shape[self._dim]
        outer, rest = np.divmod(into, size * self._inner)
        target: IntArray = (outer * self._starts[-1] + self._starts[slot]) * self._inner + rest
        return target

    def tell(self, naming: Naming) -> str:
        names = [naming.tensor(slot) for slot in range(len(self.inputs))]
        if len(names) == 1:
            return f"copies {names[0]}"
        return f"puts {', '.join(names[:-1])} and {names[-1]} one after the other along dimension {self._dim}"
