"""Adaptive poolings: as many windows as outputs are wanted, of sizes that may differ by one."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from convstep.ops.arguments import Flag, PairOfNone, SingleOfNone
from convstep.ops.axes.adaptive import AdaptiveAxis, adaptive_axis
from convstep.ops.axes.limits import check_axis, check_plane
from convstep.ops.pool.avg_pool import Average
from convstep.ops.pool.max_pool import Maximum
from convstep.ops.pool.pool import Pool


class AdaptivePool(Pool):
    """Each axis of size n is cut into `output_size` windows: the i-th of m goes from ⌊i·n/m⌋ up to ⌈(i + 1)·n/m⌉.

    None as a size is that of the input.
    """

    output_size: Any

    @cached_property
    def window_axes(self) -> tuple[AdaptiveAxis, ...]:
        sizes = self.inputs[0].shape[-self.axes :]
        outputs = [size if given is None else given for size, given in zip(sizes, self.output_size, strict=True)]
        check_plane(outputs)
        for size in (*sizes, *outputs):
            check_axis(size)
        return tuple(map(adaptive_axis, sizes, outputs))

    @property
    def windows_in_words(self) -> str:
        return f"each of the {'×'.join(map(str, self.window.outputs))} parts"


class AdaptiveAvgPool1d(AdaptivePool, Average):
    """torch.nn.AdaptiveAvgPool1d."""

    axes: ClassVar[int] = 1
    forms: ClassVar[str] = "(N, C, L) or (C, L)"

    output_size: SingleOfNone


class AdaptiveAvgPool2d(AdaptivePool, Average):
    """torch.nn.AdaptiveAvgPool2d."""

    axes: ClassVar[int] = 2
    forms: ClassVar[str] = "(N, C, H, W) or (C, H, W)"

    output_size: PairOfNone


class AdaptiveMaxPool1d(AdaptivePool, Maximum):
    """torch.nn.AdaptiveMaxPool1d; `return_indices` as in MaxPool1d."""

    axes: ClassVar[int] = 1
    forms: ClassVar[str] = "(N, C, L) or (C, L)"

    output_size: SingleOfNone
    return_indices: Flag = False


class AdaptiveMaxPool2d(AdaptivePool, Maximum):
    """torch.nn.AdaptiveMaxPool2d; `return_indices` as in MaxPool1d."""

    axes: ClassVar[int] = 2
    forms: ClassVar[str] = "(N, C, H, W) or (C, H, W)"

    output_size: PairOfNone
    return_indices: Flag = False
