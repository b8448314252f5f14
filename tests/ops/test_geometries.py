"""Random geometries of windows: all that an operation is held to, and torch's numbers where it is installed."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from op_cases import call
from op_checks import (
    derivatives_give_the_locals,
    links_are_well_formed,
    rows_and_columns_are_transposes,
    rows_give_vjp,
    terms_end_in_forward,
)
from torch_oracle import answers, upstream_of

from convstep.errors import ArgumentError
from convstep.ops.base import Spec
from convstep.ops.registry import OPERATIONS

pytestmark = pytest.mark.filterwarnings("error")
QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None)

try:
    import torch
except ImportError:
    torch = None


def single(least, most):
    return st.tuples(st.integers(least, most))


def pair(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


IMAGE = st.tuples(st.integers(1, 2), st.integers(1, 7), st.integers(1, 7))
CONVOLUTIONS = st.fixed_dictionaries(
    {
        "kernel_size": pair(1, 3),
        "stride": pair(1, 3),
        "padding": pair(0, 2) | st.sampled_from(["same", "valid"]),
        "dilation": pair(1, 2),
        "bias": st.booleans(),
    }
)


def pools(sizes, **more):
    kernel = {"kernel_size": sizes(1, 3), "stride": st.none() | sizes(1, 4)}
    return st.fixed_dictionaries({**kernel, "padding": sizes(0, 1), "ceil_mode": st.booleans(), **more})


def outputs(*axes):
    return st.fixed_dictionaries({"output_size": st.tuples(*(st.integers(1, 8) for _ in axes))})


MAX_POOLS = pools(pair, dilation=pair(1, 4))
AVG_POOLS = pools(pair, count_include_pad=st.booleans(), divisor_override=st.none() | st.integers(1, 5))


def hold(name, arguments, image):
    """The operation on this image passes the checks, or is refused where torch refuses it."""
    try:
        op = OPERATIONS[name](**arguments).bind([Spec(image.shape, image.dtype)])
    except ArgumentError:
        assume(False)
    rng = np.random.default_rng(0)
    operands = (image, *(rng.normal(size=p.shape) for p in op.parameters.values()))
    for check in (
        links_are_well_formed,
        rows_give_vjp,
        rows_and_columns_are_transposes,
        terms_end_in_forward,
        derivatives_give_the_locals,
    ):
        check(op, operands)
    if torch is not None:
        agree(op, operands)


def agree(op, operands):
    made = call(op, operands)
    if np.isinf(made.output).any():
        # Windows on padding alone: -Inf, and on the way back torch would write beyond the input.
        module = getattr(torch.nn, type(op).__name__)(**{k: getattr(op, k) for k in op.fields()})
        assert np.array_equal(made.output, module(torch.from_numpy(operands[0])).numpy())
        return
    expected = answers(op, operands)
    gradients = op.vjp(made, upstream_of(made.output), [True] * len(operands))
    np.testing.assert_allclose(made.output, expected["output"], rtol=1e-12, atol=1e-12)
    for slot, gradient in enumerate(gradients):
        np.testing.assert_allclose(gradient, expected[f"grad{slot}"], rtol=1e-12, atol=1e-12)


@QUICK
@given(IMAGE, CONVOLUTIONS, st.sampled_from([(1, 1, 1), (2, 1, 2), (2, 2, 2), (1, 3, 1), (2, 2, 4)]))
def test_convolution(image, arguments, channels):
    groups, per_group, outputs = channels
    assume(outputs % groups == 0)
    samples, height, width = image
    pixels = np.random.default_rng(1).normal(size=(samples, groups * per_group, height, width))
    hold("Conv2d", {**arguments, "groups": groups, "out_channels": outputs}, pixels)


@QUICK
@given(IMAGE, MAX_POOLS)
def test_max_pool(image, arguments):
    # Few different numbers: ties are everywhere.
    hold("MaxPool2d", arguments, np.random.default_rng(2).integers(0, 3, size=(2, *image)).astype(float))


@QUICK
@given(IMAGE, AVG_POOLS)
def test_average_pool(image, arguments):
    hold("AvgPool2d", arguments, np.random.default_rng(3).normal(size=image))


@QUICK
@given(st.integers(1, 7), pools(single, dilation=single(1, 4)))
def test_max_pool_over_one_axis(size, arguments):
    hold("MaxPool1d", arguments, np.random.default_rng(4).integers(0, 3, size=(2, 2, size)).astype(float))


@QUICK
@given(st.integers(1, 7), pools(single, count_include_pad=st.booleans()))
def test_average_pool_over_one_axis(size, arguments):
    hold("AvgPool1d", arguments, np.random.default_rng(5).normal(size=(2, size)))


@QUICK
@given(IMAGE, outputs(1, 2), st.sampled_from(["AdaptiveAvgPool2d", "AdaptiveMaxPool2d"]))
def test_adaptive_pool(image, arguments, name):
    hold(name, arguments, np.random.default_rng(6).integers(0, 3, size=image).astype(float))


@QUICK
@given(st.integers(1, 9), outputs(1), st.sampled_from(["AdaptiveAvgPool1d", "AdaptiveMaxPool1d"]))
def test_adaptive_pool_over_one_axis(size, arguments, name):
    hold(name, arguments, np.random.default_rng(7).integers(0, 3, size=(2, size)).astype(float))


@QUICK
@given(IMAGE, pair(1, 3), st.none() | pair(1, 4), st.booleans(), st.sampled_from([1, 2, 3, 0.5]))
def test_power_average_pool(image, kernel, stride, ceil_mode, norm_type):
    arguments = {"norm_type": norm_type, "kernel_size": kernel, "stride": stride, "ceil_mode": ceil_mode}
    hold("LPPool2d", arguments, np.random.default_rng(8).uniform(0.5, 2.0, size=image))


@QUICK
@given(
    st.tuples(st.integers(1, 2), st.integers(1, 6), st.integers(1, 3)), st.integers(1, 7), st.sampled_from([1e-4, 2])
)
def test_local_response_norm(shape, size, alpha):
    hold("LocalResponseNorm", {"size": size, "alpha": alpha}, np.random.default_rng(9).normal(size=shape))


@QUICK
@given(IMAGE, MAX_POOLS | AVG_POOLS)
def test_what_torch_refuses_is_refused(image, arguments):
    pytest.importorskip("torch")
    name = "MaxPool2d" if "dilation" in arguments else "AvgPool2d"
    refusal = None
    try:
        OPERATIONS[name](**arguments).bind([Spec(image, np.dtype(float))])
    except ArgumentError as error:
        refusal = str(error)
    module = getattr(torch.nn, name)(**arguments)
    if refusal is None:
        module(torch.zeros(image))
    else:
        with pytest.raises(RuntimeError):
            module(torch.zeros(image))
