"""What activations say of their slopes, above all where there is none, and what they say of wrong arguments."""

import numpy as np
import pytest
from op_cases import call
from op_checks import Names

from convstep.errors import ArgumentError
from convstep.ops.base import Spec
from convstep.ops.checked import Wrong
from convstep.ops.registry import OPERATIONS

FLOAT, INT = np.dtype(np.float64), np.dtype(np.int64)


def told(name, at, **arguments):
    """How the first output reacts to the first input."""
    x = np.array([float(at)])
    op = OPERATIONS[name](**arguments).bind([Spec(x.shape, x.dtype)])
    return op.tell_link(call(op, (x,)), 0, 0, 0, -1, Names())


@pytest.mark.parametrize(
    ("name", "at", "arguments", "words"),
    [
        ("ReLU6", 0, {}, "is exactly where ReLU6 has no derivative; torch takes 0, so out[0] does not react"),
        ("ReLU6", 6, {}, "torch takes 0"),
        ("ReLU6", 7, {}, "is 6 or more, so out[0] does not react"),
        ("ReLU6", 3, {}, "lies between 0 and 6, so out[0] changes as it does"),
        ("LeakyReLU", 0, {}, "torch takes 0.01, so out[0] changes by 0.01 per unit"),
        ("LeakyReLU", -2, {}, "is not above 0, so out[0] changes by 0.01 per unit"),
        ("ELU", 0, {"alpha": 2.0}, "torch takes 2"),
        ("ELU", 0, {}, "is not above 0, so out[0] changes as it does"),
        ("Hardtanh", 1, {}, "torch takes 0"),
        ("Hardswish", -3, {}, "torch takes 0"),
        ("Hardswish", 3, {}, "torch takes 1"),
        ("Hardshrink", 0.5, {}, "torch takes 0"),
        ("Softshrink", -0.5, {}, "torch takes 0"),
        ("Threshold", 0.5, {"threshold": 0.5, "value": 2.0}, "torch takes 0"),
        ("Softplus", 30, {}, "is above the threshold"),
        ("SiLU", 0, {}, "out[0] is the silu of x0[0] = 0, whose slope there is 0.5"),
        ("ReLU6", "nan", {}, "is not a number; torch takes the slope 1"),
        ("Hardsigmoid", "nan", {}, "is not a number; torch takes the slope 0"),
    ],
)
def test_slopes_in_words(name, at, arguments, words):
    assert words in told(name, at, **arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("GELU", {"approximate": "erf"}, "takes none or tanh, not 'erf'"),
        ("Softshrink", {"lambd": -1}, "takes a number of 0 or more, not -1"),
        ("Threshold", {"threshold": 1.0}, "value is missing"),
        ("PReLU", {"num_parameters": 0}, "takes a positive integer, not 0"),
        ("Embedding", {"num_embeddings": 3, "embedding_dim": 2, "max_norm": "1"}, "takes a number, not '1'"),
        ("KLDivLoss", {"reduction": "batch"}, "takes mean, batchmean, sum or none"),
    ],
)
def test_arguments(name, arguments, message):
    with pytest.raises(Wrong, match=message):
        OPERATIONS[name](**arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "inputs", "argument", "message"),
    [
        ("Hardtanh", {"min_val": 1.0}, [(2,)], "max_val", "must be above min_val = 1"),
        ("CELU", {"alpha": 0.0}, [(2,)], "alpha", "cannot be divided"),
        ("PReLU", {"num_parameters": 3}, [(2, 4)], "num_parameters", "the input has 4 channels, so 1 or 4"),
        ("GLU", {}, [(2, 3)], "dim", "no two equal halves"),
        ("Softmax2d", {}, [(2, 3)], "inputs", "(N, C, H, W) or (C, H, W), not [2, 3]"),
        ("Bilinear", {"out_features": 1}, [(2, 3), (3, 3)], "inputs", "differ in their last dimension only"),
        ("Bilinear", {"out_features": 1, "in2_features": 4}, [(2, 3), (2, 3)], "in2_features", "has size 3"),
        ("Embedding", {"num_embeddings": 3, "embedding_dim": 2}, [(2,)], "inputs", "need `dtype: int64`"),
        ("HuberLoss", {"delta": 0.0}, [(2,), (2,)], "delta", "must be above 0"),
        ("BCELoss", {}, [(2, 1), (2,)], "inputs", "a target of the prediction's shape [2, 1], not [2]"),
        ("NLLLoss", {}, [(2, 3), (2,)], "inputs", "class labels need `dtype: int64`"),
        ("GaussianNLLLoss", {}, [(4, 3), (4, 3), (2, 3)], "inputs", "the variance has the shape [2, 3]"),
    ],
)
def test_shapes(name, arguments, inputs, argument, message):
    with pytest.raises(ArgumentError) as caught:
        OPERATIONS[name](**arguments).bind([Spec(shape, FLOAT) for shape in inputs])
    assert caught.value.argument == argument
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "arguments", "data", "message"),
    [
        ("BCELoss", {}, [[0.5, 1.5], [0.0, 1.0]], "the prediction 1.5 is no probability from 0 to 1"),
        ("GaussianNLLLoss", {}, [[1.0], [2.0], [-0.5]], "the variance -0.5 is negative"),
        ("Embedding", {"num_embeddings": 3, "embedding_dim": 2}, [[0, 3]], "the index 3 is out of range"),
        ("NLLLoss", {}, [[[0.5, 0.5]], [2]], "the class label 2 is out of range"),
    ],
)
def test_numbers_that_cannot_be(name, arguments, data, message):
    arrays = tuple(np.array(numbers) for numbers in data)
    op = OPERATIONS[name](**arguments).bind([Spec(a.shape, a.dtype) for a in arrays])
    operands = (*arrays, *(np.zeros(p.shape) for p in op.parameters.values()))
    with pytest.raises(ArgumentError, match=message):
        call(op, operands)
