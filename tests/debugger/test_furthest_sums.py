"""Sums that go furthest, in single precision: found among their bounds as by adding up every term."""

import numpy as np
import pytest
from random_conditions import recorded

from convstep.debugger.stops import candidates, shares
from convstep.debugger.stops.becoming import Becoming
from convstep.debugger.stops.clock import Clock
from convstep.debugger.stops.inside import Inside
from convstep.engine.sums import collect
from convstep.engine.sums import shares as shares_of
from convstep.explain.language.conditions import parse_condition

NET = {
    "dtype": "float32",
    "inputs": {"x": {"init": "normal", "shape": [2, 8, 6, 6]}, "y": {"init": "normal", "shape": [2, 4, 3, 3]}},
    "layers": [
        {"name": "a", "op": "Conv2d", "out_channels": 6, "kernel_size": 3, "padding": 1},
        {"name": "b", "op": "BatchNorm2d"},
        {"name": "c", "op": "Conv2d", "out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1, "bias": False},
    ],
    "loss": {"op": "MSELoss", "inputs": ["c", "y"], "reduction": "sum"},
}
RECORDING, WORDS = recorded(NET)
STEPS = [k for k, step in enumerate(RECORDING.timeline.steps) if step.layer in "abc" and (step.is_backward or k != 1)]


@pytest.mark.parametrize("rank", [1, 3, 40])
@pytest.mark.parametrize("k", STEPS, ids=lambda k: RECORDING.timeline.steps[k].writes)
def test_the_first_and_the_last(monkeypatch, k, rank):
    monkeypatch.setattr(candidates, "_FEW", 0)
    monkeypatch.setattr(shares, "_NEAR", 0)
    step, iteration = RECORDING.timeline.steps[k], RECORDING.iteration(0)
    elements = np.arange(int(np.prod(step.shape)))
    sums = Inside(Clock(RECORDING, "term", "gather"), 0, k).terms(elements, {"sum"})["sum"].values
    limit = float(np.unique(sums)[-min(rank, sums.size)])
    text = f"sum >= {limit!r} and layer == '{step.layer}' and phase == '{step.phase}'"
    rises = (sums >= limit) & np.hstack([np.ones((len(sums), 1), bool), sums[:, :-1] < limit])
    elements, terms = np.nonzero(rises)
    assert ends(text, "gather", k) == extremes(k, "gather", elements, terms)
    if step.is_backward:
        sources = collect(step, iteration, elements).links.index[np.arange(len(elements)), terms]
        taps = [tap_of(step, iteration, *pair) for pair in zip(sources, elements, strict=True)]
        assert ends(text, "scatter", k) == extremes(k, "scatter", sources, taps)


def ends(text, order, k):
    """The first and the last time within an operation that a condition begins to hold."""
    clock = Clock(RECORDING, "term", order)
    becoming = Becoming(clock, parse_condition(text, WORDS))
    first, end = clock.span(k)
    return becoming.next(0, first - 1), becoming.previous(0, end)


def extremes(k, order, elements, terms):
    times = RECORDING.timeline.first(k, "term", order) + elements * RECORDING.timeline.steps[k].terms[order] + terms
    return times.min(), times.max()


def tap_of(step, iteration, source, element):
    return int(np.flatnonzero(shares_of(step, iteration, int(source)).target == element)[0])


@pytest.mark.parametrize("word", ["product", "upstream", "local"])
@pytest.mark.parametrize("k", STEPS, ids=lambda k: RECORDING.timeline.steps[k].writes)
def test_the_largest_of_single_terms(monkeypatch, k, word):
    monkeypatch.setattr(candidates, "_FEW", 0)
    step = RECORDING.timeline.steps[k]
    inside = Inside(Clock(RECORDING, "term", "gather"), 0, k)
    if word not in inside.known:
        return
    numbers = np.abs(inside.terms(np.arange(int(np.prod(step.shape))), {word})[word].values)
    limit = float(np.unique(numbers)[-3:][0])
    text = f"abs({word}) >= {limit!r} and layer == '{step.layer}' and phase == '{step.phase}'"
    elements, terms = np.nonzero(numbers >= limit)
    assert ends(text, "gather", k) == extremes(k, "gather", elements, terms)


@pytest.mark.parametrize("seed", range(8))
def test_a_largest_sum_beyond_its_bound_in_single_precision(monkeypatch, seed):
    monkeypatch.setattr(candidates, "_FEW", 0)
    x = {"init": "uniform", "shape": [3, 2000], "a": 0.5, "b": 1.0, "seed": seed}
    weight = {"init": "uniform", "a": 0.5, "b": 1.0, "seed": seed + 1}
    layer = {"name": "f", "op": "Linear", "out_features": 4, "weight": weight, "bias": False}
    recording, words = recorded({"dtype": "float32", "inputs": {"x": x}, "layers": [layer]})
    clock = Clock(recording, "term", "gather")
    sums = Inside(clock, 0, 0).terms(np.arange(12), {"sum"})["sum"].values
    becoming = Becoming(clock, parse_condition(f"sum >= {float(sums.max())!r}", words))
    assert becoming.next(0, -1) == sums.argmax()
