"""Mistakes that a network's numbers would hide: what somebody gets by them is the truth all the same.

A network for learning should hide none. Whether a mistake *applies* at all, other numbers tell: a bias's sum over
positions is the same in whatever order, and what a batch norm makes of a constant shift is 0 by mathematics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice

import numpy as np

from convstep.engine.recording import Recording
from convstep.errors import ConvstepError
from convstep.explain.mistakes.backward import Backward
from convstep.explain.mistakes.closeness import closeness
from convstep.explain.mistakes.paths import whole_paths
from convstep.explain.mistakes.rules import RULES
from convstep.explain.replay import with_numbers_of_either_sign, with_other_numbers
from convstep.ops.base import Array

_TRIES = 3
_RULES = {**RULES, "missing-path": whole_paths}
"""A single channel or feature may be at rest, as behind a ReLU: to leave it out is no mistake then."""


@dataclass(frozen=True)
class Unnoticed:
    """A mistake `code` in layer `at` that leaves the gradient of `tensor`, a parameter or an input, as it should be."""

    code: str
    at: str
    tensor: str


def unnoticed(recording: Recording) -> tuple[Unnoticed, ...]:
    """Every mistake of contract §3 that applies somewhere in the first iteration and would not show at some gradient.

    It applies to the gradient of a parameter or an input where, on other numbers, it gives something else. Each
    variant of each rule is tried at each backward step, so this is for networks that a person can oversee.
    """
    these, others = _Numbers(recording), _Others(recording)
    found = {
        Unnoticed(code, step.layer, tensor): None
        for k, step in enumerate(these.backward.timeline.steps)
        if step.is_backward
        for code in _RULES
        for variant, tensor in these.hidden(code, k)
        if these.carries(code, k, variant) and others.would_show(code, k, variant, tensor)
    }
    return tuple(found)


class _Numbers:
    """What the mistakes give for the numbers of one recording."""

    def __init__(self, recording: Recording) -> None:
        self.backward = Backward(recording, recording.iteration(0))
        graph, self.grads = recording.graph, self.backward.iteration.grads
        self.leaves = [name for name in (*graph.inputs, *graph.parameters) if name in self.grads]

    def hidden(self, code: str, k: int) -> Iterator[tuple[int, str]]:
        """The variants of a mistake at a step that leave a gradient as it is, and the tensors of those gradients."""
        site = self.backward.site(k)
        reached = [name for name in self.leaves if name in self.backward.reached_from(site.step.tensor)]
        with np.errstate(all="ignore"):
            for variant, gradient in enumerate(_RULES[code](site)):
                now = self.backward.with_changes({k: partial(_always, gradient)}, reached)
                same = [name for name in reached if name not in now or self._same(now[name], self.grads[name])]
                if code != "missing-path" or len(same) == len(reached):
                    # What was left out need not lead to every gradient: a ReLU on the way may be at rest.
                    yield from ((variant, name) for name in same)

    def carries(self, code: str, k: int, variant: int) -> bool:
        """Whether what a variant leaves out is anything but 0: else it is no path to the loss."""
        site = self.backward.site(k)
        gradient = next(islice(_RULES[code](site), variant, None))
        return code != "missing-path" or not self._same(gradient, site.given)

    def _same(self, gradient: Array, truth: Array) -> bool:
        return closeness(self.backward.largest_gradient, str(truth.dtype)).same(gradient, truth)


class _Others:
    """The same network on other numbers: of either sign, else each tensor's own range."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.known: dict[tuple[int, str, int], set[tuple[int, str]]] = {}

    @cached_property
    def runs(self) -> list[_Numbers]:
        runs = []
        for seed in range(_TRIES):
            other = with_numbers_of_either_sign(self.recording.graph, self.recording.iteration(0), seed)
            try:
                runs.append(_Numbers(other))
            except ConvstepError:
                own_range = with_other_numbers(self.recording.graph, self.recording.iteration(0), seed)
                runs.append(_Numbers(own_range))
        return runs

    def would_show(self, code: str, k: int, variant: int, tensor: str) -> bool:
        """Whether on some of the other numbers the mistake makes a difference to the gradient."""
        return any((variant, tensor) not in self._hidden(nth, code, k) for nth in range(_TRIES))

    def _hidden(self, nth: int, code: str, k: int) -> set[tuple[int, str]]:
        if (nth, code, k) not in self.known:
            self.known[nth, code, k] = set(self.runs[nth].hidden(code, k))
        return self.known[nth, code, k]


def _always(gradient: Array, upstream: Array) -> Array:
    return gradient
