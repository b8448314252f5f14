"""Formulas as small trees: one tree gives names, numbers, LaTeX and the value.

A long sum is one lazy node: it knows its length and its k-th term, and never holds them all.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


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
    """Σ of `count` terms, the k-th of which is `term(k)`."""

    count: int
    term: Callable[[int], Expression]


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


def difference(left: Expression, right: Expression) -> Expression:
    """The expression left − right."""
    return total([left, Negative(right)])


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


def evaluate(expression: Expression, value: Callable[[Element], float]) -> float:
    """The number that an expression stands for; sums run left to right."""
    match expression:
        case Number(number):
            return number
        case Element():
            return value(expression)
        case Named(_, number):
            return number
        case Sum(count, term):
            result = 0.0
            for k in range(count):
                result += evaluate(term(k), value)
            return result
        case Product(factors):
            return math.prod(evaluate(factor, value) for factor in factors)
        case Quotient(over, under):
            return _divide(evaluate(over, value), evaluate(under, value))
        case Power(base, exponent):
            return _power(evaluate(base, value), exponent)
        case Negative(of):
            return -evaluate(of, value)
        case Apply(function, arguments):
            return float(FUNCTIONS[function](*(evaluate(a, value) for a in arguments)))


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Style(NamedTuple):
    """How expressions are written: what stands for an element and a constant, and how much of a long sum.

    A named number is its name, unless `named` writes it otherwise. `times` and `power` are for lines of text.
    """

    element: Callable[[Element], str]
    number: Callable[[float], str]
    most_terms: int = 6
    named: Callable[[Named], str] = lambda number: number.name
    times: str = "·"
    power: Callable[[int], str] = lambda exponent: str(exponent).translate(_RAISED)


# How tightly an expression holds together: it is put into parentheses inside something tighter.
_SUM, _QUOTIENT, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4, 5


def render(expression: Expression, style: Style) -> str:
    """One line of text: `i[1]·w1[1] + i[2]·w1[2]`. Sums over `style.most_terms` are folded with `…`."""
    return _text(expression, style)[0]


def _text(expression: Expression, style: Style) -> tuple[str, int]:
    match expression:
        case Number(value):
            text = style.number(value)
            return text, _SUM if text.startswith(("-", "−")) else _ATOM
        case Element():
            text = style.element(expression)
            return text, _SUM if text.startswith(("-", "−")) else _ATOM
        case Named():
            text = style.named(expression)
            return text, _SUM if text.startswith(("-", "−")) else _ATOM
        case Sum():
            return _sum_text(expression, style), _SUM
        case Product(factors):
            return style.times.join(_inside(factor, style, _PRODUCT) for factor in factors), _PRODUCT
        case Quotient(over, under):
            return f"{_inside(over, style, _PRODUCT)} / {_inside(under, style, _POWER)}", _QUOTIENT
        case Power(base, exponent):
            return f"{_inside(base, style, _ATOM)}{style.power(exponent)}", _POWER
        case Negative(of):
            return f"-{_inside(of, style, _QUOTIENT)}", _SUM
        case Apply(function, arguments):
            return f"{function}({', '.join(_text(a, style)[0] for a in arguments)})", _ATOM


def _inside(expression: Expression, style: Style, tightness: int) -> str:
    text, own = _text(expression, style)
    return f"({text})" if own < tightness else text


def _sum_text(expression: Sum, style: Style) -> str:
    count, most = expression.count, style.most_terms
    shown: list[int | None] = list(range(count))
    if count > most:
        shown = [*range(most - 1), None, count - 1]
    text = ""
    for k in shown:
        if k is None:
            text += " + …"
            continue
        term = expression.term(k)
        if isinstance(term, Negative) and text:
            text += f" - {_inside(term.of, style, _QUOTIENT)}"
        else:
            piece = _inside(term, style, _QUOTIENT if text else _SUM)
            text += f" + {piece}" if text else piece
    return text


def latex(expression: Expression, style: Style) -> str:
    """The same expression as LaTeX; `style` gives elements and constants in LaTeX, too."""
    return _latex(expression, style)[0]


def _latex(expression: Expression, style: Style) -> tuple[str, int]:
    def inside(part: Expression, tightness: int) -> str:
        text, own = _latex(part, style)
        return rf"\left({text}\right)" if own < tightness else text

    match expression:
        case Number() | Element():
            text, tightness = _text(expression, style)
            # ∂C/∂w and 2 · 10⁻⁵ are no atoms: a power needs parentheses around them.
            loose = text.startswith(r"\frac") or r"\cdot" in text
            return text, min(tightness, _PRODUCT) if loose else tightness
        case Named(name):
            text, tightness = _text(expression, style)
            return (rf"\text{{{name}}}" if text == name else text), tightness
        case Sum(count, term):
            parts = [inside(term(k), _SUM) for k in range(min(count, style.most_terms))]
            if count > style.most_terms:
                parts[-1:] = [r"\dots", inside(term(count - 1), _SUM)]
            return " + ".join(parts).replace("+ -", "- "), _SUM
        case Product(factors):
            return r" \cdot ".join(inside(factor, _PRODUCT) for factor in factors), _PRODUCT
        case Quotient(over, under):
            return rf"\frac{{{latex(over, style)}}}{{{latex(under, style)}}}", _PRODUCT
        case Power(base, exponent):
            return f"{inside(base, _ATOM)}^{{{exponent}}}", _POWER
        case Negative(of):
            return f"-{inside(of, _PRODUCT)}", _SUM
        case Apply(function, arguments):
            if function == "log1p":
                return rf"\log\left(1 + {latex(arguments[0], style)}\right)", _ATOM
            if function == "sqrt":
                return rf"\sqrt{{{latex(arguments[0], style)}}}", _ATOM
            known = {"exp", "log", "tanh", "max"}
            name = rf"\{function}" if function in known else rf"\operatorname{{{function}}}"
            return rf"{name}\left({', '.join(latex(a, style) for a in arguments)}\right)", _ATOM
