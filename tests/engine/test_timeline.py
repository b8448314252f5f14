"""Positions and places are each other's inverse, and every count agrees with every other."""

import pytest
from hypothesis import given, settings
from networks import SAMPLES, networks, sample

from convstep.engine.info import describe
from convstep.engine.recording import Recording
from convstep.engine.timeline import LEVELS, ORDERS, START, Timeline, flat_index, torch_index
from convstep.engine.trace import states
from convstep.network import load

EVERYWHERE = [(level, order) for level in LEVELS for order in ORDERS]


@settings(max_examples=40)
@given(networks())
def test_place_and_position_are_inverse(source):
    timeline = Timeline(load(source))
    for level, order in EVERYWHERE:
        length = timeline.length(level, order)
        assert timeline.position(order, START) == -1
        assert timeline.place(level, order, -1) == START
        places = []
        for position in sorted({*range(0, length, 1 + length // 300), length - 1}):
            place = timeline.place(level, order, position)
            assert timeline.position(order, place) == position
            assert place.level == level
            places.append(place)
        assert places == sorted(places), "positions run as iteration, operation, element, term"


@settings(max_examples=30)
@given(networks(5))
def test_counts_agree_with_the_trace_and_with_info(source):
    graph = load(source)
    recording = Recording(graph)
    for level, order in EVERYWHERE:
        count = describe(graph, order)["steps"][level]
        length = recording.timeline.length(level, order)
        assert length == count * source["iterations"]
        if level == "op":
            assert sum(1 for _ in states(recording, level, order)) == length
        iterations = {recording.timeline.place(level, order, k * count).iteration for k in range(source["iterations"])}
        assert iterations == set(range(source["iterations"]))


@pytest.mark.parametrize("name", SAMPLES)
def test_operations_are_the_same_in_both_orders(name):
    timeline = Timeline(load(sample(name)))
    assert timeline.count("op", "gather") == timeline.count("op", "scatter") == len(timeline.steps)


def test_billions_of_terms_are_arithmetic():
    layers = [
        {"name": "a", "op": "Conv2d", "out_channels": 64, "kernel_size": 3, "padding": 1},
        {"name": "b", "op": "Conv2d", "out_channels": 64, "kernel_size": 3, "padding": 1},
    ]
    timeline = Timeline(load({"inputs": {"x": {"init": "zeros", "shape": [4, 64, 56, 56]}}, "layers": layers}))
    length = timeline.length("term")
    assert length > 10**9 / 2
    for position in (0, 1, length // 3, length - 1):
        assert timeline.position("gather", timeline.place("term", "gather", position)) == position


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (2, 1, 3)])
def test_flat_and_torch_indices_are_inverse(shape):
    size = 1
    for n in shape:
        size *= n
    for flat in range(size):
        index = torch_index(flat, shape)
        assert flat_index(index, shape) == flat
        assert flat_index([i - n for i, n in zip(index, shape, strict=True)], shape) == flat
    for outside in ([0] * (len(shape) + 1), list(shape)) if shape else ([0],):
        with pytest.raises(IndexError):
            flat_index(outside, shape)
