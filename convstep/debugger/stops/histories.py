"""What a watch was before: over the iterations, over the steps of this one, or over the terms of the present sum."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from convstep.debugger.stops.clock import Clock
from convstep.debugger.stops.inside import Inside, products_of, spread
from convstep.debugger.stops.timed import Evaluation, Timed
from convstep.debugger.stops.truth import Moments, Numbers, Truth, Words
from convstep.engine.recording import Recording
from convstep.engine.state import State
from convstep.engine.timeline import Place
from convstep.engine.work import TooLong
from convstep.explain.language.kinds import INSIDE, inside, kind_of, shape_of, uses
from convstep.explain.language.nodes import Before, Node, references, walk
from convstep.explain.naming import Names
from convstep.ops.base import IntArray

PARTS = 12
"""In how many parts of the same length the steps of an iteration are told."""
_MOST = 10_000
OF_STEPS = ("position", *INSIDE, "level", "phase", "layer", "op")
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


def over_terms(clock: Clock, node: Node, place: Place) -> History:
    """Over the terms of the present element up to the present one; on elements over the last few of them."""
    times, words = _told(clock, place, inside(node))
    over = "terms" if clock.level == "term" else "elements"
    if kind_of(node) == "truth":
        held = Truth(clock, node, place.iteration).holds(Moments(times, words))
        return History(tuple(held.astype(np.float64).tolist()), over, True) if len(times) > 1 else NONE
    if inside(node) - words.keys():
        return NONE
    there = np.logical_and.reduce([told.there for told in words.values()])
    always = np.array(-1)
    here = {word: Timed(told.values[there], always) for word, told in words.items()}
    here["position"] = Timed(times[there] + float(place.iteration * clock.count), always)
    values = Evaluation(clock, place.iteration).timed(node, here).values
    numbers = np.broadcast_to(values, times[there].shape)
    return History(tuple(numbers.tolist()), over) if len(numbers) > 1 else NONE


def _told(clock: Clock, place: Place, words: set[str]) -> tuple[IntArray, Words]:
    """Times up to the present one, (n,), and what there is then."""
    if place.step < 0 or place.element is None:
        return np.zeros(0, np.intp), {}
    there = Inside(clock, place.iteration, place.step)
    first = clock.span(place.step)[0]
    if there.step.scatters(clock.order):
        return _given(clock, place, there, words)
    if place.term is None:
        elements = np.arange(max(0, place.element + 1 - PARTS), place.element + 1)
        return first + elements, there.whole(elements, words)
    terms = np.arange(max(0, place.term + 1 - _MOST), place.term + 1)
    told = there.terms(np.array([place.element]), words)
    shape = (1, there.step.terms[clock.order])
    found = {word: spread(each, shape, (0, terms)) for word, each in told.items()}
    return first + place.element * shape[1] + terms, found


def _given(clock: Clock, place: Place, there: Inside, words: set[str]) -> tuple[IntArray, Words]:
    """In scatter order: the shares that the present element was given so far."""
    state = State(clock.recording, place, clock.order)
    if state.column_term is None or state.collected is None or state.target is None or place.element is None:
        return np.zeros(0, np.intp), {}
    sources = state.collected.links.index[0, : state.column_term + 1]
    real = np.flatnonzero(sources >= 0)[-_MOST:]
    # The time of an earlier share is that of its upstream element, near enough for a small picture.
    first = clock.span(place.step)[0]
    times = first + sources[real] * there.step.terms["scatter"]
    times[-1:] = first + place.element * there.step.terms["scatter"] + (place.term or 0)
    every = np.full(real.shape, True)
    told = products_of(state.collected)
    found = {word: Numbers(told[word].values[0, real], every) for word in words & told.keys()}
    for word, index in there.indices(np.full(real.shape, state.target), words).items():
        found[word] = index
    if "term" in words:
        taps = (times - first) % there.step.terms["scatter"]
        found["term"] = Numbers(taps.astype(np.float64), np.arange(len(real)) == len(real) - 1)
    if "value" in words:
        last = (np.arange(len(real)) == len(real) - 1) & state.ends_element
        found["value"] = Numbers(np.full(real.shape, there.values[state.target]), last)
    return times, found
