"""Where each key lands: as screen.md has it for two_conv, and there and back on networks that nobody wrote."""

import numpy as np
import pytest
from hypothesis import given, settings
from networks import networks, sample

from convstep.debugger.moves import Spot, place_of, switch_order
from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.engine.state import State
from convstep.engine.timeline import LEVELS, ORDERS, Place
from convstep.network import load
from convstep.ops.base import Empty

PADDED = {
    "inputs": {"x": np.arange(9.0).reshape(1, 1, 3, 3), "y": np.zeros((1, 1, 2, 2))},
    "layers": [{"name": "c", "op": "Conv2d", "out_channels": 1, "kernel_size": 2, "stride": 2, "padding": 1}],
    "loss": {"name": "C", "op": "MSELoss", "inputs": ["c", "y"]},
    "iterations": 2,
}


@pytest.fixture
def session():
    return open_session(sample("two_conv"))


def at(session):
    return session.spot.level, session.spot.position


# -- the table of keys --------------------------------------------------------------------------------------


def test_a_session_opens_before_the_first_step(session):
    assert at(session) == ("op", -1)
    assert "nothing has happened yet" in session.previous()
    assert at(session) == ("op", -1)


def test_n_and_N_step_on_this_level(session):
    assert session.next() == ""
    assert at(session) == ("op", 0)
    session.next()
    session.previous()
    assert at(session) == ("op", 0)


def test_the_end_says_so(session):
    session.end()
    assert at(session) == ("op", 10)
    assert "last step" in session.next()
    assert at(session) == ("op", 10)


def test_s_goes_to_the_first_step_inside_and_says_that_it_rebuilds(session):
    session.go("op 0")
    assert session.first_inside() == "rebuilding o1: 1 of 4"
    assert at(session) == ("element", 0)
    assert session.first_inside() == "rebuilding o1[1]: 1 of 4"
    assert at(session) == ("term", 0)
    assert session.first_inside() == "a term is the finest step; f comes out"


def test_S_is_the_same_moment_seen_closer(session):
    session.go("o1")
    session.last_inside()
    assert at(session) == ("element", 3)
    session.last_inside()
    assert at(session) == ("term", 15)
    assert "finest" in session.last_inside()


def test_f_comes_out_on_what_contains_the_step(session):
    session.go("term 5")
    session.out()
    assert at(session) == ("element", 1)
    session.out()
    assert at(session) == ("op", 0)
    session.out()
    assert at(session) == ("op", 10), "on operations: the end of the iteration"
    assert "already" in session.out()


def test_F_comes_out_before_it(session):
    session.go("term 5")
    session.out_before()
    assert at(session) == ("element", 0)
    session.out_before()
    assert at(session) == ("op", -1)
    assert "already" in session.out_before()


def test_on_operations_f_and_F_go_to_the_ends_of_the_iteration():
    session = Session(Recording(load(PADDED)))
    count = session.recording.timeline.count("op")
    session.go(f"op {count + 2}")
    session.out_before()
    assert at(session) == ("op", count - 1), "iteration 1 begins where iteration 0 ended"
    session.go(f"op {count + 2}")
    session.out()
    assert at(session) == ("op", 2 * count - 1)


def test_nothing_lies_inside_the_start(session):
    assert "no last step inside" in session.last_inside()
    session.first_inside()
    assert at(session) == ("element", 0)
    session.home()
    assert at(session) == ("element", -1)
    session.out()
    assert at(session) == ("op", -1)


# -- empty terms --------------------------------------------------------------------------------------------


def test_empty_terms_are_passed_over_and_counted():
    session = Session(Recording(load(PADDED)), Spot("term", "gather", -1))
    assert session.next() == "passed over 3 empty terms (padding): nothing is added there"
    assert at(session) == ("term", 3)
    assert session.previous() == "passed over 3 empty terms (padding): nothing is added there"
    assert at(session) == ("term", -1)


@pytest.mark.parametrize("order", ORDERS)
def test_no_walk_over_terms_stops_on_an_empty_one(order):
    session = Session(Recording(load(PADDED)), Spot("term", order, -1))
    length = session.recording.timeline.length("term", order)
    forward = walk(session, session.next, length)
    assert len(forward) < length
    assert len(forward) > 40
    for position in forward[:-1]:
        state = Session(session.recording, Spot("term", order, position)).state()
        empty = state.empty_terms
        assert empty is None or empty[state.place.term] == Empty.NO
    backward = walk(session, session.previous, length)
    assert backward[::-1][1:] == forward[:-1]


BLANK = {
    "inputs": {"x": np.arange(1.0, 5.0).reshape(1, 1, 2, 2), "y": np.zeros((1, 1, 9, 2))},
    "layers": [
        {"name": "p", "op": "ConstantPad2d", "padding": [1, 1, 40, 40], "value": 0.0},
        {"name": "d", "op": "Cat", "inputs": ["p", "p"], "dim": 2},
        {"name": "c", "op": "Conv2d", "out_channels": 1, "kernel_size": 1, "stride": [20, 3], "bias": False},
        {"name": "t", "op": "ConvTranspose2d", "out_channels": 1, "kernel_size": 1, "stride": [1, 1], "bias": False},
        {"name": "s", "op": "AvgPool2d", "kernel_size": 1},
    ],
}


@pytest.mark.parametrize("order", ORDERS)
def test_elements_of_empty_terms_alone_are_passed_over_without_a_look_at_each(order, monkeypatch):
    recording = Recording(load(BLANK | {"loss": {"op": "MSELoss", "inputs": ["s", "y"]}}))
    timeline = recording.timeline
    length = timeline.length("term", order)
    codes = (State(recording, timeline.place("term", order, k), order) for k in range(length))
    full = [k for k, s in enumerate(codes) if s.empty_terms is None or s.empty_terms[s.place.term] == Empty.NO]
    assert max(np.diff(full)) > 100

    looks = []
    monkeypatch.setattr("convstep.debugger.moves.State", lambda *args: looks.append(args) or State(*args))
    session = Session(recording, Spot("term", order, -1))

    def look_seldom(move):
        looks.clear()
        move()
        assert len(looks) <= 6

    forward = walk(session, lambda: look_seldom(session.next), length)
    assert forward[: len(full)] == full
    backward = walk(session, lambda: look_seldom(session.previous), length)
    assert backward[::-1][1:] == full[: len(backward) - 1]


def walk(session, move, most):
    """The positions on which a key stops until it stops no more."""
    positions = []
    for _ in range(most + 2):
        before = session.spot
        move()
        if session.spot == before:
            return positions
        positions.append(session.spot.position)
    raise AssertionError("the walk does not end")


# -- there and back -----------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(networks(5))
def test_moves_are_undone_by_their_opposites(source):
    session = Session(Recording(load(source)))
    timeline = session.recording.timeline
    for order in ORDERS:
        for level in LEVELS:
            length = timeline.length(level, order)
            for position in range(-1, length, 1 + length // 40):
                spot = Spot(level, order, position)
                check_opposites(session, spot)


def check_opposites(session, spot):
    def after(*moves):
        session.spot = spot
        messages = [move() for move in moves]
        return session.spot, messages[-1]

    timeline = session.recording.timeline
    place = place_of(timeline, spot)
    if spot.level != "term":
        assert after(session.next, session.previous)[0] in (spot, Spot(spot.level, spot.order, spot.position - 1))
        if place.step >= 0:
            assert after(session.first_inside, session.out)[0] == spot
            assert after(session.last_inside, session.out)[0] == spot
            assert after(session.first_inside, session.out_before)[0].position == spot.position - 1
        inside, _ = after(session.first_inside)
        assert inside.level == LEVELS[LEVELS.index(spot.level) + 1]
    else:
        assert after(session.first_inside) == (spot, "a term is the finest step; f comes out")
    if spot.level != "op":
        coarser, _ = after(session.out)
        assert place_of(timeline, coarser)[: LEVELS.index(coarser.level) + 2] == place[: LEVELS.index(spot.level) + 1]
    for move in (session.next, session.previous, session.first_inside, session.last_inside):
        reached, message = after(move)
        assert reached != spot or message, "an impossible move is never silent"


@settings(max_examples=25)
@given(networks(5))
def test_o_twice_comes_back_to_the_same_product(source):
    recording = Recording(load(source))
    for order in ORDERS:
        length = recording.timeline.length("term", order)
        for position in range(0, length, 1 + length // 80):
            spot = Spot("term", order, position)
            there = switch_order(recording, spot)
            assert there.message
            if there.spot == spot:
                assert "empty" in there.message
                continue
            assert there.spot.order != order
            assert product(recording, there.spot) == product(recording, spot)
            assert switch_order(recording, there.spot).spot == spot


def test_o_tells_apart_the_taps_by_which_one_output_meets_one_input_twice():
    """Padding that goes around: a window of three on a row of two meets one of its numbers twice."""
    layer = {"name": "c", "op": "Conv1d", "out_channels": 1, "kernel_size": 3, "padding": 1, "padding_mode": "circular"}
    source = {"inputs": {"x": {"shape": [1, 1, 2], "value": [1, 2]}}, "layers": [layer], "gradient": {"c": [[[1, 2]]]}}
    recording = Recording(load(source))
    steps = recording.timeline.steps
    terms = [
        place
        for position in range(recording.timeline.length("term", "gather"))
        if steps[(place := recording.timeline.place("term", "gather", position)).step].writes == "grad(x)"
    ]
    spots = [Spot("term", "gather", recording.timeline.position("gather", place)) for place in terms]
    there = [switch_order(recording, spot).spot for spot in spots]
    assert len(set(there)) == len(spots) == 6
    assert [switch_order(recording, spot).spot for spot in there] == spots
    assert [product(recording, spot) for spot in there] == [product(recording, spot) for spot in spots]


def product(recording, spot):
    state = Session(recording, spot).state()
    if state.collected is None or not state.step.is_backward:
        return state.place
    k = state.column_term
    return state.place.step, state.target, k, state.collected.products[0, k]


@settings(max_examples=25)
@given(networks(5))
def test_o_on_an_element_stays_with_what_it_was_given(source):
    recording = Recording(load(source))
    for order in ORDERS:
        length = recording.timeline.length("element", order)
        for position in range(0, length, 1 + length // 40):
            spot = Spot("element", order, position)
            there = switch_order(recording, spot)
            assert there.message
            one, other = (place_of(recording.timeline, s) for s in (spot, there.spot))
            assert (one.iteration, one.step) == (other.iteration, other.step)
        for position in range(-1, recording.timeline.length("op")):
            assert switch_order(recording, Spot("op", order, position)).spot.position == position


def test_o_on_an_element_passes_over_the_empty_terms_at_its_end():
    """A corner of the input feeds one output alone; the terms after it lie on the padding."""
    layer = {"name": "c", "op": "Conv2d", "out_channels": 1, "kernel_size": 3, "bias": False}
    source = {"inputs": {"x": {"init": "ones", "shape": [1, 1, 4, 4]}}, "layers": [layer]}
    recording = Recording(load({**source, "gradient": {"c": [[[[1, 2], [3, 4]]]]}}))
    timeline = recording.timeline
    step = next(k for k, step in enumerate(timeline.steps) if step.writes == "grad(x)")
    for corner, fed in ((0, 0), (3, 1), (12, 2), (15, 3)):
        spot = Spot("element", "gather", timeline.position("gather", Place(0, step, corner)))
        there = switch_order(recording, spot).spot
        assert (there.order, place_of(timeline, there)) == ("scatter", Place(0, step, fed))


def test_o_without_a_backward_step_changes_the_order_alone(session):
    for where in ("start", "term 3", "new(w1)[1]"):
        session.go(where)
        before = session.place
        assert session.switch_order()
        assert session.place == before


def test_at_the_ends_home_and_end_say_where_one_is(session):
    assert session.home() == "this is the start: nothing has happened yet"
    assert session.end() == ""
    assert session.end() == "this is the last step; N goes back, home to the start"
    assert session.home() == ""


def test_inside_a_share_the_shares_are_rebuilt(session):
    session.switch_order()
    session.go("grad(w1)")
    assert session.first_inside() == "rebuilding grad(w1): 1 of 4"
    assert session.first_inside() == "rebuilding the shares of grad(o1)[1]: 1 of 4"


def test_what_a_walk_takes_over_from_step_to_step_is_what_every_step_makes_anew():
    for order in ORDERS:
        session = open_session(sample("conv_pool_sigmoid"))
        session.spot = Spot("term", order, session.recording.timeline.count("term", order) // 2)
        for move in ["next"] * 100 + ["previous"] * 40 + ["next"] * 10:
            getattr(session, move)()
            walked = session.state()
            alone = State(session.recording, session.place, order)
            assert walked.target == alone.target
            assert walked.complete == alone.complete
            key = walked.step.writes
            for read, anew in zip(walked.read(key, np.arange(4)), alone.read(key, np.arange(4)), strict=True):
                assert read.tobytes() == anew.tobytes()
