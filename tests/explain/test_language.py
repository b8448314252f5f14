"""Typed expressions: what they mean, and one clear line for everything that means nothing."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import sample

from convstep.engine.recording import Recording
from convstep.errors import ConvstepError
from convstep.explain.claims.claims import reader
from convstep.explain.language.evaluation import evaluate
from convstep.explain.language.language import parse
from convstep.explain.language.nodes import ExpressionError
from convstep.explain.naming import Names
from convstep.network import load


def calculator(source):
    graph = load(source)
    names, read = Names(graph), reader(Recording(graph).iteration(0))
    return lambda text: evaluate(parse(text, names), read)


TWO_CONV = calculator(sample("two_conv"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4 - 1", 13),
        ("8 / 4 / 2", 1),
        ("2·3×4÷6", 4),
        ("5 − 7", -2),
        ("-2^2", -4),
        ("2^3^2", 512),
        ("2 ** -1", 0.5),
        ("4^0.5", 2),
        ("(1 + 2)²", 9),
        ("2⁻¹", 0.5),
        ("--3", 3),
        ("1.5e2 + .5", 150.5),
        ("i[5] + w1[3]", 8),
        ("i[0, 0, 2, 0]", 7),
        ("o1.weight[3]", 3),
        ("grad(w1)[1]", -30),
        ("w1.grad[4]", 18),
        ("new(w1)[1]", 2),
        ("sum(w2) + max(i)", 11),
        ("max(2, i[1], 7)", 7),
        ("exp(0) + log(1) + sqrt(9) + tanh(0) + sigmoid(0) + relu(-1) + abs(-2)", 6.5),
        ("sigmoid(-800) + sigmoid(800)", 1),
    ],
)
def test_what_an_expression_means(text, value):
    result = TWO_CONV(text)
    assert result.shape == ()
    assert float(result) == value


def test_tensors_are_taken_element_by_element_and_spread():
    assert TWO_CONV("w2 * 2 * (o2 - y)").tolist() == [[[[12, 18], [-12, -6]]]]
    assert TWO_CONV("max(i, 5)").tolist() == [[[[5, 5, 5], [5, 5, 6], [7, 8, 9]]]]


def test_a_layer_may_be_called_a_number_or_a_power():
    value = calculator(
        {
            "inputs": {"x²": [[1.0, 2.0]]},
            "layers": [{"name": "0", "op": "Linear", "out_features": 1, "weight": [[3, 4]], "bias": False}],
        }
    )
    assert value("0[0, 0]") == 11
    assert value("0.weight[0, 1] + 0") == 4
    assert value("x²[0, 1]²") == 4


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("__import__('os').system('ls')", 12, "no part of an expression"),
        ("__import__(1)", 1, "no function '__import__'"),
        ("i.__class__", 1, "no tensor 'i.__class__'"),
        ("1 + o1.wieght", 5, "did you mean 'o1.weight'"),
        ("2 * sgmoid(1)", 5, "did you mean 'sigmoid'"),
        ("9**9**9", 2, "too large"),
        ("1 + 1/(i[1] - 1)", 8, "division by 0"),
        ("log(0)", 1, "no finite value"),
        ("sqrt(-1)", 1, "no finite value"),
        ("2 * w1[9]", 5, "outside"),
        ("w1[0]", 1, "outside"),
        ("w1[99999999999999999999]", 3, "no index"),
        ("w1[1.5]", 3, "no index"),
        ("i[1", 2, "never closed"),
        ("(1 + 2", 7, "')' is missing"),
        ("1 + 2)", 6, "closes nothing"),
        ("", 1, "ends where"),
        ("2 *", 4, "ends where"),
        ("2 3", 3, "operator is missing"),
        ("1e999", 1, "too large"),
        ("i * w1", 5, "do not go together"),
        ("sum(1, 2)", 1, "one argument"),
        ("i[1][2]", 5, "index, once"),
        ("new(i)", 5, "there is no new(i)"),
        ("(" * 300, 51, "levels deep"),
        ("-" * 300 + "1", 51, "levels deep"),
        ("1+" * 6000 + "1", 10001, "longer than"),
        ("\x1b[31m", 1, "\\x1b"),
    ],
)
def test_a_mistake_gets_one_line_with_its_column(text, column, words):
    started = time.perf_counter()
    with pytest.raises(ExpressionError) as caught:
        TWO_CONV(text)
    message = str(caught.value)
    assert caught.value.column == column
    assert message.startswith(f"column {column}: ")
    assert words in message
    assert message.isprintable()
    assert time.perf_counter() - started < 1


def test_a_long_flat_sum_is_no_deep_one():
    assert TWO_CONV("+".join(["1"] * 4000)) == 4000


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*"()+-*/^20,.²'_", "i", "w1", "[1]", "[9]", "sum", "grad", "exp", "max", "1e308"])))
def test_any_text_gives_a_number_or_one_line(pieces):
    try:
        result, message = TWO_CONV("".join(pieces)), ""
    except ConvstepError as error:
        result, message = np.zeros(()), str(error)
    assert np.isfinite(result).all()
    assert message.isprintable()
