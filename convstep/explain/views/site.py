"""The sum that a step is about, as all views of it start from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convstep.engine.state import State
from convstep.engine.sums import Collected, Floats, collect
from convstep.engine.timeline import Step
from convstep.explain.example import example, one_of_many
from convstep.explain.naming import Names
from convstep.ops.base import OUTPUT, Call, Empty, IntArray, Operation, Shape


@dataclass(frozen=True)
class Site:
    """One element of the tensor that the present step writes; of an operation step, the last one.

    `done` terms have happened, None where all have; only terms that are not empty count, and have a number.
    """

    state: State
    names: Names
    step: Step
    element: int
    done: int | None

    @property
    def is_backward(self) -> bool:
        return self.step.is_backward

    @property
    def op(self) -> Operation:
        assert self.step.node is not None
        return self.step.node.op

    @property
    def call(self) -> Call:
        return self.state.iteration.calls[self.step.layer]

    @cached_property
    def collected(self) -> Collected:
        """Backward: what the element collects, empty terms among it."""
        return collect(self.step, self.state.iteration, np.array([self.element]))

    @cached_property
    def full(self) -> IntArray:
        """Backward: which links are not empty: term k of the sum is link `full[k]`."""
        return np.flatnonzero(self.collected.links.met[0])

    @cached_property
    def outs(self) -> IntArray:
        """Backward: the output element of each term."""
        return np.asarray(self.collected.links.index[0][self.full])

    @cached_property
    def local(self) -> Floats:
        return np.asarray(self.collected.links.local[0][self.full])

    @cached_property
    def upstream(self) -> Floats:
        return np.asarray(self.collected.upstream[0][self.full])

    @cached_property
    def products(self) -> Floats:
        return np.asarray(self.collected.products[0][self.full])

    @cached_property
    def partner(self) -> IntArray:
        """Backward, where the operation multiplies: the other factor of each term."""
        assert self.collected.links.partner is not None
        return np.asarray(self.collected.links.partner[0][self.full])

    def key(self, slot: int) -> str:
        """The tensor of a slot."""
        assert self.step.node is not None
        return self.step.node.tensor(slot)

    def operand(self, slot: int) -> Floats:
        """All numbers of a slot, flat, as they are; single ones are made float64 when they are looked at."""
        tensor = self.call.output if slot == OUTPUT else self.call.operands[slot]
        return tensor.reshape(-1)

    @property
    def gradient(self) -> Floats:
        """The upstream gradient, flat."""
        return self.state.iteration.grads[self.step.layer].reshape(-1)

    def name(self, slot: int, index: int) -> str:
        """An element of a slot as the person writes it."""
        return self.names.element(self.key(slot), index, self.op.operand_shape(slot))

    def upstream_name(self, index: int) -> str:
        return self.names.element(f"grad({self.step.layer})", index, self.step.upstream_shape)

    @property
    def upstream_title(self) -> str:
        return self.names.tensor(f"grad({self.step.layer})")

    @property
    def written(self) -> str:
        return self.names.element(self.step.writes, self.element, self.step.shape)

    @property
    def shape(self) -> Shape:
        return self.step.shape


def site_of(state: State, names: Names) -> Site | None:
    """The sum of the present step; None at the start and in an update."""
    step, place = state.step, state.place
    if step is None or step.node is None:
        return None
    if not step.is_backward:
        if place.element is None or place.term is None:
            return Site(state, names, step, example(state, step) if place.element is None else place.element, None)
        empty, happened = state.empty_terms, place.term + 1
        if empty is not None:
            happened = int((empty[:happened] == Empty.NO).sum())
        return Site(state, names, step, place.element, None if state.complete else happened)
    target = state.target
    if target is None or state.collected is None:
        return Site(state, names, step, one_of_many(state, step), None)
    at = state.column_term
    done = None if at is None or state.complete else int(np.count_nonzero(state.collected.links.met[0, : at + 1]))
    return Site(state, names, step, target, done)
