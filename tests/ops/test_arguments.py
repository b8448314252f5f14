"""Wrong arguments and shapes get a plain message that names the argument at fault."""

import numpy as np
import pytest
from op_cases import call

from convstep.errors import ArgumentError
from convstep.ops.base import Spec
from convstep.ops.checked import Wrong
from convstep.ops.registry import OPERATIONS, OPTIMIZERS

FLOAT, INT = np.dtype(np.float64), np.dtype(np.int64)
CONV = {"out_channels": 4, "kernel_size": 3}


@pytest.mark.parametrize(
    ("op", "arguments", "field", "message"),
    [
        ("Conv2d", {**CONV, "kernel_size": 0}, "kernel_size", "takes a positive integer or a list of 2, not 0"),
        ("Conv2d", {**CONV, "stride": [1, 2, 3]}, "stride", "takes a positive integer or a list of 2, not [1, 2, 3]"),
        ("Conv2d", {**CONV, "padding": "full"}, "padding", "or 'same' or 'valid', not 'full'"),
        ("Conv2d", {**CONV, "padding": -1}, "padding", "takes an integer of 0 or more"),
        ("Conv2d", {**CONV, "kernel_size": True}, "kernel_size", "not True"),
        ("Conv2d", {**CONV, "bias": 1}, "bias", "takes true or false, not 1"),
        ("Conv2d", {**CONV, "groups": 1.0}, "groups", "takes a positive integer, not 1.0"),
        ("Conv2d", {**CONV, "padding_mode": "mirror"}, "padding_mode", "takes zeros, reflect, replicate or circular"),
        ("Conv2d", {**CONV, "kernel": 3}, "kernel", "is unknown"),
        ("Linear", {}, "out_features", "is missing"),
        ("MaxPool2d", {"kernel_size": 2, "return_indices": 1}, "return_indices", "takes true or false, not 1"),
        ("AvgPool2d", {"kernel_size": 2, "divisor_override": 0}, "divisor_override", "takes an integer other than 0"),
        ("Softmax", {"dim": "C"}, "dim", "takes an integer, not 'C'"),
        ("MSELoss", {"reduction": "avg"}, "reduction", "takes mean, sum or none, not 'avg'"),
        ("CrossEntropyLoss", {"label_smoothing": 1.5}, "label_smoothing", "takes a number from 0 to 1, not 1.5"),
        ("SGD", {"lr": -0.1}, "lr", "takes a number of 0 or more, not -0.1"),
        ("SGD", {"lr": float("nan")}, "lr", "not nan"),
        ("SGD", {"momentum": "0.9"}, "momentum", "not '0.9'"),
        ("SGD", {"nesterov": True}, None, "nesterov needs a momentum above 0 and a dampening of 0"),
        ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, None, "nesterov needs"),
    ],
)
def test_arguments(op, arguments, field, message):
    kind = {**OPERATIONS, **OPTIMIZERS}[op]
    with pytest.raises(Wrong) as caught:
        kind(**arguments)
    (mistake,) = caught.value.mistakes
    assert mistake.where == (() if field is None else (field,))
    assert message in mistake.what


@pytest.mark.parametrize(
    ("op", "arguments", "inputs", "argument", "message"),
    [
        ("Conv2d", CONV, [(2, 2)], "inputs", "takes an input (N, C, H, W) or (C, H, W), not [2, 2]"),
        ("Conv2d", {**CONV, "in_channels": 2}, [(1, 3, 5, 5)], "in_channels", "is 2, but the input has 3 channels"),
        ("Conv2d", {**CONV, "groups": 3}, [(1, 3, 5, 5)], "groups", "3 does not divide out_channels = 4"),
        ("Conv2d", CONV, [(1, 1, 2, 2)], "kernel_size", "spans 3, more than the padded input's 2"),
        ("Conv2d", {**CONV, "padding": "same", "stride": 2}, [(1, 1, 5, 5)], "padding", "goes with stride 1"),
        ("Conv2d", CONV, [(1, 1, 5, 5)] * 2, "inputs", "takes 1 input, not 2"),
        ("Linear", {"out_features": 2}, [()], "inputs", "not a scalar"),
        ("Linear", {"out_features": 2, "in_features": 3}, [(2, 4)], "in_features", "last dimension has size 4"),
        ("MaxPool2d", {"kernel_size": 2, "padding": 2}, [(1, 4, 4)], "padding", "2 is more than half"),
        ("MaxPool2d", {"kernel_size": 5}, [(1, 4, 4)], "kernel_size", "more than the padded input's 4"),
        ("AvgPool2d", {"kernel_size": 2}, [(4, 4)], "inputs", "(N, C, H, W) or (C, H, W)"),
        ("Softmax", {"dim": 2}, [(2, 3)], "dim", "is 2, but an input of shape [2, 3] has -2 to 1"),
        ("Flatten", {}, [(3,)], "start_dim", "is 1, but an input of shape [3] has -1 to 0"),
        ("Flatten", {"start_dim": 2, "end_dim": 1}, [(2, 3, 4)], "start_dim", "2 comes after end_dim 1"),
        ("Add", {}, [(2, 3)], "inputs", "takes 2 or more inputs, not 1"),
        ("Add", {}, [(2, 3), (4,)], "inputs", "the shapes [2, 3] and [4] do not go together"),
        ("Cat", {}, [(2, 3), (2, 4)], "inputs", "differ elsewhere than in dimension 0"),
        ("Cat", {}, [(2, 3), ()], "inputs", "not scalars"),
        ("MSELoss", {}, [(2, 3), (2, 4)], "inputs", "do not go together"),
        ("CrossEntropyLoss", {}, [(2, 3), (2,)], "inputs", "class labels need `dtype: int64`"),
        ("CrossEntropyLoss", {"ignore_index": 0}, [(2, 3), (2, 3)], "ignore_index", "not with probabilities"),
    ],
)
def test_shapes(op, arguments, inputs, argument, message):
    with pytest.raises(ArgumentError) as caught:
        OPERATIONS[op](**arguments).bind([Spec(shape, FLOAT) for shape in inputs])
    assert caught.value.argument == argument
    assert message in str(caught.value)


@pytest.mark.parametrize("op", ["ReLU", "Softmax", "Add", "MSELoss"])
def test_whole_numbers_are_refused_where_torch_has_no_gradient(op):
    kind = OPERATIONS[op]
    with pytest.raises(ArgumentError, match="takes floating-point numbers"):
        kind().bind([Spec((2, 3), INT)] * max(kind.min_inputs, 1))


def test_labels_of_the_wrong_shape():
    with pytest.raises(ArgumentError, match=r"class labels have the shape \[2\], not \[2, 3\]"):
        OPERATIONS["CrossEntropyLoss"]().bind([Spec((2, 3), FLOAT), Spec((2, 3), INT)])


@pytest.mark.parametrize("label", [3, -1])
def test_a_label_out_of_range_is_said_when_it_is_met(label):
    op = OPERATIONS["CrossEntropyLoss"]().bind([Spec((2, 3), FLOAT), Spec((2,), INT)])
    with pytest.raises(ArgumentError, match=f"the class label {label} is out of range: there are the classes 0 to 2"):
        call(op, (np.zeros((2, 3)), np.array([0, label])))


def test_labels_are_checked_before_a_run():
    op = OPERATIONS["CrossEntropyLoss"](ignore_index=7).bind([Spec((2, 3), FLOAT), Spec((2,), INT)])
    op.check_data(0, np.full((2, 3), 9.0))
    op.check_data(1, np.array([2, 7, 0]))
    with pytest.raises(ArgumentError, match="the class label 8 is out of range"):
        op.check_data(1, np.array([2, 8, 0]))
