"""Numbers that are set by hand, whatever the network would have there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from convstep.ops.base import Array


@dataclass(frozen=True)
class Forced:
    """Element `index` of a tensor is `value`, from iteration `iteration` on; without an index all its elements are.

    An input has it in every further iteration that reads it: there `index` counts in the whole input, not in a
    batch. A parameter or a buffer is set at the start of that iteration, and moves on from there. A layer's output
    or a mask has it in that iteration alone; what follows is computed from it, and the derivative of the output by
    what it was made of stays as it is: the output is the natural one plus a constant.
    """

    iteration: int
    tensor: str
    index: int | None
    value: float


def set_numbers(tensor: Array, forced: Iterable[Forced]) -> Array:
    """A copy of a tensor with these numbers in it."""
    changed = tensor.copy()
    for each in forced:
        changed.reshape(-1)[slice(None) if each.index is None else each.index] = each.value
    return changed
