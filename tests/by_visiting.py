"""What conditions mean, by going to every step and looking: slow, and with none of the arithmetic of the program."""

from __future__ import annotations

from typing import Any

import numpy as np

from convstep.engine.recording import Recording
from convstep.engine.state import State, Status
from convstep.engine.timeline import Place
from convstep.engine.trace import line
from convstep.explain.language import nodes
from convstep.explain.language.kinds import INSIDE

_OPERATORS = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power,
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip


class Visitor:
    """Evaluates a node at a state: values, and which of them are known, as arrays of the same shape."""

    def __init__(self, recording: Recording, order: str) -> None:
        self.recording, self.order, self.before = recording, order, False

    def holds(self, node: nodes.Node, state: State, position: int, sums: Any = "here") -> bool:
        """Whether it is known to hold; `sums` replaces the running sum (None: there is none) of a step before."""
        if state.step is None:
            return False
        self.before = not isinstance(sums, str)
        total = running_sum(state) if isinstance(sums, str) else sums
        with np.errstate(all="ignore"):
            value, known = self._truth(node, state, position, total)
        return bool(value and known)

    def _truth(self, node, state, position, total):
        """A condition outside of any and all: one value."""
        match node:
            case nodes.Not(_, of):
                value, known = self._truth(of, state, position, total)
                return not value, known
            case nodes.Logic(_, word, inside):
                told = [self._truth(part, state, position, total) for part in inside]
                if word == "and":
                    if any(known and not value for value, known in told):
                        return False, True
                    return True, all(known for _, known in told)
                if any(known and value for value, known in told):
                    return True, True
                return False, all(known for _, known in told)
        value, known = self._value(node, state, position, total)
        if (value & known).any():
            return True, True
        return False, bool(known.all())

    def _value(self, node, state, position, total):
        def inner(part):
            return self._value(part, state, position, total)

        match node:
            case nodes.Constant(_, value):
                return np.array(value), np.array(True)
            case nodes.Text(_, value):
                return np.array(value), np.array(True)
            case nodes.Here(_, word):
                return self._here(word, state, position, total)
            case nodes.Reference(_, key, index):
                return self._read(state, key, index)
            case nodes.Before(_, of):
                if state.place.iteration == 0:
                    return np.array(0.0), np.array(False)
                last = self.recording.timeline.count("op") * state.place.iteration - 1
                ended = State(self.recording, self.recording.timeline.place("op", self.order, last), self.order)
                return self._value(of, ended, last, None)
            case nodes.Chain(_, first, rest):
                value, known = inner(first)
                for sign, operand in rest:
                    other, also = inner(operand)
                    value, known = _OPERATORS[sign](value, other), known & also
                return value, np.broadcast_to(known, np.shape(value))
            case nodes.Power(_, base, exponent):
                (value, known), (other, also) = inner(base), inner(exponent)
                return np.power(value, other), known & also
            case nodes.Negative(_, of):
                value, known = inner(of)
                return -value, known
            case nodes.Compare(_, sign, left, right):
                (a, x), (b, y) = inner(left), inner(right)
                value = _OPERATORS[sign](a, b)
                return value, np.broadcast_to(x & y, np.shape(value))
            case nodes.Test(_, function, of):
                value, known = inner(of)
                return getattr(np, function)(value), known
            case nodes.Not(_, of):
                value, known = inner(of)
                return ~value, known
            case nodes.Logic(_, word, inside):
                told = [inner(part) for part in inside]
                values = np.broadcast_arrays(*(value for value, _ in told))
                knowns = np.broadcast_arrays(*(known for _, known in told))
                settling = [(v if word == "or" else ~v) & k for v, k in zip(values, knowns, strict=True)]
                settled = np.any(settling, axis=0)
                return settled if word == "or" else ~settled, settled | np.all(knowns, axis=0)
            case nodes.Quantified(_, word, of):
                value, known = inner(of)
                value, known = np.broadcast_arrays(value, known)
                settled = ((value if word == "any" else ~value) & known).any()
                return np.array(settled if word == "any" else not settled), np.array(settled or known.all())
            case nodes.Apply(_, function, arguments):
                return self._applied(function, [inner(a) for a in arguments])
        raise AssertionError(node)

    @staticmethod
    def _applied(function, arguments):
        value, known = arguments[0]
        if len(arguments) > 1:
            return np.maximum(value, arguments[1][0]), known & arguments[1][1]
        if function in ("sum", "max", "min", "mean"):
            return np.asarray(getattr(np, function)(value)), np.array(known.all())
        return {"abs": np.abs, "exp": np.exp, "tanh": np.tanh, "sqrt": np.sqrt, "log": np.log}[function](value), known

    def _here(self, word, state, position, total):
        if word == "sum":
            return np.array(0.0 if total is None else total), np.array(total is not None)
        if word.partition("[")[0] in INSIDE:
            number = None if self.before else inside_word(self.recording, state, position, word)
            return np.array(0.0 if number is None else number), np.array(number is not None)
        step = state.step
        values = {
            "iteration": state.place.iteration, "position": position, "level": state.place.level,
            "phase": step and step.phase, "layer": step and step.layer, "op": step and step.op,
        }  # fmt: skip
        return np.array(values[word]), np.array(True)

    @staticmethod
    def _read(state, key, index):
        shape = state.shape(key)
        at = np.arange(int(np.prod(shape))) if index is None else np.array([index])
        values, status = state.read(key, at)
        to = shape if index is None else ()
        return values.reshape(to), (status == Status.DONE).reshape(to)


def running_sum(state: State) -> float | None:
    """The sum of the present element after the present term, or the whole one on the level of elements."""
    if state.step is None or state.place.element is None:
        return None
    if state.step.is_backward:
        if state.collected is None:
            return None
        at = -1 if state.place.term is None else state.column_term
        return (
            None if at is None or (state.scatters and state.place.term is None) else float(state.collected.sums[0, at])
        )
    terms = state.terms
    if state.place.term is not None:
        return terms[state.place.term].sum
    return next((term.sum for term in reversed(list(terms)) if term.sum is not None), None)


def inside_word(recording: Recording, state: State, position: int, word: str) -> float | None:
    """What a trace's line says, but of a share that goes nowhere, and `value` at the step that finishes the element."""
    if state.place.element is None:
        return None
    told = line(position, state)
    if state.target is None:
        return None
    if word == "value":
        term = state.place.term
        earlier = state.place._replace(term=term - 1) if term and not state.scatters else None
        if not state.complete or (earlier and State(recording, earlier, state.order).complete):
            return None
        step = state.step
        name = f"new({step.tensor})" if step.phase == "update" else step.writes
        return float(state.read(name, np.array([state.target]))[0][0])
    if word.startswith("index"):
        if word == "index":
            return state.target + 1.0
        axis, index = int(word[6:-1]), told["index"]
        return float(index[axis]) if -len(index) <= axis < len(index) else None
    if word.startswith("factors"):
        factors = told.get("factors", [])
        return float(factors[int(word[8:-1])]["value"]) if int(word[8:-1]) < len(factors) else None
    found = None if "does" in told and word == "product" else told.get(word)
    found = found["value"] if isinstance(found, dict) else found
    return None if found is None else float(found)


def sum_before(recording: Recording, place: Place, order: str) -> float | None:
    """The same element's sum before the present term; None where this is its first."""
    state = State(recording, place, order)
    if state.step is None or place.term is None:
        return None
    if state.scatters:
        if state.column_term is None:
            return None
        given = state.collected.links.index[0, : state.column_term]
        real = np.flatnonzero(given >= 0)
        return float(state.collected.sums[0, real[-1]]) if len(real) else None
    return running_sum(State(recording, place._replace(term=place.term - 1), order)) if place.term else None


def becomes_true(recording: Recording, node: nodes.Node, level: str, order: str) -> list[int]:
    """Every position at which a condition holds and had not held one step before."""
    visitor = Visitor(recording, order)
    timeline = recording.timeline
    of_sums = any(isinstance(each, nodes.Here) and each.word == "sum" for each in nodes.walk(node))
    found = []
    for position in range(timeline.length(level, order)):
        place = timeline.place(level, order, position)
        if not visitor.holds(node, State(recording, place, order), position):
            continue
        before = State(recording, timeline.place(level, order, position - 1), order)
        earlier = sum_before(recording, place, order) if of_sums else None
        if not visitor.holds(node, before, position - 1, earlier):
            found.append(position)
    return found
