"""Long formulas made readable: sums folded, and named numbers unfolded into their own formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from convstep.ops.assignments import elements, substitute
from convstep.ops.expression import (
    FUNCTIONS,
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
    evaluate,
    total,
)

Floats = npt.NDArray[np.float64]

FOLDED = "…"
"""The name of what stands for the terms that are left out; its value is theirs together."""

_LEAST = 3
"""The first term, the largest and the last are always shown."""

_DEEPEST = 40
"""Levels at most: an expression is walked through recursively."""


def fold(
    expression: Expression, value: Callable[[Element], float], most: int, amounts: Floats | None = None
) -> Expression:
    """The expression with every sum (or maximum) of more than `most` terms cut down to the first, largest and last.

    What is left out becomes `Named(FOLDED, …)` with its value, so the whole keeps its value. `amounts` are the
    values of the outermost sum's terms, where they are known already.
    """

    def inside(part: Expression) -> Expression:
        return fold(part, value, most)

    match expression:
        case Sum(count, term):
            if count <= max(most, _LEAST):
                return total([inside(term(k)) for k in range(count)]) if count else Number(0.0)
            if amounts is None:
                amounts = np.array([evaluate(term(k), value) for k in range(count)])
            shown = _shown(amounts, most, _add)
            return total([k if isinstance(k, Named) else inside(term(k)) for k in shown])
        case Apply(function, arguments) if len(arguments) > max(most, _LEAST):
            numbers = np.array([evaluate(a, value) for a in arguments])
            shown = _shown(numbers, most, FUNCTIONS[function])
            return Apply(function, tuple(k if isinstance(k, Named) else inside(arguments[k]) for k in shown))
        case Apply(function, arguments):
            return Apply(function, tuple(map(inside, arguments)))
        case Product(factors):
            return Product(tuple(map(inside, factors)))
        case Quotient(over, under):
            return Quotient(inside(over), inside(under))
        case Power(base, exponent):
            return Power(inside(base), exponent)
        case Negative(of):
            return Negative(inside(of))
        case _:
            return expression


def _add(*numbers: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.add.accumulate(numbers)[-1])


def _shown(amounts: Floats, most: int, together: Callable[..., float]) -> Iterator[int | Named]:
    """The terms to show, and between them what stands for the others. NaN counts as the largest of all."""
    count = len(amounts)
    largest = int(np.argmax(np.where(np.isnan(amounts), np.inf, np.abs(amounts))))
    shown = sorted({*range(max(most, _LEAST) - 2), largest, count - 1})
    before = -1
    for k in shown:
        if k - before == 2:
            yield k - 1  # one term is no shorter as dots
        elif k - before > 2:
            yield Named(FOLDED, together(*(float(a) for a in amounts[before + 1 : k])))
        yield k
        before = k


class Unfolding:
    """Puts own formulas in the place of named elements, level by level, up to `most` elements in all.

    `own` gives an element's formula, None where it has none or should stay as it is. `stayed` counts the elements
    that were left as they are because the limit was reached.
    """

    def __init__(self, own: Callable[[Element], Expression | None], most: int) -> None:
        self._own, self._left = own, most
        self._known: dict[Element, Expression | None] = {}
        self.stayed = 0

    def unfold(self, expression: Expression, levels: int) -> Expression:
        """The expression with `levels` levels put in."""
        for _ in range(min(levels, _DEEPEST)):
            before, self.stayed = self._left, 0
            expression = substitute(expression, self._replaced)
            if self._left == before:
                return expression
        if levels > _DEEPEST:
            self.stayed = sum(self._formula(element) is not None for element in elements(expression))
        return expression

    def _formula(self, element: Element) -> Expression | None:
        if element not in self._known:
            self._known[element] = self._own(element)
        return self._known[element]

    def _replaced(self, element: Element) -> Expression:
        own = self._formula(element)
        if own is None:
            return element
        size = sum(1 for _ in elements(own))
        if size > self._left:
            self.stayed += 1
            return element
        self._left -= max(1, size)
        return own
