"""Numbers that are not right, and when a mistake's numbers explain them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convstep.explain.mistakes.closeness import Closeness
from convstep.explain.mistakes.whole import factor_between
from convstep.ops.base import Array

_MUCH_CLOSER = 0.25
"""A mistake must be nearer to the numbers than so much of the truth's distance: noise is not explained away."""
_CHANCE = 1e-4


@dataclass(frozen=True)
class Wrong:
    """Numbers that are not right, a whole gradient or one element of it, and the whole truth."""

    tensor: str
    numbers: Array
    truth: Array
    closeness: Closeness
    index: int | None = None

    def fits(self, gradient: Array) -> bool:
        """Whether a mistake's gradient is these numbers, and explains them better than the truth does."""
        mine, made = self._mine, self._like_mine(gradient)
        if not self._is_evidence or not self.closeness.same(mine, made):
            return False
        right = self._like_mine(self.truth)
        return mine.shape != right.shape or _apart(mine, made) <= _MUCH_CLOSER * _apart(mine, right)

    @cached_property
    def is_right(self) -> bool:
        return self.closeness.same(self._mine, self._like_mine(self.truth))

    @cached_property
    def factor(self) -> float | None:
        """The constant by which these numbers differ from the truth."""
        right = self._like_mine(self.truth)
        factor = factor_between(self._mine, right, self.closeness)
        if factor is None or self.closeness.same(self._mine, 0.0 * right):
            return None
        if _apart(self._mine, factor * right) > _MUCH_CLOSER * _apart(self._mine, right):
            return None
        return factor

    @cached_property
    def _mine(self) -> Array:
        """Dimensions of size 1 do not count."""
        return self.numbers.squeeze() if self.index is None else self.numbers.reshape(1)

    def _like_mine(self, gradient: Array) -> Array:
        return gradient.squeeze() if self.index is None else gradient.reshape(-1)[self.index : self.index + 1]

    @cached_property
    def _is_evidence(self) -> bool:
        """Whether these are too many numbers, for their precision, to agree with one of many mistakes by chance."""
        count = max(np.count_nonzero(self._mine), np.count_nonzero(self._like_mine(self.truth)))
        return bool(self.closeness.relative**count < _CHANCE)


def _apart(a: Array, b: Array) -> float:
    """The largest difference; what is not finite is the same in both."""
    return float(np.abs(a - b)[np.isfinite(a) & np.isfinite(b)].max(initial=0.0))
