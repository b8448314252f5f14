"""`l`: the loss over the iterations; scrub through them, and go to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.strip import Strip
from textual.timer import Timer

from convstep.debugger.training import Course
from convstep.explain.numbers import short
from convstep.tui.dialogs.choosing import ChoosingDialog
from convstep.tui.jobs import Jobs
from convstep.tui.widgets.lines import Lines
from convstep.tui.widgets.plot import Floats, plot_lines

WEIGHT = "weight"
_TICK = 0.1
_LONGEST_NUMBER = 9
_NO_CURVE = "One iteration is no curve yet: --iterations 20 runs more, and so does iterations: 20 in the file."


class TrainingDialog(ChoosingDialog):
    """Answers an iteration to go to, or WEIGHT; while iterations are still run, escape stops that first.

    `courses` are that of the run and, where there are edits, that of the original one; `loss` is the loss's name.
    """

    KEYS = ("← → choose", "enter goes there", "w follows a weight")
    BINDINGS = [Binding("w", "weight", "Follow a weight", show=False)]

    def __init__(self, courses: Sequence[Course], loss: str, chosen: int, jobs: Jobs) -> None:
        super().__init__("Iterations", chosen)
        self.courses, self.loss, self.jobs = courses, loss, jobs
        self.typed = ""
        self._curves: tuple[Floats, Floats] | None = None
        self._known = 0
        self._answer: Any = None
        self._ticks: Timer | None = None

    @property
    def course(self) -> Course:
        return self.courses[0]

    # What is run meanwhile

    def on_mount(self) -> None:
        self._ticks = self.set_interval(_TICK, self._tick)

    def _tick(self) -> None:
        """Draw what has been run meanwhile; once nothing is run any more, give the answer that waits for that."""
        self.draw()
        if self.jobs.job is not None:
            return
        if self._answer is not None:
            self.dismiss(self._answer)
        elif self._ticks is not None:
            self._ticks.stop()

    def _give(self, answer: Any) -> None:
        """Close with an answer; what is still run is stopped first, and waited for."""
        if self.jobs.give_up():
            self._answer = answer
        else:
            self.dismiss(answer)

    # What is drawn

    def lines(self, size: Size) -> list[Strip]:
        above = self.text([self._told(), self._progress()], size.width)
        if self.course.iterations < 2:
            return above
        room = size.height - len(above)
        return [*above, *plot_lines(*self.curves, self.chosen, size.width, room, self.palette, Lines.ascii)]

    @property
    def curves(self) -> tuple[Floats, Floats]:
        """The run's curve and the one behind it, made anew when more of them was run."""
        known = sum(len(course.points) for course in self.courses)
        if self._curves is None or self._known != known:
            self._known = known
            behind = self.courses[1].heights() if len(self.courses) > 1 else np.full(self.course.iterations, np.nan)
            self._curves = self.course.heights(), behind
        return self._curves

    def _told(self) -> str:
        """The chosen iteration in numbers."""
        k, point = self.chosen, self.course.points.get(self.chosen)
        if point is None:
            return f"iteration {k} of {self.course.iterations}: not run yet"
        parts = [f"{self.loss} = {short(point.loss)}{self._without_edits(k)}"] if point.loss is not None else []
        parts += [f"lr = {short(point.rate)}"] if point.rate is not None else []
        parts.append(f"gradient norm = {short(float(f'{point.norm:.4g}'))}")
        return f"iteration {k} of {self.course.iterations}: {', '.join(parts)}"

    def _without_edits(self, k: int) -> str:
        before = self.courses[-1].points.get(k)
        if len(self.courses) < 2 or before is None or before.loss is None:
            return ""
        return f" (without edits {short(before.loss)})"

    def _progress(self) -> str:
        if self.jobs.job is not None:
            return f"running {self.jobs.job.line()}"
        if self.typed:
            return f"to iteration {self.typed}…"
        if self.course.iterations < 2:
            return _NO_CURVE
        bad = np.flatnonzero(np.isinf(self.curves[0]))
        if bad.size:
            often = f"iteration {bad[0]}" if bad.size == 1 else f"{bad.size} iterations, first in iteration {bad[0]}"
            return f"× {self.loss} is NaN or Inf in {often}"
        ran, count = len(self.course.points), self.course.iterations
        stopped = "" if ran == count else f" {ran} of {count} iterations were run."
        behind = ", behind it the run without edits" if len(self.courses) > 1 else ""
        return f"{self.loss or 'gradient norm'} over the iterations{behind}; a number chooses its iteration.{stopped}"

    # Keys

    def on_key(self, event: events.Key) -> None:
        """A digit of a number that is being typed: the iteration it names so far is chosen."""
        if event.character and event.character.isdecimal() and len(self.typed) < _LONGEST_NUMBER:
            self.typed += event.character
            self.chosen = min(int(self.typed), self.course.iterations - 1)
            self.draw()

    @property
    def count(self) -> int:
        return self.course.iterations

    @property
    def leap(self) -> int:
        return self.count // 10

    def action_move(self, by: int) -> None:
        self.typed = ""
        super().action_move(by)

    def action_take(self) -> None:
        self._give(self.chosen)

    def action_weight(self) -> None:
        self._give(WEIGHT)

    def action_leave(self) -> None:
        if not self.jobs.give_up():
            self.dismiss(None)
