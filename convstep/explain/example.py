"""The element that stands for a whole operation."""

from __future__ import annotations

import numpy as np

from convstep.engine.state import State
from convstep.engine.timeline import Step
from convstep.ops.base import Array

_LOOKED_AT = 4096
"""How many elements, from the end."""


def example(state: State, step: Step) -> int:
    """The flat index of the last element that this operation gave something other than 0, if that is near the end.

    Of an update, the last one that had a gradient. Where all are 0, the last element.
    """
    whole = _given(state, step)
    first = max(0, whole.size - _LOOKED_AT)
    telling = np.flatnonzero(whole.flat[first:])  # without laying out a tensor that is no block
    return first + int(telling[-1]) if len(telling) else whole.size - 1


def one_of_many(state: State, step: Step) -> int:
    """The element that the present share, as a whole, gives to last; otherwise the operation's example."""
    if state.shares is None or not (state.shares.target >= 0).any():
        return example(state, step)
    return int(state.shares.target[state.shares.target >= 0][-1])


def _given(state: State, step: Step) -> Array:
    if step.is_backward:
        return state.iteration.given[state.place.step]
    return state.iteration.values[step.tensor] if step.node is not None else state.iteration.grads[step.tensor]
