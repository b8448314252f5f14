"""Terms as the products of two matrices: their running sums are those that one sees step by step."""

import numpy as np
import pytest

from convstep.debugger.stops.clock import Clock
from convstep.debugger.stops.inside import Inside
from convstep.engine.recording import Recording
from convstep.network import load

NORMAL = {"init": "normal"}


def conv(op, shape, **arguments):
    return {"x": shape}, {"op": op, **arguments}


NETS = {
    "plain": conv("Conv2d", [2, 3, 5, 6], out_channels=4, kernel_size=3, padding=1),
    "strided": conv("Conv2d", [1, 4, 7, 6], out_channels=6, kernel_size=[3, 2], stride=[2, 3], padding=[2, 0], groups=2),
    "wide steps": conv("Conv2d", [2, 2, 4, 9], out_channels=2, kernel_size=1, stride=[3, 2], bias=False),
    "dilated": conv("Conv1d", [2, 2, 11], out_channels=3, kernel_size=3, dilation=3, stride=2, padding=4),
    "much padding": conv("Conv1d", [1, 2, 3], out_channels=2, kernel_size=2, padding=4),
    "mirrored": conv("Conv2d", [1, 2, 4, 4], out_channels=2, kernel_size=3, padding=1, padding_mode="reflect"),
    "3d": conv("Conv3d", [1, 2, 3, 4, 5], out_channels=2, kernel_size=2, stride=2, padding=1),
    "unbatched": conv("Conv2d", [3, 5, 5], out_channels=2, kernel_size=3),
    "transposed": conv("ConvTranspose2d", [2, 4, 3, 4], out_channels=6, kernel_size=3, stride=2, padding=1, groups=2),
    "far apart": conv("ConvTranspose1d", [1, 2, 3], out_channels=2, kernel_size=2, stride=3, output_padding=2, dilation=2),
    "linear": conv("Linear", [2, 3, 5], out_features=4),
    "one row": conv("Linear", [5], out_features=4, bias=False),
    "matrices": ({"x": [2, 3, 4], "z": [2, 4, 5]}, {"op": "MatMul", "inputs": ["x", "z"]}),
    "one matrix": ({"x": [2, 3, 4], "z": [4, 5]}, {"op": "MatMul", "inputs": ["x", "z"]}),
    "a vector": ({"x": [4], "z": [2, 4, 5]}, {"op": "MatMul", "inputs": ["x", "z"]}),
    "crossed": ({"x": [2, 1, 3, 4], "z": [1, 2, 4, 5]}, {"op": "MatMul", "inputs": ["x", "z"]}),
}
NOT_THAT_SIMPLE = {"mirrored": {0}, "crossed": {-1, 0, 1}, "a vector": {-1, 0, 1}}


@pytest.mark.parametrize("name", NETS)
def test_running_sums(name):
    inputs, layer = NETS[name]
    tensors = {key: {**NORMAL, "shape": shape} for key, shape in inputs.items()}
    recording = Recording(load({"inputs": tensors, "layers": [{"name": "o", **layer}], "gradient": {"o": NORMAL}}))
    iteration = recording.iteration(0)
    simple = set()
    for k, step in enumerate(recording.timeline.steps):
        upstream = iteration.grads["o"] if step.is_backward else np.zeros(0)
        factors = step.node.op.factors(iteration.calls["o"], step.slot, upstream)
        if factors is None:
            simple.add(step.slot)
            continue
        made = np.full((factors.stacks, factors.rows, factors.columns, factors.terms), np.nan)
        for stack in range(factors.stacks):
            for first, columns in factors.right(stack):
                products = factors.left[stack % len(factors.left)][:, None] * columns
                made[stack, :, first : first + len(columns)] = np.cumsum(products, axis=2)
        size = int(np.prod(step.shape))
        made = made.reshape(size, -1)
        inside = Inside(Clock(recording, "term", "gather"), 0, k)
        sums = inside.terms(np.arange(size), {"sum"})["sum"].values
        for element in range(size):
            assert in_order(sums[element], made[element]), (step.writes, element)
    assert simple - {2} == NOT_THAT_SIMPLE.get(name, set())


def in_order(sums, made):
    """Whether all of these come up, in this order, among others that repeat them; a sum may begin with nothing."""
    at, made = 0, np.append(made, made[-1:])
    for total in sums:
        while at < len(made) and abs(made[at] - total) > 1e-12:
            at += 1
        if at == len(made):
            return False
    return True
