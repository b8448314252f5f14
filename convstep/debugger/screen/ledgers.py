"""The ledger: the present sum, a row a term, as someone would write it down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convstep.debugger.screen.stage import Stage
from convstep.debugger.screen.view import Ledger
from convstep.engine.sums import collect
from convstep.engine.timeline import Step
from convstep.explain.numbers import short
from convstep.ops.base import Empty, Term


def ledger(stage: Stage) -> Ledger | None:
    """The terms of the element that this step is at; on operations, of an example."""
    step = stage.step
    if step is None:
        return None
    if step.is_backward:
        return _gradient(stage, step)
    return _terms(stage, step)


def _gradient(stage: Stage, step: Step) -> Ledger:
    state = stage.state
    target = state.target
    if target is None or state.collected is None:
        target = stage.example if state.place.element is None else None
    if target is None:
        return _shares(stage, step)
    collected = state.collected or collect(step, state.iteration, np.array([target]))
    links, now = collected.links, state.column_term
    name = stage.names.element(step.tensor, target, step.shape)
    partner_slot = None if step.node is None else step.node.op.partner_slot(step.slot)
    onward = _onward(stage, step.layer)

    def row(k: int) -> tuple[str, ...]:
        out = int(links.index[0, k])
        empty = Empty.NO if links.empty is None else Empty(int(links.empty[0, k]))
        if out < 0 or empty != Empty.NO:
            return (str(k + 1), empty.words, "", "", "0", _sum(k, now, collected.sums[0, k]))
        made = stage.names.element(step.layer, out, step.upstream_shape)
        local = short(float(links.local[0, k]))
        if partner_slot is not None and links.partner is not None:
            local = f"{stage.slots.element(partner_slot, int(links.partner[0, k]))} = {local}"
        upstream = f"∂{stage.root}/∂{made} = {short(float(collected.upstream[0, k]))}"
        done = now is None or k <= now
        product = short(float(collected.products[0, k])) if done else "·"
        way = " → ".join([name, made, *onward])
        return (str(k + 1), way, local, upstream, product, _sum(k, now, collected.sums[0, k]))

    header = ("term", f"way to {stage.root}", "local", "× upstream", "= product", "sum")
    title = f"{stage.names.element(step.writes, target, step.shape)}{stage.via}"
    return Ledger(title, header, links.index.shape[1], row, now)


def _sum(k: int, now: int | None, value: float) -> str:
    return short(float(value)) if now is None or k <= now else "·"


def _onward(stage: Stage, tensor: str) -> list[str]:
    """The way from a tensor on to the loss: names as long as there is one user, with an index where it is plain."""
    graph = stage.state.recording.graph
    way: list[str] = []
    roots = {graph.loss.name} if graph.loss else set(graph.seeds)
    while tensor not in roots:
        users = graph.users.get(tensor, ())
        if len(users) != 1 or len(way) > 2:
            return [*way, "…", stage.root]
        tensor = users[0].name
        shape = users[0].op.output.shape
        way.append(stage.names.element(tensor, 0, shape) if int(np.prod(shape)) == 1 else stage.names.tensor(tensor))
    return way


def _shares(stage: Stage, step: Step) -> Ledger:
    shares, now = stage.state.shares, stage.state.place.term
    assert shares is not None
    source = stage.names.element(f"grad({step.layer})", stage.state.place.element or 0, step.upstream_shape)

    def row(k: int) -> tuple[str, ...]:
        to = int(shares.target[k])
        if to < 0:
            return (str(k + 1), "empty", "", "", "0")
        element = stage.names.element(step.writes, to, step.shape)
        local = short(float(shares.links.local[0, k]))
        return (str(k + 1), element, local, short(shares.upstream), short(float(shares.products[k])))

    header = ("share", "given to", "local", "× upstream", "= product")
    return Ledger(f"shares of {source}", header, len(shares.target), row, now)


def _terms(stage: Stage, step: Step) -> Ledger:
    state = stage.state
    element = state.place.element
    if element is None:
        element = stage.example
    terms = state.terms or _terms_of(stage, step, element)
    now = state.place.term

    def row(k: int) -> tuple[str, ...]:
        term = terms[k]
        reads = ", ".join(_read(stage, term, j) for j in range(min(len(term.reads), 4)))
        done = now is None or k <= now
        does = "product" if term.is_product and len(term.reads) > 1 else term.does or "added"
        if term.empty != Empty.NO:
            does, reads = term.empty.words, ""
        result = short(term.result) if done else "·"
        total = "" if term.sum is None else short(term.sum) if done else "·"
        return (str(k + 1), does, reads, result, total)

    written = stage.names.element(step.tensor, element, step.shape)
    title = f"new {written}" if step.node is None else written
    return Ledger(title, ("term", "does", "reads", "= result", "sum"), len(terms), row, now)


def _terms_of(stage: Stage, step: Step, element: int) -> Sequence[Term]:
    if step.node is not None:
        return step.node.op.terms(stage.state.iteration.calls[step.layer], element)
    update = stage.state.iteration.updates[step.tensor]
    return update.optimizer.terms(update, element)


def _read(stage: Stage, term: Term, nth: int) -> str:
    read = term.reads[nth]
    name = read.slot if isinstance(read.slot, str) else stage.slots.element(read.slot, read.index)
    return f"{name} = {short(read.value)}"
