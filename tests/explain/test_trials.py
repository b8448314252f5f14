"""Other numbers for a network: near ones keep order, ties, zeros and signs; far ones are refused where they must be."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from networks import sample

from convstep.engine.recording import Recording
from convstep.explain.claims.trials import Trials
from convstep.explain.replay import with_numbers_near, with_numbers_of_either_sign
from convstep.network import load


def relu(x):
    return Recording(load({"inputs": {"x": x}, "layers": [{"name": "r", "op": "ReLU"}], "gradient": {"r": 1}}))


@given(arrays(np.float64, 6, elements=st.integers(-3, 3).map(float)), st.integers(1, 9))
def test_near_numbers_keep_order_ties_zeros_and_signs(x, seed):
    recording = relu(x)
    near = with_numbers_near(recording.graph, recording.iteration(0), seed).iteration(0).values["x"]
    assert (np.sign(near) == np.sign(x)).all()
    assert (np.sign(near[:, None] - near) == np.sign(x[:, None] - x)).all()
    assert (np.abs(near - x) <= 0.02 * np.abs(x)).all()
    assert (near != x)[x != 0].all()


def test_numbers_of_either_sign_are_as_large_and_labels_stay():
    source = {
        "inputs": {"z": [[3.0, 2.0, 1.0], [1.0, 1.0, 1.0]], "k": {"value": [2, 0], "dtype": "int64"}},
        "layers": [{"name": "l", "op": "LogSoftmax", "dim": 1}],
        "loss": {"op": "NLLLoss", "inputs": ["l", "k"]},
    }
    recording = Recording(load(source))
    values = with_numbers_of_either_sign(recording.graph, recording.iteration(0), 1).iteration(0).values
    assert values["z"].min() < 0 < values["z"].max() <= 3 and np.abs(values["z"]).max() <= 3
    assert values["k"].tolist() == [2, 0]


def test_numbers_that_an_operation_refuses_are_left_out():
    source = {"inputs": {"p": [0.2, 0.9], "y": [0.0, 1.0]}, "layers": [{"name": "q", "op": "Identity"}]}
    trials = Trials(Recording(load({**source, "loss": {"op": "BCELoss", "inputs": ["q", "y"]}})))
    assert len(trials.far) == 3
    assert len(Trials(Recording(load(sample("two_conv")))).far) == 6


def test_numbers_that_are_not_finite_stay():
    recording = relu(np.array([1.0, np.inf]))
    near = with_numbers_near(recording.graph, recording.iteration(0), 1).iteration(0).values["x"]
    assert near.tolist() == [1.0, np.inf]
