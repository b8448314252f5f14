"""Whoever makes a mistake of contract §3 in a sample net sees another number than the truth."""

from pathlib import Path

import pytest
import yaml
from networks import sample
from unnoticed import Unnoticed, unnoticed

from convstep.engine.recording import Recording
from convstep.network import load

_SAMPLES = Path(sample("two_conv")).parent
_TOO_LARGE = "resnet18"
"""Its numbers are random, and nobody works them out by hand."""

NETS = sorted(path.relative_to(_SAMPLES).as_posix() for path in _SAMPLES.rglob("*.yaml") if path.stem != _TOO_LARGE)


@pytest.mark.parametrize("net", NETS)
def test_no_mistake_that_applies_gives_the_truth(net):
    assert unnoticed(Recording(load(_SAMPLES / net))) == ()


def two_conv(**changes):
    """The sample net, with other kernels, inputs, or an activation behind the first convolution."""
    source = yaml.safe_load(Path(sample("two_conv")).read_text())
    first, second = source["layers"]
    first["weight"] = changes.get("w1", first["weight"])
    second["weight"] = changes.get("w2", second["weight"])
    if "between" in changes:
        second["inputs"] = ["a"]
        source["layers"].insert(1, {"name": "a", "op": changes["between"]})
    source["inputs"]["i"]["value"] = changes.get("i", source["inputs"]["i"]["value"])
    del source["claims"]
    return unnoticed(Recording(load(source)))


def test_a_kernel_that_is_the_same_when_turned():
    found = two_conv(w2={"value": [1, 2, 2, 1]})
    assert Unnoticed("unflipped-kernel", "o2", "o1.weight") in found
    assert all(one.code in ("unflipped-kernel", "reversed-gradient", "transposed") for one in found)


def test_an_activation_whose_derivative_is_1_everywhere():
    assert set(two_conv(between="ReLU")) == {
        Unnoticed("missing-activation-derivative", "a", tensor) for tensor in ("i", "o1.weight")
    }
    assert two_conv(between="Tanh") == ()


def test_a_gradient_that_is_0():
    dead = two_conv(between="ReLU", i=[-1, -2, -3, -4, -5, -6, -7, -8, -9])
    assert Unnoticed("wrong-sign", "o1", "o1.weight") in dead


def test_what_is_so_by_mathematics_is_no_matter_of_numbers():
    # A shift in front of a batch norm has the gradient 0, whatever its sign; a bias's sum knows no order.
    layers = [
        {"name": "c", "op": "Conv2d", "out_channels": 2, "kernel_size": 2},
        {"name": "b", "op": "BatchNorm2d"},
        {"name": "d", "op": "Conv2d", "out_channels": 2, "kernel_size": 2},
    ]
    inputs = {"x": {"init": "normal", "shape": [2, 2, 5, 5]}, "y": {"init": "normal", "shape": [2, 2, 3, 3]}}
    source = {"inputs": inputs, "layers": layers, "loss": {"op": "MSELoss", "inputs": ["d", "y"]}}
    assert unnoticed(Recording(load(source))) == ()
