"""Linear: every output is a sum of products of one row of inputs and one row of weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod, sqrt
from typing import ClassVar, Self

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, Positive, PositiveOrNone, require_floats
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Naming, Parameter, Shape, Spec, quiet
from convstep.ops.factors import Factors, of_matrices
from convstep.ops.feeding import Feeding
from convstep.ops.matrices import product
from convstep.ops.products import Codes, ProductSum


class Linear(Feeding, ProductSum):
    """torch.nn.Linear: out[…, o] = bias[o] + Σ over j of input[…, j] · weight[o, j]."""

    parameter_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    in_features: PositiveOrNone = None
    out_features: Positive
    bias: Flag = True

    # -- shapes

    def infer(self, inputs: Sequence[Spec]) -> Self:
        require_floats(inputs)
        shape = inputs[0].shape
        if not shape:
            raise ArgumentError("inputs", "takes an input of at least one dimension (…, in_features), not a scalar")
        if self.in_features not in (None, shape[-1]):
            raise ArgumentError(
                "in_features", f"is {self.in_features}, but the input's last dimension has size {shape[-1]}"
            )
        return self.replace(in_features=shape[-1])

    def declare(self) -> dict[str, Parameter]:
        bound = 1 / sqrt(self._features)
        weight = Parameter((self.out_features, self._features), {"init": "kaiming_uniform", "a": sqrt(5)})
        bias = Parameter((self.out_features,), {"init": "uniform", "a": -bound, "b": bound})
        return {"weight": weight, "bias": bias} if self.bias else {"weight": weight}

    def infer_output(self) -> Spec:
        return Spec((*self.inputs[0].shape[:-1], self.out_features), self.inputs[0].dtype)

    @property
    def _features(self) -> int:
        return self.inputs[0].shape[-1]

    @cached_property
    def rows(self) -> int:
        """How many rows of `in_features` numbers the input has."""
        return prod(self.inputs[0].shape[:-1])

    # -- the whole tensor

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        output: Array = operands[0] @ operands[1].T
        return output + operands[2] if self.bias else output

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        rows = upstream.reshape(self.rows, self.out_features)
        gradients: list[Array | None] = [None] * len(call.operands)
        if wanted[0]:
            gradients[0] = upstream @ call.operands[1]
        if wanted[1]:
            gradients[1] = product(rows.T, call.operands[0].reshape(self.rows, self._features))
        if self.bias and wanted[2]:
            gradients[2] = rows.sum(axis=0)
        return gradients

    def factors(self, call: Call, slot: int, upstream: Array) -> Factors | None:
        rows, weight = call.operands[0].reshape(1, self.rows, self._features), call.operands[1][None]
        if slot == OUTPUT:
            if not self.bias:
                return of_matrices(rows, weight)
            ones = np.ones_like(rows[:, :, :1])
            bias = call.operands[2].reshape(1, -1, 1)
            return of_matrices(np.concatenate([rows, ones], axis=2), np.concatenate([weight, bias], axis=2))
        given = upstream.reshape(1, self.rows, self.out_features)
        if slot == 0:
            return of_matrices(given, weight.swapaxes(1, 2))
        return of_matrices(given.swapaxes(1, 2), rows.swapaxes(1, 2)) if slot == 1 else None

    # -- one element

    def row_grid(self, slot: int) -> Shape:
        return (1,) if slot == 2 else (self._features,)

    def column_grid(self, slot: int) -> Shape:
        return (self.out_features,) if slot == 0 else self.inputs[0].shape[:-1] or (1,)

    def pairs(self, out: IntArray) -> tuple[IntArray, IntArray, Codes]:
        row, unit = np.divmod(out, self.out_features)
        features = np.arange(self._features)
        inputs = row[:, None] * self._features + features
        return inputs, unit[:, None] * self._features + features, np.zeros(inputs.shape, np.uint8)

    def input_column(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        row, feature = np.divmod(into, self._features)
        units = np.arange(self.out_features)
        outputs = row[:, None] * self.out_features + units
        return outputs, units * self._features + feature[:, None], np.zeros(outputs.shape, np.uint8)

    def weight_column(self, into: IntArray) -> tuple[IntArray, IntArray, Codes]:
        unit, feature = np.divmod(into, self._features)
        rows = np.arange(self.rows)
        outputs = rows * self.out_features + unit[:, None]
        return outputs, rows * self._features + feature[:, None], np.zeros(outputs.shape, np.uint8)

    def fed(self, slot: int, into: IntArray) -> tuple[IntArray, IntArray]:
        width = self.out_features
        if slot == 0:
            first = into // self._features * width
            return first, first + width - 1
        first = into if slot == 2 else into // self._features
        return (first, first + (self.rows - 1) * width) if self.rows else (np.full(into.shape, -1),) * 2

    # -- in words

    def tell(self, naming: Naming) -> str:
        bias = f", plus {naming.tensor(2)}" if self.bias else ""
        return f"adds up the products of {naming.tensor(0)} with each row of {naming.tensor(1)}{bias}"
