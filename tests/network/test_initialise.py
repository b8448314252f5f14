"""Initialisers: the same numbers everywhere, torch's bounds, torch's arguments."""

from __future__ import annotations

from math import cos, log, pi, sin, sqrt
from typing import Any

import numpy as np
import pytest

from convstep.errors import ArgumentError
from convstep.network import load
from convstep.network.draw import Draw
from convstep.network.initialise import INITIALISERS, fans, gain_of, initialise

SHAPE = (60, 40, 3, 3)


def draw(init: str, shape: tuple[int, ...] = SHAPE, **arguments: Any) -> Any:
    return initialise({"init": init, **arguments}, shape, 0, "w")


def test_the_derivation_stays_as_it_is() -> None:
    """These numbers are part of the file format."""
    # By hand: int(sha256(b"3:conv1.weight")) seeds PCG64; (word >> 11) · 2⁻⁵³.
    expected = [0.517848309559668, 0.4310272372678938, 0.20027366793488421, 0.7686467028750849]
    assert initialise({"init": "uniform"}, (4,), 3, "conv1.weight").tolist() == expected
    # Four normals from radii (the first two) and angles (the last two).
    (u, v), (s, t) = expected[:2], expected[2:]
    normal = [
        sqrt(-2 * log(1 - radius)) * turn(2 * pi * angle) for radius, angle in ((u, s), (v, t)) for turn in (cos, sin)
    ]
    np.testing.assert_allclose(initialise({"init": "normal"}, (4,), 3, "conv1.weight"), normal, rtol=1e-14)


def test_same_seed_and_name_same_numbers_whatever_else_there_is() -> None:
    def weight(*names: str, **more: Any) -> Any:
        layers = [{"name": name, "op": "Linear", "out_features": 3} for name in names]
        return load({"inputs": {"x": [[1.0, 2.0, 3.0]]}, "layers": layers, **more}).parameters["b.weight"]

    assert np.array_equal(weight("b"), weight("a", "b", "c"))
    assert not np.array_equal(weight("b"), weight("b", seed=1))
    assert np.array_equal(weight("b", seed=5), weight("b", seed=5))
    assert np.array_equal(weight("b", dtype="float32"), weight("b").astype(np.float32))


def test_the_seed_of_a_tensor_replaces_the_seed_of_the_net() -> None:
    def tensor(seed: int | None, net_seed: int) -> Any:
        x = {"init": "normal", "shape": [4], **({} if seed is None else {"seed": seed})}
        return load({"inputs": {"x": x}, "layers": [{"name": "r", "op": "ReLU"}], "seed": net_seed}).data["x"]

    assert np.array_equal(tensor(3, 0), tensor(3, 1))
    assert np.array_equal(tensor(3, 0), tensor(None, 3))
    assert not np.array_equal(tensor(None, 0), tensor(None, 1))


@pytest.mark.parametrize(
    ("init", "arguments", "bound"),
    [
        ("uniform", {"a": -0.5, "b": 0.5}, 0.5),
        ("xavier_uniform", {"gain": 2.0}, 2 * sqrt(6 / (360 + 540))),
        ("kaiming_uniform", {"a": sqrt(5)}, 1 / sqrt(360)),
        ("kaiming_uniform", {"mode": "fan_out", "nonlinearity": "relu"}, sqrt(2) * sqrt(3 / 540)),
    ],
)
def test_uniform_bounds(init: str, arguments: dict[str, Any], bound: float) -> None:
    values = draw(init, **arguments)
    assert -bound <= values.min() < -0.99 * bound
    assert 0.99 * bound < values.max() < bound
    assert abs(values.mean()) < 0.02 * bound


@pytest.mark.parametrize(
    ("init", "arguments", "std"),
    [
        ("normal", {"std": 0.5}, 0.5),
        ("xavier_normal", {}, sqrt(2 / 900)),
        ("kaiming_normal", {"nonlinearity": "tanh"}, 5 / 3 / sqrt(360)),
        ("kaiming_normal", {}, sqrt(2 / 360)),
    ],
)
def test_normal_deviations(init: str, arguments: dict[str, Any], std: float) -> None:
    values = draw(init, **arguments)
    assert values.std() == pytest.approx(std, rel=0.02)
    assert abs(values.mean()) < 0.02 * std
    assert np.mean(np.abs(values) < std) == pytest.approx(0.6827, abs=0.01)


def test_truncated_normal() -> None:
    values = draw("trunc_normal", mean=1.0, std=2.0, a=0.0, b=2.0)
    assert values.min() >= 0
    assert values.max() <= 2
    assert values.mean() == pytest.approx(1.0, abs=0.02)


def test_numbers_that_are_not_random() -> None:
    assert draw("zeros", (2,)).tolist() == [0, 0]
    assert draw("ones", (2,)).tolist() == [1, 1]
    assert draw("constant", (2,), val=3).tolist() == [3, 3]
    assert draw("eye", (2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_orthogonal_rows_or_columns() -> None:
    wide, tall = draw("orthogonal", (3, 2, 2), gain=2.0).reshape(3, 4), draw("orthogonal", (5, 3))
    np.testing.assert_allclose(wide @ wide.T, 4 * np.eye(3), atol=1e-12)
    np.testing.assert_allclose(tall.T @ tall, np.eye(3), atol=1e-12)


def test_sparse_columns() -> None:
    assert ((draw("sparse", (10, 4), sparsity=0.25) == 0).sum(axis=0) == 3).all()


@pytest.mark.parametrize(("shape", "groups"), [((4, 2, 3), 2), ((2, 3, 3, 3), 1), ((3, 3, 2, 2, 2), 1), ((6, 2, 3), 3)])
def test_agrees_with_torch_where_nothing_is_random(shape: tuple[int, ...], groups: int) -> None:
    torch = pytest.importorskip("torch")
    expected = torch.nn.init.dirac_(torch.empty(shape, dtype=torch.float64), groups)
    assert np.array_equal(draw("dirac", shape, groups=groups), expected.numpy())
    assert fans(shape) == torch.nn.init._calculate_fan_in_and_fan_out(expected)


@pytest.mark.parametrize("nonlinearity", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains_are_those_of_torch(nonlinearity: str) -> None:
    torch = pytest.importorskip("torch")
    slope = 0.3 if nonlinearity == "leaky_relu" else None
    assert gain_of(nonlinearity, 0.3) == pytest.approx(torch.nn.init.calculate_gain(nonlinearity, slope), rel=1e-15)


def test_names_and_arguments_are_those_of_torch() -> None:
    import inspect

    torch = pytest.importorskip("torch")
    for name, function in INITIALISERS.items():
        theirs = inspect.signature(getattr(torch.nn.init, f"{name}_")).parameters
        for argument, ours in list(inspect.signature(function).parameters.items())[2:]:
            assert ours.default == theirs[argument].default, (name, argument)
        assert set(theirs) - set(inspect.signature(function).parameters) <= {"tensor", "generator"}


def test_default_initialisation_is_that_of_torch() -> None:
    """kaiming_uniform with a = √5, that is U(−1/√fan_in, 1/√fan_in), for weight and bias."""
    layer = {"name": "c", "op": "Conv2d", "out_channels": 64, "kernel_size": 3}
    net = load({"inputs": {"x": {"shape": [1, 16, 3, 3], "value": 0}}, "layers": [layer]})
    for name in ("c.weight", "c.bias"):
        largest = np.abs(net.parameters[name]).max()
        assert 0.9 / 12 < largest < 1 / 12


@pytest.mark.parametrize(
    ("how", "argument", "message"),
    [
        ({"init": "nrmal"}, "init", "did you mean 'normal'"),
        ({"init": "normal", "sdt": 1}, "sdt", "did you mean 'std'"),
        ({"init": "uniform", "a": 2}, "b", "is 1, below a = 2"),
        ({"init": "normal", "std": True}, "std", "takes a number, not true"),
        ({"init": "kaiming_normal", "mode": 3}, "mode", "takes a word"),
        ({"init": "sparse", "sparsity": 2}, "sparsity", "from 0 to 1"),
    ],
)
def test_mistakes(how: dict[str, Any], argument: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        initialise(how, (2, 2), 0, "w")
    assert caught.value.argument == argument


@pytest.mark.parametrize("count", [1, 70_001])
def test_normal_numbers_come_from_pairs_of_one_stream(count: int) -> None:
    """The format's derivation to the letter: all first numbers of the pairs, then all second ones."""
    half = (count + 1) // 2
    first, second = Draw(3, "x").uniform((2, half))
    radius, angle = np.sqrt(-2 * np.log(1 - first)), 2 * np.pi * second
    told = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count]
    draw = Draw(3, "x", np.dtype(np.float32))
    assert np.array_equal(Draw(3, "x").normal((count,)), told)
    assert np.array_equal(draw.around((count,), 0.5, 2.0), (told * 2 + 0.5).astype(np.float32))
    assert draw.uniform((1,))[0] == Draw(3, "x").uniform((2 * half + 1,))[-1]
