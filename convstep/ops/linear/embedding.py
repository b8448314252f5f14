"""Embedding: every index picks a row of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, IntegerOrNone, Positive, RealOrInfinity, RealOrNone
from convstep.ops.base import (
    OUTPUT,
    Array,
    Call,
    IntArray,
    Links,
    Naming,
    Operation,
    Parameter,
    Read,
    Shape,
    Spec,
    Term,
    quiet,
)
from convstep.ops.expression import Element, Expression, Number

_AT_ONCE = 2**17
"""So many numbers of the upstream gradient are added up at a time, or a whole column of them."""


class Embedding(Operation):
    """torch.nn.Embedding: out[…, d] = weight[input[…], d] for whole numbers from 0 to num_embeddings − 1.

    The row `padding_idx` starts at 0 and gets no gradient. `scale_grad_by_freq` divides a row's gradient by how
    often it was picked. A picked row whose norm of type `norm_type` is above `max_norm` is shortened to it in the
    weight itself, before anything is read; the gradient knows nothing of that. `sparse` concerns memory alone.
    """

    parameter_names: ClassVar[tuple[str, ...]] = ("weight",)

    num_embeddings: Positive
    embedding_dim: Positive
    padding_idx: IntegerOrNone = None
    max_norm: RealOrNone = None
    norm_type: RealOrInfinity = 2.0
    scale_grad_by_freq: Flag = False
    sparse: Flag = False

    # -- shapes

    def infer(self, inputs: Sequence[Spec]) -> Self:
        if inputs[0].is_float:
            raise ArgumentError("inputs", f"takes indices, which need `dtype: int64`; the input is {inputs[0].dtype}")
        row, rows = self.padding_idx, self.num_embeddings
        if row is not None and not -rows <= row < rows:
            raise ArgumentError("padding_idx", f"is {row}, but there are the rows 0 to {rows - 1}")
        return self.replace(padding_idx=None if row is None else row % rows)

    def declare(self) -> dict[str, Parameter]:
        shape = (self.num_embeddings, self.embedding_dim)
        return {"weight": Parameter(shape, {"init": "normal"}, zero_row=self.padding_idx)}

    def infer_output(self) -> Spec:
        return Spec((*self.inputs[0].shape, self.embedding_dim), self.net_dtype)

    def check_data(self, slot: int, values: Array) -> None:
        if slot == 0:
            wrong = (values < 0) | (values >= self.num_embeddings)
            if wrong.any():
                rows = self.num_embeddings - 1
                what = f"the index {values[wrong][0]} is out of range: there are the rows 0 to {rows}"
                raise ArgumentError(None, what)

    # -- the whole tensor

    @quiet
    def rewritten(self, operands: tuple[Array, ...]) -> dict[str, Array]:
        if self.max_norm is None:
            return {}
        self.check_data(0, operands[0])
        weight, picked = operands[1].copy(), np.unique(operands[0])
        norms = np.linalg.norm(weight[picked], self.norm_type, axis=1, keepdims=True)
        # As torch has it, with a small number against a norm of 0.
        shorter = weight[picked] * (self.max_norm / (norms + 1e-7))
        weight[picked] = np.where(norms > self.max_norm, shorter, weight[picked])
        return {"weight": weight}

    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        self.check_data(0, operands[0])
        return operands[1][operands[0]]

    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        if not wanted[1]:
            return [None, None]
        weight, width = call.operands[1], self.embedding_dim
        gradient = np.zeros(weight.shape, weight.dtype)
        rows, row = self._picked(call.operands[0].reshape(-1))
        given, factors = upstream.reshape(len(row), width), self._factors(call, rows)[:, None]
        padding = self._is_padding(rows)
        step = max(1, min(width, _AT_ONCE // max(len(row), 1)))
        for start in range(0, width, step):
            part = given[:, start : start + step]
            elements = row[:, None] * part.shape[1] + np.arange(part.shape[1])
            sums = np.bincount(elements.reshape(-1), part.reshape(-1), len(rows) * part.shape[1])
            sums = sums.reshape(len(rows), -1)
            sums[padding] = 0  # be it infinite
            gradient[rows, start : start + step] = sums * factors
        return [None, gradient]

    def _picked(self, indices: IntArray) -> tuple[IntArray, IntArray]:
        """The rows that are picked, and perhaps others, and which of them each index picks."""
        if len(indices) >= self.num_embeddings:
            return np.arange(self.num_embeddings), indices
        rows, row = np.unique(indices, return_inverse=True)
        return rows, row

    def _factors(self, call: Call, rows: IntArray) -> Array:
        """By what the gradient of some rows is multiplied, in their shape."""
        factors = np.ones(rows.shape, call.operands[1].dtype)
        if self.scale_grad_by_freq:
            counts = np.bincount(call.operands[0].reshape(-1), minlength=self.num_embeddings)
            factors /= np.maximum(counts[rows], 1).astype(factors.dtype)
        factors[self._is_padding(rows)] = 0
        return factors

    def _is_padding(self, rows: IntArray) -> npt.NDArray[np.bool_]:
        """Whether each row is the one that learns nothing. (numpy compares with None slowly, number by number.)"""
        padding: npt.NDArray[np.bool_] = rows == (-1 if self.padding_idx is None else self.padding_idx)
        return padding

    # -- one element

    @property
    def _positions(self) -> int:
        return self.inputs[0].size

    def _local(self, call: Call, position: IntArray, row: IntArray) -> Array:
        """∂out[position, d]/∂weight[row, d]: only the row that was picked counts."""
        picked = call.operands[0].reshape(-1)[position]
        return np.where(picked == row, self._factors(call, row).astype(np.float64), 0.0)

    def row_grid(self, slot: int) -> Shape:
        return (self.num_embeddings,) if slot == 1 else (1,)

    def column_grid(self, slot: int) -> Shape:
        return (self.inputs[0].shape or (1,)) if slot == 1 else (self.embedding_dim,)

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        position, d = np.divmod(out, self.embedding_dim)
        if slot == 0:
            return Links(position[:, None], np.zeros((len(out), 1)))
        rows = np.arange(self.num_embeddings)
        local = self._local(call, position[:, None], rows[None, :])
        return Links(rows * self.embedding_dim + d[:, None], local)

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        if slot == 0:
            index = into[:, None] * self.embedding_dim + np.arange(self.embedding_dim)
            return Links(index, np.zeros(index.shape))
        row, d = np.divmod(into, self.embedding_dim)
        positions = np.arange(self._positions)
        local = self._local(call, positions[None, :], row[:, None])
        return Links(positions * self.embedding_dim + d[:, None], local)

    def _source(self, call: Call, out: int) -> tuple[int, int]:
        """The position of the index, and the element of the table, behind an output element."""
        position, d = divmod(out, self.embedding_dim)
        return position, int(call.value(0, position)) * self.embedding_dim + d

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        if slot == 0:
            return Number(0.0)
        position, row = out // self.embedding_dim, into // self.embedding_dim
        same = out % self.embedding_dim == into % self.embedding_dim
        return Number(float(self._local(call, np.array(position), np.array(row))) if same else 0.0)

    def term_count(self) -> int:
        return 1

    def terms(self, call: Call, out: int) -> Sequence[Term]:
        position, element = self._source(call, out)
        value = call.value(1, element)
        reads = (Read(0, position, call.value(0, position)), Read(1, element, value))
        return [Term(reads, value, does="copy from the row that the index picks", holds=value)]

    def formula(self, call: Call, out: int) -> Expression:
        return Element(1, self._source(call, out)[1])

    # -- in words

    def tell(self, naming: Naming) -> str:
        text = f"copies, for every index in {naming.tensor(0)}, the row of {naming.tensor(1)} that it picks"
        return text if self.max_norm is None else f"{text}, shortened to a norm of {self.max_norm:g} where longer"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        position, element = self._source(call, out)
        row = int(call.value(0, position))
        return f"is {naming.element(1, element)}, as {naming.element(0, position)} picks row {row}"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        position, element = self._source(call, out)
        made, index = naming.element(OUTPUT, out), naming.element(0, position)
        picked = int(call.value(0, position))
        if slot == 0:
            return f"{index} is an index: {made} has no derivative by it"
        name = naming.element(1, into)
        if into != element:
            return f"{index} picked row {picked}, so {made} does not react to {name}"
        if picked == self.padding_idx:
            return f"{index} picked row {picked}, the padding, so {name} gets no gradient by {made}"
        text = f"{index} picked row {picked}, so {made} is a copy of {name}"
        often = int((call.operands[0] == picked).sum())
        return (
            f"{text}; its row was picked {often} times, so each counts 1/{often}" if self.scale_grad_by_freq else text
        )
