"""A checked network: tensors with numbers, operations with shapes, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from convstep.ops.base import Array, Operation, Spec
from convstep.ops.optimizers import Optimizer
from convstep.ops.schedulers import Scheduler


@dataclass(frozen=True)
class Node:
    """A layer, or the loss. It writes the tensor `name`.

    `inputs` are tensor names (inputs or layers); `parameters` maps each own parameter (`weight`) to the name
    under which its tensor is stored: `conv1.weight`, or for a shared one the first name in file order;
    `buffers` and `masks` do the same for those.
    """

    name: str
    op: Operation
    inputs: tuple[str, ...]
    parameters: Mapping[str, str]
    buffers: Mapping[str, str] = field(default_factory=dict)
    masks: Mapping[str, str] = field(default_factory=dict)

    @property
    def op_name(self) -> str:
        return type(self.op).__name__

    @cached_property
    def operands(self) -> tuple[str, ...]:
        """The tensors that the operation reads, slot by slot."""
        owned = (self.parameters, self.buffers, self.masks)
        return (*self.inputs, *(name for names in owned for name in names.values()))


@dataclass(frozen=True)
class Claim:
    """A derivative that someone worked out by hand, as the file has it."""

    of: str
    index: tuple[int, ...] | None
    text: Any


@dataclass(frozen=True)
class Graph:
    """A network as it is run.

    `data` holds the whole inputs, `inputs` their shapes within an iteration. `parameters` are the initial
    values under their stored names, `buffers` likewise; `aliases` maps every state_dict name to the stored one.
    `seeds` are the given upstream gradients (`gradient:`). `document` is the network as plain data, tensors as
    arrays, from which the same graph can be built anywhere.
    """

    name: str
    about: str
    dtype: np.dtype[Any]
    seed: int
    mode: str
    data: Mapping[str, Array]
    inputs: Mapping[str, Spec]
    layers: tuple[Node, ...]
    loss: Node | None
    seeds: Mapping[str, Array]
    parameters: Mapping[str, Array]
    buffers: Mapping[str, Array]
    aliases: Mapping[str, str]
    optimizer: Optimizer | None
    scheduler: Scheduler | None
    iterations: int
    batch_size: int | None
    symbols: Mapping[str, str] = field(default_factory=dict)
    indexing: str = "torch"
    claims: tuple[Claim, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Layers in file order, then the loss."""
        return self.layers if self.loss is None else (*self.layers, self.loss)

    def optimizer_at(self, iteration: int) -> Optimizer | None:
        """The optimizer with the learning rate that the scheduler gives in an iteration."""
        if self.optimizer is None or self.scheduler is None:
            return self.optimizer
        rate = self.scheduler.rate(self.optimizer.lr, iteration)
        return self.optimizer.model_copy(update={"lr": rate})

    def batch(self, iteration: int) -> dict[str, Array]:
        """The inputs of one iteration. Row j of a batch is row (batch_size · iteration + j) mod n."""
        if self.batch_size is None:
            return dict(self.data)
        first = next(iter(self.data.values()))
        count = first.shape[0]
        rows = (self.batch_size * iteration + np.arange(self.batch_size)) % count
        return {
            name: tensor[rows] if tensor.ndim and tensor.shape[0] == count else tensor
            for name, tensor in self.data.items()
        }
