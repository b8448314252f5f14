"""What a person types to go somewhere: `o1`, `grad(w1)[3]`, `term 32`, `35%`, `iteration 2`."""

from __future__ import annotations

import re
from math import prod

import numpy as np

from convstep.debugger.moves import Landing, Spot, place_of
from convstep.engine.recording import Recording
from convstep.engine.state import State, Status, split_name
from convstep.engine.sums import collect
from convstep.engine.timeline import LEVELS, Level, Place
from convstep.errors import ConvstepError
from convstep.explain.naming import Names

_LEVELS: dict[str, Level] = {"op": "op", "operation": "op", "element": "element", "term": "term"}
_LEVEL = re.compile(rf"({'|'.join(_LEVELS)})\s+(-?\d+)")
_ITERATION = re.compile(r"iteration\s+(-?\d+)")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_POSITION = re.compile(r"-?\d+")
_PHASE = re.compile(r"(forward|backward|update)\s+(\S.*)")


def find(recording: Recording, names: Names, spot: Spot, text: str) -> Landing:
    """Where the text leads. Raises ConvstepError where it leads nowhere, and says what would."""
    text = text.strip()
    if not text:
        raise ConvstepError("where to? o1, grad(w1)[3], term 32, 35%, iteration 2, backward o2, nan, start, end")
    if text in ("start", "end"):
        position = -1 if text == "start" else recording.timeline.length(spot.level, spot.order) - 1
        return Landing(Spot(spot.level, spot.order, position))
    if match := _LEVEL.fullmatch(text):
        return _position(recording, Spot(_LEVELS[match[1]], spot.order, int(match[2])))
    if match := _ITERATION.fullmatch(text):
        return _iteration(recording, spot, int(match[1]))
    if match := _PERCENT.fullmatch(text):
        if float(match[1]) > 100:
            raise ConvstepError("a part of the iteration is 0% to 100%")
        return share(recording, spot, float(match[1]) / 100)
    if _POSITION.fullmatch(text):
        return _position(recording, Spot(spot.level, spot.order, int(text)))
    if match := _PHASE.fullmatch(text):
        return _phase(recording, names, spot, match[1], match[2].strip())
    loss = recording.graph.loss
    if text == "loss" and loss is not None and text not in names.all():
        text = loss.name
    key, index = names.parse(text)
    return tensor(recording, names, spot, key, index)


def share(recording: Recording, spot: Spot, part: float) -> Landing:
    """A part, 0 to 1, of the present iteration."""
    count = recording.timeline.count(spot.level, spot.order)
    iteration = max(place_of(recording.timeline, spot).iteration, 0)
    within = round(min(max(part, 0.0), 1.0) * count) - 1
    return Landing(Spot(spot.level, spot.order, iteration * count + within))


def _position(recording: Recording, spot: Spot) -> Landing:
    length = recording.timeline.length(spot.level, spot.order)
    if not -1 <= spot.position < length:
        raise ConvstepError(f"{spot.level} positions go from 0 to {length - 1:,} (-1 is the start)")
    return Landing(spot)


def _iteration(recording: Recording, spot: Spot, iteration: int) -> Landing:
    last = recording.timeline.iterations - 1
    if not 0 <= iteration <= last:
        raise ConvstepError(f"iterations go from 0 to {last}")
    position = iteration * recording.timeline.count(spot.level, spot.order)
    return Landing(Spot(spot.level, spot.order, position), f"the first step of iteration {iteration}")


def _phase(recording: Recording, names: Names, spot: Spot, phase: str, name: str) -> Landing:
    """`forward o2`, `update w1`, or the first step of `backward o2`."""
    key, index = names.parse(name)
    if index is not None:
        raise ConvstepError(f"{phase} takes the name of a layer or a parameter; g {name} goes to one element")
    if phase == "update":
        return tensor(recording, names, spot, f"new({key})", None)
    steps = recording.timeline.steps
    phases = ("forward", "loss") if phase == "forward" else ("backward",)
    found = [k for k, step in enumerate(steps) if step.phase in phases and key in (step.layer, step.tensor)]
    found = [k for k in found if steps[k].layer == key] or found
    if not found:
        raise ConvstepError(f"no step of the {phase} phase is about {names.tensor(key)}")
    iteration = place_of(recording.timeline, spot).iteration
    position = recording.timeline.position(spot.order, Place(iteration, found[0]))
    return Landing(Spot("op", spot.order, position))


def tensor(recording: Recording, names: Names, spot: Spot, key: str, index: int | None) -> Landing:
    """The operation that wrote a tensor (its last contribution to a gradient), or the step of one element."""
    timeline = recording.timeline
    iteration = place_of(timeline, spot).iteration
    kind, name = split_name(key)
    writers = _writers(recording, key)
    written = names.tensor(key)
    if kind == "value" and not writers:
        updates = _writers(recording, f"new({name})") if name in recording.graph.parameters else []
        if updates and iteration > 0:
            writers, iteration, kind = updates, iteration - 1, "new"
        else:
            what = "a parameter" if name in recording.graph.parameters else "an input"
            remedy = f"; new({written}) is its update" if updates else ""
            raise ConvstepError(f"{written} is {what}, there from the start: no step before this one wrote it{remedy}")
    graph = recording.graph
    if kind == "grad" and not writers and name in ([graph.loss.name] if graph.loss else graph.seeds):
        raise ConvstepError(f"{written} is there before the backward pass: it starts from it, and no step writes it")
    if not writers:
        raise ConvstepError(f"no step writes {written}: the loss does not depend on it, or nothing updates it")
    place = Place(iteration, writers[-1])
    if index is None:
        return Landing(Spot("op", spot.order, timeline.position(spot.order, place)))
    return element(recording, spot, place._replace(element=index))


def element(recording: Recording, spot: Spot, place: Place) -> Landing:
    """The step that finishes a place's element: in scatter order that of the last upstream element that gives to it.

    Where none does, it is finished with the operation.
    """
    step = recording.timeline.steps[place.step]
    if step.scatters(spot.order):
        last = prod(step.upstream_shape) - 1
        place = place._replace(element=max(_sources(recording, place, place.element or 0), default=last))
    return Landing(Spot("element", spot.order, recording.timeline.position(spot.order, place)))


def gradient(recording: Recording, names: Names, spot: Spot, iteration: int, name: str, index: int) -> Landing:
    """The step that made an element of a parameter's gradient in an iteration."""
    there = Spot("op", spot.order, iteration * recording.timeline.count("op", spot.order))
    key = f"grad({name})"
    made = names.element(key, index, names.shape(key))
    landing = tensor(recording, names, there, key, index)
    return Landing(landing.spot, f"{made} of iteration {iteration} came from here")


def _writers(recording: Recording, key: str) -> list[int]:
    kind, name = split_name(key)
    steps = recording.timeline.steps
    found = recording.timeline.writers(key if kind == "grad" else name)
    return [k for k in found if (steps[k].phase == "update") == (kind == "new")]


def _sources(recording: Recording, place: Place, index: int) -> list[int]:
    """The upstream elements that give to an element of the gradient that a backward step writes."""
    step = recording.timeline.steps[place.step]
    sources = collect(step, recording.iteration(place.iteration), np.array([index])).links.index[0]
    return [int(source) for source in sources if source >= 0]


def writer(recording: Recording, names: Names, spot: Spot, key: str, index: int) -> Landing:
    """The step that wrote the number one sees now: the last one so far that gave to the element."""
    timeline = recording.timeline
    state = State(recording, place_of(timeline, spot), spot.order)
    landing = tensor(recording, names, spot, key, index)
    writers = [k for k in _writers(recording, key) if k <= state.place.step]
    if split_name(key)[0] == "grad":
        writers = [k for k in writers if state.given_so_far(k, index)[1] != Status.BLANK]
    elif state.read(key, np.array([index]))[1][0] == Status.BLANK:
        writers = []
    if not writers and _writers(recording, key):
        raise ConvstepError(f"{names.element(key, index, names.shape(key))} is not written yet")
    if not writers:
        return landing
    at = Place(state.place.iteration, writers[-1])
    now = state.scatters and at.step == state.place.step and state.place.element is not None
    if not now:
        return element(recording, spot, at._replace(element=index))
    at = at._replace(element=_last_giver(state, index))
    return Landing(Spot("element", spot.order, timeline.position(spot.order, at)))


def _last_giver(state: State, index: int) -> int:
    """In the middle of a scatter step: the last upstream element that has given to an element so far, else this one."""
    now = state.place
    assert state.shares is not None and now.element is not None
    given = state.shares.target[: None if now.term is None else now.term + 1]
    sources = _sources(state.recording, now, index)
    return max((s for s in sources if s < now.element + int(index in given)), default=now.element)


def completions(names: Names, recording: Recording) -> list[str]:
    """What may be typed first: names, gradients, levels, phases, searches."""
    steps = recording.timeline.steps
    written = sorted({names.tensor(f"new({step.tensor})" if step.phase == "update" else step.writes) for step in steps})
    layers = list(dict.fromkeys(step.layer for step in steps))
    updated = [names.tensor(step.tensor) for step in steps if step.phase == "update"]
    backward = list(dict.fromkeys(step.layer for step in steps if step.is_backward))
    return [
        *written,
        *(f"{level} " for level in LEVELS),
        "iteration ",
        "start",
        "end",
        "nan",
        "sum > ",
        *(["loss > "] if recording.graph.loss else []),
        *(f"forward {layer}" for layer in layers),
        *(f"backward {layer}" for layer in backward),
        *(f"update {name}" for name in updated),
        *(f"last {name}" for name in written),
    ]
