"""What a person may have done who predicts a number and gets another one: simple slips, in words."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_NUMBER = re.compile(r"[-−+]?(?:\d+\.?(?P<decimals>\d*)|\.(?P<only>\d+))(?:[eE](?P<exponent>[+-]?\d+))?")
_CLOSE = 1e-6
_COARSEST = 0.05
"""A number that was typed with few digits may be off by this part at most."""
_LARGEST_FACTOR = 12


@dataclass(frozen=True)
class Typed:
    """A number as it was typed, and by how much it may be off: half of its last digit."""

    value: float
    tolerance: float

    def is_(self, other: float) -> bool:
        """Whether a number is this one, to the digits typed."""
        if math.isnan(other) or math.isinf(other):
            return bool(np.array_equal(self.value, other, equal_nan=True))
        most = max(_CLOSE * abs(other), min(self.tolerance, _COARSEST * abs(other)))
        return abs(other - self.value) <= most

    def any_of(self, others: Floats) -> int | None:
        """The first of many numbers that is this one."""
        with np.errstate(all="ignore"):
            size = np.abs(others)
            most = np.maximum(_CLOSE * size, np.minimum(self.tolerance, _COARSEST * size))
            hits = np.flatnonzero(np.abs(others - self.value) <= most)
        return int(hits[0]) if len(hits) else None


def typed(text: str, value: float) -> Typed:
    """What was typed, with its value: an expression stands for all its digits."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return Typed(value, 0.0)
    decimals = len(match["decimals"] or match["only"] or "") - int(match["exponent"] or 0)
    return Typed(value, 0.5 * 10.0**-decimals)


@dataclass(frozen=True)
class Asked:
    """A number to be predicted. `what` it is ("this product"), `truth`, and what may be taken for it.

    `factors` are the numbers that a product is made of, `terms` those that a sum is made of, each with a name for
    one; `others` are further numbers with what they are.
    """

    name: str
    what: str
    truth: float
    factors: tuple[tuple[str, float], ...] = ()
    terms: Floats | None = None
    others: tuple[tuple[str, float], ...] = ()


def slip(asked: Asked, answer: Typed) -> str | None:
    """What was done for a wrong answer, as a sentence; None where that is not plain to see."""
    if answer.is_(-asked.truth):
        return "the sign is the opposite of the right one"
    for what, number in asked.others:
        if answer.is_(number):
            return f"that is {what}, not {asked.what}"
    return _of_factors(asked, answer) or _of_terms(asked, answer)


def difference(truth: float, answer: Typed) -> str:
    """How a number differs where nobody knows why, without giving the right one away: by a factor, sign, size."""
    size = _size(truth, answer)
    return f"off by a constant factor; {size}" if _is_multiple(truth, answer) else size


def _of_factors(asked: Asked, answer: Typed) -> str | None:
    for name, number in asked.factors:
        if answer.is_(number):
            missing = " and ".join(other for other, _ in asked.factors if other != name)
            return f"that is {name} alone: {missing} is missing"
    if len(asked.factors) == 2:
        first, second = (number for _, number in asked.factors)
        if answer.is_(first + second):
            return "the two were added; right is to multiply them"
        if answer.is_(first - second) or answer.is_(second - first):
            return "the one was taken from the other; right is to multiply them"
        if (second and answer.is_(first / second)) or (first and answer.is_(second / first)):
            return "the one was divided by the other; right is to multiply them"
    return None


def _of_terms(asked: Asked, answer: Typed) -> str | None:
    terms = asked.terms
    if terms is None or len(terms) < 2:
        return None
    with np.errstate(all="ignore"):
        sums = np.add.accumulate(terms)
        real = np.where(terms != 0, terms, np.nan)
        for text, numbers in (
            ("term {k} of {n} is missing", asked.truth - real),
            ("term {k} of {n} has the opposite sign", asked.truth - 2 * real),
            ("term {k} of {n} is in it twice", asked.truth + real),
            ("that is term {k} of {n} alone", real),
            ("that is the sum of the first {k} of {n} terms", sums[:-1]),
        ):
            k = answer.any_of(numbers)
            if k is not None:
                return text.format(k=k + 1, n=len(terms))
        if answer.is_(float(np.abs(terms).sum())):
            return "all terms were added as though they were positive"
        if answer.is_(asked.truth / len(terms)):
            return "that is the mean of the terms; right is their sum"
    return None


def _is_multiple(truth: float, answer: Typed) -> bool:
    """Right but for a small whole factor or its reciprocal."""
    if not truth or not math.isfinite(truth) or not answer.value:
        return False
    ratio = Fraction(answer.value / truth).limit_denominator(_LARGEST_FACTOR)
    plain = abs(ratio.numerator) <= _LARGEST_FACTOR and 1 in (abs(ratio.numerator), ratio.denominator)
    return plain and ratio not in (0, 1) and answer.is_(float(ratio) * truth)


def _size(truth: float, answer: Typed) -> str:
    if not math.isfinite(truth):
        return "it is no finite number"
    if truth and answer.value and (truth < 0) != (answer.value < 0):
        return "the sign is another one, and the size too"
    return f"it is too {'large' if abs(answer.value) > abs(truth) else 'small'} in size"
