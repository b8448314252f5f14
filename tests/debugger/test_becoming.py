"""Where conditions become true: found from whole arrays, and the same as by going to every step."""

import random

import numpy as np
import pytest
from by_visiting import becomes_true
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import networks, sample
from random_conditions import pick_condition, recorded

from convstep.debugger.stops import candidates, shares
from convstep.debugger.stops.becoming import Becoming
from convstep.debugger.stops.clock import Clock
from convstep.engine.timeline import LEVELS, ORDERS
from convstep.explain.language.conditions import parse_condition
from convstep.network import load

_MOST_STEPS = 1500


def found(recording, node, level, order, backwards=False):
    """All positions, each from the one before it."""
    becoming = Becoming(Clock(recording, level, order), node)
    count, positions = recording.timeline.count(level, order), []
    iterations = range(recording.timeline.iterations)
    for iteration in reversed(iterations) if backwards else iterations:
        time = count if backwards else -1
        while (time := (becoming.previous if backwards else becoming.next)(iteration, time)) is not None:
            positions.append(iteration * count + time)
    return positions[::-1] if backwards else positions


def compare(recording, node, level, order):
    visited = becomes_true(recording, node, level, order)
    assert found(recording, node, level, order) == visited
    assert found(recording, node, level, order, backwards=True) == visited


@pytest.fixture(params=[False, True], ids=["small", "as if large"], scope="module")
def limits(request):
    """The ways of small networks, and those of large ones."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param:
            patch.setattr(candidates, "_FEW", 0)
            patch.setattr(shares, "_NEAR", 0)
        yield


@pytest.mark.usefixtures("limits")
@given(networks(4), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_step_and_no_other(source, seed):
    recording, words = recorded(source)
    choice = random.Random(seed)
    text = pick_condition(recording, words, choice)
    node = parse_condition(text, words)
    for level in LEVELS:
        for order in ORDERS:
            if recording.timeline.length(level, order) <= _MOST_STEPS:
                compare(recording, node, level, order)


TWO_CONV = recorded(sample("two_conv"))


@pytest.mark.parametrize(
    ("text", "level", "order", "positions"),
    [
        ("abs(grad(w1)) > 20", "op", "gather", [7]),
        ("o1 > 5", "element", "gather", [2]),
        ("o1 > 5", "term", "gather", [11]),
        ("max(o1) > 5", "element", "gather", [3]),
        ("max(o1) < 0", "element", "gather", []),
        ("not (o1 > 7)", "element", "gather", [3]),
        ("loss > 3", "op", "gather", [2]),
        ("phase == 'update'", "op", "gather", [9]),
        ("layer == 'o1' and phase == 'backward'", "op", "gather", [7]),
        ("sum > 40 and writes", "op", "gather", None),
        ("position >= 7", "op", "gather", [7]),
        ("i > 8", "op", "gather", [0]),
        ("product > 35 and layer == 'o1'", "term", "gather", [32, 36, 39, 40, 43, 44, 59, 64]),
        ("local == 2 and upstream == 18", "term", "gather", [32]),
        ("local == 2 and upstream == 18", "term", "scatter", [35]),
        ("factors[0] == 5 and layer == 'o1'", "term", "gather", [3, 6, 9, 12]),
        ("factors[0] == 5 and factors[1] == 3", "term", "scatter", [6]),
        ("abs(factors[0] * factors[1] - product) > 0", "term", "gather", []),
        ("product > 35", "op", "gather", []),
        ("value < -20", "element", "gather", [16, 25, 26]),
        ("index == 3 and value > 0 and layer == 'o1'", "element", "gather", [2, 18, 22, 31]),
    ],
)
def test_what_the_words_mean(text, level, order, positions):
    recording, words = TWO_CONV
    if positions is None:
        with pytest.raises(Exception, match="writes"):
            parse_condition(text, words)
        return
    node = parse_condition(text, words)
    assert found(recording, node, level, order) == positions
    compare(recording, node, level, order)


def test_the_first_term_after_which_the_running_sum_exceeds():
    recording, words = TWO_CONV
    node = parse_condition("sum > 40 and layer == 'o1'", words)
    positions = found(recording, node, "term", "gather")
    places = [recording.timeline.place("term", "gather", p) for p in positions]
    written = [(recording.timeline.steps[place.step].writes, place.element, place.term) for place in places]
    assert ("grad(o1.weight)", 0, 1) in written


@pytest.mark.parametrize("text", ["loss > prev(loss)", "fc2 > prev(fc2)", "iteration == 3 and phase == 'update'"])
def test_from_one_iteration_to_the_next(text):
    recording, words = recorded({**load(sample("digits")).document, "iterations": 5})
    compare(recording, parse_condition(text, words), "op", "gather")


PADDED = {
    "inputs": {"x": np.arange(9.0).reshape(1, 1, 3, 3) - 3, "y": np.zeros((1, 1, 3, 3))},
    "layers": [{"name": "c", "op": "Conv2d", "out_channels": 1, "kernel_size": 3, "padding": 1, "bias": False}],
    "loss": {"name": "C", "op": "MSELoss", "inputs": ["c", "y"]},
    "iterations": 2,
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "text",
    [
        "c != 0",
        "grad(x) != 0",
        "grad(x)[0,0,2,2] != 0",
        "min(c) < 9",
        "sum != 0",
        "not (c > 99)",
        "all(grad(x) != 1e9)",
    ],
)
def test_an_element_is_finished_before_the_empty_terms_that_follow(text, order):
    recording, words = recorded(PADDED)
    compare(recording, parse_condition(text, words), "term", order)


@pytest.mark.parametrize(
    "text",
    [
        "any(i == 1 or o1 > 6)",
        "any(o1 > 6 and o1 > max(o2))",
        "any(o1 == 3 or grad(o1) < 0)",
        "all(o1 > 9 and grad(o1) > 99)",
        "not any(o1 > 9 and grad(o1) > 99)",
    ],
)
def test_one_part_that_settles_it_is_enough(text):
    recording, words = TWO_CONV
    for level in ("op", "element"):
        compare(recording, parse_condition(text.replace("i == 1 or ", "prev(o1) > 0 or "), words), level, "gather")


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(
    "text", ["sum == 3", "abs(sum - 3) < 1e-9", "product == 4", "sum > 2.5 and product < 0", "sum == 9"]
)
def test_factors_beyond_single_precision(text):
    layer = {"name": "o", "op": "Linear", "out_features": 2, "bias": False}
    weight = {"value": [1e-200, 2e-200, 3e-200, 1e-200, 2e-200, -1e-200]}
    source = {
        "inputs": {"x": {"value": [[1e200, 1e200, 0], [1e200, 2e200, 1e200]]}},
        "layers": [{**layer, "weight": weight}],
    }
    recording, words = recorded(source)
    compare(recording, parse_condition(text, words), "term", "gather")
