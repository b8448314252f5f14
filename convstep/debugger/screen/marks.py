"""Which elements take part in the present step: the marks of a screen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from convstep.debugger.screen.view import Mark
from convstep.engine.state import State
from convstep.ops.base import OUTPUT, IntArray, Links, Read, Reads

_NOTHING: IntArray = np.empty(0, dtype=np.intp)


@dataclass
class Roles:
    """Flat indices of one tensor's elements, by role. Later roles win over earlier ones.

    `own` is the element at the step's own place, in a tensor of the same shape: where a step reads many, the eye
    belongs there.
    """

    rest: list[IntArray] = field(default_factory=list)
    now: list[IntArray] = field(default_factory=list)
    written: list[IntArray] = field(default_factory=list)
    own: int | None = None
    _ordered: dict[int, IntArray] = field(default_factory=dict)

    def codes(self, index: IntArray) -> npt.NDArray[np.uint8]:
        """The `Mark` of each element."""
        codes = np.zeros(index.shape, np.uint8)
        for mark, sets in ((Mark.REST, self.rest), (Mark.NOW, self.now), (Mark.WRITTEN, self.written)):
            for elements in sets:
                if len(elements):
                    codes[_among(index, self._ascending(elements))] = mark
        return codes

    def know(self, elements: IntArray, ascending: IntArray) -> None:
        """Of one of the sets, in what order it is ascending: repetitions may be left out."""
        self._ordered[id(elements)] = ascending

    def _ascending(self, elements: IntArray) -> IntArray:
        """One of the sets in order, which it mostly is."""
        if id(elements) not in self._ordered:
            is_ascending = (elements[1:] >= elements[:-1]).all()
            self._ordered[id(elements)] = elements if is_ascending else np.sort(elements)
        return self._ordered[id(elements)]

    @property
    def follow(self) -> int | None:
        """The element that a screen should show: written, else read now, else one of the rest."""
        for sets in (self.written, self.now, self.rest):
            elements = np.concatenate(sets) if sets else _NOTHING
            if self.own is not None and (elements == self.own).any():
                return self.own
            if len(elements):
                return int(elements[len(elements) // 2])
        return None


class Marks(defaultdict[str, Roles]):
    """Roles by tensor key (`o1`, `grad(o1)`, `new(o1.weight)`)."""

    def __init__(self, state: State) -> None:
        super().__init__(Roles)
        if state.step is None or state.place.element is None:
            return
        if state.step.is_backward:
            self._backward(state)
        else:
            self._forward(state)
        for key, roles in self.items():
            if state.target is not None and state.shape(key) == state.step.shape:
                roles.own = state.target

    def _forward(self, state: State) -> None:
        step, element, term = state.step, state.place.element, state.place.term
        assert step is not None
        assert element is not None
        written = step.tensor if step.node is not None else f"new({step.tensor})"
        self[written].written.append(np.array([element]))
        if step.node is None:
            for key in (step.tensor, f"grad({step.tensor})"):
                self[key].now.append(np.array([element]))
            return
        for slot, key in enumerate(step.node.operands):
            role = self[key].now if term is None else self[key].rest
            links = state.row(slot)
            role.append(_met(links))
            if links.empty is None:
                self[key].know(role[-1], links.totals[0])
        if term is not None and state.terms is not None:
            for slot, index in _elements(state.terms[term].reads):
                if slot != OUTPUT:
                    self[step.node.operands[slot]].now.append(index)

    def _backward(self, state: State) -> None:
        step, term = state.step, state.place.term
        assert step is not None
        node = step.node
        assert node is not None
        if state.shares is not None:
            links, k, source = state.shares.links, term, np.array([state.place.element])
            targets = _met(links)
            self._links(node.operands, node.op.partner_slot(step.slot), links, k)
            for key in (step.layer, f"grad({step.layer})"):
                self[key].now.append(source)
            chosen = targets if state.target is None and term is None else _one(state.target)
            self[step.tensor].rest.append(targets)
            self[step.tensor].now.append(chosen)
            self[step.writes].rest.append(targets)
            self[step.writes].written.append(chosen)
            return
        assert state.collected is not None
        links, k, target = state.collected.links, term, _one(state.target)
        self._links(node.operands, node.op.partner_slot(step.slot), links, k)
        for key in (step.layer, f"grad({step.layer})"):
            self._one_and_rest(key, links.index[0], links, k)
        self[step.tensor].now.append(target)
        self[step.writes].written.append(target)

    def _links(self, operands: tuple[str, ...], slot: int | None, links: Links, k: int | None) -> None:
        if slot is not None and links.partner is not None:
            self._one_and_rest(operands[slot], links.partner[0], links, k)

    def _one_and_rest(self, key: str, index: IntArray, links: Links, k: int | None) -> None:
        there = links.met[0] & (index >= 0)
        role = self[key].now if k is None else self[key].rest
        role.append(index if there.all() else index[there])
        if k is not None and there[k]:
            self[key].now.append(index[k : k + 1])


def _elements(reads: Sequence[Read]) -> Iterator[tuple[int, IntArray]]:
    """The elements that a term reads, with their slots."""
    if isinstance(reads, Reads):
        yield reads.slot, reads.elements
        return
    for read in reads:
        if isinstance(read.slot, int) and read.index >= 0:
            yield read.slot, np.array([read.index])


def _met(links: Links) -> IntArray:
    """The elements of a single row or column that are met."""
    index = links.index[0]
    met: IntArray = index if links.met[0].all() else index[links.met[0]]
    return met


def _among(index: IntArray, ordered: IntArray) -> npt.NDArray[np.bool_]:
    """Which indices are in an ascending set: few are asked for, of one that may be large."""
    found: npt.NDArray[np.bool_] = ordered[np.searchsorted(ordered, index, "right") - 1] == index
    return found


def _one(index: int | None) -> IntArray:
    return _NOTHING if index is None else np.array([index])
