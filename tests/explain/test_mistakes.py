"""Gradients spoilt by one mistake each, by loops that know nothing of the program: the mistake is named."""

import numpy as np
import pytest
from hypothesis import given, settings
from networks import SAMPLES, networks, sample

from convstep.engine.recording import Recording
from convstep.explain.difference import Given, compare
from convstep.explain.mistakes import mistakes_of_element
from convstep.network import load

numbers = np.random.default_rng(5).normal


def conv_net(reduction="mean", stride=2, padding=1, between="Tanh", **more):
    """Two convolutions with an activation between them: channels, batch, stride, padding, biases."""
    return {
        "inputs": {"x": X, "y": 0.0 * X[:1, :1, :1, :1] + numbers(size=(3, 2, 2, 2))},
        "layers": [
            {"name": "c1", "op": "Conv2d", "out_channels": 3, "kernel_size": 3, "stride": stride, "padding": padding,
             "weight": W1, "bias": [0.1, -0.2, 0.3]},
            {"name": "act", "op": between},
            {"name": "c2", "op": "Conv2d", "out_channels": 2, "kernel_size": 2, "weight": W2, "bias": [0.3, -0.1]},
        ],
        "loss": {"name": "C", "op": "MSELoss", "inputs": ["c2", "y"], "reduction": reduction},
        **more,
    }  # fmt: skip


X, W1, W2 = numbers(size=(3, 2, 6, 6)), numbers(size=(3, 2, 3, 3)), numbers(size=(2, 3, 2, 2))


def recorded(source):
    return Recording(load(source))


def codes(recording, tensor, wrong, index=None):
    return [m.code for m in mistakes_of_element(recording, tensor, index, wrong)]


@pytest.fixture(scope="module")
def conv():
    """The net of two convolutions, its gradients and values."""
    recording = recorded(conv_net())
    iteration = recording.iteration(0)
    return recording, iteration.grads, iteration.values


def slide(x, w, g, stride, padding, *, reads=None, turned=False, overwrite=False):
    """(dx, dw) by loops: `reads` is the stride with which windows are taken, `overwrite` lets the last window win."""
    reads = reads or stride
    around = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(x, around)
    dx, dw = np.zeros_like(padded), np.zeros_like(w)
    kh, kw = w.shape[2:]
    for n in range(len(g)):
        for i in range(g.shape[2]):
            for j in range(g.shape[3]):
                share = 0
                window = (n, slice(None), slice(i * reads, i * reads + kh), slice(j * reads, j * reads + kw))
                for o in range(g.shape[1]):
                    share = share + g[n, o, i, j] * (w[o][:, ::-1, ::-1] if turned else w[o])
                    dw[o] += g[n, o, i, j] * padded[window]
                dx[window] = share if overwrite else dx[window] + share
    h, v = x.shape[2:]
    return dx[:, :, padding : padding + h, padding : padding + v], dw, dx


def test_the_loops_are_right(conv):
    recording, grads, values = conv
    dx, dw, _ = slide(values["x"], W1, grads["c1"], 2, 1)
    assert np.allclose(dx, grads["x"]) and np.allclose(dw, grads["c1.weight"])
    assert codes(recording, "x", dx) == codes(recording, "c1.weight", dw) == []


def spoilt_convolution(grads, values):
    """(code, tensor, wrong numbers)."""
    x, g, a = values["x"], grads["c1"], values["act"]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    outputs = g.shape[2]
    sums = np.zeros_like(W1)
    for o, c, i, j in np.ndindex(*W1.shape):
        read = padded[:, c, i : i + 2 * outputs : 2, j : j + 2 * outputs : 2][:, :outputs, :outputs]
        sums[o, c, i, j] = read.sum() * g[:, o].sum()
    g2 = grads["c2"]
    yield "sum-before-multiply", "c1.weight", sums
    yield "missing-upstream", "c1.weight", slide(x, W1, np.ones_like(g), 2, 1)[1]
    yield "missing-upstream", "x", slide(x, W1, np.ones_like(g), 2, 1)[0]
    yield "missing-activation-derivative", "c1.weight", slide(x, W1, grads["act"], 2, 1)[1]
    yield "missing-activation-derivative", "x", slide(x, W1, grads["act"], 2, 1)[0]
    yield "missing-activation-derivative", "c1.bias", grads["act"].sum(axis=(0, 2, 3))
    yield "unflipped-kernel", "x", slide(x, W1, g, 2, 1, turned=True)[0]
    wrong = slide(a, W2, g2, 1, 0, turned=True)[0] * (1 - a**2)
    yield "unflipped-kernel", "c1", wrong
    yield "unflipped-kernel", "c1.weight", slide(x, W1, wrong, 2, 1)[1]
    yield "unflipped-kernel", "c1.bias", wrong.sum(axis=(0, 2, 3))
    yield "reversed-gradient", "c1.weight", grads["c1.weight"][:, :, ::-1, ::-1]
    yield "transposed", "c1.weight", grads["c1.weight"].swapaxes(2, 3)
    yield "transposed", "c1.weight", grads["c1.weight"].swapaxes(0, 1)
    yield "transposed", "c1.weight", grads["c1.weight"].T
    yield "ignored-stride", "x", slide(x, W1, g, 2, 1, reads=1)[0]
    yield "ignored-stride", "c1.weight", slide(x, W1, g, 2, 1, reads=1)[1]
    yield "ignored-padding", "x", slide(x, W1, g, 2, 1)[2][:, :, :6, :6]
    wrong = np.zeros_like(W1)
    for n, o, i, j in np.ndindex(*g.shape):
        window = x[n, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        wrong[o, :, : window.shape[1], : window.shape[2]] += g[n, o, i, j] * window
    yield "ignored-padding", "c1.weight", wrong
    yield "ignored-padding", "c1.weight", slide(x, W1, g[:, :, :2, :2], 2, 0)[1]
    yield "overwritten-overlap", "x", slide(x, W1, g, 2, 1, overwrite=True)[0]
    wrong = slide(a, W2, g2, 1, 0, overwrite=True)[0]
    yield "overwritten-overlap", "act", wrong
    yield "overwritten-overlap", "c1.weight", slide(x, W1, wrong * (1 - a**2), 2, 1)[1]
    yield "missing-path", "act", slide(a, W2[:1], g2[:, :1], 1, 0)[0]
    yield "missing-path", "x", slide(x, W1[1:], g[:, 1:], 2, 1)[0]
    yield "missing-path", "c1.weight", slide(x[:1], W1, g[:1], 2, 1)[1]
    yield "missing-bias-sum", "c1.bias", g.sum(axis=(2, 3))[0]
    yield "missing-bias-sum", "c1.bias", g.sum(axis=0)[:, 1, 1]
    yield "missing-bias-sum", "c1.bias", g[0, :, 0, 0]
    yield "mean-for-sum", "c1.bias", g.mean(axis=(0, 2, 3))
    yield "mean-for-sum", "c1.weight", grads["c1.weight"] / 3
    yield "mean-for-sum", "c2.bias", g2.mean(axis=0).sum(axis=(1, 2))
    for tensor in ("c2", "c2.weight", "c1.weight", "x"):
        yield "sum-for-mean", tensor, grads[tensor] * g2.size
        yield "constant-factor", tensor, grads[tensor] / 2
        yield "constant-factor", tensor, grads[tensor] * 0.3
        yield "constant-factor", tensor, grads[tensor] / g2.size
        yield "wrong-sign", tensor, -grads[tensor]


def test_each_mistake_of_a_convolution_is_among_the_first_two(conv):
    recording, grads, values = conv
    for code, tensor, wrong in spoilt_convolution(grads, values):
        assert code in codes(recording, tensor, wrong)[:2], (code, tensor)


def test_where_the_mistake_sits_is_named(conv):
    recording, grads, values = conv
    wrong = slide(values["x"], W1, grads["act"], 2, 1)[1]
    found = mistakes_of_element(recording, "c1.weight", None, wrong)[0]
    assert found.as_json() == {"code": "missing-activation-derivative", "at": "act"}
    found = mistakes_of_element(recording, "c1.weight", None, 7 * grads["c1.weight"])[0]
    assert found.as_json() == {"code": "constant-factor", "factor": 7.0}


def test_all_activations_left_out():
    source = conv_net(between="Sigmoid")
    source["layers"].append({"name": "last", "op": "Tanh"})
    source["loss"]["inputs"] = ["last", "y"]
    recording = recorded(source)
    iteration = recording.iteration(0)
    upstream = slide(iteration.values["act"], W2, iteration.grads["last"], 1, 0)[0]
    wrong = slide(iteration.values["x"], W1, upstream, 2, 1)[1]
    assert codes(recording, "c1.weight", wrong) == ["missing-activation-derivative"]


def pooled(size, stride, values):
    """A maximum pool on a plane, with a plain upstream gradient."""
    outputs = (values.shape[-1] - size) // stride + 1
    return {
        "inputs": {"x": values},
        "layers": [{"name": "m", "op": "MaxPool2d", "kernel_size": size, "stride": stride}],
        "gradient": {"m": 1.0 + np.arange(outputs**2).reshape(1, 1, outputs, outputs) ** 2},
    }


def spoilt_pool(values, upstream, size, stride):
    """(code, wrong numbers) of a plane, its maxima taken by loops."""
    shapes = {name: np.zeros_like(values) for name in ("window", "mean", "ties", "shared", "overwritten")}
    for i, j in np.ndindex(*upstream.shape):
        part = (slice(i * stride, i * stride + size), slice(j * stride, j * stride + size))
        ties = values[part] == values[part].max()
        first = np.unravel_index(values[part].argmax(), (size, size))
        shapes["window"][part] += upstream[i, j]
        shapes["mean"][part] += upstream[i, j] / size**2
        shapes["ties"][part] += ties * upstream[i, j]
        shapes["shared"][part] += ties * upstream[i, j] / ties.sum()
        shapes["overwritten"][i * stride + first[0], j * stride + first[1]] = upstream[i, j]
    for name, wrong in shapes.items():
        yield "overwritten-overlap" if name == "overwritten" else "pool-spread", wrong


def test_each_mistake_of_a_maximum_with_overlaps_and_ties():
    values = np.array(
        [[1, 5, 5, 2, 0], [5, 9, 3, 9, 1], [2, 3, 9, 4, 4], [0, 7, 7, 2, 6], [6, 1, 0, 6, 6]], dtype=float
    )
    recording = recorded(pooled(3, 1, values[None, None]))
    upstream = recording.iteration(0).grads["m"][0, 0]
    for code, wrong in spoilt_pool(values, upstream, 3, 1):
        assert code in codes(recording, "x", wrong[None, None])[:2]


def test_a_pool_upstream_of_the_gradient():
    recording = recorded(sample("conv_pool_sigmoid"))
    iteration = recording.iteration(0)
    x, upstream, c = iteration.values["x"], iteration.grads["pool"], iteration.values["conv"]
    spread = np.repeat(np.repeat(upstream, 2, axis=2), 2, axis=3)
    assert spread.shape == c.shape
    weight = iteration.values["conv.weight"]
    assert "pool-spread" in codes(recording, "conv.weight", slide(x, weight, spread, 1, 0)[1])[:2]
    assert "pool-spread" in codes(recording, "conv.weight", slide(x, weight, spread / 4, 1, 0)[1])[:2]


def test_one_use_of_a_shared_weight_left_out():
    w, x = numbers(size=(3, 3)), numbers(size=(2, 3))
    source = {
        "inputs": {"x": x},
        "layers": [
            {"name": "a", "op": "Linear", "out_features": 3, "bias": False, "weight": w},
            {"name": "b", "op": "Linear", "out_features": 3, "bias": False, "weight": "a.weight"},
            {"name": "s", "op": "Add", "inputs": ["b", "a"]},
        ],
        "gradient": {"s": numbers(size=(2, 3))},
    }
    recording = recorded(source)
    g, a = recording.iteration(0).grads["s"], x @ w.T
    only_last, only_first = g.T @ a, (g + g @ w).T @ x
    assert np.allclose(only_last + only_first, recording.iteration(0).grads["a.weight"])
    assert codes(recording, "a.weight", only_last)[:1] == ["missing-path"]
    assert codes(recording, "a.weight", only_first)[:1] == ["missing-path"]
    # A branch left out farther up.
    assert "missing-path" in codes(recording, "x", g @ w)[:2]
    assert "missing-path" in codes(recording, "x", (g @ w) @ w)[:2]
    assert codes(recording, "x", (g + g @ w.T) @ w)[:1] == ["transposed"]


def test_softmax_taken_for_a_function_of_each_element_alone():
    source = {"inputs": {"x": numbers(size=(2, 4))}, "layers": [{"name": "s", "op": "Softmax", "dim": 1}]}
    recording = recorded({**source, "gradient": {"s": numbers(size=(2, 4))}})
    s, g = (tensors["s"] for tensors in (recording.iteration(0).values, recording.iteration(0).grads))
    assert codes(recording, "x", g * s * (1 - s))[:1] == ["missing-path"]


def test_a_batch_norm_whose_mean_and_variance_are_taken_for_constants():
    x, g, weight = numbers(size=(3, 2, 4, 4)), numbers(size=(3, 2, 4, 4)), np.array([0.5, 2.0])
    layer = {"name": "b", "op": "BatchNorm2d", "weight": weight}
    recording = recorded({"inputs": {"x": x}, "layers": [layer], "gradient": {"b": g}})
    rate = weight.reshape(1, 2, 1, 1) / np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + 1e-5)
    assert codes(recording, "x", g * rate)[:1] == ["missing-path"]
    assert codes(recording, "x", (g - g.mean(axis=(0, 2, 3), keepdims=True)) * rate)[:1] == ["missing-path"]


def test_the_upstream_gradient_of_a_stride_as_it_is():
    # A library's transposed convolution without the stride: a smaller result, filled up with zeros.
    recording = recorded(conv_net(stride=3, padding=1, loss=None, gradient={"c1": numbers(size=(3, 3, 2, 2))}))
    g = recording.iteration(0).grads["c1"]
    full = slide(np.zeros((3, 2, 4, 4)), W1, g, 1, 0)[0]
    whole, cut = np.zeros_like(X), np.zeros_like(X)
    whole[:, :, :4, :4], cut[:, :, :2, :2] = full, full[:, :, 1:3, 1:3]
    assert codes(recording, "x", whole)[:1] == codes(recording, "x", cut)[:1] == ["ignored-stride"]


def test_what_is_left_of_numbers_that_cancel_is_no_difference():
    # A constant in front of a batch norm makes no difference: its gradient is 0, to within rounding.
    x, g = numbers(size=(4, 3)), numbers(size=(4, 3))
    layers = [{"name": "f", "op": "Linear", "out_features": 3}, {"name": "b", "op": "BatchNorm1d"}]
    recording = recorded({"inputs": {"x": x}, "layers": layers, "gradient": {"b": g}})
    assert codes(recording, "f.bias", np.zeros(3)) == codes(recording, "f.bias", np.full(3, 1.1)) == []
    assert compare(recording, {"f.bias": Given(np.zeros(3), "float64")}).ok
    assert not compare(recording, {"f.bias": Given(np.full(3, 1e-6), "float64")}).ok


def test_a_channel_that_stayed_zero(conv):
    recording, grads, _ = conv
    wrong = grads["c1.weight"].copy()
    wrong[:, 1] = 0
    assert codes(recording, "c1.weight", wrong) == ["missing-path"]


def test_a_sum_for_the_mean_of_cross_entropy():
    recording = recorded(sample("digits"))
    grads = recording.iteration(0).grads
    for tensor in ("fc2.weight", "conv1.weight", "images"):
        assert codes(recording, tensor, grads[tensor] * 4)[:2] == ["sum-for-mean", "constant-factor"]
    assert codes(recording, "fc1.bias", grads["tanh3"].sum(axis=0))[:1] == ["missing-activation-derivative"]
    assert codes(recording, "conv2.bias", grads["conv2"].sum(axis=(2, 3))[0])[:1] == ["missing-bias-sum"]


def test_single_elements():
    recording = recorded(sample("two_conv"))
    assert codes(recording, "o1.weight", 144, 0)[0] == "sum-before-multiply"
    assert codes(recording, "o1.weight", 12, 0)[0] == "missing-upstream"
    assert codes(recording, "o1.weight", 30, 0)[0] == "wrong-sign"
    assert "constant-factor" in codes(recording, "o1.weight", -15, 0)
    assert codes(recording, "o1.weight", -30, 0) == []
    assert codes(recording, "o1.weight", -31.7, 0) == []
    assert mistakes_of_element(recording, "nothing", 0, 1) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_noise_is_not_explained(name):
    recording = recorded(sample(name))
    random = np.random.default_rng(0)
    for tensor, truth in recording.iteration(0).grads.items():
        wrong = truth * (1 + 1e-3 * random.normal(size=truth.shape))
        assert codes(recording, tensor, wrong) == []
        one = truth.copy()
        one.reshape(-1)[random.integers(truth.size)] += 1.2345e-3
        assert codes(recording, tensor, one) == []


@settings(max_examples=15, deadline=None)
@given(networks(5))
def test_right_gradients_are_right_and_signs_are_found(source):
    recording = recorded(source)
    grads = recording.iteration(0).grads
    finite = {k: g for k, g in grads.items() if np.isfinite(g).all()}
    assert compare(recording, {name: Given(g, "float64") for name, g in finite.items()}).ok
    for name, g in finite.items():
        if np.abs(g).max(initial=0) > 1e-9:
            assert "wrong-sign" in codes(recording, name, -g)


def test_a_mistake_upstream_of_several_gradients_is_named_for_all_of_them(conv):
    recording, grads, values = conv
    wrong = slide(values["act"], W2, grads["c2"], 1, 0, turned=True)[0] * (1 - values["act"] ** 2)
    dx, dw, _ = slide(values["x"], W1, wrong, 2, 1)
    mine = {"c2.weight": grads["c2.weight"], "c1.weight": dw, "c1.bias": wrong.sum(axis=(0, 2, 3)), "x": dx}
    difference = compare(recording, {name: Given(g, "float64") for name, g in mine.items()})
    assert [[m.as_json() for m in c.mistakes[:1]] for c in difference.gradients] == [
        [],
        *[[{"code": "unflipped-kernel", "at": "c2"}]] * 3,
    ]
    assert (difference.right_down_to, difference.ok) == ("c2.weight", False)
