"""Shares of scatter order that were found among the terms of the elements to which they go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convstep.debugger.stops.truth import Bools, Numbers, Words
from convstep.ops.base import IntArray


@dataclass(frozen=True)
class Hits:
    """Shares after which it holds: (m,) each. `nth` counts how often the source gave to the same target before.

    `words` are those there, `before` the sum one step before; where `term` is asked for, it may not hold after all.
    """

    sources: IntArray
    targets: IntArray
    nth: IntArray
    words: Words
    before: Numbers

    def __getitem__(self, at: IntArray | Bools) -> Hits:
        words = {word: Numbers(told.values[at], told.there[at]) for word, told in self.words.items()}
        before = Numbers(self.before.values[at], self.before.there[at])
        return Hits(self.sources[at], self.targets[at], self.nth[at], words, before)


def taps_of(rows: IntArray, row: IntArray, targets: IntArray, nth: IntArray) -> IntArray:
    """Where the nth share to each target stands in its row of `rows`, (r, taps)."""
    size = int(rows.max(initial=0)) + 2
    taps = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, taps, axis=1) + np.arange(len(rows))[:, None] * size
    at = np.searchsorted(ordered.reshape(-1), row * size + targets, "left") + nth
    found: IntArray = taps.reshape(-1)[at]
    return found
