"""What made a number that is not finite, in one line, and in fewer words where a line is short."""

import numpy as np
import pytest

from convstep.engine.nonfinite import first_nonfinite
from convstep.engine.recording import Recording
from convstep.explain.naming import Names
from convstep.explain.nonfinite import origin
from convstep.network import load


def wordings(layers=(), loss=None, **inputs):
    recording = Recording(load({"inputs": inputs, "layers": list(layers), **({"loss": loss} if loss else {})}))
    found = first_nonfinite(recording.timeline, recording.iteration(0))
    assert found is not None
    return origin(recording, Names(recording.graph), found).wordings()


@pytest.mark.filterwarnings("ignore")
def test_the_parentheses_of_a_formula_stay():
    said = wordings(
        [{"name": "a", "op": "Identity"}],
        {"name": "C", "op": "MSELoss", "inputs": ["a", "y"]},
        x=np.array([1e200, 0.0, 0.0, 0.0]),
        y=np.zeros(4),
    )
    assert said == (
        "first non-finite: iteration 0, loss, C = Inf, from (x − y)², where a[0] = 1e200, y[0] = 0",
        "first non-finite: iteration 0, loss, C = Inf, from (x − y)², where a[0] = 1e200, y[0] = 0",
        "first Inf: iteration 0, loss, C, from (x − y)², where a[0] = 1e200, y[0] = 0",
        "first Inf: iteration 0, from (x − y)², where a[0] = 1e200, y[0] = 0: C",
        "first Inf: iteration 0, (x − y)²: a[0] = 1e200, y[0] = 0",
    )


@pytest.mark.filterwarnings("ignore")
def test_names_of_numbers_are_left_out_where_there_is_little_room():
    layer = {"name": "f", "op": "Linear", "out_features": 1, "bias": False, "weight": [1e200]}
    said = wordings([layer], x=np.array([[1e200]]))
    assert (
        said[0] == "first non-finite: iteration 0, forward, f[0,0] = Inf, from 1e200 · 1e200 (x[0,0] · f.weight[0,0])"
    )
    assert said[1] == "first non-finite: iteration 0, forward, f[0,0] = Inf, from 1e200 · 1e200"
    assert said[-1] == "first Inf: iteration 0, 1e200 · 1e200"


@pytest.mark.filterwarnings("ignore")
def test_a_running_sum_says_at_which_term():
    layer = {"name": "f", "op": "Linear", "out_features": 1, "bias": False, "weight": [1.0, 1.0]}
    said = wordings([layer], x=np.full((1, 2), 1.7e308))
    assert said[0].endswith("from the running sum, at 1.7e308 · 1 (x[0,1] · f.weight[0,1]; term 2 of 2)")
    assert said[-1] == "first Inf: iteration 0, the running sum, at 1.7e308 · 1"
