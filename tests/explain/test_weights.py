"""A weight is its first value and the sum of its updates."""

from itertools import pairwise

import numpy as np
import pytest
from networks import sample

import convstep
from convstep.engine.recording import Recording
from convstep.explain.numbers import short
from convstep.explain.weights import history, sum_text
from convstep.network import load

NET = {
    "inputs": {"x": np.array([[1.0, 2], [3, -1]]), "y": np.array([[1.0], [0]])},
    "layers": [{"name": "fc", "op": "Linear", "out_features": 1, "weight": np.array([[0.5, -0.5]]), "bias": False}],
    "loss": {"op": "MSELoss", "inputs": ["fc", "y"]},
    "optimizer": {"op": "SGD", "lr": 0.125},
    "iterations": 4,
}
OPTIMIZERS = [
    {"op": "SGD", "lr": 0.1},
    {"op": "SGD", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    {"op": "Adam", "lr": 0.1},
    {"op": "RMSprop", "lr": 0.1},
]


def of(net, index=0):
    return history(Recording(load(net)), "fc.weight", index)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("index", [0, 1])
def test_it_is_its_first_value_and_the_sum_of_its_updates(optimizer, index):
    moves = of({**NET, "optimizer": optimizer}, index)
    assert [move.iteration for move in moves] == [0, 1, 2, 3]
    assert moves[0].before == (0.5, -0.5)[index]
    assert all(a.after == b.before for a, b in pairwise(moves))
    after = convstep.run({**NET, "optimizer": optimizer})
    assert moves[-1].after == after.params["fc.weight"].reshape(-1)[index]
    assert moves[-1].gradient == after.grads["fc.weight"].reshape(-1)[index]
    kept = {name.removeprefix("fc.weight."): array.reshape(-1)[index] for name, array in after.optim.items()}
    assert dict(moves[-1].kept) == kept


def test_the_plain_rule_is_written_with_its_gradients():
    # fc = [-0.5 2], 2/2 · Σ (fc − y) x = [-1.5 + 6, -3 − 2].
    moves = of({**NET, "iterations": 1})
    assert sum_text(moves, "w[1]") == "w[1] = 0.5 − 0.125·4.5 = -0.0625"
    assert sum_text(of({**NET, "iterations": 1}, 1), "w[2]") == "w[2] = -0.5 − 0.125·(-5) = 0.125"


def test_other_rules_are_written_with_what_was_applied():
    moves = of({**NET, "optimizer": {"op": "Adam", "lr": 0.1}, "iterations": 2})
    assert moves[0].text() == "− 0.1"
    assert moves[0].change == pytest.approx(-0.1)


def test_a_learning_rate_that_changes_is_each_iterations_own():
    scheduled = {**NET, "scheduler": {"op": "StepLR", "step_size": 1, "gamma": 0.5}}
    assert [move.rate for move in of(scheduled)] == [0.125, 0.0625, 0.03125, 0.015625]
    assert "0.0625·" in of(scheduled)[1].text()


def test_a_long_sum_leaves_out_its_middle():
    moves = history(Recording(load(sample("digits"))), "conv1.weight", 3)
    text = sum_text(moves, "w", lambda text: len(text) <= 60)
    assert len(text) <= 60
    assert text.startswith("w = ") and " … " in text
    assert text.count("=") == 2


def test_what_is_left_out_is_as_little_as_fits_and_the_first_stays_longest():
    moves = of(NET)
    terms = [move.text() for move in moves]
    head, end = "w = 0.5", f"= {short(moves[-1].after)}"
    rows = [
        [head, *terms, end],
        [head, *terms[:2], "…", terms[3], end],
        [head, terms[0], "…", terms[3], end],
        [head, terms[0], "…", end],
    ]
    for row in rows:
        text = " ".join(row)
        room = len(text)
        assert sum_text(moves, "w", lambda shown, room=room: len(shown) <= room) == text
    assert sum_text(moves, "w", lambda shown: not shown) == " ".join(rows[-1])


def test_a_weight_that_is_no_number_any_more_was_not_set_by_hand():
    net = {**NET, "optimizer": {"op": "SGD", "lr": 1e200}}
    text = sum_text(of(net), "w")
    assert text.startswith("w = 0.5 − ") and text.endswith("= NaN")


def test_it_keeps_no_more_than_the_element():
    recording = Recording(load(sample("digits")), kept_bytes=0)
    moves = history(recording, "fc1.weight", 9)
    assert len(moves) == 60
    assert len(recording._iterations) == 1


def test_a_parameter_that_nothing_updates_has_no_moves():
    assert of({key: value for key, value in NET.items() if key != "optimizer"}) == []
    assert sum_text([], "w") == "w is not updated"
