"""Operations that know, without adding anything up, how far the running sums in their elements can go."""

from __future__ import annotations

from abc import abstractmethod

from convstep.ops.base import Array, Call

Span = tuple[Array, Array]
"""The least and the largest number of each element, or further out."""


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
