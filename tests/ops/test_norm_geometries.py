"""Norms of random shapes on random, tied and lopsided numbers: the steps add up, and torch agrees where it is."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from op_cases import call, owned
from op_checks import (
    derivatives_give_the_locals,
    links_are_well_formed,
    products_add_up_to_vjp,
    rows_and_columns_are_transposes,
    rows_give_vjp,
    terms_end_in_forward,
)
from torch_oracle import answers, upstream_of

from convstep.errors import ArgumentError
from convstep.ops.base import Spec
from convstep.ops.registry import OPERATIONS

try:
    import torch
except ImportError:
    torch = None

pytestmark = pytest.mark.filterwarnings("error")
CHECKS = (
    links_are_well_formed,
    rows_give_vjp,
    products_add_up_to_vjp,
    rows_and_columns_are_transposes,
    terms_end_in_forward,
    derivatives_give_the_locals,
)


def one_hot(rng, shape):
    numbers = np.zeros(shape)
    numbers.reshape(-1)[rng.integers(numbers.size)] = 3.0
    return numbers


NUMBERS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "few": lambda rng, shape: rng.integers(0, 2, size=shape).astype(float),
    "one hot": one_hot,
    "far from 0": lambda rng, shape: rng.normal(size=shape) + 1000.0,
}
RUNNING = {"affine": st.booleans(), "track_running_stats": st.booleans(), "eps": st.sampled_from([1e-5, 0.1])}
SHAPE = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))


@st.composite
def norms(draw):
    """An operation, its arguments and a shape."""
    shape = draw(SHAPE)
    kind = draw(st.sampled_from(["BatchNorm1d", "InstanceNorm1d", "LayerNorm", "RMSNorm", "GroupNorm"]))
    if kind in ("BatchNorm1d", "InstanceNorm1d"):
        momentum = draw(st.sampled_from([0.1, 0.5, None]))
        return kind, {**{name: draw(of) for name, of in RUNNING.items()}, "momentum": momentum}, shape
    if kind == "GroupNorm":
        groups = draw(st.sampled_from([g for g in range(1, shape[1] + 1) if shape[1] % g == 0]))
        return kind, {"num_groups": groups, "affine": draw(st.booleans())}, shape
    return (
        kind,
        {"normalized_shape": shape[draw(st.integers(0, 2)) :], "eps": draw(st.sampled_from([1e-5, 0.1]))},
        shape,
    )


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(norms(), st.sampled_from(sorted(NUMBERS)), st.booleans(), st.integers(0, 100))
def test_norms(norm, numbers, training, seed):
    name, arguments, shape = norm
    rng = np.random.default_rng(seed)
    x = NUMBERS[numbers](rng, shape)
    try:
        op = OPERATIONS[name](**arguments).bind([Spec(shape, x.dtype)], training)
    except ArgumentError:
        assume(False)
    operands = (x, *owned(op, rng))
    for check in CHECKS:
        check(op, operands)
    if torch is not None:
        agree(op, operands)


def agree(op, operands):
    made, expected = call(op, operands), answers(op, operands)
    gradients = op.vjp(made, upstream_of(made.output), [op.is_differentiable(k) for k in range(len(operands))])
    np.testing.assert_allclose(made.output, expected["output"], rtol=1e-9, atol=1e-9)
    for slot, gradient in enumerate(gradients):
        if gradient is not None:
            np.testing.assert_allclose(gradient, expected[f"grad{slot}"], rtol=1e-9, atol=1e-9)
    after = op.new_buffers(made) if op.training else {}
    for name, buffer in after.items():
        np.testing.assert_allclose(buffer, expected[f"buffer_{name}"], rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(norms(), st.booleans())
def test_what_torch_refuses_is_refused(norm, training):
    pytest.importorskip("torch")
    name, arguments, shape = norm
    refused = False
    try:
        OPERATIONS[name](**arguments).bind([Spec(shape, np.dtype(float))], training)
    except ArgumentError:
        refused = True
    given_size = {"GroupNorm": {"num_channels": shape[1]}, "BatchNorm1d": {"num_features": shape[1]}}
    given_size["InstanceNorm1d"] = given_size["BatchNorm1d"]
    module = getattr(torch.nn, name)(**arguments, **given_size.get(name, {})).train(training)
    if refused:
        with pytest.raises(ValueError, match="more than 1"):
            module(torch.zeros(shape))
    else:
        module(torch.zeros(shape))
