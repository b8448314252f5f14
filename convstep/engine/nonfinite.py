"""The first number of an iteration that is not finite: NaN, or an infinity."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from convstep.engine.recording import Iteration, Recording, TrainingState, run_iteration
from convstep.engine.timeline import Timeline
from convstep.engine.work import Work
from convstep.network.footprint import iteration_bytes
from convstep.ops.base import Array

_EVERY = 16
_LARGE_BYTES = 64 * 2**20


class NonFinite(NamedTuple):
    """A flat `element` of a tensor (as `State.read` names it) that operation `step` wrote; -1: there before."""

    iteration: int
    step: int
    tensor: str
    element: int
    value: float


def first_nonfinite(timeline: Timeline, iteration: Iteration) -> NonFinite | None:
    """The first in the order of the steps, then of the elements; what the file gives comes before them all."""
    with np.errstate(all="ignore"):
        return _first(timeline, iteration)


def _first(timeline: Timeline, iteration: Iteration) -> NonFinite | None:
    written = {step.tensor for step in timeline.steps if step.node is not None and not step.is_backward}
    for name, tensor in iteration.values.items():
        if name not in written and not all_finite(tensor):
            return _found(iteration.index, -1, name, tensor)
    for k, step in enumerate(timeline.steps):
        if step.is_backward:
            # A run for its results alone keeps the whole gradients only.
            given, whole = iteration.given.get(k), iteration.grads[step.tensor]
            if given is not None and not all_finite(given):
                return _found(iteration.index, k, step.writes, given)
            # The sum of what several users give may overflow where none of them does.
            if k == timeline.writers(step.writes)[-1] and whole is not given and not all_finite(whole):
                return _found(iteration.index, k, step.writes, whole)
        elif step.node is None:
            update = iteration.end.parameters[step.tensor]
            if not all_finite(update):
                return _found(iteration.index, k, f"new({step.tensor})", update)
        elif not all_finite(iteration.values[step.tensor]):
            return _found(iteration.index, k, step.tensor, iteration.values[step.tensor])
    return None


def all_finite(tensor: Array) -> bool:
    """Whether every number is finite."""
    if tensor.dtype.kind != "f":
        return True
    # One pass without a temporary: a sum that is no number comes from one that is none, and hardly from others.
    return math.isfinite(float(np.add.reduce(tensor, axis=None))) or bool(np.isfinite(tensor).all())


def _found(iteration: int, step: int, name: str, tensor: Array) -> NonFinite:
    flat = tensor.reshape(-1)
    index = int(np.flatnonzero(~np.isfinite(flat))[0])
    return NonFinite(iteration, step, name, index, float(flat[index]))


class Lookout:
    """Looks out for the first number that is not finite while a recording runs.

    Looking at every tensor of a small iteration takes a tenth of its time. So a small one is looked at whole each
    sixteenth time, and as soon as its loss is not finite; what is found then is traced back to the iteration in which
    it began. What comes and goes between two looks in a small net is not seen.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.found: NonFinite | None = None
        self.start: TrainingState | None = None
        """What the iteration in which it was found starts from."""
        self.sure = True
        """Whether there is nothing before what was found, and not only nothing that was seen."""
        self._seen: set[int] = set()
        self._every = 1 if iteration_bytes(recording.graph) >= _LARGE_BYTES else _EVERY
        self._clean = 0
        self._before: TrainingState | None = None

    def look(self, iteration: Iteration) -> None:
        """One more iteration was run."""
        if iteration.index == 0:
            self._before = iteration.start
        last = iteration.index == self.recording.timeline.iterations - 1
        lost = not math.isfinite(self.recording.losses.get(iteration.index, 0.0))
        if lost or last or iteration.index % self._every == 0:
            self.look_whole(iteration)

    def look_whole(self, iteration: Iteration) -> None:
        """Look at every tensor of an iteration, where that was not done before."""
        if iteration.index in self._seen or (self.found is not None and self.found.iteration <= iteration.index):
            return
        self._seen.add(iteration.index)
        found = first_nonfinite(self.recording.timeline, iteration)
        if found is not None:
            self.found, self.start = self._traced(found, iteration.start)
        elif iteration.index >= self._clean:
            self._clean = iteration.index + 1
            self._before = iteration.end if self._every > 1 else None

    def _traced(self, found: NonFinite, start: TrainingState) -> tuple[NonFinite, TrainingState]:
        """The first one of the iterations since the last look, and what its iteration starts from."""
        graph, timeline = self.recording.graph, self.recording.timeline
        state, self.sure = self._before, 0 <= found.iteration - self._clean < self._every
        if state is None or not self.sure:
            return found, start
        for k in range(self._clean, found.iteration):
            iteration = run_iteration(graph, timeline, k, state)
            earlier = first_nonfinite(timeline, iteration)
            if earlier is not None:
                return earlier, state
            state = iteration.end
        return found, state

    def search(self, work: Work) -> NonFinite | None:
        """The first of the whole run, running what has not been run. Raises Cancelled when the work is given up."""
        if self.found is None or not self.sure:
            self._clean, self._before = 0, None
            for k in range(self.recording.timeline.iterations):
                work.check()
                work.report(f"iteration {k}: is every number finite?", k / self.recording.timeline.iterations)
                iteration = self.recording.iteration(k, work=work)
                found = first_nonfinite(self.recording.timeline, iteration)
                if found is not None:
                    self.found, self.start, self.sure = found, iteration.start, True
                    break
        return self.found
