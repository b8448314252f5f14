"""Every layer at a glance: the numbers are numpy's, the position is honoured, and what is wrong is found."""

import numpy as np
import pytest
from networks import sample

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.engine.work import Cancelled, Work
from convstep.explain.summary import KINDS, findings, statistics, summary
from convstep.network import load


def rows_at(session, *go):
    for place in go:
        session.go(place)
    return {row.key: row for row in summary(session.state())}


def chain(layers, x=None, **more):
    """A chain of layers on four rows of three numbers, and squares of its last output as the loss."""
    size = layers[-1].get("out_features", 3)
    x = np.linspace(-1, 1, 12).reshape(4, 3) if x is None else x
    net = {
        "inputs": {"x": x, "y": np.zeros((len(x), size))},
        "layers": [{"name": f"l{k}", **layer} for k, layer in enumerate(layers)],
        "loss": {"name": "C", "op": "MSELoss", "inputs": [f"l{len(layers) - 1}", "y"]},
        "optimizer": {"op": "SGD", "lr": 0.1},
    }
    return Session(Recording(load({**net, **more})))


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 4), (2, 3, 4, 5), (100, 100)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_statistics_are_those_of_numpy(shape, dtype):
    tensor = np.random.default_rng(len(shape)).normal(size=shape).astype(dtype)
    tensor = np.where(np.abs(tensor) < 0.2, 0, tensor).astype(dtype)
    found = statistics(tensor)
    exact = tensor.astype(np.float64)
    assert found.norm == pytest.approx(np.sqrt((exact**2).sum()), rel=1e-5)
    assert found.mean == pytest.approx(exact.mean(), rel=1e-4, abs=1e-7)
    assert found.largest == np.abs(tensor).max()
    assert found.zeros == pytest.approx((tensor == 0).mean())
    assert (found.nonfinite, found.size) == (0, tensor.size)
    assert 0 < sum(found.histogram) <= 4096


def test_a_histogram_has_the_middle_of_its_range_at_zero():
    assert statistics(np.array([-4.0, -3.9, -0.5, 0.5, 0.6, 4.0])).histogram == (2, 0, 0, 1, 2, 0, 0, 1)
    assert statistics(np.zeros(5)).histogram == (0, 0, 0, 0, 5, 0, 0, 0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_not_finite_is_counted_and_left_out(dtype):
    found = statistics(np.array([3, np.nan, -4, np.inf, -np.inf, 0], dtype))
    assert (found.nonfinite, found.norm, found.largest) == (3, 5, 4)
    assert found.mean == pytest.approx(-1 / 3)
    assert statistics(np.full(3, np.nan)).nonfinite == 3


def test_squares_beyond_the_range_do_not_make_a_norm_infinite():
    found = statistics(np.array([3e30, 4e30], np.float32))
    assert found.nonfinite == 0
    assert found.norm == pytest.approx(5e30, rel=1e-6)


def test_every_tensor_of_a_layer_has_a_row_in_order():
    session = open_session(sample("two_conv"))
    session.end()
    keys = [(row.layer, row.kind, row.key) for row in summary(session.state())]
    assert keys == [
        ("o1", "output", "o1"),
        ("o1", "gradient", "grad(o1)"),
        ("o1", "parameter", "o1.weight"),
        ("o1", "gradient", "grad(o1.weight)"),
        ("o1", "update", "new(o1.weight)"),
        ("o2", "output", "o2"),
        ("o2", "gradient", "grad(o2)"),
        ("o2", "parameter", "o2.weight"),
        ("o2", "gradient", "grad(o2.weight)"),
        ("o2", "update", "new(o2.weight)"),
        ("C", "output", "C"),
    ]
    assert {kind for _, kind, _ in keys} == set(KINDS)
    rows = rows_at(session)
    # new(w1) − w1 = −0.1 · [−30 −18; 6 18].
    assert rows["new(o1.weight)"].ratio == pytest.approx(0.1 * np.sqrt(30**2 + 18**2 + 6**2 + 18**2) / np.sqrt(15))


def test_what_is_not_complete_is_blank():
    session = open_session(sample("two_conv"))
    complete = {key for key, row in rows_at(session).items() if row.statistics is not None}
    assert complete == {"o1.weight", "o2.weight"}
    for place, expected in (("o1", True), ("o1[3]", False), ("grad(w1)[2]", False), ("grad(w1)", True)):
        session.go(place)
        step = session.state().step
        rows = {row.key: row for row in summary(session.state())}
        assert (rows[step.writes].statistics is not None) is expected, place
    assert rows["new(o1.weight)"].statistics is None


def test_a_shared_parameter_stands_with_its_first_layer():
    layers = [{"op": "Linear", "out_features": 3}, {"op": "Linear", "out_features": 3, "weight": "l0.weight"}]
    session = chain(layers)
    session.end()
    keys = [row.key for row in summary(session.state())]
    assert keys.count("l0.weight") == keys.count("new(l0.weight)") == 1
    assert "l1.weight" not in keys


def test_a_vanishing_gradient_is_told_by_the_last_layers():
    layers = [{"op": "Linear", "out_features": 3}, {"op": "Linear", "out_features": 3, "weight": 1e-5 * np.eye(3)}]
    session = chain([*layers, {"op": "Linear", "out_features": 3, "weight": np.eye(3)}])
    session.end()
    rows = rows_at(session)
    assert rows["grad(l0)"].note == "vanishing: 1e-5 of the last layer's"
    assert rows["grad(l1)"].note == rows["grad(l2)"].note == ""
    assert findings(summary(session.state())) == ["vanishing: grad(l0)"]


def test_an_exploding_gradient_is_told_by_the_last_layers():
    layers = [{"op": "Linear", "out_features": 3}, {"op": "Linear", "out_features": 3, "weight": 2e4 * np.eye(3)}]
    session = chain(layers)
    session.end()
    assert rows_at(session)["grad(l0)"].note == "exploding: 2e4 of the last layer's"


def test_a_gradient_of_zeros_is_vanishing():
    below = {"op": "Linear", "out_features": 3, "bias": np.full(3, -9.0)}
    session = chain([below, {"op": "ReLU"}, {"op": "Linear", "out_features": 3}])
    session.end()
    rows = rows_at(session)
    assert rows["grad(l0)"].note == "vanishing: 0 of the last layer's"
    assert rows["l1"].note == "dead: 3 of 3 channels"


def test_a_channel_is_dead_where_it_is_zero_in_the_whole_batch_at_all_positions():
    x = np.ones((2, 3, 2, 2))
    x[:, 0] = -1
    x[0, 1] = -1
    session = Session(Recording(load({"inputs": {"x": x}, "layers": [{"name": "r", "op": "ReLU"}]})))
    session.end()
    row = rows_at(session)["r"]
    assert (row.dead, row.channels) == (1, 3)


def test_numbers_that_are_none_are_found_first():
    session = chain([{"op": "Linear", "out_features": 3, "weight": np.full((3, 3), 1e200)}] * 2)
    session.end()
    rows = summary(session.state())
    assert any("NaN or Inf: " in row.note for row in rows)
    assert findings(rows)[0].startswith("NaN or Inf: ")


def test_it_can_be_given_up():
    class GivenUp(Work):
        def check(self):
            raise Cancelled

    with pytest.raises(Cancelled):
        summary(open_session(sample("two_conv")).state(), GivenUp())
