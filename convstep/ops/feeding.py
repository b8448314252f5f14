"""Operations that know which output an element feeds last, without listing all that it feeds."""

from __future__ import annotations

from convstep.ops.base import IntArray


class Feeding:
    """A part of an operation, beside `Operation`."""

    def last_fed(self, slot: int, into: IntArray) -> IntArray:
        """The last output element that each element of operand `slot` feeds, -1 where it feeds none: (m,)."""
        raise NotImplementedError
