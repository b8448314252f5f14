"""PReLU: what is below 0 is multiplied by a slope that is learned."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.arguments import Positive, Real, require_floats
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
from convstep.ops.blocks import broadcast_in_blocks
from convstep.ops.choosing import chosen, kept
from convstep.ops.expression import Element, Expression, Number, Product
from convstep.ops.lines import Lines


class PReLU(Operation):
    """torch.nn.PReLU: x above 0, weight · x below; one weight for all, or one a channel (dimension 1).

    At 0 torch takes the weight as the slope; there, the weight's own is 0 as x is.
    """

    parameter_names: ClassVar[tuple[str, ...]] = ("weight",)

    num_parameters: Positive = 1
    init: Real = 0.25

    def infer(self, inputs: Sequence[Spec]) -> Self:
        require_floats(inputs)
        shape = inputs[0].shape
        channels = shape[1] if len(shape) > 1 else 1
        if self.num_parameters not in (1, channels):
            raise ArgumentError(
                "num_parameters", f"is {self.num_parameters}; the input has {channels} channels, so 1 or {channels}"
            )
        return super().infer(inputs)

    def declare(self) -> dict[str, Parameter]:
        return {"weight": Parameter((self.num_parameters,), {"init": "constant", "val": self.init})}

    def infer_output(self) -> Spec:
        return self.inputs[0]

    @cached_property
    def _channels(self) -> Lines:
        """What shares a weight: the lines along dimension 1, or all together."""
        shape = self.inputs[0].shape
        return Lines.along(shape, 1) if self.num_parameters > 1 else Lines(1, 1, self.inputs[0].size)

    # -- the whole tensor

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        x, weight = self._channels.split(operands[0]), operands[1][:, None]
        finite = bool(np.isfinite(weight).all())

        def bent(x: Array, weight: Array) -> Array:
            # With finite weights, one of the two is 0.
            return np.maximum(x, 0) + np.minimum(x, 0) * weight if finite else chosen(x > 0, x, x * weight)

        return broadcast_in_blocks(bent, x.dtype, x, weight).reshape(self.output.shape)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        x, u = self._channels.split(call.operands[0]), self._channels.split(upstream)
        gradients: list[Array | None] = [None, None]
        if wanted[1]:
            gradients[1] = broadcast_in_blocks(lambda x, u: kept(u * x, ~(x > 0)), u.dtype, x, u).sum(axis=(0, 2))
        if wanted[0]:
            weight = call.operands[1][:, None]
            by_x = broadcast_in_blocks(lambda x, u, w: chosen(x > 0, u, u * w), u.dtype, x, u, weight)
            gradients[0] = by_x.reshape(upstream.shape)
        return gradients

    # -- one element

    def _weight_of(self, index: IntArray) -> IntArray:
        return self._channels.place(index)[1]

    @quiet
    def _local(self, call: Call, slot: int, index: IntArray) -> Array:
        """∂output/∂input or ∂output/∂weight at elements of the input, any shape."""
        x = call.operands[0].reshape(-1)[index].astype(np.float64)
        if slot == 0:
            return np.where(x > 0, 1.0, call.operands[1][self._weight_of(index)].astype(np.float64))
        return np.where(x > 0, 0.0, x)

    def row_grid(self, slot: int) -> Shape:
        return (1,)

    def column_grid(self, slot: int) -> Shape:
        return (1,) if slot == 0 else (self._channels.outer, self._channels.inner)

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        index = out if slot == 0 else self._weight_of(out)
        return Links(index[:, None], self._local(call, slot, out)[:, None])

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        if slot == 0:
            return self.row(call, slot, into)
        index = self._channels.across(into)
        return Links(index, self._local(call, slot, index))

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        above = call.value(0, out) > 0
        if slot == 0:
            return Number(1.0) if above else Element(1, self._weight_index(out))
        return Number(0.0) if above else Element(0, out)

    def _weight_index(self, out: int) -> int:
        return int(self._weight_of(np.array([out]))[0])

    def term_count(self) -> int:
        return 1

    def terms(self, call: Call, out: int) -> Sequence[Term]:
        weight, result = self._weight_index(out), call.value(OUTPUT, out)
        reads = (Read(0, out, call.value(0, out)), Read(1, weight, call.value(1, weight)))
        does = "x, which is above 0" if reads[0].value > 0 else "weight · x, as x is not above 0"
        return [Term(reads, result, does=does, holds=result)]

    def formula(self, call: Call, out: int) -> Expression:
        x = Element(0, out)
        return x if call.value(0, out) > 0 else Product((Element(1, self._weight_index(out)), x))

    # -- in words

    def tell(self, naming: Naming) -> str:
        return f"keeps what is above 0 in {naming.tensor(0)} and multiplies the rest by {naming.tensor(1)}"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        x = naming.element(0, out)
        if call.value(0, out) > 0:
            return f"is {x}, which is above 0"
        return f"is {naming.element(1, self._weight_index(out))} × {x}, as {x} is not above 0"

    def at_kink(self, call: Call, slot: int, out: IntArray, into: IntArray) -> npt.NDArray[np.bool_]:
        return np.asarray((call.operands[0].reshape(-1)[out] == 0) & (slot == 0))

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        at, made, weight = call.value(0, out), naming.element(OUTPUT, out), self._weight_index(out)
        x, w = f"{naming.element(0, out)} = {naming.number(at)}", naming.element(1, weight)
        if at > 0:
            return f"{x} is above 0, so {made} " + ("changes as it does" if slot == 0 else f"does not react to {w}")
        if slot == 1:
            return f"{w} was multiplied with {x} when {made} was made"
        if at == 0:
            return f"{x} is exactly 0, where PReLU has no derivative; torch takes {w}, so {made} changes by that much"
        return f"{x} is below 0 and was multiplied with {w} when {made} was made"
