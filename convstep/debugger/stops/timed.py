"""Expressions over tensors that are being written: each number with the time at which it is known.

Everything is evaluated on whole, finished arrays, once an iteration. What holds at a position then follows from the
times alone, without going there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from convstep.debugger.stops.clock import ALWAYS, NEVER, Clock
from convstep.engine.state import tensor_of
from convstep.explain.language.evaluation import COMBINE, FUNCTIONS
from convstep.explain.language.kinds import REDUCTIONS
from convstep.explain.language.nodes import (
    Apply,
    Before,
    Chain,
    Compare,
    Constant,
    Here,
    Logic,
    Negative,
    Node,
    Not,
    Power,
    Quantified,
    Reference,
    Test,
    walk,
)
from convstep.ops.base import IntArray

SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_TESTS: dict[str, Callable[[Any], Any]] = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {**FUNCTIONS, "min": np.min, "mean": np.mean}
_OF_SEVERAL: dict[str, Callable[[Any, Any], Any]] = {"max": np.maximum, "min": np.minimum}


@dataclass(frozen=True)
class Timed:
    """Numbers or truths, and when each of them is known; the shapes broadcast to one another."""

    values: npt.NDArray[Any]
    known: IntArray


@dataclass(frozen=True)
class Known:
    """Whether something holds: from `yes` on it is known that it does, from `no` on that it does not."""

    yes: int
    no: int


def somewhere(truths: Timed) -> Known:
    """Whether any element holds."""
    values, known = np.broadcast_arrays(truths.values, truths.known)
    if values.any():
        return Known(int(known[values].min()), NEVER)
    return Known(NEVER, int(known.max(initial=ALWAYS)))


def everywhere(truths: Timed) -> Known:
    """Whether all elements hold."""
    opposite = somewhere(Timed(~truths.values, truths.known))
    return Known(opposite.no, opposite.yes)


class Evaluation:
    """The numbers of one iteration, at the times of a clock.

    With `updated`, parameters are what they become at the end of it.
    """

    def __init__(self, clock: Clock, iteration: int, updated: bool = False) -> None:
        self.clock, self.index = clock, iteration
        steps = clock.timeline.steps
        self._updated = {step.tensor for step in steps if step.phase == "update"} if updated else set()
        self._earlier: dict[Before, Timed] = {}

    def timed(self, node: Node, here: Mapping[str, Timed] | None = None) -> Timed:
        """The value of a node, element by element; of a condition, where it holds.

        `here` gives the numbers for `position` and `sum`.
        """
        with np.errstate(all="ignore"):
            # Earlier iterations first: this one may push them out of memory, and they it.
            for each in walk(node):
                if isinstance(each, Before) and each not in self._earlier:
                    self._earlier[each] = self._before(each.of)
            return self._timed(node, here or {})

    def forget(self) -> None:
        """Let go of the numbers of earlier iterations."""
        self._earlier = {}

    def _timed(self, node: Node, here: Mapping[str, Timed]) -> Timed:
        match node:
            case Constant(_, value):
                return Timed(np.array(value), np.array(ALWAYS))
            case Here(_, "iteration"):
                return Timed(np.array(float(self.index)), np.array(ALWAYS))
            case Here(_, word):
                return here[word]
            case Reference():
                return self._read(node)
            case Before():
                return self._earlier[node]
            case Chain(_, first, rest):
                total = self._timed(first, here)
                for sign, operand in rest:
                    total = _both(COMBINE[sign], total, self._timed(operand, here))
                return total
            case Power(_, base, exponent):
                return _both(np.power, self._timed(base, here), self._timed(exponent, here))
            case Negative(_, of):
                inner = self._timed(of, here)
                return Timed(np.negative(inner.values), inner.known)
            case Apply(_, function, arguments):
                return _applied(function, [self._timed(argument, here) for argument in arguments])
            case Compare(_, sign, left, right):
                return _both(SIGNS[sign], self._timed(left, here), self._timed(right, here))
            case Test(_, function, of):
                inner = self._timed(of, here)
                return Timed(_TESTS[function](inner.values), inner.known)
            case Not(_, of):
                inner = self._timed(of, here)
                return Timed(~inner.values, inner.known)
            case Logic(_, word, inside):
                return _joined(word, [self._timed(part, here) for part in inside])
            case Quantified(_, word, of):
                known = (somewhere if word == "any" else everywhere)(self._timed(of, here))
                return Timed(np.array(known.yes < NEVER), np.array(min(known.yes, known.no)))
            case _:
                raise AssertionError(f"{node} has no value of its own")

    def _read(self, node: Reference) -> Timed:
        key = f"new({node.key})" if node.key in self._updated else node.key
        known = self.clock.written(key, self.index)
        graph = self.clock.recording.graph
        losses = self.clock.recording.losses
        if graph.loss is not None and node.key == graph.loss.name and not graph.loss.op.output.shape:
            if self.index not in losses:
                self.clock.iteration(self.index)
            return Timed(np.array(losses[self.index]), known.reshape(()))
        tensor = tensor_of(self.clock.iteration(self.index), key)
        if node.index is not None:
            tensor = tensor.reshape(-1)[node.index]
            known = known.reshape(-1)[node.index] if known.ndim else known
        return Timed(np.asarray(tensor, dtype=np.float64), known)

    def _before(self, node: Node) -> Timed:
        """What a node was at the end of the iteration before; the first iteration never knows."""
        if self.index == 0:
            return Timed(np.array(np.nan), np.array(NEVER))
        earlier = Evaluation(self.clock, self.index - 1).timed(node)
        known = np.where(earlier.known < NEVER, ALWAYS, NEVER)
        return Timed(earlier.values, known)


def _both(function: Callable[[Any, Any], Any], left: Timed, right: Timed) -> Timed:
    return Timed(np.asarray(function(left.values, right.values)), np.maximum(left.known, right.known))


def _applied(function: str, arguments: list[Timed]) -> Timed:
    first, *rest = arguments
    if rest:
        for other in rest:
            first = _both(_OF_SEVERAL[function], first, other)
        return first
    values = first.values
    if function not in REDUCTIONS:
        return Timed(np.asarray(_FUNCTIONS[function](values)), first.known)
    if not values.size:
        return Timed(np.array(0.0 if function == "sum" else np.nan), np.array(ALWAYS))
    return Timed(np.asarray(_FUNCTIONS[function](values)), np.asarray(first.known.max(initial=ALWAYS)))


def _joined(word: str, joined: list[Timed]) -> Timed:
    """Element by element, as soon as it is known: one part that settles it is enough."""
    settles = word == "or"
    values = joined[0].values
    known = joined[0].known
    for other in joined[1:]:
        one, two = values == settles, other.values == settles
        early = np.minimum(np.where(one, known, NEVER), np.where(two, other.known, NEVER))
        known = np.where(one | two, early, np.maximum(known, other.known))
        values = one | two if settles else ~(one | two)
    return Timed(values, known)
