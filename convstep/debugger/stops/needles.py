"""The numbers at which a condition on a single number might hold, as a few intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from convstep.debugger.stops.intervals import Interval
from convstep.debugger.stops.truth import Bools
from convstep.engine.sums import Floats

_PARTS, _TIMES = 16, 8
"""An interval is cut into so many parts, and what is left of it again, so many times: 2^32 in all."""
_MOST = 8

Singles = npt.NDArray[np.float32]
ULP = 2.0**-24
"""What rounding to single precision changes, relative to a number."""
LEAST = 1e-25
"""More than what single precision loses in products that are too small for it."""

May = Callable[[Interval], Bools]


class Needle(NamedTuple):
    """All numbers that are at most `half` away from `middle`."""

    middle: float
    half: float


def needles(may: May, most: float) -> list[Needle]:
    """Where it might hold for numbers of at most a magnitude; `may` says so of intervals, (m,)."""
    low, high = np.array([-most]), np.array([most])
    for _ in range(_TIMES):
        parts = np.linspace(low, high, _PARTS + 1, axis=1)
        left = may(Interval(parts[:, :-1].reshape(-1), parts[:, 1:].reshape(-1)))
        ends = _runs(parts[:, :-1].reshape(-1)[left], parts[:, 1:].reshape(-1)[left])
        if len(ends[0]) > _MOST:
            break
        low, high = ends
    width = (high - low) / _PARTS
    low, high = _nearer(low, width, may), _nearer(high, -width, may)
    return [Needle(float(middle), float(half)) for middle, half in zip((low + high) / 2, (high - low) / 2, strict=True)]


def _runs(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Intervals, ascending, with those joined that touch."""
    new = low[1:] > high[:-1]
    return low[np.append(True, new)[: len(low)]], high[np.append(new, True)[: len(high)]]


def _nearer(ends: Floats, step: Floats, may: May) -> Floats:
    """Ends of intervals, moved by at most a step to where it first might hold."""
    for _ in range(_TIMES):
        marks = ends[:, None] + step[:, None] * np.arange(_PARTS + 1) / _PARTS
        low, high = np.sort([marks[:, :-1], marks[:, 1:]], axis=0)
        left = may(Interval(low.reshape(-1), high.reshape(-1))).reshape(low.shape)
        passed = np.where(left.any(axis=1), left.argmax(axis=1), _PARTS)
        step = step / _PARTS
        ends = ends + step * passed
    return ends
