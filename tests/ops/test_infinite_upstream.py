"""An upstream gradient that is not finite: what is not finite afterwards stands where torch has it."""

import numpy as np
import pytest
from op_cases import CASES, call
from torch_oracle import answers, upstream_of

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("error")

# One number a group: what torch's rounding leaves of x − mean meets the infinity.
EVERY_CASE = [case for case in CASES if case.id != "LayerNorm-2x1-normalized_shape=1_eps=0.1"]


@pytest.mark.parametrize("case", EVERY_CASE, ids=lambda case: case.id)
def test_what_torch_gives(case):
    op, operands = case.build()
    made = call(op, operands)
    for places, number in (([0], np.inf), ([-1], -np.inf), ([0], np.nan), (slice(None), np.inf)):
        upstream = upstream_of(made.output)
        upstream.reshape(-1)[places] = number
        expected = answers(op, operands, upstream.copy())
        gradients = op.vjp(made, upstream, [op.is_differentiable(slot) for slot in range(len(operands))])
        for slot, gradient in enumerate(gradients):
            if gradient is not None:
                np.testing.assert_allclose(gradient, expected[f"grad{slot}"], rtol=1e-10, atol=1e-10)
