"""Operations that say how far their running sums can go keep to it."""

import numpy as np
import pytest
from op_cases import CASES, call

from convstep.ops.base import OUTPUT
from convstep.ops.bounded import Bounded
from convstep.ops.products import ProductSum

BOUNDED = [case for case in CASES if isinstance(case.build()[0], Bounded)]


@pytest.mark.parametrize("size", [1, 30], ids=["plain", "large weights"])
@pytest.mark.parametrize("case", BOUNDED, ids=lambda case: case.id)
def test_no_running_sum_goes_further(case, size):
    op, operands = case.build()
    first, last = len(op.inputs), len(op.inputs) + len(op.parameters)
    operands = (*operands[:first], *(size * weight for weight in operands[first:last]), *operands[last:])
    made = call(op, operands)
    upstream = np.random.default_rng(1).normal(size=made.output.shape)
    bound = op.reach(made, OUTPUT, upstream)
    if bound is not None:
        for out in range(made.output.size):
            sums = [term.sum for term in op.terms(made, out) if term.sum is not None]
            assert np.max(np.abs(sums), initial=0.0) <= bound.reshape(-1)[out] * (1 + 1e-9) + 1e-300
    for slot in range(len(operands)):
        bound = op.reach(made, slot, upstream) if op.is_differentiable(slot) else None
        if bound is not None:
            links = op.column(made, slot, np.arange(operands[slot].size))
            products = np.where(links.index >= 0, links.local * upstream.reshape(-1)[links.index], 0.0)
            furthest = np.max(np.abs(np.add.accumulate(products, axis=1)), axis=1, initial=0.0)
            assert (furthest <= bound.reshape(-1) * (1 + 1e-9) + 1e-300).all()


@pytest.mark.parametrize("case", BOUNDED, ids=lambda case: case.id)
def test_no_product_is_larger_than_the_largest(case):
    op, operands = case.build()
    if not isinstance(op, ProductSum):
        return
    made = call(op, operands)
    upstream = np.random.default_rng(1).normal(size=made.output.shape)
    largest = max(abs(term.result) for out in range(made.output.size) for term in op.terms(made, out))
    assert largest <= op.largest_product(made, OUTPUT, upstream) * (1 + 1e-12)
    for slot in filter(op.is_differentiable, range(len(operands))):
        links = op.column(made, slot, np.arange(operands[slot].size))
        products = np.where(links.index >= 0, links.local * upstream.reshape(-1)[links.index], 0.0)
        assert np.abs(products).max() <= op.largest_product(made, slot, upstream) * (1 + 1e-12)


def test_they_are_the_ones_that_take_longest():
    names = {case.op for case in BOUNDED}
    assert {"Conv2d", "Linear", "ConvTranspose2d", "BatchNorm2d", "Add", "Sum", "Mean"} <= names
