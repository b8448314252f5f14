"""Gradients of one's own beside the true ones: marks, numbers, and the list."""

import numpy as np
import pytest
from networks import sample

from convstep.debugger.claims.findings import opened, sections
from convstep.debugger.claims.mine import read_mine
from convstep.debugger.opening import open_session
from convstep.debugger.screen.view import MINE
from convstep.engine.work import QUIET
from convstep.errors import ConvstepError
from convstep.explain.difference import Given

W1 = np.array([[-30.0, -18.0], [6.0, 18.0]])
O1 = np.array([[12.0, 18.0], [-12.0, -6.0]])


def session(at="start", **gradients):
    made = open_session(sample("two_conv"), at=at)
    mine = read_mine(made.recording, "mine.npz", {k: Given(v, "float64") for k, v in gradients.items()}, {})
    made.mine = mine.explaining(made.recording)(QUIET)
    return made


def grid(made, key):
    return next(block for block in made.view().gradients if getattr(block, "tensor", None) == key)


def test_an_element_that_differs_is_marked_and_its_number_shown():
    made = session("grad(w1)[1]", w1=W1 * [[-1, 1], [1, 1]], o1=O1)
    first = made.view().claims[0]
    assert first.title == "Yours: grad(w1)[1] of mine.npz"
    assert (first.worked, first.verdict, first.right) == ("= 30", "✗ wrong", False)
    assert first.result == "= -30"
    shown = grid(made, "grad(o1.weight)")
    assert shown.cells(np.arange(4)).differs.tolist() == [True, False, False, False]
    assert shown.yours(0) == 30.0
    assert not grid(made, "grad(o1)").cells(np.arange(4)).differs.any()
    assert grid(made, "grad(o2)").yours is None
    made.home()
    made.prediction.switch("predict", made.state())
    made.go("grad(w1)[1]")
    assert grid(made, "grad(o1.weight)").yours is None, "it would tell who predicts"


def test_a_mistake_is_named():
    made = session("grad(w1)[2]", w1=-W1)
    first = made.view().claims[0]
    assert first.verdict == "✗ wrong-sign"
    assert any("sign" in text for text in first.why)


def test_mistakes_are_not_looked_for_to_be_shown():
    made = session("grad(w1)[2]", w1=-W1)
    made.mine = read_mine(made.recording, "mine.npz", {"w1": Given(-W1, "float64")}, {})
    first = made.view().claims[0]
    assert (first.verdict, first.pending) == ("✗ wrong", (MINE, 1))
    assert first.why == ("looking for the mistake …",)


def test_the_true_number_waits_for_its_sum():
    made = session("term 32", w1=-W1)
    first = made.view().claims[0]
    assert (first.worked, first.result) == ("= 30", "= shown when the sum is complete")


def test_the_start_says_where_the_first_is():
    assert session(w1=W1, o1=O1 + 1).view().notices == [
        "grad(o1)[1] is the first of mine.npz that differs; k lists all"
    ]
    assert session(w1=W1).view().notices == ["all gradients of mine.npz are right; k lists them"]
    assert session("o1", w1=W1).view().notices == []


def test_it_is_about_iteration_0():
    made = open_session(sample("digits"), at="iteration 1")
    name = next(iter(made.graph.parameters))
    truth = made.recording.iteration(0).grads[name]
    made.mine = read_mine(made.recording.beside(), "mine.npz", {name: Given(truth + 1, "float64")}, {})
    made.go(f"grad({name})")
    assert grid(made, f"grad({name})").yours is None and not made.view().claims
    made.go("iteration 0")
    made.go(f"grad({name})")
    assert grid(made, f"grad({name})").yours is not None


def test_the_list_says_how_many_and_leads_to_the_first():
    wrong = W1.copy()
    wrong[1] += 1
    made = session(w1=wrong, o1=O1)
    part = sections(made, [])[1]
    assert part.title == "Yours: mine.npz"
    bad, good = part.findings
    assert (bad.of, bad.said) == ("grad(w1)", "2 of 4 differ, the largest error is 1")
    assert bad.why[0] == "the first that differs: grad(w1)[3] is 7, right is 6"
    assert (good.right, good.said) == (True, "all 4 right")
    made.land(opened(made, bad))
    assert (made.spot.level, made.state().target) == ("element", 2)


def test_a_gradient_that_no_step_writes_leads_nowhere():
    made = session(C=np.array(2.0))
    with pytest.raises(ConvstepError, match="backward starts from it"):
        opened(made, sections(made, [])[1].findings[0])


def test_what_a_run_wrote_stands_beside_its_last_iteration():
    made = open_session(sample("two_conv"), 3)
    truth = made.recording.iteration(2).grads["o1.weight"]
    given = {"grads/o1.weight": Given(-truth, "float64"), "losses": Given(np.zeros(3), "float64")}
    made.mine = read_mine(made.recording, "out.npz", given, {})
    finding = sections(made, [])[1].findings[0]
    made.land(opened(made, finding))
    assert made.place.iteration == 2
    assert made.view().claims[0].title.startswith("Yours: grad(w1)[1]")
    assert grid(made, "grad(o1.weight)").cells(np.arange(4)).differs.all()
    made.go_to_iteration(0)
    assert not any(claim.title.startswith("Yours") for claim in made.view().claims)
    assert grid(made, "grad(o1.weight)").yours is None


def test_an_iteration_that_is_not_run_is_asked_for():
    made = open_session(sample("two_conv"), 1)
    given = {"grads/o1.weight": Given(W1, "float64"), "losses": Given(np.zeros(3), "float64")}
    with pytest.raises(ConvstepError, match="iteration 2, which is not run; give --iterations 3"):
        read_mine(made.recording, "out.npz", given, {})
