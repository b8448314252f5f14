"""Which mistakes reproduce wrong gradients: every rule is tried at every step, and what follows is recomputed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import numpy as np

from convstep.engine.work import QUIET, Work
from convstep.explain.mistakes import whole
from convstep.explain.mistakes.backward import Backward, products
from convstep.explain.mistakes.mistake import CODES, Mistake
from convstep.explain.mistakes.rules import RULES, Rule
from convstep.explain.mistakes.wrong import Wrong
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
_MOST_WORK = 4 * 10**10
"""So many products are made at most; in a large network the likeliest mistakes come first."""


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


def search(
    backward: Backward, wrongs: Sequence[Wrong], rights: Mapping[str, Array], token: Work = QUIET
) -> list[list[Mistake]]:
    """For each of the wrong gradients the mistakes that reproduce it, the likeliest first.

    `rights` are gradients that are known to be right: a mistake that would have spoilt them is a less likely one.
    Raises Cancelled when the work is given up.
    """
    return _Search(backward, wrongs, rights, token).run()


class _Search:
    def __init__(
        self, backward: Backward, wrongs: Sequence[Wrong], rights: Mapping[str, Array], token: Work = QUIET
    ) -> None:
        self.backward, self.wrongs, self.rights, self.token = backward, wrongs, rights, token
        self.by_tensor = {wrong.tensor: wrong for wrong in wrongs}
        self.wanted = sorted({*self.by_tensor, *rights}, key=backward.complete_after)
        self.found = [_Found(wrong.index is not None) for wrong in wrongs]

    def run(self) -> list[list[Mistake]]:
        """One mistake for all first; where something is left unexplained, those of whole networks, and of a part."""
        with np.errstate(all="ignore"):
            self._whole_gradients()
            near, far = self._steps()
            for k in near:
                self._at_step(k, _MOST_WORK // 2)
            for k in far:
                self._at_step(k, _MOST_WORK)
            if not self._all_found:
                for code in _EVERYWHERE:
                    self._everywhere(code)
            if not self._all_found:
                for k in (*near, *far):
                    self._at_step(k, _MOST_WORK, for_all=False)
        return [found.in_order() for found in self.found]

    @property
    def _all_found(self) -> bool:
        return all(found.best for found in self.found)

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

    def _steps(self) -> tuple[list[int], list[int]]:
        """Where one mistake may have spoilt all: the first wrong gradient and what leads to it, the nearest first.

        Then all other steps, those that write wrong gradients first.
        """
        writers = self.backward.writers
        own = {k for wrong in self.wrongs for k in writers.get(wrong.tensor, [])}
        steps = {k for k, step in enumerate(self.backward.timeline.steps) if step.is_backward}
        first = max((writers.get(name, [-1]) for name in self.wanted if name in self.by_tensor), key=lambda w: -max(w))
        near = [*first, *sorted((k for k in steps if k < max(first, default=0)), reverse=True)]
        near = list(dict.fromkeys(near))
        return near, sorted(steps.difference(near), key=lambda k: (k not in own, k))

    def _at_step(self, k: int, most_work: int, for_all: bool = True) -> None:
        """Every rule at one step. One mistake explains all, if it explains the nearest gradient that it reaches."""
        step, site = self.backward.timeline.steps[k], self.backward.site(k)
        reached = self.backward.reached_from(step.tensor)
        wanted = [name for name in self.wanted if name in reached]
        if not wanted or (len(wanted) == 1 and not for_all):
            return
        for code, rule in RULES.items():
            for gradient in rule(site):
                self.token.check()
                if self.backward.work > most_work:
                    return
                self.backward.work += products(site.node)
                change = {k: partial(_always, gradient)}
                if for_all and not self._is_as_given(wanted[0], self.backward.with_changes(change, wanted[:1])):
                    continue
                gradients = self.backward.with_changes(change, wanted)
                if self._compare(gradients, Mistake(code, at=step.layer), k) == len(self.wrongs):
                    break

    def _is_as_given(self, name: str, gradients: Mapping[str, Array]) -> bool:
        """Whether a gradient becomes, or stays, what was given."""
        if name in self.by_tensor:
            return name in gradients and self.by_tensor[name].fits(gradients[name])
        return name not in gradients or self.wrongs[0].closeness.same(gradients[name], self.rights[name])

    def _everywhere(self, code: str) -> None:
        """One rule at all the steps where it applies, and at those of one kind of operation."""
        rule, steps = RULES[code], self.backward.timeline.steps
        sites = {k: self.backward.site(k) for k in range(len(steps)) if steps[k].is_backward}
        matters = self.backward.leading_to(self.wanted)
        places = [
            k
            for k, site in sites.items()
            if site.step.tensor in matters and not site.op.is_loss and _nth(rule(site), 0) is not None
        ]
        inputs = [k for k in places if sites[k].parameter is None]
        kinds = [[k for k in inputs if steps[k].op == op] for op in dict.fromkeys(steps[k].op for k in inputs)]
        parameters = [k for k in places if k not in inputs]
        for some in dict.fromkeys(map(tuple, (inputs, *kinds, parameters, places))):
            if len(some) > 1:
                self._at_all(code, some)

    def _at_all(self, code: str, places: Sequence[int]) -> None:
        """One rule at several steps at once, in one variant after the other."""
        for variant in range(_MOST_VARIANTS):
            self.token.check()
            if self.backward.work > _MOST_WORK:
                return
            changes = {k: partial(self._varied, RULES[code], k, variant) for k in places}
            if self._compare(self.backward.with_changes(changes, self.wanted), Mistake(code), None) == len(self.wrongs):
                return

    def _varied(self, rule: Rule, k: int, variant: int, upstream: Array) -> Array:
        """What a rule makes of a step, in one of its variants; what is right where it has no such one."""
        site = self.backward.site(k, upstream)
        self.backward.work += (variant + 1) * products(site.node)
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
