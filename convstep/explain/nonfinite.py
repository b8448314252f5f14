"""What made a number that is not finite: the operation, and the operands that are finite while the result is not."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from convstep.engine.nonfinite import NonFinite
from convstep.engine.recording import Iteration, Recording
from convstep.engine.state import State, split_name
from convstep.engine.sums import Floats, collect
from convstep.engine.timeline import Place, Step
from convstep.explain.formula.formula import Formulas
from convstep.explain.formula.notation import Notation
from convstep.explain.naming import Names, SlotNames
from convstep.explain.numbers import short
from convstep.ops.base import Read, Term
from convstep.ops.rendering import Style, render

_LONGEST = 60
_MOST_READS = 3
_ASIDE = re.compile(r" \((?:[^()]|\([^()]*\))*\)")
"""The names, in parentheses, of what stands before them as numbers."""


@dataclass(frozen=True)
class Origin:
    """`number` is `conv3[0,12,5,5] = Inf`, `made` what made it, `term` the term that did, where one alone did."""

    found: NonFinite
    phase: str
    number: str
    made: str
    term: int | None = None

    def line(self) -> str:
        """One line: `iteration 40, forward, conv3[0,12,5,5] = Inf, from exp(812)`."""
        return f"iteration {self.found.iteration}, {self.phase}, {self.number}, {self.made}"

    def wordings(self) -> tuple[str, ...]:
        """The announcement of it, and shorter ones: what was calculated is the last to go."""
        line, made = self.line(), _ASIDE.sub("", self.made)
        element, _, value = self.number.rpartition(" = ")
        first, when = f"first {value}:", f"iteration {self.found.iteration}"
        return (
            f"first non-finite: {line}",
            f"first non-finite: {when}, {self.phase}, {self.number}, {made}",
            f"{first} {when}, {self.phase}, {element}, {made}",
            f"{first} {when}, {made}: {element}",
        )


def origin(recording: Recording, names: Names, found: NonFinite) -> Origin:
    """Where a number came from. The recording has its iteration at hand."""
    iteration = recording.iteration(found.iteration)
    number = names.element(found.tensor, found.element, names.shape(found.tensor))
    number = f"{number} = {short(found.value)}"
    if found.step < 0:
        return Origin(found, "at the start", number, "given by the file" if not found.iteration else "as it began")
    step = recording.timeline.steps[found.step]
    teller = _Teller(recording, names, iteration, found)
    made, term = teller.of_gradient(step) if step.is_backward else teller.of_terms(step)
    return Origin(found, step.phase, number, f"from {made}", term)


@dataclass(frozen=True)
class _Teller:
    recording: Recording
    names: Names
    iteration: Iteration
    found: NonFinite

    def of_gradient(self, step: Step) -> tuple[str, int | None]:
        """The first product, or the first running sum, that is not finite."""
        collected = collect(step, self.iteration, np.array([self.found.element]))
        products, sums = collected.products[0], collected.sums[0]
        wrong = np.flatnonzero(~np.isfinite(products))
        assert step.node is not None
        if len(wrong):
            k = int(wrong[0])
            out, local = int(collected.links.index[0, k]), float(collected.links.local[0, k])
            output = self.names.element(step.layer, out, step.upstream_shape)
            upstream = self.names.element(f"grad({step.layer})", out, step.upstream_shape)
            by = self.names.element(step.tensor, self.found.element, step.shape)
            given = float(collected.upstream[0, k])
            return f"{short(local)} × {short(given)} (∂{output}/∂{by} × {upstream})", k
        return self._of_sum(sums, step, "its products")

    def _of_sum(self, sums: Floats, step: Step, what: str) -> tuple[str, int | None]:
        wrong = np.flatnonzero(~np.isfinite(sums))
        if len(wrong):
            k = int(wrong[0])
            before = float(sums[k - 1]) if k else 0.0
            return f"the running sum: {short(before)} and term {k + 1} of {len(sums)}", k
        total = float(sums[-1]) if len(sums) else 0.0
        dtype = self.recording.graph.dtype
        if abs(total) > float(np.finfo(dtype).max):
            return f"the sum of {what}, {short(total)}: too large for {dtype}", None
        users = len(self.recording.timeline.writers(step.writes))
        if users > 1 and step.is_backward:
            return f"the sum of what its {users} users give", None
        return f"a sum that overflows in another order than from left to right: here it comes to {short(total)}", None

    def of_terms(self, step: Step) -> tuple[str, int | None]:
        """The first term that is not finite though what it reads is."""
        if step.node is None:
            update = self.iteration.updates[step.tensor]
            terms = update.optimizer.terms(update, self.found.element)
        else:
            terms = step.node.op.terms(self.iteration.calls[step.layer], self.found.element)
        several = len(terms) > 1
        for k, term in enumerate(terms):
            if all(math.isfinite(read.value) for read in term.reads):
                if not math.isfinite(term.result):
                    return self._term(step, term), k if several else None
                if term.sum is not None and not math.isfinite(term.sum):
                    return f"the running sum, at {self._term(step, term)} (term {k + 1} of {len(terms)})", k
        sums = np.array([term.sum for term in terms if term.sum is not None])
        if len(sums):
            return self._of_sum(sums, step, "its terms")
        return self._numbers(step) or f"{step.op}: the numbers that it reads are finite", None

    def _term(self, step: Step, term: Term) -> str:
        reads = [self._read(read) for read in term.reads[:_MOST_READS]]
        more = ", …" if len(term.reads) > _MOST_READS else ""
        if term.is_product and len(term.reads) == 2:
            values = " · ".join(short(read.value) for read in term.reads)
            return f"{values} ({reads[0]} · {reads[1]})"
        whole = self._numbers(step) if not term.is_product else ""
        named = ", ".join(f"{name} = {short(read.value)}" for name, read in zip(reads, term.reads, strict=False))
        if whole:
            return f"{whole}, where {named}{more}" if named else whole
        return f"{term.does or 'adding'}, where {named}{more}" if named else term.does

    def _read(self, read: Read) -> str:
        if isinstance(read.slot, str):
            return read.slot
        state = State(self.recording, Place(self.found.iteration, self.found.step), "gather")
        return SlotNames(self.names, state).element(read.slot, read.index)

    def _numbers(self, step: Step) -> str:
        """The whole formula with its numbers, where it is short: `exp(812)`."""
        if split_name(self.found.tensor)[0] != "value":
            return ""
        formulas = Formulas(self.recording, self.names, self.found.iteration)
        whole = formulas.of(self.found.tensor, self.found.element)
        style: Style = Notation(formulas).numbers()
        if len(whole.parts) != 1 or step.terms["gather"] > _MOST_READS:
            return ""
        text = render(whole.parts[0].expression, style)
        return text if len(text) <= _LONGEST else ""
