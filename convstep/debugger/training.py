"""Training as a whole: the loss, the learning rate and the gradient of each iteration, as far as it was run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from convstep.engine.recording import Iteration, Recording
from convstep.engine.work import QUIET, Work
from convstep.explain.summary import statistics

if TYPE_CHECKING:
    from convstep.debugger.session import Session


@dataclass(frozen=True)
class Point:
    """One iteration. `loss` is None without a loss, `rate` without an optimizer; `norm` is √Σg² over all parameters."""

    loss: float | None
    rate: float | None
    norm: float


class Course:
    """The points of one recording, by iteration. They are added while another thread reads them."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.points: dict[int, Point] = {}

    @property
    def iterations(self) -> int:
        return self.recording.timeline.iterations

    @property
    def complete(self) -> bool:
        return len(self.points) == self.iterations

    def run(self, work: Work = QUIET) -> None:
        """Run the iterations of which nothing is known, in order. Raises Cancelled; what was run stays."""
        for k in range(self.iterations):
            if k not in self.points:
                work.report(f"iteration {k} of {self.iterations}", k / self.iterations)
                self.points[k] = _point(self.recording, self.recording.iteration(k, work=Silent(work)))

    def heights(self) -> npt.NDArray[np.float64]:
        """A curve over the iterations: the loss, without one the gradient's norm.

        NaN where an iteration was not run; infinite where it came to no finite number.
        """
        heights = np.full(self.iterations, np.nan)
        for k, point in list(self.points.items()):
            height = point.norm if point.loss is None else point.loss
            heights[k] = height if math.isfinite(height) else math.inf
        return heights


def courses(session: Session) -> list[Course]:
    """The course of the session's run and, with edits in force, then that of the original one; kept between calls."""
    recordings = dict.fromkeys((session.recording, session.trial.original))
    known = {course.recording: course for course in session.courses}
    session.courses = [known.get(recording) or Course(recording) for recording in recordings]
    return session.courses


class Silent(Work):
    """The same work, of which somebody else tells how far it is."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def check(self) -> None:
        self._work.check()


def _point(recording: Recording, iteration: Iteration) -> Point:
    graph = recording.graph
    optimizer = graph.optimizer_at(iteration.index)
    found = [statistics(grad) for name, grad in iteration.grads.items() if name in graph.parameters]
    norm = math.nan if any(one.nonfinite for one in found) else math.hypot(*(one.norm for one in found))
    loss = None if graph.loss is None else float(iteration.values[graph.loss.name].sum())
    return Point(loss, None if optimizer is None else optimizer.lr, norm)
