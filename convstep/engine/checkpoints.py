"""What iterations start from, kept so that any of them can be run again without those before it.

The first states are held in memory, as far as there is room; further ones go to temporary files that nobody else
sees. Where these, too, are full, every second one is let go, again and again.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import IO, Any

import numpy as np

from convstep.ops.base import Array, Shape

_FILE_BYTES = 2 * 2**30
_MOST_FILES = 200


@dataclass(frozen=True)
class TrainingState:
    """What an iteration starts from: parameters, buffers, and what the optimizer keeps per parameter."""

    parameters: Mapping[str, Array]
    buffers: Mapping[str, Array] = field(default_factory=dict)
    optimizer: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for _, tensor in self.tensors())

    def tensors(self) -> Iterator[tuple[tuple[str, ...], Array]]:
        """Every tensor with the way to it: ("parameters", NAME), ("optimizer", NAME, KEPT)."""
        yield from ((("parameters", name), tensor) for name, tensor in self.parameters.items())
        yield from ((("buffers", name), tensor) for name, tensor in self.buffers.items())
        for name, kept in self.optimizer.items():
            yield from ((("optimizer", name, key), tensor) for key, tensor in kept.items())


class _Stored:
    """A state in a temporary file; the file is gone with the last reference to it."""

    def __init__(self, state: TrainingState) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="convstep-")  # noqa: SIM115 (lives as long as this)
        self._lock = threading.Lock()
        self._places: list[tuple[tuple[str, ...], np.dtype[Any], Shape]] = []
        self.nbytes = state.nbytes
        for way, tensor in state.tensors():
            np.ascontiguousarray(tensor).tofile(self._file)
            self._places.append((way, tensor.dtype, tensor.shape))
        self._file.flush()

    def state(self) -> TrainingState:
        """The state again, to the same bits."""
        groups: dict[str, dict[str, Any]] = {"parameters": {}, "buffers": {}, "optimizer": {}}
        with self._lock:
            self._file.seek(0)
            for (group, name, *kept), dtype, shape in self._places:
                tensor = np.fromfile(self._file, dtype, prod(shape)).reshape(shape)
                if kept:
                    groups[group].setdefault(name, {})[kept[0]] = tensor
                else:
                    groups[group][name] = tensor
        return TrainingState(**groups)


class Checkpoints:
    """Training states by the iteration that starts from them. `given` ones are always kept, and count for nothing."""

    def __init__(self, given: Mapping[int, TrainingState], memory_bytes: int, file_bytes: int = _FILE_BYTES) -> None:
        self._known: dict[int, TrainingState | _Stored] = dict(given)
        self._always = frozenset(given)
        self._room = {TrainingState: memory_bytes, _Stored: file_bytes if memory_bytes else 0}
        # Counted as they come: added up anew for every state, long runs would take the square of their length.
        self._count = dict.fromkeys(self._room, 0)
        self._bytes = dict.fromkeys(self._room, 0)
        self._every = 1

    def copy(self) -> Checkpoints:
        """The same states, for someone who adds others."""
        other = Checkpoints({}, *self._room.values())
        other._known, other._always, other._every = dict(self._known), self._always, self._every
        other._count, other._bytes = dict(self._count), dict(self._bytes)
        return other

    @property
    def given(self) -> tuple[int, TrainingState]:
        """The latest of those that are always kept, with its iteration."""
        latest = max(self._always)
        return latest, self[latest]

    def indices(self) -> list[int]:
        """The iterations whose start is known."""
        return list(self._known)

    def __contains__(self, index: int) -> bool:
        return index in self._known

    def __getitem__(self, index: int) -> TrainingState:
        found = self._known[index]
        return found.state() if isinstance(found, _Stored) else found

    def add(self, index: int, state: TrainingState) -> None:
        """Keep a state, or let it and others go where there is no room."""
        while index not in self._known and index % self._every == 0:
            if self._fits(TrainingState, state.nbytes):
                self._keep(index, state)
            elif self._fits(_Stored, state.nbytes) and (stored := _store(state)):
                self._keep(index, stored)
            elif self._thin() == 0:
                return

    def _fits(self, kind: type[TrainingState] | type[_Stored], size: int) -> bool:
        few = kind is TrainingState or self._count[kind] < _MOST_FILES
        return few and self._bytes[kind] + size <= self._room[kind]

    def _keep(self, index: int, kept: TrainingState | _Stored) -> None:
        self._known[index] = kept
        self._count[type(kept)] += 1
        self._bytes[type(kept)] += kept.nbytes

    def _thin(self) -> int:
        """Let every second state go; how many went."""
        self._every *= 2
        going = [k for k in self._known if k % self._every and k not in self._always]
        for k in going:
            gone = self._known.pop(k)
            self._count[type(gone)] -= 1
            self._bytes[type(gone)] -= gone.nbytes
        return len(going)


def _store(state: TrainingState) -> _Stored | None:
    """The state in a file; None where no such file can be written."""
    try:
        return _Stored(state)
    except OSError:
        return None
