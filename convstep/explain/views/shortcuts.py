"""Two gradients that have a shortcut: softmax with cross entropy, and norms."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from convstep.engine.sums import Floats
from convstep.explain.views.sheet import OtherView, Sheet, of_array
from convstep.explain.views.site import Site
from convstep.ops.base import IntArray, quiet
from convstep.ops.lines import Exponentials
from convstep.ops.loss.cross_entropy import CrossEntropyLoss
from convstep.ops.norm.standardise import Standardise


@quiet
def cross_entropy(site: Site) -> Iterator[OtherView]:
    """∂/∂p through the softmax's whole Jacobian, and p − y at once."""
    op = site.op
    if not isinstance(op, CrossEntropyLoss) or not site.is_backward or site.step.slot != 0:
        return
    samples, (own,) = op.lines.place(np.array([site.element]))
    sample, own = int(samples[0]), int(own)
    scores, target = op.of_samples(site.call.operands, samples)
    (p,), (y,) = Exponentials.of(scores.astype(np.float64)).softmax, op.shares(target, site.call.operands)
    upstream = op.sample_upstream(site.call, site.state.iteration.grads[site.step.layer])
    scale = float(upstream[sample, 0])
    classes = len(p)
    elements = op.lines.elements(np.array([sample]))[0]
    each, pairs = np.arange(classes), (classes, 1)

    def score(k: int) -> str:
        return site.name(0, int(elements[k]))

    by_share = np.where(y != 0, -y / p, 0.0) * scale
    column = p * (np.arange(classes) == own) - p * p[own]
    whole = np.diag(p) - np.outer(p, p)
    parts = by_share * column
    sheets = (
        Sheet(
            "∂loss/∂p", pairs, of_array(by_share), each, lambda k: f"∂loss/∂p of class {k}", "", _scaled("−y/p", scale)
        ),
        Sheet(
            "∂p/∂score",
            (classes, classes),
            of_array(whole),
            each * classes + own,
            lambda k: f"∂p of class {k // classes}/∂{score(k % classes)}",
            "×",
            "p·(1 − p) and −p·p",
        ),
        Sheet("products", pairs, of_array(parts), each, lambda k: f"by way of p of class {k}", "="),
    )
    words = f"{site.written} by way of every p: −y/p times the column of {score(own)} in the softmax's Jacobian"
    yield OtherView("full Jacobian", words, sheets, parts, stepwise=False)
    difference = (p * y.sum() - y) * scale
    here = np.array([own])
    total = "p" if np.isclose(y.sum(), 1) else "p·Σy"
    short = (
        Sheet("p", pairs, of_array(p), here, lambda k: f"p of class {k}", "", "softmax of the scores"),
        Sheet("y", pairs, of_array(y), here, lambda k: f"y of class {k}", "−", "the target"),
        Sheet(
            "gradient",
            pairs,
            of_array(difference),
            here,
            lambda k: f"∂loss/∂{score(k)}",
            "=",
            _scaled(f"({total} − y)", scale),
        ),
    )
    words = f"in the sum over all classes everything cancels but {total} − y"
    yield OtherView("shortcut p − y", words, short, difference[own : own + 1], stepwise=False)


def _scaled(text: str, scale: float) -> str:
    return text if scale == 1 else f"{text} · {scale:.6g}"


@quiet
def norm(site: Site) -> Iterator[OtherView]:
    """The input's gradient of a norm by x, variance and mean in turn, and in one formula."""
    op = site.op
    if not isinstance(op, Standardise) or not site.is_backward or site.step.slot != 0 or op.fixed or not op.centred:
        return
    members = op.layout.members(op.layout.group(np.array([site.element])))[0]
    own, size = int(np.searchsorted(members, site.element)), len(members)
    x, hat = site.operand(0)[members].astype(np.float64), op.standard(site.call, members)
    group = op.layout.group(members[:1])
    mean, rate = (float(site.call.saved[name].reshape(-1)[group][0]) for name in ("mean", "rate"))
    given = site.gradient[members].astype(np.float64)
    if "weight" in op.slots:
        given = given * site.operand(op.slots["weight"])[op.layout.channel(members)]
    deviation = x - mean
    by_variance = float((given * deviation).sum()) * -0.5 * rate**3
    by_mean = -rate * float(given.sum()) + by_variance * float(-2 * deviation.sum()) / size
    terms = np.stack([given * rate, by_variance * 2 * deviation / size, np.full(size, by_mean / size)], axis=1)
    three = np.arange(3)
    ways = ("x itself", "the variance", "the mean")

    def member(k: int) -> str:
        return site.name(0, int(members[k]))

    sheets = (
        _vector("g·weight", given, own, member, "upstream at x̂"),
        _vector("x − mean", deviation, own, member, f"1/√(var + eps) = {rate:.6g}", ","),
        Sheet(
            "three ways",
            (size, 3),
            of_array(terms),
            own * 3 + three,
            lambda k: f"{member(k // 3)} by way of {ways[k % 3]}",
            "=",
            "by x, var, mean",
        ),
    )
    words = f"{site.written} = directly + by way of the variance + by way of the mean"
    yield OtherView("three terms", words, sheets, terms[own], stepwise=False)
    means = float(given.mean()), float((given * hat).mean())
    result = rate * (given - means[0] - hat * means[1])
    short = (
        _vector("g·weight", given, own, member, f"its mean {means[0]:.6g}"),
        _vector("x̂", hat, own, member, f"mean of g·x̂ {means[1]:.6g}", ","),
        _vector("gradient", result, own, member, "(g − mean g − x̂ · mean g·x̂) / √(var + eps)", "="),
    )
    words = f"what is left of g when its mean, and its part along x̂, are taken away: {site.written}"
    yield OtherView("shortcut", words, short, result[own : own + 1], stepwise=False)


def _vector(title: str, values: Floats, own: int, name: Callable[[int], str], note: str, sign: str = "") -> Sheet:
    here: IntArray = np.array([own])
    return Sheet(title, (len(values), 1), of_array(values), here, lambda k: f"{title} at {name(k)}", sign, note)
