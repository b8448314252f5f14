"""What a recording keeps, and that what it does not keep comes back to the same bits."""

import numpy as np
import pytest
from networks import sample

from convstep.engine import recording as engine
from convstep.engine.recording import Recording
from convstep.engine.work import QUIET, TooLong
from convstep.network import load
from convstep.ops.optim import assignments


@pytest.mark.parametrize("kept_bytes", [0, 20_000, 10**9])
def test_every_iteration_comes_back_to_the_same_bits(kept_bytes):
    graph = load(sample("digits"))
    walked = [dict(Recording(graph).iteration(k).grads) for k in (0, 5, 6)]
    recording = Recording(graph, kept_bytes=kept_bytes)
    recording.iteration(graph.iterations - 1)
    for k, expected in zip((0, 5, 6), walked, strict=True):
        grads = recording.iteration(k).grads
        assert all(np.array_equal(grads[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize("kept_bytes", [0, 10**9])
def test_the_last_iteration_alone_is_the_same(kept_bytes, monkeypatch):
    monkeypatch.setattr(assignments, "_BLOCK", 1000)
    graph = load(sample("digits"))
    recording = Recording(graph, kept_bytes=kept_bytes)
    told: list[int] = []
    alone, whole = recording.last_alone(told.append), Recording(graph).iteration(graph.iterations - 1)
    assert told == list(range(graph.iterations))
    for name, tensor in {**whole.values, **whole.end.parameters}.items():
        assert np.array_equal({**alone.values, **alone.end.parameters}[name], tensor)
    for name, kept in whole.end.optimizer.items():
        assert all(np.array_equal(alone.end.optimizer[name][part], array) for part, array in kept.items())
    # Nothing that a reader may ask for later has been given up.
    again = recording.iteration(graph.iterations - 1)
    assert again.updates.keys() == whole.updates.keys()
    assert all(np.array_equal(again.grads[name], tensor) for name, tensor in whole.grads.items())


def test_other_iterations_are_kept_within_the_budget():
    graph = load(sample("digits"))
    recording = Recording(graph, kept_bytes=100_000)
    recording.iteration(graph.iterations - 1)
    assert len(recording._iterations) == 1


def test_without_room_for_checkpoints_another_iteration_costs_its_own_run_alone(monkeypatch):
    graph = load(sample("digits"))
    recording = Recording(graph, kept_bytes=1)
    recording.iteration(graph.iterations - 1)
    ran = []
    real = engine.run_iteration
    monkeypatch.setattr(engine, "run_iteration", lambda g, t, k, *rest: (ran.append(k), real(g, t, k, *rest))[1])
    recording.iteration(30)
    assert ran == [30]


def test_a_branch_waits_no_longer_than_the_recording_itself():
    graph = load(sample("digits"))
    recording = Recording(graph)
    recording.iteration(3)
    recording.patience = 0.0
    branch = recording.branch(graph, 2)
    branch.iteration(2, work=QUIET)
    with pytest.raises(TooLong, match="iteration 9 is not there yet"):
        branch.iteration(9)


def test_masks_are_the_same_on_every_machine():
    """Snapshots and claims count on it: they follow from the seed, the mask's name and the iteration."""
    layers = [{"name": "d", "op": "Dropout"}]
    recording = Recording(load({"seed": 3, "inputs": {"x": np.ones(8)}, "layers": layers, "iterations": 2}))
    assert recording.iteration(0).values["d.mask"].tolist() == [1, 0, 1, 0, 1, 1, 1, 0]
    assert recording.iteration(1).values["d.mask"].tolist() == [0, 0, 0, 1, 1, 1, 0, 1]
