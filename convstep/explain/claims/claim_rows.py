"""A claim beside the sum that is right, term by term: what it has for each product, too much of it or too little."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from convstep.engine.recording import Recording
from convstep.engine.state import split_name
from convstep.engine.sums import collect
from convstep.engine.timeline import Step
from convstep.explain.claims.claim_terms import expanded
from convstep.explain.claims.expansion import Expansion
from convstep.explain.claims.polynomial import Atom, Monomial, Polynomial, TooManyTerms
from convstep.explain.language.nodes import Node, references
from convstep.ops.base import IntArray

_MOST_ROWS = 200
_SAME = 1e-9

Row = tuple[int, int]
"""A backward operation and a term's number within the element's sum."""


@dataclass(frozen=True)
class ClaimRow:
    """One term of the true sum, and what a claim has for it.

    `met` is the element that the differentiated one met there (None where there is none), `truth` the term,
    `yours` the claim's terms of this row, of which `extra` are too many; `missing` is what the claim lacks.
    """

    met: Atom | None
    truth: Polynomial
    yours: Polynomial
    extra: Polynomial
    missing: Polynomial

    @property
    def same(self) -> bool:
        return not (self.extra.terms or self.missing.terms)


@dataclass(frozen=True)
class ClaimRows:
    """A claim by the rows of the true sum. `loose` are its terms that belong to none of them."""

    rows: Mapping[Row, ClaimRow]
    loose: Polynomial
    count: int
    """How many terms the claim has when it is multiplied out."""

    @property
    def extra(self) -> list[Monomial]:
        """All terms that are too many."""
        return [m for part in (*(row.extra for row in self.rows.values()), self.loose) for m in part.terms]

    @property
    def first(self) -> Row | None:
        """The first row that differs; where only loose terms do, the first row of all."""
        differing = [at for at, row in self.rows.items() if not row.same]
        return min(differing, default=min(self.rows, default=None) if self.loose.terms else None)


def claim_rows(recording: Recording, node: Node, tensor: str, index: int, nth: int = 0) -> ClaimRows | None:
    """The rows of the gradient of element `index`, of which the `nth` number of the claimed expression speaks.

    None where the formulas are too long to be multiplied out.
    """
    symbols = frozenset(key for key in references(node) if split_name(key)[0] == "grad")
    expansion = Expansion(recording, symbols)
    try:
        truth: dict[Row, Polynomial] = {}
        for k in recording.timeline.writers(f"grad({tensor})"):
            terms = expansion.terms(recording.timeline.steps[k], index)
            truth.update({(k, term): polynomial for term, polynomial in terms.items()})
        if not truth or len(truth) > _MOST_ROWS:
            return None
        claimed = expansion.typed(node).reshape(-1)[nth]
        whole = _sum(truth.values())
        plain = expanded(claimed)
        if _apart(plain, expanded(whole)) < _apart(claimed, whole):
            claimed, truth = plain, {at: expanded(term) for at, term in truth.items()}
    except TooManyTerms:
        return None
    return _Sorting(claimed, truth, _met(recording, tensor, index)).rows()


def _sum(parts: Iterable[Polynomial]) -> Polynomial:
    total = Polynomial()
    for part in parts:
        total = total + part
    return total


def _apart(claimed: Polynomial, truth: Polynomial) -> int:
    """How many terms differ."""
    return sum(not _close(claimed.terms.get(m, 0.0), truth.terms.get(m, 0.0)) for m in {**claimed.terms, **truth.terms})


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= _SAME * max(abs(a), abs(b))


def _met(recording: Recording, tensor: str, index: int) -> Callable[[Row], Atom | None]:
    """The element that was met in each row."""
    steps: dict[int, tuple[Step, IntArray | None]] = {}

    def met(row: Row) -> Atom | None:
        k, term = row
        if k not in steps:
            step = recording.timeline.steps[k]
            steps[k] = step, collect(step, recording.iteration(0), np.array([index])).links.partner
        step, partner = steps[k]
        slot = None if step.node is None else step.node.op.partner_slot(step.slot)
        if step.node is None or slot is None or partner is None:
            return None
        return ("element", step.node.operands[slot], int(partner[0, term]))

    return met


@dataclass
class _Sorting:
    """The terms of a claim, sorted into the rows of the true sum."""

    claimed: Polynomial
    truth: Mapping[Row, Polynomial]
    met: Callable[[Row], Atom | None]
    yours: dict[Row, dict[Monomial, float]] = field(default_factory=dict)
    extra: dict[Row, dict[Monomial, float]] = field(default_factory=dict)
    missing: dict[Row, dict[Monomial, float]] = field(default_factory=dict)

    def rows(self) -> ClaimRows:
        total = _sum(self.truth.values()).terms
        for at, polynomial in self.truth.items():
            self.yours[at], self.extra[at], self.missing[at] = {}, {}, {}
            for monomial, right in polynomial.terms.items():
                if total.get(monomial):
                    self._put(at, monomial, right, self.claimed.terms.get(monomial, 0.0) * right / total[monomial])
        by_met = {self.met(at): at for at in sorted(self.truth, reverse=True)}
        loose: dict[Monomial, float] = {}
        for monomial, coefficient in self.claimed.terms.items():
            if total.get(monomial):
                continue
            places = [by_met[atom] for atom, _ in monomial if atom in by_met]
            if len(self.truth) == 1:
                places = list(self.truth)
            if len(places) == 1:
                self.yours[places[0]][monomial] = self.extra[places[0]][monomial] = coefficient
            else:
                loose[monomial] = coefficient
        rows = {
            at: ClaimRow(self.met(at), term, *(Polynomial(side[at]) for side in (self.yours, self.extra, self.missing)))
            for at, term in self.truth.items()
        }
        return ClaimRows(rows, Polynomial(loose), len(self.claimed.terms))

    def _put(self, at: Row, monomial: Monomial, right: float, given: float) -> None:
        """A term that belongs to the row: as it should be, with another coefficient, or not there at all."""
        if given:
            self.yours[at][monomial] = given
        if _close(given, right):
            return
        if given * right <= 0 or abs(given) > abs(right):
            self.extra[at].update({monomial: given - right if given * right > 0 else given} if given else {})
        if given * right <= 0 or abs(given) < abs(right):
            self.missing[at][monomial] = right - given if given * right > 0 else right
