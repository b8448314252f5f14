"""A recorded iteration once more with some numbers changed: what would the others have been?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from convstep.engine.recording import Iteration, Recording
from convstep.engine.timeline import Timeline
from convstep.network.draw import Draw
from convstep.network.graph import Graph
from convstep.ops.base import Array, Call

_NEAR = 0.02


@dataclass(frozen=True)
class Forward:
    """Tensors and calls of a forward pass."""

    values: Mapping[str, Array]
    calls: Mapping[str, Call]


class Replay:
    """Forward and backward passes of one iteration; masks and upstream gradients are the recorded ones."""

    def __init__(self, graph: Graph, timeline: Timeline, iteration: Iteration) -> None:
        self.graph, self.timeline, self.iteration = graph, timeline, iteration

    def forward(self, changed: Mapping[str, Array]) -> Forward:
        """The pass with these tensors replaced (inputs, parameters, layer outputs); what reads none stays as it is."""
        values: dict[str, Array] = {**self.iteration.values, **changed}
        calls = dict(self.iteration.calls)
        touched = set(changed)
        with np.errstate(all="ignore"):
            for node in self.graph.nodes:
                if node.name in changed or touched.isdisjoint(node.operands):
                    continue
                operands = tuple(values[name] for name in node.operands)
                saved: dict[str, Array] = {}
                calls[node.name] = Call(operands, np.asarray(node.op.forward(operands, saved)), saved)
                values[node.name] = self._moved(node.name, calls[node.name].output)
                touched.add(node.name)
        return Forward(values, calls)

    def _moved(self, name: str, output: Array) -> Array:
        """An output as the next layers read it: with the constants that numbers set by hand add to it."""
        natural, read = self.iteration.calls[name].output, self.iteration.values[name]
        return output if natural is read else np.asarray(output + (read - natural))

    def gradient(self, forward: Forward, of: str) -> Array:
        """The gradient of one tensor in a pass; only what leads there is computed."""
        grads, leads = dict(self.iteration.seeds), {of}
        for node in self.graph.nodes:
            if not leads.isdisjoint(node.operands):
                leads.add(node.name)
        with np.errstate(all="ignore"):
            for node in reversed(self.graph.nodes):
                slots = [k for k in self.timeline.backward_steps.get(node.name, ()) if node.operands[k] in leads]
                if not slots:
                    continue
                wanted = [slot in slots for slot in range(len(node.operands))]
                given = node.op.vjp(forward.calls[node.name], grads[node.name], wanted)
                for slot in slots:
                    gradient, tensor = given[slot], node.operands[slot]
                    assert gradient is not None
                    grads[tensor] = np.asarray(grads[tensor] + gradient if tensor in grads else gradient)
        return grads[of]


def with_other_numbers(graph: Graph, iteration: Iteration, seed: int) -> Recording:
    """The network with other inputs and parameters, of the same kind: drawn from each tensor's own range.

    An operation may refuse such numbers: then the recording's iteration raises ConvstepError.
    """
    return _with_numbers(graph, iteration, lambda name, tensor: _drawn(tensor, Draw(seed, f"other {name}")))


def with_numbers_of_either_sign(graph: Graph, iteration: Iteration, seed: int) -> Recording:
    """The network with inputs and parameters between minus and plus each tensor's largest; it may be refused, too."""
    return _with_numbers(graph, iteration, lambda name, tensor: _signed(tensor, Draw(seed, f"either sign {name}")))


def with_numbers_near(graph: Graph, iteration: Iteration, seed: int) -> Recording:
    """The network with all inputs and parameters moved a little: zeros stay, and so do signs, order and ties.

    So a maximum or a ReLU mostly goes the way that it went.
    """
    return _with_numbers(graph, iteration, lambda name, tensor: _moved(tensor, Draw(seed, f"near {name}")))


def _with_numbers(graph: Graph, iteration: Iteration, other: Callable[[str, Array], Array]) -> Recording:
    data = {name: other(name, iteration.values[name]) for name in graph.inputs}
    parameters = {name: other(name, iteration.values[name]) for name in graph.parameters}
    return Recording(replace(graph, data=data, parameters=parameters, batch_size=None, iterations=1, forced=()))


def _drawn(tensor: Array, draw: Draw) -> Array:
    """Floats between the least and the largest of a tensor; where all are the same, around that number."""
    finite = tensor[np.isfinite(tensor)] if tensor.dtype.kind == "f" else np.empty(0)
    if not finite.size:
        return tensor
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        low, high = (0.5 * low, 1.5 * low) if low else (0.0, 1.0)
    return np.asarray(low + (high - low) * draw.uniform(tensor.shape), dtype=tensor.dtype)


def _signed(tensor: Array, draw: Draw) -> Array:
    """Floats up to the largest magnitude of a tensor, or to 1."""
    if tensor.dtype.kind != "f":
        return tensor
    size = float(np.abs(tensor[np.isfinite(tensor)]).max(initial=0.0)) or 1.0
    return np.asarray(size * (2 * draw.uniform(tensor.shape) - 1), dtype=tensor.dtype)


def _moved(tensor: Array, draw: Draw) -> Array:
    """Floats with every gap between neighbouring sizes, counted from 0, made up to 2 % wider."""
    if tensor.dtype.kind != "f" or not np.isfinite(tensor).all():
        return tensor
    sizes, which = np.unique(np.abs(tensor), return_inverse=True)
    gaps = np.diff(sizes, prepend=0.0) * (1 + _NEAR * draw.uniform(sizes.shape))
    return np.asarray(np.copysign(np.cumsum(gaps)[which].reshape(tensor.shape), tensor), dtype=tensor.dtype)
