"""Bilinear: every output is a sum over all pairs of numbers of two inputs, each pair with a weight of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod, sqrt
from typing import ClassVar, Self

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, Positive, PositiveOrNone, require_floats
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
from convstep.ops.expression import Element, Expression, Number, Product, Sum
from convstep.ops.terms import Terms

WEIGHT, BIAS = 2, 3


class Bilinear(Operation):
    """torch.nn.Bilinear: out[…, k] = bias[k] + Σ over i, j of a[…, i] · weight[k, i, j] · b[…, j]."""

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 2
    parameter_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    in1_features: PositiveOrNone = None
    in2_features: PositiveOrNone = None
    out_features: Positive
    bias: Flag = True

    # -- shapes

    def infer(self, inputs: Sequence[Spec]) -> Self:
        require_floats(inputs)
        first, second = (spec.shape for spec in inputs)
        if not first or not second or first[:-1] != second[:-1]:
            what = f"takes two inputs that differ in their last dimension only, not {list(first)} and {list(second)}"
            raise ArgumentError("inputs", what)
        for name, shape in (("in1_features", first), ("in2_features", second)):
            given = getattr(self, name)
            if given not in (None, shape[-1]):
                raise ArgumentError(name, f"is {given}, but that input's last dimension has size {shape[-1]}")
        return self.replace(in1_features=first[-1], in2_features=second[-1])

    def declare(self) -> dict[str, Parameter]:
        bound = 1 / sqrt(self._sizes[0])
        init = {"init": "uniform", "a": -bound, "b": bound}
        weight = Parameter((self.out_features, *self._sizes), init)
        return {"weight": weight, "bias": Parameter((self.out_features,), init)} if self.bias else {"weight": weight}

    def infer_output(self) -> Spec:
        return Spec((*self.inputs[0].shape[:-1], self.out_features), self.inputs[0].dtype)

    @cached_property
    def _sizes(self) -> tuple[int, int]:
        return self.inputs[0].shape[-1], self.inputs[1].shape[-1]

    @cached_property
    def _rows(self) -> int:
        return prod(self.inputs[0].shape[:-1])

    def _split(self, operands: Sequence[Array]) -> tuple[Array, Array, Array]:
        """Both inputs as rows, and the weight."""
        a, b = (x.reshape(self._rows, size) for x, size in zip(operands, self._sizes, strict=False))
        return a, b, operands[WEIGHT]

    # -- the whole tensor

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        a, b, weight = self._split(operands)
        by_b = np.tensordot(a, weight, axes=(1, 1))
        output = (by_b @ b[:, :, None])[:, :, 0]
        if self.bias:
            output = output + operands[BIAS]
        saved["by_b"] = by_b
        return output.reshape(self.output.shape)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        a, b, weight = self._split(call.operands)
        u = upstream.reshape(self._rows, self.out_features)
        gradients: list[Array | None] = [None] * len(call.operands)
        if wanted[0]:
            # Upstream and b first, pair by pair, as in torch: it shows where the upstream gradient is infinite.
            pairs = (u[:, :, None] * b[:, None, :]).reshape(self._rows, -1)
            by_pair = weight.transpose(0, 2, 1).reshape(-1, self._sizes[0])
            gradients[0] = (pairs @ by_pair).reshape(call.operands[0].shape)
        if wanted[1]:
            gradients[1] = (u[:, None, :] @ call.saved["by_b"]).reshape(call.operands[1].shape)
        if wanted[WEIGHT]:
            outer = (u[:, :, None] * a[:, None, :]).reshape(self._rows, -1)
            gradients[WEIGHT] = (outer.T @ b).reshape(weight.shape)
        if self.bias and wanted[BIAS]:
            gradients[BIAS] = u.sum(axis=0)
        return gradients

    # -- one element

    def row_grid(self, slot: int) -> Shape:
        return {0: self._sizes[:1], 1: self._sizes[1:], WEIGHT: self._sizes, BIAS: (1,)}[slot]

    def column_grid(self, slot: int) -> Shape:
        return (self.out_features,) if slot < WEIGHT else self.inputs[0].shape[:-1] or (1,)

    @quiet
    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        n, k = np.divmod(out, self.out_features)
        if slot == BIAS:
            return Links(k[:, None], np.ones((len(out), 1)))
        a, b, weight = self._split(call.operands)
        count = prod(self.row_grid(slot))
        if slot == WEIGHT:
            pairs = _exact(a[n])[:, :, None] * _exact(b[n])[:, None, :]
            return Links(k[:, None] * count + np.arange(count), pairs.reshape(-1, count))
        way = "mij,mj->mi" if slot == 0 else "mij,mi->mj"
        local = np.einsum(way, _exact(weight[k]), _exact((b if slot == 0 else a)[n]))
        return Links(n[:, None] * count + np.arange(count), local)

    @quiet
    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        a, b, weight = self._split(call.operands)
        if slot < WEIGHT:
            n, at = np.divmod(into, self._sizes[slot])
            part = weight[:, at, :] if slot == 0 else weight[:, :, at].transpose(0, 2, 1)
            local = np.einsum("kmj,mj->mk", _exact(part), _exact((b if slot == 0 else a)[n]))
            return Links(n[:, None] * self.out_features + np.arange(self.out_features), local)
        rows = np.arange(self._rows)
        if slot == BIAS:
            return Links(rows * self.out_features + into[:, None], np.ones((len(into), self._rows)))
        k, pair = np.divmod(into, prod(self._sizes))
        i, j = np.divmod(pair, self._sizes[1])
        return Links(rows * self.out_features + k[:, None], (_exact(a[:, i]) * _exact(b[:, j])).T)

    def _factors(self, n: int, k: int, pair: int) -> tuple[Element, Element, Element]:
        """The numbers of one product: a, weight, b."""
        first, second = self._sizes
        i, j = divmod(pair, second)
        weight = (k * first + i) * second + j
        return Element(0, n * first + i), Element(WEIGHT, weight), Element(1, n * second + j)

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        n, k = divmod(out, self.out_features)
        first, second = self._sizes
        if slot == BIAS:
            return Number(1.0)
        if slot == WEIGHT:
            a, _, b = self._factors(n, k, into % (first * second))
            return Product((a, b))
        if slot == 0:
            return Sum(second, lambda j: Product(self._factors(n, k, into % first * second + j)[1:]))
        return Sum(first, lambda i: Product(self._factors(n, k, i * second + into % second)[:2]))

    def term_count(self) -> int:
        return prod(self._sizes) + self.bias

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        n, k = divmod(out, self.out_features)
        a, b, weight = self._split(call.operands)
        products = (_exact(a[n])[:, None] * _exact(weight[k]) * _exact(b[n])).reshape(-1)
        if self.bias:
            products = np.append(products, call.value(BIAS, k))
        sums = np.add.accumulate(products)

        def make(pair: int) -> Term:
            result, so_far = float(products[pair]), float(sums[pair])
            if pair == prod(self._sizes):
                return Term((Read(BIAS, k, result),), result, sum=so_far, holds=so_far)
            reads = tuple(Read(e.slot, e.index, call.value(e.slot, e.index)) for e in self._factors(n, k, pair))
            return Term(reads, result, does="product of three", sum=so_far, holds=so_far)

        return Terms(len(products), make)

    def formula(self, call: Call, out: int) -> Expression:
        n, k = divmod(out, self.out_features)
        pairs = prod(self._sizes)

        def term(pair: int) -> Expression:
            return Element(BIAS, k) if pair == pairs else Product(self._factors(n, k, pair))

        return Sum(self.term_count(), term)

    # -- in words

    def tell(self, naming: Naming) -> str:
        bias = f", plus {naming.tensor(BIAS)}" if self.bias else ""
        return (
            f"adds up the products of every number of {naming.tensor(0)} with every number of {naming.tensor(1)}, "
            f"each with its weight in {naming.tensor(WEIGHT)}{bias}"
        )

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        names = [naming.tensor(slot) for slot in (0, WEIGHT, 1)]
        bias = f", plus {naming.element(BIAS, out % self.out_features)}" if self.bias else ""
        return f"is the sum of {prod(self._sizes)} products of {names[0]}, {names[1]} and {names[2]}{bias}"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made, name = naming.element(OUTPUT, out), naming.element(slot, into)
        if slot == BIAS:
            return f"{name} was added when {made} was made"
        if slot == WEIGHT:
            n, k = divmod(out, self.out_features)
            a, _, b = self._factors(n, k, into % prod(self._sizes))
            met = (f"{naming.element(e.slot, e.index)} = {naming.number(call.value(e.slot, e.index))}" for e in (a, b))
            return f"{name} met {' and '.join(met)} when {made} was made"
        others = self._sizes[1 - slot]
        return f"{name} met {others} numbers of {naming.tensor(1 - slot)}, each with a weight, when {made} was made"


def _exact(numbers: Array) -> Array:
    """A few numbers as float64."""
    return numbers.astype(np.float64, copy=False)
