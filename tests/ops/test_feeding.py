"""Operations that say what an element feeds first and last say what the links of its column say."""

import numpy as np
import pytest
from op_cases import CASES, call

from convstep.ops.feeding import Dense, Feeding

FEEDING = [case for case in CASES if isinstance(case.build()[0], Feeding)]


@pytest.mark.parametrize("case", FEEDING, ids=lambda case: case.id)
def test_they_are_the_ends_of_its_column(case):
    op, operands = case.build()
    made = call(op, operands)
    for slot in range(len(operands)):
        if op.is_differentiable(slot) and operands[slot].size:
            into = np.arange(operands[slot].size)[::-1]
            index = op.column(made, slot, into).index
            last = index.max(axis=1, initial=-1)
            first = np.where(
                last < 0, -1, np.where(index < 0, made.output.size, index).min(axis=1, initial=made.output.size)
            )
            assert [ends.tolist() for ends in op.fed(slot, into)] == [first.tolist(), last.tolist()]


@pytest.mark.parametrize(
    "case", [case for case in FEEDING if isinstance(case.build()[0], Dense)], ids=lambda case: case.id
)
def test_groups_and_slopes_are_those_of_columns(case):
    op, operands = case.build()
    made = call(op, operands)
    if not op.is_dense(0):
        return
    for into in range(operands[0].size):
        links = op.column(made, 0, np.array([into]))
        members = op.members(into)
        assert members.tolist() == links.index[0].tolist()
        together = np.array([into, *members[:3]])
        slopes = op.slope(made, members[:, None], together)
        assert slopes.shape == (len(members), len(together))
        assert np.ascontiguousarray(slopes.T).tobytes() == op.column(made, 0, together).local.tobytes()


def test_they_are_the_ones_with_the_longest_columns():
    assert {"Conv2d", "ConvTranspose2d", "BatchNorm2d", "LayerNorm", "Linear", "MatMul", "Softmax"} <= {
        case.op for case in FEEDING
    }
