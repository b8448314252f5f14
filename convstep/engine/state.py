"""What is written at a position, and what is still blank: a pure function of recording and place."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from convstep.engine.recording import Iteration, Recording
from convstep.engine.scattering import received
from convstep.engine.sums import Collected, Floats, Shares, collect, place_in_column, shares
from convstep.engine.tensor_names import split_name as split_name
from convstep.engine.tensor_names import tensor_of as tensor_of
from convstep.engine.timeline import Order, Place, Step
from convstep.ops.base import OUTPUT, Array, Empty, IntArray, Links, Shape, Term
from convstep.ops.expression import Expression
from convstep.ops.terms import Terms, empties

Codes = npt.NDArray[np.uint8]

_OF_ELEMENT = ("collected", "empty_terms", "terms", "formula", "_rows")
_OF_SOURCE = ("shares", "empty_terms")
"""What a state has in common with those at the other terms of its element, or of its upstream element."""


class Status(IntEnum):
    """How final an element is."""

    BLANK = 0
    """Nothing is written yet."""
    PARTIAL = 1
    """A sum that is not finished, or a gradient that further users add to."""
    DONE = 2
    PADDING = 3
    """Not an element at all: a place on the padding, between two strides or past a window's end."""


class State:
    """All tensors as they are once the step at `place` has happened. Only what is asked for is computed.

    `near` is another state, from which whatever belongs to the same element is taken over.
    """

    def __init__(self, recording: Recording, place: Place, order: Order, near: State | None = None) -> None:
        self.recording, self.place, self.order = recording, place, order
        self.timeline = recording.timeline
        self.step: Step | None = None if place.step < 0 else self.timeline.steps[place.step]
        if near is not None and near.is_of(recording, place, order):
            own = _OF_SOURCE if self.scatters else _OF_ELEMENT
            self.__dict__.update({k: near.__dict__[k] for k in own if k in near.__dict__})

    def is_of(self, recording: Recording, place: Place, order: Order) -> bool:
        """Whether this state belongs to the element of a place."""
        return self.recording is recording and self.order == order and self.place[:3] == place[:3]

    @cached_property
    def iteration(self) -> Iteration:
        return self.recording.iteration(self.place.iteration)

    @property
    def scatters(self) -> bool:
        """Whether this is a backward step in scatter order."""
        return self.step is not None and self.step.scatters(self.order)

    # -- the element under construction ---------------------------------------------------------

    @cached_property
    def target(self) -> int | None:
        """The flat index of the element that this step writes.

        None on the operation level, for a whole share of scatter order, and where a share goes nowhere.
        """
        if not self.scatters:
            return self.place.element
        if self.place.term is None or self.shares is None:
            return None
        target = int(self.shares.target[self.place.term])
        return target if target >= 0 else None

    @cached_property
    def shares(self) -> Shares | None:
        """In scatter order, the shares of the present upstream element."""
        if self.step is None or self.place.element is None or not self.scatters:
            return None
        return shares(self.step, self.iteration, self.place.element)

    @cached_property
    def collected(self) -> Collected | None:
        """In the backward phase, all terms of the target element."""
        if self.step is None or not self.step.is_backward or self.target is None:
            return None
        return collect(self.step, self.iteration, np.array([self.target]))

    @cached_property
    def column_term(self) -> int | None:
        """Where the present backward term stands among its target's terms; None for a share to nowhere."""
        if self.place.term is None or self.collected is None:
            return None
        if self.shares is None or self.place.element is None:
            return self.place.term
        return place_in_column(self.collected, self.place.element, int(self.shares.nth[self.place.term]))

    @cached_property
    def terms(self) -> Sequence[Term] | None:
        """In the other phases, the terms of the present element."""
        if self.step is None or self.place.element is None or self.step.is_backward:
            return None
        if self.step.node is None:
            update = self.iteration.updates[self.step.tensor]
            return update.optimizer.terms(update, self.place.element)
        return self.step.node.op.terms(self.iteration.calls[self.step.layer], self.place.element)

    @cached_property
    def formula(self) -> Expression:
        """In the forward pass, the present element as an expression."""
        assert self.step is not None and self.step.node is not None and self.place.element is not None
        return self.step.node.op.formula(self.iteration.calls[self.step.layer], self.place.element)

    def row(self, slot: int) -> Links:
        """In the forward pass, what the present element reads of an operand."""
        if slot not in self._rows:
            assert self.step is not None and self.step.node is not None
            call, out = self.iteration.calls[self.step.layer], np.array([self.place.element])
            self._rows[slot] = self.step.node.op.row(call, slot, out)
        return self._rows[slot]

    @cached_property
    def _rows(self) -> dict[int, Links]:
        return {}

    @cached_property
    def empty_terms(self) -> Codes | None:
        """The `Empty` code of each term of the present element (or share); None where none is empty."""
        assert self.step is not None and self.place.element is not None
        if self.step.is_backward:
            around = self.shares or self.collected
            assert around is not None
            return None if around.links.empty is None else around.links.empty[0]
        assert self.terms is not None
        return None if isinstance(self.terms, Terms) and self.terms.empty is None else empties(self.terms)

    @cached_property
    def complete(self) -> bool:
        """Whether this step finishes what it writes for its target element (or operation): only empty terms follow."""
        if self.ends_element or self.scatters:
            return self.ends_element
        assert self.place.term is not None
        return self.empty_terms is not None and bool((self.empty_terms[self.place.term + 1 :] != Empty.NO).all())

    @cached_property
    def ends_element(self) -> bool:
        """Whether this step is the very last one of its target element, empty ones counted."""
        if self.place.term is None or self.step is None:
            return True
        if not self.scatters:
            return self.place.term == self.step.terms[self.order] - 1
        if self.target is None:
            return False
        _, status = self._received(np.array([self.target]))
        return bool(status[0] == Status.DONE)

    @property
    def _ends_operation(self) -> bool:
        """Whether this is the last step of its operation: then even what no term reaches is written, as 0."""
        step, (_, _, element, term) = self.step, self.place
        assert step is not None
        last_element = element is None or element == prod(step.element_shape(self.order)) - 1
        return last_element and (term is None or term == step.terms[self.order] - 1)

    def operand(self, slot: int) -> tuple[str, Shape]:
        """The name and shape of what a slot of the present operation or update stands for."""
        step = self.step
        assert step is not None
        if step.node is not None:
            return step.node.tensor(slot), step.node.op.operand_shape(slot)
        if slot == OUTPUT:
            return f"new({step.tensor})", step.shape
        names = [step.tensor, f"grad({step.tensor})"]
        names += [f"{step.tensor}.{kept}" for kept in self.iteration.updates[step.tensor].optimizer.state_names]
        return names[slot], step.shape

    # -- tensors ----------------------------------------------------------------------------------

    def shape(self, name: str) -> Shape:
        """The shape of a tensor by any name that `read` takes."""
        return self.recorded(name).shape

    def known(self, name: str) -> bool:
        """Whether the finished tensor can be told without running anything that has not begun."""
        return True

    def recorded(self, name: str) -> Array:
        """The finished tensor, whatever the position: for formats and colour scales."""
        return tensor_of(self.iteration, name)

    def finished(self, name: str) -> bool:
        """Whether a tensor, by any name that `read` takes, is complete at this place."""
        kind, tensor = split_name(name)
        if kind == "grad":
            writers = self.timeline.writers(name)
            return all(self._progress(k) == Status.DONE for k in writers) and (bool(writers) or self.backward_begun())
        writers = self._forward_writers(tensor) if kind == "value" else self._update_writers(tensor)
        return all(self._progress(k) == Status.DONE for k in writers)

    def read(self, name: str, index: IntArray) -> tuple[Floats, Codes]:
        """Values and `Status` of elements of `o1`, `grad(o1)` or `new(o1.weight)`, at flat indices, (m,)."""
        kind, tensor = split_name(name)
        if kind == "grad":
            return self._gradient(tensor, index)
        writers = self._forward_writers(tensor) if kind == "value" else self._update_writers(tensor)
        if not writers:
            return all_of(self.recorded(name), index, Status.DONE)
        progress = self._progress(writers[0])
        if progress != Status.PARTIAL:
            return all_of(self.recorded(name), index, progress)
        return self._making(self.recorded(name), index)

    def _forward_writers(self, tensor: str) -> list[int]:
        return [k for k in self.timeline.writers(tensor) if self.timeline.steps[k].node is not None]

    def _update_writers(self, tensor: str) -> list[int]:
        return [k for k in self.timeline.writers(tensor) if self.timeline.steps[k].phase == "update"]

    def _progress(self, step: int) -> Status:
        if step == self.place.step and self.place.element is not None and not self._ends_operation:
            return Status.PARTIAL
        return Status.DONE if step <= self.place.step else Status.BLANK

    def _making(self, recorded: Array, index: IntArray) -> tuple[Floats, Codes]:
        """A forward or updated tensor while its elements are being made one after the other."""
        element, term = self.place.element, self.place.term
        assert element is not None
        finished = element + 1 if self.complete else element
        status = np.where(index < finished, Status.DONE, Status.BLANK).astype(np.uint8)
        values = np.where(index < finished, _at(recorded, index), 0.0)
        if term is not None and not self.complete and self.terms is not None:
            holds = self.terms[term].holds
            if holds is not None:
                values[index == element] = holds
                status[index == element] = Status.PARTIAL
        return values, status

    # -- gradients --------------------------------------------------------------------------------

    def backward_begun(self) -> bool:
        """Whether the gradients that backward starts from are there."""
        return self.step is not None and self.step.phase in ("backward", "update")

    def _gradient(self, tensor: str, index: IntArray) -> tuple[Floats, Codes]:
        writers = self.timeline.writers(f"grad({tensor})")
        recorded = self.iteration.grads[tensor]
        progress = [self._progress(k) for k in writers]
        seed = self.iteration.seeds.get(tensor)
        if all(p == Status.DONE for p in progress) and (writers or self.backward_begun()):
            return all_of(recorded, index, Status.DONE)
        before = [] if seed is None or not self.backward_begun() else [seed]
        before += [self.iteration.given[k] for k, p in zip(writers, progress, strict=True) if p == Status.DONE]
        values = _fold(before, index)
        status = np.full(index.shape, Status.PARTIAL if before else Status.BLANK, np.uint8)
        if Status.PARTIAL not in progress:
            return values, status
        k = self.place.step
        own, own_status = self._giving(index)
        last = k == writers[-1]
        finished = own_status == Status.DONE
        if last:
            values = np.where(finished, _at(recorded, index), values + own)
            status = np.maximum(status, own_status)
            status[~finished] = np.minimum(status[~finished], Status.PARTIAL)
        else:
            whole = _fold([*before, self.iteration.given[k]], index)
            values = np.where(finished, whole, values + own)
            status = np.maximum(status, np.minimum(own_status, Status.PARTIAL))
        return values, status

    def _giving(self, index: IntArray) -> tuple[Floats, Codes]:
        """What the present backward step alone has given to elements so far: running sums, and how far they are."""
        if self.scatters:
            return self._received(index)
        element, step = self.place.element, self.step
        assert element is not None and step is not None
        given = self.iteration.given[self.place.step]
        finished = element + 1 if self.complete else element
        status = np.where(index < finished, Status.DONE, Status.BLANK).astype(np.uint8)
        values = np.where(index < finished, _at(given, index), 0.0)
        if not self.complete and self.collected is not None:
            values[index == element] = self.collected.sums[0, self.place.term or 0]
            status[index == element] = Status.PARTIAL
        return values, status

    def _received(self, index: IntArray) -> tuple[Floats, Codes]:
        assert self.step is not None and self.shares is not None and self.place.element is not None
        given = self._given_now
        taken = np.searchsorted(given, index, "right") - np.searchsorted(given, index, "left")
        sums, status = received(self.step, self.iteration, index, self.place.element, taken)
        recorded = _at(self.iteration.given[self.place.step], index)
        return np.where(status == Status.DONE, recorded, sums), status

    @cached_property
    def _given_now(self) -> IntArray:
        """The elements that the present upstream element has given a share to, once for each share, ascending."""
        assert self.shares is not None
        end = None if self.place.term is None else self.place.term + 1
        return np.sort(self.shares.target[:end])

    def given_so_far(self, step: int, index: int) -> tuple[float, Status]:
        """What one backward step has given to an element of its tensor's gradient, apart from all other users."""
        progress = self._progress(step)
        if progress != Status.PARTIAL:
            values, _ = all_of(self.iteration.given[step], np.array([index]), progress)
            return float(values[0]), progress
        values, status = self._giving(np.array([index]))
        return float(values[0]), Status(int(status[0]))


def _at(tensor: Array, index: IntArray) -> Floats:
    return np.asarray(tensor.reshape(-1)[index], dtype=np.float64)


def all_of(tensor: Array, index: IntArray, status: Status) -> tuple[Floats, Codes]:
    """Elements of a tensor that have all the same status."""
    values = np.zeros(index.shape) if status == Status.BLANK else _at(tensor, index)
    return values, np.full(index.shape, status, np.uint8)


def _fold(tensors: list[Array], index: IntArray) -> Floats:
    """The sum of a few tensors at some elements, in their own dtype and order, as the recording adds them."""
    if not tensors:
        return np.zeros(index.shape)
    values = tensors[0].reshape(-1)[index]
    for tensor in tensors[1:]:
        values = values + tensor.reshape(-1)[index]
    return values.astype(np.float64)
