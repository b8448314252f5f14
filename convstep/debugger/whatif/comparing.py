"""What if: an edited run is a recording of its own, held against the one without edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from convstep.debugger.whatif.edits import Edit, Setting
from convstep.engine.recording import Iteration, Recording
from convstep.engine.state import State
from convstep.engine.timeline import Place, Timeline
from convstep.errors import ConvstepError
from convstep.explain.naming import Names
from convstep.explain.numbers import short
from convstep.network import load
from convstep.network.forced import Forced
from convstep.network.graph import Graph
from convstep.ops.base import Array


def edited(original: Recording, edits: Sequence[Edit]) -> Recording:
    """The recording of a run with these edits; without any, the original. Nothing is run yet.

    Raises ConvstepError where a setting cannot be had, or would change what the network's steps are.
    """
    if not edits:
        return original
    first = min(edit.iteration if isinstance(edit, Forced) else 0 for edit in edits)
    return original.branch(with_edits(original.graph, edits), min(first, original.timeline.iterations - 1))


def with_edits(original: Graph, edits: Sequence[Edit]) -> Graph:
    """The network with these edits. Raises ConvstepError as `edited` does."""
    graph = original
    for edit in edits:
        if isinstance(edit, Setting):
            graph = _with_setting(original, graph, edit)
    return replace(graph, forced=tuple(edit for edit in edits if isinstance(edit, Forced)))


def _with_setting(original: Graph, graph: Graph, setting: Setting) -> Graph:
    changed = load(_changed(graph.document, setting.where, setting.value))
    if _anatomy(changed) != _anatomy(original):
        what = "changes the shape of a tensor, or which there are"
        raise ConvstepError(f"{setting.name} = {setting.value} {what}: here only what keeps them can be tried")
    return changed


def _changed(document: Any, where: Sequence[str | int], value: Any) -> Any:
    """A document with another value at one place; nothing is changed in the old one."""
    if not where:
        return value
    key, rest = where[0], where[1:]
    if isinstance(document, (list, tuple)):
        return [_changed(item, rest, value) if k == key else item for k, item in enumerate(document)]
    return {**document, key: _changed(document.get(key), rest, value)}


def _anatomy(graph: Graph) -> Any:
    """What an edit must leave as it is: every tensor's shape, and which steps write them."""
    shapes = {name: spec.shape for name, spec in graph.owned.items()}
    outputs = [(node.name, node.op.output.shape, tuple(node.masks)) for node in graph.nodes]
    return outputs, shapes, [(step.phase, step.writes) for step in Timeline(graph).steps]


def same_place(place: Place, timeline: Timeline, order: Any) -> Place:
    """The place in another timeline of the same operations, whose elements may have fewer terms."""
    if place.term is None or place.step < 0:
        return place
    return place._replace(term=min(place.term, timeline.steps[place.step].terms[order] - 1))


class Effect(NamedTuple):
    """What edits changed in one iteration: the loss before and after, and how many numbers follow differently.

    The edited numbers themselves are not counted; outputs, gradients and updated parameters are.
    """

    numbers: int
    loss: tuple[float, float] | None = None

    def text(self, loss_name: str = "") -> str:
        """`C: 9 → 12.25; 14 numbers change`."""
        change = "nothing else changes" if not self.numbers else f"{self.numbers:,} numbers change"
        change = change.replace("1 numbers change", "1 number changes") if self.numbers == 1 else change
        if self.loss is None:
            return change
        before, after = map(short, self.loss)
        return f"{loss_name}: {before if before == after else f'{before} → {after}'}; {change}"


def effect(before: Iteration, after: Iteration, graph: Graph) -> Effect:
    """How an iteration of the edited run differs from the original one. `graph` is the edited one."""
    differ = _differ(before.values, after.values) - _set_by_hand(before, after, graph)
    differ += _differ(before.grads, after.grads)
    for name, update in after.updates.items():
        differ += _count(before.updates[name].new_parameter, update.new_parameter)
    if graph.loss is None:
        return Effect(differ)
    losses = [float(iteration.values[graph.loss.name].sum()) for iteration in (before, after)]
    return Effect(differ, (losses[0], losses[1]))


def _differ(before: Mapping[str, Array], after: Mapping[str, Array]) -> int:
    return sum(_count(before[name], tensor) for name, tensor in after.items())


def _count(before: Array, after: Array) -> int:
    if before is after:
        return 0
    same = (before == after) | ((before != before) & (after != after))
    return int(same.size - np.count_nonzero(same))


def _set_by_hand(before: Iteration, after: Iteration, graph: Graph) -> int:
    """How many of the numbers that differ were edited in this iteration."""
    count = 0
    for name in {edit.tensor for edit in graph.forced}:
        if name in graph.inputs:
            count += _count(before.values[name], after.values[name])
            continue
        here = [edit.index for edit in graph.forced if edit.tensor == name and edit.iteration == after.index]
        which = slice(None) if None in here else sorted({index for index in here if index is not None})
        count += _count(before.values[name].reshape(-1)[which], after.values[name].reshape(-1)[which])
    return count


def told_at(state: State, names: Names) -> str:
    """A sentence for a step that writes what was set by hand, "" elsewhere."""
    step, graph = state.step, state.recording.graph
    if step is None or step.node is None or not graph.forced:
        return ""
    here = [f for f in graph.forced if f.tensor == step.layer and f.iteration == state.place.iteration]
    if not here:
        return ""
    if step.is_backward:
        return f"{names.tensor(step.layer)} has numbers set by hand: their derivative passes through unchanged."
    return set_by_hand(
        state.iteration, graph, names, step.layer, here[-1].index if state.target is None else state.target
    )


def set_by_hand(iteration: Iteration, graph: Graph, names: Names, output: str, index: int | None) -> str:
    """A sentence about an element of a layer's output that was set by hand, "" about any other.

    Without an index it is about the whole output, of which every element was set.
    """
    here = [f for f in graph.forced if f.tensor == output and f.iteration == iteration.index]
    last = next((f for f in reversed(here) if f.index in (None, index)), None)
    if last is None or output not in iteration.calls:
        return ""
    if index is None:
        return f"{names.tensor(output)} is set to {short(last.value)} by hand."
    natural = float(iteration.calls[output].output.reshape(-1)[index])
    name = names.element(output, index, names.shape(output))
    return f"{name} is set to {short(last.value)} by hand; its terms give {short(natural)}."
