"""The screen as data: at every position of the sample nets it can be made, read, and says plain things."""

import re

import pytest
from hypothesis import given, settings
from networks import networks, sample
from picked import PICKED
from plain_view import plain, texts

from convstep.debugger.moves import Spot
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.engine.timeline import LEVELS, ORDERS
from convstep.network import load

EVERYWHERE = [(level, order) for level in LEVELS for order in ORDERS]


def screens(session, level, order, most):
    """The screens of a spread part of the positions, the ends among them."""
    length = session.recording.timeline.length(level, order)
    for position in sorted({-1, *range(0, length, 1 + length // most), length - 1}):
        session.spot = Spot(level, order, position)
        yield plain(session.view())


def check(screen):
    for text in texts(screen):
        assert "None" not in text
        assert "nan" not in re.findall(r"\w+", text)
        assert "array(" not in text and "np." not in text
        assert "\n" not in text
    said = screen["sentence"]
    assert said == said.strip()
    assert said.endswith((".", ".)")), said
    assert "  " not in said, said
    assert ".." not in said, said
    assert said[0] == said[0].upper() or not said[0].isalpha() or screen["where"], said


@pytest.mark.parametrize(("level", "order"), EVERYWHERE)
@pytest.mark.parametrize(("name", "most"), [("two_conv", 200), ("conv_pool_sigmoid", 60), ("digits", 12)])
def test_sample_nets(name, most, level, order, sessions):
    for screen in screens(sessions(name), level, order, most):
        check(screen)


@pytest.fixture(scope="module")
def sessions():
    opened = {}

    def session(name):
        if name not in opened:
            opened[name] = Session(Recording(load(sample(name))))
        return opened[name]

    return session


@pytest.mark.parametrize("name", PICKED)
def test_picked_networks(name):
    session = Session(Recording(load(PICKED[name])))
    for level, order in EVERYWHERE:
        for screen in screens(session, level, order, 20):
            check(screen)


@settings(max_examples=25)
@given(networks())
def test_random_networks(source):
    session = Session(Recording(load(source)))
    for level, order in EVERYWHERE:
        for screen in screens(session, level, order, 8):
            check(screen)


def test_the_screen_of_screen_md():
    """A term of a weight's gradient in two_conv, as the picture has it."""
    session = Session(Recording(load(sample("two_conv"))))
    session.go("grad(w1)[1]")
    session.first_inside()
    session.next()
    view = session.view()
    position = session.spot.position
    assert view.status == f"TERM {position} of 91"
    assert view.where == ("backward", "o1 Conv2d", "grad(w1)[1]", "term 2 of 4")
    assert view.sentence.startswith(
        "w1[1] met i[2] = 2 when o1[2] was made; C changes by 18 per unit of o1[2]. "
        "This use adds 2 × 18 = 36. Sum so far 48; 2 uses "
    )
    terms = [view.formula.term(k) for k in range(view.formula.count)]
    assert view.formula.subject == "∂C/∂w1[1]"
    assert [t.names for t in terms] == ["i[1]·g[1]", "i[2]·g[2]", "i[4]·g[3]", "i[5]·g[4]"]
    assert [t.numbers for t in terms] == ["1·12", "2·18", "4·(-12)", "5·(-6)"]
    assert [t.result for t in terms] == ["12", "36 → 48…", "·", "·"]
    assert view.formula.now == 1
    assert [row[-1] for row in map(view.ledger.row, range(4))] == ["12", "48", "·", "·"]


def test_a_running_sum_passes_a_real_zero():
    session = Session(Recording(load(sample("two_conv"))))
    session.go("grad(w1)[1]")
    session.first_inside()
    sums = []
    for _ in range(4):
        sums.append(float(session.state().collected.sums[0, session.place.term]))
        session.next()
    assert sums == [12, 48, 0, -30]
