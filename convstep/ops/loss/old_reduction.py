"""torch's older way to say how losses are put together: `size_average` and `reduce`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from convstep.ops.arguments import FlagOrNone
from convstep.ops.base import Operation, Spec


class OldReduction(Operation):
    """A loss that takes the two old flags; where one of them is given, it is they that say the `reduction`."""

    size_average: FlagOrNone = None
    reduce: FlagOrNone = None

    def infer(self, inputs: Sequence[Spec]) -> Self:
        bound = super().infer(inputs)
        if self.size_average is None and self.reduce is None:
            return bound
        said = "none" if self.reduce is False else "sum" if self.size_average is False else "mean"
        return bound.replace(reduction=said, size_average=None, reduce=None)
