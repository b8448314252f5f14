"""The steps of a cross entropy: per sample the largest score, the exponentials, the log, the right class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convstep.ops.base import IntArray, Read, Reads, Term
from convstep.ops.lines import Exponentials
from convstep.ops.terms import Terms

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """The samples of one output element.

    `scores`, `index` (in slot 0) and `shares` (the weight of each class) are (samples, classes). `chosen` has the
    class and the index (in slot 1) of each sample's label, (samples, 2), where that class alone counts.
    `counted` says which samples are not ignored; `divisor` is what the sum is divided by at the end, None where
    it is not. `probabilities` are the numbers of slot 1, where it holds any, at the same indices as the scores;
    `weights` those of the classes (slot 2), where there are any.
    """

    scores: Floats
    index: IntArray
    shares: Floats
    counted: npt.NDArray[np.bool_]
    chosen: IntArray | None
    probabilities: Floats | None
    weights: Floats | None
    divisor: float | None


def cross_entropy_terms(samples: Samples) -> Sequence[Term]:
    """Per sample: max, one exp a class, log of the sum, then the classes' part in the loss; at last the division."""
    count, classes = samples.scores.shape
    made = Exponentials.of(samples.scores)
    exp_sums = np.add.accumulate(made.powers, axis=1)
    largest, logs = made.largest[:, 0], np.log(exp_sums[:, -1])
    parts = _parts(samples, logs[:, None] - (samples.scores - made.largest))
    per_sample = 2 + classes + parts.shape[1]
    sums = np.add.accumulate(parts.reshape(-1))

    def score(s: int, c: int) -> Read:
        return Read(0, int(samples.index[s, c]), float(samples.scores[s, c]))

    def last_part(s: int, c: int) -> Term:
        """What one class (or the labelled one alone) adds to the loss."""
        result, so_far = float(parts[s, c]), float(sums[s * parts.shape[1] + c])
        holds = so_far if samples.divisor is None else None
        log, top = Read("log", s, float(logs[s])), Read("max", s, float(largest[s]))
        if not samples.counted[s]:
            return Term((), 0.0, does="the sample is ignored", sum=so_far, holds=holds)
        if samples.chosen is None:
            reads = (*_weight(samples, c), *_probability(samples, s, c), log, score(s, c), top)
            does = f"{samples.shares[s, c]:.6g} · (log − (x − max))"
        else:
            label, place = (int(v) for v in samples.chosen[s])
            reads = (*_weight(samples, label), log, score(s, label), top, Read(1, place, float(label)))
            does = "log − (x − max) of the right class" if samples.weights is None else _WEIGHTED
        return Term(reads, result, does=does, sum=so_far, holds=holds)

    def make(k: int) -> Term:
        if k == count * per_sample:
            assert samples.divisor is not None
            mean = float(np.divide(sums[-1], samples.divisor))
            return Term((Read("sum", 0, float(sums[-1])),), mean, does=f"divide by {samples.divisor:.6g}", holds=mean)
        s, j = divmod(k, per_sample)
        # What the samples before have added stays where it is.
        holds = float(sums[s * parts.shape[1] - 1]) if s and samples.divisor is None else None
        if j == 0:
            return Term(Reads(0, samples.index[s], samples.scores[s]), float(largest[s]), does="max", holds=holds)
        if j <= classes:
            reads = (score(s, j - 1), Read("max", s, float(largest[s])))
            power, so_far = float(made.powers[s, j - 1]), float(exp_sums[s, j - 1])
            return Term(reads, power, does="exp(x − max)", sum=so_far, holds=holds)
        if j == classes + 1:
            total = Read("sum", s, float(exp_sums[s, -1]))
            return Term((total,), float(logs[s]), does="log of the sum", holds=holds)
        return last_part(s, j - classes - 2)

    return Terms(count * per_sample + (samples.divisor is not None), make)


def _parts(samples: Samples, surprise: Floats) -> Floats:
    """What each class adds to the loss, (samples, classes), or the labelled class alone, (samples, 1)."""
    if samples.chosen is None:
        parts = samples.shares * surprise
    else:
        parts = np.take_along_axis(surprise, samples.chosen[:, :1], axis=1)
        if samples.weights is not None:
            parts = parts * samples.weights[samples.chosen[:, :1]]
    return np.where(samples.counted[:, None], parts, 0.0)


_WEIGHTED = "weight · (log − (x − max)) of the right class"


def _weight(samples: Samples, c: int) -> tuple[Read, ...]:
    return () if samples.weights is None else (Read(2, c, float(samples.weights[c])),)


def _probability(samples: Samples, s: int, c: int) -> tuple[Read, ...]:
    if samples.probabilities is None:
        return ()
    return (Read(1, int(samples.index[s, c]), float(samples.probabilities[s, c])),)
