"""Operations that say what an element feeds last say what the last link of its column says."""

import numpy as np
import pytest
from op_cases import CASES, call

from convstep.ops.feeding import Feeding

FEEDING = [case for case in CASES if isinstance(case.build()[0], Feeding)]


@pytest.mark.parametrize("case", FEEDING, ids=lambda case: case.id)
def test_it_is_the_last_link_of_its_column(case):
    op, operands = case.build()
    made = call(op, operands)
    for slot in range(len(operands)):
        if op.is_differentiable(slot) and operands[slot].size:
            into = np.arange(operands[slot].size)[::-1]
            last = op.column(made, slot, into).index.max(axis=1, initial=-1)
            assert op.last_fed(slot, into).tolist() == last.tolist()


def test_they_are_the_ones_with_the_longest_columns():
    assert {"Conv2d", "ConvTranspose2d", "BatchNorm2d", "LayerNorm"} <= {case.op for case in FEEDING}
