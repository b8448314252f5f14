"""Operations that know which outputs an element feeds first and last, without listing all that it feeds."""

from __future__ import annotations

from abc import abstractmethod

from convstep.ops.base import IntArray


class Feeding:
    """A part of an operation, beside `Operation`."""

    @abstractmethod
    def fed(self, slot: int, into: IntArray) -> tuple[IntArray, IntArray]:
        """The first and the last output element that each element of operand `slot` feeds, -1 for none: (m,) each."""
