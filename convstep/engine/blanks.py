"""Elements that are made of empty terms alone: how many of them stand in a row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convstep.engine.recording import Recording
from convstep.engine.state import Codes
from convstep.engine.timeline import Order, Place, Step
from convstep.ops.base import Empty, IntArray

_FIRST, _MOST = 16, 2**16
"""How many terms are looked at in the first block, and in the largest; each has four times as many as that before."""


def blanks_beyond(recording: Recording, place: Place, order: Order, direction: int) -> Iterator[Codes]:
    """The terms' codes of all elements after the one at `place` (before it, where `direction` is -1) up to a full one.

    They come in blocks, (m, n). In scatter order elements are those of the upstream gradient, and the terms what
    they give.
    """
    step = recording.timeline.steps[place.step]
    for elements in _beyond(step, place, order, direction):
        codes = _codes(recording, place.iteration, step, order, elements)
        if codes is None:
            return
        full = (codes == Empty.NO).any(axis=1)
        if full.any():
            yield codes[: full.argmax()]
            return
        yield codes


def _beyond(step: Step, place: Place, order: Order, direction: int) -> Iterator[IntArray]:
    """The elements after the one at `place`, or before it, the nearest first."""
    assert place.element is not None
    n, end = max(1, step.terms[order]), step.elements[order] if direction > 0 else -1
    at, size = place.element + direction, _FIRST
    while at != end:
        count = min(max(1, size // n), abs(end - at))
        yield np.arange(at, at + direction * count, direction)
        at, size = at + direction * count, min(4 * size, _MOST)


def _codes(recording: Recording, iteration: int, step: Step, order: Order, elements: IntArray) -> Codes | None:
    """The code of each term of some elements, (m, n); None where every one of them has a full term."""
    if step.node is None:
        return None
    if not step.is_backward:
        return step.node.op.empties(elements)
    links = step.node.op.row if step.scatters(order) else step.node.op.column
    return links(recording.iteration(iteration).calls[step.layer], step.slot, elements).empty
