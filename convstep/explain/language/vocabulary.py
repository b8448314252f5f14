"""The words that a condition may use in one network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from convstep.engine.timeline import LEVELS, PHASES, Timeline
from convstep.explain.naming import Names
from convstep.network.graph import Graph


@dataclass(frozen=True)
class Vocabulary:
    """The names that a condition may use: tensors, the loss, and the texts of `phase`, `layer`, `op`, `level`.

    `keys` are the tensors that exist in a run, as `State.read` takes them.
    """

    names: Names
    loss: str | None
    texts: Mapping[str, Collection[str]]
    keys: Collection[str]


def vocabulary(graph: Graph, timeline: Timeline, names: Names) -> Vocabulary:
    """The vocabulary of a network."""
    values = {graph.aliases.get(name, name) for name in names.all() if name not in graph.symbols.values()}
    written = {f"new({s.tensor})" if s.phase == "update" else s.writes for s in timeline.steps}
    seeds = {f"grad({graph.loss.name})"} if graph.loss else {f"grad({name})" for name in graph.seeds}
    texts = {
        "phase": PHASES,
        "level": LEVELS,
        "layer": tuple(dict.fromkeys(step.layer for step in timeline.steps)),
        "op": tuple(dict.fromkeys(step.op for step in timeline.steps)),
    }
    return Vocabulary(names, graph.loss.name if graph.loss else None, texts, values | written | seeds)
