"""What convolutions, paddings, shapes and arithmetic refuse, in plain words; tensors of mixed dtypes."""

import numpy as np
import pytest
from op_cases import call

from convstep.errors import ArgumentError
from convstep.ops.base import Spec
from convstep.ops.checked import Wrong
from convstep.ops.registry import OPERATIONS

FLOAT = np.dtype(np.float64)
UP = {"out_channels": 2, "kernel_size": 3}


@pytest.mark.parametrize(
    ("op", "arguments", "field", "message"),
    [
        ("Conv1d", {**UP, "kernel_size": [3, 3]}, "kernel_size", "takes a positive integer or a list of 1, not [3, 3]"),
        ("ConvTranspose2d", {**UP, "padding_mode": "reflect"}, "padding_mode", "takes only zeros"),
        ("ConvTranspose2d", {**UP, "padding": "same"}, "padding", "takes an integer of 0 or more or a list of 2"),
        ("ZeroPad2d", {"padding": [1, 2]}, "padding", "takes an integer or a list of 4, not [1, 2]"),
        ("ConstantPad1d", {"padding": 1}, "value", "is missing"),
        ("Upsample", {"scale_factor": -2}, "scale_factor", "takes a positive number or a list of them, not -2"),
        ("Upsample", {"size": 2.5}, "size", "takes a positive integer or a list of them, not 2.5"),
        ("Upsample", {"size": 4, "mode": "cubic"}, "mode", "takes nearest, nearest-exact, linear"),
        ("Reshape", {"shape": [2, "a"]}, "shape", "takes a list of integers"),
        ("Sum", {"dim": 1.5}, "dim", "takes a list of integers, not 1.5"),
    ],
)
def test_arguments(op, arguments, field, message):
    with pytest.raises(Wrong) as caught:
        OPERATIONS[op](**arguments)
    (mistake,) = caught.value.mistakes
    assert mistake.where == (field,)
    assert message in mistake.what


@pytest.mark.parametrize(
    ("op", "arguments", "inputs", "argument", "message"),
    [
        ("Conv1d", UP, [(1, 1, 4, 4)], "inputs", "takes an input (N, C, L) or (C, L), not [1, 1, 4, 4]"),
        ("Conv2d", {**UP, "padding": 4, "padding_mode": "reflect"}, [(1, 1, 4, 4)], "padding", "smaller than the size"),
        ("Conv2d", {**UP, "padding": 5, "padding_mode": "circular"}, [(1, 1, 4, 4)], "padding", "goes around once"),
        ("ConvTranspose1d", {**UP, "output_padding": 1}, [(1, 1, 4)], "output_padding", "smaller than stride 1"),
        ("ConvTranspose1d", {**UP, "padding": 3}, [(1, 1, 3)], "padding", "leaves nothing of the output"),
        ("ReflectionPad1d", {"padding": 3}, [(1, 3)], "padding", "smaller than the size"),
        ("ZeroPad1d", {"padding": -2}, [(1, 4)], "padding", "leaves nothing of a size of 4"),
        ("ReplicationPad2d", {"padding": 1}, [(4, 4)], "inputs", "takes an input (N, C, H, W) or (C, H, W)"),
        ("Upsample", {}, [(1, 1, 2, 2)], "size", "give one of them"),
        ("Upsample", {"size": [4]}, [(1, 1, 2, 2)], "size", "takes one number or a list of 2, not [4]"),
        ("Upsample", {"size": 4, "mode": "linear"}, [(1, 1, 2, 2)], "inputs", "takes an input (N, C, L)"),
        ("Upsample", {"size": 4, "align_corners": True}, [(1, 1, 2)], "align_corners", "with interpolation only"),
        ("Upsample", {"scale_factor": 0.1}, [(1, 1, 2)], "scale_factor", "would leave an output of size [0]"),
        ("Unflatten", {"dim": 1, "unflattened_size": [2, 2]}, [(2, 6)], "unflattened_size", "the 6 elements"),
        ("Unflatten", {"dim": 1, "unflattened_size": []}, [(2, 1)], "unflattened_size", "takes one size or more"),
        ("Reshape", {"shape": [-1, -1]}, [(2, 6)], "shape", "-1 for one of them at most"),
        ("Reshape", {"shape": [5, -1]}, [(2, 6)], "shape", "does not hold the 12 elements"),
        ("Permute", {"dims": [0, 0]}, [(2, 3)], "dims", "takes each of the 2 dimensions of the input once"),
        ("PixelShuffle", {"upscale_factor": 2}, [(1, 6, 2, 2)], "upscale_factor", "does not divide the 6 channels"),
        ("Sum", {"dim": [0, -2]}, [(2, 3)], "dim", "takes each dimension once"),
        ("Mean", {"dim": 2}, [(2, 3)], "dim", "is 2, but an input of shape [2, 3] has -2 to 1"),
        ("Mul", {}, [(2, 3), (4,)], "inputs", "do not go together"),
        ("Sub", {}, [(2, 3)] * 3, "inputs", "takes 2 inputs, not 3"),
        ("MatMul", {}, [(2, 3), (2, 3)], "inputs", "3 columns meet 2 rows"),
        ("MatMul", {}, [(2, 2, 3), (3, 3, 1)], "inputs", "differ before the last two dimensions"),
        ("MatMul", {}, [(), (3,)], "inputs", "not scalars"),
    ],
)
def test_shapes(op, arguments, inputs, argument, message):
    with pytest.raises(ArgumentError) as caught:
        OPERATIONS[op](**arguments).bind([Spec(shape, FLOAT) for shape in inputs])
    assert caught.value.argument == argument
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("op", "arguments"),
    [
        ("Conv1d", {**UP, "padding": 10**9}),
        ("Conv1d", {**UP, "padding": 10**9, "padding_mode": "replicate"}),
        ("ConvTranspose1d", {**UP, "stride": 10**9}),
        ("ReplicationPad1d", {"padding": 10**9}),
        ("Upsample", {"scale_factor": 10**9}),
    ],
)
def test_sizes_beyond_memory_are_refused_at_once(op, arguments):
    with pytest.raises(MemoryError):
        OPERATIONS[op](**arguments).bind([Spec((1, 1, 4), FLOAT)])


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Cat"])
@pytest.mark.parametrize("shape", [(2, 2), ()])
def test_mixed_precision_is_torchs(op, shape):
    """A scalar does not widen a tensor; each gradient has its operand's dtype."""
    torch = pytest.importorskip("torch")
    if op == "Cat" and not shape:
        pytest.skip("Cat takes no scalars")
    a, b = np.full((2, 2), 3.0, np.float32), np.full(shape, 2.0)
    bound = OPERATIONS[op]().bind([Spec(x.shape, x.dtype) for x in (a, b)])
    made = call(bound, (a, b))
    tensors = torch.from_numpy(a), torch.from_numpy(b)
    sign = {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div, "Cat": lambda *x: torch.cat(x)}
    expected = sign[op](*tensors).numpy()
    assert made.output.dtype == bound.output.dtype == expected.dtype
    np.testing.assert_allclose(made.output, expected)
    gradients = bound.vjp(made, np.ones_like(made.output), [True, True])
    assert [gradient.dtype for gradient in gradients] == [a.dtype, b.dtype]


def test_whole_numbers_beside_floats():
    torch = pytest.importorskip("torch")
    a, b = np.ones((1, 2), np.float32), np.array([[1, 2]])
    made = call(OPERATIONS["Cat"]().bind([Spec(x.shape, x.dtype) for x in (a, b)]), (a, b))
    assert made.output.dtype == torch.cat([torch.from_numpy(a), torch.from_numpy(b)]).numpy().dtype
