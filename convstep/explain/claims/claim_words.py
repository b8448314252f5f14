"""What is wrong with a claim, said of the step that one is at, and of the whole of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from convstep.explain.claims.claim_rows import ClaimRow, ClaimRows
from convstep.explain.claims.claim_terms import factored
from convstep.explain.claims.polynomial import Atom, Monomial, Polynomial, number_of
from convstep.explain.naming import Names
from convstep.explain.numbers import short

_FEW = 4
_LONGEST = 80
_COUNTED = {2: "both", 3: "all three", 4: "all four", 5: "all five", 6: "all six", 8: "all eight", 9: "all nine"}
_SPOKEN_AN = "aefhilmnorsx"
"""Letters that are read with a vowel first: an i, an x, but a w."""

Value = Callable[[str, int], float]
"""The number of an element: key and flat index."""


def of_row(row: ClaimRow, names: Names, value: Value) -> str:
    """One sentence about the term of a step: what the claim has for it."""
    if row.same:
        return f"In this step yours is right: {short(number_of(row.truth, value))}."
    if not row.missing.terms and (pairs := _pairs(row)) is not None:
        met, partner, others = pairs
        told = _all_of([partner, *others], names) or f"{_listed([names_of(o, names) for o in others])}, too"
        meeting = f"{names_of(met, names)} meets {names_of(partner, names)} alone"
        return f"In this step {meeting}; yours multiplies it with {told}."
    if (ratio := _ratio(row)) is not None:
        times = "has the opposite sign" if ratio == -1 else f"is {short(ratio)} times what is right"
        return f"In this step yours {times}."
    if not row.extra.terms:
        return f"In this step yours lacks {_told(row.missing, names, value)}."
    if not row.missing.terms:
        return f"In this step yours has too much: {_told(row.extra, names, value)}."
    return f"In this step yours has {_told(row.extra, names, value)} where {_told(row.missing, names, value)} is right."


def of_whole(rows: ClaimRows, names: Names) -> str:
    """One sentence about the terms that are too many, where they are pairs that never met, or belong nowhere."""
    return _never_met(rows, names) or _nowhere(rows)


def _nowhere(rows: ClaimRows) -> str:
    loose = len(rows.loose.terms)
    if not loose:
        return ""
    return f"{loose} of your {rows.count} terms {'belongs' if loose == 1 else 'belong'} to no product of this sum."


def _never_met(rows: ClaimRows, names: Names) -> str:
    extra = rows.extra
    if len(extra) < 2:
        return ""
    shared = _shared(extra)
    pairs = [_without(monomial, shared) for monomial in extra]
    kinds = {tuple(sorted(atom[1] for atom, _ in pair)) for pair in pairs}
    elements = all(atom[0] == "element" and power == 1 for pair in pairs for atom, power in pair)
    if len(kinds) != 1 or not elements:
        return ""
    [kind] = kinds
    if len(kind) != 2 or kind[0] == kind[1]:
        return ""
    first, second = (with_article(names.tensor(key)) for key in kind)
    return f"{len(extra)} of your {rows.count} products pair {first} and {second} that never met."


def names_of(atom: Atom, names: Names) -> str:
    """An element as the person writes it."""
    _, key, index = atom
    assert isinstance(index, int)
    return names.element(key, index, names.shape(key))


def _ratio(row: ClaimRow) -> float | None:
    """The one factor by which all that the claim has here differs from what is right."""
    right, yours = row.truth.terms, row.yours.terms
    if not right or set(right) != set(yours):
        return None
    ratios = {float(f"{yours[m] / right[m]:.9g}") for m in right}
    return ratios.pop() if len(ratios) == 1 else None


def _pairs(row: ClaimRow) -> tuple[Atom, Atom, list[Atom]] | None:
    """What was met, its true partner, and the wrong ones, where the extra terms are such pairs and nothing else."""
    if row.met is None or len(row.truth.terms) != 1:
        return None
    [right] = row.truth.terms
    shared = _shared([right, *row.extra.terms])
    if (row.met, 1) not in shared:
        return None
    rest = [_without(monomial, shared) for monomial in (right, *row.extra.terms)]
    if any(len(each) != 1 or each[0][0][0] != "element" or each[0][1] != 1 for each in rest):
        return None
    partner, *others = (each[0][0] for each in rest)
    return row.met, partner, others


def _shared(monomials: Sequence[Monomial]) -> Monomial:
    """The factors that all of them have, to the same power."""
    first, *others = (dict(monomial) for monomial in monomials)
    return tuple((atom, power) for atom, power in first.items() if all(o.get(atom) == power for o in others))


def _without(monomial: Monomial, shared: Monomial) -> Monomial:
    return tuple(factor for factor in monomial if factor not in shared)


def _all_of(atoms: list[Atom], names: Names) -> str:
    """`all four` where these are all elements of one tensor."""
    keys = {atom[1] for atom in atoms}
    if len(keys) != 1 or len(set(atoms)) != math.prod(names.shape(keys.pop())):
        return ""
    return _COUNTED.get(len(atoms), f"all {len(atoms)}")


def _told(terms: Polynomial, names: Names, value: Value) -> str:
    """`i[1]·w2[1]·2·(o2[1] - y[1]) = 12`; long ones are counted."""
    number = number_of(terms, value)
    text = factored(terms, names)
    if len(terms.terms) > _FEW or len(text) > _LONGEST:
        count = len(terms.terms)
        return f"{count} terms, together {short(number)}" if count > 1 else f"a term that comes to {short(number)}"
    return text if math.isnan(number) or text == short(number) else f"{text} = {short(number)}"


def _listed(texts: list[str]) -> str:
    if len(texts) > _FEW:
        return f"{len(texts)} others"
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def with_article(name: str) -> str:
    """`an i`, `a w2`."""
    is_word = len(name) > 1 and name[:2].isalpha()
    vowels = "aeiou" if is_word else _SPOKEN_AN
    return f"{'an' if name[:1].lower() in vowels else 'a'} {name}"
