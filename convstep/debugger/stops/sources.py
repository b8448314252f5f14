"""In scatter order: where a condition on single products becomes true, upstream element by upstream element."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from convstep.debugger.stops.candidates import sources_of
from convstep.debugger.stops.clock import BLOCK, Clock
from convstep.debugger.stops.inside import Inside
from convstep.debugger.stops.shares import Held
from convstep.debugger.stops.truth import Moments, Numbers, Truth, Words
from convstep.engine.sums import multiply, upstream_at
from convstep.explain.language.kinds import inside
from convstep.ops.base import IntArray, quiet


@dataclass(frozen=True)
class Sources:
    """One backward operation, on the level of terms; neither sums nor values are asked for."""

    clock: Clock
    truth: Truth
    inside: Inside
    held: Held

    def times(self, after: int, before: int, backwards: bool) -> Iterator[IntArray]:
        """When it becomes true strictly between two times, source by source, from the first or from the last."""
        step, words = self.inside.step, inside(self.truth.node)
        first, end = self.clock.span(self.inside.k)
        per, size = step.terms["scatter"], max(1, BLOCK // max(step.terms["scatter"], 1))
        windows = self.truth.windows(max(first, after + 1), min(end, before))
        if not windows:
            return
        low, high = (windows[0].start - first) // per, -(-(windows[-1].stop - first) // per)
        sources = sources_of(self.truth, self.inside, np.arange(low, high))
        starts = range(0, len(sources), size)
        for start in reversed(starts) if backwards else starts:
            self.clock.check()
            some = sources[start : start + size]
            if self.clock.work is not None:
                text = f"iteration {self.inside.index}, {step.writes}, term by term"
                self.clock.work.report(text, float(some[0]) / step.elements["scatter"])
            times = first + some[:, None] * per + np.arange(per)
            told = self._told(some, words)
            at = np.nonzero(np.broadcast_to(self.truth.holds(Moments(times, told)), times.shape))
            yield times[at][~self.held(times[at], {})]

    @quiet
    def _told(self, sources: IntArray, words: set[str]) -> Words:
        """What there is at the shares of some upstream elements, (m, n); those that go nowhere have nothing."""
        step, iteration = self.inside.step, self.inside.iteration
        assert step.node is not None
        links = step.node.op.row(iteration.calls[step.layer], step.slot, sources)
        upstream = np.broadcast_to(upstream_at(step, iteration, sources)[:, None], links.local.shape)
        there = links.index >= 0
        numbers = {
            "local": links.local,
            "upstream": upstream,
            "product": multiply(links, upstream),
            "term": np.broadcast_to(np.arange(float(there.shape[1])), there.shape),
        }
        told = {word: Numbers(values, there) for word, values in numbers.items()}
        indices = self.inside.indices(links.index.reshape(-1).clip(0), words)
        for word, index in indices.items():
            told[word] = Numbers(index.values.reshape(there.shape), index.there.reshape(there.shape) & there)
        return told
