"""Where a condition becomes true: the steps at which it holds and had not held one step before.

The running sum of each element begins anew; in scatter order, where shares of many elements follow one another, the
step before is the one of the same sum. All else that is inside of operations, as a product, belongs to one step alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from convstep.debugger.stops.candidates import candidates
from convstep.debugger.stops.clock import ALWAYS, NEVER, Clock
from convstep.debugger.stops.inside import Inside, words_at
from convstep.debugger.stops.shares import Shares
from convstep.debugger.stops.sources import Sources
from convstep.debugger.stops.truth import Bools, Moments, Numbers, Truth, Words
from convstep.explain.language.kinds import inside, uses
from convstep.explain.language.nodes import Node
from convstep.ops.base import IntArray

_KEPT = 32
NOTHING: Words = {}


class Becoming:
    """The steps at which a condition becomes true. Times are within an iteration."""

    def __init__(self, clock: Clock, node: Node) -> None:
        self.clock, self.node = clock, node
        self.words = inside(node) if clock.level != "op" else set()
        self._truths: dict[int, Truth] = {}

    def truth(self, iteration: int) -> Truth:
        """The condition in one iteration."""
        if iteration not in self._truths:
            if len(self._truths) >= _KEPT:
                del self._truths[next(iter(self._truths))]
            self._truths[iteration] = Truth(self.clock, self.node, iteration)
        return self._truths[iteration]

    def next(self, iteration: int, after: int, before: int = NEVER) -> int | None:
        """The first such time after `after`; None where there is none in this iteration, or none before `before`."""
        return next((int(t[0]) for t in self._found(iteration, after, before, 1) if len(t)), None)

    def previous(self, iteration: int, before: int, after: int = ALWAYS) -> int | None:
        """The last such time before `before`; None where there is none after `after`."""
        return next((int(t[-1]) for t in self._found(iteration, after, before, -1) if len(t)), None)

    def count(self, iteration: int, until: int = NEVER, enough: int = NEVER) -> int:
        """How many there are up to a time of an iteration; or, where that are more than `enough`, at least so many."""
        count = 0
        for times in self._found(iteration, -1, min(until, NEVER - 1) + 1, 0):
            count += len(times)
            if count >= enough:
                break
        return count

    def nth(self, iteration: int, n: int) -> int | None:
        """The one of an iteration before which there are n."""
        for times in self._found(iteration, -1, NEVER, 0):
            if n < len(times):
                return int(times[n])
            n -= len(times)
        return None

    def _found(self, iteration: int, after: int, before: int, way: int) -> Iterator[IntArray]:
        """Such times strictly between two others, ascending within a portion, the portions in order.

        `way` 1: up to the first one, -1: backwards, up to the last one, 0: all of them.
        """
        if not self._possible(iteration):
            return
        if not self.words:
            yield _between(self._settled(iteration, 0, self.clock.count), after, before)
            return
        steps = range(len(self.clock.timeline.steps))
        for k in reversed(steps) if way < 0 else steps:
            first, end = self.clock.span(k)
            if after < end - 1 and first < before:
                for times in self._in_operation(iteration, k, after, before, way):
                    yield _between(times, after, before)

    def _possible(self, iteration: int) -> bool:
        """Whether the condition might hold, whatever the tensors are: this is known without running the iteration."""
        truth = self.truth(iteration)
        return bool(truth.may_hold(Moments(truth.changes(data=False)), data=False).any())

    def _settled(self, iteration: int, first: int, end: int) -> IntArray:
        """The times from `first` up to `end` at which the condition becomes true, where no sum runs."""
        times = self.truth(iteration).changes()
        times = times[(times >= first) & (times < end)]
        now = self.truth(iteration).holds(Moments(times))
        return times[now & ~self._held(iteration, times)]

    def _held(self, iteration: int, times: IntArray, words: Words = NOTHING) -> Bools:
        """Whether the condition held one step before each of these times, with these words."""
        held = self.truth(iteration).holds(Moments(times - 1, words))
        for at in np.argwhere(times == 0):
            before = Moments(np.array([self.clock.count - 1]))
            held[tuple(at)] = iteration > 0 and self.truth(iteration - 1).holds(before)[0]
        return held

    def holds(self, iteration: int, time: int) -> bool:
        """Whether the condition holds at one time, what is inside of operations included."""
        words = words_at(self.clock, self.clock.place(time, iteration), self.words) if self.words else NOTHING
        return bool(self.truth(iteration).holds(Moments(np.array([time]), words))[0])

    # -- conditions on what is inside of operations

    def _in_operation(self, iteration: int, k: int, after: int, before: int, way: int) -> Iterator[IntArray]:
        clock = self.clock
        step = clock.timeline.steps[k]
        first, end = clock.span(k)
        truth = self.truth(iteration)
        # What is known to be false stays so until the operation ends.
        if not uses(self.node, "position") and not truth.may_hold(Moments(np.array([first])))[0]:
            return
        if clock.work is not None:
            clock.work.report(f"iteration {iteration}, {step.writes}", first / clock.count)
        scatters, there = step.scatters(clock.order), Inside(clock, iteration, k)
        if (scatters and clock.level == "element") or not uses(self.node, *there.known):
            yield self._settled(iteration, first, end)
        elif scatters and not self.words & {"sum", "value"}:
            yield from Sources(clock, truth, there, partial(self._held, iteration)).times(after, before, way < 0)
        elif scatters:
            shares = Shares(clock, truth, k, partial(self._held, iteration))
            if way:
                time = shares.nearest(after, before, way < 0)
                yield np.array([] if time is None else [time], dtype=np.intp)
            else:
                yield from shares.times()
        else:
            yield from self._in_elements(there, after, before, way < 0)

    def _in_elements(self, there: Inside, after: int, before: int, backwards: bool) -> Iterator[IntArray]:
        clock, truth, step = self.clock, self.truth(there.index), there.step
        first, end = clock.span(there.k)
        on_terms = clock.level == "term"
        terms = step.terms[clock.order] if on_terms else 1
        count = (end - first) // terms
        maybe = np.zeros(count, bool)
        for window in truth.windows(max(first, after + 1), min(end, before)):
            start, stop = (window.start - first) // terms, (window.stop - 1 - first) // terms + 1
            maybe[start : start + 1 if truth.settled(window) else stop] = True
        elements = candidates(truth, there, np.flatnonzero(maybe), not on_terms)
        for block in there.blocks(elements, backwards):
            clock.check()
            if clock.work is not None:
                share = float(block[0]) / count
                clock.work.report(f"iteration {there.index}, {step.writes}, term by term", share)
            times = first + block[:, None] * terms + np.arange(terms) if on_terms else first + block
            words = (there.terms if on_terms else there.whole)(block, self.words)
            at = np.nonzero(np.broadcast_to(truth.holds(Moments(times, words)), times.shape))
            earlier = _sums_before(words["sum"], *at) if on_terms and "sum" in words else NOTHING
            yield times[at][~self._held(there.index, times[at], earlier)]


def _sums_before(sums: Numbers, rows: IntArray, terms: IntArray) -> Words:
    """The running sums one term before; an element's first term has none."""
    earlier = np.maximum(terms - 1, 0)
    return {"sum": Numbers(sums.values[rows, earlier], sums.there[rows, earlier] & (terms > 0))}


def _between(times: IntArray, after: int, before: int) -> IntArray:
    return times[(times > after) & (times < before)]
