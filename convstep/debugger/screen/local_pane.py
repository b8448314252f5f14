"""The pane *Local derivatives*: local × upstream = products, aligned, then Σ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convstep.debugger.screen.stage import Stage, look_of
from convstep.debugger.screen.view import Block, Cells, Grid, Note, Status
from convstep.engine.sums import Collected, collect
from convstep.engine.timeline import Step
from convstep.explain.numbers import short
from convstep.explain.sentences import count_of, sizes
from convstep.ops.base import Array, Empty, IntArray, Links, Shape


def local_pane(stage: Stage) -> list[Block]:
    """How the output reacts to what was read, as far as this step tells."""
    step, place = stage.step, stage.state.place
    if step is None:
        return _start(stage)
    if step.node is None:
        return _update(stage, step)
    if step.is_backward:
        return _backward(stage, step)
    if place.element is None:
        return _loss(stage, step) if step.phase == "loss" and not step.shape else _counts(stage, step)
    return _element(stage, step, place.element) if place.term is None else _term(stage, step)


def _start(stage: Stage) -> list[Block]:
    """Nothing reacts to anything yet: room for what the network's author has to say."""
    about = " ".join(stage.state.recording.graph.about.split())
    blocks: list[Block] = [Note(about)] if about else []
    return [*blocks, Note("n takes the first step, s goes inside it, ? tells the rest", "caption")]


# -- forward --------------------------------------------------------------------------------------------


def _float_slots(step: Step) -> list[int]:
    assert step.node is not None
    return [slot for slot in range(len(step.node.operands)) if step.node.op.is_differentiable(slot)]


def _counts(stage: Stage, step: Step) -> list[Block]:
    assert step.node is not None
    made = stage.names.tensor(step.tensor)
    blocks: list[Block] = []
    for slot in _float_slots(step):
        read = stage.slots.tensor(slot)
        shape = step.node.op.operand_shape(slot)
        reads = int(np.prod(step.node.op.row_grid(slot)))
        blocks.append(Note(f"∂{made}/∂{read}", "strong"))
        blocks.append(Note(f"{sizes(step.shape)} by {sizes(shape)}: each element of {made} reads {reads:,} of {read}"))
    return [*blocks, Note("s looks at the first element of it", "caption")]


def _loss(stage: Stage, step: Step) -> list[Block]:
    return [
        *_element(stage, step, 0),
        Note(f"backward starts from grad({stage.names.tensor(step.tensor)}) = 1", "caption"),
    ]


def _element(stage: Stage, step: Step, element: int) -> list[Block]:
    """How one output element reacts: each operand with ∂out/∂operand laid on it."""
    assert step.node is not None
    call = stage.state.iteration.calls[step.layer]
    made = stage.names.element(step.tensor, element, step.shape)
    blocks: list[Block] = []
    for slot in _float_slots(step):
        of_step = stage.state.place.element is not None
        links = stage.state.row(slot) if of_step else step.node.op.row(call, slot, np.array([element]))
        blocks.append(_laid_on(stage, step, slot, links, f"∂{made}/∂{stage.slots.tensor(slot)}"))
    return [*blocks, Note("backward will use this", "caption")]


def _laid_on(stage: Stage, step: Step, slot: int, links: Links, title: str) -> Grid:
    """A Jacobian row laid on its operand; elements that were not read have the derivative 0."""
    assert step.node is not None
    key, shape = stage.state.operand(slot)
    elements, totals = links.totals
    number_format, scale = look_of(totals)

    def cells(index: IntArray) -> Cells:
        at = np.minimum(np.searchsorted(elements, index), max(len(elements) - 1, 0))
        hit = elements[at] == index if len(elements) else np.zeros(index.shape, bool)
        values = np.where(hit, totals[at], 0.0) if len(elements) else np.zeros(index.shape)
        marks = stage.marks[key].codes(index)
        return Cells(values, np.full(index.shape, Status.DONE, np.uint8), marks)

    return Grid(
        key=f"local {key}",
        title=title,
        note="",
        shape=shape,
        cells=cells,
        element=lambda flat: f"∂/∂{stage.names.element(key, flat, shape)}",
        format=number_format,
        scale=scale,
        follow=stage.marks[key].follow,
    )


def _term(stage: Stage, step: Step) -> list[Block]:
    """What one forward term reacts to."""
    assert step.node is not None
    assert stage.state.terms is not None
    term = stage.state.terms[stage.state.place.term or 0]
    if term.empty != Empty.NO:
        return [Note(f"nothing is read here ({term.empty.words}): the derivative is 0")]
    if not term.is_product:
        return [*_element(stage, step, stage.state.place.element or 0)]
    names = [stage.slots.element(r.slot, r.index) for r in term.reads if isinstance(r.slot, int)]
    if len(names) == 1:
        return [Note(f"∂sum/∂{names[0]} = 1"), Note("it is added as it is; backward will use this", "caption")]
    (x, w), (x_value, w_value) = names, (short(read.value) for read in term.reads)
    return [
        Note(f"∂product/∂{x}"),
        Note(f"  = {w} = {w_value}", "strong"),
        Note(f"∂product/∂{w}"),
        Note(f"  = {x} = {x_value}", "strong"),
        Note("each reacts with the other; backward will use this", "caption"),
    ]


# -- backward -------------------------------------------------------------------------------------------


def _backward(stage: Stage, step: Step) -> list[Block]:
    state = stage.state
    if state.place.element is None:
        return _backward_operation(stage, step)
    if state.shares is not None and state.target is None:
        return _shares(stage, step)
    assert state.collected is not None
    assert state.target is not None
    name = stage.names.element(step.tensor, state.target, step.shape)
    return _aligned(stage, step, state.collected, name, state.column_term)


def _backward_operation(stage: Stage, step: Step) -> list[Block]:
    """All elements where each has one term, else the sum of an example."""
    assert step.node is not None
    if step.terms["gather"] == 1 and step.shape == step.upstream_shape:
        return _elementwise(stage, step)
    collected = collect(step, stage.state.iteration, np.array([stage.example]))
    name = stage.names.element(step.tensor, stage.example, step.shape)
    of_one = [Note(f"for {stage.of_example}:", "caption")] if np.prod(step.shape) > 1 else []
    return [*of_one, *_aligned(stage, step, collected, name, None)]


def _elementwise(stage: Stage, step: Step) -> list[Block]:
    """One local derivative an element, on a tensor of the upstream's own shape; only what is visible is computed."""
    made, read = stage.names.tensor(step.layer), stage.names.tensor(step.tensor)
    iteration, shape = stage.state.iteration, step.shape
    edges = np.unique(np.linspace(0, int(np.prod(shape)) - 1, 512).astype(np.intp))

    def grid(key: str, title: str, sign: str, pick: Callable[[Collected], Array]) -> Grid:
        number_format, scale = look_of(pick(collect(step, iteration, edges))[:, 0])

        def cells(index: IntArray) -> Cells:
            values = pick(collect(step, iteration, index))[:, 0]
            return Cells(values, np.full(index.shape, Status.DONE, np.uint8), np.zeros(index.shape, np.uint8))

        def element(flat: int) -> str:
            return f"{title} at {stage.names.index(flat, shape)}"

        return Grid(key, title, "", shape, cells, element, number_format, scale, sign=sign)

    return [
        grid("local", f"∂{made}/∂{read}", "", lambda c: c.links.local),
        grid("upstream", f"upstream ∂{stage.root}/∂{made}", "×", lambda c: c.upstream),
        grid("products", "products", "=", lambda c: c.products),
    ]


def _aligned(stage: Stage, step: Step, collected: Collected, name: str, now: int | None) -> list[Block]:
    """Three aligned grids and the sum; terms after `now` have no product yet."""
    assert step.node is not None
    made = stage.names.tensor(step.layer)
    shape = _grid_shape(step.node.op.column_grid(step.slot))
    empty = ~collected.links.met[0]
    met = ""
    partner = step.node.op.partner_slot(step.slot)
    if partner is not None:
        met = f"the {stage.slots.tensor(partner)} it met"
    elsewhere = np.where(empty, Status.PADDING, Status.DONE).astype(np.uint8)
    products = elsewhere.copy()
    if now is not None:
        products[now + 1 :][~empty[now + 1 :]] = Status.BLANK
    out = collected.links.index[0], step.upstream_shape

    local = stage.partly(
        "local",
        f"∂{made}/∂{name}",
        collected.links.local[0],
        elsewhere,
        note=met,
        shape=shape,
        now=now,
        element=_named(stage, step.layer, *out, "∂{}/∂" + name),
    )
    upstream = stage.partly(
        "upstream",
        f"upstream ∂{stage.root}/∂{made}",
        collected.upstream[0],
        elsewhere,
        shape=shape,
        sign="×",
        now=now,
        element=_named(stage, f"grad({step.layer})", *out),
    )
    product = stage.partly(
        "products",
        "products",
        collected.products[0],
        products,
        shape=shape,
        sign="=",
        now=now,
        element=_named(stage, step.layer, *out, "product at {}"),
    )
    return [local, upstream, product, _total(stage, collected, now)]


def _total(stage: Stage, collected: Collected, now: int | None) -> Note:
    sums = collected.sums[0]
    if now is None or stage.state.complete:
        return Note(f"Σ = {short(float(sums[-1]))}", "strong")
    return Note(f"Σ so far {short(float(sums[now]))}…", "strong")


def _shares(stage: Stage, step: Step) -> list[Block]:
    """Scatter order: one upstream number × the local grid = the shares that it gives."""
    shares, term = stage.state.shares, stage.state.place.term
    assert shares is not None
    assert step.node is not None
    element = stage.state.place.element or 0
    made = stage.names.element(step.layer, element, step.upstream_shape)
    shape = _grid_shape(step.node.op.row_grid(step.slot))
    status = np.where(shares.links.met[0], Status.DONE, Status.PADDING).astype(np.uint8)
    read = stage.names.tensor(step.tensor)

    target = shares.target, step.shape
    local = _named(stage, step.tensor, *target, f"∂{made}/∂" + "{}")
    share = _named(stage, step.writes, *target, "share of {}")
    upstream = stage.names.element(f"grad({step.layer})", element, step.upstream_shape)
    return [
        stage.partly("local", f"∂{made}/∂{read}", shares.links.local[0], status, shape=shape, now=term, element=local),
        Note(f"× upstream {upstream} = {short(shares.upstream)}", "strong"),
        stage.partly("products", "shares", shares.products, status, shape=shape, sign="=", now=term, element=share),
        Note(f"each is added to its element of {stage.names.tensor(step.writes)}", "caption"),
    ]


def _named(stage: Stage, tensor: str, index: IntArray, shape: Shape, words: str = "{}") -> Callable[[int], str]:
    """What a cell is called: `words` with the element of the tensor that it stands for."""
    return lambda k: words.format(stage.names.element(tensor, int(index[k]), shape)) if index[k] >= 0 else "empty"


def _grid_shape(shape: Shape) -> Shape:
    """The layout without leading ones."""
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


# -- update ---------------------------------------------------------------------------------------------


def _update(stage: Stage, step: Step) -> list[Block]:
    optimizer = stage.state.iteration.updates[step.tensor].optimizer
    blocks: list[Block] = [Note("no derivative here:", "caption"), Note(optimizer.tell(), "strong")]
    if stage.state.terms is not None and stage.state.place.element is not None:
        last = stage.state.place.term
        shown = stage.state.terms[: len(stage.state.terms) if last is None else last + 1]
        blocks += [Note(f"{term.does} = {short(term.result)}") for term in shown]
    count = count_of(int(np.prod(step.shape)), "element")
    return [*blocks, Note(f"{stage.names.tensor(step.tensor)} has {count}", "caption")]
