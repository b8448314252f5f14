"""What a recording keeps, and that what it does not keep comes back to the same bits."""

import numpy as np
import pytest
from networks import sample

from convstep.engine.recording import Recording
from convstep.network import load


@pytest.mark.parametrize("kept_bytes", [0, 20_000, 10**9])
def test_every_iteration_comes_back_to_the_same_bits(kept_bytes):
    graph = load(sample("digits"))
    walked = [dict(Recording(graph).iteration(k).grads) for k in (0, 5, 6)]
    recording = Recording(graph, kept_bytes=kept_bytes)
    recording.iteration(graph.iterations - 1)
    for k, expected in zip((0, 5, 6), walked, strict=True):
        grads = recording.iteration(k).grads
        assert all(np.array_equal(grads[name], tensor) for name, tensor in expected.items())


def test_checkpoints_are_within_the_budget():
    graph = load(sample("digits"))
    recording = Recording(graph, kept_bytes=100_000)
    end = recording.iteration(graph.iterations - 1).end
    assert 2 <= len(recording._checkpoints) <= 1 + 100_000 // end.nbytes
    assert len(recording._iterations) == 1
