"""The state before the first step. No iteration is needed for it: a large network can be looked at while it is run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from convstep.engine.state import Codes, State, Status, all_of, split_name
from convstep.engine.sums import Floats
from convstep.ops.base import Array, IntArray


class Start(State):
    """Inputs, parameters and buffers are there; all else is blank, and known by its shape alone."""

    @cached_property
    def _given(self) -> tuple[Mapping[str, Array], ...]:
        return self.recording.given()

    def known(self, name: str) -> bool:
        return split_name(name)[0] == "value" and any(name in tensors for tensors in self._given)

    def recorded(self, name: str) -> Array:
        return self._tensor(name) if self.known(name) else super().recorded(name)

    def finished(self, name: str) -> bool:
        return self.known(name)

    def read(self, name: str, index: IntArray) -> tuple[Floats, Codes]:
        if not self.known(name):
            return np.zeros(index.shape), np.full(index.shape, Status.BLANK, np.uint8)
        return all_of(self._tensor(name), index, Status.DONE)

    def _tensor(self, name: str) -> Array:
        return next(tensors[name] for tensors in self._given if name in tensors)
