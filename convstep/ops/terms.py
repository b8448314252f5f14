"""The terms of one output element, made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from convstep.ops.base import Term


class Terms(Sequence[Term]):
    """A sequence of `count` terms, the k-th of which is `make(k)`."""

    def __init__(self, count: int, make: Callable[[int], Term]) -> None:
        self._count, self._make = count, make

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
