"""`c` and `C`: breakpoints and watches, in both directions, on every level, in both orders."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import networks, sample

from convstep.debugger.moves import Spot
from convstep.debugger.stops import shares
from convstep.debugger.stops.breakpoints import Breakpoint, Breakpoints
from convstep.debugger.stops.continuing import run_to_stop
from convstep.debugger.stops.inside import Inside
from convstep.debugger.stops.watches import Watch, Watches
from convstep.engine.recording import Recording
from convstep.engine.state import State, Status
from convstep.engine.timeline import LEVELS, ORDERS
from convstep.engine.work import QUIET, Cancelled, Work
from convstep.errors import ConvstepError
from convstep.explain.language.vocabulary import vocabulary
from convstep.explain.naming import Names
from convstep.network import load


class Desk:
    """A recording with breakpoints and watches, and a spot that `c` moves."""

    def __init__(self, source, level="op", order="gather"):
        self.recording = Recording(load(source))
        words = vocabulary(self.recording.graph, self.recording.timeline, Names(self.recording.graph))
        self.breakpoints, self.watches = Breakpoints(self.recording, words), Watches(self.recording, words)
        self.spot = Spot(level, order, -1)

    def go(self, backwards=False, work=QUIET):
        landing = run_to_stop(self.recording, self.spot, self.breakpoints, self.watches, backwards, work)
        moved = landing.spot != self.spot
        self.spot = landing.spot
        self.message = landing.message
        return moved

    def all(self, backwards=False):
        positions = []
        while self.go(backwards):
            positions.append(self.spot.position)
        return positions

    def at(self, level, order, position):
        self.spot = Spot(level, order, position)


@pytest.fixture
def two_conv():
    return Desk(sample("two_conv"))


def test_without_stops_it_says_what_to_do(two_conv):
    with pytest.raises(ConvstepError, match="b sets a breakpoint"):
        two_conv.go()


@pytest.mark.parametrize(
    ("text", "level", "positions"),
    [
        ("o1", "op", [0]),
        ("w1", "op", [9]),
        ("grad(w1)[3]", "op", [7]),
        ("grad(w1)", "element", [19]),
        ("o1[3]", "element", [2]),
        ("o1[3]", "term", [11]),
        ("o1 if loss > 3", "op", []),
        ("grad(w1) if loss > 3", "op", [7]),
        ("loss > 3", "op", [2]),
        ("loss", "op", [2]),
    ],
)
def test_where_breakpoints_stop(two_conv, text, level, positions):
    two_conv.breakpoints.add(two_conv.breakpoints.read(text))
    two_conv.at(level, "gather", -1)
    assert two_conv.all() == positions
    last = two_conv.recording.timeline.length(level, "gather") - 1
    two_conv.at(level, "gather", last)
    assert two_conv.all(backwards=True) == [p for p in positions[::-1] if p < last]


def test_it_says_why(two_conv):
    two_conv.breakpoints.add(two_conv.breakpoints.read("o2 if o1 > 5"))
    two_conv.go()
    assert two_conv.message == "breakpoint 1: o2 if o1 > 5"
    assert not two_conv.go()
    assert "no stop comes after this" in two_conv.message


def test_the_first_hits_are_passed_over():
    desk = Desk({**load(sample("two_conv")).document, "iterations": 5})
    desk.breakpoints.add(Breakpoint(key="o1", ignore=2))
    assert desk.all() == [22, 33, 44]
    assert desk.all(backwards=True) == [33, 22]
    desk.breakpoints.change(0, Breakpoint(condition="grad(o1) > 0 or o1 > 5", ignore=3))
    desk.at("op", "gather", -1)
    ignored = desk.all()
    desk.breakpoints.change(0, Breakpoint(condition="grad(o1) > 0 or o1 > 5"))
    desk.at("op", "gather", -1)
    assert ignored == desk.all()[3:]


@pytest.mark.parametrize("near", [0, 1, 5, 2**22])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("condition", ["sum != 0", "product > 0", "value != 9", "abs(sum) > 9 or iteration == 1"])
def test_many_hits_are_passed_over(monkeypatch, condition, order, near):
    monkeypatch.setattr(shares, "_NEAR", near)
    desk = Desk({**load(sample("two_conv")).document, "iterations": 2}, "term", order)
    desk.breakpoints.add(Breakpoint(condition=condition))
    hits = desk.all()
    for ignore in (1, 7, len(hits) - 2, len(hits)):
        desk.breakpoints.change(0, Breakpoint(condition=condition, ignore=ignore))
        desk.at("term", order, -1)
        assert desk.all() == hits[ignore:]
        desk.at("term", order, desk.recording.timeline.length("term", order))
        assert desk.all(backwards=True) == hits[ignore:][::-1]


def test_no_more_are_counted_than_are_passed_over(monkeypatch):
    looked = []
    terms = Inside.terms
    monkeypatch.setattr(Inside, "terms", lambda self, *given: looked.append(self.index) or terms(self, *given))
    desk = Desk({**load(sample("two_conv")).document, "iterations": 5}, "term")
    desk.breakpoints.add(Breakpoint(condition="sum != 0", ignore=5))
    desk.at("term", "gather", 4 * desk.recording.timeline.count("term") - 1)
    assert desk.go()
    assert {*looked} <= {0, 4}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("level", LEVELS)
def test_several_stop_where_each_of_them_does(level, order):
    conditions = ["sum > 20", "product == 36", "o1 > 5", "phase == 'backward'", "abs(value) > 15"]
    positions = []
    desk = Desk({**load(sample("two_conv")).document, "iterations": 2}, level, order)
    for condition in conditions:
        desk.breakpoints.all = [Breakpoint(condition=condition)]
        desk.at(level, order, -1)
        positions += desk.all()
    desk.breakpoints.all = [Breakpoint(condition=condition) for condition in conditions]
    desk.at(level, order, -1)
    assert desk.all() == sorted({*positions})
    desk.at(level, order, desk.recording.timeline.length(level, order))
    assert desk.all(backwards=True) == sorted({*positions})[::-1]


@pytest.mark.parametrize(("backwards", "operations"), [(False, {0, 1}), (True, {8, 7})])
def test_no_further_is_looked_than_to_the_nearest_stop(monkeypatch, backwards, operations):
    looked = set()
    terms = Inside.terms
    monkeypatch.setattr(Inside, "terms", lambda self, *given: looked.add(self.k) or terms(self, *given))
    desk = Desk(sample("two_conv"), "term")
    desk.breakpoints.all = [Breakpoint(condition="sum == 1e9"), Breakpoint(step=7 if backwards else 1)]
    desk.at("term", "gather", desk.recording.timeline.length("term", "gather") if backwards else -1)
    assert desk.go(backwards)
    assert looked <= operations | {9, 10}


def test_on_off_and_toggled(two_conv):
    points = two_conv.breakpoints
    assert "breakpoint on o1" in points.toggle(Breakpoint(key="o1"))
    points.enable(0, False)
    with pytest.raises(ConvstepError):
        two_conv.go()
    assert "no breakpoint on o1" in points.toggle(Breakpoint(key="o1"))
    assert points.all == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("i", "there from the start"),
        ("o1 if o9 > 1", "no tensor"),
        ("o1 +", "column"),
        ("i[1]", "no step writes"),
        ("o1 after -3", "whole number of hits"),
        ("o1 after 9999999999999 hits", "12 digits"),
        ("sum > 4 if o1 > 2", "and joins two conditions"),
    ],
)
def test_what_could_never_stop_is_refused(two_conv, text, words):
    with pytest.raises(ConvstepError, match=words):
        two_conv.breakpoints.read(text)


def test_breakpoints_and_watches_come_back_as_they_were(two_conv):
    points, watches = two_conv.breakpoints, two_conv.watches
    for each in (Breakpoint(step=3), Breakpoint(key="o1", index=2, ignore=4, enabled=False)):
        points.add(each)
    points.add(points.read("loss > prev(loss)"))
    watches.add("sum(grad(w1))", stops=True)
    other = Desk(sample("two_conv"))
    other.breakpoints.from_data(points.as_data())
    other.watches.from_data(watches.as_data())
    assert other.breakpoints.all == points.all
    assert other.watches.all == watches.all == [Watch("sum(grad(w1))", True)]


@pytest.mark.parametrize(
    "data",
    [
        None, {}, [1], [{"step": 99}], [{"step": "a"}], [{"key": "nothing"}], [{"key": "o1", "index": 4}],
        [{"condition": 3}], [{"key": "o1", "enabled": 1}], [{"key": "o1", "ignore": -1}], [{}], [{"key": "i"}],
        [{"condition": "o1 >"}], [{"key": "o1", "ignore": True}],
    ],
)  # fmt: skip
def test_foreign_data_is_refused(two_conv, data):
    with pytest.raises((ValueError, ConvstepError)):
        two_conv.breakpoints.from_data(data)
    assert two_conv.breakpoints.all == []


# -- watches


@pytest.mark.parametrize(
    ("text", "level", "position", "value"),
    [
        ("o1", "element", 1, "3 4 · ·"),
        ("o1[3]", "element", 1, "·"),
        ("o1[3]", "element", 2, "6"),
        ("o1[3]", "term", 9, "1…"),
        ("sum(o1)", "element", 2, "·"),
        ("sum(o1) * 2", "element", 3, "40"),
        ("o1 > 5", "element", 1, "false"),
        ("o1 > 5", "element", 2, "true"),
        ("sum", "term", 9, "1"),
        ("position", "term", 9, "9"),
        ("i", "op", 3, "1 … 9"),
        ("loss", "op", 1, "·"),
        ("loss", "op", 2, "9"),
    ],
)
def test_a_watch_shows_what_is_there(two_conv, text, level, position, value):
    two_conv.watches.add(text)
    assert two_conv.watches.seen(two_conv.watches.all[0], Spot(level, "gather", position)).value == value


def test_the_history_of_a_sum_under_way(two_conv):
    two_conv.watches.add("grad(w1)[1]")
    seen = two_conv.watches.seen(two_conv.watches.all[0], Spot("term", "gather", 30 + 2))
    assert (seen.history.over, seen.history.numbers) == ("terms", (12.0, 48.0))


def test_the_history_of_the_loss():
    desk = Desk({**load(sample("two_conv")).document, "iterations": 5})
    desk.recording.iteration(4)
    desk.watches.add("loss")
    seen = desk.watches.seen(desk.watches.all[0], Spot("op", "gather", 50))
    assert (seen.history.over, len(seen.history.numbers)) == ("iterations", 5)


def test_a_watched_condition_stops_unless_told_otherwise(two_conv):
    told = two_conv.watches.add("loss > 3")
    assert told == "watching loss > 3; c stops when it becomes true; W lists the watches"
    assert two_conv.watches.add("loss") == "watching loss; W lists the watches"
    two_conv.watches.add("o1 > 100", stops=False)
    assert [watch.stops for watch in two_conv.watches.all] == [True, False, False]
    assert two_conv.all() == [2]


def test_among_operations_it_says_where_sums_run(two_conv):
    two_conv.watches.add("sum > 47")
    assert not two_conv.go()
    assert "sums run inside" in two_conv.message
    two_conv.at("term", "gather", -1)
    assert two_conv.go()
    assert two_conv.spot.position == 32


def test_a_watch_stops_when_it_changes(two_conv):
    two_conv.watches.add("o1", stops=True)
    two_conv.at("element", "gather", -1)
    assert two_conv.all() == [0, 1, 2, 3]
    two_conv.watches.add("w1[1]", stops=True)
    two_conv.at("op", "gather", 0)
    assert two_conv.all() == [9]
    with pytest.raises(ConvstepError, match="changes all the time"):
        two_conv.watches.add("sum + 1", stops=True)


# -- against a visit of every step


@given(networks(4), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_element_stops_where_it_is_written(source, seed):
    choice = random.Random(seed)
    desk = Desk(source)
    timeline = desk.recording.timeline
    k = choice.randrange(len(timeline.steps))
    step = timeline.steps[k]
    key = f"new({step.tensor})" if step.phase == "update" else step.writes
    index = choice.randrange(int(np.prod(step.shape)))
    desk.breakpoints.add(Breakpoint(key=key, index=index))
    for level in LEVELS:
        for order in ORDERS:
            if timeline.length(level, order) > 1500:
                continue
            expected = written(desk.recording, key, index, level, order)
            desk.at(level, order, -1)
            assert desk.all() == expected
            desk.at(level, order, timeline.length(level, order))
            assert desk.all(backwards=True) == expected[::-1]


def written(recording, key, index, level, order):
    """The positions at which one more operation has finished the element."""
    done, positions = 0, []
    updates = key.startswith("new(")
    found = recording.timeline.writers(key[4:-1] if updates else key)
    writers = [k for k in found if not updates or recording.timeline.steps[k].phase == "update"]
    for position in range(recording.timeline.length(level, order)):
        state = State(recording, recording.timeline.place(level, order, position), order)
        if key.startswith("grad"):
            now = sum(state.given_so_far(k, index)[1] == Status.DONE for k in writers)
        else:
            now = int(state.read(key, np.array([index]))[1][0] == Status.DONE)
        if now > done or (now and position % recording.timeline.count(level, order) == 0):
            positions.append(position)
        done = now
    return positions


def test_an_element_is_written_before_the_empty_terms_that_follow():
    inputs = {"x": np.arange(9.0).reshape(1, 1, 3, 3), "y": np.zeros((1, 1, 3, 3))}
    layer = {"name": "c", "op": "Conv2d", "out_channels": 1, "kernel_size": 3, "padding": 1, "bias": False}
    desk = Desk({"inputs": inputs, "layers": [layer], "loss": {"op": "MSELoss", "inputs": ["c", "y"]}}, "term")
    for key, index in (("c", 8), ("c", 0), ("grad(x)", 0), ("grad(x)", 8)):
        desk.breakpoints.all = [Breakpoint(key=key, index=index)]
        for order in ORDERS:
            desk.at("term", order, -1)
            assert desk.all() == written(desk.recording, key, index, "term", order)


# -- interrupted


class Impatient(Work):
    def __init__(self, checks):
        self.left = checks

    def check(self):
        self.left -= 1
        if self.left < 0:
            raise Cancelled


def test_it_can_be_given_up_at_any_moment():
    desk = Desk({**load(sample("digits")).document, "iterations": 3}, "term")
    desk.breakpoints.add(desk.breakpoints.read("sum > 1e9"))
    for checks in (0, 1, 5, 20):
        with pytest.raises(Cancelled):
            desk.go(work=Impatient(checks))
        assert desk.spot.position == -1
    assert not desk.go()
