"""In scatter order: where a condition on running sums becomes true among the shares of a backward operation.

The running sums of an element are the same as in gather order, at other times. So elements are looked at whole, and
only what is found is put in its place among the shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from convstep.debugger.stops.clock import BLOCK, Clock
from convstep.debugger.stops.truth import Bools, Moments, Truth
from convstep.engine.sums import Floats, collect, shares
from convstep.engine.timeline import Step
from convstep.ops.base import IntArray

Held = Callable[[IntArray, Floats, Bools], Bools]
"""Whether it held one step before some times, with these sums, where they had begun."""

_NEAR = 2**22
"""How many products are looked at share by share, next to where one is, before elements are looked at whole."""


@dataclass(frozen=True)
class _Hits:
    """Shares after which it holds: (m,) each. `nth` counts how often the source gave to the same target before."""

    sources: IntArray
    targets: IntArray
    nth: IntArray
    before: Floats
    begun: Bools

    def __getitem__(self, at: IntArray | Bools) -> _Hits:
        return _Hits(self.sources[at], self.targets[at], self.nth[at], self.before[at], self.begun[at])


@dataclass(frozen=True)
class Shares:
    """One backward operation `k` of an iteration, on the level of terms. `elements` are those that might do it."""

    clock: Clock
    truth: Truth
    k: int
    elements: IntArray
    held: Held

    @property
    def step(self) -> Step:
        return self.clock.timeline.steps[self.k]

    def times(self) -> IntArray:
        """All such times, ascending."""
        first, end = self.clock.span(self.k)
        found = [np.zeros(0, np.intp)]
        for window in self._windows(first - 1, end):
            for block in self._blocks(self.elements):
                hits = self._hits(block, window, *self._sources(window))
                times = self._placed(hits)
                new = ~self.held(times, hits.before, hits.begun) & (times >= window.start) & (times < window.stop)
                found.append(times[new])
        return np.sort(np.concatenate(found))

    def nearest(self, after: int, before: int, backwards: bool) -> int | None:
        """The first time strictly between two others, or the last one."""
        windows = self._windows(after, before)
        for window in reversed(windows) if backwards else windows:
            found, all_seen = self._near(window, backwards)
            if not all_seen:
                for block in self._blocks(self.elements):
                    hits = self._hits(block, window, *self._sources(window))
                    nearer = self._extreme(hits, window, backwards)
                    if nearer is not None:
                        found = nearer
                        window = range(found + 1, window.stop) if backwards else range(window.start, found)
            if found is not None:
                return found
        return None

    def _windows(self, after: int, before: int) -> list[range]:
        """The times strictly between two others at which it might hold, in parts: in each, the sum alone changes."""
        first, end = self.clock.span(self.k)
        low, high = max(first, after + 1), min(end, before)
        changes = self.truth.changes()
        edges = [low, *changes[(changes > low) & (changes < high)].tolist(), high]
        windows = [range(one, two) for one, two in pairwise(edges) if one < two]
        starts = np.array([window.start for window in windows], dtype=np.intp)
        return [window for window, may in zip(windows, self.truth.may_hold(Moments(starts)), strict=True) if may]

    def _sources(self, window: range) -> tuple[int, int]:
        """The upstream elements, from and up to, that have shares in it."""
        first, per = self.clock.span(self.k)[0], self.step.terms["scatter"]
        return (window.start - first) // per, -(-(window.stop - first) // per)

    def _extreme(self, hits: _Hits, window: range, backwards: bool) -> int | None:
        """The first or the last of some hits in a window that had not held before: source by source."""
        sources = np.unique(hits.sources)
        for source in sources[::-1] if backwards else sources:
            some = hits[hits.sources == source]
            times = self._placed(some)
            times = times[~self.held(times, some.before, some.begun)]
            times = times[(times >= window.start) & (times < window.stop)]
            if len(times):
                return int(times.max() if backwards else times.min())
        return None

    # -- elements as a whole

    def _blocks(self, elements: IntArray) -> Iterator[IntArray]:
        size = max(1, BLOCK // max(self.step.terms["gather"], 1))
        for at in range(0, len(elements), size):
            self.clock.check()
            if self.clock.work is not None:
                iteration, share = self.truth.iteration, at / len(elements)
                self.clock.work.report(f"iteration {iteration}, {self.step.writes}, running sums", share)
            yield elements[at : at + size]

    def _hits(self, elements: IntArray, window: range, low: int, high: int) -> _Hits:
        """The shares of some elements, from upstream elements `low` up to `high`, after which it holds in a window."""
        collected = collect(self.step, self.clock.iteration(self.truth.iteration), elements)
        sources, sums = collected.links.index, collected.sums
        there = (sources >= max(low, 0)) & (sources < high)
        now = np.full(sums.shape, window.start)
        rows, terms = np.nonzero(there & self.truth.holds(Moments(now, sums, there)))
        hits = self._at(elements, sources, sums, rows, terms)
        held = self.truth.holds(Moments(np.full(rows.shape, window.start), hits.before, hits.begun)) & hits.begun
        # Before the first time of the window it may have been otherwise.
        return hits[~held | (hits.sources == low)]

    def _at(self, elements: IntArray, sources: IntArray, sums: Floats, rows: IntArray, terms: IntArray) -> _Hits:
        own, earlier = sources[rows, terms], terms - 1
        before = np.where(terms > 0, sums[rows, earlier], 0.0)
        begun = np.cumsum(sources >= 0, axis=1)[rows, terms] > 1
        nth = np.zeros(len(rows), np.intp)
        same = (terms > 0) & (sources[rows, earlier] == own)
        while same.any():
            nth += same
            earlier = earlier - 1
            same &= (earlier >= 0) & (sources[rows, earlier] == own)
        return _Hits(own, elements[rows], nth, before, begun)

    def _placed(self, hits: _Hits) -> IntArray:
        """When these shares are given."""
        times = np.zeros(len(hits.sources), np.intp)
        if not len(times):
            return times
        first, per = self.clock.span(self.k)[0], self.step.terms["scatter"]
        # What is together in a row is looked for together.
        order = np.argsort(hits.sources, kind="stable")
        ordered = hits.sources[order]
        for some, links in self.clock.rows(self.k, self.truth.iteration, np.unique(ordered)):
            mine = order[np.searchsorted(ordered, some[0], "left") : np.searchsorted(ordered, some[-1], "right")]
            row = np.searchsorted(some, hits.sources[mine])
            times[mine] = first + hits.sources[mine] * per + _taps(links.index, row, hits.targets[mine], hits.nth[mine])
        return times

    # -- share by share

    def _near(self, window: range, backwards: bool) -> tuple[int | None, bool]:
        """What is found next to where one is; and whether all was looked at."""
        maybe = np.zeros(prod(self.step.shape), bool)
        maybe[self.elements] = True
        iteration = self.clock.iteration(self.truth.iteration)
        low, high = self._sources(window)
        spent = 0
        for source in range(high - 1, low - 1, -1) if backwards else range(low, high):
            self.clock.check()
            targets = shares(self.step, iteration, source).target
            targets = targets[targets >= 0]
            some = np.unique(targets[maybe[targets]])
            spent += len(targets) + len(some) * self.step.terms["gather"]
            if spent > _NEAR:
                return None, False
            if not len(some):
                continue
            found = self._extreme(self._hits(some, window, source, source + 1), window, backwards)
            if found is not None:
                return found, True
        return None, True


def _taps(rows: IntArray, row: IntArray, targets: IntArray, nth: IntArray) -> IntArray:
    """Where the nth share to each target stands in its row of `rows`, (r, taps)."""
    size = int(rows.max(initial=0)) + 2
    taps = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, taps, axis=1) + np.arange(len(rows))[:, None] * size
    at = np.searchsorted(ordered.reshape(-1), row * size + targets, "left") + nth
    found: IntArray = taps.reshape(-1)[at]
    return found
