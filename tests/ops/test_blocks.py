"""Large tensors are worked on block by block, and nothing comes out otherwise for it."""

import numpy as np
import pytest
from op_cases import CASES, call

from convstep.ops import axis_maps, blocks
from convstep.ops.activation import softmax
from convstep.ops.activation.elementwise import Elementwise
from convstep.ops.activation.prelu import PReLU
from convstep.ops.activation.softmax import AlongLines
from convstep.ops.base import Spec
from convstep.ops.linear import embedding
from convstep.ops.linear.embedding import Embedding
from convstep.ops.loss import class_loss
from convstep.ops.loss.class_loss import ClassLoss
from convstep.ops.loss.pointwise_loss import PointwiseLoss
from convstep.ops.norm import local_response_norm, standardise
from convstep.ops.norm.local_response_norm import LocalResponseNorm
from convstep.ops.norm.standardise import Standardise
from convstep.ops.pool import lp_pool, max_pool, pool
from convstep.ops.pool.pool import Pool
from convstep.ops.registry import OPERATIONS
from convstep.ops.shape.resample import Resample

KINDS = (
    *(Elementwise, AlongLines, PReLU, PointwiseLoss, ClassLoss),
    *(Embedding, LocalResponseNorm, Standardise, Pool),
)
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
    for module in (class_loss, local_response_norm, lp_pool, pool, standardise):
        monkeypatch.setattr(module, "_BLOCK", 4)
    for module in (embedding, max_pool):
        monkeypatch.setattr(module, "_AT_ONCE", 4)
    monkeypatch.setattr(pool, "_PLANES", 2)
    monkeypatch.setattr(softmax, "_LARGE", 0)
    monkeypatch.setattr(type(op), "large", 0, raising=False)
    in_blocks = call(op, operands)
    assert np.array_equal(in_blocks.output, made.output)
    for got, wanted_one in zip(op.vjp(in_blocks, upstream, wanted), gradients, strict=True):
        assert (got is None and wanted_one is None) or np.array_equal(got, wanted_one)


@pytest.mark.parametrize("case", [c for c in CASES if isinstance(c.build()[0], Pool)], ids=lambda case: case.id)
def test_places_found_anew_are_those_of_the_table(case, monkeypatch):
    op, operands = case.build()
    made = call(op, operands)
    monkeypatch.setattr(pool, "_SMALL_TABLE", 0)
    op, operands = case.build()
    assert np.array_equal(call(op, operands).output, made.output, equal_nan=True)


@pytest.mark.parametrize("case", [c for c in CASES if isinstance(c.build()[0], Resample)], ids=lambda case: case.id)
def test_long_axes_are_worked_on_in_parts_to_the_same_bits(case, monkeypatch):
    op, operands = case.build()
    made = call(op, operands)
    upstream = np.cos(np.arange(made.output.size)).reshape(made.output.shape)
    monkeypatch.setattr(axis_maps, "_LARGEST_MATRIX", 0)
    op, operands = case.build()
    (gradient,) = op.vjp(call(op, operands), upstream, [True])
    monkeypatch.setattr(axis_maps, "_LONG", 0)
    monkeypatch.setattr(axis_maps, "_AT_ONCE", 3)
    op, operands = case.build()
    in_parts = call(op, operands)
    np.testing.assert_allclose(in_parts.output, made.output, rtol=1e-12, atol=1e-14)
    assert np.array_equal(op.vjp(in_parts, upstream, [True])[0], gradient)
    monkeypatch.setattr(axis_maps, "_MANY", 0)
    np.testing.assert_allclose(op.vjp(in_parts, upstream, [True])[0], gradient, rtol=1e-12, atol=1e-14)


def test_a_border_far_longer_than_the_input_takes_no_square():
    op = OPERATIONS["ReplicationPad1d"](padding=300_000).bind([Spec((1, 1, 4), np.dtype(np.float64))])
    x = np.array([[[1.0, 2.0, 3.0, 4.0]]])
    made = call(op, (x,))
    assert made.output[0, 0, [0, 299_999, 300_000, 300_003, -1]].tolist() == [1, 1, 1, 4, 4]
    assert op.vjp(made, np.ones_like(made.output), [True])[0].tolist() == [[[300_001, 1, 1, 300_001]]]
    assert op.kept_bytes < 10_000_000
