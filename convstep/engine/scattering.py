"""What elements of a gradient have received so far in scatter order: the sums of what gather order adds up.

An element takes part in many sums, and few elements are in the midst of theirs: only those are added up.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from convstep.engine.recording import Iteration
from convstep.engine.sums import Collected, Floats, collect, occurrence, upstream_at
from convstep.engine.timeline import Step
from convstep.ops.base import IntArray, quiet
from convstep.ops.feeding import Dense, Feeding
from convstep.ops.indices import last_true

Progress = npt.NDArray[np.uint8]
"""How far elements are: 0 for those that have received nothing, 1 something, 2 all."""

_AT_ONCE = 2**16
"""So many products are made at once: they stay in the processor's cache."""


def received(step: Step, iteration: Iteration, into: IntArray, source: int, taken: IntArray) -> tuple[Floats, Progress]:
    """Partial sums of m elements, (m,), and how far they are; the sums of those that have all are not made.

    Upstream elements before `source` have given everything, and `source` itself the first `taken[i]` of its
    shares to element i.
    """
    assert step.node is not None
    op, sums, progress = step.node.op, np.zeros(into.shape), np.zeros(into.shape, np.uint8)
    first, last = ends(step, into)
    progress[(last >= 0) & (last < source)] = 2
    midst = np.flatnonzero((first >= 0) & (first <= source) & (last >= source))
    if isinstance(op, Dense) and op.is_dense(step.slot):
        for group in np.unique(first[midst]):
            own = midst[first[midst] == group]
            sums[own], progress[own] = _of_group(op, step, iteration, into[own], source, taken[own] > 0)
        return sums, progress
    rows = max(1, _AT_ONCE // max(1, step.terms["gather"]))
    for at in range(0, len(midst), rows):
        own = midst[at : at + rows]
        sums[own], progress[own] = _of_columns(collect(step, iteration, into[own]), source, taken[own])
    return sums, progress


def ends(step: Step, into: IntArray) -> tuple[IntArray, IntArray]:
    """The first and the last upstream element that gives to each, -1 for none, or such as lie further out: (m,)."""
    assert step.node is not None
    if isinstance(step.node.op, Feeding):
        return step.node.op.fed(step.slot, into)
    return np.zeros(into.shape, np.intp), np.full(into.shape, step.elements["scatter"] - 1)


@quiet
def _of_group(
    op: Dense, step: Step, iteration: Iteration, into: IntArray, source: int, given: npt.NDArray[np.bool_]
) -> tuple[Floats, Progress]:
    """Of elements of one group; `given` tells to which of them `source` has given its share."""
    members = op.members(int(into[0]))
    before = int(np.searchsorted(members, source))
    call = iteration.calls[step.layer]

    def products(places: slice) -> Floats:
        """What members give, one in each row."""
        out = members[places]
        made = op.slope(call, out[:, None], into)
        made *= upstream_at(step, iteration, out)[:, None]
        return made

    sums = np.zeros(into.shape)
    rows = max(1, _AT_ONCE // len(into))
    for at in range(0, before, rows):
        made = products(slice(at, min(at + rows, before)))
        if at:
            made[0] += sums
        sums = added(made)
    if given.any():
        own = products(slice(before, before + 1))[0]
        sums = np.where(given, sums + own if before else own, sums)
    count = before + given
    return sums, np.where(count == len(members), 2, count > 0).astype(np.uint8)


def added(rows: Floats) -> Floats:
    """The sums of columns from above to below. numpy adds up a single column in pairs, several ones row by row."""
    if rows.shape[1] == 1:
        return np.asarray(np.add.accumulate(rows)[-1])
    return np.asarray(np.add.reduce(rows))


def _of_columns(collected: Collected, source: int, taken: IntArray) -> tuple[Floats, Progress]:
    """Of elements with all of their terms."""
    index = collected.links.index
    real = index >= 0
    done = real & (index < source)
    rows, cols = np.divmod(np.flatnonzero(index == source), index.shape[1])
    given = occurrence(rows) < taken[rows]
    done[rows[given], cols[given]] = True
    last = last_true(done)
    any_done = last >= 0
    sums = np.where(any_done, collected.sums[np.arange(len(last)), last], 0.0)
    complete = (done == real).all(axis=1) & any_done
    return sums, np.where(complete, 2, np.where(any_done, 1, 0)).astype(np.uint8)
