"""Why a weight is what it is: its first value, and what each update added to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from convstep.engine.recording import Iteration, Recording
from convstep.engine.work import QUIET, Work
from convstep.explain.numbers import short
from convstep.explain.sentences import signed
from convstep.ops.base import Array
from convstep.ops.optim.optimizers import Optimizer
from convstep.ops.optim.sgd import SGD


@dataclass(frozen=True)
class Moved:
    """One update of one element: from `before` to `after`, by the gradient that this iteration found.

    `rate` is the learning rate, `kept` what the optimizer holds for the element afterwards (`momentum_buffer`).
    `plain`: the update is w ← w − lr·g and nothing else.
    """

    iteration: int
    before: float
    gradient: float
    after: float
    rate: float
    kept: Mapping[str, float]
    plain: bool

    @property
    def change(self) -> float:
        """What the update added."""
        return self.after - self.before

    def text(self) -> str:
        """`− 0.1·(-30)`, or for other rules than the plain one what was added: `+ 0.2`."""
        if self.plain:
            return f"− {short(self.rate)}·{signed(self.gradient)}"
        change = short(self.change)
        return f"− {change[1:]}" if change.startswith("-") else f"+ {change}"


def history(recording: Recording, name: str, index: int, work: Work = QUIET) -> list[Moved]:
    """The updates of one element (a flat index) of a parameter, by its stored name, over all iterations.

    Runs what has to be run and keeps that element alone. Raises Cancelled.
    """
    count = recording.timeline.iterations
    moves: list[Moved] = []
    for k in range(count):
        work.report(f"iteration {k} of {count}", k / count)
        iteration = recording.iteration(k, work=work)
        if name in iteration.updates:
            moves.append(_moved(iteration, name, index))
    return moves


def _moved(iteration: Iteration, name: str, index: int) -> Moved:
    update = iteration.updates[name]

    def one(array: Array) -> float:
        return float(array.reshape(-1)[index])

    return Moved(
        iteration.index,
        one(update.parameter),
        one(update.gradient),
        one(update.new_parameter),
        update.optimizer.lr,
        {kept: one(array) for kept, array in update.new_state.items()},
        _is_plain(update.optimizer),
    )


def _is_plain(optimizer: Optimizer) -> bool:
    return isinstance(optimizer, SGD) and not (optimizer.momentum or optimizer.weight_decay or optimizer.maximize)


def sum_text(moves: Sequence[Moved], name: str, fits: Callable[[str], bool] = lambda text: True) -> str:
    """`w1[1] = 3 − 0.1·6 − 0.1·(-2) = 2.6`; the middle is left out where all of it does not fit.

    Where a number was set by hand between two updates, the sum starts again from it.
    """
    last_set = max((k for k, m in enumerate(moves) if k and _is_set(moves[k - 1].after, m.before)), default=0)
    moves = moves[last_set:]
    if not moves:
        return f"{name} is not updated"
    terms = [move.text() for move in moves]
    head, end = f"{name} = {short(moves[0].before)}", f"= {short(moves[-1].after)}"
    shown = [" ".join([head, *terms, end])]
    for kept in range(min(len(terms) - 1, 8), 0, -1):
        front, back = terms[: (kept + 1) // 2], terms[len(terms) - kept // 2 :]
        shown.append(" ".join([head, *front, "…", *back, end]))
    return next((text for text in shown if fits(text)), shown[-1])


def _is_set(before: float, now: float) -> bool:
    """Whether a number is another one than was left."""
    return now != before and not (isnan(now) and isnan(before))
