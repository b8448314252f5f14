"""Polynomials in named elements: two formulas that expand to the same one are equal for all numbers.

A monomial is a sorted tuple of (atom, power) pairs. What does not expand further is an atom of its own: an
element, a function of polynomials, one over a sum, or a sum that is kept together (`2·(o2 − y)` reads better so).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from convstep.ops.expression import FUNCTIONS

Atom = tuple[str, str, object]
"""(kind, name, rest): ("element", key, flat index), ("function", name, arguments), ("sum", "", terms)."""
Monomial = tuple[tuple[Atom, int], ...]
Terms = tuple[tuple[Monomial, float], ...]
"""A polynomial's terms, sorted: two equal polynomials have equal ones, to twelve digits."""

_MOST_TERMS = 3000
_MOST_WORK = 100_000
_HIGHEST_POWER = 12
_NOTHING = 1e-11


class TooManyTerms(Exception):
    """The expansion grew beyond what is worth looking at."""


@dataclass(frozen=True)
class Polynomial:
    """Σ coefficient · monomial. Its operators expand; they raise TooManyTerms beyond a few thousand terms."""

    terms: Mapping[Monomial, float] = field(default_factory=dict)

    def __add__(self, other: Polynomial) -> Polynomial:
        terms = dict(self.terms)
        for monomial, coefficient in other.terms.items():
            total = terms.get(monomial, 0.0) + coefficient
            # What cancels but for rounding is gone.
            terms[monomial] = 0.0 if abs(total) < _NOTHING * abs(coefficient) else total
        return _of(terms)

    def __neg__(self) -> Polynomial:
        return self.times(-1.0)

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + -other

    def __mul__(self, other: Polynomial) -> Polynomial:
        if len(self.terms) * len(other.terms) > _MOST_WORK:
            raise TooManyTerms
        terms: dict[Monomial, float] = {}
        for left, a in self.terms.items():
            for right, b in other.terms.items():
                monomial = _product(left, right)
                terms[monomial] = terms.get(monomial, 0.0) + a * b
        return _of(terms)

    def times(self, factor: float) -> Polynomial:
        """Every coefficient times a number."""
        return _of({monomial: factor * coefficient for monomial, coefficient in self.terms.items()})

    def power(self, exponent: int) -> Polynomial:
        """The polynomial to a whole power; a negative one of a sum is an atom."""
        if abs(exponent) > _HIGHEST_POWER:
            raise TooManyTerms
        if exponent < 0:
            return self.reciprocal().power(-exponent)
        result = constant(1.0)
        for _ in range(exponent):
            result = result * self
        return result

    def reciprocal(self) -> Polynomial:
        """One over it."""
        if len(self.terms) == 1:
            [(monomial, coefficient)] = self.terms.items()
            return Polynomial({tuple((atom, -power) for atom, power in monomial): 1.0 / coefficient})
        unit, content = self.primitive()
        return atom(("sum", "", unit.key()), -1).times(1.0 / content)

    def primitive(self) -> tuple[Polynomial, float]:
        """The polynomial divided by its first coefficient, and that coefficient."""
        first = self.terms[min(self.terms)]
        return self.times(1.0 / first), first

    def key(self) -> Terms:
        """The sorted terms, for comparison."""
        return tuple(sorted((monomial, float(f"{c:.12g}")) for monomial, c in self.terms.items()))

    @property
    def number(self) -> float | None:
        """The value of a constant."""
        if not self.terms:
            return 0.0
        return self.terms.get(()) if len(self.terms) == 1 else None


def _of(terms: Mapping[Monomial, float]) -> Polynomial:
    kept = {monomial: coefficient for monomial, coefficient in terms.items() if coefficient != 0}
    if len(kept) > _MOST_TERMS:
        raise TooManyTerms
    return Polynomial(kept)


def _product(left: Monomial, right: Monomial) -> Monomial:
    if not left or not right:
        return left or right
    powers = dict(left)
    for factor, power in right:
        powers[factor] = powers.get(factor, 0) + power
    return tuple(sorted((factor, power) for factor, power in powers.items() if power))


def constant(value: float) -> Polynomial:
    """A number."""
    return _of({(): value})


def atom(of: Atom, power: int = 1) -> Polynomial:
    """One atom."""
    return Polynomial({((of, power),): 1.0})


def element(key: str, index: int) -> Polynomial:
    """An element of a tensor."""
    return atom(("element", key, index))


def function(name: str, *arguments: Polynomial) -> Polynomial:
    """A function that is not expanded."""
    return atom(("function", name, tuple(argument.key() for argument in arguments)))


def substitute(polynomial: Polynomial, replace: Callable[[Atom], Polynomial | None]) -> Polynomial:
    """The polynomial with atoms replaced by others, inside functions and kept sums too; None leaves one alone."""
    result = Polynomial()
    for monomial, coefficient in polynomial.terms.items():
        product = constant(coefficient)
        for factor, power in monomial:
            product = product * _substituted(factor, replace).power(power)
        result = result + product
    return result


def _substituted(factor: Atom, replace: Callable[[Atom], Polynomial | None]) -> Polynomial:
    new = replace(factor)
    if new is not None:
        return new
    kind, name, rest = factor
    if kind == "function" and isinstance(rest, tuple):
        return function(name, *(substitute(Polynomial(dict(argument)), replace) for argument in rest))
    if kind == "sum" and isinstance(rest, tuple):
        return substitute(Polynomial(dict(rest)), replace)
    return atom(factor)


def number_of(polynomial: Polynomial, value: Callable[[str, int], float]) -> float:
    """The number that a polynomial stands for, given the elements'."""

    def number(factor: Atom) -> float:
        kind, name, rest = factor
        if isinstance(rest, int):
            return value(name, rest)
        assert isinstance(rest, tuple)
        if kind == "sum":
            return number_of(Polynomial(dict(rest)), value)
        return float(FUNCTIONS[name](*(number_of(Polynomial(dict(argument)), value) for argument in rest)))

    try:
        return math.fsum(
            coefficient * math.prod(number(factor) ** power for factor, power in monomial)
            for monomial, coefficient in polynomial.terms.items()
        )
    except (ArithmeticError, ValueError):  # 0 to a negative power, an infinity
        return math.nan
