"""Formulas as small trees: one tree gives names, numbers, LaTeX (`rendering`) and the value.

A long sum is one lazy node: it knows its length and its k-th term, and never holds them all.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convstep.ops.records import IntArray, quiet

Floats = npt.NDArray[np.float64]
Values = Callable[[int, IntArray], Floats]
"""The numbers of some elements of a slot."""


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True)
class Element:
    """One element of a slot of the call, by flat index."""

    slot: int
    index: int


@dataclass(frozen=True)
class Named:
    """A number on the way that has a name of its own: a mean, a variance."""

    name: str
    value: float


@dataclass(frozen=True)
class Sum:
    """Σ of `count` terms, the k-th of which is `term(k)`.

    `numbers`, where it is given, makes the numbers of all terms at once from those of elements.
    """

    count: int
    term: Callable[[int], Expression]
    numbers: Callable[[Values], Floats] | None = None


@dataclass(frozen=True)
class Product:
    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Quotient:
    over: Expression
    under: Expression


@dataclass(frozen=True)
class Power:
    base: Expression
    exponent: int


@dataclass(frozen=True)
class Negative:
    of: Expression


@dataclass(frozen=True)
class Apply:
    """A function of `FUNCTIONS`."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Number | Element | Named | Sum | Product | Quotient | Power | Negative | Apply


def _exp(x: float) -> float:
    return math.inf if x > _LARGEST_POWER else math.exp(x)


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def _log1p(x: float) -> float:
    return math.log1p(x) if x > -1 else -math.inf if x == -1 else math.nan


def _sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0 else math.nan


def _pow(x: float, exponent: float) -> float:
    try:
        return math.pow(x, exponent)
    except OverflowError:
        return -math.inf if x < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return math.inf if x == 0 else math.nan


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + _exp(-x)) if x >= 0 else _exp(x) / (1.0 + _exp(x))


def _maximum(*values: float) -> float:
    """The largest; NaN where any of them is."""
    return math.nan if any(math.isnan(v) for v in values) else max(values)


_LARGEST_POWER = math.log(sys.float_info.max)

FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": _exp,
    "log": _log,
    "log1p": _log1p,
    "erf": math.erf,
    "sqrt": _sqrt,
    "pow": _pow,
    "tanh": math.tanh,
    "sigmoid": _sigmoid,
    "relu": lambda x: _maximum(x, 0.0),
    "abs": abs,
    "max": _maximum,
    "sign": lambda x: x if math.isnan(x) else float((x > 0) - (x < 0)),
}
"""Overflow, log 0 and the like give Inf and NaN, as in torch, and never an error."""


def total(terms: Sequence[Expression]) -> Expression:
    """The sum of a few expressions; one alone is itself."""
    return terms[0] if len(terms) == 1 else Sum(len(terms), terms.__getitem__)


def sum_of(slot: int, index: IntArray) -> Expression:
    """The sum of any number of elements of a slot; one alone is itself."""
    return Element(slot, int(index[0])) if len(index) == 1 else Sum(len(index), lambda k: Element(slot, int(index[k])))


def difference(left: Expression, right: Expression) -> Expression:
    """The expression left − right."""
    return total([left, Negative(right)])


def times(factor: float, of: Expression) -> Expression:
    """The expression factor · of."""
    return of if factor == 1 else Product((Number(factor), of))


def _divide(over: float, under: float) -> float:
    if under:
        return over / under
    return math.nan if over == 0 or math.isnan(over) else math.copysign(math.inf, over) * math.copysign(1.0, under)


def _power(base: float, exponent: int) -> float:
    if exponent < 0:
        return _divide(1.0, _power(base, -exponent))
    return math.prod([base] * exponent, start=1.0)


def with_parts(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The same expression with each of its immediate parts changed."""
    match expression:
        case Sum(count, term):
            return total([change(term(k)) for k in range(count)])
        case Product(factors):
            return Product(tuple(map(change, factors)))
        case Quotient(over, under):
            return Quotient(change(over), change(under))
        case Power(base, exponent):
            return Power(change(base), exponent)
        case Negative(of):
            return Negative(change(of))
        case Apply(function, arguments):
            return Apply(function, tuple(map(change, arguments)))
        case _:
            return expression


def is_longer(expression: Expression, most: int) -> bool:
    """Whether there are more than so many numbers and elements in an expression; no more of it is looked at."""
    left, ahead = most, [iter((expression,))]
    while ahead:
        part = next(ahead[-1], None)
        if part is None:
            ahead.pop()
        elif parts := parts_of(part):
            ahead.append(parts)
        else:
            left -= 1
            if left < 0:
                return True
    return False


def parts_of(expression: Expression) -> Iterator[Expression] | None:
    """The immediate parts of an expression, made one by one; None where it has none."""
    match expression:
        case Sum(count, term):
            return (term(k) for k in range(count))
        case Product(factors):
            return iter(factors)
        case Quotient(over, under):
            return iter((over, under))
        case Power(of, _) | Negative(of):
            return iter((of,))
        case Apply(_, arguments):
            return iter(arguments)
        case _:
            return None


@quiet
def evaluate(expression: Expression, value: Callable[[Element], float], values: Values | None = None) -> float:
    """The number that an expression stands for; sums run left to right.

    With `values`, all terms of a sum that can are made at once.
    """

    def number(part: Expression) -> float:
        match part:
            case Number(constant):
                return constant
            case Element():
                return value(part)
            case Named(_, known):
                return known
            case Sum(count, term, numbers):
                if values is not None and numbers is not None:
                    return float(np.add.accumulate(numbers(values))[-1])
                result = 0.0
                for k in range(count):
                    result += number(term(k))
                return result
            case Product(factors):
                return math.prod(map(number, factors))
            case Quotient(over, under):
                return _divide(number(over), number(under))
            case Power(base, exponent):
                return _power(number(base), exponent)
            case Negative(of):
                return -number(of)
            case Apply(function, arguments):
                return float(FUNCTIONS[function](*map(number, arguments)))

    return number(expression)
