"""Poolings whose window slides: how far it moves, and where it ends."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, Pair, PairFrom0, PairOrNone, Single, SingleFrom0, SingleOrNone
from convstep.ops.axes.limits import check_axis
from convstep.ops.axes.sliding import SlidingAxis
from convstep.ops.pool.pool import Pool
from convstep.ops.windows import extent


class SlidingPool(Pool):
    """A pooling with a kernel size, a stride (by default the kernel size) and a padding."""

    kernel_size: Any
    stride: Any = None
    ceil_mode: Flag = False

    @property
    def around(self) -> tuple[int, ...]:
        """The padding of each axis."""
        return (0,) * self.axes

    @property
    def spread(self) -> tuple[int, ...]:
        """The dilation of each axis."""
        return (1,) * self.axes

    @cached_property
    def window_axes(self) -> tuple[SlidingAxis, ...]:
        sizes = self.inputs[0].shape[-self.axes :]
        stride = self.stride or self.kernel_size
        each = zip(sizes, self.kernel_size, stride, self.around, self.spread, strict=True)
        return tuple(_pool_axis(*axis, self.ceil_mode) for axis in each)

    @property
    def windows_in_words(self) -> str:
        return f"every {extent(self.kernel_size)} window"


class Pool1d(SlidingPool):
    """One axis of windows."""

    axes: ClassVar[int] = 1
    forms: ClassVar[str] = "(N, C, L) or (C, L)"

    kernel_size: Single
    stride: SingleOrNone = None


class Pool2d(SlidingPool):
    """Two axes of windows."""

    axes: ClassVar[int] = 2
    forms: ClassVar[str] = "(N, C, H, W) or (C, H, W)"

    kernel_size: Pair
    stride: PairOrNone = None


class PaddedPool1d(Pool1d):
    """Windows that may begin on a padding."""

    padding: SingleFrom0 = (0,)

    @property
    def around(self) -> tuple[int, ...]:
        return self.padding


class PaddedPool2d(Pool2d):
    """Windows that may begin on a padding."""

    padding: PairFrom0 = (0, 0)

    @property
    def around(self) -> tuple[int, ...]:
        return self.padding


def _pool_axis(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> SlidingAxis:
    """One axis, with torch's number of outputs; a window starts inside the input or its left padding."""
    if padding > kernel // 2:
        raise ArgumentError("padding", f"{padding} is more than half of the kernel size {kernel}")
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    outputs = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (outputs - 1) * stride >= size + padding:
        outputs -= 1
    if outputs < 1:
        span = dilation * (kernel - 1) + 1
        raise ArgumentError(
            "kernel_size", f"the window spans {span}, more than the padded input's {size + 2 * padding}"
        )
    check_axis(size + 2 * padding)
    return SlidingAxis(size, kernel, stride, padding, padding, dilation, outputs)
