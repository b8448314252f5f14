"""Random geometries of convolution, padding and upsampling, with what torch gives or refuses."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from op_cases import call
from test_geometries import agree, hold
from torch_oracle import answers

from convstep.errors import ArgumentError
from convstep.ops.base import Spec
from convstep.ops.registry import OPERATIONS

pytestmark = pytest.mark.filterwarnings("error")
QUICK = settings(max_examples=80, deadline=None, derandomize=True, database=None)
CHANNELS = st.sampled_from([(1, 1, 1), (2, 1, 2), (2, 2, 2), (1, 3, 1), (2, 2, 4)])


def sizes(axes, least, most):
    return st.lists(st.integers(least, most), min_size=axes, max_size=axes)


@st.composite
def kernels(draw, modes, most=7):
    """An input's sizes and the arguments of a convolution over as many axes."""
    axes = draw(st.integers(1, 3))
    shape = draw(sizes(axes, 1, most if axes < 3 else 3))
    arguments = {name: draw(sizes(axes, 1, 3 if axes < 3 else 2)) for name in ("kernel_size", "stride")}
    arguments["dilation"] = draw(sizes(axes, 1, 2))
    if modes:
        arguments["padding_mode"] = draw(st.sampled_from(modes))
    arguments["padding"] = draw(sizes(axes, 0, 3 if axes < 3 else 1))
    return axes, shape, {**arguments, "bias": draw(st.booleans())}


def numbers(shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


@QUICK
@given(kernels(["zeros", "reflect", "replicate", "circular"]), CHANNELS, st.integers(1, 2))
def test_convolution(kernel, channels, samples):
    axes, shape, arguments = kernel
    groups, per_group, outputs = channels
    arguments |= {"groups": groups, "out_channels": outputs}
    hold(f"Conv{axes}d", arguments, numbers([samples, groups * per_group, *shape]))


@QUICK
@given(kernels([], most=4), CHANNELS, st.integers(1, 2), st.integers(0, 2))
def test_transposed_convolution(kernel, channels, samples, extra):
    axes, shape, arguments = kernel
    groups, per_group, outputs = channels
    arguments |= {"groups": groups, "out_channels": outputs, "output_padding": extra}
    hold(f"ConvTranspose{axes}d", arguments, numbers([samples, groups * per_group, *shape]))


@st.composite
def pads(draw):
    axes = draw(st.integers(1, 3))
    shape = draw(sizes(axes, 1, 5 if axes < 3 else 3))
    kind = draw(st.sampled_from(["Zero", "Constant", "Reflection", "Replication", "Circular"]))
    arguments = {"padding": draw(sizes(2 * axes, -2, 3 if axes < 3 else 1))}
    return f"{kind}Pad{axes}d", shape, arguments | ({"value": 2.5} if kind == "Constant" else {})


@QUICK
@given(pads(), st.integers(1, 2))
def test_padding(pad, channels):
    name, shape, arguments = pad
    hold(name, arguments, numbers([channels, *shape]))


@QUICK
@given(pads())
def test_what_torch_refuses_to_pad_is_refused(pad):
    torch = pytest.importorskip("torch")
    name, shape, arguments = pad
    refused = False
    try:
        OPERATIONS[name](**arguments).bind([Spec((1, 1, *shape), np.dtype(float))])
    except ArgumentError:
        refused = True
    module = getattr(torch.nn, name)(**{**arguments, "padding": tuple(arguments["padding"])})
    try:
        padded = module(torch.zeros((1, 1, *shape)))
    except RuntimeError:
        assert refused
    else:
        # Torch pads to nothing, too, and reads what is not there yet where it cuts off and wraps around.
        assert not refused or not padded.numel() or min(arguments["padding"]) < 0


@st.composite
def upsamplings(draw):
    mode = draw(st.sampled_from(["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear"]))
    axes = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}.get(mode) or draw(st.integers(1, 3))
    arguments = {"mode": mode}
    if draw(st.booleans()):
        arguments["size"] = draw(sizes(axes, 1, 6 if axes < 3 else 3))
    else:
        # Over one or three axes torch's gradient is not that of its output, where these are between two whole factors.
        whole = mode == "nearest" and axes != 2
        factors = st.sampled_from([0.5, 1.0, 2.0, 3.0] if whole else [0.5, 0.7, 1.0, 1.3, 2.0, 2.5, 3.0])
        arguments["scale_factor"] = draw(st.lists(factors, min_size=axes, max_size=axes))
        arguments["recompute_scale_factor"] = draw(st.sampled_from([None, True, False]))
    if not mode.startswith("nearest"):
        arguments["align_corners"] = draw(st.booleans())
    return draw(sizes(axes, 1, 6 if axes < 3 else 3)), arguments


@QUICK
@given(upsamplings(), st.integers(1, 2))
def test_upsampling(upsampling, channels):
    shape, arguments = upsampling
    hold("Upsample", arguments, numbers([1, channels, *shape]))


@QUICK
@given(upsamplings())
def test_upsampling_of_infinities(upsampling):
    pytest.importorskip("torch")
    shape, arguments = upsampling
    # A place just beside a pixel, or on it with the weight 0: there torch's compiler decides who the neighbours are.
    assume(arguments["mode"] != "bicubic")
    pixels = numbers([1, 1, *shape])
    pixels.reshape(-1)[0], pixels.reshape(-1)[-1] = np.inf, np.nan
    try:
        op = OPERATIONS["Upsample"](**arguments).bind([Spec(pixels.shape, pixels.dtype)])
    except ArgumentError:
        assume(False)
    np.testing.assert_allclose(call(op, (pixels,)).output, answers(op, (pixels,))["output"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("outputs", [150, 401, 600])
def test_upsampling_of_long_axes(outputs):
    pytest.importorskip("torch")
    line = numbers([1, 2, 300])
    op = OPERATIONS["Upsample"](size=outputs, mode="linear").bind([Spec(line.shape, line.dtype)])
    agree(op, (line,))


@QUICK
@given(upsamplings())
def test_nearest_places_in_float32(upsampling):
    """A place that falls between two inputs falls to the same one as in torch, whatever the precision."""
    pytest.importorskip("torch")
    shape, arguments = upsampling
    assume(arguments["mode"].startswith("nearest"))
    pixels = numbers([1, 1, *shape]).astype(np.float32)
    try:
        op = OPERATIONS["Upsample"](**arguments).bind([Spec(pixels.shape, pixels.dtype)])
    except ArgumentError:
        assume(False)
    assert np.array_equal(call(op, (pixels,)).output, answers(op, (pixels,))["output"])
