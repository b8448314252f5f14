"""A mistake has many forms, and sits anywhere: gradients by loops that know nothing of the program."""

import numpy as np
import pytest

from convstep.engine.recording import Recording
from convstep.explain.difference import Given, compare
from convstep.network import load

numbers = np.random.default_rng(11).normal
X, K, V = numbers(size=(2, 2, 5, 5)), numbers(size=(3, 2, 3, 3)), numbers(size=(4, 27))
B, C = numbers(size=3), numbers(size=4)
LABELS = np.array([1, 3])


@pytest.fixture(scope="module")
def recording():
    """Convolution with stride 2 and padding 1, tanh, flatten, linear, cross entropy."""
    layers = [
        {"name": "c", "op": "Conv2d", "out_channels": 3, "kernel_size": 3, "stride": 2, "padding": 1,
         "weight": K, "bias": B},
        {"name": "t", "op": "Tanh"},
        {"name": "f", "op": "Flatten"},
        {"name": "l", "op": "Linear", "out_features": 4, "weight": V, "bias": C},
    ]  # fmt: skip
    inputs = {"x": X, "y": {"value": LABELS.tolist(), "dtype": "int64"}}
    return Recording(
        load({"inputs": inputs, "layers": layers, "loss": {"op": "CrossEntropyLoss", "inputs": ["l", "y"]}})
    )


def by_hand(spoilt="", *, loss=None, flat=None, kernel=None):
    """All gradients by loops. `spoilt` changes one line; the rest replace a gradient or the kernel on its way."""
    padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
    places = list(np.ndindex(3, 3))
    c = np.zeros((2, 3, 3, 3))
    for i, j in places:
        c[:, :, i, j] = np.einsum("ncab,ocab->no", padded[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3], K) + B
    t = np.tanh(c)
    scores = t.reshape(2, 27) @ V.T + C
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    g = {"l": (p - np.eye(4)[LABELS]) / 2 if loss is None else loss(p)}
    g["l.weight"], g["l.bias"], g["f"] = g["l"].T @ t.reshape(2, 27), g["l"].sum(axis=0), g["l"] @ V
    g["t"] = g["f"].reshape(2, 3, 3, 3) if flat is None else flat(g["f"])
    g["c"] = g["t"] * (1 - t**2)
    dw, dx = np.zeros_like(K), np.zeros_like(padded)
    for i, j in places:
        window = (slice(None), slice(None), slice(2 * i, 2 * i + 3), slice(2 * j, 2 * j + 3))
        share = np.einsum("no,ncab->ocab", g["c"][:, :, i, j], padded[window])
        dw = share if spoilt == "last place" else dw + share * (spoilt != "without a place" or (i, j) != (1, 2))
        dx[window] += np.einsum("no,ocab->ncab", g["c"][:, :, i, j], K if kernel is None else kernel)
    g["c.weight"], g["c.bias"] = dw, g["c"].sum(axis=(0, 2, 3))
    g["x"] = dx[:, :, 2:, 2:] if spoilt == "cut off at the wrong corner" else dx[:, :, 1:6, 1:6]
    return g


def named(recording, mine, precision="float64"):
    """The first two codes of each wrong gradient."""
    difference = compare(recording, {name: Given(g, precision) for name, g in mine.items()})
    return {c.name: [m.code for m in c.mistakes[:2]] for c in difference.gradients if not c.ok}


def test_the_loops_are_right(recording):
    assert named(recording, by_hand()) == {}


FORMS = {
    "the loss's derivative left out": ("missing-upstream", by_hand(loss=np.ones_like)),
    "by the probabilities": (
        "missing-activation-derivative", by_hand(loss=lambda p: -np.eye(4)[LABELS] / p / 2)
    ),
    "the other scores left out": ("missing-path", by_hand(loss=lambda p: (p - 1) * np.eye(4)[LABELS] / 2)),
    "channels last": ("transposed", by_hand(flat=lambda g: g.reshape(2, 3, 3, 3).transpose(0, 3, 1, 2))),
    "a place left out": ("missing-path", by_hand("without a place")),
    "the last place alone": ("missing-path", by_hand("last place")),
    "the wrong corner": ("ignored-padding", by_hand("cut off at the wrong corner")),
    "turned along one axis": ("unflipped-kernel", by_hand(kernel=K[:, :, ::-1])),
    "laid into shape": ("transposed", {**by_hand(), "l.weight": by_hand()["l.weight"].T.reshape(4, 27)}),
    "divided twice": ("mean-for-sum", by_hand(loss=lambda p: (p - np.eye(4)[LABELS]) / 4)),
    "a feature left out": ("missing-path", {**by_hand(), "c.weight": by_hand()["c.weight"] * [[[[1]], [[0]]]]}),
    "nothing handed on": ("missing-path", by_hand(flat=lambda g: 0 * g.reshape(2, 3, 3, 3))),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kept", ["all", "parameters", "one"])
def test_each_form_is_named_for_every_gradient_that_it_spoils(recording, form, kept):
    code, mine = FORMS[form]
    truth = by_hand()
    wrong = [name for name in mine if not np.allclose(mine[name], truth[name])]
    some = {"all": list(mine), "parameters": [n for n in mine if "." in n], "one": wrong[-1:]}[kept]
    found = named(recording, {name: mine[name] for name in some})
    assert set(found) == set(wrong) & set(some)
    assert all(code in codes for codes in found.values())


def test_single_precision_is_named_too(recording):
    mine = FORMS["channels last"][1]
    found = named(recording, {name: g.astype(np.float32) for name, g in mine.items()}, "float32")
    assert set(found) == {"t", "c", "c.weight", "c.bias", "x"}
    assert all(codes[:1] == ["transposed"] for codes in found.values())


@pytest.mark.parametrize("precision", ["float64", "float32", "float16", "bfloat16"])
def test_noise_in_any_precision_is_not_explained(recording, precision):
    random = np.random.default_rng(3)
    for size in (1e-2, 1e-1):
        noisy = {name: g * (1 + size * random.normal(size=g.shape)) for name, g in by_hand().items()}
        for mine in (noisy, *({name: noisy[name]} for name in ("l.bias", "c.bias", "c.weight", "x"))):
            assert not any(named(recording, mine, precision).values())


def test_two_opposite_numbers_say_nothing_about_a_factor():
    layers = [{"name": "l", "op": "Linear", "out_features": 2}]
    inputs = {"x": numbers(size=(3, 4)), "y": {"value": [0, 1, 1], "dtype": "int64"}}
    two = Recording(
        load({"inputs": inputs, "layers": layers, "loss": {"op": "CrossEntropyLoss", "inputs": ["l", "y"]}})
    )
    truth = two.iteration(0).grads["l.bias"]
    assert named(two, {"l.bias": 1.0137 * truth}) == {"l.bias": []}
    assert named(two, {"l.bias": 5 * truth}) == {"l.bias": ["constant-factor"]}


def test_numbers_made_in_single_precision_are_right_wherever_they_are_kept(recording):
    truth = by_hand()["c.weight"]
    single = truth.astype(np.float32).astype(np.float64)
    assert Given.of(single, "float64").precision == "float32"
    assert Given.of(truth, "float64").precision == "float64"
    assert Given.of(np.array([12.0, -0.5]), "float64").precision == "float64"
    assert Given.of(single, "bfloat16").precision == "bfloat16"
    assert compare(recording, {"c.weight": Given.of(single, "float64")}).ok
    assert not compare(recording, {"c.weight": Given(truth.astype(np.float16), "float64")}).ok


def right_down_to(recording, mine):
    return compare(recording, {name: Given(g, "float64") for name, g in mine.items()}).right_down_to


def test_what_is_right_by_chance_behind_a_wrong_gradient_is_not_still_right(recording):
    # A bias's sum over positions does not see that they are in another order.
    truth = by_hand()
    turned = by_hand()["c"][:, :, ::-1, ::-1]
    assert right_down_to(recording, {**truth, "c": turned, "x": 2 * truth["x"]}) == "t"
    assert right_down_to(recording, {**truth, "c.weight": 2 * truth["c.weight"]}) == "x"
    assert right_down_to(recording, {"c.bias": truth["c.bias"], "l.bias": 2 * truth["l.bias"]}) == "c.bias"
    assert right_down_to(recording, {"c": turned, "c.bias": truth["c.bias"]}) == "c.bias"
    assert right_down_to(recording, {"x": 2 * truth["x"]}) is None
