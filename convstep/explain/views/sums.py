"""The views that every operation has: the gathered sum, shares handed out, and the Jacobian."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from convstep.engine.state import Status
from convstep.engine.sums import Floats, collect
from convstep.explain.views.sheet import Codes, OtherView, Sheet, at_one, of_array
from convstep.explain.views.site import Site
from convstep.ops.base import OUTPUT, Empty, IntArray, Shape
from convstep.ops.pool.max_pool import Maximum
from convstep.ops.pool.pool import Pool
from convstep.ops.products import ProductSum, gather

MOST_CELLS = 400_000
"""Rows of the Jacobian with more numbers than this, together, are not gone through."""


def gathered(site: Site) -> Iterator[OtherView]:
    """The sum that the step takes: one product a term."""
    if site.is_backward:
        yield _gathered_gradient(site)
    elif isinstance(site.op, ProductSum):
        yield _gathered_products(site, site.op)


def _gathered_gradient(site: Site) -> OtherView:
    shape, links = site.op.column_grid(site.step.slot) or (1,), site.collected.links
    empty = ~links.met[0]
    statuses = np.where(empty, Status.PADDING, Status.DONE).astype(np.uint8)
    products = statuses.copy()
    if site.done is not None:
        products[site.full[site.done :]] = Status.BLANK
    made, target = site.names.tensor(site.step.layer), site.name(site.step.slot, site.element)

    def name(k: int) -> str:
        return "empty" if empty[k] else site.name(OUTPUT, int(links.index[0, k]))

    sheets = (
        Sheet(f"∂{made}/∂{target}", shape, of_array(links.local[0], statuses), site.full, name),
        Sheet(site.upstream_title, shape, of_array(site.collected.upstream[0], statuses), site.full, name, "×"),
        Sheet("products", shape, of_array(site.collected.products[0], products), site.full, name, "="),
    )
    return OtherView("gather", f"{site.written} collects what each element of {made} owes it", sheets, site.products)


def forward_pairs(site: Site, op: ProductSum) -> tuple[IntArray, IntArray, IntArray, int | None]:
    """Of a forward sum of products: which pairs are not empty, the inputs, the weights, and the bias."""
    inputs, weights, empty = (a[0] for a in op.pairs(np.array([site.element])))
    bias = int(op.bias_of(np.array([site.element]))[0]) if op.has_bias else None
    return np.flatnonzero(empty == Empty.NO), inputs, weights, bias


def with_bias(site: Site, products: Floats, bias: int | None) -> Floats:
    """The products, and the bias as the last term."""
    return products if bias is None else np.append(products, float(site.operand(2)[bias]))


def beside_bias(terms: IntArray, bias: int | None) -> IntArray:
    """The cells of the terms; the bias has none."""
    return terms if bias is None else np.append(terms, -1)


def _gathered_products(site: Site, op: ProductSum) -> OtherView:
    full, inputs, weights, bias = forward_pairs(site, op)
    shape = op.row_grid(1)
    statuses = np.full(len(inputs), Status.PADDING, np.uint8)
    statuses[full] = Status.DONE
    x, w = gather(site.operand(0), inputs), gather(site.operand(1), weights)
    products = statuses.copy()
    if site.done is not None:
        products[full[site.done :]] = Status.BLANK

    def name(k: int) -> str:
        return (
            "empty"
            if statuses[k] == Status.PADDING
            else f"{site.name(0, int(inputs[k]))}·{site.name(1, int(weights[k]))}"
        )

    terms = beside_bias(full, bias)
    sheets = (
        Sheet(f"{site.names.tensor(site.key(0))} read", shape, of_array(x, statuses), terms, name),
        Sheet(site.names.tensor(site.key(1)), shape, of_array(w, statuses), terms, name, "×"),
        Sheet("products", shape, of_array(x * w, products), terms, name, "="),
    )
    parts = with_bias(site, (x * w)[full], bias)
    return OtherView("gather", f"{site.written} is the sum of what it reads, times its weights", sheets, parts)


def scattered(site: Site) -> Iterator[OtherView]:
    """Backward: every upstream element hands out its shares, and they add up where they fall."""
    if not site.is_backward:
        return
    outs, taps = np.unique(site.outs), int(np.prod(site.op.row_grid(site.step.slot)))
    if not len(outs) or len(outs) * taps > MOST_CELLS:
        return
    rows = site.op.row(site.call, site.step.slot, outs)
    row, tap = np.nonzero(rows.met & (rows.index == site.element))
    # The taps of one output stand in its row as they come in the sum.
    shares = rows.local[row, tap] * site.gradient[outs[row]].astype(np.float64)
    source = int(site.outs[-1 if site.done is None else max(site.done - 1, 0)])
    here = np.full(len(site.outs), site.element)
    made = site.names.tensor(site.step.writes)
    sheets = (
        Sheet(site.upstream_title, site.step.upstream_shape, of_array(site.gradient), site.outs, site.upstream_name),
        Sheet(
            f"shares of {site.upstream_name(source)}",
            site.shape,
            lambda index: _row(site, source, index, float(site.gradient[source])),
            here,
            lambda k: f"share for {site.names.element(site.step.writes, k, site.shape)}",
            "hands out",
        ),
        Sheet(
            f"{made} so far" if site.done is not None else made,
            site.shape,
            lambda index: _so_far(site, source, index),
            here,
            lambda k: site.names.element(site.step.writes, k, site.shape),
            "added up:",
            finished=lambda index: _given(site, index),
        ),
    )
    words = f"each element of {site.upstream_title} hands out its shares; where they overlap, they add up"
    yield OtherView("scatter-add", words, sheets, shares)


def _row(site: Site, source: int, index: IntArray, upstream: float) -> tuple[Floats, Codes]:
    """What one output element's reaction to elements is, times a number; blank where it does not read them."""
    links = site.op.row(site.call, site.step.slot, np.array([source]))
    met = links.met[0]
    into, local = links.index[0][met], links.local[0][met]
    order = np.argsort(into, kind="stable")
    elements, first = np.unique(into[order], return_index=True)
    totals = np.add.reduceat(local[order], first) * upstream if len(into) else np.zeros(0)
    at = np.minimum(np.searchsorted(elements, index), max(len(elements) - 1, 0))
    hit = elements[at] == index if len(elements) else np.zeros(index.shape, bool)
    values = np.where(hit, totals[at] if len(elements) else 0.0, 0.0)
    return values, np.where(hit, Status.DONE, Status.BLANK).astype(np.uint8)


def _given(site: Site, index: IntArray) -> Floats:
    """What this step gives to elements in the end."""
    given = site.state.iteration.given[site.state.place.step]
    return np.asarray(given.reshape(-1)[index], np.float64)


def _so_far(site: Site, source: int, index: IntArray) -> tuple[Floats, Codes]:
    """What elements have received of all upstream elements up to this one; the element itself, of its terms so far."""
    collected = collect(site.step, site.state.iteration, index)
    taken = (collected.links.index >= 0) & (collected.links.index <= source)
    values = np.where(taken, collected.products, 0.0).sum(axis=1)
    later = ((collected.links.index > source) & (collected.products != 0)).any(axis=1)
    status = np.where(later, Status.PARTIAL, Status.DONE)
    status[~taken.any(axis=1)] = Status.BLANK
    if site.done is not None:
        own = index == site.element
        values[own] = site.products[: site.done].sum()
        status[own] = Status.PARTIAL
    return values, status.astype(np.uint8)


def mask(site: Site) -> Iterator[OtherView]:
    """Backward, of a pool: where in its windows each output came from, and what is handed back there."""
    if not site.is_backward or not isinstance(site.op, Pool) or not len(site.outs):
        return
    source = int(site.outs[-1 if site.done is None else max(site.done - 1, 0)])
    here = np.full(len(site.outs), site.element)
    window, written = site.name(OUTPUT, source), site.names.tensor(site.step.writes)
    sheets = (
        Sheet(
            f"mask of {window}",
            site.shape,
            lambda index: _row(site, source, index, 1.0),
            here,
            lambda k: f"∂{window}/∂{site.name(site.step.slot, k)}",
        ),
        Sheet(
            site.upstream_title,
            site.step.upstream_shape,
            of_array(site.gradient),
            site.outs,
            site.upstream_name,
            "×",
        ),
        Sheet(
            f"{written} so far" if site.done is not None else written,
            site.shape,
            lambda index: _so_far(site, source, index),
            here,
            lambda k: site.names.element(site.step.writes, k, site.shape),
            "added up:",
            finished=lambda index: _given(site, index),
        ),
    )
    took = "its largest number, 1 ×" if isinstance(site.op, Maximum) else "a share of each number"
    words = f"{window} took {took}: the same mask hands its gradient back"
    yield OtherView("mask", words, sheets, site.products)


def jacobian(site: Site) -> Iterator[OtherView]:
    """Backward, where the operation is no sum of products: upstream × Jacobian, the rows that concern the element."""
    if not site.is_backward or isinstance(site.op, ProductSum) or not len(site.outs):
        return
    slot, outs = site.step.slot, np.unique(site.outs)
    taps = int(np.prod(site.op.row_grid(slot)))
    if len(outs) * taps > MOST_CELLS:
        return
    rows = site.op.row(site.call, slot, outs)
    met = rows.met
    inputs = np.unique(rows.index[met])
    size = len(inputs)
    if len(outs) == size == 1:
        return
    column = int(np.searchsorted(inputs, site.element))

    def cells(index: IntArray) -> tuple[Floats, Codes]:
        row, into = np.divmod(index, size)
        hit = (rows.index[row] == inputs[into][:, None]) & met[row]
        values = np.where(hit, rows.local[row], 0.0).sum(axis=1)
        return values, np.where(hit.any(axis=1), Status.DONE, Status.PADDING).astype(np.uint8)

    locals_ = np.where((rows.index == site.element) & met, rows.local, 0.0).sum(axis=1)
    given = site.gradient[outs].astype(np.float64)
    place = np.searchsorted(outs, site.outs)
    made, read = site.names.tensor(site.step.layer), site.names.tensor(site.key(slot))
    products = np.full(len(outs), Status.DONE, np.uint8)
    if site.done is not None:
        products[place[site.done :]] = Status.BLANK
    sheets = (
        Sheet(site.upstream_title, (len(outs), 1), of_array(given), place, lambda k: site.upstream_name(int(outs[k]))),
        Sheet(
            f"∂{made}/∂{read}",
            (len(outs), size),
            cells,
            place * size + column,
            lambda k: f"∂{site.name(OUTPUT, int(outs[k // size]))}/∂{site.name(slot, int(inputs[k % size]))}",
            "×",
            "a row an output",
        ),
        Sheet(
            "products",
            (len(outs), 1),
            of_array(locals_ * given, products),
            place,
            lambda k: f"{site.upstream_name(int(outs[k]))} × its derivative",
            "=",
        ),
    )
    words = f"the column of {site.name(slot, site.element)} in the Jacobian, row by row times {site.upstream_title}"
    yield OtherView("Jacobian", words, sheets, locals_ * given, stepwise=len(outs) == len(site.outs))


def written(site: Site, key: str, shape: Shape, at: Callable[[IntArray], IntArray], terms: IntArray) -> Sheet:
    """What the step writes, as far as it is written, laid out as a matrix."""

    def cells(index: IntArray) -> tuple[Floats, Codes]:
        return site.state.read(key, at(index))

    def finished(index: IntArray) -> Floats:
        return site.state.recorded(key).reshape(-1)[at(index)].astype(np.float64)

    def name(cell: int) -> str:
        return site.names.element(key, at_one(at, cell), site.shape)

    return Sheet(site.names.tensor(key), shape, cells, terms, name, "=", finished=finished)
