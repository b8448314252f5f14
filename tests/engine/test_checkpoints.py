"""Where iterations start from: within the budgets, to the same bits, and without them where there is no room."""

import tempfile

import numpy as np
import pytest

from convstep.engine.checkpoints import Checkpoints, TrainingState


def state(k):
    """A state of 1,000 bytes or so, another one for each k."""
    rng = np.random.default_rng(k)
    parameters = {"w": rng.normal(size=(4, 10)).astype(np.float32), "scalar": np.float64(k).reshape(())}
    buffers = {"count": np.array([], np.int64), "mean": rng.normal(size=3)}
    return TrainingState(parameters, buffers, {"w": {"exp_avg": rng.normal(size=(4, 10)), "step": np.array(k)}})


def same(a, b):
    return plain(vars(a)) == plain(vars(b))


def plain(tensors):
    """Mappings of tensors with the dtype, shape and bits of each."""
    if isinstance(tensors, dict):
        return {name: plain(kept) for name, kept in tensors.items()}
    return tensors.dtype, tensors.shape, tensors.tobytes()


@pytest.mark.parametrize("memory", [0, 1, 2_000, 10**6])
def test_states_come_back_to_the_same_bits(memory):
    kept = Checkpoints({0: state(0)}, memory)
    for k in range(1, 20):
        kept.add(k, state(k))
    assert all(same(kept[k], state(k)) for k in kept.indices())
    assert len(kept.indices()) == (20 if memory else 1)


def test_where_files_are_full_every_second_state_goes():
    size = state(0).nbytes
    kept = Checkpoints({0: state(0), 7: state(7)}, 2 * size, 3 * size)
    for k in range(1, 33):
        kept.add(k, state(k))
    assert kept.indices() == [0, 7, 8, 16, 24, 32]
    assert all(same(kept[k], state(k)) for k in kept.indices())


def test_where_no_file_can_be_written_memory_alone_is_used(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    kept = Checkpoints({0: state(0)}, 3 * state(0).nbytes)
    for k in range(1, 20):
        kept.add(k, state(k))
    assert 0 in kept.indices()
    assert 2 <= len(kept.indices()) <= 4
    assert all(same(kept[k], state(k)) for k in kept.indices())


def test_a_copy_goes_its_own_way():
    kept = Checkpoints({0: state(0)}, 10**6)
    kept.add(1, state(1))
    other = kept.copy()
    other.add(2, state(2))
    assert (kept.indices(), other.indices()) == ([0, 1], [0, 1, 2])


def test_one_more_state_costs_the_same_however_many_there_are(monkeypatch):
    asked = []
    monkeypatch.setattr(TrainingState, "nbytes", property(lambda self: asked.append(self) or 1))
    kept = Checkpoints({0: state(0)}, 10**6)
    for k in range(1, 101):
        kept.add(k, state(0))
    assert len(kept.indices()) == 101
    assert len(asked) <= 3 * 100
