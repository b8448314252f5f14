"""Which gradients a network has, and which of them are complete by when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from convstep.ops.base import IntArray


class Gradients:
    """Every gradient of an iteration, each with a number: those that backward starts from (`roots`), then the rest.

    `writers` are the operations that write each tensor.
    """

    def __init__(self, writers: Mapping[str, Sequence[int]], roots: Iterable[str]) -> None:
        last = dict.fromkeys(roots, -1)
        last.update({key: steps[-1] for key, steps in writers.items() if key.startswith("grad(")})
        self.keys = tuple(last)
        self.numbers = {key: number for number, key in enumerate(last)}
        self._last = np.fromiter(last.values(), np.intp, len(last))
        self._latest = np.argsort(-self._last, kind="stable")
        self._back = -self._last[self._latest]

    def complete(self, step: int) -> IntArray:
        """The numbers of those that nothing is added to after an operation, the latest first."""
        return self._latest[np.searchsorted(self._back, -step) :]

    def coming(self, step: int) -> IntArray:
        """The numbers of the others, ascending."""
        return np.flatnonzero(self._last > step)
