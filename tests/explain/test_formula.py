"""The formula of any number evaluates to that number, and is written so that a person and a machine can read it."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import networks, sample
from op_cases import CASES
from picked import PICKED

from convstep.engine.recording import Recording
from convstep.engine.trace import plain
from convstep.errors import ConvstepError
from convstep.explain.formula.folding import FOLDED, fold
from convstep.explain.formula.formula import Formulas
from convstep.explain.formula.notation import latex_name
from convstep.explain.formula.writing import as_dict, as_latex, as_markdown, as_text, explain
from convstep.explain.naming import Names
from convstep.network import load
from convstep.ops.expression import FUNCTIONS, Apply, Element, Named, Product, Sum, evaluate

BOTH_WAYS = {
    "name": "both_ways",
    "inputs": {"x": np.array([[1.0, 2.0]]), "y": np.array([[0.0, -1.0]])},
    "layers": [
        {"name": "a", "op": "Linear", "out_features": 2, "bias": False, "weight": np.array([[1.0, 2.0], [3.0, 4.0]])},
        {"name": "b", "op": "Tanh", "inputs": ["x"]},
        {"name": "s", "op": "Add", "inputs": ["a", "b"]},
    ],
    "loss": {"name": "C", "op": "MSELoss", "inputs": ["s", "y"], "reduction": "sum"},
    "optimizer": {"op": "SGD", "lr": 0.01, "momentum": 0.9},
    "iterations": 3,
}


def formulas(source, iteration=0):
    graph = load(source)
    return Formulas(Recording(graph), Names(graph), iteration)


def keys(made):
    """Everything that has a formula: values, gradients, updated parameters."""
    iteration = made.iteration
    return [*iteration.values, *(f"grad({n})" for n in iteration.grads), *(f"new({n})" for n in iteration.updates)]


def number(text):
    """What a line of JSON's `numbers` comes to, computed by somebody else: Python."""
    names = {**FUNCTIONS, "NaN": math.nan, "Infinity": math.inf, "__builtins__": {}}
    return float(eval(text, names))


def scale(made, formula):
    """How large the terms of a formula are: what rounding is measured against."""
    parts = [part.amounts for part in formula.parts if part.amounts is not None]
    amounts = np.concatenate(parts) if parts else np.zeros(1)
    sizes = [1.0, float(np.abs(amounts).sum()), abs(formula.value)]
    return max(size for size in sizes if math.isfinite(size))


# -- every formula evaluates to its number


def gives_its_number(made, key, index, levels, relative=1e-9):
    whole = made.of(key, index)
    near = pytest.approx(whole.value, rel=relative, abs=relative * scale(made, whole), nan_ok=True)
    assert evaluate(whole.expression, made.value) == near
    for most in (3, 8):
        shown = explain(made, key, index, levels, most).formula.expression
        assert evaluate(shown, made.value) == near
    written = as_dict(made, key, index, levels)
    assert number(written["numbers"]) == near
    assert written["value"] == plain(whole.value)


@settings(max_examples=60)
@given(networks(), st.data())
def test_formulas_of_random_networks_give_their_numbers(source, data):
    made = formulas(source, data.draw(st.integers(0, source["iterations"] - 1)))
    for key in keys(made):
        size = made.tensor(key).size
        for index in {0, size - 1, data.draw(st.integers(0, size - 1))}:
            gives_its_number(made, key, index, data.draw(st.integers(1, 4)))


@settings(max_examples=25)
@given(networks(5), st.data())
def test_formulas_of_random_networks_in_single_precision(source, data):
    made = formulas({**source, "dtype": "float32"}, data.draw(st.integers(0, source["iterations"] - 1)))
    for key in keys(made):
        index = data.draw(st.integers(0, made.tensor(key).size - 1))
        whole = made.of(key, index)
        near = pytest.approx(whole.value, rel=2e-5, abs=2e-5 * scale(made, whole), nan_ok=True)
        assert evaluate(whole.expression, made.value) == near


@pytest.mark.parametrize("name", PICKED)
def test_formulas_of_picked_networks_give_their_numbers(name):
    made = formulas(PICKED[name])
    for key in keys(made):
        for index in {0, made.tensor(key).size - 1}:
            gives_its_number(made, key, index, 2, 1e-5 if name == "single_precision" else 1e-9)


def one_operation(case):
    """A network of one operation, which backward starts from."""
    op, data = case.build()
    inputs = {f"x{k}": data[k] for k in range(len(case.inputs))}
    layer = {"name": "t", "op": case.op, "inputs": list(inputs), **case.arguments}
    source = {"inputs": inputs, "layers": [layer], "mode": "train" if case.training else "eval"}
    if op.is_loss and case.arguments.get("reduction") != "none":
        return {**source, "layers": [{"name": "beside", "op": "ReLU", "inputs": ["x0"]}], "loss": layer}
    return {**source, "gradient": {"t": np.random.default_rng(1).normal(size=op.output.shape)}}


@pytest.mark.parametrize("case", {case.op: case for case in CASES}.values(), ids=lambda case: case.op)
def test_formulas_of_every_operation_give_their_numbers(case):
    made = formulas(one_operation(case))
    for key in keys(made):
        size = made.tensor(key).size
        for index in sorted({0, size // 2, size - 1}):
            gives_its_number(made, key, index, 2)
            assert balanced(as_latex(explain(made, key, index)))


@pytest.mark.parametrize("name", ["two_conv", "conv_pool_sigmoid", "digits"])
def test_formulas_of_the_samples_give_their_numbers(name):
    made = formulas(sample(name))
    for key in keys(made):
        flat = made.tensor(key).reshape(-1)
        for index in {0, flat.size // 2, flat.size - 1}:
            found = evaluate(explain(made, key, index, levels=2).formula.expression, made.value)
            assert found == pytest.approx(float(flat[index]), rel=1e-9, abs=1e-9)


# -- what is written


def test_names_numbers_and_result_in_the_persons_notation():
    made = formulas(sample("two_conv"))
    assert as_text(explain(made, "grad(o1.weight)", 0)).splitlines() == [
        "grad(w1)[1] = ∂C/∂w1[1]",
        "  = i[1]·grad(o1)[1] + i[2]·grad(o1)[2] + i[4]·grad(o1)[3] + i[5]·grad(o1)[4]",
        "  = 1·12 + 2·18 + 4·(-12) + 5·(-6)",
        "  = -30",
    ]
    assert as_text(explain(made, "C", 0)).splitlines() == ["C", "  = (o2[1] - y[1])²", "  = (-1 - (-4))²", "  = 9"]
    assert "w1[1] - 0.1·grad(w1)[1]" in as_text(explain(made, "new(o1.weight)", 0))


def test_json_has_the_files_names_torch_indices_and_arithmetic():
    made = formulas(sample("two_conv"))
    assert as_dict(made, "grad(o1.weight)", 0) == {
        "of": "grad(o1.weight)[0,0,0,0]",
        "names": "i[0,0,0,0]*grad(o1)[0,0,0,0] + i[0,0,0,1]*grad(o1)[0,0,0,1]"
        " + i[0,0,1,0]*grad(o1)[0,0,1,0] + i[0,0,1,1]*grad(o1)[0,0,1,1]",
        "numbers": "1*12 + 2*18 + 4*(-12) + 5*(-6)",
        "value": -30.0,
    }
    assert as_dict(made, "C", 0)["names"] == "(o2[0,0,0,0] - y[0,0,0,0])**2"


def test_a_gradient_is_the_sum_over_all_its_users():
    text = as_text(explain(formulas(BOTH_WAYS), "grad(x)", 1)).splitlines()
    assert text[0] == "grad(x)[0,1] = ∂C/∂x[0,1], the sum over its 2 uses"
    assert re.fullmatch(r"  = \(1 - b\[0,1\]²\)·grad\(b\)\[0,1\] +via b \(Tanh\)", text[1])
    assert re.fullmatch(r"  \+ a\.weight\[0,1\]·grad\(a\)\[0,0\] \+ .* +via a \(Linear\)", text[2])
    assert as_dict(formulas(BOTH_WAYS), "grad(x)", 1)["names"].count("grad(") == 3


def test_a_shared_parameter_names_each_layer_that_uses_it():
    layers = [BOTH_WAYS["layers"][0], {"name": "t", "op": "Linear", "out_features": 2, "weight": "a.weight"}]
    made = formulas({**BOTH_WAYS, "layers": layers, "loss": {"op": "MSELoss", "inputs": ["t", "y"]}})
    parts = made.of("grad(a.weight)", 1).parts
    assert [part.layer for part in parts] == ["t", "a"]
    assert sum(evaluate(p.expression, made.value) for p in parts) == pytest.approx(
        made.iteration.grads["a.weight"][0, 1]
    )


def test_given_gradients_are_named():
    source = {
        "inputs": {"x": np.array([1.0, -2.0])},
        "layers": [{"name": "a", "op": "ReLU"}, {"name": "b", "op": "Tanh"}],
    }
    made = formulas({**source, "gradient": {"a": np.array([3.0, 4.0]), "b": np.array([1.0, 2.0])}})
    text = as_text(explain(made, "grad(a)", 0))
    assert "= given(a)[0]" in text and "via b (Tanh)" in text and "∂" not in text
    assert as_dict(made, "grad(b)", 1)["names"] == "given(b)[1]"


@pytest.mark.parametrize(
    ("key", "iteration", "words"),
    [
        ("x", 0, "x is an input"),
        ("a.weight", 0, "a parameter, as the run begins"),
        ("a.weight", 2, "as iteration 1 left it: its new(a.weight)"),
    ],
)
def test_what_nothing_computes_says_so(key, iteration, words):
    made = formulas(BOTH_WAYS, iteration)
    assert words in as_text(explain(made, key, 0))
    assert as_dict(made, key, 0)["names"] == f"{key}[0,0]"


def test_what_the_optimizer_keeps_is_named():
    assert "a.weight.momentum_buffer[0,1]" in as_text(explain(formulas(BOTH_WAYS, 1), "new(a.weight)", 1))


def test_no_gradient_where_the_loss_does_not_reach():
    source = {**BOTH_WAYS, "loss": {"op": "MSELoss", "inputs": ["b", "y"]}}
    with pytest.raises(ConvstepError, match=r"no grad\(a\): the loss does not depend on it"):
        formulas(source).of("grad(a)", 0)
    with pytest.raises(ConvstepError, match=r"no new\(a.weight\)"):
        formulas(source).of("new(a.weight)", 0)


def test_what_no_window_reaches_is_zero_and_says_why():
    layers = [{"name": "p", "op": "AvgPool2d", "kernel_size": 1, "stride": 2}]
    image = np.arange(4.0).reshape(1, 1, 2, 2)
    made = formulas({"inputs": {"x": image}, "layers": layers, "gradient": {"p": np.ones((1, 1, 1, 1))}})
    assert "no term gives anything" in as_text(explain(made, "grad(x)", 3))
    assert as_dict(made, "grad(x)", 3) == {"of": "grad(x)[0,0,1,1]", "names": "0", "numbers": "0", "value": 0.0}


# -- unfolding


def test_levels_put_in_the_formulas_of_upstream_gradients():
    made = formulas(sample("two_conv"))
    one, two, every = (as_text(explain(made, "grad(o1.weight)", 0, levels)).splitlines()[1] for levels in (1, 2, 99))
    assert "i[2]·grad(o1)[2]" in one
    assert "i[2]·w2[2]·grad(o2)[1]" in two
    assert "i[2]·w2[2]·2·(o2[1] - y[1])·grad(C)" in every


def test_levels_of_a_value_put_in_its_operands():
    text = as_text(explain(formulas(sample("two_conv")), "C", 0, levels=99))
    assert "i[9]·w1[4]" in text and "o1" not in text and text.endswith("= 9")


def test_unfolding_stops_at_a_limit_and_says_what_is_left():
    explanation = explain(formulas(sample("digits")), "grad(conv1.weight)", 4, levels=99)
    assert re.search(r"unfolding stops here: there are \d+ more numbers", as_text(explanation))
    assert len(as_text(explanation)) < 30_000


# -- folding


def numbered(count):
    return Sum(count, lambda k: Element(0, k))


def test_long_sums_keep_the_first_the_largest_and_the_last():
    numbers = [1.0, 2.0, 3.0, -50.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    shown = fold(numbered(9), lambda e: numbers[e.index], 4)
    assert [shown.term(k) for k in range(shown.count)] == [
        Element(0, 0), Element(0, 1), Element(0, 2), Element(0, 3), Named(FOLDED, 26.0), Element(0, 8),
    ]  # fmt: skip
    assert evaluate(shown, lambda e: numbers[e.index]) == sum(numbers)


def test_a_long_maximum_folds_and_keeps_its_value():
    whole = Apply("max", tuple(Element(0, k) for k in range(20)))
    shown = fold(whole, lambda e: float(e.index % 7), 4)
    assert len(shown.arguments) < 8
    assert evaluate(shown, lambda e: float(e.index % 7)) == 6.0


def test_sums_inside_fold_too():
    shown = fold(Product((Element(0, 1), numbered(30))), lambda e: 1.0, 5)
    assert shown.factors[1].count == 5
    assert evaluate(shown, lambda e: 1.0) == 30


def test_a_folded_formula_says_so_and_adds_up():
    made = formulas(sample("digits"))
    explanation = explain(made, "grad(conv1.weight)", 4)
    text = as_text(explanation)
    assert "256 terms via conv1: shown are the first, the largest and the last" in text
    assert "… stands for terms left out" in text
    assert "(… " in text.splitlines()[2]
    whole = explain(made, "grad(conv1.weight)", 4, most=None)
    assert FOLDED not in as_text(whole)
    assert FOLDED not in as_dict(made, "grad(conv1.weight)", 4)["names"]


# -- LaTeX and Markdown


def balanced(text):
    depth = 0
    for sign in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if sign == "{" else -1
        assert depth >= 0
    left, right = text.count(r"\left("), text.count(r"\right)")
    begun, ended = re.findall(r"\\begin{(\w+)}", text), re.findall(r"\\end{(\w+)}", text)
    return depth == 0 and left == right and begun == ended


def test_latex_has_fractions_dots_and_subscripts():
    text = as_latex(explain(formulas(sample("two_conv")), "grad(o1.weight)", 0))
    first = text.splitlines()[2]
    assert first.startswith(
        r"\frac{\partial C}{\partial w1_{1}} &= i_{1} \cdot \frac{\partial C}{\partial o1_{1}} + i_{2}"
    )
    assert r"4 \cdot \left(-12\right)" in text
    assert text.startswith("\\[\n\\begin{aligned}\n") and text.endswith("&= -30\n\\end{aligned}\n\\]")


def test_latex_escapes_names_and_groups_users():
    source = {**BOTH_WAYS, "inputs": {"x_1": BOTH_WAYS["inputs"]["x"], "y": BOTH_WAYS["inputs"]["y"]}}
    source["layers"] = [BOTH_WAYS["layers"][0], {**BOTH_WAYS["layers"][1], "inputs": ["x_1"]}, BOTH_WAYS["layers"][2]]
    text = as_latex(explain(formulas(source), "grad(x_1)", 0))
    assert r"\mathrm{x\_1}_{0,0}" in text
    assert text.count(r"\underbrace") == 2 and r"_{\text{via b (Tanh)}}" in text


def test_latex_of_powers_of_gradients_has_parentheses():
    made = formulas({**BOTH_WAYS, "optimizer": {"op": "Adam", "lr": 0.01}}, 1)
    text = as_latex(explain(made, "new(a.weight)", 0))
    assert r"\left(\frac{\partial C}{\partial \mathrm{a.weight}_{0,0}}\right)^{2}" in text
    assert r"\sqrt{" in text and r"\cdot 10^{-8}" in text


@settings(max_examples=25)
@given(networks(5), st.data())
def test_latex_is_balanced(source, data):
    made = formulas(source)
    for key in keys(made):
        index = data.draw(st.integers(0, made.tensor(key).size - 1))
        explanation = explain(made, key, index, data.draw(st.integers(1, 3)))
        assert balanced(as_latex(explanation))
        assert not re.search(r"\^{[^{}]*}\^", as_latex(explanation))
        assert as_markdown(explanation).count("$$") == 2


def test_markdown_stands_between_dollars():
    lines = as_markdown(explain(formulas(BOTH_WAYS), "x", 1)).splitlines()
    assert lines == ["`x[0,1]` = 2", "", "$$", "x_{0,1} = 2", "$$", "", "- x is an input: nothing computes it"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("β", r"{\beta}"), ("λ2", r"{\lambda}2"), ("Γ", r"{\Gamma}"), ("a_β", r"\mathrm{a\_{\beta}}"), ("w1", "w1")],
)
def test_greek_letters_are_commands_in_latex(name, text):
    assert latex_name(name) == text
