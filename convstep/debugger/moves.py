"""Where each key lands: arithmetic on positions. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from convstep.engine.blanks import blanks_beyond
from convstep.engine.recording import Recording
from convstep.engine.state import Codes, State
from convstep.engine.sums import shares
from convstep.engine.timeline import LEVELS, START, Level, Order, Place, Step, Timeline
from convstep.explain.naming import Names
from convstep.ops.base import Empty

_LEVEL_WORDS = {"op": "an operation", "element": "an element", "term": "a term"}


@dataclass(frozen=True)
class Spot:
    """A position with its level and order: all that is needed to come back."""

    level: Level
    order: Order
    position: int


class Wording(str):
    """A message for a wide line, with `shorter` ones, the longest first, for where there is less room."""

    shorter: tuple[str, ...]

    def __new__(cls, text: str, *shorter: str) -> Wording:
        wording = super().__new__(cls, text)
        wording.shorter = shorter
        return wording


class Landing(NamedTuple):
    """Where a move ends, and what there is to say about it; `near` is a state there, if one had to be made."""

    spot: Spot
    message: str = ""
    near: State | None = None


def place_of(timeline: Timeline, spot: Spot) -> Place:
    """The place that a spot stands for."""
    return timeline.place(spot.level, spot.order, spot.position)


def forward(recording: Recording, spot: Spot, near: State | None = None) -> Landing:
    """The next step of this level. Empty terms are passed over, and counted. `near` as of `State`."""
    last = recording.timeline.length(spot.level, spot.order) - 1
    if spot.position >= last:
        return Landing(spot, "this is the last step; N goes back, home to the start")
    return _walk(recording, spot, 1, last, near)


def backward(recording: Recording, spot: Spot, near: State | None = None) -> Landing:
    """The previous step of this level. Empty terms are passed over, and counted. `near` as of `State`."""
    if spot.position < 0:
        return Landing(spot, "this is the start: nothing has happened yet")
    return _walk(recording, spot, -1, -1, near)


def _walk(recording: Recording, spot: Spot, direction: int, edge: int, near: State | None) -> Landing:
    position = spot.position + direction
    passed, reasons = 0, set[int]()
    while spot.level == "term" and position >= 0 and position != edge:
        near = State(recording, recording.timeline.place("term", spot.order, position), spot.order, near)
        empty, term = near.empty_terms, near.place.term
        assert term is not None
        if empty is None or empty[term] == Empty.NO:
            break
        for run in _empty_runs(near, empty[term:] if direction > 0 else empty[term::-1], direction):
            run = run[: abs(edge - position)]
            reasons |= set(np.unique(run))
            passed += len(run)
            position += direction * len(run)
    message = ""
    if passed:
        terms = "1 empty term" if passed == 1 else f"{passed:,} empty terms"
        words = ", ".join(sorted(Empty(code).words for code in reasons))
        message = f"passed over {terms} ({words}): nothing is added there"
    return Landing(replace(spot, position=position), message, near)


def _empty_runs(state: State, ahead: Codes, direction: int) -> Iterator[Codes]:
    """The empty terms `ahead` in the present element up to a full one; without any, those of blank elements beyond."""
    full = np.flatnonzero(ahead == Empty.NO)
    yield ahead[: full[0]] if len(full) else ahead
    if not len(full):
        for codes in blanks_beyond(state.recording, state.place, state.order, direction):
            yield codes.reshape(-1)


def into(recording: Recording, names: Names, spot: Spot, last: bool) -> Landing:
    """The first or the last finer step inside the current one."""
    timeline = recording.timeline
    place = place_of(timeline, spot)
    if spot.level == "term":
        return Landing(spot, "a term is the finest step; f comes out")
    finer = LEVELS[LEVELS.index(spot.level) + 1]
    if place.step < 0:
        if last:
            return Landing(spot, "nothing has happened yet, so there is no last step inside; s goes in")
        return Landing(Spot(finer, spot.order, 0))
    step = timeline.steps[place.step]
    count = step.elements[spot.order] if finer == "element" else step.terms[spot.order]
    at = count - 1 if last else 0
    inside = place._replace(element=at) if finer == "element" else place._replace(term=at)
    message = "" if last else f"rebuilding {_what(names, step, place, spot.order)}: 1 of {count:,}"
    return Landing(Spot(finer, spot.order, timeline.position(spot.order, inside)), message)


def _what(names: Names, step: Step, place: Place, order: Order) -> str:
    """What an operation or element step is about: the tensor, its element, or in scatter order the shares of one."""
    if place.element is None:
        return names.tensor(step.writes)
    if step.scatters(order):
        return f"the shares of {names.element(f'grad({step.layer})', place.element, step.upstream_shape)}"
    return names.element(step.writes, place.element, step.shape)


def out(recording: Recording, spot: Spot, before: bool) -> Landing:
    """One level coarser: on the step that contains this one, or on the one before it.

    On operations, the end or the start of the iteration.
    """
    timeline = recording.timeline
    place = place_of(timeline, spot)
    if spot.level == "op":
        count = timeline.count("op", spot.order)
        position = place.iteration * count + (-1 if before else count - 1)
        if position == spot.position:
            edge = "start" if before else "end"
            return Landing(spot, f"this is the {edge} of iteration {place.iteration} already")
        return Landing(replace(spot, position=position))
    coarser = LEVELS[LEVELS.index(spot.level) - 1]
    if place == START:
        return Landing(Spot(coarser, spot.order, -1))
    outside = place._replace(term=None) if coarser == "element" else place._replace(element=None, term=None)
    position = timeline.position(spot.order, outside) - before
    return Landing(Spot(coarser, spot.order, position))


def switch_order(recording: Recording, spot: Spot) -> Landing:
    """The other order, on the same product."""
    timeline = recording.timeline
    order: Order = "scatter" if spot.order == "gather" else "gather"
    place = place_of(timeline, spot)
    words = {
        "gather": "gather: each gradient element collects all its products",
        "scatter": "scatter: each upstream element gives its share to all that fed it",
    }
    if place.element is None or place.step < 0 or not timeline.steps[place.step].is_backward:
        return Landing(Spot(spot.level, order, timeline.position(order, place)), words[order])
    found = _to_scatter(recording, place) if order == "scatter" else _to_gather(recording, place)
    if found is None:
        return Landing(spot, "this term is empty: it has no place in the other order; n goes on to a full one")
    return Landing(Spot(spot.level, order, timeline.position(order, found)), words[order])


def _to_scatter(recording: Recording, place: Place) -> Place | None:
    """The share that is the present term; for a whole element, the last share it gets."""
    state = State(recording, place, "gather")
    assert state.step is not None and state.collected is not None
    index = state.collected.links.index[0]
    term = place.term
    if term is None:
        real = np.flatnonzero(index >= 0)
        if not len(real):
            return None
        term = int(real[-1])
    source = int(index[term])
    if source < 0:
        return None
    if place.term is None:
        return place._replace(element=source)
    nth = int((index[:term] == source).sum())
    target = shares(state.step, state.iteration, source).target
    return place._replace(element=source, term=int(np.flatnonzero(target == place.element)[nth]))


def _to_gather(recording: Recording, place: Place) -> Place | None:
    """The term that is the present share; for a whole upstream element, the last element it gives to."""
    state = State(recording, place, "scatter")
    assert state.shares is not None
    if place.term is None:
        real = state.shares.target[state.shares.target >= 0]
        return place._replace(element=int(real[-1])) if len(real) else None
    if state.target is None or state.column_term is None:
        return None
    return place._replace(element=state.target, term=state.column_term)
