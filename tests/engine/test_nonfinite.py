"""The first number that is not finite: found where it is, in the order in which numbers are written."""

import numpy as np
import pytest
from networks import sample

from convstep.engine.nonfinite import Lookout, all_finite, first_nonfinite
from convstep.engine.recording import Recording
from convstep.engine.work import QUIET
from convstep.network import load

LARGE = {
    "inputs": {"x": np.array([[1e200, 2.0]]), "y": np.zeros((1, 1))},
    "layers": [{"name": "a", "op": "Linear", "out_features": 1, "bias": False, "weight": {"value": [1e200, 1.0]}}],
    "loss": {"name": "C", "op": "MSELoss", "inputs": ["a", "y"]},
    "optimizer": {"op": "SGD", "lr": 0.1},
}


def first(source):
    recording = Recording(load(source))
    return first_nonfinite(recording.timeline, recording.iteration(0))


def test_nothing_where_all_is_finite():
    assert first(sample("two_conv")) is None


def test_the_forward_pass_comes_first():
    assert first(LARGE)[:4] == (0, 0, "a", 0)


def test_what_is_there_from_the_start_comes_before_it():
    source = {**LARGE, "inputs": {**LARGE["inputs"], "y": np.array([[np.nan]])}}
    found = first(source)
    assert found[:4] == (0, -1, "y", 0)
    assert np.isnan(found.value)


def test_a_gradient():
    source = {**LARGE, "inputs": {"x": np.array([[1e200, 0.0]]), "y": np.zeros((1, 1))}}
    source["layers"] = [{**LARGE["layers"][0], "weight": {"value": [1e-60, 1.0]}}]
    found = first(source)  # a = 1e140, its square is finite, and its gradient times x is not
    recording = Recording(load(source))
    assert recording.timeline.steps[found.step].writes == found.tensor == "grad(a.weight)"
    assert found.element == 0


def test_a_sum_of_what_several_users_give():
    """Each gives 1e308; together they are too large."""
    layers = [
        {"name": "a", "op": "Identity", "inputs": ["x"]},
        {"name": "b", "op": "Add", "inputs": ["a", "a"]},
    ]
    recording = Recording(load({"inputs": {"x": [1.0]}, "layers": layers, "gradient": {"b": [1e308]}}))
    found = first_nonfinite(recording.timeline, recording.iteration(0))
    writers = recording.timeline.writers("grad(a)")
    assert found[:4] == (0, writers[-1], "grad(a)", 0)
    assert len(writers) == 2


def test_an_update():
    """A gradient of 2e300 is finite, and what lr makes of it is not."""
    source = {"inputs": {"x": np.array([[1e150]]), "y": np.zeros((1, 1))}, "optimizer": {"op": "SGD", "lr": 1e10}}
    source["layers"] = [{**LARGE["layers"][0], "weight": {"value": [1.0]}}]
    found = first({**source, "loss": LARGE["loss"]})
    assert found.tensor == "new(a.weight)"


@pytest.mark.parametrize("values", [[1e200, 1.0], [1.0, -3.0], []])
def test_large_numbers_are_finite(values):
    with np.errstate(over="ignore"):
        assert all_finite(np.array(values))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_and_these_are_not(value):
    assert not all_finite(np.array([1.0, value]))
    assert not all_finite(np.array([1.0, value], dtype=np.float32))


def lookout_over(iterations):
    recording = Recording(load({**load(sample("explodes")).document, "iterations": iterations}))
    lookout = Lookout(recording)
    recording.looked_at = lookout.look
    return recording, lookout


def test_the_lookout_traces_back_to_where_it_began():
    recording, lookout = lookout_over(50)
    truth = next(
        found for k in range(50) if (found := first_nonfinite(recording.timeline, recording.iteration(k))) is not None
    )
    recording, lookout = lookout_over(50)
    recording.iteration(49)
    assert lookout.found == truth
    assert lookout.sure


def test_and_keeps_silent_while_all_is_finite():
    recording, lookout = lookout_over(30)
    recording.iteration(29)
    assert lookout.found is None
    assert lookout.search(QUIET) is None


def test_a_search_finds_what_was_never_run():
    _, lookout = lookout_over(50)
    assert lookout.search(QUIET).iteration in range(35, 45)


def test_the_lookout_traces_back_to_an_iteration_whose_loss_was_a_number():
    """Iteration 1 moves the weight to infinity; the loss is lost in the next one only."""
    source = {**LARGE, "inputs": {"x": np.array([[0.0], [1e150], [0.0], [0.0]]), "y": np.zeros((4, 1))}}
    source["layers"] = [{**LARGE["layers"][0], "weight": {"value": [1.0]}}]
    source |= {"optimizer": {"op": "SGD", "lr": 1e10}, "batch_size": 1, "iterations": 4}
    recording = Recording(load(source))
    lookout = Lookout(recording)
    recording.looked_at = lookout.look
    recording.iteration(3)
    assert np.isfinite([recording.losses[0], recording.losses[1]]).all()
    assert np.isnan(recording.losses[2])
    assert (lookout.found.iteration, lookout.found.tensor) == (1, "new(a.weight)")
    assert lookout.start.parameters["a.weight"].tolist() == [[1.0]]
