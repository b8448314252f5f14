"""The memory that one iteration of a network takes, known from shapes alone."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from convstep.network.graph import Graph

_IN_BLOCKS = {"uniform", "normal", "constant", "zeros", "ones"}
"""Drawn without much beside the tensor, also as `xavier_uniform` and the like; the others are drawn in float64."""


def differentiated(graph: Graph) -> set[str]:
    """The float tensors that the loss, or a given upstream gradient's tensor, depends on, themselves included."""
    reached = {graph.loss.name} if graph.loss else set(graph.seeds)
    for node in reversed(graph.nodes):
        if node.name in reached:
            slots = range(len(node.operands))
            reached.update(node.operands[slot] for slot in slots if node.op.is_differentiable(slot))
    return reached


def iteration_bytes(graph: Graph) -> int:
    """One iteration's values, gradients, buffers, updated parameters and optimizer state."""
    return sum(iteration_sizes(graph).values())


def iteration_sizes(graph: Graph) -> dict[str, int]:
    """The same by tensor: its value, gradient, update and optimizer state together, in bytes."""
    sizes = {name: spec.nbytes for name, spec in {**graph.inputs, **graph.owned}.items()}
    sizes.update({node.name: node.op.output.nbytes for node in graph.nodes})
    reached = differentiated(graph)
    updates = 0 if graph.optimizer is None else 1 + len(graph.optimizer.state_names)
    times = {name: 1 + (name in reached) * (1 + updates * (name in graph.parameters)) for name in sizes}
    masks = {
        name: prod(node.op.masks[local]) * graph.dtype.itemsize
        for node in graph.nodes
        for local, name in node.masks.items()
    }
    return {**{name: size * times[name] for name, size in sizes.items()}, **masks}


def drawing_bytes(init: str, count: int) -> int:
    """What drawing so many elements takes beside the tensor that keeps them."""
    kind = init.removesuffix("_")
    return 0 if kind != "trunc_normal" and kind.rsplit("_")[-1] in _IN_BLOCKS else 16 * count


def peak_bytes(graph: Graph, drawing: Iterable[int]) -> int:
    """What a network needs: to draw its tensors (with so many bytes beside each), and then to run an iteration."""
    data = sum(array.nbytes for array in graph.data.values())
    batch = sum(spec.nbytes for spec in graph.inputs.values())
    kept = data + sum(spec.nbytes for spec in graph.owned.values())
    tables = sum(node.op.kept_bytes for node in graph.nodes)
    passing = max((node.op.passing_bytes for node in graph.nodes), default=0)
    running = iteration_bytes(graph) + max(0, data - batch) + max(passing, _updating_bytes(graph))
    return tables + max(kept + max(drawing, default=0), running)


def _updating_bytes(graph: Graph) -> int:
    """What an update takes beside what it leaves: the state that the iteration started from, and its own numbers."""
    if graph.optimizer is None:
        return 0
    sizes = [graph.owned[name].nbytes for name in graph.parameters]
    states = len(graph.optimizer.state_names)
    before = sum(sizes) * (1 + states) if graph.iterations > 1 else 0
    return before + max(sizes, default=0) * (1 + states)
