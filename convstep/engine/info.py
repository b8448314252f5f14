"""What can be said of a network before it runs: layers, parameters, steps, memory."""

from __future__ import annotations

from math import prod
from typing import Any

from convstep.engine.timeline import LEVELS, Order, Timeline, differentiated
from convstep.network.graph import Graph, Node


def describe(graph: Graph, order: Order = "gather") -> dict[str, Any]:
    """`{name, layers, steps, bytes}` as contract §3 has it; steps are those of one iteration."""
    timeline = Timeline(graph)
    return {
        "name": graph.name,
        "layers": [_layer(node) for node in graph.layers],
        "steps": {level: timeline.count(level, order) for level in LEVELS},
        "bytes": iteration_bytes(graph),
    }


def _layer(node: Node) -> dict[str, Any]:
    shapes = node.op.parameters
    return {
        "name": node.name,
        "op": node.op_name,
        "shape": list(node.op.output.shape),
        "parameters": {f"{node.name}.{name}": list(parameter.shape) for name, parameter in shapes.items()},
    }


def iteration_bytes(graph: Graph) -> int:
    """One iteration's values, gradients, buffers, updated parameters and optimizer state."""
    sizes = {name: spec.size * spec.dtype.itemsize for name, spec in graph.inputs.items()}
    sizes.update({name: array.nbytes for name, array in {**graph.parameters, **graph.buffers}.items()})
    masks = [prod(node.op.masks[local]) for node in graph.nodes for local in node.masks]
    sizes.update({node.name: node.op.output.size * node.op.output.dtype.itemsize for node in graph.nodes})
    reached = differentiated(graph)
    total = sum(sizes.values()) + sum(masks) * graph.dtype.itemsize + sum(sizes[name] for name in reached)
    if graph.optimizer is not None:
        updated = [sizes[name] for name in graph.parameters if name in reached]
        total += sum(updated) * (1 + len(graph.optimizer.state_names))
    return total


def table(facts: dict[str, Any]) -> str:
    """The same for people."""
    rows = [("layer", "operation", "shape", "parameters")]
    for layer in facts["layers"]:
        shapes = layer["parameters"].items()
        parameters = ", ".join(f"{name.rpartition('.')[2]} {_sizes(shape)}" for name, shape in shapes)
        rows.append((layer["name"], layer["op"], _sizes(layer["shape"]), parameters))
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    lines = [f"{facts['name']}", ""]
    lines += [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]]).rstrip() for row in rows
    ]
    count = sum(prod(shape) for layer in facts["layers"] for shape in layer["parameters"].values())
    steps = ", ".join(f"{facts['steps'][level]:,} {word}" for level, word in _LEVEL_WORDS.items())
    return "\n".join([*lines, "", f"{count:,} parameters", f"steps: {steps}", f"memory: {_memory(facts['bytes'])}"])


_LEVEL_WORDS = {"op": "operations", "element": "elements", "term": "terms"}


def _sizes(shape: list[int]) -> str:
    return "×".join(map(str, shape)) or "scalar"


def _memory(count: int) -> str:
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
