"""Which known mistakes reproduce a wrong claim.

A claim that is an expression is tried on other numbers of the same network, too: a mistake is named only where it
gives what the claim gives there as well, so that chance has no say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from convstep.engine.recording import Iteration
from convstep.engine.sums import collect
from convstep.engine.timeline import Step
from convstep.explain.replay import Forward, Replay
from convstep.ops.base import Array
from convstep.ops.elementwise import Elementwise

Floats = npt.NDArray[np.float64]
Mistake = dict[str, Any]

_MOST_LINKS = 1_000_000
_RIGHT = 1e-6

WORDS = {
    "sum-before-multiply": "the local derivatives and the upstream gradients were each added up first, and then "
    "multiplied; each local derivative has its own upstream gradient: multiply first, then add",
    "missing-upstream": "the chain rule stops too early: the upstream gradient is missing",
    "missing-path": "one of the paths to the loss is left out",
    "missing-activation-derivative": "the derivative of an activation is left out",
    "wrong-sign": "the sign is the opposite one",
    "mean-for-sum": "averaged, where a sum is right",
    "sum-for-mean": "summed, where a mean is right",
    "constant-factor": "right but for a constant factor",
}


@dataclass(frozen=True)
class Evidence:
    """What is claimed of elements `index` of a tensor's gradient in one run."""

    run: Iteration
    claimed: Floats


def find(replay: Replay, tensor: str, index: Sequence[int], evidence: Sequence[Evidence]) -> list[Mistake]:
    """The mistakes that reproduce every piece of evidence, the likeliest first."""
    right = [_at(piece.run.grads[tensor], index) for piece in evidence]
    found: list[Mistake] = []
    for mistake, kind, where in _suspects(replay, tensor):
        wrong = [_spoilt(replay, piece.run, tensor, kind, where) for piece in evidence]
        if all(w is not None for w in wrong):
            given = [_at(w, index) for w in wrong if w is not None]
            if _reproduces(given, evidence) and not _reproduces(right, evidence) and mistake not in found:
                found.append(mistake)
    return _first_of_each(found) + _factors(replay, tensor, right, evidence)


def _first_of_each(found: list[Mistake]) -> list[Mistake]:
    """One of each code: the nearest to the tensor, which comes first."""
    return list({mistake["code"]: mistake for mistake in reversed(found)}.values())[::-1]


def _reproduces(given: Sequence[Floats], evidence: Sequence[Evidence]) -> bool:
    return all(_close(wrong, piece.claimed) for wrong, piece in zip(given, evidence, strict=True))


def _close(a: Floats, b: Floats) -> bool:
    scale = float(np.max(np.abs(b), initial=0.0))
    return bool(np.all(np.abs(a - b) <= _RIGHT * scale))


# -- one wrong step, the rest right


def _suspects(replay: Replay, tensor: str) -> Iterator[tuple[Mistake, str, Step]]:
    """Every mistake at every backward step, those at the tensor itself first."""
    steps = [step for step in replay.timeline.steps if step.is_backward]
    own = [step for step in steps if step.tensor == tensor]
    upstream = [step for step in reversed(steps) if step.tensor in replay.iteration.calls and step.tensor != tensor]
    for kind in ("sum-before-multiply", "missing-upstream", "missing-path", "missing-activation-derivative"):
        for step in (*own, *upstream):
            mistake: Mistake = {"code": kind}
            if kind == "missing-upstream":
                mistake["at"] = f"grad({step.layer})"
            elif step.tensor != tensor:
                mistake["at"] = f"grad({step.tensor})"
            yield mistake, kind, step


def _spoilt(replay: Replay, run: Iteration, tensor: str, kind: str, step: Step) -> Array | None:
    """The tensor's gradient with the mistake made in one step; None where it cannot be made there."""
    forward = Forward(run.values, run.calls)
    if kind == "missing-upstream":
        return replay.backward(forward, {step.layer: np.ones_like(run.grads[step.layer])}).get(tensor)
    if kind == "missing-activation-derivative" and not (step.node and isinstance(step.node.op, Elementwise)):
        return None
    shares = _shares(replay, run, step.tensor)
    if shares is None or (kind == "missing-path" and len(shares) < 2):
        return None
    total = np.zeros(step.shape)
    for other, (local, upstream, products) in shares.items():
        this = replay.timeline.steps[other] is step
        if this and kind == "sum-before-multiply":
            total += (local.sum(axis=1) * upstream.sum(axis=1)).reshape(step.shape)
        elif this and kind == "missing-activation-derivative":
            total += run.grads[step.layer]
        elif not (this and kind == "missing-path"):
            total += products.sum(axis=1).reshape(step.shape)
    if step.tensor == tensor:
        return total
    return replay.backward(forward, {step.tensor: total.astype(run.grads[step.tensor].dtype)}).get(tensor)


def _shares(replay: Replay, run: Iteration, tensor: str) -> Mapping[int, tuple[Floats, Floats, Floats]] | None:
    """Local derivatives, upstream gradients and products of every step that gives to a gradient."""
    writers = replay.timeline.writers(f"grad({tensor})")
    steps = {k: replay.timeline.steps[k] for k in writers}
    if tensor in run.seeds or sum(prod(s.shape) * s.terms["gather"] for s in steps.values()) > _MOST_LINKS:
        return None
    result = {}
    for k, step in steps.items():
        collected = collect(step, run, np.arange(prod(step.shape)))
        full = collected.links.index >= 0
        result[k] = (collected.links.local * full, collected.upstream, collected.products)
    return result


# -- the right result, times something


def _factors(replay: Replay, tensor: str, right: Sequence[Floats], evidence: Sequence[Evidence]) -> list[Mistake]:
    truth = np.concatenate(right)
    claimed = np.concatenate([piece.claimed for piece in evidence])
    at = np.flatnonzero(truth)
    if not len(at):
        return []
    ratios = claimed[at] / truth[at]
    factor = float(ratios[0])
    if not np.isfinite(factor) or factor == 0 or abs(factor - 1) < _RIGHT or not _close(truth * factor, claimed):
        return []
    # A single number is always some multiple of another: then only a plain factor is worth a word.
    if len(at) == 1 and not any(abs(f - round(f)) < 1e-9 * abs(f) and abs(f) <= 100 for f in (factor, 1 / factor)):
        return []
    if abs(factor + 1) < _RIGHT:
        return [{"code": "wrong-sign"}]
    mistakes: list[Mistake] = []
    steps = [step for step in replay.timeline.steps if step.is_backward and step.tensor == tensor]
    counts = {step.terms["gather"] for step in steps} | {s.upstream_shape[0] for s in steps if s.upstream_shape}
    if any(n > 1 and abs(factor * n - 1) < _RIGHT for n in counts):
        mistakes.append({"code": "mean-for-sum"})
    if any(n > 1 and abs(factor - n) < _RIGHT * n for n in _averaged(replay)):
        mistakes.append({"code": "sum-for-mean"})
    tidy = round(factor) if abs(factor - round(factor)) < 1e-9 * abs(factor) else float(f"{factor:.9g}")
    return [*mistakes, {"code": "constant-factor", "factor": tidy}]


def _averaged(replay: Replay) -> set[int]:
    """How many numbers the loss, and the means in the network, average over."""
    nodes = replay.graph.nodes
    kinds = [n for n in nodes if getattr(n.op, "reduction", "") == "mean" or n.op_name == "Mean"]
    return {prod(n.op.operand_shape(0)) // max(1, prod(n.op.output.shape)) for n in kinds}


def _at(tensor: Array, index: Sequence[int]) -> Floats:
    return np.asarray(tensor.reshape(-1)[list(index)], dtype=np.float64)
