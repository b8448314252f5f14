"""Derivatives that someone worked out by hand, held against the true ones: right or wrong, where, and why."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from convstep.engine.recording import Iteration, Recording
from convstep.engine.state import split_name, tensor_of
from convstep.engine.trace import element_name, plain
from convstep.engine.work import QUIET, Work
from convstep.errors import ConvstepError
from convstep.explain.claims.claim_terms import difference, factored
from convstep.explain.claims.expansion import Expansion
from convstep.explain.claims.polynomial import Polynomial, TooManyTerms, number_of
from convstep.explain.claims.proof import proof
from convstep.explain.claims.trials import Trials
from convstep.explain.language.evaluation import Read, evaluate
from convstep.explain.language.language import parse
from convstep.explain.language.nodes import Node, references
from convstep.explain.mistakes import mistakes_of_element
from convstep.explain.mistakes.closeness import largest
from convstep.explain.mistakes.mistake import Mistake
from convstep.explain.naming import Names
from convstep.explain.numbers import short
from convstep.network.graph import Claim

Floats = npt.NDArray[np.float64]

_LEAST_DECIMALS = 3
_ALWAYS = "equal always"


class ClaimError(ConvstepError):
    """A claim that cannot be judged: which one, from 0, and whether its `of` or its `is` (`key`) is at fault."""

    def __init__(self, number: int, key: str, message: str) -> None:
        super().__init__(message)
        self.number, self.key = number, key


@dataclass(frozen=True)
class Verdict:
    """The verdict on one claim. `wrong` is the flat index of the first wrong element, None where all are right.

    `right` says which elements are right, flat; `why` are the reasons, a sentence each; `of` is named as the person
    does, `name` as in traces.
    """

    claim: Any
    of: str
    name: str
    claimed: Floats
    truth: Floats
    wrong: int | None
    right: npt.NDArray[np.bool_]
    why: tuple[str, ...]
    mistakes: tuple[Mistake, ...]

    @property
    def ok(self) -> bool:
        return self.wrong is None

    @property
    def always(self) -> bool:
        """Whether it is right for all numbers, not for these alone."""
        return self.ok and self.why[0].startswith(_ALWAYS)

    def line(self) -> dict[str, Any]:
        """The verdict as contract §3 has it."""
        return {
            "claim": _as_given(self.claim),
            "of": self.name,
            "claimed": _plain(self.claimed),
            "truth": _plain(self.truth),
            "ok": self.ok,
            "why": "; ".join(self.why),
            "mistakes": [mistake.as_json() for mistake in self.mistakes],
        }


def _as_given(claim: Any) -> Any:
    """A claim as it was written, fit for JSON."""
    if isinstance(claim, list):
        return [_as_given(part) for part in claim]
    return plain(claim) if isinstance(claim, float) else claim


def _plain(tensor: Floats) -> Any:
    if tensor.shape == ():
        return plain(float(tensor))
    return [_plain(row) for row in tensor]


def judge(recording: Recording, done: Callable[[int], None] | None = None) -> list[Verdict]:
    """A verdict for each claim of the network, in iteration 0; `done` is told each number.

    Raises ClaimError, before anything is run where an expression cannot be read.
    """
    names, verdicts = Names(recording.graph), list[Verdict]()
    for number, claim in enumerate(recording.graph.claims):
        _parsed(names, claim, number)
    judge = Judge(recording)
    for number, claim in enumerate(recording.graph.claims):
        verdicts.append(judge.verdict(claim, number))
        if done:
            done(number)
    return verdicts


def _parsed(names: Names, claim: Claim, number: int) -> Node | None:
    """The expression of a claim; None of numbers. Raises ClaimError where it cannot be read."""
    try:
        return parse(claim.text, names) if isinstance(claim.text, str) else None
    except ConvstepError as error:
        raise ClaimError(number, "is", f"{error}") from None


class Judge:
    """Judges claims about the gradients of iteration 0; the runs with other numbers are made once, when needed."""

    def __init__(self, recording: Recording) -> None:
        self.recording, self.graph = recording, recording.graph
        self.iteration = recording.iteration(0)
        self.names = Names(self.graph)
        self.trials = Trials(recording)
        self.largest = max((largest(gradient) for gradient in self.iteration.grads.values()), default=0.0)

    def verdict(self, claim: Claim, number: int = 0, token: Work = QUIET) -> Verdict:
        """The verdict on a claim, `number` in the file. Raises ClaimError where it cannot be judged, Cancelled."""
        index = "" if claim.index is None else f"[{','.join(map(str, claim.index))}]"
        tensor, flat = self.names.parse(claim.of + index)
        if tensor not in self.iteration.grads:
            raise ClaimError(number, "of", f"there is no gradient of {claim.of}: the loss does not depend on it")
        node = _parsed(self.names, claim, number)
        try:
            value = np.asarray(claim.text, dtype=np.float64) if node is None else evaluate(node, reader(self.iteration))
            if node is not None and not references(node):
                node = None  # a number all the same
        except ConvstepError as error:
            raise ClaimError(number, "is", f"{error}") from None
        return _Claim(self, claim.text, tensor, flat, node, value).verdict(token)


def reader(iteration: Iteration) -> Read:
    """What expressions read an iteration with: `o1`, `grad(o1)`, `new(o1.weight)`."""
    return partial(tensor_of, iteration)


class _Claim:
    """One claim with its value, `claimed`, as it was written."""

    def __init__(self, judge: Judge, text: Any, tensor: str, flat: int | None, node: Node | None, claimed: Floats):
        self.judge, self.text, self.tensor, self.flat, self.node = judge, text, tensor, flat, node
        self.claimed = claimed
        self.gradient = self.truth_in(judge.iteration)

    def truth_in(self, run: Iteration) -> Floats:
        gradient = run.grads[self.tensor].astype(np.float64)
        return gradient if self.flat is None else gradient.reshape(-1)[self.flat]

    @property
    def index(self) -> list[int]:
        """The flat indices that the claim is about."""
        return list(range(self.gradient.size)) if self.flat is None else [self.flat]

    def verdict(self, token: Work = QUIET) -> Verdict:
        if _squeezed(self.claimed.shape) != _squeezed(self.gradient.shape):
            return self._say(np.zeros(len(self.index), bool), [self._misshapen()], [])
        right = self._right(self.claimed, self.gradient, self.node is None)
        wrong = np.flatnonzero(~right)
        if not len(wrong):
            return self._say(right, [self._how_right()], [])
        reasons = [self._numbers(wrong), *self._terms(int(wrong[0]))]
        mistakes = self._mistakes(token)
        reasons += [mistake.sentence() for mistake in mistakes]
        return self._say(right, reasons, mistakes)

    def _say(self, right: npt.NDArray[np.bool_], why: list[str], mistakes: list[Mistake]) -> Verdict:
        shape = self.judge.iteration.values[self.tensor].shape
        name = self.tensor if self.flat is None else element_name(self.tensor, self.flat, shape)
        of = f"grad({self.tensor})"
        of = self.judge.names.tensor(of) if self.flat is None else self.judge.names.element(of, self.flat, shape)
        wrong = None if right.all() else self.index[int(np.argmin(right))]
        return Verdict(self.text, of, name, self.claimed, self.gradient, wrong, right, tuple(why), tuple(mistakes))

    def _misshapen(self) -> str:
        sizes = ["×".join(map(str, shape)) or "one number" for shape in (self.claimed.shape, self.gradient.shape)]
        hint = "; an index says which element is meant" if self.claimed.size == 1 else ""
        return f"the claim has the size {sizes[0]}, the gradient {sizes[1]}{hint}"

    def _right(self, claimed: Floats, truth: Floats, rounded: bool = False) -> npt.NDArray[np.bool_]:
        """Which elements are right, flat. Numbers may be rounded to the decimals that were written."""
        claimed, truth = claimed.reshape(-1), truth.reshape(-1)
        precision = 1e-9 if self.judge.graph.dtype == np.float64 else 1e-5
        tolerance = precision * np.maximum(np.abs(truth), np.max(np.abs(truth), initial=1e-300) * 1e-3)
        # What is left where larger numbers cancel is no difference.
        tolerance = np.maximum(tolerance, 512 * float(np.finfo(self.judge.graph.dtype).eps) * self.judge.largest)
        if rounded:
            tolerance = np.maximum(tolerance, [_half_unit(float(value)) for value in claimed])
        same = (claimed == truth) | (np.isnan(claimed) & np.isnan(truth))
        right: npt.NDArray[np.bool_] = same | (np.abs(claimed - truth) <= tolerance)
        return right

    # -- right

    def _how_right(self) -> str:
        far = self._on(self.judge.trials.far)
        if self.node is None and not self._right(self.claimed, self.gradient).all():
            return "equal for these numbers, to the decimals that were written"
        if not self._right_in(far):
            if self.node is None:
                return "equal for these numbers"
            if self._right_in(self._on(self.judge.trials.near) or far):
                return "equal for these numbers and those near them: with others a maximum or a kink goes another way"
            return "equal for these numbers only: with others it is not"
        how = proof(self.judge.recording, self.node, self.tensor, self.index) if self.node and far else ""
        if how:
            return f"{_ALWAYS}: {how}"
        return f"equal for these numbers{f', and for {len(far)} other sets of them' if far else ''}"

    def _right_in(self, runs: list[tuple[Recording, Floats]]) -> bool:
        """Whether what is claimed with other numbers is right there."""
        return all(
            self._right(claimed, self.truth_in(run.iteration(0)), self.node is None).all() for run, claimed in runs
        )

    def _on(self, runs: list[Recording]) -> list[tuple[Recording, Floats]]:
        """What is claimed with other numbers; none where they lead to a division by 0 or the like."""
        if self.node is None:
            return [(run, self.claimed) for run in runs]
        try:
            return [(run, evaluate(self.node, reader(run.iteration(0)))) for run in runs]
        except ConvstepError:
            return []

    # -- wrong

    def _numbers(self, wrong: npt.NDArray[np.intp]) -> str:
        k = int(wrong[0])
        claimed, truth = float(self.claimed.reshape(-1)[k]), float(self.gradient.reshape(-1)[k])
        apart = f"{short(claimed)} is claimed, {short(truth)} is right, the difference is {short(claimed - truth)}"
        if len(self.index) == 1:
            return apart
        of = self.judge.names.element(f"grad({self.tensor})", self.index[k], self.gradient.shape)
        some = f"{len(wrong)} of {len(self.index)} elements {'is' if len(wrong) == 1 else 'are'} wrong"
        return f"{some}; at {of} {apart}"

    def _terms(self, k: int) -> list[str]:
        """The terms that are too many and those that are missing in the k-th element."""
        if self.node is None:
            return []
        used = frozenset(key for key in references(self.node) if split_name(key)[0] == "grad")
        expansion = Expansion(self.judge.recording, used)
        try:
            truth = expansion.gradient(self.tensor, self.index[k])  # before the claim: it says what stays together
            apart = difference(expansion.typed(self.node).reshape(-1)[k], truth)
        except TooManyTerms:
            return []
        if expansion.has_constants:
            return []
        sides = ((apart.extra, "too many"), (apart.missing, "missing"))
        return [self._side(terms, what) for terms, what in sides if terms.terms]

    def _side(self, terms: Polynomial, what: str) -> str:
        read = reader(self.judge.iteration)
        together = number_of(terms, lambda key, index: float(read(key).reshape(-1)[index]))
        count = len(terms.terms)
        some = f"{count} terms are" if count > 1 else "1 term is"
        number = "" if math.isnan(together) else f" = {short(together)}"
        return f"{some} {what}: {factored(terms, self.judge.names)}{number}"

    def _mistakes(self, token: Work) -> list[Mistake]:
        """The mistakes that reproduce the claim. An expression's are tried nearby, too: chance has no say."""
        evidence = [(self.judge.recording, self.claimed)]
        if self.node is not None:
            evidence += self._on(self.judge.trials.near)
        found = [mistakes_of_element(run, self.tensor, self.flat, claimed, token) for run, claimed in evidence]
        return [mistake for mistake in found[-1] if all(_has(mistake, others) for others in found)]


def _has(mistake: Mistake, others: list[Mistake]) -> bool:
    """Whether a mistake is among others, wherever it was made."""
    return any(
        other.code == mistake.code and math.isclose(other.factor or 1.0, mistake.factor or 1.0, rel_tol=1e-6)
        for other in others
    )


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _half_unit(value: float) -> float:
    """Half a unit in the last decimal of a number that was written with three or more, or with two such as 0.58."""
    digits = repr(value)
    decimals = len(digits.partition(".")[2]) if "e" not in digits else 0
    is_rounded = decimals >= _LEAST_DECIMALS or (decimals == _LEAST_DECIMALS - 1 and abs(value) >= 0.1)
    return 0.5 * 10.0**-decimals * (1 + 1e-9) if is_rounded else 0.0
