"""The formula of any one number of an iteration: a value, a gradient, an updated parameter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np

from convstep.engine.recording import Recording
from convstep.engine.state import split_name
from convstep.engine.sums import Floats, collect
from convstep.engine.timeline import Step
from convstep.errors import ConvstepError
from convstep.explain.formula.folding import Unfolding, fold
from convstep.explain.naming import Names, NodeNames
from convstep.network.graph import Node
from convstep.ops.base import Array, IntArray, Links, Shape, quiet
from convstep.ops.expression import Element, Expression, Number, Product, Sum, total
from convstep.ops.optim.assignments import substitute
from convstep.ops.optim.optimizers import STATE

_MOST_LOOKED_AT = 1000
_MOST_TOLD = 3
"""Terms of a sum that are looked at for a convention of torch's, and sentences about them."""


@dataclass(frozen=True)
class Part:
    """What one use of a tensor gives to its gradient; of anything else, the whole.

    `layer` is the user and `op` its operation, "" where the part is none's. `count` terms; `amounts` are their
    values where they are known without asking. `conventions` say what torch takes where a local derivative is a
    matter of convention.
    """

    layer: str
    op: str
    expression: Expression
    amounts: Floats | None = None
    conventions: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return self.expression.count if isinstance(self.expression, Sum) else 1


@dataclass(frozen=True)
class Formula:
    """One number: the sum of its parts. `value` is the recorded number.

    `given` says why there is nothing to compute ("an input"), "" where there is. Elements are those of the
    `Formulas` that it comes from.
    """

    key: str
    index: int
    parts: tuple[Part, ...]
    value: float
    given: str = ""

    @property
    def expression(self) -> Expression:
        """All parts as one sum."""
        terms: list[Expression] = []
        for part in self.parts:
            match part.expression:
                case Sum(count, term):
                    terms += [term(k) for k in range(count)]
                case other:
                    terms.append(other)
        return total(terms) if terms else Number(0.0)


class Formulas:
    """The formulas of one iteration. A tensor's key is what `Names.parse` gives: `o1`, `grad(o1)`, `new(o1.weight)`.

    In the expressions, the slot of an element stands for a key (`key`), whichever operation it occurs in. Also
    keys: what the optimizer keeps (`o1.weight.momentum_buffer`), and given gradients (`given(o2)`).
    """

    def __init__(self, recording: Recording, names: Names, iteration: int = 0) -> None:
        self.recording, self.names = recording, names
        self.iteration = recording.iteration(iteration)
        self._nodes: dict[str, Node] = {node.name: node for node in recording.graph.nodes}
        self._slots: dict[str, int] = {}
        self._keys: list[str] = []

    # -- elements

    def key(self, element: Element) -> str:
        """The key of the tensor that an element belongs to."""
        return self._keys[element.slot]

    def element(self, key: str, index: int) -> Element:
        """An element of a tensor, by flat index."""
        if key not in self._slots:
            self._slots[key] = len(self._keys)
            self._keys.append(key)
        return Element(self._slots[key], index)

    def value(self, element: Element) -> float:
        """The recorded number of an element."""
        return float(self.tensor(self.key(element)).reshape(-1)[element.index])

    def tensor(self, key: str) -> Array:
        """The recorded tensor. Raises ConvstepError where there is none."""
        kind, name = split_name(key)
        if kind == "grad":
            if name not in self.iteration.grads:
                raise ConvstepError(f"there is no {self.names.tensor(key)}: the loss does not depend on it")
            return self.iteration.grads[name]
        if kind == "new":
            if name not in self.iteration.updates:
                raise ConvstepError(f"there is no {self.names.tensor(key)}: no optimizer updates it")
            return self.iteration.updates[name].new_parameter
        found = self.iteration.values.get(name)
        return self._kept[key] if found is None else found

    @cached_property
    def _kept(self) -> dict[str, Array]:
        """The optimizer's state before the updates, and the given gradients, by key."""
        updates = self.iteration.updates
        kept = {f"{name}.{local}": array for name, update in updates.items() for local, array in update.state.items()}
        return kept | {f"given({name})": seed for name, seed in self.iteration.seeds.items()}

    def shape(self, key: str) -> Shape:
        """The shape of a tensor."""
        return self.tensor(key).shape

    # -- formulas

    def of(self, key: str, index: int) -> Formula:
        """The formula of one element. Raises ConvstepError where there is no such tensor."""
        value = float(self.tensor(key).reshape(-1)[index])
        kind, name = split_name(key)
        if kind == "grad":
            parts = self._gradient(name, index)
            return Formula(key, index, parts, value, "" if parts else "0 here: no term gives anything to it")
        if kind == "new":
            update = self.iteration.updates[name]
            kept = [f"{name}.{local}" for local in update.optimizer.state_names]
            keys = [name, f"grad({name})", *kept]
            assert len(keys) == STATE + len(kept)
            rule = self._in_keys(update.optimizer.formula(update, index), lambda slot: keys[slot])
            return Formula(key, index, (Part("", "", rule),), value)
        node = self._nodes.get(name)
        if node is None:
            itself = Part("", "", self.element(key, index))
            return Formula(key, index, (itself,), value, self._origin(name))
        made = node.op.formula(self.iteration.calls[name], index)
        part = Part("", "", self._in_keys(made, node.tensor), conventions=self._conventions_of(node, index))
        return Formula(key, index, (part,), value)

    def _origin(self, name: str) -> str:
        graph, before = self.recording.graph, self.iteration.index - 1
        if name in graph.inputs:
            return "an input: nothing computes it"
        if name in graph.buffers:
            return "a buffer, as this iteration finds it"
        if name not in graph.parameters:
            return "a mask: it is drawn anew in each iteration"
        if before < 0 or graph.optimizer is None:
            return "a parameter, as the run begins"
        return f"a parameter, as iteration {before} left it: its {self.names.tensor(f'new({name})')}"

    def _gradient(self, name: str, index: int) -> tuple[Part, ...]:
        parts = []
        if name in self.iteration.seeds:
            loss = self.recording.graph.loss
            seed = Number(1.0) if loss and loss.name == name else self.element(f"given({name})", index)
            parts.append(Part("", "", seed))
        timeline = self.recording.timeline
        parts += [self._use(timeline.steps[k], index) for k in timeline.writers(f"grad({name})")]
        return tuple(part for part in parts if part.count)

    def _use(self, step: Step, index: int) -> Part:
        """Σ local × upstream of one backward step, what is empty left out."""
        assert step.node is not None
        op, call = step.node.op, self.iteration.calls[step.layer]
        collected = collect(step, self.iteration, np.array([index]))
        outs, partners, amounts = _met(collected.links, collected.products[0])
        upstream, operands = f"grad({step.layer})", step.node.tensor

        @quiet
        def term(k: int) -> Expression:
            out = int(outs[k])
            local = op.derivative(call, step.slot, out, index, int(partners[k]))
            return Product((self._in_keys(local, operands), self.element(upstream, out)))

        told = self._conventions(step.node, step.slot, outs, np.full(len(outs), index))
        return Part(step.layer, step.op, Sum(len(outs), term), amounts, told)

    def _conventions_of(self, node: Node, out: int) -> tuple[str, ...]:
        """What torch takes where one element reacts to what its first input holds there."""
        if not node.op.is_differentiable(0) or prod(node.op.row_grid(0)) > _MOST_LOOKED_AT:
            return ()
        index = node.op.row(self.iteration.calls[node.name], 0, np.array([out])).index[0]
        read = index[index >= 0]
        return self._conventions(node, 0, np.full(len(read), out), read)

    def _conventions(self, node: Node, slot: int, outs: IntArray, into: IntArray) -> tuple[str, ...]:
        op, call = node.op, self.iteration.calls[node.name]
        kinks = np.flatnonzero(op.at_kink(call, slot, outs[:_MOST_LOOKED_AT], into[:_MOST_LOOKED_AT]))
        naming = NodeNames(self.names, node)
        told = [op.tell_link(call, slot, int(outs[k]), int(into[k]), -1, naming) for k in kinks[:_MOST_TOLD]]
        more = len(kinks) - len(told)
        return (*told, *([f"the same convention decides {more} more of its derivatives"] if more else []))

    @quiet
    def local(self, layer: str, slot: int, out: int, into: int, partner: int) -> Expression:
        """∂layer[out]/∂operand[into] as an expression; `partner` as `Links` has it."""
        derivative = self.derivative(layer, slot, out, into, partner)
        return self._in_keys(derivative, self._nodes[layer].tensor)

    def derivative(self, layer: str, slot: int, out: int, into: int, partner: int) -> Expression:
        """The same in the operation's own slots, which takes no time however long it is."""
        return self._nodes[layer].op.derivative(self.iteration.calls[layer], slot, out, into, partner)

    def _in_keys(self, expression: Expression, key: Callable[[int], str]) -> Expression:
        """An operation's expression, its slots exchanged for keys; a long outer sum stays unmade."""

        def exchanged(part: Expression) -> Expression:
            return substitute(part, lambda element: self.element(key(element.slot), element.index))

        if isinstance(expression, Sum):
            return Sum(expression.count, lambda k: exchanged(expression.term(k)))
        return exchanged(expression)

    # -- long ones

    def folded(self, formula: Formula, most: int) -> Formula:
        """The same formula, of equal value, with no sum of more than `most` terms."""
        parts = [
            replace(part, expression=_one_sum(fold(part.expression, self.value, most, part.amounts)), amounts=None)
            for part in formula.parts
        ]
        return Formula(formula.key, formula.index, tuple(parts), formula.value, formula.given)

    def unfolded(self, formula: Formula, levels: int, most: int, most_terms: int) -> tuple[Formula, int]:
        """A folded formula with upstream gradients (of a value, operands) given by their own, `levels` deep.

        Up to `most` elements are put in. Also returns how many numbers stay named for that reason alone.
        """
        of_value = split_name(formula.key)[0] == "value"

        def computed(element: Element) -> bool:
            key = self.key(element)
            kind, name = split_name(key)
            if of_value:
                return kind == "value" and name in self._nodes
            return kind == "grad" and bool(self.recording.timeline.writers(key))

        def own(element: Element) -> Expression:
            return self.folded(self.of(self.key(element), element.index), most_terms).expression

        parts, stayed = [], 0
        for part in formula.parts:
            unfolding = Unfolding(computed, own, most // len(formula.parts))
            unfolded = _one_sum(unfolding.unfold(part.expression, levels))
            parts.append(replace(part, expression=unfolded, amounts=None))
            stayed += unfolding.stayed
        return Formula(formula.key, formula.index, tuple(parts), formula.value, formula.given), stayed


def _one_sum(expression: Expression) -> Sum:
    """The expression as a sum, perhaps of one term, so that parts can be strung together."""
    return expression if isinstance(expression, Sum) else Sum(1, lambda _: expression)


def _met(links: Links, products: Floats) -> tuple[IntArray, IntArray, Floats]:
    """Outputs, partners and products of the terms of one gradient element that are not empty."""
    met = links.met[0]
    outs, products = links.index[0][met], products[met]
    if links.partner is not None:
        return outs, links.partner[0][met], products
    # The derivative of an output that reads the element several times is one expression.
    different, which = np.unique(outs, return_inverse=True)
    amounts = np.zeros(len(different))
    np.add.at(amounts, which, products)
    return different, np.full(len(different), -1), amounts
