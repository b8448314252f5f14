"""The backward pass of a recorded iteration once more, with some of its steps done differently."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from math import prod

import numpy as np
import numpy.typing as npt

from convstep.engine.recording import Iteration, Recording
from convstep.engine.sums import multiply
from convstep.engine.timeline import Step
from convstep.explain.mistakes.closeness import largest
from convstep.network.graph import Node
from convstep.ops.base import Array, Call, Links, Operation

Floats = npt.NDArray[np.float64]
Change = Callable[[Array], Array]
"""What a changed step gives, for the upstream gradient that reaches it."""

_LARGEST_LINKS = 2**22
"""So many products at most are laid out one by one."""
_MOST_BEYOND = 3


@dataclass(frozen=True)
class Site:
    """One backward step as a place for a mistake: what it reads, and what it rightly gives.

    `users` counts the steps that give to the same gradient; `beyond` are gradients nearer to the loss than the
    upstream one, of as many elements as this step gives, the nearest first.
    """

    step: Step
    call: Call
    upstream: Array
    users: int
    beyond: tuple[Array, ...] = ()

    @property
    def node(self) -> Node:
        assert self.step.node is not None
        return self.step.node

    @property
    def op(self) -> Operation:
        return self.node.op

    @property
    def slot(self) -> int:
        return self.step.slot

    @property
    def parameter(self) -> str | None:
        """The own name of the parameter whose gradient this is: `weight`, `bias`."""
        nth = self.slot - len(self.node.inputs)
        return list(self.node.parameters)[nth] if nth >= 0 else None

    @cached_property
    def given(self) -> Array:
        """What is right."""
        return self.vjp(self.op, self.call, self.upstream)

    def vjp(self, op: Operation, call: Call, upstream: Array) -> Array:
        """The gradient of this step's operand by some operation."""
        gradient = op.vjp(call, upstream, [slot == self.slot for slot in range(len(call.operands))])[self.slot]
        assert gradient is not None
        return np.asarray(gradient)

    def with_upstream(self, upstream: Array) -> Array:
        """What the step gives for another upstream gradient."""
        return self.vjp(self.op, self.call, np.asarray(upstream, self.upstream.dtype))

    def with_operand(self, slot: int, operand: Array) -> Array:
        """What the step gives where another operand stands in a slot."""
        operands = (*self.call.operands[:slot], operand, *self.call.operands[slot + 1 :])
        return self.vjp(self.op, replace(self.call, operands=operands), self.upstream)

    @property
    def grid(self) -> tuple[int, ...]:
        """How the uses of one element are laid out."""
        return self.op.column_grid(self.slot)

    @property
    def is_listed(self) -> bool:
        """Whether there are several uses an element, and not too many to list them."""
        return 1 < prod(self.grid) <= _LARGEST_LINKS // max(1, prod(self.step.shape))

    @cached_property
    def links(self) -> Links:
        """The uses of every element, (elements, uses)."""
        return self.op.column(self.call, self.slot, np.arange(prod(self.step.shape)))

    @cached_property
    def is_use(self) -> npt.NDArray[np.bool_]:
        """Which of the links are no empty ones."""
        return self.links.met

    @cached_property
    def upstream_met(self) -> Floats:
        """The upstream gradient at each link, 0 where there is none."""
        met = self.upstream.reshape(-1)[self.links.index].astype(np.float64)
        met[self.links.index < 0] = 0.0
        return met

    @cached_property
    def products(self) -> Floats:
        return multiply(self.links, self.upstream_met)

    def shaped(self, numbers: Array) -> Array:
        """One number an element, in the gradient's shape."""
        return numbers.reshape(self.step.shape)


class Backward:
    """The recorded backward pass of one iteration, and what it would give otherwise."""

    def __init__(self, recording: Recording, iteration: Iteration) -> None:
        self.graph, self.timeline, self.iteration = recording.graph, recording.timeline, iteration
        self.writers: dict[str, list[int]] = {}
        for k, step in enumerate(self.timeline.steps):
            if step.is_backward:
                self.writers.setdefault(step.tensor, []).append(k)
        self._reached: dict[str, set[str]] = {}
        self.work = 0
        """How many products have been made so far on the way back."""

    @cached_property
    def largest_gradient(self) -> float:
        """The largest magnitude among all recorded gradients."""
        return max(map(largest, self.iteration.grads.values()), default=0.0)

    def site(self, k: int, upstream: Array | None = None) -> Site:
        """Backward step k, with the recorded upstream gradient unless another is given."""
        step = self.timeline.steps[k]
        if upstream is None:
            upstream = self.iteration.grads[step.layer]
        users = len(self.writers[step.tensor])
        return Site(step, self.iteration.calls[step.layer], upstream, users, self._beyond(step))

    def _beyond(self, step: Step) -> tuple[Array, ...]:
        """The nearest gradients between a layer and the loss that have the size of what a step gives."""
        names = [node.name for node in self.graph.nodes]
        later = names[names.index(step.layer) + 1 :] if step.tensor in names else []
        grads = (self.iteration.grads[name] for name in later if name in self.iteration.grads)
        return tuple(islice((g for g in grads if g.size == prod(step.shape)), _MOST_BEYOND))

    def with_changes(self, changes: Mapping[int, Change], wanted: Collection[str]) -> dict[str, Array]:
        """The gradients, of those wanted, that some changed steps make different; the rest is as recorded."""
        leads = self.leading_to(wanted)
        given: dict[int, Array] = {}
        for node in reversed(self.graph.nodes):
            steps = self.timeline.backward_steps.get(node.name, {})
            upstream = self._complete(node.name, given)
            if upstream is None and not any(k in changes for k in steps.values()):
                continue
            now = self.iteration.grads[node.name] if upstream is None else upstream
            steps = {slot: k for slot, k in steps.items() if node.operands[slot] in leads}
            given.update({k: changes[k](now) for k in steps.values() if k in changes})
            slots = {slot for slot, k in steps.items() if k not in changes}
            if upstream is not None and slots:
                self.work += products(node) * len(slots)
                gradients = node.op.vjp(
                    self.iteration.calls[node.name], upstream, [slot in slots for slot in range(len(node.operands))]
                )
                given.update({steps[slot]: np.asarray(gradients[slot]) for slot in slots})
        found = {name: self._complete(name, given) for name in wanted}
        return {name: gradient for name, gradient in found.items() if gradient is not None}

    def _complete(self, tensor: str, given: Mapping[int, Array]) -> Array | None:
        """The sum of all that is given to a tensor's gradient; None where nothing of it is different."""
        writers = self.writers.get(tensor, [])
        if not any(k in given for k in writers):
            return None
        parts = [given.get(k, self.iteration.given[k]) for k in writers]
        start = self.iteration.seeds.get(tensor)
        return np.asarray(sum(parts[1:], parts[0]) if start is None else sum(parts, start))

    def complete_after(self, tensor: str) -> int:
        """The step after which a gradient is complete; -1 where it is so from the start."""
        return max(self.writers.get(tensor, [-1]))

    def reached_from(self, tensor: str) -> set[str]:
        """The tensors whose gradient depends on this one's, itself included."""
        if tensor not in self._reached:
            reached = {tensor}
            for node in reversed(self.graph.nodes):
                if node.name in reached:
                    reached.update(node.operands)
            self._reached[tensor] = reached
        return self._reached[tensor]

    def leading_to(self, wanted: Collection[str]) -> set[str]:
        """The tensors on whose gradient the wanted ones depend, themselves included."""
        leads = set(wanted)
        for node in self.graph.nodes:
            if leads.intersection(node.operands):
                leads.add(node.name)
        return leads


def products(node: Node) -> int:
    """How many products one gradient of an operation takes, about."""
    return node.op.output.size * node.op.term_count()
