"""What an operation says of all its running sums at once: they are those that one sees step by step."""

import numpy as np
import pytest
from op_cases import CASES, call

from convstep.ops.base import OUTPUT, Spec
from convstep.ops.bounded import Bounded
from convstep.ops.conv.conv import Conv1d, Conv2d, Conv3d
from convstep.ops.conv.conv_transpose import ConvTranspose1d, ConvTranspose2d
from convstep.ops.linear.matmul import MatMul
from convstep.ops.products import ProductSum

ODD = {
    "strided": (
        Conv2d(out_channels=6, kernel_size=[3, 2], stride=[2, 3], padding=[2, 0], groups=2),
        [1, 4, 7, 6],
    ),
    "between the windows": (Conv2d(out_channels=2, kernel_size=1, stride=[3, 2], bias=False), [2, 2, 4, 9]),
    "dilated": (Conv1d(out_channels=3, kernel_size=3, dilation=3, stride=2, padding=4), [2, 2, 11]),
    "much padding": (Conv1d(out_channels=2, kernel_size=2, padding=4), [1, 2, 3]),
    "3d": (Conv3d(out_channels=2, kernel_size=2, stride=2, padding=1), [1, 2, 3, 4, 5]),
    "transposed": (ConvTranspose2d(out_channels=6, kernel_size=3, stride=2, padding=1, groups=2), [2, 4, 3, 4]),
    "far apart": (
        ConvTranspose1d(out_channels=2, kernel_size=2, stride=3, output_padding=2, dilation=2),
        [1, 2, 3],
    ),
    "matrices": (MatMul(), [2, 3, 4], [2, 4, 5]),
    "one matrix": (MatMul(), [2, 3, 4], [4, 5]),
    "crossed": (MatMul(), [2, 1, 3, 4], [1, 2, 4, 5]),
}


def odd(name):
    op, *shapes = ODD[name]
    op = op.bind([Spec(tuple(shape), np.dtype(float)) for shape in shapes])
    random = np.random.default_rng(0)
    shapes = [*(spec.shape for spec in op.inputs), *(parameter.shape for parameter in op.parameters.values())]
    return op, tuple(random.normal(size=shape) for shape in shapes)


BUILDS = [
    *(pytest.param(lambda name=name: odd(name), id=name) for name in ODD),
    *(pytest.param(case.build, id=case.id) for case in CASES if isinstance(case.build()[0], Bounded)),
]


def stepped(op, made, slot, upstream):
    """The running sums of all elements, (m, n), as they are stepped through."""
    if slot == OUTPUT:
        return np.array([[term.sum for term in op.terms(made, out)] for out in range(made.output.size)])
    links = op.column(made, slot, np.arange(made.operands[slot].size))
    products = np.where(links.index >= 0, links.local * upstream.reshape(-1)[links.index], 0.0)
    return np.add.accumulate(products, axis=1)


@pytest.mark.parametrize("build", BUILDS)
def test_the_running_sums_of_factors(build):
    op, operands = build()
    if not isinstance(op, ProductSum):
        return
    made = call(op, operands)
    upstream = np.random.default_rng(1).normal(size=made.output.shape)
    for slot in (OUTPUT, *filter(op.is_differentiable, range(len(operands)))):
        factors = op.factors(made, slot, upstream)
        if factors is not None:
            seen = stepped(op, made, slot, upstream)
            for sums, all_sums in zip(seen, added_up(factors).reshape(len(seen), -1), strict=True):
                assert_in_order(sums, all_sums)


def added_up(factors):
    sums = np.full((factors.stacks, factors.rows, factors.columns, factors.terms), np.nan)
    for stack in range(factors.stacks):
        for first, columns in factors.right(stack):
            products = factors.left[stack % len(factors.left)][:, None] * columns
            sums[stack, :, first : first + len(columns)] = np.add.accumulate(products, axis=2)
    return sums


def assert_in_order(sums, all_sums):
    """All of these come up, in this order, among others; the last of these stays."""
    at = 0
    for total in sums:
        while abs(all_sums[min(at, len(all_sums) - 1)] - total) > 1e-9:
            assert at < len(all_sums)
            at += 1


@pytest.mark.parametrize("build", BUILDS)
def test_the_running_sums_of_courses(build):
    op, operands = build()
    made = call(op, operands)
    upstream = np.random.default_rng(1).normal(size=made.output.shape)
    for slot in (OUTPUT, *filter(op.is_differentiable, range(len(operands)))):
        elements = np.arange(made.output.size if slot == OUTPUT else operands[slot].size)
        courses = op.courses(made, slot, upstream, elements)
        if courses is not None:
            found = np.full_like(seen := stepped(op, made, slot, upstream), np.nan)
            for course in courses:
                own = np.where(np.arange(seen.shape[1]) >= course.at[:, None], course.own[:, None], 0.0)
                found[course.elements] = course.rates @ course.drift + own
            np.testing.assert_allclose(found, seen, rtol=1e-9, atol=1e-9)


def test_what_is_not_that_simple():
    op, operands = odd("crossed")
    assert op.factors(call(op, operands), OUTPUT, np.zeros(0)) is None
    simple = {name for name in ODD if op_factors(*odd(name))}
    assert simple == {*ODD} - {"crossed"}


def op_factors(op, operands):
    made = call(op, operands)
    return all(op.factors(made, slot, made.output) is not None for slot in (OUTPUT, 0, 1))
