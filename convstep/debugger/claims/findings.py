"""Everything that was held against the truth, as a list: claims, one's own gradients, the gradient check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convstep.debugger.claims.claim_view import as_written, mine_why, verdict_of, worked_out
from convstep.debugger.moves import Landing, Spot, Wording
from convstep.engine.timeline import Level, Place, Step
from convstep.errors import ConvstepError
from convstep.explain.numbers import scientific, short

if TYPE_CHECKING:
    from convstep.debugger.claims.claim_book import ClaimBook
    from convstep.debugger.claims.mine import Mine
    from convstep.debugger.session import Session
    from convstep.explain.difference import Compared
    from convstep.explain.gradcheck import GradientCheck

_MOST_FAILURES = 5


@dataclass(frozen=True)
class Finding:
    """One line of the list. `right` is None where nobody knows yet; `why` are sentences for who chooses it.

    `tensor` and flat `index` say where it leads; `claim` is a claim's number, `kept` one that can be let go of.
    """

    of: str
    said: str
    verdict: str
    right: bool | None
    why: tuple[str, ...]
    tensor: str
    index: int | None = None
    claim: int | None = None
    kept: bool = False
    failed: bool = False
    """Whether an element's terms are to be looked at from the first one on."""
    iteration: int = 0


@dataclass(frozen=True)
class Section:
    """A part of the list; `empty` stands there where nothing was found."""

    title: str
    findings: tuple[Finding, ...]
    empty: str = ""


def sections(session: Session, checks: Sequence[GradientCheck]) -> list[Section]:
    """The list as it is now."""
    book = session.claims
    claims = tuple(_claim(book, number) for number in range(len(book.entries)))
    parts = [Section("Claims", claims, "nobody has claimed anything yet: a tries a formula for an element")]
    mine = session.mine
    if mine is not None:
        gradients = mine.difference.gradients
        parts.append(Section(f"Yours: {mine.file}", tuple(_own(session, mine, one) for one in gradients)))
    checked = tuple(_check(session, check) for check in checks)
    parts.append(Section("Gradients against central differences", checked, "not checked yet: c checks every gradient"))
    return parts


def _claim(book: ClaimBook, number: int) -> Finding:
    entry, judged = book.entries[number], book.judged.get(number)
    names, shape = book.names, book.names.shape(entry.tensor)
    key = f"grad({entry.tensor})"
    of = names.tensor(key) if entry.index is None else names.element(key, entry.index, shape)
    text = as_written(entry.claim.text) or "numbers"
    if judged is None or judged.verdict is None:
        waiting = "being judged …" if judged is None else "? cannot be judged"
        why = () if judged is None else (judged.error,)
        return Finding(of, text, waiting, None, why, entry.tensor, entry.index, number, entry.kept)
    verdict = judged.verdict
    number_there = "" if entry.index is None else worked_out(judged, verdict, 0, "")
    said = f"{text}  {number_there}" if text != "numbers" else number_there or text
    marked = verdict_of(verdict, verdict.ok)
    at = entry.index if verdict.wrong is None else verdict.wrong
    return Finding(of, said, marked, verdict.ok, verdict.why, entry.tensor, at, number, entry.kept)


def _own(session: Session, mine: Mine, compared: Compared) -> Finding:
    names, of = session.names, f"grad({compared.tensor})"
    count, first = int(np.count_nonzero(compared.differs)), compared.first_wrong
    if compared.ok:
        said = f"all {compared.truth.size} right" if compared.truth.size > 1 else "right"
        return Finding(names.tensor(of), said, "✓", True, (), compared.tensor, iteration=mine.iteration)
    some = f"{count} of {compared.truth.size} differ, the largest error is {short(compared.max_abs_error)}"
    why = list(mine_why(compared, mine.explained))
    if first is not None:
        index, yours, right = first
        element = names.element(of, index, compared.truth.shape)
        why.insert(0, f"the first that differs: {element} is {short(yours)}, right is {short(right)}")
    mistake = compared.mistakes[0].code if compared.mistakes else "wrong"
    at = None if first is None else first[0]
    told = tuple(why)
    return Finding(names.tensor(of), some, f"✗ {mistake}", False, told, compared.tensor, at, iteration=mine.iteration)


def _check(session: Session, check: GradientCheck) -> Finding:
    names, of = session.names, f"grad({check.name})"
    said = f"largest error {scientific(check.max_abs_error)}" + (f"  ({check.note})" if check.note else "")
    why = [check.note] if check.note else []
    for failure in check.failures[:_MOST_FAILURES]:
        element = names.element(of, failure.index, check.shape)
        why.append(f"{element} is {short(failure.gradient)}, by differences {short(failure.difference)}")
    first = check.failures[0].index if check.failures else None
    verdict = "✓" if check.ok else f"✗ {len(check.failures)} wrong"
    return Finding(names.tensor(of), said, verdict, check.ok, tuple(why), check.name, first, failed=not check.ok)


def opened(session: Session, finding: Finding) -> Landing:
    """Where a finding is to be seen: the first differing term, else the element, else the tensor.

    Raises ConvstepError where no step writes the gradient.
    """
    timeline, key = session.recording.timeline, f"grad({finding.tensor})"
    writers = timeline.writers(key)
    if not writers:
        raise ConvstepError(f"no step writes {session.names.tensor(key)}: backward starts from it")
    session.claims.front = finding.claim
    if finding.index is None:
        whole = Place(finding.iteration, writers[-1])
        return Landing(Spot("op", session.spot.order, timeline.position(session.spot.order, whole)))
    place = Place(finding.iteration, writers[-1], finding.index)
    rows = None if finding.claim is None else session.claims.rows(finding.claim, finding.index)
    first = None if rows is None or finding.right else rows.first
    if first is not None:
        place = Place(0, first[0], finding.index, first[1])
    elif finding.failed:
        place = Place(0, writers[0], finding.index, 0)
    level: Level = "element" if place.term is None else "term"
    message = ""
    if rows is not None and first is not None:
        earlier = _made_earlier(session, finding, timeline.steps[place.step])
        message = _said_of(rows.rows[first].same, len(rows.rows) == 1, earlier)
    return Landing(Spot(level, "gather", timeline.position("gather", place)), message)


def _made_earlier(session: Session, finding: Finding, here: Step) -> str:
    """The gradient at which a claim went wrong, where that was in the backward pass before this step's layer; or ""."""
    judged = None if finding.claim is None else session.claims.judged.get(finding.claim)
    mistakes = () if judged is None or judged.verdict is None else judged.verdict.mistakes
    at = mistakes[0].at if mistakes else None
    if at is None or at == here.layer:
        return ""
    made = {node.name for node in session.graph.nodes}
    steps = session.recording.timeline.steps
    handed_on = (step.writes for step in steps if step.is_backward and step.layer == at and step.tensor in made)
    return next(map(session.names.tensor, handed_on), "")


def _said_of(same: bool, alone: bool, earlier: str) -> str:
    """Of the term at which a wrong claim is opened."""
    if same:
        return "each term is right; yours has others, which belong to none of them"
    if not alone:
        return "this is the first term that differs"
    only = "only this term adds to the sum, and yours differs"
    if not earlier:
        return only
    return Wording(
        f"{only}: {earlier} is where it went wrong (g {earlier})", f"yours went wrong at {earlier}: g {earlier}"
    )
