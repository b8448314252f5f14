"""Gradients that are not the derivative, on purpose: torch has them so, and central differences cannot know."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convstep.engine.recording import Iteration
from convstep.network.graph import Graph, Node


def on_purpose(graph: Graph, iteration: Iteration) -> dict[str, str]:
    """The tensors that such a gradient reaches, each with the reason."""
    reasons: dict[str, str] = {}
    for node in reversed(graph.nodes):
        if node.name in reasons:
            reasons.update(dict.fromkeys(node.operands, reasons[node.name]))
        reasons.update(_reasons(node, iteration))
    return reasons


def _reasons(node: Node, iteration: Iteration) -> Iterator[tuple[str, str]]:
    """The operands of one layer that get another gradient than the derivative."""
    if node.op_name == "Embedding":
        weight = node.parameters["weight"]
        if getattr(node.op, "scale_grad_by_freq", False):
            yield weight, f"{node.name} divides by how often a row is used (scale_grad_by_freq)"
        elif getattr(node.op, "padding_idx", None) is not None:
            yield weight, f"{node.name} gives no gradient to its padding_idx"
    if node.op_name == "GaussianNLLLoss":
        variance = node.inputs[2]
        eps = float(getattr(node.op, "eps", 0.0))
        if bool(np.any(iteration.values[variance] < eps)):
            yield variance, f"{node.name} raises variances to eps, and takes no derivative of that"
