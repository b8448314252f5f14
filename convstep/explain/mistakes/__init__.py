"""Wrong gradients, and the mistakes (contract §3) that reproduce them."""

from __future__ import annotations

from typing import Any

import numpy as np

from convstep.engine.recording import Recording
from convstep.engine.work import QUIET, Work
from convstep.explain.mistakes.backward import Backward
from convstep.explain.mistakes.closeness import closeness
from convstep.explain.mistakes.mistake import Mistake
from convstep.explain.mistakes.search import search
from convstep.explain.mistakes.wrong import Wrong


def mistakes_of_element(
    recording: Recording, tensor: str, index: int | None, wrong: Any, token: Work = QUIET
) -> list[Mistake]:
    """The mistakes that make the gradient of a tensor in the first iteration what somebody got.

    `tensor` is a stored name; `index` a flat index, or None where `wrong` is a whole gradient (dimensions of size 1
    may be left out). The likeliest first; empty where the numbers are right, where no mistake fits, and where the
    loss does not depend on the tensor. Raises Cancelled when the work is given up.
    """
    backward = Backward(recording, recording.iteration(0))
    truth = backward.iteration.grads.get(tensor)
    numbers = np.asarray(wrong, dtype=np.float64)
    if truth is None:
        return []
    one = Wrong(tensor, numbers, truth, closeness(backward.largest_gradient, str(truth.dtype)), index)
    if one.is_right:
        return []
    return search(backward, [one], {}, token)[0]
