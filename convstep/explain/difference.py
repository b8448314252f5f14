"""Gradients that somebody computed against the truth of their iteration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import permutations
from typing import Any

import numpy as np

from convstep.engine.recording import Recording
from convstep.engine.trace import plain
from convstep.engine.work import QUIET, Work
from convstep.errors import ConvstepError
from convstep.explain.mistakes.backward import Backward
from convstep.explain.mistakes.closeness import Closeness, closeness
from convstep.explain.mistakes.mistake import Mistake
from convstep.explain.mistakes.search import search
from convstep.explain.mistakes.wrong import Wrong
from convstep.network.graph import Graph
from convstep.network.words import did_you_mean, printable
from convstep.ops.base import Array, Shape

_GROUP = "grads/"
_OTHER_GROUPS = ("values/", "params/", "buffers/", "optim/")


@dataclass(frozen=True)
class Given:
    """A gradient as somebody has it, its numbers as precise as float64, float32, float16 or bfloat16."""

    numbers: Array
    precision: str

    @classmethod
    def of(cls, numbers: Array, kept_as: str) -> Given:
        """Numbers as precise as the type they were kept as; in float64, those that float32 holds exactly, and float16
        does not, were made in float32.
        """
        if kept_as != "float64":
            return cls(numbers, kept_as)
        with np.errstate(over="ignore", invalid="ignore"):
            single, half = (np.array_equal(numbers, numbers.astype(kind)) for kind in (np.float32, np.float16))
        return cls(numbers, "float32" if single and not half else kept_as)


@dataclass(frozen=True)
class Compared:
    """One gradient beside the truth. `name` is the network file's, `tensor` the stored one, `mine` as it was given."""

    name: str
    tensor: str
    mine: Array
    truth: Array
    closeness: Closeness
    mistakes: tuple[Mistake, ...] = ()

    @cached_property
    def has_its_shape(self) -> bool:
        """Whether the shapes agree, dimensions of size 1 left out; else one is the other with dimensions exchanged."""
        return without_ones(self.mine.shape) == without_ones(self.truth.shape)

    @cached_property
    def ok(self) -> bool:
        return self.has_its_shape and self.closeness.same(self.aligned, self.truth)

    @cached_property
    def aligned(self) -> Array:
        """The given numbers where those of the truth stand; a transposed shape is turned back."""
        if self.has_its_shape:
            return self.mine.reshape(self.truth.shape)
        mine, wanted = self.mine.squeeze(), without_ones(self.truth.shape)
        order = next(o for o in _orders(mine.ndim) if tuple(mine.shape[k] for k in o) == wanted)
        return mine.transpose(order).reshape(self.truth.shape)

    @property
    def max_abs_error(self) -> float:
        with np.errstate(all="ignore"):
            errors = np.abs(self.aligned - self.truth)
        same = np.isnan(self.aligned) & np.isnan(self.truth) | (self.aligned == self.truth)
        errors = np.where(same, 0.0, errors)
        return float(errors.max(initial=0.0))

    @cached_property
    def differs(self) -> Array:
        """Which elements differ beyond rounding, flat."""
        return np.asarray(~self.closeness.close(self.aligned, self.truth)).reshape(-1)

    @property
    def first_wrong(self) -> tuple[int, float, float] | None:
        """Flat index, given number and right one of the first element that differs."""
        wrong = np.flatnonzero(self.differs)
        if not wrong.size:
            return None
        at = int(wrong[0])
        return at, float(self.aligned.reshape(-1)[at]), float(self.truth.reshape(-1)[at])

    def as_json(self) -> dict[str, Any]:
        """`{name, max_abs_error, ok, mistakes}`."""
        mistakes = [mistake.as_json() for mistake in self.mistakes]
        return {"name": self.name, "max_abs_error": plain(self.max_abs_error), "ok": self.ok, "mistakes": mistakes}


@dataclass(frozen=True)
class Difference:
    """All gradients, in the order in which they were given.

    `right_down_to` is the one that comes last in the backward pass of those that are right, and to which nothing
    wrong leads. `first_wrong` is the one that comes first of those that are wrong. All are gradients of one
    `iteration`.
    """

    gradients: tuple[Compared, ...]
    right_down_to: str | None
    first_wrong: Compared | None
    iteration: int = 0

    @property
    def ok(self) -> bool:
        return all(compared.ok for compared in self.gradients)

    def as_json(self) -> dict[str, Any]:
        """`{gradients, right_down_to, ok}` as contract §3 has it."""
        gradients = [compared.as_json() for compared in self.gradients]
        return {"gradients": gradients, "right_down_to": self.right_down_to, "ok": self.ok}


def compare(recording: Recording, given: Mapping[str, Given], renamed: Mapping[str, str] | None = None) -> Difference:
    """Compare gradients with those of their iteration, and name the mistakes that explain the wrong ones.

    Takes names and raises errors as `beside_truth` does.
    """
    return explained(recording, beside_truth(recording, given, renamed or {}))


def beside_truth(recording: Recording, given: Mapping[str, Given], renamed: Mapping[str, str]) -> Difference:
    """Gradients beside those of their iteration, without the mistakes that explain the wrong ones.

    They are named `w1`, `o1.weight`, `grads/o1.weight`, `grad(w1)` or `w1.grad`; `renamed` maps other names to
    these. What `convstep run --out` wrote is of its last iteration, all else of the first. Raises ConvstepError for an
    unknown name or a shape that cannot be the tensor's.
    """
    ran = iterations_run(given)
    last = (1 if ran is None else ran or recording.graph.iterations) - 1
    if last >= recording.graph.iterations:
        raise ConvstepError(f"holds gradients of iteration {last}, which is not run; give --iterations {last + 1}")
    backward = Backward(recording, recording.iteration(last))
    gradients = tuple(
        _one_beside_truth(backward, label, name, given[label])
        for label, name in _names(recording.graph, given, renamed).items()
    )
    return Difference(gradients, _right_down_to(backward, gradients), _first_wrong(backward, gradients), last)


def iterations_run(given: Mapping[str, Given]) -> int | None:
    """How many iterations made what `convstep run --out` wrote, a loss each; None of other files, 0 without a loss."""
    losses = given.get("losses")
    return losses.numbers.size if losses is not None and _is_other_result("losses", given) else None


def explained(recording: Recording, difference: Difference, token: Work = QUIET) -> Difference:
    """The same with the mistakes that reproduce what is wrong. Raises Cancelled when the work is given up."""
    wrong = [c for c in difference.gradients if not c.ok]
    if not wrong:
        return difference
    rights = {c.tensor: c.truth for c in difference.gradients if c.ok}
    wrongs = [Wrong(c.tensor, c.mine, c.truth, c.closeness) for c in wrong]
    backward = Backward(recording, recording.iteration(difference.iteration))
    found = search(backward, wrongs, rights, token)
    mistakes = {c.name: tuple(these) for c, these in zip(wrong, found, strict=True)}
    gradients = tuple(
        Compared(c.name, c.tensor, c.mine, c.truth, c.closeness, mistakes[c.name]) if c.name in mistakes else c
        for c in difference.gradients
    )
    return replace(difference, gradients=gradients, first_wrong=_first_wrong(backward, gradients))


def _right_down_to(backward: Backward, gradients: Sequence[Compared]) -> str | None:
    """The name of the right gradient that comes last, and to which no wrong one leads."""
    spoilt = set().union(*(backward.reached_from(c.tensor) for c in gradients if not c.ok))
    right = [c for c in gradients if c.ok]
    still_right = [c for c in right if c.tensor not in spoilt] or right
    deepest = max(still_right, key=lambda c: backward.complete_after(c.tensor), default=None)
    return None if deepest is None else deepest.name


def _first_wrong(backward: Backward, gradients: Sequence[Compared]) -> Compared | None:
    wrong = [c for c in gradients if not c.ok]
    return min(wrong, key=lambda c: backward.complete_after(c.tensor), default=None)


def _names(graph: Graph, given: Mapping[str, Given], renamed: Mapping[str, str]) -> dict[str, str]:
    """The network file's name of each given gradient, by its own name.

    Of what `convstep run --out` writes, the gradients are taken.
    """
    for label in renamed:
        if label not in given:
            raise ConvstepError(f"there is no {printable(label)!r} among the gradients{did_you_mean(label, given)}")
    labels = [label for label in given if label in renamed or not _is_other_result(label, given)]
    if not labels:
        raise ConvstepError("holds no gradients; they are named like o1.weight, w1 or grads/o1.weight")
    names: dict[str, str] = {}
    for label in labels:
        name = _resolve(graph, renamed.get(label, label))
        if name in names.values():
            other = next(known for known, taken in names.items() if taken == name)
            raise ConvstepError(f"{printable(other)!r} and {printable(label)!r} are both gradients of {name}")
        names[label] = name
    return names


def _is_other_result(label: str, given: Mapping[str, Given]) -> bool:
    is_one = label == "losses" or label.startswith(_OTHER_GROUPS)
    return is_one and any(name.startswith(_GROUP) for name in given)


def _resolve(graph: Graph, written: str) -> str:
    """The network file's name of the tensor whose gradient this is."""
    symbols = {symbol: name for name, symbol in graph.symbols.items()}
    known = [*graph.inputs, *graph.aliases, *(node.name for node in graph.nodes), *symbols]
    name = written.removeprefix(_GROUP)
    if name.startswith("grad(") and name.endswith(")"):
        name = name[5:-1].strip()
    if name not in known:
        name = name.removesuffix(".grad")
    if name not in known:
        raise ConvstepError(f"there is no tensor {printable(name)!r}{did_you_mean(name, known)}")
    return symbols.get(name, name)


def _one_beside_truth(backward: Backward, label: str, name: str, given: Given) -> Compared:
    tensor = backward.graph.aliases.get(name, name)
    truth = backward.iteration.grads.get(tensor)
    if truth is None:
        raise ConvstepError(f"{name} has no gradient: the loss does not depend on it, or it holds no float numbers")
    mine = given.numbers.astype(np.float64)
    have, want = without_ones(mine.shape), without_ones(truth.shape)
    if sorted(have) != sorted(want):
        shapes = f"{list(mine.shape)}, but {name} has {list(truth.shape)}"
        raise ConvstepError(f"{printable(label)!r} has the shape {shapes}; dimensions of size 1 may be left out")
    tolerance = closeness(backward.largest_gradient, given.precision, str(truth.dtype))
    return Compared(name, tensor, mine, truth.astype(np.float64), tolerance)


def without_ones(shape: Shape) -> Shape:
    """A shape without its dimensions of size 1."""
    return tuple(size for size in shape if size != 1)


def _orders(dims: int) -> list[tuple[int, ...]]:
    """Orders of dimensions, those that exchange two of them first."""
    return sorted(permutations(range(dims)), key=lambda order: sum(k != at for k, at in enumerate(order)))
