"""Gradients that are not the derivative, on purpose: torch has them so, and central differences cannot know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convstep.engine.recording import Iteration
from convstep.network.graph import Graph, Node
from convstep.ops.linear.embedding import Embedding
from convstep.ops.loss.likelihood_loss import GaussianNLLLoss


@dataclass(frozen=True)
class Excuse:
    """Why a tensor's gradient may differ from the differences: all of it, or the elements `where` it does (flat)."""

    reason: str
    where: npt.NDArray[np.bool_] | None = None

    def covers(self, index: int) -> bool:
        """Whether it speaks of an element."""
        return self.where is None or bool(self.where[index])


def on_purpose(graph: Graph, iteration: Iteration) -> dict[str, Excuse]:
    """The tensors that such a gradient reaches."""
    excuses: dict[str, Excuse] = {}
    for node in reversed(graph.nodes):
        if node.name in excuses:
            # Whatever is farther down sums up such elements and others.
            excuses.update(dict.fromkeys(node.operands, Excuse(excuses[node.name].reason)))
        excuses.update(_excuses(node, iteration))
    return excuses


def _excuses(node: Node, iteration: Iteration) -> Iterator[tuple[str, Excuse]]:
    """The operands of one layer that get another gradient than the derivative."""
    if isinstance(node.op, Embedding):
        weight = node.parameters["weight"]
        if node.op.scale_grad_by_freq:
            yield weight, Excuse(f"{node.name} divides by how often a row is used (scale_grad_by_freq)")
        elif node.op.padding_idx is not None:
            row = np.zeros(iteration.values[weight].shape, dtype=bool)
            row[node.op.padding_idx] = True
            yield weight, Excuse(f"{node.name} gives no gradient to its padding_idx", row.reshape(-1))
    if isinstance(node.op, GaussianNLLLoss):
        variance = node.inputs[2]
        raised = iteration.values[variance] < node.op.eps
        if bool(raised.any()):
            reason = f"{node.name} raises variances to eps, and takes no derivative of that"
            yield variance, Excuse(reason, raised.reshape(-1))
