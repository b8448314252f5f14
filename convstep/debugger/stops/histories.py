"""What a watch was before: over the iterations, over the steps of this one, or over the terms of the present sum."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from convstep.debugger.stops.clock import Clock
from convstep.debugger.stops.running_sums import sums_of
from convstep.debugger.stops.timed import Evaluation, Timed
from convstep.debugger.stops.truth import Moments, Truth
from convstep.engine.recording import Recording
from convstep.engine.state import State
from convstep.engine.sums import Floats
from convstep.engine.timeline import Place
from convstep.engine.work import TooLong
from convstep.explain.language.kinds import kind_of, shape_of, uses
from convstep.explain.language.nodes import Before, Node, references, walk
from convstep.explain.naming import Names

PARTS = 12
"""In how many parts of the same length the steps of an iteration are told."""
_MOST = 10_000
OF_STEPS = ("position", "sum", "level", "phase", "layer", "op")
"""What changes from step to step: at the end of an iteration it says nothing."""


@dataclass(frozen=True)
class History:
    """Numbers, the present one last. Those of `truths` are shares of the time, 0 to 1, for which it held.

    `over` says what they go over: "iterations", "steps", "elements" or "terms"; `of`, where it is not the value, of
    what they are.
    """

    numbers: tuple[float, ...] = ()
    over: str = "iterations"
    truths: bool = False
    of: str = ""


NONE = History()


@dataclass
class Histories:
    """The values of watches at the end of each iteration that was run while they were watched."""

    recording: Recording
    names: Names
    loss: str | None
    _values: dict[str, dict[int, float]] = field(default_factory=dict)

    def note(self, text: str, node: Node, iteration: int) -> None:
        """Take note of one iteration that is at hand."""
        known = self._values.setdefault(text, {})
        if iteration in known or uses(node, *OF_STEPS):
            return
        clock = Clock(self.recording, "op", "gather")
        try:
            if kind_of(node) == "truth":
                ended = Moments(np.array([clock.count - 1]))
                known[iteration] = float(Truth(clock, node, iteration).holds(ended)[0])
            else:
                values = Evaluation(clock, iteration).timed(node).values
                known[iteration] = float(np.abs(values).max(initial=0.0) if self.of(node) else values)
        except TooLong:  # an earlier iteration is asked for, and is not at hand
            return

    def of(self, node: Node) -> str:
        """What is noted of a tensor in place of the tensor itself."""
        return "max|x|" if shape_of(node, self.names) else ""

    def noted(self, text: str, node: Node, until: int) -> tuple[float, ...]:
        """Its values in the iterations before `until`: the loss of each one that was run is known."""
        losses = self.recording.losses
        if not references(node):
            cheap = list(range(until))
        elif references(node) == {self.loss} and not self.names.shape(self.loss or ""):
            earlier = any(isinstance(each, Before) for each in walk(node))
            cheap = [k for k in losses if k < until and (not earlier or not k or k - 1 in losses)]
        else:
            cheap = []
        for iteration in cheap[-_MOST:]:
            self.note(text, node, iteration)
        known = self._values.get(text, {})
        return tuple(known[k] for k in sorted(known) if k < until)[-_MOST:]


def over_steps(clock: Clock, node: Node, iteration: int, time: int) -> History:
    """Over the steps of an iteration up to a time: a number at the end of each of some parts of the same length."""
    parts = min(PARTS, time + 1)
    if parts < 2:
        return NONE
    ends = (np.arange(parts) + 1) * (time + 1) // parts - 1
    here = {"position": Timed(ends + float(iteration * clock.count), np.array(-1))}
    timed = Evaluation(clock, iteration).timed(node, here)
    there = np.broadcast_to(timed.known, ends.shape) <= ends
    return History(tuple(np.broadcast_to(timed.values, ends.shape)[there].tolist()), "steps")


def held_over_steps(truth: Truth, time: int) -> History:
    """Over the steps of an iteration up to a time: for which share of each part a condition held. No sum is in it."""
    parts = min(PARTS, time + 1)
    if parts < 2:
        return NONE
    times = truth.changes()
    times = times[times <= time]
    held = truth.holds(Moments(times)).astype(np.float64)
    # How long it held up to each change, and so, between two of them, up to any time.
    marks = np.append(times, time + 1)
    so_far = np.append(0.0, np.cumsum(held * np.diff(marks)))
    edges = np.arange(parts + 1) * (time + 1) / parts
    shares = np.diff(np.interp(edges, marks, so_far)) * parts / (time + 1)
    return History(tuple(np.clip(np.round(shares, 9), 0.0, 1.0).tolist()), "steps", True)


def over_sums(clock: Clock, node: Node, place: Place) -> History:
    """Over the running sums of the present element up to the present term; on elements over the last few of them."""
    times, sums = _sums(clock, place)
    if len(times) < 2:
        return NONE
    over = "terms" if clock.level == "term" else "elements"
    if kind_of(node) == "truth":
        held = Truth(clock, node, place.iteration).holds(Moments(times, sums, np.full(times.shape, True)))
        return History(tuple(held.astype(np.float64).tolist()), over, True)
    always = np.array(-1)
    here = {"position": Timed(times + float(place.iteration * clock.count), always), "sum": Timed(sums, always)}
    values = Evaluation(clock, place.iteration).timed(node, here).values
    return History(tuple(np.broadcast_to(values, times.shape).tolist()), over)


def _sums(clock: Clock, place: Place) -> tuple[np.ndarray, Floats]:
    """Times up to the present one, and the running sums there."""
    nothing = np.zeros(0, np.intp), np.zeros(0)
    if place.step < 0 or place.element is None:
        return nothing
    step, iteration = clock.timeline.steps[place.step], clock.iteration(place.iteration)
    first = clock.span(place.step)[0]
    if step.scatters(clock.order):
        state = State(clock.recording, place, clock.order)
        if state.column_term is None or state.collected is None:
            return nothing
        sources = state.collected.links.index[0, : state.column_term + 1]
        real = np.flatnonzero(sources >= 0)[-_MOST:]
        # The time of an earlier share is that of its upstream element, near enough for a small picture.
        times = first + sources[real] * step.terms["scatter"]
        times[-1:] = first + place.element * step.terms["scatter"] + (place.term or 0)
        return times, state.collected.sums[0, real]
    if place.term is None:
        elements = np.arange(max(0, place.element + 1 - PARTS), place.element + 1)
        whole = sums_of(step, iteration, elements).whole()
        return first + elements[whole.summed], whole.values[whole.summed]
    sums = sums_of(step, iteration, np.array([place.element]))
    terms = np.flatnonzero(sums.summed[0, : place.term + 1])[-_MOST:]
    return first + place.element * step.terms[clock.order] + terms, sums.values[0, terms]
