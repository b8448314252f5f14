"""Expressions as text and as LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from convstep.ops.expression import (
    Apply,
    Element,
    Expression,
    Named,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
)

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
    shown: Iterable[int | None] = range(count) if count <= most else [*range(most - 1), None, count - 1]
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
