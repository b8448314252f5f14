"""Large tensors are worked on block by block, and nothing comes out otherwise for it."""

import numpy as np
import pytest
from op_cases import CASES, call

from convstep.ops.activation import elementwise, softmax
from convstep.ops.activation.elementwise import Elementwise
from convstep.ops.activation.softmax import AlongLines

IN_BLOCKS = [case for case in CASES if isinstance(case.build()[0], (Elementwise, AlongLines))]


@pytest.mark.parametrize("case", IN_BLOCKS, ids=lambda case: case.id)
def test_blocks_change_nothing(case, monkeypatch):
    op, operands = case.build()
    made = call(op, operands)
    upstream = np.cos(np.arange(made.output.size)).reshape(made.output.shape)
    (gradient,) = op.vjp(made, upstream, [True])
    monkeypatch.setattr(elementwise, "_BLOCK", 16)
    monkeypatch.setattr(softmax, "_LARGE", 0)
    monkeypatch.setattr(type(op), "large", 0, raising=False)
    in_blocks = call(op, operands)
    assert np.array_equal(in_blocks.output, made.output)
    assert np.array_equal(op.vjp(in_blocks, upstream, [True])[0], gradient)
