"""A tensor as lines along one dimension: what Softmax and cross entropy add up over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from convstep.ops.base import Array, IntArray, Shape


class Block(NamedTuple):
    """Lines that follow each other: where they are along the outer and the inner dimension, and which they are."""

    outer: slice
    inner: slice
    lines: slice


@dataclass(frozen=True)
class Lines:
    """`outer · inner` lines of `length` elements each; line number = outer index · inner + inner index."""

    outer: int
    length: int
    inner: int

    @classmethod
    def along(cls, shape: Shape, dim: int) -> Lines:
        """The lines along a dimension from 0; a scalar is one line of length 1."""
        if not shape:
            return cls(1, 1, 1)
        return cls(prod(shape[:dim]), shape[dim], prod(shape[dim + 1 :]))

    @property
    def count(self) -> int:
        return self.outer * self.inner

    def place(self, index: IntArray) -> tuple[IntArray, IntArray]:
        """The line on which each flat index lies, and where on it."""
        outer, rest = np.divmod(index, self.length * self.inner)
        position, inner = np.divmod(rest, self.inner)
        return outer * self.inner + inner, position

    def elements(self, line: IntArray) -> IntArray:
        """The flat indices of the elements of m lines, (m, length)."""
        outer, inner = np.divmod(line, self.inner)
        return (outer * self.length * self.inner + inner)[:, None] + np.arange(self.length) * self.inner

    def across(self, position: IntArray) -> IntArray:
        """The flat indices of the elements at m positions, those of all lines and ascending: (m, count)."""
        first = np.arange(self.outer)[:, None] * self.length * self.inner + np.arange(self.inner)
        return (position * self.inner)[:, None] + first.reshape(-1)

    def ends(self, line: IntArray) -> tuple[IntArray, IntArray]:
        """The first and the last element of each line, where a line has any."""
        outer, inner = np.divmod(line, self.inner)
        first = outer * self.length * self.inner + inner
        return first, first + (self.length - 1) * self.inner

    def split(self, tensor: Array) -> Array:
        """The tensor as (outer, length, inner)."""
        return tensor.reshape(self.outer, self.length, self.inner)

    def rows(self, tensor: Array, block: Block | None = None) -> Array:
        """The tensor as (count, length): one line a row; or a block of it."""
        parts = self.split(tensor) if block is None else self.split(tensor)[block.outer, :, block.inner]
        return parts.transpose(0, 2, 1).reshape(parts.shape[0] * parts.shape[2], self.length)

    def put(self, tensor: Array, block: Block, rows: Array) -> None:
        """Rows in the place of a block of the tensor."""
        parts = self.split(tensor)[block.outer, :, block.inner].transpose(0, 2, 1)
        parts[...] = rows.reshape(parts.shape)

    def blocks(self, size: int) -> Iterator[Block]:
        """All lines, in blocks of about so many elements, at least a line each."""
        most = max(1, size // max(self.length, 1))
        if most < self.inner:
            for outer in range(self.outer):
                for k in range(0, self.inner, most):
                    end = min(k + most, self.inner)
                    first = outer * self.inner
                    yield Block(slice(outer, outer + 1), slice(k, end), slice(first + k, first + end))
            return
        most //= max(self.inner, 1)
        for k in range(0, self.outer, most):
            end = min(k + most, self.outer)
            yield Block(slice(k, end), slice(None), slice(k * self.inner, end * self.inner))


class Exponentials(NamedTuple):
    """exp(x − max) and its sum along axis 1 of rows (m, n) or lines (m, n, k); the largest keeps exp from overflowing.

    `largest` and `total` have the size 1 there, `powers` has the shape of x.
    """

    largest: Array
    powers: Array
    total: Array

    @classmethod
    def of(cls, rows: Array) -> Exponentials:
        largest = rows.max(axis=1, keepdims=True)
        powers = rows - largest
        np.exp(powers, out=powers)
        return cls(largest, powers, powers.sum(axis=1, keepdims=True))

    @property
    def softmax(self) -> Array:
        share: Array = self.powers / self.total
        return share
