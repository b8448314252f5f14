"""Every gradient against central differences, in float64: is the backward pass the derivative of the forward pass?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from convstep.engine.recording import Recording
from convstep.engine.timeline import torch_index
from convstep.engine.work import QUIET, Work
from convstep.errors import ConvstepError
from convstep.explain.by_design import on_purpose
from convstep.explain.replay import Forward, Replay
from convstep.network import load
from convstep.network.draw import Draw
from convstep.network.footprint import differentiated
from convstep.network.graph import Graph
from convstep.ops.base import Array

Floats = npt.NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_STEP = _EPS ** (1 / 3)
"""The error of a central difference is least near here, where rounding and curvature cost the same."""
_TOLERANCE = 1e-6
_MOST_WORK = 2_000_000_000
"""Forward terms that the differences of one tensor may take; it is at least one element."""
_MOST_ELEMENTS = 400
_MORE = 4
"""So many elements more are looked at where some of a sample are at a kink, which tells nothing."""
_WORK_WITH_LAYERS = 2_000_000
"""A network whose forward pass has more terms is checked by its inputs and parameters alone."""


@dataclass(frozen=True)
class Failure:
    """An element whose gradient is not what the differences say."""

    index: int
    gradient: float
    difference: float


@dataclass(frozen=True)
class GradientCheck:
    """The verdict on one tensor's gradient. `checked` of `size` elements were looked at; errors exclude kinks."""

    name: str
    shape: tuple[int, ...]
    checked: int
    max_abs_error: float
    failures: tuple[Failure, ...]
    kinks: tuple[int, ...]
    not_finite: int
    on_purpose: str = ""

    @property
    def ok(self) -> bool:
        return not self.failures

    @property
    def note(self) -> str:
        """What else there is to know: a sample only, kinks, numbers that are not finite, gradients of another kind."""
        size = int(np.prod(self.shape))
        parts = [] if self.checked == size else [f"{self.checked} of {size} elements, a sample"]
        if self.kinks:
            where = ", ".join(str(torch_index(k, self.shape)) for k in self.kinks[:4])
            more = f" and {len(self.kinks) - 4} more" if len(self.kinks) > 4 else ""
            parts.append(f"at a kink or a tie, where no difference can tell: {where}{more}")
        if self.not_finite:
            parts.append(f"{self.not_finite} not finite, which no difference can tell")
        if self.on_purpose:
            parts.append(f"not the derivative, on purpose: {self.on_purpose}")
        return "; ".join(parts)


def check_gradients(graph: Graph, work: Work = QUIET) -> Iterator[GradientCheck]:
    """One verdict a tensor: float inputs, parameters and, in small networks, layer outputs, of iteration 0.

    A float32 network is checked in float64. There is none without a loss or given gradients. Raises Cancelled
    between two elements when the work is given up.
    """
    graph = in_float64(graph)
    recording = Recording(graph, kept_bytes=0)
    recording.iteration(0, work=work)
    checker = _Checker(recording, work)
    for name in checked_names(graph):
        yield checker.check(name)


def checked_names(graph: Graph) -> list[str]:
    """The tensors whose gradients are checked."""
    layers = [node.name for node in graph.layers] if _work(graph) <= _WORK_WITH_LAYERS else []
    reached = differentiated(graph)
    return [name for name in (*graph.inputs, *graph.parameters, *layers) if name in reached]


def _work(graph: Graph) -> int:
    """The terms of a forward pass."""
    return sum(node.op.output.size * node.op.term_count() for node in graph.nodes)


def in_float64(graph: Graph) -> Graph:
    """The same network with all its floats in float64."""
    if graph.dtype == np.float64 and all(array.dtype != np.float32 for array in graph.data.values()):
        return graph
    return replace(load({**_widened(graph.document), "dtype": "float64", "claims": []}), forced=graph.forced)


def _widened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _widened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_widened(item) for item in value]
    return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value


class _Checker:
    def __init__(self, recording: Recording, work: Work = QUIET) -> None:
        self.token = work
        self.graph, self.iteration = recording.graph, recording.iteration(0)
        self.replay = Replay(recording.graph, recording.timeline, self.iteration)
        self.work = _work(recording.graph)
        self.excuses = on_purpose(self.graph, self.iteration)
        self.is_finite = all(bool(np.isfinite(self.iteration.values[name]).all()) for name in self.iteration.seeds)

    def check(self, name: str) -> GradientCheck:
        gradient = self.iteration.grads[name].reshape(-1)
        elements, wanted = self._sample(name, gradient.size)
        worst, not_finite, checked = 0.0, 0, 0
        failures: list[Failure] = []
        kinks: list[int] = []
        for k in elements:
            if checked - len(kinks) == wanted:
                break
            checked += 1
            self.token.check()
            given = float(gradient[k])
            difference, noise = self._difference(name, k, 1.0)
            if not np.isfinite(difference) or not (np.isfinite(given) or self.is_finite):
                not_finite += 1
                continue
            error = abs(difference - given)
            if self._differs(error, given, noise):
                wider, _ = self._difference(name, k, 2.0)
                # Where the function bends, two steps disagree by three times the error of the smaller one.
                bend = abs(wider - difference)
                if self._differs(error, given, noise + bend):
                    # Where it jumps, the steps disagree by half the error; where its slope jumps, the gradient does.
                    if not self._differs(error, given, noise + 3 * bend) or self._at_kink(name, k, error):
                        kinks.append(k)
                        continue
                    failures.append(Failure(k, given, difference))
            worst = max(worst, error) if np.isfinite(error) else float("inf")
        excuse, reason = self.excuses.get(name), ""
        if excuse and any(excuse.covers(failure.index) for failure in failures):
            reason = excuse.reason
            failures = [failure for failure in failures if not excuse.covers(failure.index)]
        shape = self.iteration.values[name].shape
        return GradientCheck(name, shape, checked, worst, tuple(failures), tuple(kinks), not_finite, reason)

    def _sample(self, name: str, size: int) -> tuple[list[int], int]:
        """The elements to look at, and how many verdicts are wanted: a few more are there in the place of kinks."""
        most = max(1, min(_MOST_ELEMENTS, _MOST_WORK // max(1, self.work)))
        if size <= most:
            return list(range(size)), size
        drawn = Draw(self.graph.seed, f"check {name}").uniform((size,))
        order: list[int] = np.argpartition(drawn, most)[: min(size, most + _MORE)].tolist()
        return sorted(order[:most]) + order[most:], most

    @staticmethod
    def _differs(error: float, gradient: float, noise: float) -> bool:
        return not error <= _TOLERANCE * max(1.0, abs(gradient)) + noise

    def _moved(self, name: str, element: int, by: float) -> tuple[Forward, float]:
        """The pass with one element moved by so many steps, and where it then is."""
        tensor: Array = self.iteration.values[name].copy()
        at = float(tensor.reshape(-1)[element])
        tensor.reshape(-1)[element] = at + by * _STEP * max(1.0, abs(at))
        return self.replay.forward({name: tensor}), float(tensor.reshape(-1)[element])

    def _difference(self, name: str, element: int, steps: float) -> tuple[float, float]:
        """The central difference, and how large its rounding error may be."""
        try:
            above, high = self._moved(name, element, steps)
            below, low = self._moved(name, element, -steps)
        except ConvstepError:  # a step out of what the operation takes, such as a probability above 1
            return float("nan"), 0.0
        total, size = 0.0, 0.0
        with np.errstate(all="ignore"):
            for output, seed in self.iteration.seeds.items():
                up, down = above.values[output], below.values[output]
                moved = up != down  # what is infinite and stays so does not move
                total += float(np.sum(seed * (up - down), where=moved))
                size += float(np.sum(np.abs(seed) * (np.abs(up) + np.abs(down)), where=moved))
            return total / (high - low), 50 * _EPS * size / (high - low)

    def _at_kink(self, name: str, element: int, error: float) -> bool:
        """Whether the gradient itself jumps within a step: only then is the difference no judge of it.

        Where the function is smooth, the gradient a step away is nearly the same, be it right or wrong.
        """
        here = float(self.iteration.grads[name].reshape(-1)[element])
        jumps = []
        for steps in (1.0, -1.0):
            forward, _ = self._moved(name, element, steps)
            gradient = self.replay.gradient(forward, name)
            jumps.append(abs(float(gradient.reshape(-1)[element]) - here))
        return max(jumps) >= 0.5 * error
