"""Each layer at a glance: how large its output, gradient, parameters and updates are, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from convstep.engine.state import State
from convstep.engine.work import QUIET, Work
from convstep.network.graph import Graph, Node
from convstep.ops.base import Array

KINDS = ("output", "gradient", "parameter", "update")
_BINS = 8
_SAMPLED = 4096
_ORDERS = 1e3
"""A gradient so many times smaller or larger than the last layer's is vanishing or exploding."""
_RECTIFIERS = ("ReLU", "ReLU6")


@dataclass(frozen=True)
class Statistics:
    """A tensor in a few numbers.

    `norm` is √Σx², `largest` the largest |x|, `zeros` the share of exact zeros, 0 to 1; NaN and infinities are
    counted in `nonfinite` and left out of all else. `histogram` counts the finite ones of at most 4096 numbers,
    evenly spread over the tensor, in 8 bins of the same width from −largest to largest.
    """

    size: int
    norm: float
    mean: float
    largest: float
    zeros: float
    nonfinite: int
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """One tensor of one layer. `key` is what `State.read` takes, for an update `new(NAME)`.

    `statistics` are None while the tensor is not complete. `ratio`: norm of the update by that of the parameter.
    `dead` channels of `channels` are 0 for the whole batch at all positions. `note` says what is wrong, `relative`
    is the gradient's norm by that of the last layer's.
    """

    layer: str
    kind: str
    key: str
    statistics: Statistics | None = None
    ratio: float | None = None
    dead: int = 0
    channels: int = 0
    relative: float | None = None

    @property
    def note(self) -> str:
        """What is wrong with the tensor, "" where nothing is."""
        notes = []
        if self.statistics is not None and self.statistics.nonfinite:
            notes.append(f"NaN or Inf: {self.statistics.nonfinite:,} of {self.statistics.size:,}")
        if self.dead:
            notes.append(f"dead: {self.dead} of {self.channels} channels")
        if self.relative is not None and not 1 / _ORDERS < self.relative < _ORDERS:
            word = "vanishing" if self.relative < 1 else "exploding"
            notes.append(f"{word}: {_power(self.relative)} of the last layer's")
        return "; ".join(notes)


def _power(ratio: float) -> str:
    return "0" if ratio == 0 else f"{ratio:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def summary(state: State, work: Work = QUIET) -> list[Row]:
    """The rows of all layers, in file order: what is complete at this state, and the rest without statistics.

    Raises Cancelled when the work is given up.
    """
    rows: list[Row] = []
    for node in state.recording.graph.nodes:
        work.check()
        rows += _layer(state, node)
    return _with_relative(rows, state.recording.graph)


def statistics(tensor: Array) -> Statistics:
    """A tensor of any shape in a few numbers."""
    flat = tensor.reshape(-1)
    if not flat.size:
        return Statistics(0, 0.0, 0.0, 0.0, 0.0, 0, (0,) * _BINS)
    if flat.dtype.kind != "f":
        flat = flat.astype(np.float64)
    with np.errstate(all="ignore"):
        norm = float(np.linalg.norm(flat))
        nonfinite = 0
        finite = flat
        if not np.isfinite(norm):  # a number that is none, or a square beyond the dtype's range
            finite = flat[np.isfinite(flat)].astype(np.float64)
            nonfinite = flat.size - finite.size
            scale = float(np.abs(finite).max(initial=0.0))
            norm = scale * float(np.linalg.norm(finite / scale)) if scale else 0.0
    if not finite.size:
        return Statistics(flat.size, 0.0, 0.0, 0.0, 0.0, nonfinite, (0,) * _BINS)
    largest = max(float(finite.max()), -float(finite.min()))
    zeros = 1 - np.count_nonzero(flat) / flat.size
    return Statistics(flat.size, norm, float(finite.mean()), largest, zeros, nonfinite, _histogram(finite, largest))


def _histogram(flat: Array, largest: float) -> tuple[int, ...]:
    sample = flat[:: -(-flat.size // _SAMPLED)].astype(np.float64)
    share = (sample / largest + 1) / 2 if largest else np.full(sample.shape, 0.5)
    bins = np.minimum((share * _BINS).astype(np.intp), _BINS - 1)
    return tuple(np.bincount(bins, minlength=_BINS).tolist())


def _layer(state: State, node: Node) -> list[Row]:
    graph, iteration = state.recording.graph, state.iteration
    rows = [_row(state, node, "output", node.name)]
    if rows[0].statistics is not None:
        rows[0] = _with_dead(rows[0], node, iteration.values[node.name])
    if node.name in iteration.grads and node is not graph.loss:
        rows.append(_row(state, node, "gradient", f"grad({node.name})"))
    for stored in node.parameters.values():
        if stored.rpartition(".")[0] != node.name:
            continue  # shared: it stands with the layer that has it first
        rows.append(_row(state, node, "parameter", stored))
        if stored in iteration.grads:
            rows.append(_row(state, node, "gradient", f"grad({stored})"))
        if stored in iteration.updates:
            rows.append(_update(state, node, stored))
    return rows


def _row(state: State, node: Node, kind: str, key: str) -> Row:
    complete = state.finished(key)
    return Row(node.name, kind, key, statistics(state.recorded(key)) if complete else None)


def _update(state: State, node: Node, name: str) -> Row:
    row = Row(node.name, "update", f"new({name})")
    if not state.finished(row.key):
        return row
    update = state.iteration.updates[name]
    with np.errstate(all="ignore"):
        moved = statistics(update.new_parameter - update.parameter)
    norm = statistics(update.parameter).norm
    return replace(row, statistics=moved, ratio=moved.norm / norm if norm else None)


def _with_dead(row: Row, node: Node, output: Array) -> Row:
    """A rectifier's output with the count of its channels (of a vector: elements) that are 0 everywhere."""
    if node.op_name not in _RECTIFIERS or not output.ndim:
        return row
    others = tuple(axis for axis in range(output.ndim) if axis != min(1, output.ndim - 1))
    alive = output.any(axis=others)
    return replace(row, dead=int(alive.size - np.count_nonzero(alive)), channels=int(alive.size))


def _with_relative(rows: Sequence[Row], graph: Graph) -> list[Row]:
    """The gradients of the layers' outputs by that of the last layer that has one."""
    outputs = {f"grad({node.name})" for node in graph.nodes}
    norms = {row.key: row.statistics.norm for row in rows if row.key in outputs and row.statistics is not None}
    last = next((norm for norm in reversed(norms.values())), 0.0)
    if not last:
        return list(rows)
    return [replace(row, relative=norms[row.key] / last) if row.key in norms else row for row in rows]


def findings(rows: Sequence[Row], limit: int = 3) -> list[str]:
    """What is wrong, over all layers, the worst kind first: `vanishing: conv1, conv2`; nothing where all is well."""
    found = []
    for word in ("NaN or Inf", "exploding", "vanishing", "dead"):
        keys = [row.key for row in rows if word in row.note]
        if keys:
            more = f" and {len(keys) - limit} more" if len(keys) > limit else ""
            found.append(f"{word}: {', '.join(keys[:limit])}{more}")
    return found
