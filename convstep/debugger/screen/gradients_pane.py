"""The pane *Accumulated gradients*: what has been collected so far, and what is to come."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from convstep.debugger.screen.stage import Stage, shape_note
from convstep.debugger.screen.view import Block, Blocks, Note, Status
from convstep.engine.timeline import Step
from convstep.explain.numbers import short
from convstep.explain.sentences import count_of
from convstep.ops.base import IntArray


def gradients_pane(stage: Stage) -> Sequence[Block]:
    """The gradient being written, the upstream one, then the others, the latest first."""
    gradients, state, step = stage.state.timeline.gradients, stage.state, stage.step
    if not gradients.keys:
        return [Note("There is no loss and no given gradient: nothing flows back.", "caption")]
    done, coming = gradients.complete(state.place.step), gradients.coming(state.place.step)
    if step is None or not state.backward_begun():
        blank = Note("blank until the backward pass", "caption")
        return Blocks.below([blank], _grids(stage, np.concatenate([coming, done])))
    names = [f"grad({step.tensor})", *([f"grad({step.layer})"] if step.is_backward else [])]
    front = [gradients.numbers[name] for name in dict.fromkeys(names) if name in gradients.numbers]
    rest = np.concatenate([done, coming])
    for number in front:
        rest = rest[rest != number]
    written = front[:1] if front[:1] == [gradients.numbers.get(step.writes)] else []
    cleared = Note("gradients are cleared at the start of an iteration", "caption")
    return Blocks.below(
        _grids(stage, np.array(written, np.intp)),
        _users(stage, step) if written else [],
        _grids(stage, np.concatenate([np.array(front[len(written) :], np.intp), rest])),
        [cleared],
    )


def _grids(stage: Stage, order: IntArray) -> Blocks:
    """The gradients of these numbers, each made when it is looked at."""
    gradients = stage.state.timeline.gradients

    def gradient(k: int) -> Block:
        key = gradients.keys[order[k]]
        return stage.tensor(key, _note(stage, key))

    def place(key: str) -> int | None:
        at = np.flatnonzero(order == gradients.numbers.get(key, -1))
        return int(at[0]) if len(at) else None

    return Blocks(len(order), gradient, place)


def _note(stage: Stage, key: str) -> str:
    """How far a gradient is: its shape while blank, `1 of 4 begun`, `complete`."""
    state, step = stage.state, stage.step
    shape = shape_note(stage.names.shape(key))
    if not state.backward_begun() or step is None:
        return shape
    writers = state.timeline.writers(key)
    before = [k for k in writers if k < state.place.step]
    if step.writes == key and state.place.element is not None:
        size = prod(step.shape)
        if state.scatters:
            sources = prod(step.upstream_shape)
            word = "given" if stage.ends_element else "begun"
            return f"{state.place.element + 1:,} of {sources:,} {word}"
        word = "done" if state.complete else "begun"
        return f"{state.place.element + 1:,} of {size:,} {word}"
    done = len(before) + (step.writes == key)
    if done == len(writers):
        return "complete"
    return f"{done} of {len(writers)} users done" if done else shape


def _users(stage: Stage, step: Step) -> list[Block]:
    """What each user of the tensor gave to the present element, where there are several."""
    writers = stage.state.timeline.writers(step.writes)
    if len(writers) < 2:
        return []
    target = stage.state.target
    if target is None:
        users = [_user(stage, k, _progress(stage, step, k)) for k in writers]
        return [Note(f"{count_of(len(writers), 'user')}: {', '.join(users)}")]
    parts = []
    for k in writers:
        value, status = stage.state.given_so_far(k, target)
        number = "·" if status == Status.BLANK else short(value)
        tail = {Status.BLANK: "", Status.PARTIAL: "…", Status.DONE: " ✓"}[Status(int(status))]
        parts.append(_user(stage, k, f"= {number}{tail}" if status != Status.BLANK else "·"))
    return [Note(f"{stage.names.element(step.writes, target, step.shape)}: {', '.join(parts)}")]


def _progress(stage: Stage, step: Step, k: int) -> str:
    """Whether operation k has given all that it gives: `✓`, `…`, `·`."""
    place = stage.state.place
    if k != place.step:
        return "✓" if k < place.step else "·"
    last = prod(step.element_shape(stage.state.order)) - 1
    return "✓" if place.element is None or (place.element == last and stage.ends_element) else "…"


def _user(stage: Stage, k: int, state: str) -> str:
    return f"via {stage.names.tensor(stage.state.timeline.steps[k].layer)} {state}"
