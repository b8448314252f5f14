"""When a condition holds within an iteration: three-valued, for what is not written yet is neither true nor false."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, floor, isfinite

import numpy as np
import numpy.typing as npt

from convstep.debugger.stops.clock import ALWAYS, Clock
from convstep.debugger.stops.timed import Evaluation, Known, Timed, somewhere
from convstep.explain.language.kinds import INSIDE, inside, uses
from convstep.explain.language.nodes import Compare, Here, Logic, Node, Not, Test, Text, references
from convstep.ops.base import IntArray

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Numbers:
    """What a word stands for at some moments; where `there` is false it stands for nothing, whatever the number."""

    values: npt.NDArray[np.float64]
    there: Bools


Words = Mapping[str, Numbers]


@dataclass(frozen=True)
class Moments:
    """Times within an iteration, and what there is inside of operations then; all shapes broadcast to one another."""

    times: IntArray
    words: Words = field(default_factory=dict)


@dataclass(frozen=True)
class Truths:
    """At each moment, whether the condition is known to hold, and known not to."""

    yes: Bools
    no: Bools


class Truth:
    """A condition in one iteration. Tensors are looked at when a part about them is first asked for."""

    def __init__(self, clock: Clock, node: Node, iteration: int) -> None:
        self.clock, self.node, self.iteration = clock, node, iteration
        self._evaluation = Evaluation(clock, iteration)
        self._known: dict[Node, Known] = {}

    def holds(self, moments: Moments) -> Bools:
        """At which moments the condition holds."""
        return self._truths(self.node, moments, data=True).yes

    def may_hold(self, moments: Moments, data: bool = True) -> Bools:
        """At which moments it holds or might: words that are not given are unknown, without `data` all tensors."""
        return ~self._truths(self.node, moments, data).no

    def windows(self, first: int, end: int) -> list[range]:
        """The times from `first` up to `end` at which it might hold, in parts: within each, words alone change."""
        changes = self.changes()
        edges = [first, *changes[(changes > first) & (changes < end)].tolist(), end]
        parts = [range(one, two) for one, two in pairwise(edges) if one < two]
        starts = np.array([part.start for part in parts], dtype=np.intp)
        return [part for part, may in zip(parts, self.may_hold(Moments(starts)), strict=True) if may]

    def settled(self, window: range) -> bool:
        """Whether it holds there whatever the words stand for: then it can begin to at the first time alone."""
        return bool(self.holds(Moments(np.array([window.start])))[0])

    def sometimes(self, node: Node, windows: list[range]) -> tuple[bool, bool]:
        """Whether a part of it without words of the inside holds in some window; and whether it fails in one."""
        truths = self._truths(node, Moments(np.array([window.start for window in windows], dtype=np.intp)), data=True)
        return bool(truths.yes.any()), bool(truths.no.any())

    def number(self, node: Node) -> float:
        """One number of this iteration, once it is known."""
        return float(self._evaluation.timed(node).values)

    def changes(self, data: bool = True) -> IntArray:
        """Times, ascending, at all of which and nowhere else it may begin or cease to hold, words apart.

        Without `data`, what depends on tensors is left out.
        """
        times = {0}
        for part in _conditions(self.node):
            if not data and not _is_of_here(part):
                continue
            if _is_of_tensors(part):
                known = self._known_of(part)
                times |= {known.yes, known.no}
            elif uses(part, "position"):
                times |= self._crossings(part)
            elif uses(part, "phase", "layer", "op"):
                times |= {self.clock.span(k)[0] for k in range(len(self.clock.timeline.steps))}
        return np.array(sorted(t for t in times if 0 <= t < self.clock.count), dtype=np.intp)

    def _crossings(self, node: Node) -> set[int]:
        """The times around the number that the position is compared with, and when that number is known."""
        assert isinstance(node, Compare)
        other = node.right if node.left == Here(node.left.column, "position") else node.left
        number = self._evaluation.timed(other)
        known = self.clock.exact(int(number.known), self.iteration)
        within = float(number.values) - self.iteration * self.clock.count
        if not isfinite(within):
            return {known}
        return {known, floor(within), ceil(within), floor(within) + 1}

    # -- the three-valued tree

    def _truths(self, node: Node, moments: Moments, data: bool) -> Truths:
        match node:
            case Logic(_, word, parts):
                return self._joined(word, parts, moments, data)
            case Not(_, of):
                inner = self._truths(of, moments, data)
                return Truths(inner.no, inner.yes)
            case Compare(_, sign, left, right) if isinstance(left, Text) or isinstance(right, Text):
                here, text = (right, left) if isinstance(left, Text) else (left, right)
                assert isinstance(here, Here) and isinstance(text, Text)
                same = self._said(here.word, text.value, moments.times)
                return Truths(same, ~same) if sign == "==" else Truths(~same, same)
            case Compare() | Test() if uses(node, *INSIDE, "position"):
                return self._compared(node, moments, data)
        shape = moments.times.shape
        if not data and not _is_of_here(node):
            return Truths(np.zeros(shape, bool), np.zeros(shape, bool))
        known = self._known_of(node)
        return Truths(moments.times >= known.yes, moments.times >= known.no)

    def _joined(self, word: str, parts: tuple[Node, ...], moments: Moments, data: bool) -> Truths:
        shape = moments.times.shape
        yes, no = np.full(shape, word == "and"), np.full(shape, word == "or")
        # What costs nothing first: it may settle the rest.
        for part in sorted(parts, key=lambda part: not _is_of_here(part)):
            truths = self._truths(part, moments, data)
            if word == "and":
                yes, no = yes & truths.yes, no | truths.no
            else:
                yes, no = yes | truths.yes, no & truths.no
            if (no if word == "and" else yes).all():
                break
        return Truths(yes, no)

    def _said(self, word: str, text: str, times: IntArray) -> Bools:
        """Where `phase`, `layer`, `op` or `level` is this text."""
        if word == "level":
            return np.full(times.shape, self.clock.level == text)
        steps = self.clock.timeline.steps
        like = np.array([getattr(step, word) == text for step in steps] + [False])
        # Before the first step there is no operation.
        return like[np.where(times < 0, len(steps), self.clock.step_at(times))]

    def _compared(self, node: Compare | Test, moments: Moments, data: bool) -> Truths:
        """What is asked of the inside of operations, or of the position."""
        shape = moments.times.shape
        always = np.array(ALWAYS)
        here = {"position": Timed(moments.times + float(self.iteration * self.clock.count), always)}
        there = np.full(shape, True)
        for word in inside(node):
            if word not in moments.words:
                return Truths(np.zeros(shape, bool), np.zeros(shape, bool))
            here[word] = Timed(moments.words[word].values, always)
            there = there & moments.words[word].there
        if not data and not _is_of_here(node):
            return Truths(np.zeros(shape, bool), np.zeros(shape, bool))
        result = self._evaluation.timed(node, here)
        there = there & (moments.times >= result.known)
        return Truths(result.values & there, ~result.values & there)

    def _known_of(self, node: Node) -> Known:
        if node not in self._known:
            known = somewhere(self._evaluation.timed(node))
            exact = self.clock.exact
            self._known[node] = Known(exact(known.yes, self.iteration), exact(known.no, self.iteration))
            if not uses(self.node, *INSIDE):
                self._evaluation.forget()
        return self._known[node]


def _conditions(node: Node) -> list[Node]:
    """The conditions that `and`, `or`, `not` join."""
    match node:
        case Logic(_, _, inside):
            return [each for part in inside for each in _conditions(part)]
        case Not(_, of):
            return _conditions(of)
    return [node]


def _is_of_here(node: Node) -> bool:
    """Whether no tensor stands in it: it says only where one is."""
    return not references(node)


def _is_of_tensors(node: Node) -> bool:
    return not uses(node, *INSIDE, "position", "phase", "layer", "op", "level")
