"""Whether a condition may hold when all that is known of the words in it are intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from convstep.debugger.stops.truth import Bools, Truth
from convstep.engine.sums import Floats
from convstep.explain.language.evaluation import FUNCTIONS
from convstep.explain.language.kinds import inside, uses
from convstep.explain.language.nodes import Apply, Chain, Compare, Here, Logic, Negative, Node, Not, Power, Test
from convstep.ops.base import Array

SLACK = 1e-9
"""What rounding in float64 may add to an interval, relative to its ends."""
_RISING = ("exp", "log", "sqrt", "tanh", "sigmoid", "relu")


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, each of them one number or one for each element."""

    low: Floats
    high: Floats

    @property
    def finite(self) -> Bools:
        return np.asarray(np.isfinite(self.low) & np.isfinite(self.high))


@dataclass(frozen=True)
class Can:
    """Of each element, whether a condition can hold somewhere within it, and whether it can fail to."""

    hold: Bools
    fail: Bools


@dataclass(frozen=True)
class Question:
    """A condition in one operation; `windows` are the times there at which it might hold."""

    truth: Truth
    windows: list[range]

    def may_hold(self, here: Mapping[str, Interval]) -> Bools:
        """Whether it may hold with words in these intervals, (m,); a word that is not given may be anything."""
        wild = np.zeros(np.broadcast_shapes((1,), *(each.low.shape for each in here.values())), bool)
        told = {}
        for word, each in here.items():
            strange = ~each.finite
            told[word] = Interval(np.where(strange, -np.inf, each.low), np.where(strange, np.inf, each.high))
            wild = wild | strange
        with np.errstate(all="ignore"):
            return self._can(self.truth.node, told, wild).hold

    def _can(self, node: Node, here: Mapping[str, Interval], wild: Bools) -> Can:
        everywhere = np.ones(wild.shape, bool)
        match node:
            case Logic(_, word, parts):
                each = [self._can(part, here, wild) for part in parts]
                every, some = (np.logical_and.reduce, np.logical_or.reduce)
                if word == "or":
                    every, some = some, every
                return Can(every([can.hold for can in each]), some([can.fail for can in each]))
            case Not(_, of):
                can = self._can(of, here, wild)
                return Can(can.fail, can.hold)
            case _ if not inside(node):
                holds, fails = self.truth.sometimes(node, self.windows)
                return Can(everywhere & holds, everywhere & fails)
            case Test(_, function, of):
                inner = interval(self.truth, of, here)
                if inner is not None:
                    strange = wild | ~inner.finite
                    return Can(everywhere, strange) if function == "isfinite" else Can(strange, everywhere)
            case Compare(_, sign, left, right):
                one, two = interval(self.truth, left, here), interval(self.truth, right, here)
                if one is not None and two is not None:
                    can = _same(sign, everywhere) if left == right else _compared(sign, one, two)
                    # Beyond the largest number there may be no number at all.
                    wild = wild | ~one.finite | ~two.finite
                    return Can(can.hold | wild, can.fail | wild)
        return Can(everywhere, everywhere)


def _same(sign: str, everywhere: Bools) -> Can:
    """A number beside itself."""
    return Can(everywhere, ~everywhere) if sign in ("==", "<=", ">=") else Can(~everywhere, everywhere)


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


def interval(truth: Truth, node: Node, here: Mapping[str, Interval]) -> Interval | None:
    """What a number may be; None where that is not known."""
    if not inside(node):
        if uses(node, "position"):
            return None
        number = np.array(truth.number(node))
        return Interval(number, number) if np.isfinite(number) else None
    if isinstance(node, Here):
        return here.get(node.word)
    inner = [interval(truth, part, here) for part in _operands(node)]
    known = [each for each in inner if each is not None]
    if not known or len(known) < len(inner):
        return None
    match node:
        case Negative():
            return Interval(-known[0].high, -known[0].low)
        case Chain(_, _, rest):
            total: Interval | None = known[0]
            for (sign, _), other in zip(rest, known[1:], strict=True):
                total = None if total is None else _combined(sign, total, other)
            return total
        case Power(_, _, exponent):
            return _raised(known[0], truth.number(exponent)) if not inside(exponent) else None
        case Apply(_, function, _):
            return _applied(function, known)
    return None


def _operands(node: Node) -> tuple[Node, ...]:
    match node:
        case Negative(_, of):
            return (of,)
        case Chain(_, first, rest):
            return (first, *(operand for _, operand in rest))
        case Power(_, base, _):
            return (base,)
        case Apply(_, _, arguments):
            return arguments
    return ()


def _applied(function: str, of: list[Interval]) -> Interval | None:
    if function in ("max", "min"):
        one_of = np.maximum if function == "max" else np.minimum
        return Interval(reduce(one_of, [each.low for each in of]), reduce(one_of, [each.high for each in of]))
    if function == "abs":
        low = np.maximum(0.0, np.maximum(of[0].low, -of[0].high))
        return Interval(low, np.maximum(of[0].high, -of[0].low))
    if function in ("sum", "mean"):
        return of[0]
    return _ends(FUNCTIONS[function], of[0]) if function in _RISING else None


def _raised(base: Interval, exponent: float) -> Interval | None:
    """A power with a fixed exponent."""
    if exponent == int(exponent) and exponent > 0:
        if exponent % 2:
            return _ends(lambda x: np.power(x, exponent), base)
        even = _applied("abs", [base])
        return even and _ends(lambda x: np.power(x, exponent), even)
    if np.any(base.low <= 0):
        return None
    ends = _ends(lambda x: np.power(x, exponent), base)
    return ends if exponent > 0 or ends is None else _ends(lambda x: np.power(x, exponent), _turned(base))


def _turned(of: Interval) -> Interval:
    return Interval(of.high, of.low)


def _ends(rising: Callable[[Floats], Floats], of: Interval) -> Interval | None:
    """A function that rises, at the ends."""
    return _widened(np.asarray(rising(of.low)), np.asarray(rising(of.high)))


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
    return _widened(low, high)


def _widened(low: Floats, high: Floats) -> Interval | None:
    """With room for what rounding adds; None where there may be no number."""
    if np.isnan(low).any() or np.isnan(high).any():
        return None
    return Interval(low - SLACK * np.abs(low), high + SLACK * np.abs(high))


def hull(tensor: Array) -> Interval:
    """From the least to the largest number, 0 included: that is what empty terms have."""
    low, high = (float(each(initial=0.0)) for each in (tensor.min, tensor.max))
    return Interval(np.array([low]), np.array([high]))


def joined(*intervals: Interval) -> Interval:
    return Interval(
        np.minimum.reduce([each.low for each in intervals]), np.maximum.reduce([each.high for each in intervals])
    )


def times(one: Interval, two: Interval) -> Interval:
    with np.errstate(all="ignore"):
        ends = [a * b for a in (one.low, one.high) for b in (two.low, two.high)]
        return Interval(np.minimum.reduce(ends), np.maximum.reduce(ends))
