"""What can be said of a network before it runs: layers, parameters, steps, memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convstep.engine.timeline import LEVELS, Order, Timeline
from convstep.memory import in_words
from convstep.network.footprint import iteration_bytes
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


def table(graph: Graph, facts: dict[str, Any]) -> str:
    """The same for people. A shared parameter names the one that it is, and counts once."""
    rows = [("layer", "operation", "shape", "parameters")]
    for layer in facts["layers"]:
        parameters = ", ".join(_parameter(name, shape, graph.aliases) for name, shape in layer["parameters"].items())
        rows.append((layer["name"], layer["op"], _sizes(layer["shape"]), parameters))
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    lines = [f"{facts['name']}", ""]
    lines += [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]]).rstrip() for row in rows
    ]
    count = sum(graph.owned[name].size for name in graph.parameters)
    steps = ", ".join(f"{facts['steps'][level]:,} {word}" for level, word in _LEVEL_WORDS.items())
    return "\n".join([*lines, "", f"{count:,} parameters", f"steps: {steps}", f"memory: {in_words(facts['bytes'])}"])


_LEVEL_WORDS = {"op": "operations", "element": "elements", "term": "terms"}


def _parameter(name: str, shape: list[int], aliases: Mapping[str, str]) -> str:
    text = f"{name.rpartition('.')[2]} {_sizes(shape)}"
    return text if aliases[name] == name else f"{text} (shared: {aliases[name]})"


def _sizes(shape: list[int]) -> str:
    return "×".join(map(str, shape)) or "scalar"
