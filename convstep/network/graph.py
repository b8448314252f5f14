"""A checked network: tensors with numbers, operations with shapes, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from convstep.network.forced import Forced, set_numbers
from convstep.network.late import made, specs_of, unmade
from convstep.ops.base import OUTPUT, Array, IntArray, Operation, Spec
from convstep.ops.optim.optimizers import Optimizer
from convstep.ops.optim.schedulers import Scheduler


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

    def tensor(self, slot: int) -> str:
        """The tensor that a slot stands for: an operand, or with OUTPUT what the node writes."""
        return self.name if slot == OUTPUT else self.operands[slot]


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
    `seeds` are the given upstream gradients (`gradient:`). Numbers were read from `files`. `written` is the `document`,
    in which drawn tensors need not be made yet. `forced` are numbers set by hand, of which the document knows nothing;
    of two for the same element the later one holds.
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
    files: tuple[Path, ...] = ()
    written: Mapping[str, Any] = field(default_factory=dict)
    forced: tuple[Forced, ...] = ()

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Layers in file order, then the loss."""
        return self.layers if self.loss is None else (*self.layers, self.loss)

    @cached_property
    def tensors(self) -> Mapping[str, int]:
        """Inputs, parameters and outputs, numbered in this order."""
        names = [*self.inputs, *self.parameters, *(node.name for node in self.nodes)]
        return {name: k for k, name in enumerate(names)}

    @cached_property
    def users(self) -> Mapping[str, Sequence[Node]]:
        """The nodes that read each tensor, in file order."""
        users: dict[str, list[Node]] = {}
        for node in self.nodes:
            for tensor in dict.fromkeys(node.operands):
                users.setdefault(tensor, []).append(node)
        return users

    @cached_property
    def owned(self) -> Mapping[str, Spec]:
        """Shape and dtype of all parameters and buffers; no number is made for it."""
        return {**specs_of(self.parameters), **specs_of(self.buffers)}

    @property
    def document(self) -> dict[str, Any]:
        """The network as plain data, tensors as arrays, from which the same graph can be built anywhere."""
        return {key: made(value) for key, value in self.written.items()}

    @property
    def recipe(self) -> dict[str, Any]:
        """The document without the tensors that are drawn when it is read: the same graph, in little room."""
        recipe: dict[str, Any] = unmade(self.written)
        return recipe

    def optimizer_at(self, iteration: int) -> Optimizer | None:
        """The optimizer with the learning rate that the scheduler gives in an iteration."""
        if self.optimizer is None or self.scheduler is None:
            return self.optimizer
        known, coming = self._rates
        known.extend(islice(coming, max(0, iteration + 1 - len(known))))
        return self.optimizer.replace(lr=known[iteration])

    @cached_property
    def _rates(self) -> tuple[list[float], Iterator[float]]:
        """The scheduler's learning rates: those that somebody has asked for, and the coming ones."""
        assert self.optimizer is not None and self.scheduler is not None
        return [], self.scheduler.rates(self.optimizer.lr)

    def batch(self, iteration: int) -> dict[str, Array]:
        """The inputs of one iteration. Row j of a batch is row (batch_size · iteration + j) mod n."""
        batch = {}
        for name, tensor in self.data.items():
            rows = self._rows(name, iteration)
            batch[name] = tensor if rows is None else tensor[rows]
            if forced := [f for f in self.forced if f.tensor == name and f.iteration <= iteration]:
                batch[name] = set_numbers(batch[name], [g for f in forced for g in self._in_batch(f, iteration)])
        return batch

    def data_index(self, name: str, iteration: int, index: int) -> int:
        """Where an element of an input of this iteration stands in the whole input: a flat index for a flat index."""
        rows = self._rows(name, iteration)
        if rows is None:
            return index
        row, rest = divmod(index, self.inputs[name].size // len(rows))
        return int(rows[row]) * (self.inputs[name].size // len(rows)) + rest

    def force(self, iteration: int, name: str, tensor: Array) -> Array:
        """A tensor that is no input, with what is set by hand in this iteration; the same array where nothing is."""
        forced = [f for f in self.forced if f.tensor == name and f.iteration == iteration]
        return set_numbers(tensor, forced) if forced else tensor

    def _in_batch(self, forced: Forced, iteration: int) -> list[Forced]:
        if forced.index is None:
            return [forced]
        return [replace(forced, index=k) for k in self.batch_indices(forced.tensor, iteration, forced.index)]

    def _rows(self, name: str, iteration: int) -> IntArray | None:
        """The rows of an input that an iteration takes; None where it takes the whole input."""
        if self.batch_size is None:
            return None
        first, tensor = next(iter(self.data.values())), self.data[name]
        if not tensor.ndim or tensor.shape[0] != first.shape[0]:
            return None
        rows: IntArray = (self.batch_size * iteration + np.arange(self.batch_size)) % first.shape[0]
        return rows

    def batch_indices(self, name: str, iteration: int, index: int) -> list[int]:
        """Where an element of a whole input stands in an iteration: flat indices, perhaps two, perhaps none."""
        rows = self._rows(name, iteration)
        if rows is None:
            return [index]
        size = self.inputs[name].size // len(rows)
        row, rest = divmod(index, size)
        return [int(k) * size + rest for k in np.flatnonzero(rows == row)]
