"""Long formulas made readable: sums folded, and named numbers unfolded into their own formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from convstep.ops.expression import (
    FUNCTIONS,
    Apply,
    Element,
    Expression,
    Named,
    Number,
    Product,
    Sum,
    evaluate,
    total,
    with_parts,
)
from convstep.ops.optim.assignments import elements

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
            if count == 0:
                return Number(0.0)
            if count <= max(most, _LEAST):
                return with_parts(expression, inside)
            if amounts is None:
                amounts = np.array([evaluate(term(k), value) for k in range(count)])
            shown = _shown(amounts, most, _add)
            return total([k if isinstance(k, Named) else inside(term(k)) for k in shown])
        case Apply(function, arguments) if len(arguments) > max(most, _LEAST):
            numbers = np.array([evaluate(a, value) for a in arguments])
            shown = _shown(numbers, most, FUNCTIONS[function])
            return Apply(function, tuple(k if isinstance(k, Named) else inside(arguments[k]) for k in shown))
        case _:
            return with_parts(expression, inside)


def is_folded(expression: Expression) -> bool:
    """Whether anything was left out somewhere in an expression."""
    found = []

    def look(part: Expression) -> Expression:
        found.append(isinstance(part, Named) and part.name == FOLDED)
        return with_parts(part, look)

    look(expression)
    return any(found)


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

    Products with a factor of 0 stay as they are. `computed` says whether an element has a formula that may be put
    in, `own` is that formula. `stayed` counts the elements left as they are because the limit was reached.
    """

    def __init__(self, computed: Callable[[Element], bool], own: Callable[[Element], Expression], most: int) -> None:
        self._computed, self._own, self._left = computed, own, most
        self._known: dict[Element, tuple[Expression, int]] = {}
        self.stayed = 0

    def unfold(self, expression: Expression, levels: int) -> Expression:
        """The expression with `levels` levels put in."""
        for _ in range(min(levels, _DEEPEST)):
            before = self._left
            expression = self._put_in(expression)
            if self._left in (before, 0):
                return expression
        if levels > _DEEPEST:
            self.stayed = sum(map(self._computed, elements(expression)))
        return expression

    def _put_in(self, expression: Expression) -> Expression:
        match expression:
            case Element():
                return self._replaced(expression)
            case Product(factors) if Number(0.0) in factors:
                return expression  # whatever it is made of, it gives nothing here
            case _:
                return with_parts(expression, self._put_in)

    def _replaced(self, element: Element) -> Expression:
        if not self._computed(element):
            return element
        if self._left:
            own, size = self._formula(element)
            if size <= self._left:
                self._left -= size
                return own
        self._left = 0
        self.stayed += 1
        return element

    def _formula(self, element: Element) -> tuple[Expression, int]:
        """An element's own formula, and how much of the limit it takes."""
        if element not in self._known:
            own = self._own(element)
            self._known[element] = own, max(1, sum(1 for _ in elements(own)))
        return self._known[element]
