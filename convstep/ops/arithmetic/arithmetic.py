"""The sum of tensors, element by element, with torch's broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import ClassVar

import numpy as np

from convstep.ops.arguments import require_floats
from convstep.ops.arithmetic.broadcast import Broadcast, broadcast_shape, common_dtype
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Links, Naming, Operation, Read, Shape, Spec, Term, quiet
from convstep.ops.bounded import Bounded
from convstep.ops.expression import Element, Expression, Number, total


class Add(Bounded, Operation):
    """The sum of two or more tensors, as `a + b + …` in torch."""

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = None

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        return Spec(broadcast_shape(self.inputs), common_dtype(self.inputs))

    @cached_property
    def _operands(self) -> tuple[Broadcast, ...]:
        return tuple(Broadcast(spec.shape, self.output.shape) for spec in self.inputs)

    def _read(self, out: int) -> list[int]:
        """The element of each operand that one output element reads."""
        return [int(operand.reads(np.array([out]))[0]) for operand in self._operands]

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        output = operands[0]
        for operand in operands[1:]:
            output = output + operand
        return np.asarray(output, dtype=self.output.dtype)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        return [
            operand.collect(upstream).astype(spec.dtype, copy=False) if want else None
            for operand, spec, want in zip(self._operands, self.inputs, wanted, strict=True)
        ]

    def row_grid(self, slot: int) -> Shape:
        return (1,)

    def column_grid(self, slot: int) -> Shape:
        return self._operands[slot].uses

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        return Links(self._operands[slot].reads(out)[:, None], np.ones((len(out), 1)))

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        index = self._operands[slot].feeds(into)
        return Links(index, np.ones(index.shape))

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        return Number(1.0 if self._read(out)[slot] == into else 0.0)

    def term_count(self) -> int:
        return len(self.inputs)

    def terms(self, call: Call, out: int) -> Sequence[Term]:
        reads = [Read(slot, index, call.value(slot, index)) for slot, index in enumerate(self._read(out))]
        sums = accumulate(read.value for read in reads)
        return [Term((r,), r.value, does="add", sum=s, holds=s) for r, s in zip(reads, sums, strict=True)]

    @quiet
    def reach(self, call: Call, slot: int, upstream: Array) -> Array | None:
        return self.forward(tuple(np.abs(operand) for operand in call.operands), {}) if slot == OUTPUT else None

    def formula(self, call: Call, out: int) -> Expression:
        return total([Element(slot, index) for slot, index in enumerate(self._read(out))])

    def tell(self, naming: Naming) -> str:
        names = [naming.tensor(slot) for slot in range(len(self.inputs))]
        return f"adds {', '.join(names[:-1])} and {names[-1]}"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        names = [naming.element(slot, index) for slot, index in enumerate(self._read(out))]
        return f"is {' + '.join(names)}"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made = naming.element(OUTPUT, out)
        return f"{naming.element(slot, into)} was added when {made} was made, so {made} changes as it does"
