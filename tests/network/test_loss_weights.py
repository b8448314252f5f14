"""Weights of losses as a file gives them, and what an Embedding starts from."""

import numpy as np
import pytest

import convstep
from convstep.errors import ConvstepError

X = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]]


def run(loss, target, **more):
    network = {
        "inputs": {"x": X, "t": target},
        "layers": [{"name": "z", "op": "Tanh"}],
        "loss": {"name": "C", "inputs": ["z", "t"], **loss},
        **more,
    }
    return convstep.run(network)


def bce(weight, pos_weight):
    """By hand, from the shares."""
    z, t = np.tanh(X), np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    share = 1 / (1 + np.exp(-z))
    return -(weight * (pos_weight * t * np.log(share) + (1 - t) * np.log(1 - share))).mean()


@pytest.mark.parametrize(("weight", "pos_weight"), [(0.5, [1.0, 2.0, 3.0]), ([[2.0], [3.0]], 4.0), (X, [[0.5] * 3])])
def test_weights_stretch_as_in_torch(weight, pos_weight):
    target = [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    made = run({"op": "BCEWithLogitsLoss", "weight": weight, "pos_weight": pos_weight}, target)
    assert made.losses[0] == pytest.approx(bce(np.array(weight), np.array(pos_weight)), rel=1e-12)
    assert made.buffers["C.weight"].shape == (2, 3)


def test_class_weights():
    labels = np.array([2, 0])
    made = run({"op": "CrossEntropyLoss", "weight": [1.0, 5.0, 3.0]}, labels)
    surprise = np.log(np.exp(np.tanh(X)).sum(axis=1)) - np.tanh(X)[[0, 1], labels]
    assert made.losses[0] == pytest.approx((3 * surprise[0] + surprise[1]) / 4, rel=1e-12)
    assert made.buffers["C.weight"].tolist() == [1.0, 5.0, 3.0]


def test_a_weight_of_another_shape_is_refused():
    with pytest.raises(ConvstepError, match=r"C.weight of the shape \[2, 3\]"):
        run({"op": "BCEWithLogitsLoss", "weight": [1.0, 2.0]}, [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])


def test_a_target_that_is_no_probability_is_refused():
    with pytest.raises(
        ConvstepError, match=r"inputs.t: 't', which C reads: the target 2 is no probability from 0 to 1"
    ):
        run({"op": "BCELoss"}, [[0.0, 1.0, 2.0], [1.0, 0.0, 0.0]], layers=[{"name": "z", "op": "Sigmoid"}])


def test_the_padding_of_an_embedding_starts_at_0_and_stays():
    network = {
        "dtype": "float32",
        "inputs": {"i": np.array([[0, 2], [1, 2]]), "t": np.ones((2, 2, 3))},
        "layers": [{"name": "e", "op": "Embedding", "num_embeddings": 4, "embedding_dim": 3, "padding_idx": 2}],
        "loss": {"name": "C", "op": "MSELoss", "inputs": ["e", "t"]},
        "optimizer": {"op": "SGD", "lr": 0.1},
    }
    made = convstep.run(network)
    before, after = made.values["e.weight"], made.params["e.weight"]
    assert before.dtype == made.values["e"].dtype == np.float32
    assert (before[2] == 0).all() and (after[2] == 0).all()
    assert (before[[0, 1]] != after[[0, 1]]).all()
    assert (before[3] == after[3]).all()
