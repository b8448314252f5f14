"""Which terms of a wrong formula are too many, and which are missing, factored as a person would write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd

from convstep.explain.claims.polynomial import Atom, Monomial, Polynomial, substitute
from convstep.explain.naming import Names
from convstep.explain.numbers import short

_MOST_SHOWN = 16

Terms = Mapping[Monomial, float]


@dataclass(frozen=True)
class Difference:
    """Terms of the claimed sum that do not belong there, and terms of the true one that it lacks."""

    extra: Polynomial
    missing: Polynomial

    @property
    def size(self) -> int:
        return len(self.extra.terms) + len(self.missing.terms)


def difference(claimed: Polynomial, truth: Polynomial) -> Difference:
    """The difference that takes fewer words: with sums kept together, or all expanded."""
    kept = _difference(claimed, truth)
    plain = _difference(expanded(claimed), expanded(truth))
    return kept if kept.size <= plain.size else plain


def expanded(polynomial: Polynomial) -> Polynomial:
    """The polynomial with no sum kept together."""
    return substitute(polynomial, lambda atom: None)


def same(claimed: Polynomial, truth: Polynomial) -> bool:
    """Whether two polynomials are equal, but for rounding."""
    largest = max((abs(c) for c in (*claimed.terms.values(), *truth.terms.values())), default=0.0)
    return all(abs(c) <= 1e-9 * largest for c in (expanded(claimed) - expanded(truth)).terms.values())


def _difference(claimed: Polynomial, truth: Polynomial) -> Difference:
    extra, missing = {}, {}
    for monomial in {**claimed.terms, **truth.terms}:
        a, b = claimed.terms.get(monomial, 0.0), truth.terms.get(monomial, 0.0)
        if abs(a - b) <= 1e-9 * max(abs(a), abs(b)):
            continue
        # A term with another coefficient stands on both sides, unless one only has more of it.
        if a * b <= 0 or abs(a) > abs(b):
            extra[monomial] = a - b if a * b > 0 else a
        if a * b <= 0 or abs(a) < abs(b):
            missing[monomial] = b - a if a * b > 0 else b
    clean = [{m: c for m, c in side.items() if c} for side in (extra, missing)]
    return Difference(Polynomial(clean[0]), Polynomial(clean[1]))


def factored(polynomial: Polynomial, names: Names) -> str:
    """`(i[1]·w2[2] + i[1]·w2[3])·2·(o2[1] - y[1])`: what all terms share stands behind; long sums are folded."""
    text = _Text(names)
    common, coefficient = _common(polynomial.terms)
    shared = dict(common)
    rest = {
        tuple((atom, power - shared.get(atom, 0)) for atom, power in monomial if power != shared.get(atom, 0)): c
        / coefficient
        for monomial, c in polynomial.terms.items()
    }
    if len(rest) == 1 or not (common or coefficient != 1):
        return text.sum(polynomial.terms)
    sign = "-" if coefficient < 0 else ""
    behind = f"·{text.monomial(common, abs(coefficient))}" if common or abs(coefficient) != 1 else ""
    return f"{sign}({text.sum(rest)}){behind}"


def _common(terms: Terms) -> tuple[Monomial, float]:
    """The largest monomial, and coefficient, that divides every term."""
    monomials = [dict(monomial) for monomial in terms]
    shared = {
        atom: power
        for atom, power in monomials[0].items()
        if all(other.get(atom, 0) == power for other in monomials[1:])
    }
    coefficients = list(terms.values())
    sizes = {abs(c) for c in coefficients}
    sign = -1.0 if all(c < 0 for c in coefficients) else 1.0
    if all(c == int(c) for c in coefficients if abs(c) < 1e9) and max(sizes) < 1e9:
        return tuple(sorted(shared.items())), sign * gcd(*(int(c) for c in sizes))
    return tuple(sorted(shared.items())), sign * (sizes.pop() if len(sizes) == 1 else 1.0)


@dataclass(frozen=True)
class _Text:
    names: Names

    def sum(self, terms: Terms) -> str:
        shown = sorted(terms.items())
        more = ""
        if len(shown) > _MOST_SHOWN:
            shown, more = shown[: _MOST_SHOWN - 4], f" + … ({len(terms)} terms)"
        text = ""
        for monomial, coefficient in shown:
            piece = self.monomial(monomial, abs(coefficient))
            sign = "-" if coefficient < 0 else "+"
            text += f" {sign} {piece}" if text else f"-{piece}" if coefficient < 0 else piece
        return text + more

    def monomial(self, monomial: Monomial, coefficient: float) -> str:
        elements = [factor for factor in monomial if factor[0][0] == "element"]
        others = [factor for factor in monomial if factor[0][0] != "element"]
        pieces = [self.factor(*factor) for factor in (*elements, *others)]
        if coefficient != 1 or not pieces:
            pieces.insert(len(elements) if others else 0, short(coefficient))
        return "·".join(pieces)

    def factor(self, atom: Atom, power: int) -> str:
        text = self.atom(atom)
        return text if power == 1 else f"{text}^{power}" if power > 0 else f"{text}^({power})"

    def atom(self, atom: Atom) -> str:
        kind, name, rest = atom
        if isinstance(rest, int):
            return self.names.element(name, rest, self.names.shape(name))
        assert isinstance(rest, tuple)
        if kind == "sum":
            return f"({self.sum(dict(rest))})"
        return f"{name}({', '.join(self.sum(dict(argument)) or '0' for argument in rest)})"
