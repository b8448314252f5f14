"""The terms of one output element, made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt

from convstep.ops.base import Term, quiet


class Terms(Sequence[Term]):
    """A sequence of `count` terms, the k-th of which is `make(k)`. `empty` are their codes (None: none is empty)."""

    def __init__(self, count: int, make: Callable[[int], Term], empty: npt.NDArray[np.uint8] | None = None) -> None:
        self._count, self._make, self.empty = count, quiet(make), empty

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, k: int) -> Term: ...
    @overload
    def __getitem__(self, k: slice) -> Sequence[Term]: ...
    def __getitem__(self, k: int | slice) -> Term | Sequence[Term]:
        if isinstance(k, slice):
            return [self._make(j) for j in range(*k.indices(self._count))]
        if not -self._count <= k < self._count:
            raise IndexError(k)
        return self._make(k % self._count)


def empties(terms: Sequence[Term]) -> npt.NDArray[np.uint8]:
    """The `Empty` code of each term."""
    if isinstance(terms, Terms):
        return np.zeros(len(terms), np.uint8) if terms.empty is None else terms.empty
    return np.array([term.empty for term in terms], dtype=np.uint8)
