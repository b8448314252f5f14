"""Every step in one or two plain sentences: what was read, what it did, what it adds, what is still to come."""

from __future__ import annotations

from math import prod

import numpy as np

from convstep.engine.state import State, Status
from convstep.engine.timeline import Step
from convstep.explain.naming import Names, SlotNames
from convstep.explain.numbers import short
from convstep.ops.base import OUTPUT, Call, Empty, Term

START = "Nothing has happened yet: inputs and parameters are there, all else is blank."

_EMPTY_USES = {
    Empty.PADDING: "falls on the padding",
    Empty.STRIDE: "falls between two strides",
    Empty.WINDOW: "would be that of an output past the edge",
}

_EMPTY_WORDS = {
    Empty.PADDING: "falls on the padding",
    Empty.STRIDE: "falls between two strides",
    Empty.WINDOW: "lies past a window's end",
}


def sentence(state: State, names: Names) -> str:
    """What the step at this state did."""
    step, place = state.step, state.place
    if step is None:
        return START
    speaker = _Speaker(state, names, step)
    if step.is_backward:
        if place.element is None:
            return speaker.backward_operation()
        if place.term is None:
            return speaker.share() if state.scatters else speaker.collected_element()
        return speaker.backward_term()
    if place.element is None:
        return speaker.update_operation() if step.phase == "update" else speaker.operation()
    return speaker.element() if place.term is None else speaker.term()


def shorter_sentences(state: State, names: Names) -> tuple[str, ...]:
    """The sentence without what the formula or the panes also say, the longest first."""
    step, place = state.step, state.place
    if step is None:
        return ()
    speaker = _Speaker(state, names, step)
    if place.term is None:
        return speaker.brief()
    if step.is_backward:
        return tuple(speaker.backward_term(detail) for detail in (1, 0))
    return (speaker.term(named=False),)


def count_of(count: int, what: str) -> str:
    """`1 use`, `2 uses`; words that end in s, x, ch get es."""
    if count == 1:
        return f"1 {what}"
    return f"{count:,} {what}{'es' if what.endswith(('s', 'x', 'ch')) else 's'}"


def sizes(shape: tuple[int, ...]) -> str:
    """`1×1×3×3`; a scalar is called so."""
    return "×".join(map(str, shape)) or "a scalar"


class _Speaker:
    def __init__(self, state: State, names: Names, step: Step) -> None:
        self.state, self.names, self.step = state, names, step
        self.place = state.place
        self.slots = SlotNames(names, state)

    @property
    def call(self) -> Call:
        return self.state.iteration.calls[self.step.layer]

    def written(self, element: int) -> str:
        return self.names.element(self.step.writes, element, self.step.shape)

    def value(self, element: int) -> str:
        name = f"new({self.step.tensor})" if self.step.phase == "update" else self.step.writes
        values, _ = self.state.read(name, np.array([element]))
        return short(float(values[0]))

    def brief(self) -> tuple[str, ...]:
        """Of an operation or an element: without counts and without names that stand elsewhere."""
        if self.step.is_backward:
            if self.place.element is None:
                return (self.backward_operation(brief=True),)
            return () if self.state.scatters else (self.collected_element(brief=True),)
        if self.place.element is not None:
            written = self.names.element(self.step.tensor, self.place.element, self.step.shape)
            return self.element(brief=True), f"{written} = {self.value(self.place.element)}."
        if self.step.phase != "update":
            return (self.operation(brief=True),)
        name = self.names.tensor(self.step.tensor)
        return self.update_operation(brief=True), f"{self.step.op} moves {name} against its gradient, as told below."

    # -- forward, loss, update

    def operation(self, brief: bool = False) -> str:
        step = self.step
        assert step.node is not None
        written = self.names.tensor(step.writes)
        what = f"{step.op} {step.node.op.tell(self.slots)} and writes {written}"
        if not step.shape:
            return f"{what} = {self.value(0)}."
        if brief:
            return f"{what}."
        count, terms = prod(step.shape), count_of(step.terms["gather"], "term")
        each = f"of {terms}" if count == 1 else f"{terms} each"
        return f"{what}: {count_of(count, 'element')} ({sizes(step.shape)}), {each}."

    def update_operation(self, brief: bool = False) -> str:
        optimizer = self.state.iteration.updates[self.step.tensor].optimizer
        name = self.names.tensor(self.step.tensor)
        gradient = self.names.tensor(f"grad({self.step.tensor})")
        named = f"g is {gradient}" if name == "w" else f"w is {name} and g is {gradient}"
        where = "" if brief else f", where {named}"
        text = f"{self.step.op} moves {name} against its gradient: {optimizer.tell()}{where}."
        scheduler = self.state.recording.graph.scheduler
        return text if scheduler is None or brief else f"{text} By {type(scheduler).__name__}, {scheduler.tell()}."

    def element(self, brief: bool = False) -> str:
        step, element = self.step, self.place.element
        assert element is not None
        done, count = element + 1, prod(step.shape)
        many = f"{count:,} elements {'is' if done == 1 else 'are'} done"
        progress = f" {done:,} of {many}." if count > 1 and not brief else ""
        if step.node is None:
            before = short(float(self.state.iteration.updates[step.tensor].parameter.reshape(-1)[element]))
            name = self.names.element(step.tensor, element, step.shape)
            return f"{name} goes from {before} to {self.value(element)}.{progress}"
        how = step.node.op.tell_element(self.call, element, self.slots)
        return f"{self.written(element)} {how}: {self.value(element)}.{progress}"

    def term(self, named: bool = True) -> str:
        terms, k, element = self.state.terms, self.place.term, self.place.element
        assert terms is not None and k is not None and element is not None
        term = terms[k]
        if term.empty != Empty.NO:
            what = f"This tap {_EMPTY_WORDS[term.empty]}: it adds nothing."
        else:
            what = self._product(term, named) if term.is_product else self._does(term)
        return f"{what} {self._so_far(term, self._full_after(k), element)}"

    def _full_after(self, k: int) -> int:
        """The terms after term k that are not empty."""
        empty, terms = self.state.empty_terms, self.state.terms
        assert terms is not None
        return len(terms) - k - 1 if empty is None else int(np.count_nonzero(empty[k + 1 :] == Empty.NO))

    def _product(self, term: Term, named: bool) -> str:
        if len(term.reads) == 1:
            return f"{self._read_name(term, 0)} = {short(term.result)} is added."
        x, w = (f"{self._read_name(term, j)} = {short(read.value)}" for j, read in enumerate(term.reads))
        numbers = " × ".join(signed(read.value) for read in term.reads)
        return f"{f'{x} meets {w}: ' if named else ''}{numbers} = {short(term.result)}."

    def _does(self, term: Term) -> str:
        reads = ", ".join(f"{self._read_name(term, j)} = {short(r.value)}" for j, r in enumerate(term.reads[:4]))
        more = ", …" if len(term.reads) > 4 else ""
        return f"{term.does} = {short(term.result)}{f', from {reads}{more}' if reads else ''}."

    def _read_name(self, term: Term, nth: int) -> str:
        read = term.reads[nth]
        return read.slot if isinstance(read.slot, str) else self.slots.element(read.slot, read.index)

    def _so_far(self, term: Term, left: int, element: int) -> str:
        if left == 0:
            name = f"new({self.step.tensor})" if self.step.phase == "update" else self.step.writes
            return f"{self.names.element(name, element, self.step.shape)} = {self.value(element)} is complete."
        so_far = "" if term.sum is None else f"Sum so far {short(term.sum)}; "
        text = f"{so_far}{self._remaining(left)}"
        return text[:1].upper() + text[1:]

    def _remaining(self, left: int) -> str:
        return f"{count_of(left, 'term')} still to come."

    # -- backward

    def backward_operation(self, brief: bool = False) -> str:
        step = self.step
        tensor, gradient = self.names.tensor(step.tensor), self.names.tensor(step.writes)
        uses = step.terms["gather"]
        if uses == 1:
            how = "each is one local derivative × the upstream gradient"
        else:
            products = "products local × upstream" if brief else "products local derivative × upstream gradient"
            how = f"each is the sum of {uses:,} {products}"
        verb = "adds to" if self._others() else "writes"
        one = prod(step.shape) == 1
        elements = "1 element" if one else f"{prod(step.shape):,} elements"
        return (
            f"{step.op} {self.names.tensor(step.layer)} {verb} {gradient}, how {self.names.tensor(self._target())} "
            f"reacts to {tensor}: {elements}; {how.replace('each', 'it', 1) if one else how}."
        )

    def _target(self) -> str:
        graph = self.state.recording.graph
        return graph.loss.name if graph.loss else next(iter(graph.seeds))

    def _others(self) -> bool:
        return len(self.state.timeline.writers(self.step.writes)) > 1

    def collected_element(self, brief: bool = False) -> str:
        step, element, collected = self.step, self.place.element, self.state.collected
        assert collected is not None and element is not None
        name = self.names.element(step.tensor, element, step.shape)
        used = collected.links.met[0]
        uses = int(np.count_nonzero(used))
        made = self.names.tensor(step.layer)
        given, _ = self.state.given_so_far(self.place.step, element)
        if uses == 0:
            return f"{name} met nothing when {made} was made: {self.written(element)} gets 0 from this step."
        if uses == 1:
            k = int(np.argmax(used))
            text = " × ".join(signed(float(v)) for v in (collected.links.local[0, k], collected.upstream[0, k]))
            how = f"{name} was used once when {made} was made: local × upstream = {text} = {short(given)}."
        else:
            used_when = f"{uses:,}" if brief else f"{name} was used {uses:,} times when {made} was made; the {uses:,}"
            how = f"{used_when} products local × upstream add up to {short(given)}."
        return how + self._rounding(float(collected.sums[0, -1]), given) + self._users(element)

    def _rounding(self, total: float, given: float) -> str:
        """Said where the running sum and the recorded number, which BLAS added in its own order, differ."""
        if total == given or not np.isfinite(total) or not np.isfinite(given):
            return ""
        return f" (Added left to right {total!r}; recorded {given!r}.)" if short(total) != short(given) else ""

    def _users(self, element: int) -> str:
        if not self._others():
            return ""
        values, status = self.state.read(self.step.writes, np.array([element]))
        word = "is complete" if status[0] == Status.DONE else "so far, further users add to it"
        return f" {self.written(element)} = {short(float(values[0]))} {word}."

    def share(self) -> str:
        step, source, shares = self.step, self.place.element, self.state.shares
        assert shares is not None and source is not None
        gives = int((shares.target >= 0).sum())
        upstream = self.names.element(f"grad({step.layer})", source, step.upstream_shape)
        gradient = self.names.tensor(step.writes)
        return (
            f"{upstream} = {short(shares.upstream)} gives its share, local × {signed(shares.upstream)}, "
            f"to {count_of(gives, 'element')} of {gradient}: all that made "
            f"{self.names.element(step.layer, source, step.upstream_shape)}."
        )

    def backward_term(self, detail: int = 2) -> str:
        """With what was met (1) and how the loss reacts (2), or without."""
        step, k, collected = self.step, self.state.column_term, self.state.collected
        target = self.state.target
        if collected is None or k is None or target is None:
            return self._empty_share()
        empty = Empty(int(collected.links.empty[0, k])) if collected.links.empty is not None else Empty.NO
        left = self._left(k)
        if empty != Empty.NO or collected.links.index[0, k] < 0:
            return f"This use {_EMPTY_USES[empty]}: it adds nothing; {self._uses_left(left)}"
        assert step.node is not None
        out = int(collected.links.index[0, k])
        partner = -1 if collected.links.partner is None else int(collected.links.partner[0, k])
        link = step.node.op.tell_link(self.call, step.slot, out, target, partner, self.slots)
        made = self.slots.element(OUTPUT, out)
        local, upstream = float(collected.links.local[0, k]), float(collected.upstream[0, k])
        product, total = float(collected.products[0, k]), float(collected.sums[0, k])
        reacts = f"; {self._reaction(made, upstream)}" if made != self.names.tensor(self._target()) else ""
        adds = f"This use adds {signed(local)} × {signed(upstream)} = {short(product)}."
        if self.state.complete:
            others = f" from {self.names.tensor(step.layer)}" if self._others() else ""
            end = f"{self.written(target)} {'gets' if others else '='} {short(total)}{others}: that was the last use."
        else:
            end = f"Sum so far {short(total)}; {self._uses_left(left)}"
        return f"{('', link, link + reacts)[detail]}{'. ' if detail else ''}{adds} {end}"

    def _reaction(self, made: str, upstream: float) -> str:
        if self.state.recording.graph.loss is None:
            return f"the gradient at {made} is {short(upstream)}"
        return f"{self.names.tensor(self._target())} changes by {short(upstream)} per unit of {made}"

    def _left(self, k: int) -> int:
        """Uses of the target element that still come; empty ones do not count."""
        collected = self.state.collected
        assert collected is not None
        return int(np.count_nonzero(collected.links.met[0, k + 1 :]))

    def _uses_left(self, left: int) -> str:
        if left == 0:
            return "no further use to come."
        return f"{count_of(left, 'use')} still to come."

    def _empty_share(self) -> str:
        shares, k = self.state.shares, self.place.term
        assert shares is not None and k is not None
        code = Empty(int(shares.links.empty[0, k])) if shares.links.empty is not None else Empty.WINDOW
        return f"This tap {_EMPTY_WORDS[code]}: there is nothing that could take this share."


def signed(value: float) -> str:
    """A number as a factor: negative ones in parentheses."""
    text = short(value)
    return f"({text})" if text.startswith("-") else text
