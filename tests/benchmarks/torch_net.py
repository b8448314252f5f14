"""A graph of convstep as a torch module with the same parameters: the reference of the benchmarks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

FUNCTIONS: dict[str, Callable[..., torch.Tensor]] = {
    "Add": lambda op, *tensors: sum(tensors[1:], start=tensors[0]),
    "Cat": lambda op, *tensors: torch.cat(tensors, dim=op.dim),
    "Mean": lambda op, tensor: tensor.mean(dim=op.dim, keepdim=op.keepdim),
}


class TorchNet:
    """Trains as the graph says. Inputs require a gradient where they are float, as convstep's do.

    `loss` is the last step's.
    """

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        dtype = torch.float32 if graph.dtype == np.float32 else torch.float64
        self.modules = {node.name: self._module(node, dtype) for node in graph.nodes}
        parameters = [p for module in self.modules.values() if module is not None for p in module.parameters()]
        self.optimizer = None
        if graph.optimizer is not None:
            kind = getattr(torch.optim, type(graph.optimizer).__name__)
            self.optimizer = kind(list(dict.fromkeys(parameters)), **graph.optimizer.values())

    def _module(self, node: Any, dtype: torch.dtype) -> torch.nn.Module | None:
        if node.op_name in FUNCTIONS:
            return None
        kind = getattr(torch.nn, node.op_name)
        known = inspect.signature(kind).parameters.keys() - set(node.op.buffer_names)
        module = kind(**{k: v for k, v in node.op.values().items() if k in known}).to(dtype)
        module.train(self.graph.mode == "train")
        with torch.no_grad():
            for own, stored in node.parameters.items():
                getattr(module, own).copy_(torch.from_numpy(self.graph.parameters[stored]))
        return module

    def step(self, iteration: int) -> float:
        """One iteration; the loss before the update."""
        values: dict[str, torch.Tensor] = {}
        for name, array in self.graph.batch(iteration).items():
            values[name] = torch.from_numpy(np.ascontiguousarray(array))
            values[name].requires_grad_(array.dtype.kind == "f")
        if self.optimizer is not None:
            self.optimizer.zero_grad()
        for node in self.graph.nodes:
            module, inputs = self.modules[node.name], [values[name] for name in node.inputs]
            values[node.name] = FUNCTIONS[node.op_name](node.op, *inputs) if module is None else module(*inputs)
        loss = values[self.graph.loss.name]
        loss.backward()
        if self.optimizer is not None:
            self.optimizer.step()
        self.loss = float(loss.item())
        return self.loss
