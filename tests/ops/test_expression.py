"""Expressions: values at the edge of the numbers, and how they are written."""

import math

import numpy as np
import pytest

from convstep.ops.activation.softmax import power_sum
from convstep.ops.base import Read, Reads
from convstep.ops.expression import (
    Apply,
    Element,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    difference,
    evaluate,
    is_longer,
    total,
)
from convstep.ops.rendering import Style, latex, render

INF, NAN = math.inf, math.nan
STYLE = Style(element=lambda e: f"x[{e.index + 1}]", number=lambda v: f"{v:g}", most_terms=4)
X = [Element(0, k) for k in range(9)]


def value(expression):
    return evaluate(expression, lambda e: float(e.index + 1))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (Apply("exp", (Number(1000.0),)), INF),
        (Apply("exp", (Number(-1000.0),)), 0.0),
        (Apply("log", (Number(0.0),)), -INF),
        (Apply("log", (Number(-1.0),)), NAN),
        (Apply("log1p", (Number(-1.0),)), -INF),
        (Apply("log1p", (Number(-2.0),)), NAN),
        (Apply("sqrt", (Number(-1.0),)), NAN),
        (Apply("sigmoid", (Number(-1000.0),)), 0.0),
        (Apply("sigmoid", (Number(1000.0),)), 1.0),
        (Apply("relu", (Number(NAN),)), NAN),
        (Apply("max", (Number(1.0), Number(NAN))), NAN),
        (Quotient(Number(1.0), Number(0.0)), INF),
        (Quotient(Number(-1.0), Number(0.0)), -INF),
        (Quotient(Number(0.0), Number(0.0)), NAN),
        (Power(Number(1e200), 2), INF),
        (Power(Number(-1e200), 3), -INF),
        (Power(Number(-1e200), 2), INF),
        (Apply("pow", (Number(-1e200), Number(3.0))), -INF),
        (Apply("pow", (Number(-1e200), Number(2.0))), INF),
        (Power(Number(0.0), -1), INF),
        (Power(Number(2.0), -2), 0.25),
        (difference(Number(INF), Number(INF)), NAN),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_torch_gives_where_python_would_raise(expression, expected):
    assert value(expression) == pytest.approx(expected, nan_ok=True)


def test_a_sum_runs_left_to_right():
    assert value(Sum(9, X.__getitem__)) == 45
    assert value(total([X[2]])) == 3


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (Sum(3, X.__getitem__), "x[1] + x[2] + x[3]"),
        (Sum(9, X.__getitem__), "x[1] + x[2] + x[3] + … + x[9]"),
        (Product((X[0], difference(Number(1.0), X[0]))), "x[1]·(1 - x[1])"),
        (Power(difference(X[0], X[1]), 2), "(x[1] - x[2])²"),
        (Quotient(Sum(2, X.__getitem__), Number(4.0)), "(x[1] + x[2]) / 4"),
        (Negative(Product((X[0], X[1]))), "-x[1]·x[2]"),
        (Product((Quotient(X[0], X[1]), X[2])), "(x[1] / x[2])·x[3]"),
        (Quotient(Product((X[0], X[1])), Product((X[2], X[3]))), "x[1]·x[2] / (x[3]·x[4])"),
        (difference(X[0], Quotient(X[1], X[2])), "x[1] - x[2] / x[3]"),
        (Apply("exp", (difference(X[0], Number(3.0)),)), "exp(x[1] - 3)"),
        (Product((Number(2.0), Number(-3.0))), "2·(-3)"),
    ],
    ids=lambda e: e if isinstance(e, str) else "",
)
def test_as_text(expression, text):
    assert render(expression, STYLE) == text


def test_as_latex():
    assert latex(Quotient(difference(X[0], X[1]), Number(4.0)), STYLE) == r"\frac{x[1] - x[2]}{4}"
    assert latex(Power(X[0], 2), STYLE) == "x[1]^{2}"


def test_only_so_much_of_a_long_expression_is_looked_at():
    looked_at = []

    def term(k):
        looked_at.append(k)
        return Product((X[0], Number(2.0)))

    long = Quotient(Sum(1000, term), Power(X[1], 2))
    assert is_longer(long, 10)
    assert len(looked_at) == 6
    assert is_longer(Sum(3, lambda k: X[k]), 2)
    assert not is_longer(Negative(Sum(3, lambda k: X[k])), 3)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("shift", [0.0, 3.5])
def test_a_long_sum_made_at_once_is_the_sum_of_its_terms(sign, shift):
    numbers = np.array([0.5, -700.0, 800.0, 2.0, NAN])
    for index in ([0, 3, 1], [2, 0], [4, 0]):
        made = power_sum(0, np.array(index), shift, sign)
        of = Quotient(Number(1.0), total([made, Element(0, 0)]))
        alone = evaluate(of, lambda e: float(numbers[e.index]))
        together = evaluate(of, lambda e: float(numbers[e.index]), lambda _, at: numbers[at])
        assert together == pytest.approx(alone, rel=1e-14, nan_ok=True)


def test_many_reads_are_made_when_they_are_looked_at():
    reads = Reads(1, np.array([7, 8, 9]), np.array([0.5, 1.5, 2.5]))
    assert list(reads) == [Read(1, 7, 0.5), Read(1, 8, 1.5), Read(1, 9, 2.5)]
    assert reads[-1] == Read(1, 9, 2.5)
    assert list(reads[1:]) == [Read(1, 8, 1.5), Read(1, 9, 2.5)]
