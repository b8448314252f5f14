"""What another view of a step consists of: sheets of numbers whose cells are computed when they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convstep.engine.state import Status
from convstep.engine.sums import Floats
from convstep.ops.base import Array, IntArray, Shape

Codes = npt.NDArray[np.uint8]
Cells = Callable[[IntArray], tuple[Floats, Codes]]
"""Values and `Status` of the cells at flat indices; PADDING is a zero that was put in."""


@dataclass(frozen=True)
class Sheet:
    """A matrix or tensor as one view has it; `sign` (`×`, `=`) stands before its title.

    `terms[k]` is the flat index of the cell that belongs to term k of the sum, (n,); -1 where none does.
    `name` says what stands in a cell. `finished` gives the final numbers of cells whose sums so far take long.
    """

    title: str
    shape: Shape
    cells: Cells
    terms: IntArray
    name: Callable[[int], str]
    sign: str = ""
    note: str = ""
    finished: Callable[[IntArray], Floats] | None = None


@dataclass(frozen=True)
class OtherView:
    """The same number computed another way. `parts` are what is added up, from this view's own cells.

    Where it is `stepwise`, part k is term k of the sum, so that partial sums agree, too.
    """

    title: str
    words: str
    sheets: tuple[Sheet, ...]
    parts: Floats
    stepwise: bool = True

    def value(self, terms: int | None = None) -> float:
        """The sum of the first terms, or of all."""
        with np.errstate(all="ignore"):
            sums = np.add.accumulate(self.parts if terms is None else self.parts[:terms])
        return float(sums[-1]) if len(sums) else 0.0


def of_array(values: Array, statuses: Codes | None = None) -> Cells:
    """The cells of numbers that are there already."""
    flat = np.asarray(values, np.float64).reshape(-1)

    def cells(index: IntArray) -> tuple[Floats, Codes]:
        status = np.full(index.shape, Status.DONE, np.uint8) if statuses is None else statuses.reshape(-1)[index]
        return flat[index], status

    return cells


def zeros_put_in(values: Floats, real: npt.NDArray[np.bool_]) -> tuple[Floats, Codes]:
    """Cells of which some are zeros that stand for nothing."""
    return np.where(real, values, 0.0), np.where(real, Status.DONE, Status.PADDING).astype(np.uint8)


def elements_of(tensor: Array, at: Callable[[IntArray], IntArray]) -> Cells:
    """The cells that are one element of a flat tensor each."""

    def cells(index: IntArray) -> tuple[Floats, Codes]:
        return tensor[at(index)].astype(np.float64), np.full(index.shape, Status.DONE, np.uint8)

    return cells


def products_of(a: Sheet, b: Sheet, terms: int) -> Floats:
    """The product of the two cells of each of the first terms."""
    if not terms:
        return np.zeros(0)
    with np.errstate(all="ignore"):
        return np.asarray(a.cells(a.terms[:terms])[0] * b.cells(b.terms[:terms])[0])


def at_one(at: Callable[[IntArray], IntArray], k: int) -> int:
    """What a vectorised rule gives for one index."""
    return int(at(np.array([k]))[0])
