"""When each element of a tensor is written, within an iteration: from shapes alone, so the same in all of them.

A *time* is a position within an iteration, on one level and in one order; `ALWAYS` is before the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from convstep.engine.recording import Iteration, Recording
from convstep.engine.state import State, split_name
from convstep.engine.sums import collect, shares
from convstep.engine.timeline import Level, Order, Place
from convstep.engine.work import Work
from convstep.ops.base import Empty, IntArray, Links
from convstep.ops.feeding import Feeding

RowBlocks = Iterator[tuple[IntArray, Links]]

ALWAYS = -1
NEVER = int(np.iinfo(np.intp).max)
BLOCK = 2**19
"""How many terms are looked at in one go."""


def writers(recording: Recording, key: str) -> list[int]:
    """The operations that write a tensor, by its key; a parameter is written by its update."""
    kind, name = split_name(key)
    steps = recording.timeline.steps
    found = recording.timeline.writers(key if kind == "grad" else name)
    return [k for k in found if kind != "new" or steps[k].phase == "update"]


class Clock:
    """The times of one recording on one level and in one order.

    `work` is asked whether to go on; without it, an iteration that is not there raises TooLong. `kept` is what
    other clocks of the same recording have found out.
    """

    def __init__(
        self,
        recording: Recording,
        level: Level,
        order: Order,
        work: Work | None = None,
        kept: dict[tuple[Level, int], IntArray] | None = None,
    ) -> None:
        self.recording, self.timeline = recording, recording.timeline
        self.level, self.order, self.work = level, order, work
        self.count = self.timeline.count(level, order)
        self._kept = {} if kept is None else kept
        self._ends = np.array([self.span(k)[1] for k in range(len(self.timeline.steps))], dtype=np.intp)

    def iteration(self, index: int) -> Iteration:
        """An iteration, run first where that is needed."""
        return self.recording.iteration(index, work=self.work)

    def check(self) -> None:
        """Raises Cancelled where the work is to end."""
        if self.work is not None:
            self.work.check()

    def span(self, step: int) -> tuple[int, int]:
        """The first time of an operation, and the one after its last."""
        first = self.timeline.first(step, self.level, self.order)
        return first, self.timeline.first(step + 1, self.level, self.order)

    def step_at(self, times: IntArray) -> IntArray:
        """The operations that these times lie in."""
        return np.searchsorted(self._ends, times, "right")

    def written(self, key: str, iteration: int) -> IntArray:
        """When each element of a tensor is finished, in its shape; or one time for all of them.

        On the level of terms in gather order this is the last term of each element; `exact` knows where empty terms
        follow. `iteration` is any that is at hand: what is written when does not depend on it.
        """
        kind = split_name(key)[0]
        found = writers(self.recording, key)
        steps = self.timeline.steps
        if kind == "value":
            found = [k for k in found if steps[k].node is not None]
        if kind == "grad" and not found:
            begun = next((k for k, step in enumerate(steps) if step.is_backward), None)
            return np.array(NEVER if begun is None else self.span(begun)[0])
        return self.finished(found[-1], iteration) if found else np.array(ALWAYS)

    def finished(self, step: int, iteration: int) -> IntArray:
        """When one operation has finished each element of what it writes, in its shape."""
        first = self.span(step)[0]
        if self.level == "op":
            return np.array(first)
        about = self.timeline.steps[step]
        if about.scatters(self.order):
            return self._last_share(step, iteration).reshape(about.shape)
        terms = 1 if self.level == "element" else about.terms[self.order]
        return (first + (np.arange(prod(about.shape)) + 1) * terms - 1).reshape(about.shape)

    def finished_element(self, step: int, index: int, iteration: int) -> int:
        """When one operation has finished one element: as `finished`, without looking at all others."""
        about = self.timeline.steps[step]
        first, end = self.span(step)
        if self.level == "op":
            return first
        if not about.scatters(self.order):
            terms = 1 if self.level == "element" else about.terms[self.order]
            return first + (index + 1) * terms - 1
        sources = collect(about, self.iteration(iteration), np.array([index])).links.index[0]
        source = int(sources.max(initial=-1))
        if source < 0:
            return end - 1
        if self.level == "element":
            return first + source
        targets = shares(about, self.iteration(iteration), source).target
        return first + source * about.terms["scatter"] + int(np.flatnonzero(targets == index)[-1])

    def _last_share(self, step: int, iteration: int) -> IntArray:
        """In scatter order: when each element gets its last share; what gets none is finished with the operation."""
        if (self.level, step) not in self._kept:
            about = self.timeline.steps[step]
            first, end = self.span(step)
            sources = self._last_sources(step, iteration)
            terms = about.terms[self.order] if self.level == "term" else 1
            last = np.where(sources < 0, end - 1, first + sources * terms)
            if self.level == "term":
                met = np.zeros(prod(about.upstream_shape), bool)
                met[sources[sources >= 0]] = True
                for block, links in self.rows(step, iteration, np.flatnonzero(met)):
                    own = (links.index >= 0) & (sources[links.index] == block[:, None])
                    times = last[links.index] + np.arange(links.index.shape[1])
                    last[links.index[own]] = times[own]  # in ascending order: the last one stays
            self._kept[self.level, step] = last
        return self._kept[self.level, step]

    def _last_sources(self, step: int, iteration: int) -> IntArray:
        """The upstream element that gives the last share to each element, flat; -1 where none does."""
        about = self.timeline.steps[step]
        node, elements = about.node, np.arange(prod(about.shape))
        assert node is not None
        if isinstance(node.op, Feeding):
            return node.op.fed(about.slot, elements)[1]
        call = self.iteration(iteration).calls[about.layer]
        size = max(1, BLOCK // max(1, about.terms["gather"]))
        last = np.full(elements.shape, -1)
        for at in range(0, len(elements), size):
            self.check()
            block = elements[at : at + size]
            last[block] = node.op.column(call, about.slot, block).index.max(axis=1, initial=-1)
        return last

    def rows(self, step: int, iteration: int, sources: IntArray) -> RowBlocks:
        """The Jacobian rows of a backward operation, in blocks: some of these upstream elements, and their links."""
        about = self.timeline.steps[step]
        node = about.node
        assert node is not None
        call = self.iteration(iteration).calls[about.layer]
        block = max(1, BLOCK // max(about.terms["scatter"], 1))
        for at in range(0, len(sources), block):
            self.check()
            some = sources[at : at + block]
            yield some, node.op.row(call, about.slot, some)

    def exact(self, time: int, iteration: int) -> int:
        """The step that finishes an element: on the level of terms no empty ones are waited for."""
        if self.level != "term" or not 0 <= time < NEVER:
            return time
        place = self.timeline.place("term", self.order, time)
        if self.timeline.steps[place.step].scatters(self.order):
            return time
        # Which terms are empty follows from shapes: any iteration tells, so none is run where there is one.
        there = self.recording.at_hand() or [self.iteration(iteration)]
        state = State(self.recording, place._replace(iteration=there[-1].index), self.order)
        empty = state.empty_terms
        assert place.term is not None
        if empty is None or place.term != len(empty) - 1:
            return time
        full = np.flatnonzero(empty == Empty.NO)
        return time - place.term + (int(full[-1]) if len(full) else 0)

    def place(self, time: int, iteration: int) -> Place:
        """The place of a time in an iteration."""
        return self.timeline.place(self.level, self.order, iteration * self.count + time)
