"""Identities are shown, what is no identity never is, and all of it comes to an end soon."""

import math
import random
from functools import reduce

import pytest

from convstep.explain.claims.algebra import always_equal
from convstep.explain.claims.polynomial import Polynomial, TooManyTerms, constant, element, function, number_of

X, Y, Z = (element("x", k) for k in range(3))
ONE = constant(1.0)


def exp(x):
    return function("exp", x)


def sigmoid(x):
    return function("sigmoid", x)


def tanh(x):
    return function("tanh", x)


def over(a, b):
    return a * b.reciprocal()


SUM = reduce(Polynomial.__add__, map(exp, (X, Y, Z)))

IDENTITIES = {
    "sigmoid": (sigmoid(X), over(ONE, ONE + exp(-X))),
    "its slope": (sigmoid(X) * (ONE - sigmoid(X)), over(exp(-X), (ONE + exp(-X)).power(2))),
    "mirrored": (ONE - sigmoid(X), sigmoid(-X)),
    "tanh": (tanh(X), sigmoid(X.times(2)).times(2) - ONE),
    "half": (tanh(X.times(0.5)), sigmoid(X).times(2) - ONE),
    "slope of tanh": (ONE - tanh(X).power(2), constant(4.0) * (exp(X) + exp(-X)).power(-2)),
    "exp of a sum": (exp(X - Y), over(exp(X), exp(Y))),
    "a constant": (exp(X + ONE), exp(X).times(math.e)),
    "shares": (over(exp(X), SUM) + over(exp(Y) + exp(Z), SUM), ONE),
    "shifted shares": (over(exp(X), SUM), over(ONE, ONE + exp(Y - X) + exp(Z - X))),
    "quotients": (over(ONE, X) + over(ONE, Y), over(X + Y, X * Y)),
    "of a quotient": (over(ONE, ONE + over(X, Y)), over(Y, X + Y)),
    "exp of a logarithm": (exp(X - function("log", SUM)), over(exp(X), SUM)),
    "log1p": (function("log1p", X), function("log", ONE + X)),
    "inside another": (function("sqrt", sigmoid(X)), function("sqrt", sigmoid(X) + Y - Y)),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identities_are_shown(name):
    left, right = IDENTITIES[name]
    assert always_equal(left, right)
    assert always_equal(left * Y + Z, Z + right * Y)


@pytest.mark.parametrize("name", IDENTITIES)
def test_a_little_less_is_no_identity(name):
    left, right = IDENTITIES[name]
    assert not always_equal(left, right.times(1 + 1e-6))
    assert not always_equal(left, right + X.times(1e-6))


def some(choice, depth):
    """A random polynomial of functions, quotients and sums."""
    if depth == 0 or choice.random() < 0.15:
        return (
            element("x", choice.randint(0, 3)) if choice.random() < 0.8 else constant(choice.choice([1.0, 0.5, -2.0]))
        )
    match choice.randint(0, 3):
        case 0:
            return some(choice, depth - 1) + some(choice, depth - 1)
        case 1:
            return some(choice, depth - 1) * some(choice, depth - 1)
        case 2:
            of = some(choice, depth - 1)
            return of.reciprocal() if of.terms else of
        case _:
            return function(choice.choice(["exp", "sigmoid", "tanh", "log", "sqrt"]), some(choice, depth - 1))


@pytest.mark.parametrize("seed", range(150))
def test_what_is_shown_is_so(seed):
    choice = random.Random(seed)
    try:
        left, right = some(choice, 4), some(choice, 4)
        if choice.random() < 0.5:
            right = over(left * (ONE + exp(X)), ONE + exp(X)) * (sigmoid(Y) + sigmoid(-Y))
        shown = always_equal(left, right)
    except TooManyTerms:
        return
    at = [choice.uniform(0.1, 1.5) for _ in range(4)]
    numbers = [number_of(side, lambda key, index: at[index]) for side in (left, right)]
    if shown and all(map(math.isfinite, numbers)):
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-9, abs=1e-9)


def test_what_is_too_large_is_given_up():
    sums = [reduce(Polynomial.__add__, (exp(element("x", 20 * k + j)) for j in range(20))) for k in range(8)]
    many = reduce(Polynomial.__add__, (over(X, part) for part in sums))
    with pytest.raises(TooManyTerms):
        always_equal(many, constant(1.0))
