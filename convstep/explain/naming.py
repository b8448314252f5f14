"""How the person writes things: symbols instead of state_dict names, and their own way to index."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from convstep.engine.state import State, split_name
from convstep.engine.timeline import flat_index, torch_index
from convstep.errors import ConvstepError
from convstep.explain.numbers import short
from convstep.network.graph import Graph, Node
from convstep.network.words import did_you_mean
from convstep.ops.base import Shape

_REFERENCE = re.compile(r"\s*(?P<name>[^\[\]]+?)\s*(?:\[(?P<index>[^\]]*)\])?\s*")
_GRAD_SUFFIX = ".grad"


class Names:
    """Names on the screen and in sentences, and back again.

    A tensor's *key* is what `State.read` takes: `o1`, `grad(o1)`, `new(o1.weight)`, in stored names.
    """

    def __init__(self, graph: Graph) -> None:
        self._written = {graph.aliases.get(name, name): symbol for name, symbol in graph.symbols.items()}
        self.flat1 = graph.indexing == "flat1"
        masks = {name: node.op.masks[local] for node in graph.nodes for local, name in node.masks.items()}
        tensors = [*graph.inputs, *graph.aliases, *masks, *(node.name for node in graph.nodes)]
        self._stored = {name: graph.aliases.get(name, name) for name in tensors}
        self._stored.update({symbol: self._stored[name] for name, symbol in graph.symbols.items()})
        specs = {**graph.inputs, **graph.owned}
        self._shapes: dict[str, Shape] = {name: spec.shape for name, spec in specs.items()}
        self._shapes.update(masks)
        self._shapes.update({node.name: node.op.output.shape for node in graph.nodes})

    def tensor(self, key: str) -> str:
        """`w1`, `grad(w1)`, `new(w1)`; optimizer state keeps its tail: `w1.momentum_buffer`."""
        kind, name = split_name(key)
        if name not in self._written and name not in self._shapes:
            owner, _, tail = name.rpartition(".")
            name = f"{self._written.get(owner, owner)}.{tail}" if owner else name
        name = self._written.get(name, name)
        return name if kind == "value" else f"{kind}({name})"

    def index(self, flat: int, shape: Shape) -> str:
        """`[3]` or `[0,0,1,0]`, as the person indexes; nothing for a scalar."""
        if not shape:
            return ""
        return f"[{flat + 1}]" if self.flat1 else f"[{','.join(map(str, torch_index(flat, shape)))}]"

    def element(self, key: str, flat: int, shape: Shape) -> str:
        """`w1[3]`, `grad(o1)[0,0,1,0]`."""
        return self.tensor(key) + self.index(flat, shape)

    def shape(self, key: str) -> Shape:
        """The shape of a tensor, its gradient or its update."""
        return self._shapes[split_name(key)[1]]

    def all(self) -> Iterable[str]:
        """Every name that a person may type for a tensor."""
        return self._stored

    def parse(self, text: str) -> tuple[str, int | None]:
        """The key and flat index of `w1`, `grad(w1)[3]`, `o1.weight.grad[0, 0, 1, 0]`.

        Raises ConvstepError for an unknown name or an index outside the tensor.
        """
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise ConvstepError(f"{text.strip()!r} is no tensor or element: write o1, o1[3] or grad(o1)[3]")
        written = match["name"]
        if written.endswith(_GRAD_SUFFIX) and written not in self._stored:
            written = f"grad({written.removesuffix(_GRAD_SUFFIX)})"
        kind, name = split_name(written)
        name = name.strip()
        if name not in self._stored:
            raise ConvstepError(f"there is no tensor {name!r}{did_you_mean(name, self._stored)}")
        key = self._stored[name] if kind == "value" else f"{kind}({self._stored[name]})"
        if match["index"] is None:
            return key, None
        return key, self._flat(match["index"], self.shape(key), written)

    def _flat(self, text: str, shape: Shape, written: str) -> int:
        try:
            numbers = [int(part) for part in text.split(",") if part.strip()]
        except ValueError:
            raise ConvstepError(f"{written}[{text}]: an index is made of whole numbers") from None
        sizes = "×".join(map(str, shape)) or "a scalar"
        if self.flat1 and len(numbers) == 1:
            size = prod(shape)
            if 1 <= numbers[0] <= size:
                return numbers[0] - 1
            raise ConvstepError(f"{written}[{text}] is outside: {written} is {sizes}, indices go from 1 to {size}")
        try:
            return flat_index(numbers, shape)
        except IndexError:
            raise ConvstepError(f"{written}[{text}] is outside: {written} is {sizes}") from None


@dataclass(frozen=True)
class NodeNames:
    """The names of a node's slots: what its operation speaks with, apart from any step."""

    names: Names
    node: Node

    def tensor(self, slot: int) -> str:
        return self.names.tensor(self.node.tensor(slot))

    def element(self, slot: int, index: int) -> str:
        return self.names.element(self.node.tensor(slot), index, self.node.op.operand_shape(slot))

    def number(self, value: float) -> str:
        return short(value)


@dataclass(frozen=True)
class SlotNames:
    """The names of the slots of the present operation: what operations speak with."""

    names: Names
    state: State

    def tensor(self, slot: int) -> str:
        return self.names.tensor(self.state.operand(slot)[0])

    def element(self, slot: int, index: int) -> str:
        key, shape = self.state.operand(slot)
        return self.names.element(key, index, shape)

    def number(self, value: float) -> str:
        return short(value)
