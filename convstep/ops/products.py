"""What all sums of products have in common: out = Σ input · weight (+ bias). Convolution, Linear."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from convstep.ops.base import (
    OUTPUT,
    Array,
    Call,
    Empty,
    IntArray,
    Links,
    Naming,
    Operation,
    Read,
    Term,
    quiet,
)
from convstep.ops.bounded import Bounded
from convstep.ops.expression import Element, Expression, Number, Product, Sum
from convstep.ops.factors import Factors
from convstep.ops.lines import Lines
from convstep.ops.terms import Terms

Codes = npt.NDArray[np.uint8]


def product_terms(call: Call, inputs: IntArray, weights: IntArray, empty: Codes, bias: int | None) -> Sequence[Term]:
    """The terms of one element that is a sum of products, and then perhaps a bias."""
    x, w = gather(call.operands[0], inputs), gather(call.operands[1], weights)
    products = np.where(empty == Empty.NO, x * w, 0.0)
    if bias is not None:
        products = np.append(products, float(call.operands[2][bias]))
    sums = np.add.accumulate(products)

    def make(k: int) -> Term:
        product, so_far = float(products[k]), float(sums[k])
        if k == len(inputs):
            assert bias is not None
            return Term((Read(2, bias, product),), product, sum=so_far, holds=so_far)
        reads = (Read(0, int(inputs[k]), float(x[k])), Read(1, int(weights[k]), float(w[k])))
        return Term(reads, product, sum=so_far, holds=so_far, empty=Empty(int(empty[k])))

    return Terms(len(products), make, empty if bias is None else np.append(empty, np.uint8(Empty.NO)))


def _largest(tensor: Array) -> float:
    """The largest magnitude; NaN where there is one."""
    return float(np.maximum(tensor.max(initial=0.0), -tensor.min(initial=0.0)))


def gather(tensor: Array, index: IntArray) -> npt.NDArray[np.float64]:
    """The elements at flat indices as float64; 0 where the index is -1."""
    values = tensor.reshape(-1)[index].astype(np.float64)
    values[index < 0] = 0.0
    return values


class ProductSum(Bounded, Operation):
    """An operation whose every output element is Σ input · weight, plus a bias where it has one.

    A subclass says which elements meet: `pairs`, `input_column`, `weight_column`. Where it has a bias, one number goes
    along one dimension of the output. Operands are input (slot 0), weight (1), bias (2).
    """

    @property
    def has_bias(self) -> bool:
        return "bias" in self.parameters

    @abstractmethod
    def pairs(self, out: IntArray) -> tuple[IntArray, IntArray, Codes]:
        """For m output elements, the input elements read, the weights they meet and the empties, (m, n)."""

    @property
    def bias_dim(self) -> int:
        """Along which dimension of the output the bias goes."""
        return -1

    @cached_property
    def _bias_lines(self) -> Lines:
        shape = self.output.shape
        return Lines.along(shape, self.bias_dim % len(shape))

    def bias_of(self, out: IntArray) -> IntArray:
        """The bias element that each output element adds, (m,), where there is a bias."""
        return self._bias_lines.place(out)[1]

    @abstractmethod
    def input_column(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        """For m input elements, the outputs fed (ascending), the weights met there and the empties, (m, n)."""

    @abstractmethod
    def weight_column(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        """For m weights, the outputs fed (ascending), the input elements met there and the empties, (m, n)."""

    def partner_slot(self, slot: int) -> int | None:
        return {0: 1, 1: 0}.get(slot)

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        if slot == 2:
            return Links(self.bias_of(out)[:, None], np.ones((len(out), 1)))
        inputs, weights, empty = self.pairs(out)
        index, partner = (inputs, weights) if slot == 0 else (weights, inputs)
        return _links(call.operands[1 - slot], index, partner, empty)

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        if slot == 2:
            index = self._bias_lines.across(into)
            return Links(index, np.ones(index.shape))
        index, partner, empty = self.input_column(into) if slot == 0 else self.weight_column(into)
        return _links(call.operands[1 - slot], index, partner, empty)

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        return Number(1.0) if slot == 2 else Element(1 - slot, partner)

    def term_count(self) -> int:
        return prod(self.row_grid(1)) + self.has_bias

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        inputs, weights, empty = self.pairs(np.array([out]))
        bias = int(self.bias_of(np.array([out]))[0]) if self.has_bias else None
        return product_terms(call, inputs[0], weights[0], empty[0], bias)

    def empties(self, out: IntArray) -> Codes | None:
        return None if self.has_bias else self.pairs(out)[2]

    @quiet
    def reach(self, call: Call, slot: int, upstream: Array) -> Array | None:
        return self.combined(call, slot, tuple(np.abs(operand) for operand in call.operands), np.abs(upstream))

    @quiet
    def combined(self, call: Call, slot: int, operands: tuple[Array, ...], upstream: Array) -> Array:
        """What other numbers in the places of operands and upstream gradient give: the sums of their products."""
        if slot == OUTPUT:
            return np.asarray(self.forward(operands, {}))
        wanted = [slot == k for k in range(len(operands))]
        gradient = self.vjp(Call(operands, call.output), upstream, wanted)[slot]
        assert gradient is not None
        return gradient

    def factors(self, call: Call, slot: int, upstream: Array) -> Factors | None:
        """All terms as the products of two matrices, for `slot` as in `reach`; None where they are not that simple."""
        return None

    def largest_product(self, call: Call, slot: int, upstream: Array) -> float:
        """No product of an element's terms, nor its bias, exceeds this in magnitude; for `slot` as in `reach`."""
        given = _largest(upstream) if slot != OUTPUT else 0.0
        if slot == 2:
            return given
        if slot != OUTPUT:
            return given * _largest(call.operands[1 - slot])
        return max([_largest(call.operands[0]) * _largest(call.operands[1]), *map(_largest, call.operands[2:])])

    def formula(self, call: Call, out: int) -> Expression:
        inputs, weights, empty = (a[0] for a in self.pairs(np.array([out])))
        full = np.flatnonzero(empty == Empty.NO)
        bias = int(self.bias_of(np.array([out]))[0]) if self.has_bias else None

        def term(k: int) -> Expression:
            if k == len(full):
                assert bias is not None
                return Element(2, bias)
            return Product((Element(0, int(inputs[full[k]])), Element(1, int(weights[full[k]]))))

        return Sum(len(full) + (bias is not None), term)

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        count = prod(self.row_grid(1))
        bias = f", plus {naming.element(2, int(self.bias_of(np.array([out]))[0]))}" if self.has_bias else ""
        if count == 1:
            return f"is one product of {naming.tensor(0)} and {naming.tensor(1)}{bias}"
        return f"is the sum of {count} products of {naming.tensor(0)} and {naming.tensor(1)}{bias}"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made = naming.element(OUTPUT, out)
        if slot == 2:
            return f"{naming.element(2, into)} was added when {made} was made"
        other = 1 - slot
        met = f"{naming.element(other, partner)} = {naming.number(call.value(other, partner))}"
        return f"{naming.element(slot, into)} met {met} when {made} was made"


def _links(other: Array, index: IntArray, partner: IntArray, empty: Codes) -> Links:
    local = gather(other, partner)
    local[empty != Empty.NO] = 0.0
    return Links(index, local, empty, partner)
