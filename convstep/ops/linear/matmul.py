"""The product of two matrices: every output element is the sum of products of a row and a column."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import require_floats
from convstep.ops.arithmetic.broadcast import Broadcast
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Naming, Shape, Spec, quiet
from convstep.ops.factors import Factors, of_matrices
from convstep.ops.feeding import Feeding
from convstep.ops.indices import flat, unravel
from convstep.ops.products import Codes, ProductSum


class MatMul(Feeding, ProductSum):
    """torch.matmul: out[…, i, j] = Σ over k of a[…, i, k] · b[…, k, j]; what stands before is broadcast.

    A vector on the left is a row, one on the right a column, and the output lacks that dimension.
    """

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 2

    # -- shapes: a is (*outer a, rows, inner), b is (*outer b, inner, columns)

    @cached_property
    def _left(self) -> Shape:
        shape = self.inputs[0].shape
        return (1, *shape) if len(shape) == 1 else shape

    @cached_property
    def _right(self) -> Shape:
        shape = self.inputs[1].shape
        return (*shape, 1) if len(shape) == 1 else shape

    @cached_property
    def _sizes(self) -> tuple[int, int, int]:
        """Rows, inner size, columns."""
        return self._left[-2], self._left[-1], self._right[-1]

    @cached_property
    def _outer(self) -> Shape:
        return np.broadcast_shapes(self._left[:-2], self._right[:-2])

    @cached_property
    def _outers(self) -> tuple[Broadcast, Broadcast]:
        return Broadcast(self._left[:-2], self._outer), Broadcast(self._right[:-2], self._outer)

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        a, b = self.inputs
        if not a.shape or not b.shape:
            raise ArgumentError("inputs", "takes tensors of at least one dimension, not scalars; Mul takes those")
        if a.dtype != b.dtype:
            raise ArgumentError("inputs", f"takes two tensors of one dtype, not {a.dtype} and {b.dtype}")
        if self._left[-1] != self._right[-2]:
            inner = f"{self._left[-1]} columns meet {self._right[-2]} rows"
            raise ArgumentError("inputs", f"the shapes {list(a.shape)} and {list(b.shape)} do not go together: {inner}")
        try:
            outer = self._outer
        except ValueError:
            raise ArgumentError(
                "inputs", f"the shapes {list(a.shape)} and {list(b.shape)} differ before the last two dimensions"
            ) from None
        rows = () if len(a.shape) == 1 else self._left[-2:-1]
        columns = () if len(b.shape) == 1 else self._right[-1:]
        return Spec((*outer, *rows, *columns), a.dtype)

    # -- the whole tensor

    @property
    def _is_one_matrix(self) -> bool:
        """Whether the same matrix stands on the right throughout: then all rows are multiplied at once."""
        return prod(self._right[:-2]) == 1

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        a, b = operands[0].reshape(self._left), operands[1].reshape(self._right)
        if self._is_one_matrix:
            a, b = a.reshape(-1, a.shape[-1]), b.reshape(b.shape[-2:])
        product: Array = np.matmul(a, b)
        return product.reshape(self.output.shape)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        a, b = call.operands[0].reshape(self._left), call.operands[1].reshape(self._right)
        rows, inner, columns = self._sizes
        gradients: list[Array | None] = [None, None]
        if self._is_one_matrix:
            flat, matrix = upstream.reshape(-1, columns), b.reshape(inner, columns)
            if wanted[0]:
                gradients[0] = (flat @ matrix.T).reshape(self.inputs[0].shape)
            if wanted[1]:
                gradients[1] = (a.reshape(-1, inner).T @ flat).reshape(self.inputs[1].shape)
            return gradients
        whole = upstream.reshape(*self._outer, rows, columns)
        if wanted[0]:
            gradients[0] = self._collect(0, whole @ b.swapaxes(-1, -2))
        if wanted[1]:
            gradients[1] = self._collect(1, a.swapaxes(-1, -2) @ whole)
        return gradients

    def _collect(self, slot: int, gradient: Array) -> Array:
        """The gradient added up over the repetitions of the operand."""
        shape = self._right if slot else self._left
        return Broadcast(shape, gradient.shape).collect(gradient).reshape(self.inputs[slot].shape)

    def factors(self, call: Call, slot: int, upstream: Array) -> Factors | None:
        rows, inner, columns = self._sizes
        outers = (self._left[:-2], self._right[:-2], self._outer)
        if self._is_one_matrix:
            # All rows meet it, as though they were those of one matrix.
            outers, rows = ((), (), ()), rows * prod(self._outer)
        elif len(set(map(prod, outers))) > 1:
            return None
        a = call.operands[0].reshape(prod(outers[0]), rows, inner)
        b = call.operands[1].reshape(prod(outers[1]), inner, columns)
        given = upstream.reshape(prod(outers[2]), rows, columns) if slot != OUTPUT else a
        if slot == OUTPUT:
            return of_matrices(a, b.swapaxes(1, 2))
        if slot == 0:
            return of_matrices(given, b)
        return of_matrices(a.swapaxes(1, 2), given.swapaxes(1, 2))

    # -- one element

    def row_grid(self, slot: int) -> Shape:
        return (self._sizes[1],)

    def column_grid(self, slot: int) -> Shape:
        rows, _, columns = self._sizes
        uses = self._outers[slot].uses
        return (*(() if uses == (1,) else uses), rows if slot else columns)

    def pairs(self, out: IntArray) -> tuple[IntArray, IntArray, Codes]:
        rows, inner, columns = self._sizes
        batch, row, column = unravel(out, (prod(self._outer), rows, columns))
        left, right = (outer.reads(batch) for outer in self._outers)
        along = np.arange(inner)
        a = (left * rows + row)[:, None] * inner + along
        b = (right[:, None] * inner + along) * columns + column[:, None]
        return a, b, np.zeros(a.shape, np.uint8)

    def input_column(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        rows, inner, columns = self._sizes
        left, row, along = unravel(into, (prod(self._left[:-2]), rows, inner))
        batch = self._outers[0].feeds(left)[:, :, None]
        out = (batch * rows + row[:, None, None]) * columns + np.arange(columns)
        b = (self._outers[1].reads(batch) * inner + along[:, None, None]) * columns + np.arange(columns)
        return flat(out), flat(b), np.zeros(flat(out).shape, np.uint8)

    def weight_column(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        rows, inner, columns = self._sizes
        right, along, column = unravel(into, (prod(self._right[:-2]), inner, columns))
        batch = self._outers[1].feeds(right)[:, :, None]
        row = batch * rows + np.arange(rows)
        a = (self._outers[0].reads(batch) * rows + np.arange(rows)) * inner + along[:, None, None]
        out = row * columns + column[:, None, None]
        return flat(out), flat(a), np.zeros(flat(out).shape, np.uint8)

    def fed(self, slot: int, into: IntArray) -> tuple[IntArray, IntArray]:
        rows, inner, columns = self._sizes
        if not rows * columns * prod(self._outer):
            return (np.full(into.shape, -1),) * 2
        if slot == 0:
            outer, row, _ = unravel(into, (prod(self._left[:-2]), rows, inner))
            first, further = row * columns, columns - 1
        else:
            outer, _, first = unravel(into, (prod(self._right[:-2]), inner, columns))
            further = (rows - 1) * columns
        batch = self._outers[slot].feeds(outer) * rows * columns
        return batch[:, 0] + first, batch[:, -1] + first + further

    # -- in words

    def tell(self, naming: Naming) -> str:
        return f"adds up the products of each row of {naming.tensor(0)} with each column of {naming.tensor(1)}"
