"""Padding layers: a border of zeros, of a constant, or of the input's own numbers."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import require_floats
from convstep.ops.axes.limits import check_plane
from convstep.ops.axes.table import axis_from, padded_positions
from convstep.ops.axis_maps import AxisMap
from convstep.ops.base import Empty, Naming, Spec
from convstep.ops.checked import Check
from convstep.ops.conv.convolution import AXIS_NAMES
from convstep.ops.shape.resample import Resample


def _border(axes: int) -> Check:
    def check(value: Any) -> Any:
        values = value if isinstance(value, (list, tuple)) else [value] * 2 * axes
        if len(values) != 2 * axes or not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
            raise ValueError(f"takes an integer or a list of {2 * axes}, not {value!r}")
        return tuple(values)

    return check


def _number(value: Any) -> Any:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError(f"takes a number, not {value!r}")
    return float(value)


Border1d = Annotated[tuple[int, ...], _border(1)]
Border2d = Annotated[tuple[int, ...], _border(2)]
Border3d = Annotated[tuple[int, ...], _border(3)]
"""What is added before and after each axis, the last axis first (torch); one integer stands for all."""
Constant = Annotated[float, _number]
"""Any number; infinities, too."""


class _Pad(Resample):
    """Padding of the last `axes` axes; a negative padding cuts off."""

    axes: ClassVar[int]
    mode: ClassVar[str]
    border: ClassVar[str]
    """What the border is made of, in words."""
    any_rank: ClassVar[bool] = False

    padding: Any

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        spec, axes = self.inputs[0], self.axes
        if self.any_rank and len(spec.shape) < axes:
            raise ArgumentError("inputs", f"takes an input of at least {axes} dimensions, not {list(spec.shape)}")
        if not self.any_rank and len(spec.shape) not in (axes + 1, axes + 2):
            sizes = AXIS_NAMES[axes]
            raise ArgumentError("inputs", f"takes an input (N, C, {sizes}) or (C, {sizes}), not {list(spec.shape)}")
        return Spec(self.output_shape, spec.dtype)

    @cached_property
    def maps(self) -> tuple[AxisMap, ...]:
        sizes = self.inputs[0].shape[-self.axes :]
        pairs = [self.padding[2 * k : 2 * k + 2] for k in reversed(range(self.axes))]
        check_plane(size + sum(pair) for size, pair in zip(sizes, pairs, strict=True))
        maps = []
        for size, (before, after) in zip(sizes, pairs, strict=True):
            reads = padded_positions(size, before, after, self.mode)[:, None]
            empty = np.where(reads < 0, Empty.PADDING, Empty.NO).astype(np.uint8)
            maps.append(AxisMap(axis_from(reads, empty, size, Empty.WINDOW)))
        return tuple(maps)

    def tell(self, naming: Naming) -> str:
        if max(self.padding) <= 0:
            return f"cuts off the border of {naming.tensor(0)}"
        return f"puts a border of {self.border} around {naming.tensor(0)}"


class _Constant(_Pad):
    """A border of one number."""

    mode: ClassVar[str] = "constant"
    border: ClassVar[str] = "one number"
    any_rank: ClassVar[bool] = True

    value: Constant

    @property
    def fill(self) -> float:
        return self.value


class _Zero(_Pad):
    mode: ClassVar[str] = "constant"
    border: ClassVar[str] = "zeros"
    any_rank: ClassVar[bool] = True


class _Reflection(_Pad):
    mode: ClassVar[str] = "reflect"
    border: ClassVar[str] = "its own numbers, mirrored at the edge,"


class _Replication(_Pad):
    mode: ClassVar[str] = "replicate"
    border: ClassVar[str] = "its own edge, repeated,"


class _Circular(_Pad):
    mode: ClassVar[str] = "circular"
    border: ClassVar[str] = "its own numbers from the other side"


class ZeroPad1d(_Zero):
    """torch.nn.ZeroPad1d."""

    axes: ClassVar[int] = 1

    padding: Border1d


class ZeroPad2d(_Zero):
    """torch.nn.ZeroPad2d."""

    axes: ClassVar[int] = 2

    padding: Border2d


class ZeroPad3d(_Zero):
    """torch.nn.ZeroPad3d."""

    axes: ClassVar[int] = 3

    padding: Border3d


class ConstantPad1d(_Constant):
    """torch.nn.ConstantPad1d."""

    axes: ClassVar[int] = 1

    padding: Border1d


class ConstantPad2d(_Constant):
    """torch.nn.ConstantPad2d."""

    axes: ClassVar[int] = 2

    padding: Border2d


class ConstantPad3d(_Constant):
    """torch.nn.ConstantPad3d."""

    axes: ClassVar[int] = 3

    padding: Border3d


class ReflectionPad1d(_Reflection):
    """torch.nn.ReflectionPad1d."""

    axes: ClassVar[int] = 1

    padding: Border1d


class ReflectionPad2d(_Reflection):
    """torch.nn.ReflectionPad2d."""

    axes: ClassVar[int] = 2

    padding: Border2d


class ReflectionPad3d(_Reflection):
    """torch.nn.ReflectionPad3d."""

    axes: ClassVar[int] = 3

    padding: Border3d


class ReplicationPad1d(_Replication):
    """torch.nn.ReplicationPad1d."""

    axes: ClassVar[int] = 1

    padding: Border1d


class ReplicationPad2d(_Replication):
    """torch.nn.ReplicationPad2d."""

    axes: ClassVar[int] = 2

    padding: Border2d


class ReplicationPad3d(_Replication):
    """torch.nn.ReplicationPad3d."""

    axes: ClassVar[int] = 3

    padding: Border3d


class CircularPad1d(_Circular):
    """torch.nn.CircularPad1d."""

    axes: ClassVar[int] = 1

    padding: Border1d


class CircularPad2d(_Circular):
    """torch.nn.CircularPad2d."""

    axes: ClassVar[int] = 2

    padding: Border2d


class CircularPad3d(_Circular):
    """torch.nn.CircularPad3d."""

    axes: ClassVar[int] = 3

    padding: Border3d
