"""Functions made of pieces: which piece a number lies on, and what torch takes for the slope where two meet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isclose, isnan
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convstep.ops.activation.elementwise import Elementwise
from convstep.ops.base import Array, Call, IntArray, Naming
from convstep.ops.choosing import chosen
from convstep.ops.expression import Apply, Element, Expression, Number, Product, difference, evaluate, total

Rule = Callable[[Element], Expression]


@dataclass(frozen=True)
class Piece:
    """y = value(x) with the slope slope(x) up to x = `end`; a closed piece has its end itself."""

    end: float
    value: Rule
    slope: Rule
    closed: bool = True

    def holds(self, x: float) -> bool:
        """Whether a number that no piece before holds lies on this one."""
        return x < self.end or (x == self.end and self.closed)


def constant(number: float, end: float = inf, closed: bool = True) -> Piece:
    """Y = number."""
    return Piece(end, lambda x: Number(number), lambda x: Number(0.0), closed)


def line(slope: float, shift: float = 0.0, end: float = inf, closed: bool = True) -> Piece:
    """Y = slope · x + shift."""

    def value(x: Element) -> Expression:
        part: Expression = x if slope == 1 else Product((Number(slope), x))
        if not shift:
            return part
        return total([part, Number(shift)]) if shift > 0 else difference(part, Number(-shift))

    return Piece(end, value, lambda x: Number(slope), closed)


def either(x: Array, where: Array, yes: float, no: float) -> Array:
    """One number where a condition on x holds, another elsewhere, in the dtype of x."""
    if (yes, no) == (1, 0):
        return where.astype(x.dtype)
    return chosen(where, np.asarray(yes, x.dtype), np.asarray(no, x.dtype))


class Piecewise(Elementwise):
    """A function made of pieces. A subclass gives `apply` and `slope` for whole tensors, and the `pieces`."""

    shuts: ClassVar[bool] = True
    """Whether a slope of 0 lets nothing through, be it infinite; elsewhere torch multiplies."""

    @property
    @abstractmethod
    def pieces(self) -> tuple[Piece, ...]:
        """In ascending order; the last one ends at infinity."""

    def pulled(self, upstream: Array, x: Array, y: Array) -> Array:
        slope = self.slope(x, y)
        pulled: Array = upstream * slope
        return chosen(slope == 0, slope, pulled) if self.shuts and not np.isfinite(upstream.sum()) else pulled

    def _piece(self, at: float) -> int:
        pieces = self.pieces
        return next((k for k, piece in enumerate(pieces) if piece.holds(at)), len(pieces) - 1)

    def written(self, x: Element, at: float) -> Expression:
        return x if isnan(at) else self.pieces[self._piece(at)].value(x)

    def slope_expression(self, x: Element, y: Element, at: float) -> Expression:
        return Number(self.slope_at(at)) if isnan(at) else self.pieces[self._piece(at)].slope(x)

    def at_kink(self, call: Call, slot: int, out: IntArray, into: IntArray) -> npt.NDArray[np.bool_]:
        return np.isin(call.operands[0].reshape(-1)[into], [x for x in self._ends if self._is_kink(x)])

    @property
    def _ends(self) -> list[float]:
        return [piece.end for piece in self.pieces[:-1]]

    def _is_kink(self, at: float) -> bool:
        """Whether two pieces of different slopes meet here."""
        pieces = self.pieces
        for left, right in pairwise(pieces):
            if left.end == at:
                slopes = (evaluate(piece.slope(Element(0, 0)), lambda e: at) for piece in (left, right))
                return not isclose(*slopes)
        return False

    def tell_slope(self, x: str, y: str, at: float, naming: Naming) -> str:
        slope = self.slope_at(at)
        reaction = {0.0: f"{y} does not react to it", 1.0: f"{y} changes as it does"}.get(
            slope, f"{y} changes by {naming.number(slope)} per unit of it"
        )
        if isnan(at):
            return f"{x} is not a number; torch takes the slope {naming.number(slope)} there, so {reaction}"
        if self._is_kink(at):
            taken = naming.number(slope)
            return f"{x} is exactly where {type(self).__name__} has no derivative; torch takes {taken}, so {reaction}"
        return f"{x} {self._where(at, naming)}, so {reaction}"

    def _where(self, at: float, naming: Naming) -> str:
        """On which piece a number lies: "is above 6"."""
        pieces, k = self.pieces, self._piece(at)
        if len(pieces) == 1:
            return "lies where every number does"
        high = naming.number(pieces[k].end)
        if k == 0:
            return f"is not above {high}" if pieces[0].closed else f"is below {high}"
        low = naming.number(pieces[k - 1].end)
        if k < len(pieces) - 1:
            return f"lies between {low} and {high}"
        return f"is above {low}" if pieces[k - 1].closed else f"is {low} or more"


def exp_minus_1(x: Expression) -> Expression:
    """The expression exp(x) − 1."""
    return difference(Apply("exp", (x,)), Number(1.0))
