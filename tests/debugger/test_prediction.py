"""Predicting: results are hidden wherever they appear, right ones are taken, wrong ones are answered in words."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import networks, sample

from convstep.debugger.moves import Spot
from convstep.debugger.opening import open_session
from convstep.debugger.screen.view import HIDDEN, Grid
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.engine.sums import collect
from convstep.errors import ConvstepError
from convstep.explain.slips import Asked, slip, typed
from convstep.network import load


def predicting(net="two_conv", at="term 31", mode="predict"):
    session = open_session(sample(net), at=at)
    session.prediction.switch(mode, session.state())
    return session


def answer(session, text):
    return session.prediction.answer(session.state(), text)


def test_the_step_on_the_screen_stays_and_the_next_is_hidden():
    session = predicting()
    assert "48" not in session.view().sentence
    assert "12" in session.view().sentence
    session.next()
    view = session.view()
    assert view.sentence.startswith("What is i[2]·g[2] = 2·18?")
    assert view.formula.term(1).result == "?"
    assert view.formula.term(0).result == "12"
    assert view.ledger.row(1)[-2:] == ("?", "?")
    gradient = next(block for block in view.gradients if isinstance(block, Grid) and block.key == "grad(o1.weight)")
    assert gradient.cells(np.array([0])).status[0] == HIDDEN
    assert all(claim.result == "?" and not claim.why for claim in view.claims)


def test_a_right_answer_shows_it_and_steps_before_stay_known():
    session = predicting()
    session.next()
    assert answer(session, "36").startswith("right")
    assert "48" in session.view().sentence
    session.previous()
    assert "?" not in session.view().status
    session.next()
    assert "?" not in session.view().status
    session.next()
    assert session.view().status.endswith("?")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("-36", "sign"),
        ("48", "the sum so far"),
        ("18", "the local derivative is missing"),
        ("20", "right is to multiply"),
        ("72", "off by a constant factor; it is too large in size$"),
        ("1000", "too large"),
        ("i[2] * * 3", "column"),
        ("grad(w1)[1]", "is what is asked"),
        ("new(w1)[1]", "not written yet"),
        ("o1", "one number, not"),
    ],
)
def test_a_wrong_product_is_answered_with_what_was_done(text, says):
    session = predicting()
    session.next()
    with pytest.raises(ConvstepError, match=says):
        answer(session, text)
    assert session.view().status.endswith("?")


def test_an_expression_is_taken():
    session = predicting()
    session.next()
    assert answer(session, "i[2] * grad(o1)[2]").startswith("right")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("144", "sum-before-multiply"),
        ("-66", "term 2 of 4 is missing$"),
        ("30", "sign"),
        ("36", "term 2 of 4 alone"),
    ],
)
def test_a_wrong_gradient_is_answered_with_its_mistake(text, says):
    session = predicting(at="op 6")
    session.go("grad(w1)[1]")
    assert session.view().status.endswith("?")
    with pytest.raises(ConvstepError, match=says):
        answer(session, text)
    assert answer(session, "-30") == "right; grad(w1)[1] = -30"


def test_digits_count_as_far_as_they_are_typed():
    assert typed("0.33", 0.33).is_(1 / 3)
    assert not typed("0.34", 0.34).is_(1 / 3)
    assert not typed("0.333333", 0.333333).is_(0.33334)
    assert not typed("0", 0.0).is_(0.4)
    assert typed("1e3", 1000.0).is_(1000.4)
    assert typed("-.5", -0.5).is_(-0.52)
    assert typed("1/3", 1 / 3).is_(1 / 3)


def test_slips_of_sums():
    asked = Asked("s", "s", 10.0, terms=np.array([1.0, 2.0, 7.0]))
    said = {text: slip(asked, typed(text, float(text))) for text in ("3", "8", "-4", "17", "3.333333")}
    assert said["8"] == "term 2 of 3 is missing"
    assert said["-4"] == "term 3 of 3 has the opposite sign"
    assert said["17"] == "term 3 of 3 is in it twice"
    assert "mean" in said["3.333333"]


def test_hiding_from_an_audience_and_the_snapshot_keeps_it(tmp_path):
    session = predicting(at="op 2", mode="hide")
    session.next()
    path = tmp_path / "hidden.convstep"
    session.save(str(path))
    again = open_session(str(path))
    assert again.view().status.endswith("?")
    again.prediction.reveal(again.state())
    assert not again.view().status.endswith("?")
    assert again.prediction.switch("hide", again.state()) == "results are shown again"
    again.next()
    assert not again.view().status.endswith("?")


def numbers_of(view):
    """Every number that the text of a view has, apart from names and indices."""
    texts = [
        view.sentence,
        *(block.text for blocks in (view.local, view.gradients) for block in blocks if not isinstance(block, Grid)),
    ]
    if view.formula:
        shown = [view.formula.term(k) for k in range(min(view.formula.count, 50))]
        texts += [view.formula.total, *(term.result for term in shown)]
    if view.ledger:
        texts += [cell for k in range(min(view.ledger.count, 50)) for cell in view.ledger.row(k)[-2:]]
    return {number for text in texts for number in re.findall(r"(?<![\w\[.])-?\d+\.\d{3,}\b", text)}


@settings(max_examples=60, deadline=None)
@given(networks(4), st.data())
def test_no_text_gives_a_hidden_result_away(source, data):
    session = Session(Recording(load(source)))
    level = data.draw(st.sampled_from(["op", "element", "term"]))
    session.prediction.switch("predict", session.state())
    last = session.recording.timeline.length(level, "gather") - 1
    session.spot = Spot(level, "gather", data.draw(st.integers(0, last)))
    state = session.state()
    if not session.prediction.hides(state):
        return
    asked = session.prediction._asked(state)
    assert f"{asked.truth:.6g}" not in numbers_of(session.view()) - read_by(state)


def read_by(state):
    """The numbers that a step reads: a result may be one of them."""
    step, iteration = state.step, state.iteration
    if step.node is None:
        tensors = [iteration.updates[step.tensor].parameter, iteration.grads[step.tensor]]
    elif step.is_backward:
        collected = collect(step, iteration, np.arange(np.prod(step.shape, dtype=int)))
        tensors = [collected.links.local, collected.upstream]
    else:
        tensors = iteration.calls[step.layer].operands
    return {f"{value:.6g}" for tensor in tensors for value in np.ravel(tensor)}
