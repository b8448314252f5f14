"""Which mistakes reproduce wrong gradients: every rule is tried at every step, and what follows is recomputed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice
from math import prod

import numpy as np

from convstep.explain.mistakes import whole
from convstep.explain.mistakes.backward import Backward
from convstep.explain.mistakes.closeness import Closeness
from convstep.explain.mistakes.mistake import CODES, Mistake
from convstep.explain.mistakes.rules import RULES, Rule
from convstep.ops.base import Array

_EVERYWHERE = (
    "missing-activation-derivative",
    "unflipped-kernel",
    "ignored-stride",
    "ignored-padding",
    "overwritten-overlap",
    "pool-spread",
)
"""Mistakes that one makes at every layer, if at all."""

_MOST_VARIANTS = 6
_MUCH_CLOSER = 0.25
_CHANCE = 1e-4
_MOST_WORK = 3 * 10**8
"""So many elements are gone through at most; in a large network the likeliest mistakes come first."""


@dataclass(frozen=True)
class Wrong:
    """Numbers that are not right, a whole gradient or one element of it, and the whole truth."""

    tensor: str
    numbers: Array
    truth: Array
    closeness: Closeness
    index: int | None = None

    def fits(self, gradient: Array) -> bool:
        """Whether a mistake's gradient is these numbers, and explains them better than the truth does."""
        mine, made = self._mine, self._like_mine(gradient)
        if not self._is_evidence or not self.closeness.same(mine, made):
            return False
        right = self._like_mine(self.truth)
        return mine.shape != right.shape or _apart(mine, made) <= _MUCH_CLOSER * _apart(mine, right)

    @cached_property
    def is_right(self) -> bool:
        return self.closeness.same(self._mine, self._like_mine(self.truth))

    @cached_property
    def factor(self) -> float | None:
        """The constant by which these numbers differ from the truth."""
        return whole.factor_between(self._mine, self._like_mine(self.truth), self.closeness)

    @cached_property
    def _mine(self) -> Array:
        """Dimensions of size 1 do not count."""
        return self.numbers.squeeze() if self.index is None else self.numbers.reshape(1)

    def _like_mine(self, gradient: Array) -> Array:
        return gradient.squeeze() if self.index is None else gradient.reshape(-1)[self.index : self.index + 1]

    @cached_property
    def _is_evidence(self) -> bool:
        """Whether these are too many numbers, for their precision, to agree with one of many mistakes by chance."""
        count = max(np.count_nonzero(self._mine), np.count_nonzero(self._like_mine(self.truth)))
        return bool(self.closeness.relative**count < _CHANCE)


def _apart(a: Array, b: Array) -> float:
    """The largest difference; what is not finite is the same in both."""
    return float(np.abs(a - b)[np.isfinite(a) & np.isfinite(b)].max(initial=0.0))


Rank = tuple[int, int, int, int]
"""Right gradients spoilt; minus wrong ones explained; whether it was done farther up; how far. The least wins."""

_PLAIN = ("constant-factor", "wrong-sign")


@dataclass
class _Found:
    """The best place of each mistake that fits one wrong gradient, or a single element of it."""

    is_single: bool
    best: dict[str, tuple[Rank, Mistake]] = field(default_factory=dict)

    def add(self, rank: Rank, mistake: Mistake) -> None:
        known = self.best.get(mistake.code)
        if known is None or rank < known[0]:
            self.best[mistake.code] = rank, mistake

    def in_order(self) -> list[Mistake]:
        """The likeliest first; the sign and a constant factor behind the first other one.

        A single number may be anything's by chance: there they come before what was done farther up, and the sign
        before all else.
        """
        ranked = sorted(self.best.values(), key=lambda found: (*found[0], CODES.index(found[1].code)))
        plain = [mistake for _, mistake in ranked if mistake.code in _PLAIN]
        others = [(rank, mistake) for rank, mistake in ranked if mistake.code not in _PLAIN]
        first = sum(1 for rank, _ in others[:1] if not (self.is_single and rank[2]))
        structural = [mistake for _, mistake in others]
        if self.is_single and "wrong-sign" in self.best:
            first = 0
        return [*structural[:first], *plain, *structural[first:]]


def search(backward: Backward, wrongs: Sequence[Wrong], rights: Mapping[str, Array]) -> list[list[Mistake]]:
    """For each of the wrong gradients the mistakes that reproduce it, the likeliest first.

    `rights` are gradients that are known to be right: a mistake that would have spoilt them is a less likely one.
    """
    return _Search(backward, wrongs, rights).run()


class _Search:
    def __init__(self, backward: Backward, wrongs: Sequence[Wrong], rights: Mapping[str, Array]) -> None:
        self.backward, self.wrongs, self.rights = backward, wrongs, rights
        self.wanted = {wrong.tensor for wrong in wrongs} | set(rights)
        self.found = [_Found(wrong.index is not None) for wrong in wrongs]

    def run(self) -> list[list[Mistake]]:
        with np.errstate(all="ignore"):
            self._whole_gradients()
            for k in self._steps():
                self._at_step(k)
            if any(not found.best for found in self.found):
                for code in _EVERYWHERE:
                    for slots in ("inputs", "parameters", "both"):
                        self._everywhere(code, slots)
        return [found.in_order() for found in self.found]

    def _whole_gradients(self) -> None:
        """What needs no backward pass."""
        for wrong, found in zip(self.wrongs, self.found, strict=True):
            truth = self.backward.iteration.grads[wrong.tensor]
            writers = self.backward.writers.get(wrong.tensor, [])
            layer = self.backward.timeline.steps[writers[-1]].layer if len(writers) == 1 else None
            if wrong.index is None and any(wrong.fits(t) for t in whole.transpositions(truth)):
                found.add((0, -1, 0, 0), Mistake("transposed", at=layer))
            if wrong.index is None and whole.lacks_a_slice(wrong.numbers, truth, wrong.closeness):
                found.add((0, -1, 0, 0), Mistake("missing-path", at=layer))
            for user, gradient in whole.single_uses(self.backward, wrong.tensor):
                if wrong.fits(gradient):
                    found.add((0, -1, 0, 0), Mistake("missing-path", at=user))
            factor = wrong.factor
            if factor == -1:
                found.add((0, 0, 0, 0), Mistake("wrong-sign"))
            elif factor is not None:
                found.add((0, 0, 0, 0), Mistake("constant-factor", factor))

    def _steps(self) -> list[int]:
        """All backward steps: those that write the wrong gradients, those farther up, the nearest first, the rest."""
        own = {k for wrong in self.wrongs for k in self.backward.writers.get(wrong.tensor, [])}
        steps = {k for k, step in enumerate(self.backward.timeline.steps) if step.is_backward}
        first = min(own, default=0)
        return [*sorted(own), *sorted(steps - own, key=lambda k: (k > first, abs(k - first)))]

    def _at_step(self, k: int) -> None:
        """Every rule at one step."""
        step = self.backward.timeline.steps[k]
        site = self.backward.site(k)
        for code, rule in RULES.items():
            for gradient in rule(site):
                if self.backward.work > _MOST_WORK:
                    return
                self.backward.work += prod(step.shape) + site.upstream.size
                gradients = self.backward.with_changes({k: partial(_always, gradient)}, self.wanted)
                if self._compare(gradients, Mistake(code, at=step.layer), k) == len(self.wrongs):
                    break

    def _everywhere(self, code: str, slots: str) -> None:
        """One rule at all the steps where it applies: those that give to inputs, to parameters, or to both."""
        rule, steps = RULES[code], self.backward.timeline.steps
        sites = {k: self.backward.site(k) for k in range(len(steps)) if steps[k].is_backward}
        places = [
            k
            for k, site in sites.items()
            if not site.op.is_loss
            and (slots == "both" or (site.parameter is None) == (slots == "inputs"))
            and _nth(rule(site), 0) is not None
        ]
        if len(places) < 2:
            return
        for variant in range(_MOST_VARIANTS):
            if self.backward.work > _MOST_WORK:
                return
            changes = {k: partial(self._varied, rule, k, variant) for k in places}
            if self._compare(self.backward.with_changes(changes, self.wanted), Mistake(code), None) == len(self.wrongs):
                return

    def _varied(self, rule: Rule, k: int, variant: int, upstream: Array) -> Array:
        """What a rule makes of a step, in one of its variants; what is right where it has no such one."""
        site = self.backward.site(k, upstream)
        self.backward.work += prod(site.step.shape) + upstream.size
        gradient = _nth(rule(site), variant)
        return site.given if gradient is None else gradient

    def _compare(self, gradients: Mapping[str, Array], mistake: Mistake, k: int | None) -> int:
        """Note which wrong gradients these reproduce; how many."""
        fits = [w.tensor in gradients and w.fits(gradients[w.tensor]) for w in self.wrongs]
        if not any(fits):
            return 0
        closeness = self.wrongs[0].closeness
        spoilt = sum(
            name in gradients and not closeness.same(gradients[name], right) for name, right in self.rights.items()
        )
        for wrong, found, does_fit in zip(self.wrongs, self.found, fits, strict=True):
            if does_fit:
                writers = self.backward.writers[wrong.tensor]
                distance = 0 if k in writers else max(writers) - (-1 if k is None else k)
                found.add((spoilt, -sum(fits), int(distance > 0), distance), mistake)
        return sum(fits)


def _always(gradient: Array, upstream: Array) -> Array:
    return gradient


def _nth(gradients: Iterable[Array], nth: int) -> Array | None:
    return next(islice(gradients, nth, None), None)
