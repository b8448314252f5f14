"""Running sums of many elements at once, as `State` has them one by one: left to right, in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from convstep.debugger.stops.clock import BLOCK, Clock
from convstep.debugger.stops.truth import Bools
from convstep.engine.recording import Iteration
from convstep.engine.state import State
from convstep.engine.sums import Floats, collect
from convstep.engine.timeline import Place, Step
from convstep.ops.arithmetic.arithmetic import Add
from convstep.ops.arithmetic.reduction import Sum
from convstep.ops.base import Empty, IntArray, quiet
from convstep.ops.products import ProductSum, gather

_TOLD = 256
"""How many elements are told term by term in one go."""


@dataclass(frozen=True)
class Sums:
    """The running sums after each term, (m, n); where `summed` is false no sum runs, and the number means nothing."""

    values: Floats
    summed: Bools

    def whole(self) -> Sums:
        """The last running sum of each element, (m,)."""
        last = self.summed.shape[1] - 1 - np.argmax(self.summed[:, ::-1], axis=1)
        rows = np.arange(len(last))
        return Sums(self.values[rows, last], np.asarray(self.summed.any(axis=1)))


def adds_up(step: Step, iteration: Iteration) -> bool:
    """Whether sums run in the elements of an operation: in all or in none, for that follows from shapes."""
    if step.is_backward:
        return True
    if isinstance(step.node and step.node.op, ProductSum):
        return True
    return bool(np.prod(step.shape)) and bool(_told(step, iteration, np.array([0])).summed.any())


@quiet
def sums_of(step: Step, iteration: Iteration, elements: IntArray) -> Sums:
    """The sums of elements that an operation writes, in gather order."""
    if step.is_backward:
        values = collect(step, iteration, elements).sums
        return Sums(values, np.ones(values.shape, bool))
    node = step.node
    if node is not None and isinstance(node.op, (Add, Sum)):
        return _added(step, iteration, elements)
    if node is None or not isinstance(node.op, ProductSum):
        return _told(step, iteration, elements)
    call = iteration.calls[step.layer]
    inputs, weights, empty = node.op.pairs(elements)
    products = gather(call.operands[0], inputs) * gather(call.operands[1], weights)
    products[empty != Empty.NO] = 0.0
    if node.op.has_bias:
        bias = call.operands[2].reshape(-1)[node.op.bias_of(elements)].astype(np.float64)
        products = np.concatenate([products, bias[:, None]], axis=1)
    return Sums(np.add.accumulate(products, axis=1), np.ones(products.shape, bool))


def _added(step: Step, iteration: Iteration, elements: IntArray) -> Sums:
    """What an operation adds up as it is; a mean's last term divides, and no sum runs there."""
    assert step.node is not None
    call = iteration.calls[step.layer]
    rows = [step.node.op.row(call, slot, elements).index for slot in range(len(step.node.inputs))]
    numbers = [gather(operand, index) for operand, index in zip(call.operands, rows, strict=False)]
    sums = np.add.accumulate(np.concatenate(numbers, axis=1), axis=1)
    further = step.terms["gather"] - sums.shape[1]
    values = np.pad(sums, ((0, 0), (0, further)))
    return Sums(values, np.pad(np.ones(sums.shape, bool), ((0, 0), (0, further))))


def _told(step: Step, iteration: Iteration, elements: IntArray) -> Sums:
    """Term by term, as the operation tells them."""
    count = step.terms["gather"]
    values, summed = np.zeros((len(elements), count)), np.zeros((len(elements), count), bool)
    for row, element in enumerate(elements):
        if step.node is None:
            update = iteration.updates[step.tensor]
            terms = update.optimizer.terms(update, int(element))
        else:
            terms = step.node.op.terms(iteration.calls[step.layer], int(element))
        for k, term in enumerate(terms):
            if term.sum is not None:
                values[row, k], summed[row, k] = term.sum, True
    return Sums(values, summed)


def sum_at(clock: Clock, place: Place) -> float | None:
    """The running sum at one place; None where none runs."""
    if place.step < 0 or place.element is None:
        return None
    step, iteration = clock.timeline.steps[place.step], clock.iteration(place.iteration)
    if step.scatters(clock.order):
        state = State(clock.recording, place, clock.order)
        if state.column_term is None or state.collected is None:
            return None
        return float(state.collected.sums[0, state.column_term])
    sums = sums_of(step, iteration, np.array([place.element]))
    if place.term is None:
        sums = sums.whole()
        return float(sums.values[0]) if sums.summed[0] else None
    return float(sums.values[0, place.term]) if sums.summed[0, place.term] else None


def blocks(step: Step, elements: IntArray, backwards: bool) -> Iterator[IntArray]:
    """Elements in blocks that take a moment each, from the first or from the last."""
    size = max(1, BLOCK // max(step.terms["gather"], 1))
    at_once = step.is_backward or isinstance(step.node and step.node.op, (ProductSum, Add, Sum))
    size = size if at_once else min(size, _TOLD)
    starts = range(0, len(elements), size)
    for start in reversed(starts) if backwards else starts:
        yield elements[start : start + size]
