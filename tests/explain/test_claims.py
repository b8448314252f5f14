"""Claims: right ones are proved, wrong ones are told what is wrong with them."""

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import networks, sample

from convstep.engine.recording import Recording
from convstep.explain.claims.claims import ClaimError, Judge, judge
from convstep.network import load
from convstep.network.footprint import differentiated
from convstep.network.graph import Claim

with open(sample("two_conv"), encoding="utf-8") as file:
    TWO_CONV = yaml.safe_load(file)

TERMS = "(i[1]*w2[1] + i[2]*w2[2] + i[4]*w2[3] + i[5]*w2[4])"


def verdict(text, of="w1", index=(1,), source=TWO_CONV):
    claim = {"of": of, "is": text} if index is None else {"of": of, "index": list(index), "is": text}
    return judge(Recording(load({**source, "claims": [claim]})))[0]


def codes(found):
    return [mistake.code for mistake in found.mistakes]


def test_the_question():
    right, wrong = judge(Recording(load(sample("two_conv"))))
    assert right.ok and right.why == ("equal always: both expand to the same terms",)
    assert not wrong.ok and (float(wrong.claimed), float(wrong.truth)) == (144, -30)
    assert codes(wrong) == ["sum-before-multiply"]
    cross = [f"i[{a}]·w2[{b}]" for k, a in enumerate((1, 2, 4, 5), 1) for b in (1, 2, 3, 4) if b != k]
    assert len(cross) == 12
    terms = [line for line in wrong.why if "too many" in line]
    assert terms == [f"12 terms are too many: ({' + '.join(cross)})·2·(o2[1] - y[1]) = 174"]
    assert not any("missing" in line for line in wrong.why)


@pytest.mark.parametrize(
    "text",
    [
        f"{TERMS} * 2 * (o2 - y)",
        f"-2 * {TERMS} · (y[1] − o2[1])",
        "2*i[1]*w2[1]*o2 - 2*i[1]*w2[1]*y + (i[2]*w2[2] + i[4]*w2[3] + i[5]*w2[4]) * 2 * (o2 - y)",
        "i[1]*grad(o1)[1] + i[2]*grad(o1)[2] + i[4]*grad(o1)[3] + i[5]*grad(o1)[4]",
        f"{TERMS} * 2 * (sum(w2 * o1) - y)",
        f"{TERMS} * 4 * (o2 - y)^2 / (2 * (o2 - y))",
    ],
)
def test_the_same_formula_in_other_words_is_equal_always(text):
    found = verdict(text)
    assert found.ok, found.why
    if "/" not in text:
        assert found.why == ("equal always: both expand to the same terms",)


@pytest.mark.parametrize("text", ["o1[1]*0 - 30", "-10 * o1[1]", f"{TERMS} * 6 + 0*o2"])
def test_what_happens_to_be_equal_is_not_equal_always(text):
    found = verdict(text)
    assert found.ok
    assert found.why == ("equal for these numbers only: with others it is not",)


@pytest.mark.parametrize(
    ("text", "code", "extra", "missing"),
    [
        (f"{TERMS} * (o2 - y)", "constant-factor", 0, 4),
        (TERMS, "missing-upstream", 4, 4),
        ("i[1] + i[2] + i[4] + i[5]", "missing-upstream", 4, 4),
        (f"{TERMS} * 2 * (y - o2)", "wrong-sign", 4, 4),
        ("(i[1]*w2[1] + i[2]*w2[2] + i[4]*w2[3]) * 2 * (o2 - y)", "missing-path", 0, 1),
        (f"({TERMS} + i[3]*w2[1]) * 2 * (o2 - y)", None, 1, 0),
    ],
)
def test_a_wrong_formula_is_told_its_terms_and_its_mistake(text, code, extra, missing):
    found = verdict(text)
    assert not found.ok
    assert codes(found)[:1] == ([code] if code else [])
    for count, what in ((extra, "too many"), (missing, "missing")):
        some = [line for line in found.why if f" {what}: " in line]
        assert [int(line.split()[0]) for line in some] == ([count] if count else [])


def test_a_factor_is_named():
    assert verdict(f"{TERMS} * (o2 - y)").line()["mistakes"] == [{"code": "constant-factor", "factor": 0.5}]


def test_chance_names_no_mistake():
    # 30 is −1 times the truth, but the formula is not.
    assert codes(verdict("10 * o1[1]")) == []
    assert "wrong-sign" in codes(verdict(30))


def test_whole_tensors():
    assert verdict([[-30, -18], [6, 18]], index=None).ok
    assert verdict([[[[-30, -18], [6, 18]]]], index=None).ok
    assert verdict("w2 * 2 * (o2 - y)", "o1", None).why == ("equal always: both expand to the same terms",)
    found = verdict([[-30, -18], [6, 17]], index=None)
    assert found.wrong == 3
    assert found.why[0].startswith("1 of 4 elements is wrong; at grad(w1)[4] 17 is claimed, 18 is right")
    assert codes(verdict([[30, 18], [-6, -18]], index=None))[0] == "wrong-sign"
    assert codes(verdict("w2", "o1", None)) == ["missing-upstream"]


def test_a_wrong_size_is_a_wrong_claim():
    assert "the claim has the size 2, the gradient 1×1×2×2" in verdict([-30, -18], index=None).why[0]
    assert "an index says which element" in verdict(-30, index=None).why[0]
    assert not verdict("i").ok


def test_numbers_may_be_rounded_to_the_decimals_written():
    source = {
        "inputs": {"x": [[1.0, 2.0]], "t": [[0.1]]},
        "layers": [{"name": "fc", "op": "Linear", "out_features": 1, "weight": [[0.3, 0.4]], "bias": False}],
        "loss": {"op": "MSELoss", "inputs": ["fc", "t"]},
    }
    truth = 2 * (1.1 - 0.1) * (1 + 1e-5)
    source["layers"][0]["weight"] = [[0.3 + 1e-5, 0.4]]
    assert truth == pytest.approx(2.00002)
    assert verdict(2.00002, "fc", (0, 0), source).ok
    source["layers"][0]["weight"] = [[0.3041, 0.4]]
    for claimed, is_right in ((2.01, True), (2.008, True), (2.02, False), (2.0, False), (0.01, False)):
        assert verdict(claimed, "fc", (0, 0), source).ok is is_right
    assert verdict(2.01, "fc", (0, 0), source).why == ("equal for these numbers, to the decimals that were written",)
    source["layers"][0]["weight"] = [[0.3 + 1e-5, 0.4]]
    assert verdict(2.000, "fc", (0, 0), source).ok is False
    assert not verdict(2.00003, "fc", (0, 0), source).ok


def test_a_branch_that_these_numbers_take_is_not_always():
    source = {
        "inputs": {"x": [[2.0, -1.0]], "t": [[0.5, 0.5]]},
        "layers": [{"name": "r", "op": "ReLU"}],
        "loss": {"op": "MSELoss", "reduction": "sum", "inputs": ["r", "t"]},
    }
    assert verdict("2 * (x[0, 0] - t[0, 0])", "x", (0, 0), source).why == (
        "equal for these numbers and those near them: with others a maximum or a kink goes another way",
    )


def test_activations_are_proved_through_their_definition():
    source = {
        "inputs": {"z": [[0.3, -1.0]], "t": [[0.5, 0.25]]},
        "layers": [{"name": "s", "op": "Sigmoid"}],
        "loss": {"op": "MSELoss", "reduction": "sum", "inputs": ["s", "t"]},
    }
    always = ("equal always: both expand to the same terms",)
    assert verdict("2 * (s - t) * s * (1 - s)", "z", None, source).why == always
    assert verdict("2 * (s - t) * sigmoid(z) * (1 - sigmoid(z))", "z", None, source).why == always
    assert codes(verdict("2 * (s - t)", "z", None, source)) == ["missing-activation-derivative"]


@pytest.mark.parametrize(
    ("of", "text", "key"),
    [("w1", "1/0", "is"), ("w1", "import os", "is"), ("w1", "9**9**9", "is"), ("w1", "(" * 999, "is")],
)
def test_what_cannot_be_judged_says_which_claim_it_is(of, text, key):
    claims = [*TWO_CONV["claims"], {"of": of, "index": [1], "is": text}]
    with pytest.raises(ClaimError) as caught:
        judge(Recording(load({**TWO_CONV, "claims": claims})))
    assert (caught.value.number, caught.value.key) == (2, key)
    assert str(caught.value).startswith("column ")


def test_class_labels_stay_what_they_are_when_other_numbers_are_tried():
    source = {
        "inputs": {"z": [0.5, 1.0, -1.0], "n": {"value": 2, "dtype": "int64"}},
        "layers": [{"name": "p", "op": "Softmax", "dim": 0, "inputs": ["z"]}],
        "loss": {"op": "CrossEntropyLoss", "inputs": ["z", "n"]},
    }
    found = verdict("exp(z[0]) / sum(exp(z))", "z", (0,), source)
    assert found.ok
    assert found.why[0].startswith("equal")
    assert not found.why[0].startswith("equal for these numbers only")
    assert verdict("p[2] - 1", "z", (2,), source).ok


def test_a_tensor_without_a_gradient():
    source = {"inputs": {"x": [1.0], "n": [3]}, "layers": [{"name": "r", "op": "ReLU"}], "gradient": {"r": 1}}
    with pytest.raises(ClaimError, match="the loss does not depend on it"):
        verdict(3, "n", None, source)


@settings(max_examples=20, deadline=None)
@given(networks(4), st.data())
def test_the_true_numbers_are_right_and_spoilt_ones_wrong(source, data):
    graph = load({**source, "iterations": 1})
    names = sorted(name for name in differentiated(graph) if name not in graph.parameters)
    if not names:
        return
    of = data.draw(st.sampled_from(names))
    gradient = Recording(graph).iteration(0).grads[of]
    claims = [
        {"of": of, "is": gradient.tolist()},
        {"of": of, "is": (gradient + 1).tolist()},
        {"of": of, "is": f"grad({of})"},
        {"of": of, "is": f"grad({of}) + 1"},
    ]
    found = judge(Recording(load({**source, "iterations": 1, "claims": claims})))
    assert [one.ok for one in found] == [True, False, True, False]
    json.dumps([one.line() for one in found], allow_nan=False)


SHARED = {
    "inputs": {"x": [[1.0, 2.0]], "y": [[3.0, -1.0]]},
    "layers": [
        {"name": "a", "op": "Linear", "out_features": 2, "bias": False, "weight": [[0.5, 0.25], [-1.0, 1.0]]},
        {"name": "t", "op": "Tanh"},
        {"name": "b", "op": "Linear", "out_features": 2, "bias": False, "weight": "a.weight"},
    ],
    "loss": {"name": "C", "op": "MSELoss", "inputs": ["b", "y"], "reduction": "sum"},
    "optimizer": {"op": "SGD", "lr": 0.1},
    "iterations": 3,
    "indexing": "flat1",
    "symbols": {"a.weight": "w"},
}


@pytest.mark.parametrize(
    ("of", "index", "text"),
    [
        ("b.weight", (1,), "grad(b)[1]*t[1] + grad(a)[1]*x[1]"),
        ("w", (1,), "2*(b[1]-y[1])*t[1] + (1-t[1]^2)*x[1]*(w[1]*2*(b[1]-y[1]) + w[3]*2*(b[2]-y[2]))"),
        ("x", (2,), "w[2]*grad(a)[1] + w[4]*grad(a)[2]"),
        ("a", None, "grad(t)*(1-t^2)"),
        ("a", (1,), "grad(t)[1] * 4 / (exp(a[1]) + exp(-a[1]))^2"),
        ("y", None, "-grad(b)"),
    ],
)
def test_gradients_inputs_and_a_shared_weight_in_the_first_of_several_iterations(of, index, text):
    assert verdict(text, of, index, SHARED).why[0].startswith("equal always: ")


@pytest.mark.parametrize(
    ("of", "index", "text", "code"),
    [
        ("w", (1,), "grad(b)[1]*t[1]", "missing-path"),
        ("x", (1,), "w[1]*grad(a)[1] + w[2]*grad(a)[2]", "transposed"),
        ("a", None, "grad(t)", "missing-activation-derivative"),
        ("a", None, "1 - t^2", "missing-upstream"),
        ("y", None, "grad(b)", "wrong-sign"),
    ],
)
def test_wrong_ones_of_them_are_told_their_mistake(of, index, text, code):
    assert codes(verdict(text, of, index, SHARED))[:1] == [code]


def test_the_derivative_of_the_loss_by_itself_is_1_with_all_numbers():
    assert verdict(1, "C", None, SHARED).why == ("equal for these numbers, and for 6 other sets of them",)
    assert verdict("1", "C", (1,), SHARED).ok


SOFTMAX = {
    "inputs": {"z": [[0.0, 1.0, -0.5]], "t": [[0.25, 0.25, 0.5]]},
    "layers": [{"name": "p", "op": "Softmax", "dim": 1}],
    "loss": {"op": "MSELoss", "reduction": "sum", "inputs": ["p", "t"]},
    "indexing": "flat1",
}


def test_quotients_and_exponentials_are_shown_to_be_equal_always():
    jacobian = "p[1]*(2*(p[1]-t[1]) - sum(2*(p-t)*p))"
    assert verdict(jacobian, "z", (1,), SOFTMAX).why[0].startswith("equal always: ")
    quotient = "exp(z[1]) / sum(exp(z)) * (2*(p[1]-t[1]) - sum(2*(p-t)*exp(z)) / sum(exp(z)))"
    assert verdict(quotient, "z", (1,), SOFTMAX).why[0].startswith("equal always: ")
    shifted = "1 / (1 + exp(z[2]-z[1]) + exp(z[3]-z[1])) * (2*(p[1]-t[1]) - sum(2*(p-t)*p))"
    assert verdict(shifted, "z", (1,), SOFTMAX).why == (
        "equal always: their difference comes to 0 whatever the numbers are",
    )


def test_what_cancels_counts_as_0():
    source = {
        "inputs": {"x": [[0.1], [0.7], [-0.3]], "y": [[1.0], [0.3], [0.2]]},
        "layers": [{"name": "z", "op": "Linear", "out_features": 1}, {"name": "n", "op": "BatchNorm1d"}],
        "loss": {"op": "MSELoss", "inputs": ["n", "y"]},
    }
    found = verdict(0, "z.bias", (0,), source)
    assert found.ok and found.why[0].endswith("other sets of them")


def test_the_mistake_at_a_tie_is_found_though_other_numbers_have_none():
    source = {
        "inputs": {"x": {"shape": [1, 1, 3], "value": [2, 2, 1]}},
        "layers": [{"name": "p", "op": "MaxPool1d", "kernel_size": 3}],
        "gradient": {"p": 4},
        "indexing": "flat1",
    }
    assert "pool-spread" in codes(verdict("grad(p)[1] / 2", "x", (1,), source))


def test_a_gradient_is_itself_whatever_the_size_of_the_network():
    source = load(sample("digits"))
    found = Judge(Recording(source)).verdict(Claim("conv1.weight", None, "grad(conv1.weight)"))
    assert found.always
