"""The formula of the present step, with names and with numbers, a column a term."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from convstep.debugger.screen.stage import Stage
from convstep.debugger.screen.view import Formula, FormulaTerm
from convstep.engine.sums import Collected, collect
from convstep.engine.timeline import Step
from convstep.explain.numbers import short
from convstep.explain.sentences import signed
from convstep.ops.base import Call, Empty, IntArray, Term
from convstep.ops.expression import Element, Expression, Number, Product, Sum, evaluate
from convstep.ops.rendering import Style, render
from convstep.ops.terms import empties

_UPSTREAM = -2
"""The slot of the upstream gradient in a formula: written g."""


def formula(stage: Stage) -> Formula | None:
    """The formula of the element that this step is at; on operations, of an example, which is said."""
    step = stage.step
    if step is None:
        return None
    shown = _formula(stage, step)
    if stage.state.place.element is not None or np.prod(step.shape) == 1:
        return shown
    return replace(shown, note=f"{stage.of_example}; {shown.note}" if shown.note else stage.of_example)


def _formula(stage: Stage, step: Step) -> Formula:
    if step.is_backward:
        if stage.state.shares is not None and stage.state.target is None:
            return _shares(stage, step)
        return _gradient(stage, step)
    element = stage.state.place.element
    if element is None:
        element = stage.example
    return _update(stage, step, element) if step.node is None else _forward(stage, step, element)


# -- forward --------------------------------------------------------------------------------------------


def _forward(stage: Stage, step: Step, element: int) -> Formula:
    assert step.node is not None
    call = stage.state.iteration.calls[step.layer]
    subject = stage.names.element(step.tensor, element, step.shape)
    terms = stage.state.terms or step.node.op.terms(call, element)
    now = stage.state.place.term
    if terms[0].is_product:
        return _products(stage, step, terms, subject, now, element)
    expression = stage.state.formula if stage.state.place.element is not None else step.node.op.formula(call, element)
    whole = _recorded(stage, step.tensor, element)
    return _expression(stage, expression, subject, call, terms, now, whole)


def _recorded(stage: Stage, key: str, element: int) -> str:
    return short(float(stage.state.recorded(key).reshape(-1)[element]))


def _products(stage: Stage, step: Step, terms: Sequence[Term], subject: str, now: int | None, element: int) -> Formula:
    full = np.flatnonzero(empties(terms) == Empty.NO)

    def column(k: int) -> FormulaTerm:
        term = terms[int(full[k])]
        names = "·".join(stage.slots.element(r.slot, r.index) for r in term.reads if isinstance(r.slot, int))
        return FormulaTerm(names, "·".join(signed(r.value) for r in term.reads), _so_far(term, int(full[k]), now))

    total = f"= {_recorded(stage, step.tensor, element)}" if stage.state.complete else ""
    return Formula(subject, len(full), column, _current(full, now), "", total)


def _so_far(term: Term, k: int, now: int | None) -> str:
    """A term's result: not yet, with the sum that it leads to, or done."""
    if now is not None and k > now:
        return "·"
    if k == now and term.sum is not None:
        return f"{short(term.result)} → {short(term.sum)}…"
    return short(term.result)


def _current(full: IntArray, now: int | None) -> int | None:
    """The column of the present term among the full ones."""
    at = np.flatnonzero(full == now) if now is not None else full[:0]
    return int(at[0]) if len(at) else None


def _expression(
    stage: Stage,
    expression: Expression,
    subject: str,
    call: Call,
    terms: Sequence[Term],
    now: int | None,
    whole: str,
) -> Formula:
    """A formula that is not a plain sum of products; a sum has a column a term all the same."""

    def value(e: Element) -> float:
        return call.value(e.slot, e.index)

    names = Style(lambda e: stage.slots.element(e.slot, e.index), short)
    numbers = Style(lambda e: short(value(e)), short, named=lambda n: short(n.value))
    complete = stage.state.complete
    total = f"= {whole}" if complete else ""
    if not isinstance(expression, Sum) or expression.count == 1:
        only = expression.term(0) if isinstance(expression, Sum) else expression
        return Formula(
            subject, 1, lambda _: FormulaTerm(render(only, names), render(only, numbers), ""), None, "", total
        )
    stepwise = now is not None and expression.count in (len(terms), len(terms) - 1)

    def column(k: int) -> FormulaTerm:
        part = expression.term(k)
        coming = now is not None and k > now if stepwise else not complete
        result = "·" if coming else short(evaluate(part, value, call.many))
        text, worked = render(part, names), render(part, numbers)
        return FormulaTerm(_summand(text), _summand(worked), result) if k else FormulaTerm(text, worked, result)

    at = now if stepwise and now is not None and now < expression.count else None
    return Formula(subject, expression.count, column, at, "", total)


def _summand(text: str) -> str:
    """What stands behind a plus."""
    return f"({text})" if text.startswith("-") else text


# -- backward -------------------------------------------------------------------------------------------


def _gradient(stage: Stage, step: Step) -> Formula:
    state = stage.state
    target = state.target
    if target is None:
        target = stage.example
        collected = collect(step, state.iteration, np.array([target]))
    else:
        assert state.collected is not None
        collected = state.collected
    column = gradient_column(stage, step, collected, target)
    full = collected.links.full
    name = stage.names.element(step.tensor, target, step.shape)
    now = state.column_term
    whole = short(float(collected.sums[0, -1]))
    total = f"= {whole}" if state.complete else ""
    made = stage.names.tensor(step.layer)
    return Formula(
        f"∂{stage.root}/∂{name}{stage.via}",
        len(full),
        lambda k: column(int(full[k]), now, not state.complete),
        _current(full, now),
        f"g = ∂{stage.root}/∂{made}",
        total if len(full) else "= 0",
    )


def gradient_column(
    stage: Stage, step: Step, collected: Collected, target: int
) -> Callable[[int, int | None, bool], FormulaTerm]:
    """The k-th term of a gradient element: local × upstream with names, numbers and result."""
    call = stage.state.iteration.calls[step.layer]
    assert step.node is not None
    op = step.node.op
    links = collected.links

    def name_of(element: Element) -> str:
        if element.slot == _UPSTREAM:
            return f"g{stage.names.index(element.index, step.upstream_shape)}"
        return stage.slots.element(element.slot, element.index)

    names = Style(name_of, short)

    def column(k: int, now: int | None, running: bool) -> FormulaTerm:
        out = int(links.index[0, k])
        partner = -1 if links.partner is None else int(links.partner[0, k])
        local = op.derivative(call, step.slot, out, target, partner)
        if isinstance(local, Number):
            local = Number(float(links.local[0, k]))
        text = render(Product((local, Element(_UPSTREAM, out))), names)
        numbers = f"{signed(float(links.local[0, k]))}·{signed(float(collected.upstream[0, k]))}"
        product = short(float(collected.products[0, k]))
        result = product if now is None or k < now else "·" if k > now else product
        if k == now and running:
            result = f"{product} → {short(float(collected.sums[0, k]))}…"
        return FormulaTerm(text, numbers, result)

    return column


def _shares(stage: Stage, step: Step) -> Formula:
    """Scatter order: a column for each element that receives a share."""
    shares, now = stage.state.shares, stage.state.place.term
    assert shares is not None
    full = np.flatnonzero(shares.links.met[0] & (shares.target >= 0))
    upstream = stage.names.element(f"grad({step.layer})", stage.state.place.element or 0, step.upstream_shape)

    def column(k: int) -> FormulaTerm:
        j = int(full[k])
        to = stage.names.element(step.tensor, int(shares.target[j]), step.shape)
        local = signed(float(shares.links.local[0, j]))
        return FormulaTerm(f"{to}:", f"{local}·{signed(shares.upstream)}", short(float(shares.products[j])))

    note = "local × upstream, one share an element"
    total = "" if len(full) else "none"
    return Formula(f"shares of {upstream}", len(full), column, _current(full, now), note, total, joint="")


# -- update ---------------------------------------------------------------------------------------------


def _update(stage: Stage, step: Step, element: int) -> Formula:
    update = stage.state.iteration.updates[step.tensor]
    tensors = [update.parameter, update.gradient, *update.state.values()]

    def value(e: Element) -> float:
        return float(tensors[e.slot].reshape(-1)[e.index])

    names = Style(lambda e: stage.slots.element(e.slot, e.index), short)
    numbers = Style(lambda e: short(value(e)), short, named=lambda n: short(n.value))
    expression = update.optimizer.formula(update, element)
    now = stage.state.place.term
    complete = now is None or now == step.terms["gather"] - 1
    whole = short(float(update.new_parameter.reshape(-1)[element]))
    term = FormulaTerm(render(expression, names), render(expression, numbers), "")
    subject = f"new {stage.names.element(step.tensor, element, step.shape)}"
    return Formula(subject, 1, lambda _: term, None, "", f"= {whole}" if complete else "")
