"""What the panes of one screen are made with: the state, names, marks, and grids of tensors."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from convstep.debugger.screen.marks import Marks
from convstep.debugger.screen.view import Cells, Grid, Mark, Status
from convstep.engine.state import State, split_name
from convstep.engine.sums import Floats
from convstep.engine.timeline import Step
from convstep.explain.example import example
from convstep.explain.naming import Names, SlotNames
from convstep.explain.numbers import NumberFormat, extent, format_within
from convstep.explain.sentences import count_of
from convstep.ops.base import Array, Empty, IntArray, Shape

if TYPE_CHECKING:
    from convstep.debugger.claims.mine import Mine
    from convstep.explain.difference import Compared

Formats = MutableMapping[tuple[int, str], tuple[NumberFormat, float]]
"""Number format and colour scale of finished tensors, by iteration and key."""
_UNKNOWN = (NumberFormat(4, 0), 0.0)
"""Those of a tensor of which only the shape is known."""


class Stage:
    """One screen's view of the recording. Formats are shared between screens, all else is made anew."""

    def __init__(self, state: State, names: Names, formats: Formats, mine: Mine | None = None) -> None:
        self.state, self.names, self._formats, self._mine = state, names, formats, mine
        self.slots = SlotNames(names, state)

    @property
    def step(self) -> Step | None:
        return self.state.step

    @cached_property
    def example(self) -> int:
        """The element that stands for the whole operation, where this step is one."""
        assert self.step is not None
        return example(self.state, self.step)

    @property
    def of_example(self) -> str:
        """Which element the example is, in words: "the last element"."""
        assert self.step is not None
        if self.example == prod(self.step.shape) - 1:
            return "the last element"
        return f"the last element {'whose gradient' if self.step.phase == 'update' else 'that'} is not 0"

    @property
    def root(self) -> str:
        """What is differentiated: the loss, or the tensor that backward starts from."""
        graph = self.state.recording.graph
        return self.names.tensor(graph.loss.name) if graph.loss else self.names.tensor(next(iter(graph.seeds), ""))

    @cached_property
    def ends_element(self) -> bool:
        """Whether this step finishes its element, in scatter order its source: only empty terms follow."""
        term = self.state.place.term
        if term is None or self.step is None:
            return True
        empty = self.state.empty_terms
        if empty is None:
            return term == self.step.terms[self.state.order] - 1
        return bool((empty[term + 1 :] != Empty.NO).all())

    @property
    def via(self) -> str:
        """` via left` where the present gradient has further users: this sum is not the whole of it."""
        step = self.step
        several = step is not None and len(self.state.timeline.writers(step.writes)) > 1
        return f" via {self.names.tensor(step.layer)}" if step is not None and several else ""

    @cached_property
    def marks(self) -> Marks:
        return Marks(self.state)

    def look(self, key: str, tensor: Callable[[], Array]) -> tuple[NumberFormat, float]:
        """Format and scale of a finished tensor, kept as long as its iteration is looked at."""
        at = (self.state.place.iteration, key)
        if at not in self._formats:
            self._formats[at] = look_of(tensor())
        return self._formats[at]

    def tensor(
        self,
        key: str,
        note: str | None = None,
        title: str | None = None,
    ) -> Grid:
        """A tensor as it is at this position, with this step's marks."""
        state, names, shape = self.state, self.names, self.names.shape(key)
        number_format, scale = self.look(key, lambda: state.recorded(key)) if state.known(key) else _UNKNOWN
        roles = self.marks[key]

        mine = self.mine(key)

        def cells(index: IntArray) -> Cells:
            values, status = state.read(key, index)
            differs = None if mine is None else mine.differs[index]
            return Cells(values, status, roles.codes(index), differs=differs)

        return Grid(
            key=key,
            title=title or names.tensor(key),
            note=shape_note(shape) if note is None else note,
            shape=shape,
            cells=cells,
            element=lambda flat: names.element(key, flat, shape),
            format=number_format,
            scale=scale,
            follow=roles.follow,
            tensor=key,
            yours=None if mine is None else lambda flat: float(mine.aligned.reshape(-1)[flat]),
        )

    def mine(self, key: str) -> Compared | None:
        """What someone else computed of this tensor; it is a gradient of one iteration."""
        kind, name = split_name(key)
        if self._mine is None or kind != "grad" or self.state.place.iteration != self._mine.iteration:
            return None
        return self._mine.of(name)

    def finished(self, key: str, title: str, tensor: Array, note: str) -> Grid:
        """A tensor that is no part of the state, such as an optimizer's: all of it final."""
        number_format, scale = self.look(key, lambda: tensor)
        flat = tensor.reshape(-1)

        def cells(index: IntArray) -> Cells:
            done = np.full(index.shape, Status.DONE, np.uint8)
            return Cells(flat[index].astype(np.float64), done, np.zeros(index.shape, np.uint8))

        return Grid(
            key=key,
            title=title,
            note=note,
            shape=tensor.shape,
            cells=cells,
            element=lambda flat: f"{title}{self.names.index(flat, tensor.shape)}",
            format=number_format,
            scale=scale,
        )

    def numbers(
        self,
        key: str,
        title: str,
        values: Array,
        *,
        note: str = "",
        shape: Shape | None = None,
        sign: str = "",
        empty: Array | None = None,
        now: int | None = None,
        element: Callable[[int], str] | None = None,
    ) -> Grid:
        """Given numbers as a grid: all of them final. `empty` cells are shown as padding; `now` is marked."""
        flat = np.asarray(values, dtype=np.float64).reshape(-1)
        statuses = np.full(flat.shape, Status.DONE, np.uint8)
        if empty is not None:
            statuses[np.asarray(empty).reshape(-1) != 0] = Status.PADDING
        return self.partly(
            key, title, flat, statuses, note=note, shape=shape or values.shape, sign=sign, now=now, element=element
        )

    def partly(
        self,
        key: str,
        title: str,
        values: Floats,
        statuses: Array,
        *,
        note: str = "",
        shape: Shape,
        sign: str = "",
        now: int | None = None,
        element: Callable[[int], str] | None = None,
    ) -> Grid:
        """Given numbers, each with its `Status`. With `now`, the others that are not empty are marked as the rest.

        Without it a grid that begins with empty cells is shown from its first full one.
        """
        number_format, scale = look_of(values)
        full = statuses != Status.PADDING if now is None else None
        first = int(np.argmax(full)) if full is not None and full.any() and not full.all() else None

        def cells(index: IntArray) -> Cells:
            marks = np.zeros(index.shape, np.uint8)
            if now is not None:
                marks[statuses[index] == Status.DONE] = Mark.REST
                marks[index == now] = Mark.NOW
            return Cells(values[index], statuses[index].astype(np.uint8), marks)

        return Grid(
            key=key,
            title=title,
            note=note,
            shape=shape,
            cells=cells,
            element=element or (lambda k: f"{title} term {k + 1}"),
            format=number_format,
            scale=scale,
            follow=now if now is not None else first,
            sign=sign,
        )


def shape_note(shape: Shape) -> str:
    """A shape beside a tensor's name; a bare number there would pass for its value."""
    return count_of(shape[0], "number") if len(shape) == 1 else "×".join(map(str, shape))


def look_of(tensor: Array) -> tuple[NumberFormat, float]:
    """The number format of a tensor and the magnitude at which its colours saturate."""
    ends = extent(tensor)
    return format_within(tensor, ends), (max(abs(ends[0]), abs(ends[1])) or 1.0) if ends else 1.0
