"""A whole run agrees with torch: values, gradients, parameters, momentum, losses, after several iterations."""

import numpy as np
import pytest
from hypothesis import given, settings
from networks import networks
from picked import PICKED
from torch_networks import ANSWERS, answers

import convstep
from convstep.network import load

EVERY_PICKED = pytest.mark.parametrize("name", PICKED)


def arrays(source):
    return convstep.run(source).arrays()


def agree(source, expected, tolerance):
    actual = arrays(source)
    assert set(actual) == set(expected)
    for name, array in expected.items():
        assert actual[name].shape == array.shape, name
        if name != "losses":
            assert actual[name].dtype == array.dtype, name
        np.testing.assert_allclose(actual[name], array, rtol=tolerance, atol=tolerance, err_msg=name)


@EVERY_PICKED
def test_stored_answers(name):
    with np.load(ANSWERS) as stored:
        expected = {key.removeprefix(f"{name}/"): stored[key] for key in stored.files if key.startswith(f"{name}/")}
    agree(PICKED[name], expected, 1e-5 if name == "single_precision" else 1e-10)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@EVERY_PICKED
def test_torch_itself(name):
    pytest.importorskip("torch")
    agree(PICKED[name], answers(load(PICKED[name])), 1e-5 if name == "single_precision" else 1e-10)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=60)
@given(networks())
def test_random_networks(source):
    pytest.importorskip("torch")
    agree(source, answers(load(source)), 1e-10)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=20)
@given(networks())
def test_random_networks_in_single_precision(source):
    pytest.importorskip("torch")
    agree({**source, "dtype": "float32"}, answers(load({**source, "dtype": "float32"})), 2e-4)
