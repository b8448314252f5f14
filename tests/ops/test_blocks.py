"""Large tensors are worked on block by block, and nothing comes out otherwise for it."""

import numpy as np
import pytest
from op_cases import CASES, call

from convstep.ops import blocks
from convstep.ops.activation import softmax
from convstep.ops.activation.elementwise import Elementwise
from convstep.ops.activation.softmax import AlongLines
from convstep.ops.loss import class_loss
from convstep.ops.loss.class_loss import ClassLoss
from convstep.ops.loss.pointwise_loss import PointwiseLoss

KINDS = (Elementwise, AlongLines, PointwiseLoss, ClassLoss)
IN_BLOCKS = [case for case in CASES if isinstance(case.build()[0], KINDS)]


@pytest.mark.parametrize("case", IN_BLOCKS, ids=lambda case: case.id)
def test_blocks_change_nothing(case, monkeypatch):
    op, operands = case.build()
    made = call(op, operands)
    upstream = np.cos(np.arange(made.output.size)).reshape(made.output.shape)
    wanted = [op.is_differentiable(slot) for slot in range(len(operands))]
    gradients = op.vjp(made, upstream, wanted)
    monkeypatch.setattr(blocks, "_BLOCK", 16)
    monkeypatch.setattr(blocks, "_SMALL", 0)
    monkeypatch.setattr(class_loss, "_BLOCK", 4)
    monkeypatch.setattr(softmax, "_LARGE", 0)
    monkeypatch.setattr(type(op), "large", 0, raising=False)
    in_blocks = call(op, operands)
    assert np.array_equal(in_blocks.output, made.output)
    for got, wanted_one in zip(op.vjp(in_blocks, upstream, wanted), gradients, strict=True):
        assert (got is None and wanted_one is None) or np.array_equal(got, wanted_one)
