"""Operations that know what an element feeds without listing all of it."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import numpy.typing as npt

from convstep.ops.records import Call, IntArray


class Feeding:
    """A part of an operation, beside `Operation`: it knows which outputs an element feeds first and last."""

    @abstractmethod
    def fed(self, slot: int, into: IntArray) -> tuple[IntArray, IntArray]:
        """The first and the last output element that each element of operand `slot` feeds, -1 for none: (m,) each."""


class Dense(Feeding):
    """A part of an operation whose inputs form groups: each element feeds every output of its group, each once."""

    @abstractmethod
    def is_dense(self, slot: int) -> bool:
        """Whether the elements of operand `slot` are such inputs."""

    @abstractmethod
    def members(self, into: int) -> IntArray:
        """The outputs of the group of one input, ascending."""

    @abstractmethod
    def slope(self, call: Call, out: IntArray, into: IntArray) -> npt.NDArray[np.float64]:
        """∂output[out]/∂input[into] of one group or of one for each row, in shapes that broadcast."""
