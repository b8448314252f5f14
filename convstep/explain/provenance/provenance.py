"""What a number was made from, and which step wrote it. What it feeds is in `uses`.

Two numbers are tied where the formula of the one reads the other: an operand, an upstream gradient, a factor of a
local derivative, what an update reads. Ties of one kind are arrays, however many they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Literal

import numpy as np

from convstep.engine.recording import Iteration, Recording
from convstep.engine.state import split_name
from convstep.engine.sums import Floats, collect
from convstep.engine.timeline import Place, Step
from convstep.explain.formula.formula import Formulas
from convstep.explain.naming import Names
from convstep.network.graph import Node
from convstep.ops.base import IntArray, quiet
from convstep.ops.expression import Element, evaluate
from convstep.ops.optim.assignments import elements

Role = Literal["operand", "upstream", "local", "update", "carried", "given"]

_MOST_LOCALS = 512
_MOST_READS = 30_000
"""So many local derivatives, and numbers in them, are read as formulas; where there are more, the group says so."""


@dataclass(frozen=True)
class Address:
    """One number of the run. `key` as in `Formulas`: `o1`, `grad(o1)`, `new(o1.weight)`; `index` is flat."""

    iteration: int
    key: str
    index: int


@dataclass(frozen=True)
class Group:
    """The numbers at the other end of n ties of one kind, (n,) each; an element that is read twice is there twice.

    `layer` is the layer in whose step one reads the other ("" where none does). `local` is the derivative of the
    reader by what it reads (NaN where that is no one number), `amounts` what each tie contributes: local × value
    of an operand, local × upstream of a gradient; of an update, what the result would lack without it.
    `looked_at` of `of` places were looked at.
    """

    role: Role
    layer: str
    iteration: int
    key: str
    index: IntArray
    values: Floats
    local: Floats
    amounts: Floats
    looked_at: int = 0
    of: int = 0

    @property
    def count(self) -> int:
        return len(self.index)

    @property
    def is_whole(self) -> bool:
        """Whether every place was looked at where a tie could be."""
        return self.looked_at >= self.of

    def address(self, k: int) -> Address:
        return Address(self.iteration, self.key, int(self.index[k]))

    def first(self, most: int) -> IntArray:
        """The first ties, as numbers of ties."""
        return np.arange(min(most, self.count))

    def largest(self, most: int) -> IntArray:
        """The ties that contribute most, the largest first; NaN counts as the largest."""
        sizes = np.where(np.isnan(self.amounts), np.inf, np.abs(self.amounts))
        return np.argsort(-sizes, kind="stable")[:most]


class Origins:
    """What the numbers of one iteration were made from."""

    def __init__(self, recording: Recording, names: Names, iteration: int) -> None:
        self.recording, self.names = recording, names
        self.formulas = Formulas(recording, names, iteration)
        self.nodes: dict[str, Node] = {node.name: node for node in recording.graph.nodes}

    @property
    def iteration(self) -> Iteration:
        return self.formulas.iteration

    @cached_property
    def _kept(self) -> dict[str, str]:
        """The parameter of each part of the optimizer's state."""
        return {f"{name}.{part}": name for name, update in self.iteration.updates.items() for part in update.new_state}

    def at(self, key: str, index: IntArray) -> Floats:
        """Numbers of a tensor."""
        return np.asarray(self.formulas.tensor(key).reshape(-1)[index], np.float64)

    def writer(self, key: str, index: int) -> Place | None:
        """The step that finished a number (in gather order); None where it is there without a step."""
        timeline, k = self.recording.timeline, self.iteration.index
        kind, name = split_name(key)
        update = kind == "new" or (kind == "value" and (name in self.iteration.start.parameters or key in self._kept))
        if update:
            k -= kind != "new"
            name = self._kept.get(name, name)
        writers = timeline.writers(key if kind == "grad" else name)
        steps = [s for s in writers if (timeline.steps[s].phase == "update") == update]
        return Place(k, steps[-1], index) if steps and k >= 0 else None

    @quiet
    def made_from(self, key: str, index: int) -> list[Group]:
        """The ties to all that a number was made from; none where nothing computes it."""
        kind, name = split_name(key)
        if kind == "grad":
            return list(self._gradient(name, index))
        if kind == "new":
            return list(self._update(name, index))
        if name in self.nodes:
            return list(self._operands(self.nodes[name], index))
        return list(self._carried(key, index))

    # -- forward

    def _operands(self, node: Node, index: int) -> Iterator[Group]:
        call = self.iteration.calls[node.name]
        for slot, key in enumerate(node.operands):
            links = node.op.row(call, slot, np.array([index]))
            met = links.met[0]
            read, local = links.index[0][met], links.local[0][met]
            values = self.at(key, read)
            yield self.group("operand", node.name, key, read, values, local, local * values)

    # -- backward

    def _gradient(self, name: str, index: int) -> Iterator[Group]:
        graph, timeline = self.recording.graph, self.recording.timeline
        if name in self.iteration.seeds and graph.loss is None:
            seed = self.at(f"given({name})", np.array([index]))
            yield self.group("given", "", f"given({name})", np.array([index]), seed, np.ones(1), seed)
        for k in timeline.writers(f"grad({name})"):
            yield from self._use(timeline.steps[k], index)

    def _use(self, step: Step, index: int) -> Iterator[Group]:
        """What one backward step gave to an element: upstream gradients, and what the local derivatives read."""
        assert step.node is not None
        collected = collect(step, self.iteration, np.array([index]))
        links, met = collected.links, collected.links.met[0]
        outs, products = links.index[0][met], collected.products[0][met]
        local, upstream = links.local[0][met], collected.upstream[0][met]
        yield self.group("upstream", step.layer, f"grad({step.layer})", outs, upstream, local, products)
        partner = step.node.op.partner_slot(step.slot)
        if partner is not None and links.partner is not None:
            key = step.node.operands[partner]
            yield self.group("local", step.layer, key, links.partner[0][met], local, upstream, products)
        else:
            yield from self._locals(step, index, outs, products)

    def _locals(self, step: Step, index: int, outs: IntArray, products: Floats) -> Iterator[Group]:
        """The numbers that local derivatives read, from their formulas."""
        assert step.node is not None
        different, first = np.unique(outs, return_index=True)
        read: dict[int, dict[int, float]] = {}
        looked_at = 0
        for k, found in enumerate(self.read_locally(step, different, np.full(len(different), index))):
            looked_at = k + 1
            for element in found:
                read.setdefault(element.slot, {})[element.index] = float(products[first[k]])
        for slot, amounts in read.items():
            key = step.node.tensor(slot)
            at = np.array(list(amounts), np.intp)
            unknown = np.full(at.shape, np.nan)
            group = self.group(
                "local", step.layer, key, at, self.at(key, at), unknown, np.array(list(amounts.values()))
            )
            yield replace(group, looked_at=looked_at, of=len(different))

    def read_locally(self, step: Step, outs: IntArray, into: IntArray) -> Iterator[set[Element]]:
        """The elements that each ∂output[out]/∂operand[into] reads, of an operation that is no sum of products.

        Ends early where that are too many.
        """
        assert step.node is not None
        call, left = self.iteration.calls[step.layer], _MOST_READS
        for out, element in zip(outs[:_MOST_LOCALS].tolist(), into.tolist(), strict=False):
            expression = step.node.op.derivative(call, step.slot, out, element, -1)
            found = set(islice(elements(expression), _MOST_READS))
            left -= len(found)
            yield found
            if left < 0:
                return

    # -- updates, and from one iteration to the next

    def _update(self, name: str, index: int) -> Iterator[Group]:
        for key, amount in self.update_reads(name, index).items():
            at = np.array([index])
            yield self.group("update", owner(self.recording, name), key, at, self.at(key, at), _NAN, np.array([amount]))

    def update_reads(self, name: str, index: int) -> dict[str, float]:
        """What the update of an element reads, and what the new value would lack without it."""
        formulas = self.formulas
        whole = formulas.of(f"new({name})", index)
        expression = whole.expression
        reads = dict.fromkeys(elements(expression))

        def without(left_out: Element) -> float:
            return evaluate(expression, lambda e: 0.0 if e == left_out else formulas.value(e))

        return {formulas.key(element): whole.value - without(element) for element in reads}

    def _carried(self, key: str, index: int) -> Iterator[Group]:
        """A parameter, a buffer or the optimizer's state, as the iteration before left it."""
        before, graph, at = self.iteration.index - 1, self.recording.graph, np.array([index])
        if before < 0:
            return
        value = self.at(key, at)
        if key in graph.buffers:
            yield replace(self.group("carried", "", key, at, value, _NAN, _NAN), iteration=before)
        elif key in self.iteration.updates:
            new = self.group("carried", owner(self.recording, key), f"new({key})", at, value, np.ones(1), value)
            yield replace(new, iteration=before)
        elif key in self._kept:
            earlier = Origins(self.recording, self.names, before)
            name = self._kept[key]
            for read in earlier.kept_reads(name, key):
                yield earlier.group("carried", owner(self.recording, name), read, at, earlier.at(read, at), _NAN, _NAN)

    def kept_reads(self, name: str, kept: str) -> list[str]:
        """What this iteration's update makes a part of the optimizer's state from."""
        part = kept.removeprefix(f"{name}.")
        return [f"grad({name})", *([kept] if part in self.iteration.updates[name].state else [])]

    def group(
        self, role: Role, layer: str, key: str, index: IntArray, values: Floats, local: Floats, amounts: Floats
    ) -> Group:
        """A group within this iteration."""
        return Group(role, layer, self.iteration.index, key, index, values, local, amounts)


_NAN = np.array([np.nan])


def owner(recording: Recording, parameter: str) -> str:
    """The layer in whose name a parameter is updated."""
    steps = recording.timeline.steps
    return next((s.layer for s in steps if s.phase == "update" and s.tensor == parameter), "")
