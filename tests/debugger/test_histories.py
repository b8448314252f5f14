"""What stands behind a watch's sparkline: iterations, steps of one iteration, or terms of a sum."""

import random
from itertools import pairwise

import numpy as np
import pytest
from by_visiting import Visitor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import networks, sample
from random_conditions import pick_condition, recorded

from convstep.debugger.keeping.snapshot import open_graph
from convstep.debugger.moves import Spot
from convstep.debugger.opening import open_session
from convstep.debugger.screen.alarms import bars, told
from convstep.debugger.session import Session
from convstep.debugger.stops.clock import Clock
from convstep.debugger.stops.histories import PARTS, held_over_steps
from convstep.debugger.stops.truth import Truth
from convstep.engine.recording import Recording
from convstep.engine.state import State
from convstep.engine.timeline import LEVELS, ORDERS
from convstep.explain.language.conditions import parse_condition
from convstep.explain.language.kinds import uses


def seen(session, text, place=""):
    """A watch as it is seen at the present spot, or at a place."""
    if place:
        session.go(place)
    session.desk.watches.add(text)
    return session.desk.watches.seen(session.desk.watches.all[-1], session.spot)


@pytest.fixture
def two_conv():
    return open_session(sample("two_conv"))


@pytest.mark.parametrize(
    ("text", "place", "over", "numbers"),
    [
        ("o2 < 0", "grad(y)", "steps", (0, 1, 1, 1, 1)),
        ("phase == 'backward'", "grad(o2)", "steps", (0, 0, 0, 1)),
        ("position >= 2", "grad(o2)", "steps", (0, 0, 1, 1)),
        ("position * 2", "grad(o2)", "steps", (0, 2, 4, 6)),
        ("sum", "term 33", "terms", (12, 48, 0)),
        ("sum * 2 > 20", "term 33", "terms", (1, 1, 0)),
        ("sum", "o1[3]", "elements", (3, 4, 6)),
        ("sum", "o1", "iterations", ()),
        ("phase == 'backward'", "start", "iterations", ()),
        ("layer == 'o1'", "end", "steps", (1, *[0] * 6, 1, 1, 1, 0)),
    ],
)
def test_within_one_iteration(two_conv, text, place, over, numbers):
    history = seen(two_conv, text, place).history
    assert (history.over, history.numbers) == (over, numbers)


@pytest.fixture
def trained():
    """After 8 iterations, of which only the last was looked at."""
    session = open_session(sample("digits"), iterations=8)
    session.desk.watches.add("max(abs(grad(conv1.weight)))")
    session.desk.watches.add("fc2")
    session.end()
    session.view()
    return session


def test_every_iteration_that_was_run_since(trained):
    run = [trained.recording.iteration(k) for k in range(8)]
    largest = [float(np.abs(each.grads["conv1.weight"]).max()) for each in run]
    number, tensor = (trained.desk.watches.seen(watch, trained.spot).history for watch in trained.desk.watches.all)
    assert (number.over, list(number.numbers), number.of) == ("iterations", largest, "")
    assert list(tensor.numbers) == [float(np.abs(each.values["fc2"]).max()) for each in run]
    assert " max|x| " in told(trained.desk.watches.seen(trained.desk.watches.all[1], trained.spot))


def test_a_condition_on_the_loss_knows_all_iterations(trained):
    losses = [trained.recording.losses[k] for k in range(8)]
    history = seen(trained, "loss > prev(loss)").history
    rose = [False] + [now > before for before, now in pairwise(losses)]
    assert (list(history.numbers), history.over, history.truths) == (rose, "iterations", True)
    trained.go("iteration 3")
    assert list(seen(trained, "loss > prev(loss)").history.numbers) == [*rose[:3], False]
    assert seen(trained, "iteration").history.numbers == (0, 1, 2, 3)


@given(networks(4), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_shares_are_those_of_a_visit(source, seed):
    recording, words = recorded(source)
    choice = random.Random(seed)
    node = parse_condition(pick_condition(recording, words, choice), words)
    if uses(node, "sum"):
        return
    level, order = choice.choice(LEVELS), choice.choice(ORDERS)
    count = recording.timeline.count(level, order)
    if count > 600:
        return
    iteration, time = choice.randrange(recording.timeline.iterations), choice.randrange(count)
    visitor, held = Visitor(recording, order), []
    for position in range(iteration * count, iteration * count + time + 1):
        state = State(recording, recording.timeline.place(level, order, position), order)
        held.append(visitor.holds(node, state, position))
    history = held_over_steps(Truth(Clock(recording, level, order), node, iteration), time)
    parts = len(history.numbers)
    assert parts == (min(PARTS, len(held)) if time else 0)
    finely = np.repeat(np.array(held, dtype=float), max(parts, 1))
    assert np.allclose(finely.reshape(max(parts, 1), -1).mean(axis=1)[:parts], history.numbers)


@pytest.mark.parametrize(
    ("shares", "drawn"),
    [((), ""), ((1.0,), ""), ((0, 1, 0.5, 1e-9), "▁█▄▄"), ((0,) * 30 + (1,) + (0,) * 29, "▁" * 6 + "▄" + "▁" * 5)],
)
def test_bars(shares, drawn):
    assert bars(shares, 12) == drawn


def test_a_condition_shows_its_history_on_the_screen(two_conv):
    two_conv.desk.watches.add("o2 < 0")
    two_conv.desk.keep()
    two_conv.go("grad(y)")
    assert two_conv.view().tensors[0].text == "o2 < 0 = true  ▁████"
    assert two_conv.spot == Spot("op", "gather", 4)


def test_an_element_whose_iteration_is_not_at_hand():
    """It is said in the place of the number: nobody waits for it."""
    session = Session(Recording(open_graph(sample("two_conv"), 3), kept_bytes=0))
    assert told(seen(session, "grad(w1)[1]", "iteration 1")).startswith("·")
    session.recording.iteration(0)
    session.recording.patience = 0.0
    watch = session.desk.watches.all[0]
    assert told(session.desk.watches.seen(watch, session.spot)) == "… (its iteration is not at hand)"
