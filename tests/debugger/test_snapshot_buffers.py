"""A net with running statistics and masks resumes from a snapshot bit for bit, in train and eval mode."""

import numpy as np
import pytest
from plain_view import plain

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.network import load

RNG = np.random.default_rng(0)
NET = {
    "inputs": {"x": RNG.normal(size=(6, 1, 4, 4)), "y": RNG.normal(size=(6, 2))},
    "layers": [
        {"name": "c", "op": "Conv2d", "out_channels": 2, "kernel_size": 2},
        {"name": "bn", "op": "BatchNorm2d"},
        {"name": "a", "op": "ReLU"},
        {"name": "d2", "op": "Dropout2d", "p": 0.3},
        {"name": "p", "op": "AdaptiveMaxPool2d", "output_size": 2},
        {"name": "f", "op": "Flatten"},
        {"name": "ln", "op": "LayerNorm", "normalized_shape": 8},
        {"name": "d", "op": "Dropout"},
        {"name": "l", "op": "Linear", "out_features": 2},
    ],
    "loss": {"op": "MSELoss", "inputs": ["l", "y"]},
    "optimizer": {"op": "SGD", "lr": 0.1, "momentum": 0.9},
    "batch_size": 4,
    "iterations": 5,
}


def everything(iteration):
    """All arrays of an iteration, with the state that it leaves."""
    end = iteration.end
    return {**iteration.values, **{f"grad {k}": a for k, a in iteration.grads.items()}, **end.parameters, **end.buffers}


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_resumed_bit_for_bit(tmp_path, mode):
    session = Session(Recording(load({**NET, "mode": mode})))
    session.go("iteration 3")
    for _ in range(4):
        session.next()
    session.save(str(tmp_path / "s.convstep"))
    other = open_session(str(tmp_path / "s.convstep"))
    assert plain(other.view()) == plain(session.view())
    for index in (3, 4, 1, 0):
        one, two = (everything(s.recording.iteration(index)) for s in (session, other))
        assert set(one) == set(two)
        for name, array in one.items():
            assert array.dtype == two[name].dtype
            assert np.array_equal(array, two[name]), (index, name)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_every_step_can_be_shown(mode):
    session = Session(Recording(load({**NET, "mode": mode, "iterations": 1})))
    for order in ("gather", "scatter"):
        for level, every in (("op", 1), ("element", 37), ("term", 211)):
            length = session.recording.timeline.length(level, order)
            for position in range(-1, length, every):
                session.spot = type(session.spot)(level, order, position)
                assert plain(session.view())
