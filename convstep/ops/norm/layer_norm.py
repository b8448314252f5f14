"""Norms within a sample that keep nothing: LayerNorm, RMSNorm, GroupNorm."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import ClassVar, Self

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, Positive, PositiveOrNone, Real, RealOrNone, Sizes, require_floats
from convstep.ops.base import Array, Call, Parameter, Shape, Spec
from convstep.ops.norm.norm import Norm
from convstep.ops.norm.norm_layout import Layout


class _InOneGo(Norm):
    """A norm whose gradient torch has as rate · weight · u + b · x + c, with b and c from two sums over each group."""

    def _input_gradient(self, call: Call, given: Array, standard: Array, sums: dict[str, Array]) -> Array:
        gradient = super()._input_gradient(call, given, standard, sums)
        if np.isfinite(sums["bias"]).all():
            return gradient
        # Inf − Inf is left where it is left there.
        x, mean, rate = call.operands[0].reshape(self.layout.shape), call.saved["mean"], call.saved["rate"]
        weighted = given * self._channelwise(call.operands, "weight") if "weight" in self.slots else given
        by_x, plain = (part.sum(axis=self.layout.axes, keepdims=True) for part in (weighted * x, weighted))
        b = (plain * mean - by_x) * rate**3 / self.layout.group_size
        c = -b * mean - plain * rate / self.layout.group_size
        torchs = rate * weighted + b * x + c
        return np.where(np.isfinite(torchs), gradient, torchs)


class _LastDimensions(Norm):
    """A norm over the last dimensions, whose sizes are `normalized_shape`."""

    normalized_shape: Sizes
    elementwise_affine: Flag = True

    def infer(self, inputs: Sequence[Spec]) -> Self:
        require_floats(inputs)
        shape, wanted = inputs[0].shape, self.normalized_shape
        if shape[-len(wanted) :] != wanted:
            raise ArgumentError(
                "normalized_shape", f"is {list(wanted)}, but the input of shape {list(shape)} ends otherwise"
            )
        return self.replace()

    @property
    def _with_bias(self) -> bool:
        return False

    def declare(self) -> dict[str, Parameter]:
        if not self.elementwise_affine:
            return {}
        weight, bias = (Parameter(self.normalized_shape, {"init": init}) for init in ("ones", "zeros"))
        return {"weight": weight, "bias": bias} if self._with_bias else {"weight": weight}

    @property
    def _before(self) -> Shape:
        return self.inputs[0].shape[: -len(self.normalized_shape)]

    @cached_property
    def layout(self) -> Layout:
        return Layout(prod(self._before), 1, prod(self.normalized_shape), 1)

    @property
    def group_grid(self) -> Shape:
        return self.normalized_shape

    @property
    def channel_grid(self) -> Shape:
        return self._before or (1,)


class LayerNorm(_InOneGo, _LastDimensions):
    """torch.nn.LayerNorm: mean 0 and variance 1 over the last dimensions, `normalized_shape`."""

    each: ClassVar[str] = "row"
    own_group: ClassVar[str] = "its row"

    eps: Real = 1e-5
    bias: Flag = True

    @property
    def epsilon(self) -> float:
        return self.eps

    @property
    def _with_bias(self) -> bool:
        return self.bias


class RMSNorm(_LastDimensions):
    """torch.nn.RMSNorm: x / √(mean of x² + eps) · weight. Without eps, the dtype's machine epsilon."""

    parameter_names: ClassVar[tuple[str, ...]] = ("weight",)
    centred: ClassVar[bool] = False
    each: ClassVar[str] = "row"
    own_group: ClassVar[str] = "its row"

    eps: RealOrNone = None

    @property
    def epsilon(self) -> float:
        return float(np.finfo(self.inputs[0].dtype).eps) if self.eps is None else self.eps


class GroupNorm(_InOneGo):
    """torch.nn.GroupNorm: the channels of each sample in `num_groups` groups, each brought to mean 0 and variance 1."""

    each: ClassVar[str] = "group of channels"
    own_group: ClassVar[str] = "its group of channels"

    num_groups: Positive
    num_channels: PositiveOrNone = None
    eps: Real = 1e-5
    affine: Flag = True
    bias: Flag = True

    def infer(self, inputs: Sequence[Spec]) -> Self:
        require_floats(inputs)
        shape = inputs[0].shape
        if len(shape) < 2:
            raise ArgumentError("inputs", f"takes an input (N, C, …), not {list(shape)}")
        if self.num_channels not in (None, shape[1]):
            raise ArgumentError("num_channels", f"is {self.num_channels}, but the input has {shape[1]} channels")
        if shape[1] % self.num_groups:
            raise ArgumentError("num_groups", f"{self.num_groups} does not divide num_channels = {shape[1]}")
        if prod(shape) == self.num_groups:
            raise ArgumentError("num_groups", f"leaves one number per group of an input {list(shape)}; take fewer")
        return self.replace(num_channels=shape[1])

    def _sums(self, call: Call, given: Array, standard: Array) -> dict[str, Array]:
        sums = super()._sums(call, given, standard)
        if not np.isfinite(sums["bias"]).all():
            # As above: the weight's gradient is a difference of two sums in torch.
            by_x = (given * call.operands[0].reshape(self.layout.shape)).sum(axis=3, keepdims=True)
            torchs = (by_x - sums["bias"] * call.saved["mean"]) * call.saved["rate"]
            sums["weight"] = np.where(np.isfinite(sums["bias"]), sums["weight"], torchs)
        return sums

    def declare(self) -> dict[str, Parameter]:
        if not self.affine:
            return {}
        weight, bias = (Parameter((self.inputs[0].shape[1],), {"init": init}) for init in ("ones", "zeros"))
        return {"weight": weight, "bias": bias} if self.bias else {"weight": weight}

    @cached_property
    def layout(self) -> Layout:
        samples, channels, *spatial = self.inputs[0].shape
        return Layout(samples, self.num_groups, channels // self.num_groups, prod(spatial))

    @property
    def epsilon(self) -> float:
        return self.eps

    @property
    def group_grid(self) -> Shape:
        return (self.layout.channels, *self.inputs[0].shape[2:])

    @property
    def channel_grid(self) -> Shape:
        return (self.layout.samples, *self.inputs[0].shape[2:])
