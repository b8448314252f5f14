"""What there is inside of an operation, for many elements at once: sums, products, indices, as `State` has them.

Sums run left to right, in float64. The words are those of `explain.language.kinds.INSIDE`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from convstep.debugger.stops.clock import BLOCK, Clock
from convstep.debugger.stops.truth import Bools, Numbers, Words
from convstep.engine.recording import Iteration
from convstep.engine.state import State
from convstep.engine.sums import Collected, Floats, collect
from convstep.engine.timeline import Place, Step
from convstep.explain.language.kinds import bare
from convstep.ops.arithmetic.arithmetic import Add
from convstep.ops.arithmetic.reduction import Sum
from convstep.ops.base import Empty, IntArray, quiet
from convstep.ops.indices import last_true
from convstep.ops.products import ProductSum, gather
from convstep.ops.terms import empties

_TOLD = 256
"""How many elements are told term by term in one go."""


@dataclass(frozen=True)
class _Terms:
    """What the terms of m elements say, (m, n), by the words for it; and which of them are empty, where any is."""

    words: dict[str, Numbers]
    empty: Bools | None = None


@dataclass(frozen=True)
class Inside:
    """One operation `k` of an iteration."""

    clock: Clock
    index: int
    k: int

    @property
    def step(self) -> Step:
        return self.clock.timeline.steps[self.k]

    @property
    def iteration(self) -> Iteration:
        return self.clock.iteration(self.index)

    @cached_property
    def known(self) -> set[str]:
        """The words that mean something in its elements: in all or in none, for that follows from shapes."""
        if not np.prod(self.step.shape):
            return set()
        terms = self._terms(np.array([0]))
        return {"value", "term", "index", *(bare(word) for word, told in terms.words.items() if told.there.any())}

    def terms(self, elements: IntArray, words: set[str]) -> dict[str, Numbers]:
        """The words at each term of m elements that it writes, in gather order: (m, n), or what broadcasts to that."""
        terms = self._terms(elements)
        found = {word: numbers for word, numbers in terms.words.items() if word in words}
        count = self.step.terms["gather"]
        if "term" in words:
            found["term"] = _all_there(np.arange(count)[None, :].astype(np.float64))
        if "value" in words:
            last = np.full((len(elements), 1), count - 1)
            if terms.empty is not None:
                last = last_true(~terms.empty).clip(0)[:, None]
            found["value"] = Numbers(self.values[elements][:, None], np.arange(count) == last)
        return found | _across(self.indices(elements, words))

    def whole(self, elements: IntArray, words: set[str]) -> dict[str, Numbers]:
        """The words at the steps of whole elements, (m,): the last running sum of each, its value, its index."""
        found = self.indices(elements, words)
        if "value" in words:
            found["value"] = _all_there(self.values[elements])
        if "sum" in words and "sum" in self.known:
            sums = self._terms(elements).words["sum"]
            last = last_true(sums.there)
            found["sum"] = Numbers(sums.values[np.arange(len(last)), last], last >= 0)
        return found

    def indices(self, elements: IntArray, words: set[str]) -> dict[str, Numbers]:
        """`index` and `index[…]` of elements that it writes, (m,)."""
        found = {}
        shape = self.step.shape
        for word in words:
            if word == "index":
                found[word] = _all_there((elements + 1).astype(np.float64))
            elif word.startswith("index["):
                axis = int(word[6:-1])
                there = -len(shape) <= axis < len(shape)
                numbers = np.unravel_index(elements, shape)[axis] if there else np.zeros(elements.shape)
                found[word] = Numbers(numbers.astype(np.float64), np.full(elements.shape, there))
        return found

    @cached_property
    def values(self) -> Floats:
        """What each element holds once it is finished here, flat; other users of a tensor may add to its gradient."""
        step, iteration = self.step, self.iteration
        if step.node is None:
            return _flat(iteration.updates[step.tensor].new_parameter)
        if not step.is_backward:
            return _flat(iteration.values[step.layer])
        writers = self.clock.timeline.writers(step.writes)
        if self.k == writers[-1]:
            return _flat(iteration.grads[step.tensor])
        seed = iteration.seeds.get(step.tensor)
        given = [*([] if seed is None else [seed]), *(iteration.given[k] for k in writers if k <= self.k)]
        total = given[0]
        for other in given[1:]:
            total = total + other
        return _flat(total)

    def blocks(self, elements: IntArray, backwards: bool) -> Iterator[IntArray]:
        """Elements in blocks that take a moment each, from the first or from the last."""
        operation = self.step.node and self.step.node.op
        size = max(1, BLOCK // max(self.step.terms["gather"], 1))
        at_once = self.step.is_backward or isinstance(operation, (ProductSum, Add, Sum))
        size = size if at_once else min(size, _TOLD)
        starts = range(0, len(elements), size)
        for start in reversed(starts) if backwards else starts:
            yield elements[start : start + size]

    # -- the terms

    @quiet
    def _terms(self, elements: IntArray) -> _Terms:
        step, iteration = self.step, self.iteration
        if step.is_backward:
            collected = collect(step, iteration, elements)
            return _Terms(products_of(collected), _empty(collected.links.empty))
        node = step.node
        if node is not None and isinstance(node.op, (Add, Sum)):
            return _Terms({"sum": _added(step, iteration, elements)})
        if node is None or not isinstance(node.op, ProductSum):
            return _told(step, iteration, elements)
        call = iteration.calls[step.layer]
        inputs, weights, codes = node.op.pairs(elements)
        empty = _empty(codes)
        assert empty is not None
        first, second = gather(call.operands[0], inputs), gather(call.operands[1], weights)
        products = first * second
        products[empty] = 0.0
        both = np.full(products.shape, True)
        if node.op.has_bias:
            bias = call.operands[2].reshape(-1)[node.op.bias_of(elements)].astype(np.float64)[:, None]
            first, products = (np.concatenate([numbers, bias], axis=1) for numbers in (first, products))
            second, both, empty = (np.pad(each, ((0, 0), (0, 1))) for each in (second, both, empty))
        words = {"sum": np.add.accumulate(products, axis=1), "product": products, "factors[0]": first}
        told = {word: _all_there(numbers) for word, numbers in words.items()}
        return _Terms({**told, "factors[1]": Numbers(second, both)}, empty)


def products_of(collected: Collected) -> dict[str, Numbers]:
    """The words for what elements of a gradient collect."""
    local = collected.links.local
    numbers = {"sum": collected.sums, "product": collected.products, "local": local, "upstream": collected.upstream}
    return {word: _all_there(values) for word, values in numbers.items()}


def _all_there(values: Floats) -> Numbers:
    return Numbers(values, np.full(values.shape, True))


def _flat(tensor: Any) -> Floats:
    flat: Floats = np.asarray(tensor, dtype=np.float64).reshape(-1)
    return flat


def _empty(codes: Any) -> Bools | None:
    return None if codes is None else np.asarray(codes != Empty.NO)


def spread(told: Numbers, shape: tuple[int, int], at: tuple[IntArray | int, IntArray]) -> Numbers:
    """What a word stands for at some places of a shape to which it broadcasts."""
    return Numbers(np.broadcast_to(told.values, shape)[at], np.broadcast_to(told.there, shape)[at])


def _across(words: Words) -> dict[str, Numbers]:
    """The same at every term."""
    return {word: Numbers(told.values[:, None], told.there[:, None]) for word, told in words.items()}


def _added(step: Step, iteration: Iteration, elements: IntArray) -> Numbers:
    """What an operation adds up as it is; a mean's last term divides, and no sum runs there."""
    assert step.node is not None
    call = iteration.calls[step.layer]
    rows = [step.node.op.row(call, slot, elements).index for slot in range(len(step.node.inputs))]
    numbers = [gather(operand, index) for operand, index in zip(call.operands, rows, strict=False)]
    sums = np.add.accumulate(np.concatenate(numbers, axis=1), axis=1)
    further = step.terms["gather"] - sums.shape[1]
    values = np.pad(sums, ((0, 0), (0, further)))
    return Numbers(values, np.pad(np.ones(sums.shape, bool), ((0, 0), (0, further))))


def _told(step: Step, iteration: Iteration, elements: IntArray) -> _Terms:
    """Term by term, as the operation tells them."""
    shape = len(elements), step.terms["gather"]
    words: dict[str, Numbers] = {}
    empty = np.zeros(shape, bool)

    def tell(word: str, row: int, k: int, number: float) -> None:
        told = words.setdefault(word, Numbers(np.zeros(shape), np.zeros(shape, bool)))
        told.values[row, k], told.there[row, k] = number, True

    for row, element in enumerate(elements):
        if step.node is None:
            update = iteration.updates[step.tensor]
            terms = update.optimizer.terms(update, int(element))
        else:
            terms = step.node.op.terms(iteration.calls[step.layer], int(element))
        empty[row] = empties(terms) != Empty.NO
        for k, term in enumerate(terms):
            if term.sum is not None:
                tell("sum", row, k, term.sum)
            if term.is_product:
                tell("product", row, k, term.result)
                for n, read in enumerate(term.reads):
                    tell(f"factors[{n}]", row, k, read.value)
    return _Terms(words, empty)


def words_at(clock: Clock, place: Place, words: set[str]) -> dict[str, Numbers]:
    """What is there at one place, each a single number; what is not there is left out."""
    if place.step < 0 or place.element is None:
        return {}
    inside = Inside(clock, place.iteration, place.step)
    element, term, count = place.element, place.term, 1
    if inside.step.scatters(clock.order):
        state = State(clock.recording, place, clock.order)
        if state.target is None or state.collected is None or state.column_term is None:
            return {}
        told = products_of(state.collected) | _across(inside.indices(np.array([state.target]), words))
        told["term"] = _all_there(np.full((1, 1), float(term or 0)))
        if state.ends_element:
            told["value"] = _all_there(inside.values[state.target].reshape(1, 1))
        term, count = state.column_term, state.collected.sums.shape[1]
    elif term is None:
        told, term = _across(inside.whole(np.array([element]), words)), 0
    else:
        told, count = inside.terms(np.array([element]), words), inside.step.terms["gather"]
    found = {}
    for word in words & told.keys():
        numbers, there = (np.broadcast_to(each, (1, count))[0, term] for each in (told[word].values, told[word].there))
        if there:
            found[word] = Numbers(np.array(numbers), np.array(True))
    return found
