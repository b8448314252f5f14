"""The pane *Accumulated gradients*: what has been collected so far, and what is to come."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod

from convstep.debugger.screen.stage import Stage, shape_note
from convstep.debugger.screen.view import Block, Lazy, Note, Status
from convstep.engine.timeline import Step
from convstep.explain.numbers import short
from convstep.explain.sentences import count_of


def gradients_pane(stage: Stage) -> Sequence[Block]:
    """The gradient being written, the upstream one, then the others, the latest first."""
    keys = _keys(stage)
    if not keys:
        return [Note("There is no loss and no given gradient: nothing flows back.", "caption")]
    step = stage.step
    if step is None or not stage.state.backward_begun():
        first: list[Block] = [Note("blank until the backward pass", "caption")]
        return _blocks(stage, keys, before=first)
    own = keys[:1] if keys[0] == step.writes else []
    blocks: list[Block] = [stage.tensor(key, _note(stage, key)) for key in own]
    if own:
        blocks += _users(stage, step)
    cleared: list[Block] = [Note("gradients are cleared at the start of an iteration", "caption")]
    return _blocks(stage, keys[len(own) :], blocks, cleared)


def _blocks(
    stage: Stage, keys: Sequence[str], before: Sequence[Block] = (), after: Sequence[Block] = ()
) -> Sequence[Block]:
    def gradient(key: str) -> Block:
        return stage.tensor(key, _note(stage, key))

    def there(block: Block) -> Block:
        return block

    return Lazy(
        [
            *(partial(there, block) for block in before),
            *(partial(gradient, key) for key in keys),
            *(partial(there, block) for block in after),
        ]
    )


def _keys(stage: Stage) -> list[str]:
    """Every gradient, the most interesting first."""
    timeline, step, graph = stage.state.timeline, stage.step, stage.state.recording.graph
    roots = [graph.loss.name] if graph.loss else list(graph.seeds)
    writers: dict[str, int] = {f"grad({name})": -1 for name in roots}
    for k, writer in enumerate(timeline.steps):
        if writer.is_backward:
            writers[writer.writes] = k
    at = stage.state.place.step
    done = sorted((key for key, k in writers.items() if k <= at), key=lambda key: -writers[key])
    coming = [key for key, k in writers.items() if k > at]
    ordered = [*done, *coming] if stage.state.backward_begun() else [*coming, *done]
    if step is None or not stage.state.backward_begun():
        return ordered
    front = [f"grad({step.tensor})"]
    if step.is_backward:
        front.append(f"grad({step.layer})")
    return list(dict.fromkeys(key for key in [*front, *ordered] if key in writers))


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
