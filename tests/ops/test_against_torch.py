"""Numbers agree with torch's: with the stored answers everywhere, with torch itself where it is installed."""

import numpy as np
import pytest
from op_cases import CASES, EXTREME_CASES, call
from torch_oracle import ANSWERS, answers, upstream_of

pytestmark = pytest.mark.filterwarnings("error")
EVERY_CASE = pytest.mark.parametrize("case", [*CASES, *EXTREME_CASES], ids=lambda case: case.id)


@pytest.fixture(scope="module")
def stored():
    answers = {}
    for path in ANSWERS.glob("*.npz"):
        with np.load(path) as file:
            answers |= dict(file)
    return answers


def compare(op, operands, expected, tolerance):
    made = call(op, operands)
    wanted = [op.is_differentiable(slot) for slot in range(len(operands))]
    gradients = op.vjp(made, upstream_of(made.output), wanted)
    np.testing.assert_allclose(made.output, expected["output"], rtol=tolerance, atol=tolerance)
    for slot, gradient in enumerate(gradients):
        assert (gradient is not None) == (f"grad{slot}" in expected)
        if gradient is not None:
            np.testing.assert_allclose(gradient, expected[f"grad{slot}"], rtol=tolerance, atol=tolerance)
    first = len(op.inputs) + len(op.parameters)
    before = dict(zip(op.buffers, operands[first:], strict=False))
    after = {**before, **(op.new_buffers(made) if op.training else {})}
    for name, buffer in after.items():
        assert (buffer.shape, buffer.dtype) == (before[name].shape, before[name].dtype)
        np.testing.assert_allclose(buffer, expected[f"buffer_{name}"], rtol=tolerance, atol=tolerance)


@EVERY_CASE
def test_stored_answers(case, stored):
    mine = {key.removeprefix(f"{case.id}/"): a for key, a in stored.items() if key.startswith(f"{case.id}/")}
    op, built = case.build()
    operands = tuple(mine[f"operand{k}"] for k in range(len(built)))
    compare(op, operands, mine, 1e-12)


@EVERY_CASE
def test_torch_itself(case):
    pytest.importorskip("torch")
    op, operands = case.build()
    compare(op, operands, answers(op, operands), 1e-12)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_torch_in_float32(case):
    pytest.importorskip("torch")
    op, operands = case.build(np.float32)
    compare(op, operands, answers(op, operands), 2e-6)
