"""Equality for all numbers where expanding is not enough: quotients, sigmoid and tanh, exponentials of sums.

Each side becomes one fraction: a polynomial in elements, exponentials and other functions, over a product of such
polynomials. Two fractions are equal if the numerator of their difference is 0. All that is multiplied out is counted,
and given up when it grows: a computer algebra system simplifies more, but nobody knows for how long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

from convstep.explain.claims.polynomial import Atom, Monomial, Polynomial, Terms, TooManyTerms, atom, constant, function

_PARTS = 12
"""exp(x), exp(x/2), exp(x/3) and exp(x/4) are powers of exp(x/12)."""
_MOST_PARTS = 1200
_MOST_WORK = 300_000
_LARGEST_EXPONENT = 700.0


def always_equal(left: Polynomial, right: Polynomial) -> bool:
    """Whether two polynomials, whose elements may be any numbers, are the same function.

    False where it cannot be shown by these means. Raises TooManyTerms where they are too large to try.
    """
    return not _Algebra().of(left - right).over.terms


@dataclass(frozen=True)
class _Fraction:
    """`over` divided by the product of the polynomials in `under`, each to its power."""

    over: Polynomial
    under: Mapping[Terms, int] = field(default_factory=dict)


class _Algebra:
    """Turns polynomials into fractions; `work` counts the products of two terms."""

    def __init__(self) -> None:
        self.work = 0
        self.known: dict[Atom, _Fraction] = {}

    def of(self, polynomial: Polynomial) -> _Fraction:
        """The fraction of a polynomial, its atoms taken apart."""
        total = _Fraction(Polynomial())
        for monomial, coefficient in polynomial.terms.items():
            factors = (self._power(self._atom(of), power) for of, power in monomial)
            total = self._sum(total, reduce(self._product, factors, _Fraction(constant(coefficient))))
        return total

    # -- arithmetic

    def _times(self, left: Polynomial, right: Polynomial) -> Polynomial:
        self.work += len(left.terms) * len(right.terms)
        if self.work > _MOST_WORK:
            raise TooManyTerms
        return left * right

    def _multiplied(self, over: Polynomial, factors: Mapping[Terms, int]) -> Polynomial:
        for factor, power in factors.items():
            for _ in range(power):
                over = self._times(over, Polynomial(dict(factor)))
        return over

    def _sum(self, left: _Fraction, right: _Fraction) -> _Fraction:
        both = {**left.under, **right.under}
        under = {factor: max(left.under.get(factor, 0), right.under.get(factor, 0)) for factor in both}
        overs = [
            self._multiplied(side.over, {factor: power - side.under.get(factor, 0) for factor, power in under.items()})
            for side in (left, right)
        ]
        return _Fraction(overs[0] + overs[1], under)

    def _product(self, left: _Fraction, right: _Fraction) -> _Fraction:
        both = {**left.under, **right.under}
        under = {factor: left.under.get(factor, 0) + right.under.get(factor, 0) for factor in both}
        return _Fraction(self._times(left.over, right.over), under)

    def _power(self, base: _Fraction, exponent: int) -> _Fraction:
        if exponent < 0:
            return self._power(self._reciprocal(base), -exponent)
        return reduce(self._product, [base] * exponent, _Fraction(constant(1.0)))

    def _reciprocal(self, of: _Fraction) -> _Fraction:
        if not of.over.terms:
            raise TooManyTerms  # 1/0 is equal to nothing
        over = self._multiplied(constant(1.0), of.under)
        if len(of.over.terms) == 1:
            return _Fraction(self._times(over, of.over.reciprocal()))
        unit, content = of.over.primitive()
        return _Fraction(over.times(1.0 / content), {unit.key(): 1})

    # -- atoms

    def _atom(self, of: Atom) -> _Fraction:
        if of not in self.known:
            self.known[of] = self._made(of)
        return self.known[of]

    def _made(self, of: Atom) -> _Fraction:
        kind, name, rest = of
        if isinstance(rest, int):
            return _Fraction(atom(of))
        assert isinstance(rest, tuple)
        if kind == "sum":
            return self.of(Polynomial(dict(rest)))
        arguments = [_one(self.of(Polynomial(dict(argument)))) for argument in rest]
        match name, arguments:
            case "exp", [x]:
                return self._exponential(x)
            case "sigmoid", [x]:
                return self._over_itself_and_1(self._exponential(x), 0.0)
            case "tanh", [x]:
                return self._over_itself_and_1(self._exponential(x.times(2.0)), -1.0)
            case "log1p", [x]:
                return _Fraction(function("log", x + constant(1.0)))
            case _:
                return _Fraction(function(name, *arguments))

    def _over_itself_and_1(self, of: _Fraction, more: float) -> _Fraction:
        """(of + more) / (of + 1)."""
        one, added = (self._sum(of, _Fraction(constant(number))) for number in (1.0, more))
        return self._product(added, self._reciprocal(one))

    def _exponential(self, x: Polynomial) -> _Fraction:
        """The exponential of a sum: the product of its terms' exponentials, so that they can cancel."""
        factors = (self._exponential_of(monomial, coefficient) for monomial, coefficient in x.terms.items())
        return reduce(self._product, factors, _Fraction(constant(1.0)))

    def _exponential_of(self, monomial: Monomial, coefficient: float) -> _Fraction:
        if not monomial:
            if abs(coefficient) > _LARGEST_EXPONENT:
                raise TooManyTerms
            return _Fraction(constant(math.exp(coefficient)))
        [((kind, name, rest), power), *others] = monomial
        if (kind, name, power, others) == ("function", "log", 1, []) and coefficient == int(coefficient):
            assert isinstance(rest, tuple)
            return self._power(self.of(Polynomial(dict(rest[0]))), int(coefficient))
        parts = coefficient * _PARTS
        if parts != int(parts) or abs(parts) > _MOST_PARTS:
            return _Fraction(function("exp", Polynomial({monomial: coefficient})))
        [((of, _),)] = function("exp", Polynomial({monomial: 1.0 / _PARTS})).terms
        return _Fraction(atom(of, int(parts)))


def _one(fraction: _Fraction) -> Polynomial:
    """A fraction as a polynomial, its denominators being atoms."""
    under = (atom(("sum", "", factor), -power) for factor, power in fraction.under.items())
    return reduce(Polynomial.__mul__, under, fraction.over)
