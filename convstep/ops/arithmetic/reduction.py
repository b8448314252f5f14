"""Sums and means over dimensions: broadcasting, backwards."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, IntegersOrNone, dimension, require_floats
from convstep.ops.arithmetic.broadcast import Broadcast
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Links, Naming, Operation, Read, Shape, Spec, Term, quiet
from convstep.ops.bounded import Bounded
from convstep.ops.expression import Expression, Number, Quotient, sum_of
from convstep.ops.terms import Terms


class Sum(Bounded, Operation):
    """torch.sum over `dim` (None: all dimensions); with `keepdim` these stay, with size 1."""

    dim: IntegersOrNone = None
    keepdim: Flag = False

    # -- shapes

    @cached_property
    def _dims(self) -> tuple[int, ...]:
        """The dimensions added up over, from 0."""
        shape = self.inputs[0].shape
        dims = tuple(sorted(dimension("dim", dim, shape) for dim in self.dim or ()))
        if len(set(dims)) < len(dims):
            raise ArgumentError("dim", f"takes each dimension once, not {list(self.dim or ())}")
        return (dims if self.dim else tuple(range(len(shape)))) if shape else ()

    @cached_property
    def _over(self) -> Broadcast:
        """How the output would be repeated over the input."""
        shape = self.inputs[0].shape
        return Broadcast(tuple(1 if k in self._dims else size for k, size in enumerate(shape)), shape)

    @cached_property
    def count(self) -> int:
        """How many elements one output element adds up."""
        return prod(self._over.uses)

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        kept = self._over.part
        return Spec(kept if self.keepdim else _without(kept, self._dims), self.inputs[0].dtype)

    # -- the whole tensor

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        return np.asarray(operands[0].sum(axis=self._dims, keepdims=True)).reshape(self.output.shape)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        if not wanted[0]:
            return [None]
        return [np.array(np.broadcast_to(upstream.reshape(self._over.part), self._over.whole))]

    # -- one element

    @property
    def _local(self) -> float:
        return 1.0

    def row_grid(self, slot: int) -> Shape:
        return self._over.uses

    def column_grid(self, slot: int) -> Shape:
        return (1,)

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        index = self._over.feeds(out)
        return Links(index, np.full(index.shape, self._local))

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        return Links(self._over.reads(into)[:, None], np.full((len(into), 1), self._local))

    def _elements(self, out: int) -> IntArray:
        elements: IntArray = self._over.feeds(np.array([out]))[0]
        return elements

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        return self._slope if into in self._elements(out) else Number(0.0)

    @property
    def _slope(self) -> Expression:
        return Number(1.0)

    def term_count(self) -> int:
        return self.count

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        index = self._elements(out)
        numbers = call.operands[0].reshape(-1)[index].astype(np.float64)
        sums = np.add.accumulate(numbers)

        def make(k: int) -> Term:
            number, so_far = float(numbers[k]), float(sums[k])
            return Term((Read(0, int(index[k]), number),), number, does="add", sum=so_far, holds=so_far)

        return Terms(self.count, make)

    @quiet
    def reach(self, call: Call, slot: int, upstream: Array) -> Array | None:
        return Sum.forward(self, (np.abs(call.operands[0]),), {}) if slot == OUTPUT else None

    def formula(self, call: Call, out: int) -> Expression:
        return sum_of(0, self._elements(out))

    # -- in words

    def _over_words(self, naming: Naming) -> str:
        if not (self.dim and self._dims):
            return f"all of {naming.tensor(0)}"
        plural = "s" if len(self._dims) > 1 else ""
        return f"{naming.tensor(0)} over dimension{plural} {' and '.join(map(str, self._dims))}"

    def tell(self, naming: Naming) -> str:
        return f"adds up {self._over_words(naming)}"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        return f"is the sum of {self.count} element{'s' * (self.count > 1)} of {naming.tensor(0)}"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made = naming.element(OUTPUT, out)
        return f"{naming.element(0, into)} was added when {made} was made, so {made} changes as it does"


class Mean(Sum):
    """torch.mean over `dim` (None: all dimensions); with `keepdim` these stay, with size 1."""

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        return np.asarray(operands[0].mean(axis=self._dims, keepdims=True)).reshape(self.output.shape)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        return super().vjp(call, upstream / upstream.dtype.type(self.count), wanted)

    @property
    def _local(self) -> float:
        return 1.0 / self.count

    @property
    def _slope(self) -> Expression:
        return Quotient(Number(1.0), Number(float(self.count)))

    def term_count(self) -> int:
        return self.count + 1

    def terms(self, call: Call, out: int) -> Sequence[Term]:
        added = super().terms(call, out)

        def make(k: int) -> Term:
            if k < self.count:
                return added[k]
            whole = added[-1].sum
            assert whole is not None
            mean = whole / self.count
            return Term((Read("sum", 0, whole),), mean, does=f"divide by {self.count}", holds=mean)

        return Terms(self.term_count(), make)

    def formula(self, call: Call, out: int) -> Expression:
        return Quotient(super().formula(call, out), Number(float(self.count)))

    def tell(self, naming: Naming) -> str:
        return f"averages {self._over_words(naming)}"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        return f"{super().tell_element(call, out, naming)}, divided by {self.count}"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made = naming.element(OUTPUT, out)
        return f"{naming.element(0, into)} was one of the numbers whose sum, divided by {self.count}, is {made}"


def _without(shape: Shape, dims: tuple[int, ...]) -> Shape:
    return tuple(size for k, size in enumerate(shape) if k not in dims)
