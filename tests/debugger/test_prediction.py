"""Predicting: results are hidden wherever they appear, right ones are taken, wrong ones are answered in words."""

import math
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
from convstep.debugger.whatif.edits import read_edit
from convstep.engine.recording import Recording
from convstep.engine.state import Status
from convstep.engine.sums import collect
from convstep.errors import ConvstepError
from convstep.explain.slips import Asked, Typed, slip, typed
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


def statuses(session, key):
    """The status of every element of a grid of the view."""
    view = session.view()
    grids = (b for blocks in (view.tensors, view.local, view.gradients) for b in blocks if isinstance(b, Grid))
    grid = next(grid for grid in grids if grid.key == key)
    return grid.cells(np.arange(int(np.prod(grid.shape)))).status.tolist()


def test_the_panes_hide_what_the_step_brings_and_nothing_else():
    session = predicting()
    session.next()
    assert statuses(session, "products") == [Status.DONE, HIDDEN, Status.BLANK, Status.BLANK]
    assert statuses(session, "upstream") == [Status.DONE] * 4
    session.go("op 6")
    session.next()
    assert statuses(session, "products") == statuses(session, "grad(o1.weight)") == [HIDDEN] * 4
    session.go("op 9")
    session.next()
    assert statuses(session, "difference") == statuses(session, "new(o2.weight)") == [HIDDEN] * 4
    session.go("new(w1)[2]")
    assert statuses(session, "new(o1.weight)") == [Status.DONE, HIDDEN, Status.BLANK, Status.BLANK]
    assert statuses(session, "difference") == [Status.DONE, HIDDEN, Status.BLANK, Status.BLANK]


def test_numbers_on_the_way_and_the_optimizers_new_state_are_hidden():
    session = predicting("questions/softmax_cross_entropy", at="op 0")
    session.go("l[2]")
    made = [b.key for b in session.view().tensors if isinstance(b, Grid) and b.key.startswith("intermediate")]
    assert len(made) == 3 and all(set(statuses(session, key)) == {HIDDEN} for key in made)
    session = predicting("autoencoder", at="op 36")
    session.next()
    kept = [b.key for b in session.view().tensors if isinstance(b, Grid) and b.key.endswith(" after")]
    assert len(kept) == 2 and all(set(statuses(session, key)) == {HIDDEN} for key in kept)


def test_an_edited_run_does_not_show_what_it_was():
    session = open_session(sample("two_conv"), at="start")
    trial = session.trial.with_edit(read_edit("i[1] = 5", session.graph, session.names, session.recording.iteration(0)))
    trial.run(0)
    session.adopt(trial)
    session.prediction.switch("predict", session.state())
    session.next()
    made = next(block for block in session.view().tensors if isinstance(block, Grid) and block.key == "o1")
    assert made.cells(np.arange(4)).was.tolist() == [0.0] * 4


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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("-6", "the one was taken from the other; right is to multiply them"),
        ("6", "the one was taken from the other; right is to multiply them"),
        ("4", "the one was divided by the other; right is to multiply them"),
        ("0.25", "the one was divided by the other; right is to multiply them"),
        ("10", "the two were added; right is to multiply them"),
        ("8", "that is the first alone: the second is missing"),
    ],
)
def test_slips_of_products(text, says):
    asked = Asked("p", "this product", 16.0, factors=(("the first", 8.0), ("the second", 2.0)))
    assert slip(asked, typed(text, float(text))) == says


def test_numbers_that_are_not_finite_are_themselves_alone():
    assert Typed(math.inf, 0.0).is_(math.inf) and Typed(math.nan, 0.0).is_(math.nan)
    assert not Typed(-math.inf, 0.0).is_(math.inf) and not Typed(1e300, 0.0).is_(math.inf)
    assert not Typed(1.0, 0.0).is_(math.nan)
    assert (
        slip(Asked("p", "this product", math.inf), Typed(-math.inf, 0.0)) == "the sign is the opposite of the right one"
    )


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
