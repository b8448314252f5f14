"""What the elements of an operation add up, as the products of two matrices: all their terms at once, for BLAS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from convstep.ops.base import Array

Columns = Iterator[tuple[int, Array]]
"""Some columns at a time: the first of them, and their factors (width, K)."""


@dataclass(frozen=True)
class Factors:
    """In stack g, the element of row r and column c is the sum of left[g, r, k] · right[c, k] over k, in this order.

    The elements are counted stack by stack, row by row. `left` is (G, R, K), where stacks take turns: stack g has
    left[g mod G]; `right(g)` are the C `columns` of a stack, in portions. Where a term is empty a factor is 0, and
    there may be more such terms than the element has.
    """

    stacks: int
    columns: int
    left: Array
    right: Callable[[int], Columns]

    @property
    def rows(self) -> int:
        return int(self.left.shape[1])

    @property
    def terms(self) -> int:
        return int(self.left.shape[2])


def of_matrices(left: Array, right: Array) -> Factors:
    """Stacks of matrices, (G, R, K) and (G, C, K)."""
    return Factors(len(right), right.shape[1], left, lambda stack: iter([(0, right[stack])]))


def with_bias(factors: Factors, row_bias: Array) -> Factors:
    """The same with one more term, (G, R): a bias is met by 1."""

    def right(stack: int) -> Columns:
        for first, columns in factors.right(stack):
            yield first, np.concatenate([columns, np.ones_like(columns[:, :1])], axis=1)

    left = np.concatenate([factors.left, row_bias[:, :, None]], axis=2)
    return Factors(factors.stacks, factors.columns, left, right)
