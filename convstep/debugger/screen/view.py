"""What a screen shows at one position: plain data, computed by `debugger`, drawn by `tui`.

Everything large is asked for lazily and vectorised: a grid gives only the cells that are visible, a sum only
the terms that are shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar, overload

import numpy as np
import numpy.typing as npt

from convstep.engine.state import Status as Status
from convstep.explain.numbers import NumberFormat
from convstep.ops.base import IntArray, Shape

Item = TypeVar("Item")

HIDDEN = 4
"""Beside the codes of `Status`: a number that is there, and is not to be seen yet."""


class Lazy(Sequence[Item], Generic[Item]):
    """A list whose items are made when they are looked at: a network may have thousands, a screen shows a few."""

    def __init__(self, count: int, make: Callable[[int], Item]) -> None:
        self._count, self._make = count, make
        self._made: dict[int, Item] = {}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        if isinstance(index, slice):
            return [self[k] for k in range(len(self))[index]]
        at = range(len(self))[index]
        if at not in self._made:
            self._made[at] = self._make(at)
        return self._made[at]


class Mark(IntEnum):
    """The role of a cell in the step that has just happened."""

    NONE = 0
    REST = 1
    """Takes part in the rest of this sum: `(x)`."""
    NOW = 2
    """Read in this step: `[x]`."""
    WRITTEN = 3
    """Written now: `<x>`."""


@dataclass(frozen=True)
class Cells:
    """Some cells of a grid; arrays of the same length.

    `was` are the numbers of the run without edits; `differs` tells where a number of one's own is another one.
    """

    values: npt.NDArray[np.float64]
    status: npt.NDArray[np.uint8]
    marks: npt.NDArray[np.uint8]
    was: npt.NDArray[np.float64] | None = None
    differs: npt.NDArray[np.bool_] | None = None

    @property
    def changed(self) -> npt.NDArray[np.bool_]:
        """Which numbers are others than without edits."""
        if self.was is None:
            return np.zeros(self.values.shape, np.bool_)
        both_nan = np.isnan(self.values) & np.isnan(self.was)
        changed: npt.NDArray[np.bool_] = (self.values != self.was) & ~both_nan
        return changed


@dataclass(frozen=True)
class Grid:
    """A tensor, or the terms of a sum laid out as one.

    `key` says what it is across steps (`o1`, `grad(o1)`, `local`, `products`), for focus, scroll and pins.
    `cells` gives the cells at flat indices. `element` gives a cell's name as the person writes it.
    `scale` is the magnitude at which colours saturate, fixed while the tensor is being filled; 0.0 if unknown.
    `follow` is the flat index that the visible slice follows. `sign` (`×`, `=`) stands before the title.
    `tensor` is the session's name of the tensor shown (`grad(o1)`), None where it is no tensor. `yours` gives the
    number of one's own at a flat index.
    """

    key: str
    title: str
    note: str
    shape: Shape
    cells: Callable[[IntArray], Cells]
    element: Callable[[int], str]
    format: NumberFormat
    scale: float
    follow: int | None = None
    sign: str = ""
    tensor: str | None = None
    yours: Callable[[int], float] | None = None

    @property
    def begun(self) -> bool:
        """Whether the element that the slice follows, or else the first, is there."""
        return bool(self.cells(np.array([self.follow or 0])).status[0] != Status.BLANK)


@dataclass(frozen=True)
class Note:
    """A line or two of text between grids. `style`: plain, caption (dim), strong (the result of a sum)."""

    text: str
    style: str = "plain"


Block = Grid | Note


class Blocks(Lazy[Block]):
    """The blocks of a pane. `place` tells where the grid of a key stands, None for nowhere, and makes none for it."""

    def __init__(self, count: int, make: Callable[[int], Block], place: Callable[[str], int | None]) -> None:
        super().__init__(count, make)
        self.place = place

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> Blocks:
        """The same blocks."""
        if isinstance(blocks, Blocks):
            return blocks
        places = {block.key: len(blocks) - k for k, block in enumerate(reversed(blocks), 1) if isinstance(block, Grid)}
        return cls(len(blocks), blocks.__getitem__, places.get)

    @classmethod
    def below(cls, *parts: Sequence[Block]) -> Blocks:
        """One part below the other."""
        stack = [cls.of(part) for part in parts]
        first = [0, *accumulate(map(len, stack))]

        def make(k: int) -> Block:
            part = bisect_right(first, k) - 1
            return stack[part][k - first[part]]

        def place(key: str) -> int | None:
            places = ((start, part.place(key)) for start, part in zip(first, stack, strict=False))
            return next((start + place for start, place in places if place is not None), None)

        return cls(first[-1], make, place)

    def changed(self, change: Callable[[Block], Block]) -> Blocks:
        """Each block as `change` makes it; a grid keeps its key."""
        return Blocks(len(self), lambda k: change(self[k]), self.place)

    def grid(self, key: str) -> Grid | None:
        """The grid of a key."""
        place = self.place(key)
        block = None if place is None else self[place]
        return block if isinstance(block, Grid) else None


@dataclass(frozen=True)
class FormulaTerm:
    """One term of the formula: with names, with numbers, and its result so far (`36 → 48…`, `·`)."""

    names: str
    numbers: str
    result: str


@dataclass(frozen=True)
class Formula:
    """`subject = Σ terms`, in aligned columns; `now` is the current term, in brackets on the screen.

    `joint` stands between two terms: `+`, or nothing where they are a list and are never added up.
    A formula that is not a sum has one term. `note` explains an abbreviation: "g = ∂C/∂o1".
    `total` is the result where there is one ("= 36", "Σ 31 of 576: 12.5…"). `differs` is the first term that a
    claim has otherwise.
    """

    subject: str
    count: int
    term: Callable[[int], FormulaTerm]
    now: int | None = None
    note: str = ""
    total: str = ""
    joint: str = "+"
    differs: int | None = None


class ProgramLine(NamedTuple):
    """One operation of the iteration. `state`: done, now, coming. `operation` is its position on level op."""

    text: str
    state: str
    operation: int


@dataclass(frozen=True)
class Ledger:
    """The current sum, a row a term: header and rows have the same number of columns; `now` is a row.

    `differs` is the first row that a claim has otherwise.
    """

    title: str
    header: tuple[str, ...]
    count: int
    row: Callable[[int], tuple[str, ...]]
    now: int | None = None
    differs: int | None = None


MINE = -1
"""What stands for numbers of one's own where claims have a number."""


@dataclass(frozen=True)
class ClaimShown:
    """A derivative that someone worked out, beside the true one.

    `yours` is the formula as it was written ("" for numbers), `worked` its way to its number ("= 12 · 2 · 6 = 144"),
    `verdict` a mark and a word ("✗ sum-before-multiply"); `right` is None as long as nobody knows. `truth` is the
    true sum with names, `result` what is shown of its number. `pending` says what is still to be found out: about
    which claim (its number, or MINE), and at which element.
    """

    title: str
    yours: str
    worked: str
    verdict: str
    right: bool | None
    truth: str
    result: str
    why: tuple[str, ...]
    pending: tuple[int, int] | None = None


@dataclass(frozen=True)
class TimelineBar:
    """One iteration as a bar: the phases with their shares of its steps on this level, and where one is.

    `phases` are (name, first, last + 1) in steps of the iteration; `position` is -1 to steps - 1. `alarm` is the
    step that wrote the first number that is not finite.
    """

    phases: tuple[tuple[str, int, int], ...]
    position: int
    steps: int
    iteration: int
    iterations: int
    alarm: int | None = None


@dataclass(frozen=True)
class View:
    """One screen. `where` are breadcrumbs (`backward`, `o1 Conv2d`, `grad(w1)[1]`, `term 2 of 4`).

    `shorter` are sentences for where the whole one has no room, the longest first. `edited`: what is shown are the
    numbers of a run with edits. `alarm` is what must not be overlooked.
    `writes` is the session's name of the tensor that the step writes, as in `Grid.tensor`. `asks` is the question of a
    result that is hidden, in a few characters, for where the sentence has no room.
    """

    name: str
    where: tuple[str, ...]
    status: str
    sentence: str
    formula: Formula | None
    tensors: Sequence[Block]
    local: Sequence[Block]
    gradients: Sequence[Block]
    program: Sequence[ProgramLine]
    timeline: TimelineBar
    ledger: Ledger | None = None
    notices: list[str] = field(default_factory=list)
    shorter: tuple[str, ...] = ()
    edited: bool = False
    claims: tuple[ClaimShown, ...] = ()
    alarm: str = ""
    writes: str = ""
    asks: str = ""
