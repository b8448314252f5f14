"""What made a number that is not finite: the operation, and the operands that are finite while the result is not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

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


class Made(NamedTuple):
    """What made a number, the names of the numbers in it, and the term that did, where one alone did."""

    text: str
    names: str = ""
    term: int | None = None

    @property
    def whole(self) -> str:
        return f"{self.text} ({self.names})" if self.names else self.text


@dataclass(frozen=True)
class Origin:
    """`number` is `conv3[0,12,5,5] = Inf`."""

    found: NonFinite
    phase: str
    number: str
    made: Made

    @property
    def term(self) -> int | None:
        return self.made.term

    def line(self) -> str:
        """One line: `iteration 40, forward, conv3[0,12,5,5] = Inf, from exp(812)`."""
        return f"iteration {self.found.iteration}, {self.phase}, {self.number}, {self.made.whole}"

    def wordings(self) -> tuple[str, ...]:
        """The announcement of it, and shorter ones: what was calculated is the last to go."""
        line, made = self.line(), self.made.text
        element, _, value = self.number.rpartition(" = ")
        first, when = f"first {value}:", f"iteration {self.found.iteration}"
        return (
            f"first non-finite: {line}",
            f"first non-finite: {when}, {self.phase}, {self.number}, {made}",
            f"{first} {when}, {self.phase}, {element}, {made}",
            f"{first} {when}, {made}: {element}",
            f"{first} {when}, {made.removeprefix('from ').replace(', where ', ': ')}",
        )


def origin(recording: Recording, names: Names, found: NonFinite) -> Origin:
    """Where a number came from. The recording has its iteration at hand."""
    iteration = recording.iteration(found.iteration)
    number = names.element(found.tensor, found.element, names.shape(found.tensor))
    number = f"{number} = {short(found.value)}"
    if found.step < 0:
        return Origin(found, "at the start", number, Made("as it began" if found.iteration else "given by the file"))
    step = recording.timeline.steps[found.step]
    teller = _Teller(recording, names, iteration, found)
    made = teller.of_gradient(step) if step.is_backward else teller.of_terms(step)
    return Origin(found, step.phase, number, made._replace(text=f"from {made.text}"))


@dataclass(frozen=True)
class _Teller:
    recording: Recording
    names: Names
    iteration: Iteration
    found: NonFinite

    def of_gradient(self, step: Step) -> Made:
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
            return Made(f"{short(local)} × {short(given)}", f"∂{output}/∂{by} × {upstream}", k)
        return self._of_sum(sums, step, "its products")

    def _of_sum(self, sums: Floats, step: Step, what: str) -> Made:
        wrong = np.flatnonzero(~np.isfinite(sums))
        if len(wrong):
            k = int(wrong[0])
            before = float(sums[k - 1]) if k else 0.0
            return Made(f"the running sum: {short(before)} and term {k + 1} of {len(sums)}", term=k)
        total = float(sums[-1]) if len(sums) else 0.0
        dtype = self.recording.graph.dtype
        if abs(total) > float(np.finfo(dtype).max):
            return Made(f"the sum of {what}, {short(total)}: too large for {dtype}")
        users = len(self.recording.timeline.writers(step.writes))
        if users > 1 and step.is_backward:
            return Made(f"the sum of what its {users} users give")
        return Made(f"a sum that overflows in another order than from left to right: here it comes to {short(total)}")

    def of_terms(self, step: Step) -> Made:
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
                    return self._term(step, term)._replace(term=k if several else None)
                if term.sum is not None and not math.isfinite(term.sum):
                    made, at = self._term(step, term), f"term {k + 1} of {len(terms)}"
                    names = f"{made.names}; {at}" if made.names else at
                    return Made(f"the running sum, at {made.text}", names, k)
        sums = np.array([term.sum for term in terms if term.sum is not None])
        if len(sums):
            return self._of_sum(sums, step, "its terms")
        return Made(self._numbers(step) or f"{step.op}: the numbers that it reads are finite")

    def _term(self, step: Step, term: Term) -> Made:
        reads = [self._read(read) for read in term.reads[:_MOST_READS]]
        more = ", …" if len(term.reads) > _MOST_READS else ""
        if term.is_product and len(term.reads) == 2:
            values = " · ".join(short(read.value) for read in term.reads)
            return Made(values, f"{reads[0]} · {reads[1]}")
        whole = self._numbers(step) if not term.is_product else ""
        named = ", ".join(f"{name} = {short(read.value)}" for name, read in zip(reads, term.reads, strict=False))
        if whole:
            return Made(f"{whole}, where {named}{more}" if named else whole)
        return Made(f"{term.does or 'adding'}, where {named}{more}" if named else term.does)

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
