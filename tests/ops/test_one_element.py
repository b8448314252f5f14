"""What one element is made of is read from the tensors, and never by going through a whole one."""

import tracemalloc

import numpy as np
import pytest
from op_cases import call, owned

from convstep.ops.base import Spec
from convstep.ops.registry import OPERATIONS

PLANES = (4, 16, 64, 64)
CASES = [
    ("Bilinear", [(64, 64), (64, 64)], {"out_features": 64}),
    ("Conv2d", [PLANES], {"out_channels": 16, "kernel_size": 3}),
    ("Div", [PLANES, PLANES], {}),
    ("GELU", [PLANES], {}),
    ("GLU", [PLANES], {"dim": 1}),
    ("LPPool2d", [PLANES], {"norm_type": 2, "kernel_size": 2}),
    ("Linear", [(512, 512)], {"out_features": 512}),
    ("LocalResponseNorm", [PLANES], {"size": 5}),
    ("LogSoftmax", [PLANES], {"dim": 1}),
    ("MSELoss", [PLANES, PLANES], {"reduction": "none"}),
    ("MatMul", [(512, 512), (512, 512)], {}),
    ("MaxPool2d", [PLANES], {"kernel_size": 2}),
    ("PReLU", [PLANES], {}),
    ("Softmax", [PLANES], {"dim": 1}),
    ("Upsample", [PLANES], {"scale_factor": 2, "mode": "bilinear"}),
]


@pytest.mark.parametrize(("name", "shapes", "arguments"), CASES, ids=[name for name, *_ in CASES])
def test_one_element_takes_little_memory(name, shapes, arguments):
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=shape) for shape in shapes]
    op = OPERATIONS[name](**arguments).bind([Spec(x.shape, x.dtype) for x in inputs])
    made = call(op, (*inputs, *owned(op, rng)))

    def look():
        op.terms(made, 1)[0]
        for slot in range(len(op.inputs)):
            op.row(made, slot, np.array([1]))
            op.column(made, slot, np.array([1]))

    look()  # tables are made once
    tracemalloc.start()
    look()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < max(x.nbytes for x in made.operands) / 8
