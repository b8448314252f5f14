"""The pane *Tensors*: what this step read and wrote."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convstep.debugger.screen.stage import Stage
from convstep.debugger.screen.view import Block, Blocks, Cells, Grid, Note
from convstep.engine.timeline import Step
from convstep.ops.base import Call, IntArray
from convstep.ops.optim.optimizers import Update


def tensors_pane(stage: Stage) -> Sequence[Block]:
    """The operands and the output; in an update the parameter before and after."""
    step = stage.step
    if step is None:
        return _start(stage)
    if step.node is None:
        return _update(stage, step)
    keys = dict.fromkeys([*step.node.operands, step.node.name])
    blocks: list[Block] = [stage.tensor(key) for key in keys]
    element = stage.state.place.element
    if element is not None and not step.is_backward and stage.state.complete:
        blocks += _intermediates(stage, step, stage.state.iteration.calls[step.layer], element)
    return blocks


def _start(stage: Stage) -> Sequence[Block]:
    places = stage.state.recording.graph.tensors
    keys = tuple(places)
    return Blocks(len(keys), lambda k: stage.tensor(keys[k]), places.get)


def _intermediates(stage: Stage, step: Step, call: Call, element: int) -> list[Block]:
    assert step.node is not None
    rows = step.node.op.intermediates(call, element)
    made = stage.names.element(step.tensor, element, step.shape)
    return [stage.numbers(f"intermediate {name}", name, values, note=f"on the way to {made}") for name, values in rows]


def _update(stage: Stage, step: Step) -> list[Block]:
    update, name = stage.state.iteration.updates[step.tensor], stage.names.tensor(step.tensor)
    blocks: list[Block] = [
        stage.tensor(step.tensor, "", title=f"{name} before"),
        stage.tensor(f"new({step.tensor})", "", title=f"{name} after"),
    ]
    return [*blocks, _difference(stage, step, update), *_kept(stage, step, update)]


def _difference(stage: Stage, step: Step, update: Update) -> Block:
    before, after, title = update.parameter.reshape(-1), update.new_parameter.reshape(-1), "after − before"
    number_format, scale = stage.look(f"difference {step.tensor}", lambda: after - before)

    def cells(index: IntArray) -> Cells:
        _, statuses = stage.state.read(f"new({step.tensor})", index)
        return Cells((after[index] - before[index]).astype(np.float64), statuses, np.zeros(index.shape, np.uint8))

    return Grid(
        key="difference",
        title=title,
        note="",
        shape=step.shape,
        cells=cells,
        element=lambda flat: f"{title} {stage.names.index(flat, step.shape)}",
        format=number_format,
        scale=scale,
    )


def _kept(stage: Stage, step: Step, update: Update) -> list[Block]:
    """Momentum and moments, as they were read; the new ones where the update is complete."""
    blocks: list[Block] = []
    for name, array in update.new_state.items():
        before = update.state.get(name)
        if before is None:
            blocks.append(Note(f"{name}: none yet, this is the first update", "caption"))
        else:
            blocks.append(stage.finished(f"{step.tensor}.{name} before", f"{name} before", before, ""))
        if stage.state.place.element is None:
            blocks.append(stage.finished(f"{step.tensor}.{name} after", f"{name} after", array, ""))
    return blocks
