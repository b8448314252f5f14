"""Runs of a network with other numbers, on which a claim is tried once more: what is so by chance is not so there."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from convstep.engine.recording import Iteration, Recording
from convstep.errors import ConvstepError
from convstep.explain.replay import with_numbers_near, with_numbers_of_either_sign, with_other_numbers
from convstep.network.graph import Graph

_SEEDS = (1, 2, 3)
_MOST_BYTES = 64 * 2**20
"""A network with more in an iteration is not run again and again."""

_Other = Callable[[Graph, Iteration, int], Recording]


class Trials:
    """Other runs of a recording's first iteration, made when they are asked for; none of a large network."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    @cached_property
    def far(self) -> list[Recording]:
        """Numbers from each tensor's own range, and of either sign where the operations take them."""
        return [*self._runs(with_other_numbers, _SEEDS), *self._runs(with_numbers_of_either_sign, _SEEDS)]

    @cached_property
    def near(self) -> list[Recording]:
        """Numbers so near that a maximum or a kink mostly goes the same way."""
        return self._runs(with_numbers_near, _SEEDS[:1])

    def _runs(self, other: _Other, seeds: tuple[int, ...]) -> list[Recording]:
        graph, iteration = self.recording.graph, self.recording.iteration(0)
        if sum(array.nbytes for array in iteration.values.values()) > _MOST_BYTES:
            return []
        runs = [other(graph, iteration, seed) for seed in seeds]
        try:
            for run in runs:
                run.iteration(0)
        except ConvstepError:  # numbers that an operation refuses
            return []
        return runs
