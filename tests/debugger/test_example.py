"""The element that stands for a whole operation: the same one everywhere, and one that tells something."""

import numpy as np
import pytest

from convstep.debugger.opening import open_session
from convstep.debugger.origins import Explainer
from convstep.engine.recording import Recording
from convstep.engine.state import State
from convstep.engine.timeline import Place
from convstep.explain.example import example
from convstep.explain.views import site_of
from convstep.network import load

NET = {
    "inputs": {"x": np.array([[1.0, 2.0, 0.0], [3.0, -1.0, 0.0]]), "y": np.zeros((2, 1))},
    "layers": [{"name": "f", "op": "Linear", "out_features": 1, "weight": [1.0, 1.0, 0.0], "bias": False}],
    "loss": {"name": "C", "op": "MSELoss", "inputs": ["f", "y"]},
    "optimizer": {"op": "SGD", "lr": 0.1},
}


def at(net, writes):
    recording = Recording(load(net))
    k = next(k for k, step in enumerate(recording.timeline.steps) if step.writes == writes)
    return State(recording, Place(0, k), "gather"), recording.timeline.steps[k]


@pytest.mark.parametrize(
    ("writes", "element"),
    [("f", 1), ("C", 0), ("grad(f)", 1), ("grad(f.weight)", 1), ("grad(x)", 4), ("f.weight", 1)],
)
def test_the_last_element_that_is_not_0(writes, element):
    assert example(*at(NET, writes)) == element


def test_the_last_element_where_all_are_0_or_what_is_not_0_is_far_away():
    far = np.zeros((1, 5000))
    far[0, 3] = 1.0
    net = {"inputs": {"x": far}, "layers": [{"name": "a", "op": "Identity"}]}
    assert example(*at(net, "a")) == 4999
    far[0, 4000] = 1.0
    assert example(*at(net, "a")) == 4000
    net = {"inputs": {"x": np.zeros(5)}, "layers": [{"name": "a", "op": "Identity"}]}
    assert example(*at(net, "a")) == 4


def test_everything_speaks_of_the_same_element():
    session = open_session(NET, at="grad(f.weight)")
    view, state = session.view(), session.state()
    assert view.formula.subject == "∂C/∂f.weight[0,1]"
    assert view.formula.note.startswith("the last element that is not 0;")
    assert view.ledger.title == "grad(f.weight)[0,1]"
    assert view.local[0].text == "for the last element that is not 0:"
    assert view.local[1].title == "∂f/∂f.weight[0,1]"
    explainer = Explainer(state, session.names)
    assert explainer.name(explainer.subject) == "grad(f.weight)[0,1]"
    assert site_of(state, session.names).element == 1


def test_of_an_update_it_is_not_the_parameter_that_is_not_0():
    weight = {"name": "f", "op": "Linear", "out_features": 1, "weight": [1.0, 1.0, 5.0], "bias": False}
    session = open_session({**NET, "layers": [weight]}, at="new(f.weight)")
    view = session.view()
    assert view.formula.subject == "new f.weight[0,1]"
    assert view.formula.note.startswith("the last element whose gradient is not 0")


def test_a_whole_share_is_explained_by_the_last_element_that_it_feeds():
    session = open_session(NET, at="grad(x)")
    session.switch_order()
    session.first_inside()
    assert session.state().target is None
    explainer = Explainer(session.state(), session.names)
    assert explainer.subject.index == 2


def test_of_one_element_nothing_is_an_example():
    session = open_session(NET, at="C")
    assert session.view().formula.note == ""
    net = {**NET, "inputs": {"x": np.ones((1, 3)), "y": np.zeros((1, 1))}}
    local = open_session(net, at="grad(f)").view().local
    assert [block.text for block in local if hasattr(block, "text")] == ["Σ = 4"]
