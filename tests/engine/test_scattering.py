"""Sums in scatter order: what is added up for elements in the midst of theirs is what whole columns give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import networks

from convstep.engine.recording import Recording
from convstep.engine.scattering import added, received
from convstep.engine.sums import collect, shares
from convstep.network import load

NORMS = {
    "inputs": {"x": {"init": "normal", "shape": [3, 4, 2, 3]}},
    "layers": [
        {"name": "bn", "op": "BatchNorm2d", "weight": {"value": [1, -2, 0.5, 3]}},
        {"name": "ln", "op": "LayerNorm", "normalized_shape": [2, 3]},
        {"name": "gn", "op": "GroupNorm", "num_groups": 2},
        {"name": "soft", "op": "Softmax", "dim": 1},
        {"name": "log", "op": "LogSoftmax", "dim": -1},
        {"name": "least", "op": "Softmin", "dim": 0},
    ],
    "gradient": {"least": {"init": "normal", "shape": [3, 4, 2, 3]}},
}


def summed(step, iteration, into, source, taken):
    """The same one by one: the first products of each column, added up from the left."""
    links = collect(step, iteration, into)
    sums, progress = np.zeros(into.shape), np.zeros(into.shape, np.uint8)
    for row in range(len(into)):
        index = links.links.index[row]
        before = (index >= 0) & (index < source)
        own = np.flatnonzero(index == source)[: taken[row]]
        given = np.append(np.flatnonzero(before), own)
        if len(given):
            sums[row] = links.sums[row, given.max()]
            progress[row] = 2 if len(given) == (index >= 0).sum() else 1
    return sums, progress


def check(source, draw):
    recording = Recording(load(source))
    iteration = recording.iteration(0)
    for step in recording.timeline.steps:
        if not step.is_backward or not step.elements["gather"] or not step.elements["scatter"]:
            continue
        upstream = draw(st.integers(0, step.elements["scatter"] - 1))
        into = np.array(draw(st.lists(st.integers(0, step.elements["gather"] - 1), min_size=1, max_size=7)))
        target = shares(step, iteration, upstream).target[: draw(st.integers(0, step.terms["scatter"]))]
        taken = np.array([(target == element).sum() for element in into])
        sums, progress = received(step, iteration, into, upstream, taken)
        wanted, far = summed(step, iteration, into, upstream, taken)
        assert progress.tolist() == far.tolist(), step.writes
        assert sums[progress < 2].tobytes() == wanted[progress < 2].tobytes(), step.writes


@settings(max_examples=40)
@given(networks(6), st.data())
def test_they_are_the_first_products_of_whole_columns(source, data):
    check(source, data.draw)


@settings(max_examples=40)
@given(st.data())
def test_so_are_those_of_groups(data):
    check(NORMS, data.draw)


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 7, 8, 9, 33, 100])
def test_columns_are_added_up_from_above_to_below(columns):
    rng = np.random.default_rng(columns)
    rows = rng.normal(size=(1000, columns)) * 10.0 ** rng.integers(-8, 8, (1000, columns))
    assert added(rows).tobytes() == np.add.accumulate(rows, axis=0)[-1].tobytes()
