"""Which elements' running sums might make a condition hold, found without adding most of them up.

What an element's sum may be is an interval, and so is what is calculated from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convstep.debugger.stops.truth import Bools, Truth
from convstep.engine.recording import Iteration
from convstep.engine.sums import Floats
from convstep.engine.timeline import Step
from convstep.explain.language.kinds import uses
from convstep.explain.language.nodes import Apply, Chain, Compare, Here, Logic, Negative, Node, Not, Test
from convstep.ops.base import IntArray
from convstep.ops.bounded import Bounded
from convstep.ops.products import ProductSum

_SLACK = 1e-9
"""What rounding in float64 may add to an interval, relative to its ends."""
_FEW = 2**22
"""So many terms are rather added up than looked at closely."""


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, each of them one number or one for each element."""

    low: Floats
    high: Floats


@dataclass(frozen=True)
class Can:
    """Of each element, whether a condition can hold somewhere within it, and whether it can fail to."""

    hold: Bools
    fail: Bools


def candidates(truth: Truth, k: int, elements: IntArray, whole: bool) -> IntArray:
    """Those of some elements of operation `k` within which a condition on the running sum may hold.

    `whole`: only the whole sum of each counts.
    """
    step, iteration = truth.clock.timeline.steps[k], truth.clock.iteration(truth.iteration)
    operation = None if step.node is None else step.node.op
    if len(elements) < 2 or not isinstance(operation, Bounded):
        return elements
    question = _Question(truth, truth.windows(*truth.clock.span(k)))
    call, upstream = iteration.calls[step.layer], iteration.grads.get(step.layer, np.zeros(0))
    terms = step.terms["gather"]
    if isinstance(operation, ProductSum):
        # What no sum of the whole operation can reach is seen from its largest factors.
        with np.errstate(all="ignore"):
            if not question.within(terms * operation.largest_product(call, step.slot, upstream)):
                return elements[:0]
    bound = operation.reach(call, step.slot, upstream)
    if bound is None:
        return elements
    truth.clock.check()
    precision = np.finfo(bound.dtype)
    rate = 4 * terms * float(precision.eps)
    if not question.within(float(bound.max()) * (1 + rate)):
        return elements[:0]
    most = bound.reshape(-1).astype(np.float64)
    rounding = most * rate + float(precision.tiny)
    low, high = -most - rounding, most + rounding
    sums = _whole_sums(iteration, k, step)
    if sums is not None and whole:
        low, high = sums - rounding, sums + rounding
    elif sums is not None:
        # It goes up by its positive products, and down by its negative ones.
        low, high = (sums - most) / 2 - rounding, (sums + most) / 2 + rounding
    left = elements[question.may_hold(low[elements], high[elements])]
    if whole or sums is None or len(left) * terms < _FEW:
        return left
    closer = operation.extents(call, step.slot, upstream)
    truth.clock.check()
    if closer is None:
        return left
    low = np.maximum(low, np.minimum(closer[0].reshape(-1), sums) - rounding)
    high = np.minimum(high, np.maximum(closer[1].reshape(-1), sums) + rounding)
    return left[question.may_hold(low[left], high[left])]


def _whole_sums(iteration: Iteration, k: int, step: Step) -> Floats | None:
    """The whole sum of each element, to within rounding, as it was recorded."""
    if step.is_backward:
        return iteration.given[k].reshape(-1).astype(np.float64)
    if step.node is not None and isinstance(step.node.op, ProductSum):
        return iteration.values[step.layer].reshape(-1).astype(np.float64)
    return None


@dataclass(frozen=True)
class _Question:
    """A condition in one operation; `windows` are the times there at which it might hold."""

    truth: Truth
    windows: list[range]

    def within(self, bound: float) -> bool:
        """Whether it may hold with a sum of at most this magnitude."""
        bound = bound * (1 + _SLACK)
        return bool(self.may_hold(np.array([-bound]), np.array([bound]))[0])

    def may_hold(self, low: Floats, high: Floats) -> Bools:
        """Whether it may hold with a sum from `low` to `high`, (m,)."""
        wild = ~(np.isfinite(low) & np.isfinite(high))
        sums = Interval(np.where(wild, -np.inf, low), np.where(wild, np.inf, high))
        with np.errstate(all="ignore"):
            return self._can(self.truth.node, sums, wild).hold

    def _can(self, node: Node, sums: Interval, wild: Bools) -> Can:
        everywhere = np.ones(wild.shape, bool)
        match node:
            case Logic(_, word, parts):
                each = [self._can(part, sums, wild) for part in parts]
                every, some = (np.logical_and.reduce, np.logical_or.reduce)
                if word == "or":
                    every, some = some, every
                return Can(every([can.hold for can in each]), some([can.fail for can in each]))
            case Not(_, of):
                can = self._can(of, sums, wild)
                return Can(can.fail, can.hold)
            case _ if not uses(node, "sum"):
                holds, fails = self.truth.sometimes(node, self.windows)
                return Can(everywhere & holds, everywhere & fails)
            case Test(_, function, of):
                inner = _interval(self.truth, of, sums)
                if inner is not None:
                    strange = wild | ~(np.isfinite(inner.low) & np.isfinite(inner.high))
                    return Can(everywhere, strange) if function == "isfinite" else Can(strange, everywhere)
            case Compare(_, sign, left, right):
                one, two = _interval(self.truth, left, sums), _interval(self.truth, right, sums)
                if one is not None and two is not None:
                    can = _compared(sign, one, two)
                    return Can(can.hold | wild, can.fail | wild)
        return Can(everywhere, everywhere)


def _compared(sign: str, one: Interval, two: Interval) -> Can:
    match sign:
        case "<" | "<=":
            return _compared(sign.replace("<", ">"), two, one)
        case ">":
            return Can(one.high > two.low, one.low <= two.high)
        case ">=":
            return Can(one.high >= two.low, one.low < two.high)
    meet = (one.low <= two.high) & (two.low <= one.high)
    everything = np.ones(meet.shape, bool)
    return Can(meet, everything) if sign == "==" else Can(everything, meet)


def _interval(truth: Truth, node: Node, sums: Interval) -> Interval | None:
    """What a number may be; None where that is not known."""
    if not uses(node, "sum"):
        if uses(node, "position"):
            return None
        number = np.array(truth.number(node))
        return Interval(number, number) if np.isfinite(number) else None
    match node:
        case Here():
            return sums
        case Negative(_, of):
            inner = _interval(truth, of, sums)
            return inner and Interval(-inner.high, -inner.low)
        case Apply(_, "abs", (of,)):
            inner = _interval(truth, of, sums)
            if inner is None:
                return None
            low = np.maximum(0.0, np.maximum(inner.low, -inner.high))
            return Interval(low, np.maximum(inner.high, -inner.low))
        case Chain(_, first, rest):
            total = _interval(truth, first, sums)
            for sign, operand in rest:
                other = _interval(truth, operand, sums)
                total = None if total is None or other is None else _combined(sign, total, other)
            return total
    return None


def _combined(sign: str, one: Interval, two: Interval) -> Interval | None:
    if sign == "-":
        return _combined("+", one, Interval(-two.high, -two.low))
    if sign == "/":
        if np.any((two.low <= 0) & (two.high >= 0)):
            return None
        two = Interval(1 / two.high, 1 / two.low)
    if sign == "+":
        low, high = one.low + two.low, one.high + two.high
    else:
        ends = [a * b for a in (one.low, one.high) for b in (two.low, two.high)]
        low, high = np.minimum.reduce(ends), np.maximum.reduce(ends)
    if np.isnan(low).any() or np.isnan(high).any():
        return None
    return Interval(low - _SLACK * np.abs(low), high + _SLACK * np.abs(high))
