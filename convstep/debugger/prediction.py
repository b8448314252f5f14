"""Predicting results: what the steps to come write is hidden until it is typed, or shown on request."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convstep.debugger.screen.masking import masked
from convstep.debugger.screen.view import View
from convstep.engine.state import State, Status
from convstep.engine.timeline import Step
from convstep.errors import ConvstepError
from convstep.explain.example import example
from convstep.explain.formula.formula import Formulas
from convstep.explain.language.evaluation import evaluate
from convstep.explain.language.language import parse
from convstep.explain.language.nodes import Node, references
from convstep.explain.naming import Names
from convstep.explain.numbers import short
from convstep.explain.slips import Asked, Typed, difference, slip, typed
from convstep.ops.base import Empty, Term
from convstep.ops.terms import empties

_HIDE = "hide"
_EXTRAS = "predict"
_MOST_SEARCHED = 100_000
"""Gradients of a larger network are not searched for mistakes while somebody waits."""

_ASKS = "Type the number; escape shows it."
_HIDES = "Escape shows it."


class Prediction:
    """Which results are hidden, in a session's `extras`; the steps up to the farthest one shown are known."""

    def __init__(self, extras: dict[str, Any], names: Names) -> None:
        self._extras, self._names = extras, names

    @property
    def mode(self) -> str:
        """`predict`, `hide`, or "" where nothing is hidden."""
        kept = self._extras.get(_EXTRAS)
        return str(kept.get("mode", "")) if isinstance(kept, dict) else ""

    def switch(self, mode: str, state: State) -> str:
        """The mode on, or off where it is on; what is on the screen stays."""
        if self.mode == mode:
            self._extras.pop(_EXTRAS, None)
            return "results are shown again"
        self._extras[_EXTRAS] = {"mode": mode}
        self.reveal(state)
        if mode == _HIDE:
            return "the results of the steps to come are hidden; escape shows one, P ends this"
        return "predict: each step not shown yet asks for its result; p ends this"

    def reveal(self, state: State) -> None:
        """The results of this step, and of all before it, are known."""
        self._extras[_EXTRAS]["known"] = _when(state)

    def hides(self, state: State) -> bool:
        """Whether the result of the present step is hidden."""
        if not self.mode or _asked_for(state) is None:
            return False
        known = self._extras[_EXTRAS].get("known")
        readable = isinstance(known, list) and len(known) == 4 and all(isinstance(k, int) for k in known)
        return not readable or _ordered(_when(state)) > _ordered(known)

    def over(self, view: View, state: State) -> View:
        """The view, with what is hidden as `?`."""
        if not self.hides(state):
            return view
        how = _HIDES if self.mode == _HIDE else _ASKS
        return masked(view, state, self.question(state), how)

    # -- answers

    def question(self, state: State) -> str:
        """What is asked: `grad(w1)[1], result of term 2`; of a whole tensor, its example."""
        asked = _asked_for(state)
        assert asked is not None
        key, index, term = asked
        name = self._names.element(key, index, self._names.shape(key))
        return name if term is None else f"{name}, result of term {term + 1}"

    def answer(self, state: State, text: str) -> str:
        """The result is shown if it was typed, or an expression for it. Raises ConvstepError with what was done."""
        asked = self._asked(state)
        node = parse(text, self._names)
        self._check(node, state)
        formulas = Formulas(state.recording, self._names, state.place.iteration)
        value = evaluate(node, formulas.tensor)
        answer = self._one(value, state, asked)
        given = typed(text, answer)
        if not given.is_(asked.truth):
            raise ConvstepError(f"{short(answer)} is not right: {self._why(state, asked, given)}")
        self.reveal(state)
        exact = math.isclose(answer, asked.truth, rel_tol=1e-9)
        digits = "" if exact else f" to the digits typed: {asked.truth!r}"
        return f"right{digits}; {asked.name} = {short(asked.truth)}"

    def _one(self, value: np.ndarray[Any, np.dtype[np.float64]], state: State, asked: Asked) -> float:
        """The number that was typed; of a whole tensor, for a whole operation, the element that is asked for."""
        step = state.step
        assert step is not None
        found = _asked_for(state)
        assert found is not None
        if value.size == 1:
            return float(value.reshape(-1)[0])
        if state.place.element is None and value.size == math.prod(step.shape):
            return float(value.reshape(-1)[found[1]])
        raise ConvstepError(f"{asked.name} is one number, not {value.size}")

    def _check(self, node: Node, state: State) -> None:
        """What is not known yet may not be named."""
        found = _asked_for(state)
        assert found is not None
        for key in references(node):
            if key == found[0]:
                raise ConvstepError(f"{self._names.tensor(key)} is what is asked")
            size = math.prod(self._names.shape(key))
            _, status = state.read(key, np.array([size - 1]))
            if status[0] == Status.BLANK:
                raise ConvstepError(f"{self._names.tensor(key)} is not written yet")

    def _why(self, state: State, asked: Asked, given: Typed) -> str:
        plain = slip(asked, given)
        if plain is not None:
            return plain
        step, (_, index, term) = state.step, _asked_for(state) or ("", 0, None)
        assert step is not None
        size = sum(gradient.size for gradient in state.iteration.grads.values())
        if term is None and step.is_backward and state.place.iteration == 0 and size <= _MOST_SEARCHED:
            from convstep.explain.mistakes import mistakes_of_element

            found = mistakes_of_element(state.recording, step.tensor, index, given.value)
            if found and found[0].code != "constant-factor":
                return found[0].sentence()
        return difference(asked.truth, given)

    def _asked(self, state: State) -> Asked:
        found, step = _asked_for(state), state.step
        assert found is not None and step is not None
        key, index, term = found
        name = self._names.element(key, index, self._names.shape(key))
        if term is not None:
            return _term_asked(state, self.question(state), term)
        return Asked(name, name, float(state.recorded(key).reshape(-1)[index]), terms=_products(state, step, index))


def _asked_for(state: State) -> tuple[str, int, int | None] | None:
    """The tensor, the element and the term whose result a step writes; None where it writes no single one."""
    step, place = state.step, state.place
    if step is None:
        return None
    key = f"new({step.tensor})" if step.phase == "update" else step.writes
    if place.element is None:
        return key, example(state, step), None
    if state.target is None:
        return None
    if place.term is None:
        return key, state.target, None
    empty = state.empty_terms
    if empty is not None and empty[place.term] != Empty.NO:
        return None
    at = state.column_term if step.is_backward else place.term
    return None if at is None else (key, state.target, at)


def _term_asked(state: State, name: str, term: int) -> Asked:
    """One term: a product, or what the operation does there."""
    if state.collected is not None:
        collected = state.collected
        factors = (
            ("the local derivative", float(collected.links.local[0, term])),
            ("the upstream gradient", float(collected.upstream[0, term])),
        )
        others = (("the sum so far", float(collected.sums[0, term])),) if term else ()
        return Asked(name, "this product", float(collected.products[0, term]), factors, others=others)
    assert state.terms is not None
    one = state.terms[term]
    words = ("the first factor", "the second factor") if _is_two(one) else ()
    read = tuple((word, r.value) for word, r in zip(words, one.reads, strict=True)) if words else ()
    others = (("the sum so far", one.sum),) if one.sum is not None and term else ()
    return Asked(name, "this result", one.result, read, others=others)


def _is_two(term: Term) -> bool:
    return term.is_product and len(term.reads) == 2


def _products(state: State, step: Step, index: int) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """What is added up to an element; None where that is no sum of products."""
    if step.is_backward:
        from convstep.engine.sums import collect

        collected = collect(step, state.iteration, np.array([index]))
        return np.asarray(collected.products[0][collected.links.met[0]])
    if step.node is None:
        return None
    terms = step.node.op.terms(state.iteration.calls[step.layer], index)
    if not terms[0].is_product:
        return None
    real = np.flatnonzero(empties(terms) == Empty.NO)
    return np.array([terms[int(k)].result for k in real])


def _when(state: State) -> list[int]:
    """A step as plain numbers; -1 for a coarser level, whose elements, or terms, are all there."""
    _, step, element, term = state.place
    return [state.place.iteration, step, -1 if element is None else element, -1 if term is None else term]


def _ordered(when: list[int]) -> tuple[float, ...]:
    return (when[0], when[1], *(math.inf if k < 0 else k for k in when[2:])) if when[1] >= 0 else (when[0], -1, -1, -1)
