"""Long windows over long axes: memory grows with the tensors, not with windows times their taps."""

import tracemalloc

import numpy as np
import pytest
from op_cases import call

from convstep.ops.base import Spec
from convstep.ops.conv import conv_kernels
from convstep.ops.registry import OPERATIONS

LONG = [
    ("Conv1d", {"out_channels": 1, "kernel_size": 400, "bias": False}),
    ("Conv1d", {"out_channels": 1, "kernel_size": 401, "bias": False, "padding": "same", "padding_mode": "circular"}),
    ("ConvTranspose1d", {"out_channels": 1, "kernel_size": 400, "bias": False}),
    ("MaxPool1d", {"kernel_size": 400, "stride": 1}),
    ("AvgPool1d", {"kernel_size": 400, "stride": 1}),
    ("LPPool1d", {"kernel_size": 400, "stride": 1, "norm_type": 2}),
    ("AdaptiveAvgPool1d", {"output_size": 7}),
    ("AdaptiveMaxPool1d", {"output_size": 7}),
]


def bound(op, arguments, shape):
    spec = Spec(shape, np.dtype(np.float64))
    return OPERATIONS[op](**arguments).infer([spec]).bind([spec])


@pytest.mark.parametrize(("op", "arguments"), LONG)
def test_no_table_of_windows_times_taps_is_made(op, arguments, monkeypatch):
    monkeypatch.setattr(conv_kernels, "_LARGEST_COLUMNS", 2**20)
    rng, size = np.random.default_rng(0), 30_000
    made = bound(op, arguments, (1, 1, size))
    operands = [rng.normal(size=(1, 1, size)), *(rng.normal(size=p.shape) for p in made.parameters.values())]
    tracemalloc.start()
    result = call(made, operands)
    made.vjp(result, np.ones(result.output.shape), [True] * len(operands))
    for slot, operand in enumerate(operands):
        made.row(result, slot, np.array([result.output.size // 2]))
        made.column(result, slot, np.array([operand.size // 2]))
    made.terms(result, result.output.size // 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * 2**20  # a table would take 96 MB, of single bytes 12


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("op", ["Conv2d", "ConvTranspose2d"])
@pytest.mark.parametrize("largest", [1, 2000, 5000])
def test_columns_in_blocks_give_what_they_give_at_once(op, batch, largest, monkeypatch):
    rng = np.random.default_rng(0)
    arguments = {"out_channels": 4, "kernel_size": [3, 2], "stride": [2, 1], "padding": 1, "groups": 2}
    made = bound(op, arguments, (batch, 2, 7, 6))
    operands = [rng.normal(size=(batch, 2, 7, 6)), *(rng.normal(size=p.shape) for p in made.parameters.values())]
    result = call(made, operands)
    upstream = rng.normal(size=result.output.shape)
    gradients = made.vjp(result, upstream, [True] * 3)
    monkeypatch.setattr(conv_kernels, "_LARGEST_COLUMNS", largest)
    in_blocks = call(made, operands)
    np.testing.assert_allclose(in_blocks.output, result.output, rtol=1e-12)
    for gradient, at_once in zip(made.vjp(in_blocks, upstream, [True] * 3), gradients, strict=True):
        np.testing.assert_allclose(gradient, at_once, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("numbers", [[3.0, 9.0, 9.0, 1.0], [1.0, np.nan, 2.0, np.nan], [-np.inf] * 4])
def test_a_long_maximum_is_found_by_outputs_as_by_taps(numbers, monkeypatch):
    made = bound("MaxPool1d", {"kernel_size": 20, "padding": 10, "stride": 3}, (2, 1, 8))
    x = np.tile(numbers, 4).reshape(2, 1, 8)
    by_outputs = made._by_outputs(x)
    by_taps = made._by_taps(x)
    for one, other in zip(by_outputs, by_taps, strict=True):
        np.testing.assert_array_equal(one, other)
