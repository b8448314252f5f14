"""Tensors that are made when somebody reads them: of a large network's numbers, the first screen shows few."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from convstep.ops.base import Array, Spec


class Late:
    """A tensor whose shape and dtype are known, and whose numbers are made once, whichever thread reads them first."""

    def __init__(self, spec: Spec, make: Callable[[], Array]) -> None:
        self.spec = spec
        self._make: Callable[[], Array] | None = make
        self._array: Array | None = None
        self._lock = threading.Lock()

    @property
    def array(self) -> Array:
        with self._lock:
            if self._array is None:
                assert self._make is not None
                self._array, self._make = self._make(), None
            return self._array


class Numbers(Mapping[str, Array]):
    """Tensors by name, each made when it is read; `specs` reads none."""

    def __init__(self, tensors: Mapping[str, Array | Late]) -> None:
        self._tensors = tensors

    def specs(self) -> dict[str, Spec]:
        return {name: spec_of(tensor) for name, tensor in self._tensors.items()}

    def __getitem__(self, name: str) -> Array:
        tensor = self._tensors[name]
        return tensor.array if isinstance(tensor, Late) else tensor

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def spec_of(tensor: Array | Late) -> Spec:
    """Shape and dtype of a tensor, made or not."""
    return tensor.spec if isinstance(tensor, Late) else Spec(tensor.shape, tensor.dtype)


def specs_of(tensors: Mapping[str, Array]) -> dict[str, Spec]:
    """Shapes and dtypes by name. Nothing is made for them."""
    return tensors.specs() if isinstance(tensors, Numbers) else {name: spec_of(tensors[name]) for name in tensors}


def made(value: Any) -> Any:
    """Plain data with arrays in place of the tensors that were not read yet."""
    if isinstance(value, Late):
        return value.array
    if isinstance(value, dict):
        return {key: made(item) for key, item in value.items()}
    return [made(item) for item in value] if isinstance(value, list) else value


def unmade(value: Any) -> Any:
    """Plain data without the tensors that are made from their seed."""
    if isinstance(value, dict):
        return {key: unmade(item) for key, item in value.items() if not isinstance(item, Late)}
    return [unmade(item) for item in value] if isinstance(value, list) else value
