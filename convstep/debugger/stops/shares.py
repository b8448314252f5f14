"""In scatter order: where a condition on sums and values becomes true among the shares of a backward operation.

The running sums of an element are the same as in gather order, at other times. So elements are looked at whole, and
only what is found is put in its place among the shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from convstep.debugger.stops.candidates import candidates
from convstep.debugger.stops.clock import BLOCK, Clock
from convstep.debugger.stops.hits import Hits, taps_of
from convstep.debugger.stops.inside import Inside, products_of, spread
from convstep.debugger.stops.truth import Bools, Moments, Numbers, Truth, Words
from convstep.engine import scattering
from convstep.engine.recording import Iteration
from convstep.engine.sums import Collected, Floats, collect, shares
from convstep.engine.timeline import Step
from convstep.explain.language.kinds import inside
from convstep.ops.base import IntArray
from convstep.ops.indices import last_true

Held = Callable[[IntArray, Words], Bools]
"""Whether it held one step before some times, with these words."""

_NEAR = 2**22
"""How many products are looked at share by share, next to where one is, before elements are looked at whole."""


@dataclass(frozen=True)
class Shares:
    """One backward operation `k` of an iteration, on the level of terms."""

    clock: Clock
    truth: Truth
    k: int
    held: Held

    @cached_property
    def elements(self) -> IntArray:
        """Those whose sums might make it hold."""
        return candidates(self.truth, self.inside, np.arange(prod(self.step.shape)), False)

    @cached_property
    def ends(self) -> tuple[IntArray, IntArray]:
        """The first and the last upstream element that gives to each of these, or such as lie further out."""
        return scattering.ends(self.step, self.elements)

    @cached_property
    def inside(self) -> Inside:
        return Inside(self.clock, self.truth.iteration, self.k)

    @cached_property
    def words(self) -> set[str]:
        return inside(self.truth.node)

    @property
    def step(self) -> Step:
        return self.clock.timeline.steps[self.k]

    @property
    def iteration(self) -> Iteration:
        return self.clock.iteration(self.truth.iteration)

    def times(self) -> Iterator[IntArray]:
        """All such times, in portions: ascending, and no time of one after those of the next."""
        first, end = self.clock.span(self.k)
        for window in self._windows(first - 1, end):
            if self.truth.settled(window):
                yield self._first_of(window)
                continue
            for part in _growing(window, self.step.terms["scatter"]):
                (low, high), ends = self._sources(part), self.ends
                some = self.elements[(ends[1] >= low) & (ends[0] < high)]
                found = [self._new(self._hits(block, part, low, high), part) for block in self._blocks(some)]
                yield np.sort(np.concatenate([np.zeros(0, np.intp), *found]))

    def nearest(self, after: int, before: int, backwards: bool) -> int | None:
        """The first time strictly between two others, or the last one."""
        windows = self._windows(after, before)
        for window in reversed(windows) if backwards else windows:
            if self.truth.settled(window):
                times = self._first_of(window)
                found = int(times[0]) if len(times) else None
            else:
                found = self._nearest(window, backwards)
            if found is not None:
                return found
        return None

    # -- windows

    def _windows(self, after: int, before: int) -> list[range]:
        first, end = self.clock.span(self.k)
        return self.truth.windows(max(first, after + 1), min(end, before))

    def _sources(self, window: range) -> tuple[int, int]:
        """The upstream elements, from and up to, that have shares in it."""
        first, per = self.clock.span(self.k)[0], self.step.terms["scatter"]
        return (window.start - first) // per, -(-(window.stop - first) // per)

    def _first_of(self, window: range) -> IntArray:
        """The first time of a window where it begins to hold then."""
        source, tap = divmod(window.start - self.clock.span(self.k)[0], self.step.terms["scatter"])
        target = int(shares(self.step, self.iteration, source).target[tap])
        start = range(window.start, window.start + 1)
        if target >= 0:
            return self._new(self._hits(np.array([target]), start, source, source + 1), start)
        times = np.array([window.start])
        return times[~self.held(times, {})]

    def _new(self, hits: Hits, window: range) -> IntArray:
        """When it begins to hold with some hits, within a window."""
        times = self._placed(hits)
        new = ~self.held(times, {"sum": hits.before})
        if "term" in self.words:
            term = (times - self.clock.span(self.k)[0]) % self.step.terms["scatter"]
            told = Numbers(term.astype(np.float64), np.full(term.shape, True))
            new &= self.truth.holds(Moments(times, {**hits.words, "term": told}))
        times = times[new]
        return times[(times >= window.start) & (times < window.stop)]

    # -- the nearest one

    def _nearest(self, window: range, backwards: bool) -> int | None:
        if len(self.elements) * self.step.terms["gather"] > _NEAR:
            begins = window.start == self.clock.span(self.k)[0] and self.words == {"sum"}
            walk = self._from_the_beginning if begins and not backwards else self._near
            found, is_all = walk(window, backwards)
            if is_all or found is not None:
                return found
        found, ends = None, self.ends
        order = np.argsort(-ends[1] if backwards else ends[0], kind="stable")
        for at in self._blocks(order):
            low, high = self._sources(window)
            some = at[(ends[1][at] >= low) & (ends[0][at] < high)]
            if not len(some):
                continue
            nearer = self._extreme(self._hits(self.elements[some], window, low, high), window, backwards)
            if nearer is not None:
                found = nearer
                window = range(found + 1, window.stop) if backwards else range(window.start, found)
        return found

    def _extreme(self, hits: Hits, window: range, backwards: bool) -> int | None:
        """The first or the last time in a window that some hits begin to hold: source by source."""
        sources = np.unique(hits.sources)
        for source in sources[::-1] if backwards else sources:
            times = self._new(hits[hits.sources == source], window)
            if len(times):
                return int(times.max() if backwards else times.min())
        return None

    def _near(self, window: range, backwards: bool) -> tuple[int | None, bool]:
        """What is found share by share next to where one is; and whether all was looked at."""
        maybe = self._maybe()
        low, high = self._sources(window)
        spent = 0
        for source in range(high - 1, low - 1, -1) if backwards else range(low, high):
            self.clock.check()
            targets = shares(self.step, self.iteration, source).target
            some = np.unique(targets[maybe[targets] & (targets >= 0)])
            spent += len(targets) + len(some) * self.step.terms["gather"]
            if spent > _NEAR:
                return None, False
            if len(some):
                found = self._extreme(self._hits(some, window, source, source + 1), window, backwards)
                if found is not None:
                    return found, True
        return None, True

    def _from_the_beginning(self, window: range, backwards: bool) -> tuple[int | None, bool]:
        """The same forwards from the first share of all, adding up as one goes."""
        maybe, now = self._maybe(), np.array([window.start])
        total, begun = np.zeros(maybe.shape), np.zeros(maybe.shape, bool)
        for source in range(self._sources(window)[1]):
            self.clock.check()
            share = shares(self.step, self.iteration, source)
            if (source + 1) * len(share.target) > _NEAR:
                return None, False
            real = (share.target >= 0) & maybe[share.target]
            taps = np.flatnonzero(real)
            before, values, earlier = np.zeros(len(taps)), np.zeros(len(taps)), np.zeros(len(taps), bool)
            for nth in range(int(share.nth[taps].max(initial=-1)) + 1):
                at = np.flatnonzero(share.nth[taps] == nth)
                into = share.target[taps[at]]
                before[at], earlier[at] = total[into], begun[into]
                values[at] = total[into] = total[into] + share.products[taps[at]]
                begun[into] = True
            sums = Numbers(values, np.full(values.shape, True))
            holds = np.flatnonzero(self.truth.holds(Moments(now, {"sum": sums})))
            times = window.start + source * len(share.target) + taps[holds]
            times = times[~self.held(times, {"sum": Numbers(before[holds], earlier[holds])})]
            times = times[times < window.stop]
            if len(times):
                return int(times[0]), True
        return None, True

    def _maybe(self) -> Bools:
        maybe = np.zeros(prod(self.step.shape), bool)
        maybe[self.elements] = True
        return maybe

    # -- elements as a whole

    def _blocks(self, elements: IntArray) -> Iterator[IntArray]:
        size = max(1, BLOCK // max(self.step.terms["gather"], 1))
        for at in range(0, len(elements), size):
            self.clock.check()
            if self.clock.work is not None:
                text = f"iteration {self.truth.iteration}, {self.step.writes}, running sums"
                self.clock.work.report(text, at / len(elements))
            yield elements[at : at + size]

    def _hits(self, elements: IntArray, window: range, low: int, high: int) -> Hits:
        """The shares of some elements, from upstream elements `low` up to `high`, after which it holds in a window."""
        collected = collect(self.step, self.iteration, elements)
        sources = collected.links.index
        there = (sources >= max(low, 0)) & (sources < high)
        now = np.array([window.start])
        words = self._words(elements, collected)
        holds = (self.truth.may_hold if "term" in self.words else self.truth.holds)(Moments(now, words))
        rows, terms = np.nonzero(there & holds)
        told = {word: spread(each, (len(sources), sources.shape[1]), (rows, terms)) for word, each in words.items()}
        hits = self._at(elements, sources, collected.sums, rows, terms, told)
        held = self.truth.holds(Moments(now, {"sum": hits.before})) & hits.before.there
        # Before the first time of the window it may have been otherwise.
        return hits[~held | (hits.sources == low)]

    def _words(self, elements: IntArray, collected: Collected) -> dict[str, Numbers]:
        """What is there at the shares of some elements but for `term`, which follows from when they are given."""
        words = {word: told for word, told in products_of(collected).items() if word in self.words}
        for word, told in self.inside.indices(elements, self.words).items():
            words[word] = Numbers(told.values[:, None], told.there[:, None])
        if "value" in self.words:
            real = collected.links.index >= 0
            ends = np.arange(real.shape[1]) == last_true(real)[:, None]
            words["value"] = Numbers(self.inside.values[elements][:, None], ends)
        return words

    def _at(
        self, elements: IntArray, sources: IntArray, sums: Floats, rows: IntArray, terms: IntArray, words: Words
    ) -> Hits:
        own, earlier = sources[rows, terms], terms - 1
        before = np.where(terms > 0, sums[rows, earlier], 0.0)
        begun = terms > np.argmax(sources >= 0, axis=1)[rows]
        nth = np.zeros(len(rows), np.intp)
        same = (terms > 0) & (sources[rows, earlier] == own)
        while same.any():
            nth += same
            earlier = earlier - 1
            same &= (earlier >= 0) & (sources[rows, earlier] == own)
        return Hits(own, elements[rows], nth, words, Numbers(before, begun))

    def _placed(self, hits: Hits) -> IntArray:
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
            times[mine] = (
                first + hits.sources[mine] * per + taps_of(links.index, row, hits.targets[mine], hits.nth[mine])
            )
        return times


def _growing(window: range, shares: int) -> Iterator[range]:
    """A window in parts, the first of them small: who needs few times shall not wait for all of them."""
    size, start = max(_NEAR, shares, 1), window.start
    while start < window.stop:
        yield range(start, min(start + size, window.stop))
        start, size = start + size, min(2 * size, max(size, 2**4 * _NEAR))
