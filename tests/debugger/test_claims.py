"""Claims in a session: beside the true derivation, judged once, kept, and opened where they differ."""

import numpy as np
import pytest
import yaml
from networks import sample
from plain_view import plain, texts

from convstep.debugger.claims import claim_work
from convstep.debugger.claims.findings import opened, sections
from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.engine.work import QUIET
from convstep.errors import ConvstepError
from convstep.network import load

with open(sample("two_conv"), encoding="utf-8") as file:
    TWO_CONV = yaml.safe_load(file)

RIGHT = "i[1]*g[1] + i[2]*g[2] + i[4]*g[3] + i[5]*g[4]"


def session(at="start", judged=True, **changes):
    made = Session(Recording(load({**TWO_CONV, **changes})))
    made.go(at)
    if judged:
        find_out(made)
    return made


def find_out(made):
    """What the screen does beside itself, until nothing is pending."""
    made.claims.take(made.claims.preparation()(QUIET))
    while pending := [claim.pending for claim in made.view().claims if claim.pending]:
        made.claims.take(made.claims.preparation(pending[0])(QUIET))


def ledger(view):
    return [view.ledger.row(k) for k in range(view.ledger.count)]


# -- beside the true derivation


def test_the_question_at_a_term():
    view = session("term 32").view()
    [claim] = view.claims
    assert claim.title == "Claim 2 of 2: grad(w1)[1]"
    assert (claim.worked, claim.verdict) == ("= 12 · 2 · 6 = 144", "✗ sum-before-multiply")
    assert claim.yours == "(i[1]+i[2]+i[4]+i[5]) · (w2[1]+w2[2]+w2[3]+w2[4]) · 2 · (o2[1]-y[1])"
    assert claim.truth == "i[1]·g[1] + i[2]·g[2] + i[4]·g[3] + i[5]·g[4]"
    assert claim.result == "= shown when the sum is complete"
    assert claim.why[0] == (
        "In this step i[2] meets w2[2] alone; yours multiplies it with all four. "
        "12 of your 16 products pair an i and a w2 that never met."
    )
    assert view.ledger.header[-1] == "yours"
    assert [row[-1] for row in ledger(view)] == ["12 ✗", "24 ✗", "48 ✗", "60 ✗"]
    assert view.ledger.differs == view.formula.differs == 0


def test_the_true_number_comes_when_the_sum_is_complete():
    made = session("term 31")
    for _ in range(3):
        shown = " ".join(texts([vars(claim) for claim in made.view().claims]))
        assert "-30" not in shown and "30 is right" not in shown
        made.next()
    [claim] = made.view().claims
    assert claim.result == "= -30"
    assert "144 is claimed, -30 is right, the difference is 174" in claim.why


@pytest.mark.parametrize("order", ["gather", "scatter"])
@pytest.mark.parametrize("at", ["grad(w1)", "grad(w1)[1]", "term 31"])
def test_on_every_level_in_both_orders(at, order):
    made = session(at)
    if order == "scatter":
        made.switch_order()
    assert [claim.verdict for claim in made.view().claims] == ["✗ sum-before-multiply"]


@pytest.mark.parametrize("at", ["start", "o1[1]", "grad(w1)[2]", "grad(o1)[1]", "new(w1)[1]", "loss"])
def test_elsewhere_there_is_none(at):
    assert session(at).view().claims == ()


def test_claims_are_about_iteration_0():
    made = session("iteration 1", iterations=2)
    made.go("grad(w1)[1]")
    assert made.place.iteration == 1
    assert made.view().claims == ()


def test_a_right_claim():
    view = session("grad(w2)[1]").view()
    assert [claim.verdict for claim in view.claims] == ["✓ always"]
    assert [row[-1] for row in ledger(view)] == ["18 ✓"]
    assert view.ledger.differs is None and view.formula.differs is None


def test_the_wrong_claim_comes_first_and_a_right_one_marks_nothing():
    claims = [
        {"of": "w1", "index": [1], "is": "-10 * o1[1]"},
        {"of": "w1", "index": [1], "is": "i[1]+i[2]+i[4]+i[5]"},
    ]
    made = session("grad(w1)[1]", claims=claims)
    assert [claim.verdict for claim in made.view().claims] == ["✗ missing-upstream", "✓ for these numbers"]
    made.claims.front = 0
    view = made.view()
    assert [claim.right for claim in view.claims] == [True, False]
    assert view.ledger.header[-1] == "sum" and view.formula.differs is None


def test_a_whole_tensor_element_by_element():
    claims = [{"of": "o1", "is": [[12, 18], [-12, 6]]}, {"of": "o1", "is": "w2"}]
    made = session("grad(o1)[1]", claims=claims)
    wrong, right = made.view().claims
    assert (right.worked, right.verdict) == ("[1] = 12", "✓ here, and wrong elsewhere")
    assert (wrong.worked, wrong.verdict) == ("[1] = 2", "✗ missing-upstream")
    made.go("grad(o1)[4]")
    assert [claim.right for claim in made.view().claims] == [False, False]


def test_several_uses_are_said():
    net = {
        "inputs": {"x": [[2.0]], "t": [[1.0]]},
        "layers": [
            {"name": "a", "op": "Linear", "inputs": ["x"], "out_features": 1, "weight": [[3.0]], "bias": False},
            {"name": "b", "op": "Linear", "inputs": ["a"], "out_features": 1, "weight": "a.weight", "bias": False},
        ],
        "loss": {"name": "C", "op": "MSELoss", "inputs": ["b", "t"]},
        "claims": [{"of": "a.weight", "is": "a * 2 * (b - t)"}],
    }
    made = Session(Recording(load(net)))
    made.go("grad(a.weight)[0,0]")
    find_out(made)
    [claim] = made.view().claims
    assert claim.truth.endswith("+ what 1 other use gives")
    assert claim.verdict == "✗ missing-path"


def test_nothing_is_judged_to_be_shown(monkeypatch):
    def never(*_):
        raise AssertionError("a key would have to wait for this")

    monkeypatch.setattr(claim_work, "judged_by", never)
    monkeypatch.setattr(claim_work, "rows_by", never)
    [claim] = session("term 32", judged=False).view().claims
    assert (claim.verdict, claim.right, claim.pending) == ("being judged …", None, (1, 0))


def test_a_view_is_the_same_again():
    made = session("term 32")
    first = plain(made.view()), made.view().claims
    made.next()
    made.previous()
    assert (plain(made.view()), made.view().claims) == first


def test_a_claim_that_cannot_be_judged_says_why():
    made = session("grad(w1)[1]", claims=[{"of": "w1", "index": [1], "is": "i[1] / (i[1] - 1)"}])
    [claim] = made.view().claims
    assert claim.verdict == "? column 9: division by 0"
    assert made.view().ledger.header[-1] == "sum"


# -- one's own


def tried(made, text, tensor="o1.weight", index=0):
    return made.claims.asked(tensor, index, text)(QUIET)


def test_a_formula_is_tried_with_g_for_the_upstream_gradient():
    made = session()
    answer = tried(made, f"{RIGHT} ?")
    assert answer.judged.verdict.ok and answer.judged.verdict.always
    assert answer.entry.claim.text == RIGHT.replace("g[", "grad(o1)[")
    wrong = tried(made, "i[1]*g[1] + i[2]*g[2]")
    assert not wrong.judged.verdict.ok
    assert wrong.rows[0].first == (7, 2)
    assert tried(made, "-30").judged.verdict.ok
    assert made.claims.entries == session().claims.entries, "nothing is kept unasked"


@pytest.mark.parametrize("text", ["i[1", "__import__('os')", "i[99]", "1/0", "9^9^9^9", "i[1].shape", ""])
def test_what_cannot_be_read_is_one_line(text):
    with pytest.raises(ConvstepError) as error:
        tried(session(), text)
    assert "\n" not in str(error.value)


def test_kept_claims_are_in_snapshots(tmp_path):
    made = session()
    number = made.claims.keep(tried(made, "i[1]*g[1]"))
    made.claims.keep(tried(made, "7", index=3))
    assert number == 2
    made.save(str(tmp_path / "s.convstep"))
    again = open_session(str(tmp_path / "s.convstep"))
    find_out(again)
    assert [e.claim.text for e in again.claims.entries[2:]] == ["i[1]*grad(o1)[1]", 7.0]
    again.claims.drop(2)
    assert [e.index for e in again.claims.entries if e.kept] == [3]
    assert again.claims.judged[2].verdict.claimed == 7
    assert [item["is"] for item in again.extras["claims"]] == [7.0]


def test_a_claim_that_is_let_go_of_while_claims_are_judged_is_forgotten():
    made = session(judged=False)
    made.extras["claims"] = [{"of": "o1.weight", "index": [1], "is": number} for number in (5.0, -30.0)]
    under_way = made.claims.preparation()
    made.claims.drop(2)
    made.claims.take(under_way(QUIET))
    assert [made.claims.judged[number].verdict.ok for number in range(3)] == [True, False, True]
    assert not made.claims.is_pending(2, 0)
    assert 3 not in made.claims.judged


@pytest.mark.parametrize(
    "kept",
    [
        5,
        "i",
        [1, None, {}],
        [{"of": 3, "is": "i"}],
        [{"of": "nothing", "is": "i[1]"}],
        [{"of": "o1.weight", "index": [99], "is": "i[1]"}],
        [{"of": "o1.weight", "index": ["a"], "is": "i[1]"}],
        [{"of": "o1.weight", "index": [1], "is": {"a": 1}}],
    ],
)
def test_extras_that_are_no_claims_are_left_out(kept):
    made = Session(Recording(load(TWO_CONV)), extras={"claims": kept})
    assert len(made.claims.entries) == 2
    made.go("grad(w1)[1]")
    find_out(made)


@pytest.mark.parametrize("net", ["conv_relu_pool", "softmax_cross_entropy", "several_paths"])
def test_any_element_can_be_claimed_and_looked_at(net):
    made = open_session(sample(f"questions/{net}"))
    for step in [step for step in made.recording.timeline.steps if step.is_backward]:
        for index in {0, int(np.prod(step.shape)) - 1}:
            name = made.names.element(f"grad({step.tensor})", index, step.shape)
            for text, right in ((name, True), (f"3 + 2*{name}", False)):
                answer = tried(made, text, step.tensor, index)
                assert answer.judged.verdict.ok == right
                number = made.claims.keep(answer)
                made.land(opened(made, sections(made, [])[0].findings[number]))
                find_out(made)
                first = made.view().claims[0]
                assert first.right is right and first.title.endswith(name)
                made.switch_order()
                assert made.view().ledger is not None
                made.claims.drop(number)


# -- the list


def test_the_list_and_where_it_leads():
    made = session()
    claims, checks = sections(made, [])
    assert [(f.of, f.verdict) for f in claims.findings] == [
        ("grad(w2)[1]", "✓ always"),
        ("grad(w1)[1]", "✗ sum-before-multiply"),
    ]
    assert claims.findings[0].said == "o1[1] · 2 · (o2[1] - y[1])  = 3 · 6 = 18"
    said = "(i[1]+i[2]+i[4]+i[5]) · (w2[1]+w2[2]+w2[3]+w2[4]) · 2 · (o2[1]-y[1])  = 12 · 2 · 6 = 144"
    assert claims.findings[1].said == said
    assert not checks.findings and "c checks" in checks.empty
    made.land(opened(made, claims.findings[1]))
    assert (made.spot.level, made.spot.position) == ("term", 31), "the first differing term"
    made.land(opened(made, claims.findings[0]))
    assert (made.spot.level, made.state().target) == ("element", 0)


def test_a_claim_in_numbers_is_said_by_the_number():
    made = session(claims=[{"of": "w1", "index": [1], "is": [-30]}, {"of": "w1", "is": [[-30, -18], [6, 18]]}])
    one, whole = sections(made, [])[0].findings
    assert (one.said, whole.said) == ("= -30", "numbers")


def test_a_later_term_is_the_first_that_differs():
    made = session(claims=[{"of": "w1", "index": [1], "is": RIGHT.replace("g[", "grad(o1)[").rpartition(" + ")[0]}])
    made.land(opened(made, sections(made, [])[0].findings[0]))
    assert (made.spot.level, made.place.term) == ("term", 3)
    assert made.view().ledger.differs == 3


def test_a_failed_check_opens_at_its_terms():
    from convstep.explain.gradcheck import Failure, GradientCheck

    made = session()
    bad = GradientCheck("o1.weight", (1, 1, 2, 2), 4, 1.5, (Failure(2, 6.0, 7.5),), (), 0)
    good = GradientCheck("o1", (1, 1, 2, 2), 4, 1e-9, (), (1,), 0)
    found = sections(made, [bad, good])[-1].findings
    assert found[0].why == ("grad(w1)[3] is 6, by differences 7.5",)
    assert "at a kink or a tie" in found[1].said and found[1].right
    made.land(opened(made, found[0]))
    assert (made.spot.level, made.place.element, made.place.term) == ("term", 2, 0)


def test_claims_follow_the_recording():
    made = session()
    book = made.claims
    assert made.claims is book
    made.recording = Recording(load(TWO_CONV))
    assert made.claims is not book and not made.claims.judged
    assert np.array_equal(made.recording.iteration(0).grads["o1"], book.recording.iteration(0).grads["o1"])
