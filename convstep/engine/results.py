"""What a run leaves: the tensors of its last iteration (contract §3 and §4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from convstep.engine.recording import Iteration, Recording
from convstep.ops.base import Array


@dataclass(frozen=True)
class Results:
    """Mappings from name to array: `values` and `grads` of the last iteration, the rest after its update.

    A shared parameter stands under each of its names. `optim` has names such as `conv1.weight.momentum_buffer`.
    `losses` has one number an iteration; it is empty without a loss.
    """

    values: Mapping[str, Array]
    grads: Mapping[str, Array]
    params: Mapping[str, Array]
    buffers: Mapping[str, Array]
    optim: Mapping[str, Array]
    losses: Array

    def arrays(self) -> dict[str, Array]:
        """Everything under the names that `run --out` writes."""
        groups = ("values", "grads", "params", "buffers", "optim")
        named = {f"{group}/{name}": array for group in groups for name, array in getattr(self, group).items()}
        return {**named, "losses": self.losses}

    def save(self, file: IO[bytes]) -> None:
        """Write an `.npz`. All arrays hold numbers, so nothing in it is pickled."""
        arrays: dict[str, Any] = self.arrays()
        np.savez(file, **arrays)


def run_all(recording: Recording, progress: Callable[[int], None] | None = None) -> Results:
    """Run every iteration; `progress` is told each one when it is done."""
    return results(recording, recording.last_alone(progress))


def results(recording: Recording, iteration: Iteration) -> Results:
    """The results of a recording whose last iteration this is."""
    graph = recording.graph

    def under_each_name(tensors: Mapping[str, Array]) -> dict[str, Array]:
        shared = {name: tensors[stored] for name, stored in graph.aliases.items() if stored in tensors}
        return {**tensors, **shared}

    optim = {
        f"{name}.{kept}": array
        for name, stored in graph.aliases.items()
        for kept, array in iteration.end.optimizer.get(stored, {}).items()
    }
    losses = [recording.losses[k] for k in sorted(recording.losses) if k <= iteration.index]
    return Results(
        under_each_name({name: array for name, array in iteration.values.items() if name not in graph.buffers}),
        under_each_name(iteration.grads),
        under_each_name(iteration.end.parameters),
        dict(iteration.end.buffers),
        optim,
        np.array(losses, dtype=np.float64),
    )
