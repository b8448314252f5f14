"""Upsampling: the input's planes on a finer (or coarser) grid, by copying or by interpolation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import floor, inf
from typing import Annotated, Any, NamedTuple

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import FlagOrNone, UpsampleMode, require_floats
from convstep.ops.axes.adaptive import adaptive_axis
from convstep.ops.axes.limits import check_plane, check_table
from convstep.ops.axes.table import axis_from
from convstep.ops.axis_maps import AxisMap
from convstep.ops.base import Array, Empty, IntArray, Naming, Spec
from convstep.ops.checked import Check
from convstep.ops.shape.resample import Resample

_AXES = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
    "area": (1, 2, 3),
}
"""How many axes an input may have for each mode, batch and channels apart."""


def _one_or_each(number: type[float], kind: str) -> Check:
    def check(value: Any) -> Any:
        if value is None:
            return None
        values = value if isinstance(value, (list, tuple)) else [value]
        if not all(isinstance(v, (int, number)) and not isinstance(v, bool) and 0 < v < inf for v in values):
            raise ValueError(f"takes {kind} or a list of them, not {value!r}")
        return number(value) if values is not value else tuple(map(number, values))

    return check


Size = Annotated[int | tuple[int, ...] | None, _one_or_each(int, "a positive integer")]
Factor = Annotated[float | tuple[float, ...] | None, _one_or_each(float, "a positive number")]


class Interpolation(NamedTuple):
    """How numbers between the input's are found; torch's `mode`, `align_corners`, `recompute_scale_factor`."""

    mode: str
    align_corners: bool
    recompute: bool


class _Upsampling(Resample):
    """Either `size` or `scale_factor` says how large the output is; one number stands for all axes."""

    size: Size = None
    scale_factor: Factor = None

    @property
    @abstractmethod
    def interpolation(self) -> Interpolation: ...

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        spec, mode = self.inputs[0], self.interpolation.mode
        axes = len(spec.shape) - 2
        if axes not in _AXES[mode]:
            wanted = " or ".join(f"(N, C, {', '.join('DHW'[3 - n :]) if n > 1 else 'L'})" for n in _AXES[mode])
            raise ArgumentError("inputs", f"takes an input {wanted} with mode '{mode}', not {list(spec.shape)}")
        if (self.size is None) == (self.scale_factor is None):
            raise ArgumentError("size", "and scale_factor are two ways to say the same; give one of them")
        return Spec(self.output_shape, spec.dtype)

    def _each(self, argument: str, axes: int) -> list[Any]:
        """The argument's value for each axis."""
        value = getattr(self, argument)
        if not isinstance(value, tuple):
            return [value] * axes
        if len(value) != axes:
            raise ArgumentError(argument, f"takes one number or a list of {axes}, not {list(value)}")
        return list(value)

    @cached_property
    def maps(self) -> tuple[AxisMap, ...]:
        sizes = self.inputs[0].shape[2:]
        given: Sequence[float | None] = [None] * len(sizes)
        if self.size is not None:
            outputs = self._each("size", len(sizes))
        else:
            factors = self._each("scale_factor", len(sizes))
            outputs = [floor(size * factor) for size, factor in zip(sizes, factors, strict=True)]
            given = given if self.interpolation.recompute else factors
        if min(outputs) < 1:
            raise ArgumentError("size" if self.size else "scale_factor", f"would leave an output of size {outputs}")
        check_plane(outputs)
        return tuple(map(self._map, sizes, outputs, given))

    def _map(self, size: int, outputs: int, factor: float | None) -> AxisMap:
        check_table(outputs)
        mode, align, _ = self.interpolation
        if mode.startswith("nearest"):
            # Torch keeps to whole steps over two axes, whatever the factor; over one or three in its gradient only,
            # which then is not that of its output. Here the gradient is the output's.
            if mode == "nearest" and len(self.inputs[0].shape) == 4 and outputs in (size, 2 * size):
                reads = np.arange(outputs) * size // outputs
            else:
                reads = _nearest(size, outputs, factor, 0.5 if mode == "nearest-exact" else 0.0)
            return _axis_map(reads[:, None], None, size)
        if mode == "area":
            positions, codes = adaptive_axis(size, outputs).reads(np.arange(outputs))
            full = codes == Empty.NO
            return AxisMap(axis_from(positions, codes, size, Empty.WINDOW), full / full.sum(axis=1, keepdims=True))
        # In the input's dtype, as torch has it: a place on an edge falls to the same side.
        real = self.inputs[0].dtype.type
        step = real(1 / factor) if factor is not None else real(size) / real(outputs)
        if align:
            step = real(size - 1) / real(outputs - 1) if outputs > 1 else real(0)
        places = np.arange(outputs).astype(real)
        centred = places * step if align else (places + real(0.5)) * step - real(0.5)
        return _axis_map(*(_cubic if mode == "bicubic" else _linear)(centred, size, outputs), size)

    def tell(self, naming: Naming) -> str:
        before, after = ("×".join(map(str, sizes)) for sizes in (self.window.size, self.window.outputs))
        how = "weighing neighbours" if self.weighs else "copying the nearest"
        return f"draws {naming.tensor(0)} anew, {after} instead of {before}, by {how}"


def _axis_map(reads: IntArray, weights: Array | None, size: int) -> AxisMap:
    axis = axis_from(reads, np.broadcast_to(np.uint8(Empty.NO), reads.shape), size, Empty.WINDOW)
    return AxisMap(axis, None if weights is None else weights.astype(np.float64))


def _nearest(size: int, outputs: int, factor: float | None, shift: float) -> IntArray:
    """The position that each output copies, in single precision as torch has it."""
    step = np.float32(1 / factor) if factor is not None else np.float32(size) / np.float32(outputs)
    places = np.arange(outputs, dtype=np.int32).astype(np.float32)
    places += np.float32(shift)
    places *= step
    reads: IntArray = np.floor(places, out=places).astype(np.int32)
    return np.minimum(reads, size - 1, out=reads)


def _linear(source: Array, size: int, outputs: int) -> tuple[IntArray, Array]:
    """The two neighbours of each place, and how near each is."""
    one = source.dtype.type(1)
    if size == outputs:
        first = np.arange(size)
        return np.stack([first, first], axis=1), np.stack([np.ones(size), np.zeros(size)], axis=1)
    source = np.maximum(source, 0)
    first = np.minimum(np.floor(source).astype(np.intp), size - 1)
    share = np.clip(source - first.astype(source.dtype), 0, 1)
    return np.stack([first, np.minimum(first + 1, size - 1)], axis=1), np.stack([one - share, share], axis=1)


def _cubic(source: Array, size: int, outputs: int) -> tuple[IntArray, Array]:
    """The four neighbours of each place, and their weights: a cubic convolution with a = −0.75."""
    a = -0.75
    first = np.floor(source)
    share = np.clip(source - first, 0, 1)
    reads = np.clip(first.astype(np.intp)[:, None] + np.arange(-1, 3), 0, size - 1)

    def near(x: Array) -> Array:
        result: Array = ((a + 2) * x - (a + 3)) * x * x + 1
        return result

    def far(x: Array) -> Array:
        result: Array = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        return result

    weights = [far(share + 1), near(share), near(1 - share), far(2 - share)]
    return reads, np.stack(weights, axis=1)


class Upsample(_Upsampling):
    """torch.nn.Upsample."""

    mode: UpsampleMode = "nearest"
    align_corners: FlagOrNone = None
    recompute_scale_factor: FlagOrNone = None

    def infer_output(self) -> Spec:
        if self.align_corners is not None and self.mode in ("nearest", "nearest-exact", "area"):
            raise ArgumentError("align_corners", f"goes with interpolation only, not with mode '{self.mode}'")
        if self.recompute_scale_factor and self.size is not None:
            raise ArgumentError("recompute_scale_factor", "goes with scale_factor only")
        return super().infer_output()

    @property
    def interpolation(self) -> Interpolation:
        return Interpolation(self.mode, bool(self.align_corners), bool(self.recompute_scale_factor))


class UpsamplingNearest2d(_Upsampling):
    """torch.nn.UpsamplingNearest2d."""

    @property
    def interpolation(self) -> Interpolation:
        return Interpolation("nearest", False, False)


class UpsamplingBilinear2d(_Upsampling):
    """torch.nn.UpsamplingBilinear2d: with the corners of input and output on each other."""

    @property
    def interpolation(self) -> Interpolation:
        return Interpolation("bilinear", True, False)
