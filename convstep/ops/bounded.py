"""Operations that know, without adding anything up, how far the running sums in their elements can go."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from convstep.ops.base import Array, Call, IntArray

Floats = npt.NDArray[np.float64]

Span = tuple[Array, Array]
"""The least and the largest number of each element, or further out."""


class Course(NamedTuple):
    """How the running sums of m elements go through the same n terms.

    After term j that of element i is rates[i] · drift[:, j], rates (m, r) and drift (r, n); and `own[i]` more from
    term `at[i]` on. `elements` are flat, ascending.
    """

    elements: IntArray
    rates: Floats
    drift: Floats
    own: Floats
    at: IntArray

    def only(self, wanted: npt.NDArray[np.bool_]) -> Course:
        """Of those elements alone that are wanted, of all of a tensor."""
        some = wanted[self.elements]
        return Course(self.elements[some], self.rates[some], self.drift, self.own[some], self.at[some])


class Bounded:
    """A part of an operation, beside `Operation`."""

    @abstractmethod
    def reach(self, call: Call, slot: int, upstream: Array) -> Array | None:
        """Σ |product| of each element, or more, up to rounding: no running sum exceeds it in magnitude.

        For `OUTPUT` of its own terms, else of those of the gradient of operand `slot`. None where that is not cheap.
        """

    def spans(self, call: Call, slot: int, upstream: Array, sources: bool) -> tuple[Span, Span] | None:
        """Between which numbers the local derivatives lie that each element of operand `slot` meets, and the products.

        With `sources`, those of the shares that each upstream element gives. None where there is no better way than to
        look at every term.
        """
        return None

    def courses(self, call: Call, slot: int, upstream: Array, elements: IntArray) -> Iterator[Course] | None:
        """The running sums of some elements, and perhaps of more, for `slot` as in `reach`, in portions.

        None where they do not go all the same way.
        """
        return None
