"""Numbers at the edge of what an operation takes: logarithms of 0, infinite slopes, sizes that do not divide."""

import numpy as np
import pytest
from op_cases import call, case, given
from op_checks import Names, derivatives_give_the_locals, formula_gives_the_element

from convstep.errors import ArgumentError
from convstep.ops.axes.table import padded_positions
from convstep.ops.base import Spec
from convstep.ops.registry import OPERATIONS
from convstep.ops.rendering import Style, render

pytestmark = pytest.mark.filterwarnings("error")
FLOAT = np.dtype(np.float64)


def bound(name, *inputs, **arguments):
    arrays = tuple(np.array(numbers, FLOAT) for numbers in inputs)
    return OPERATIONS[name](**arguments).bind([Spec(a.shape, a.dtype) for a in arrays]), arrays


@pytest.mark.parametrize(
    ("op", "inputs", "output"),
    [
        ("KLDivLoss", ([0.5, -1.0], [0.0, 1.0]), [0.0, 1.0]),
        ("BCELoss", ([0.0, 1.0, 0.0], [1.0, 0.0, 0.0]), [100.0, 100.0, 0.0]),
    ],
)
def test_a_logarithm_of_0_is_left_out_or_held(op, inputs, output):
    made_of = case(op, *(given(numbers) for numbers in inputs), reduction="none").build()
    assert call(*made_of).output.tolist() == output
    formula_gives_the_element(*made_of)


def test_the_slope_of_a_sure_share_is_held():
    """Where x · (1 − x) is 0, torch divides by 1e-12 instead."""
    op, operands = bound("BCELoss", [1.0, 0.0], [0.5, 0.5], reduction="none")
    made = call(op, operands)
    for k in range(2):
        assert abs(op.row(made, 0, np.array([k])).local[0, 0]) == pytest.approx(0.5e12)
        assert "1e-12" in render(
            op.derivative(made, 0, k, k, -1), Style(element=lambda e: "x", number=lambda n: f"{n:g}")
        )


@pytest.mark.parametrize(
    ("op", "inputs", "dtype", "arguments", "right"),
    [
        # exp(107) is infinite in single precision, and torch divides it by itself.
        ("SoftMarginLoss", ([107.0, -107.0], [-1.0, -1.0]), np.float32, {}, [np.nan, 0.0]),
        ("SoftMarginLoss", ([107.0], [-1.0]), np.float64, {}, [1.0]),
        ("PoissonNLLLoss", ([89.0, 1.0], [1.0, 1.0]), np.float32, {"reduction": "mean"}, [np.inf, (np.e - 1) / 2]),
        # exp(y) · (y − x) and exp(y) are torch's parts of the derivative by y.
        ("KLDivLoss", ([0.0, 0.0], [-np.inf, 1.0]), np.float64, {"log_target": True}, [np.nan, 2 * np.e]),
        ("KLDivLoss", ([200.0, 200.0], [100.0, 300.0]), np.float32, {"log_target": True}, [np.nan, np.inf]),
    ],
)
def test_parts_that_overflow_leave_what_torch_leaves(op, inputs, dtype, arguments, right):
    slot, arrays = int(op == "KLDivLoss"), tuple(np.array(numbers, dtype) for numbers in inputs)
    loss = OPERATIONS[op](**{"reduction": "sum", **arguments}).bind([Spec(a.shape, a.dtype) for a in arrays])
    made = call(loss, arrays)
    gradient = loss.vjp(made, np.ones((), dtype), [slot == 0, slot == 1])[slot]
    np.testing.assert_allclose(gradient, right, rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(loss.column(made, slot, np.arange(len(right))).local[:, 0], right, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize(
    ("x", "p", "output", "gradient"),
    [
        # Whatever the processor's pow makes of -2.9, its cube is the opposite of that of 2.9.
        (
            [1.0, 1.0, 2.9, -2.9, 1.0, 1.0],
            3,
            [2 ** (1 / 3), 0.0, 2 ** (1 / 3)],
            [2 ** (-2 / 3)] * 2 + [0.0] * 2 + [2 ** (-2 / 3)] * 2,
        ),
        # The derivative of √x is half of 1/√x, which is -Inf at -0.
        ([1.0, -0.0], 0.5, [1.0], [1.0, -np.inf]),
    ],
)
def test_powers_are_products_and_roots_where_torch_takes_these(x, p, output, gradient):
    op, (row,) = bound("LPPool1d", [x], norm_type=p, kernel_size=2)
    made = call(op, (row,))
    np.testing.assert_allclose(made.output[0], output, rtol=1e-9)
    np.testing.assert_allclose(op.vjp(made, np.ones_like(made.output), [True])[0][0], gradient, rtol=1e-6)
    np.testing.assert_allclose(op.column(made, 0, np.arange(len(x))).local[:, 0], gradient, rtol=1e-6)
    assert [op.terms(made, k)[-1].holds for k in range(len(output))] == pytest.approx(output, rel=1e-9)


def test_a_sum_of_powers_that_is_no_number_has_torchs_sign_0():
    op, (x,) = bound("LPPool1d", [[np.nan, 1.0, 2.0, 3.0]], norm_type=1, kernel_size=2)
    made = call(op, (x,))
    assert op.vjp(made, np.ones((1, 2)), [True])[0].tolist() == [[0.0, 0.0, 1.0, 1.0]]
    assert op.column(made, 0, np.arange(4)).local[:, 0].tolist() == [0.0, 0.0, 1.0, 1.0]


def test_what_is_above_0_does_not_meet_an_infinite_weight():
    op, (x,) = bound("PReLU", [[0.5], [-1.0]])
    assert call(op, (x, np.array([np.inf]))).output.tolist() == [[0.5], [-np.inf]]


def test_a_variance_may_be_0_but_not_less():
    op, operands = bound("GaussianNLLLoss", [1.0], [1.0], [0.0])
    for slot, operand in enumerate(operands):
        op.check_data(slot, operand)
    with pytest.raises(ArgumentError, match=r"the variance -0\.5 is negative"):
        op.check_data(2, np.array([0.0, -0.5]))


@pytest.mark.parametrize("wrong", [-1, 3])
def test_an_index_beyond_the_rows_is_refused(wrong):
    index = np.array([0, 2])
    op = OPERATIONS["Embedding"](num_embeddings=3, embedding_dim=2).bind([Spec(index.shape, index.dtype)])
    op.check_data(0, index)
    op.check_data(1, np.full((3, 2), 9.0))
    with pytest.raises(ArgumentError, match=f"the index {wrong} is out of range: there are the rows 0 to 2"):
        op.check_data(0, np.array([0, wrong]))


def test_softmin_is_written_without_two_signs():
    op, operands = bound("Softmin", [1.0, 2.0], dim=0)
    made = call(op, operands)
    written = op.derivative(made, 0, 0, 1, -1)
    assert render(written, Style(element=lambda e: f"{'y' if e.slot < 0 else 'x'}{e.index}", number=str)) == "y0·y1"
    derivatives_give_the_locals(op, operands)


@pytest.mark.parametrize(("before", "after"), [(-1, -2), (-2, -1), (-3, 0), (0, -3)])
def test_a_border_cannot_be_cut_off_beyond_the_middle(before, after):
    with pytest.raises(ArgumentError, match="leaves nothing of a size of 3"):
        padded_positions(3, before, after, "zeros")
    assert padded_positions(4, before, after, "zeros").tolist() == [-before]


def test_a_border_that_is_cut_off_is_called_so():
    cut, _ = bound("ConstantPad1d", [[1.0, 2.0, 3.0]], padding=-1, value=0.0)
    put, _ = bound("ConstantPad1d", [[1.0, 2.0, 3.0]], padding=(-1, 1), value=0.0)
    assert cut.tell(Names()) == "cuts off the border of x0"
    assert put.tell(Names()).startswith("puts a border of")


@pytest.mark.parametrize(
    ("op", "arguments", "shape", "argument", "message"),
    [
        ("PixelUnshuffle", {"downscale_factor": 2}, (4, 4), "inputs", "takes an input (…, C, H, W), not [4, 4]"),
        ("PixelUnshuffle", {"downscale_factor": 2}, (1, 4, 3), "downscale_factor", "2 does not divide"),
        ("PixelUnshuffle", {"downscale_factor": 2}, (1, 3, 4), "downscale_factor", "2 does not divide"),
        ("GroupNorm", {"num_groups": 2}, (1, 3, 4), "num_groups", "2 does not divide num_channels = 3"),
        ("GroupNorm", {"num_groups": 2}, (1, 2), "num_groups", "leaves one number per group"),
        ("Reshape", {"shape": [-2, 3]}, (2, 3), "shape", "-1 for one of them at most"),
        ("Reshape", {"shape": [-1, -1]}, (2, 3), "shape", "-1 for one of them at most"),
        ("Conv1d", {"out_channels": 1, "kernel_size": 4, "padding": 1}, (1, 1), "kernel_size", "padded input's 3"),
    ],
)
def test_sizes_that_do_not_fit(op, arguments, shape, argument, message):
    with pytest.raises(ArgumentError) as caught:
        OPERATIONS[op](**arguments).bind([Spec(shape, FLOAT)])
    assert caught.value.argument == argument
    assert message in str(caught.value)


def test_dimensions_may_be_counted_from_the_end():
    op, (x,) = bound("Permute", [[1.0, 2.0], [3.0, 4.0]], dims=[-1, -2])
    assert call(op, (x,)).output.tolist() == [[1.0, 3.0], [2.0, 4.0]]


def test_a_bilinear_weight_starts_spread_around_0():
    op, _ = bound("Bilinear", [[1.0, 2.0, 3.0, 4.0]], [[1.0]], out_features=2)
    assert all(p.init == {"init": "uniform", "a": -0.5, "b": 0.5} for p in op.parameters.values())
