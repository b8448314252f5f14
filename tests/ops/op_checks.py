"""What every operation is held to. Each check raises AssertionError; `CHECKS` are all of them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
from op_cases import call

from convstep.ops.base import OUTPUT, Array, Call, Empty, Links, Operation, Spec
from convstep.ops.expression import evaluate
from convstep.ops.terms import empties


class Names:
    """Plain names: `x0[3]`, `out[0]`."""

    def tensor(self, slot: int) -> str:
        return "out" if slot == OUTPUT else f"x{slot}"

    def element(self, slot: int, index: int) -> str:
        return f"{self.tensor(slot)}[{index}]"

    def number(self, value: float) -> str:
        return f"{value:g}"


def _upstream(made: Call, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=made.output.shape).astype(made.output.dtype)


def _float_slots(op: Operation, operands: tuple[Array, ...]) -> list[int]:
    """The operands that can have a gradient."""
    return [slot for slot in range(len(operands)) if op.is_differentiable(slot)]


def _linked_slots(op: Operation) -> range:
    """Inputs and parameters; buffers and masks have no derivatives."""
    return range(len(op.inputs) + len(op.parameters))


def _rows(op: Operation, made: Call, slot: int) -> Links:
    return op.row(made, slot, np.arange(made.output.size))


def _columns(op: Operation, made: Call, slot: int) -> Links:
    return op.column(made, slot, np.arange(made.operands[slot].size))


def _gradients(op: Operation, made: Call, upstream: Array) -> list[Array | None]:
    wanted = [op.is_differentiable(slot) for slot in range(len(made.operands))]
    return op.vjp(made, upstream, wanted)


def output_is_as_declared(op: Operation, operands: tuple[Array, ...]) -> None:
    before = [operand.copy() for operand in operands]
    made = call(op, operands)
    assert (made.output.shape, made.output.dtype) == (op.output.shape, op.output.dtype)
    upstream = _upstream(made)
    kept = upstream.copy()
    gradients = _gradients(op, made, upstream)
    for slot, (operand, gradient, copy) in enumerate(zip(operands, gradients, before, strict=True)):
        assert np.array_equal(operand, copy), "an operand was changed"
        if op.is_differentiable(slot):
            assert gradient is not None
            assert (gradient.shape, gradient.dtype) == (operand.shape, operand.dtype)
    assert np.array_equal(upstream, kept), "the upstream gradient was changed"
    assert all(gradient is None for gradient in op.vjp(made, upstream, [False] * len(operands)))
    shapes = [op.operand_shape(slot) for slot in (*range(len(operands)), OUTPUT)]
    assert shapes == [*(operand.shape for operand in operands), made.output.shape]


def links_are_well_formed(op: Operation, operands: tuple[Array, ...]) -> None:
    made = call(op, operands)
    for slot in _linked_slots(op):
        for links, grid, count, limit in (
            (_rows(op, made, slot), op.row_grid(slot), made.output.size, operands[slot].size),
            (_columns(op, made, slot), op.column_grid(slot), operands[slot].size, made.output.size),
        ):
            assert links.index.shape == (count, prod(grid)), "the count is not the grid's"
            assert links.local.shape == links.index.shape
            assert links.local.dtype == np.float64
            empty = np.zeros(links.index.shape) if links.empty is None else links.empty
            # A weight that met padding has an output, and no partner: its index stands, and it is empty.
            assert (empty[links.index == -1] != Empty.NO).all(), "nothing is met, and no reason is given"
            assert ((links.index >= -1) & (links.index < limit)).all()
            assert (links.local[empty != Empty.NO] == 0).all()
            assert (links.partner is None) == (op.partner_slot(slot) is None)
        for row in _columns(op, made, slot).index:
            assert (np.diff(row[row >= 0]) >= 0).all(), "a column does not ascend"
    for slot in range(len(_linked_slots(op)), len(operands)):
        # Buffers and masks have no columns, but what is read of them is shown.
        index = _rows(op, made, slot).index
        assert index.shape == (made.output.size, prod(op.row_grid(slot)))
        assert ((index >= -1) & (index < operands[slot].size)).all()


def rows_give_vjp(op: Operation, operands: tuple[Array, ...]) -> None:
    made = call(op, operands)
    upstream = _upstream(made)
    gradients = _gradients(op, made, upstream)
    for slot in _float_slots(op, operands):
        links, gradient = _rows(op, made, slot), gradients[slot]
        assert gradient is not None
        share = links.local * upstream.reshape(-1, 1)
        full = links.index >= 0
        total = np.bincount(links.index[full], share[full], minlength=gradient.size)
        np.testing.assert_allclose(total, gradient.reshape(-1), rtol=1e-11, atol=1e-12)


def products_add_up_to_vjp(op: Operation, operands: tuple[Array, ...]) -> None:
    """What is stepped through, Σ local × upstream, is what was recorded, within the rounding of such a sum."""
    made = call(op, operands)
    upstream = _upstream(made)
    gradients = _gradients(op, made, upstream)
    for slot in _float_slots(op, operands):
        links, gradient = _columns(op, made, slot), gradients[slot]
        assert gradient is not None
        products = links.local * upstream.reshape(-1)[links.index]
        error = np.abs(products.sum(axis=1) - gradient.reshape(-1))
        slack = (products.shape[1] + 4) * np.finfo(np.float64).eps * np.abs(products).sum(axis=1)
        assert (error <= slack).all(), f"off by {(error / np.maximum(slack, 1e-300)).max():.3g} times the rounding"


def rows_and_columns_are_transposes(op: Operation, operands: tuple[Array, ...]) -> None:
    """Duplicates count: the links are compared as multisets."""
    made = call(op, operands)
    for slot in _linked_slots(op):
        rows, columns = _rows(op, made, slot), _columns(op, made, slot)
        by_row, by_column = _triples(rows), _triples(columns)[:, [1, 0, 2, 3]]
        by_row, by_column = (t[np.lexsort(t.T[::-1])] for t in (by_row, by_column))
        assert by_row.shape == by_column.shape, "not the same number of links"
        assert np.array_equal(by_row[:, :3], by_column[:, :3])
        np.testing.assert_allclose(by_row[:, 3], by_column[:, 3], rtol=1e-13, atol=1e-300)


def met(links: Links) -> Array:
    """Which links are not empty."""
    return links.index >= 0 if links.empty is None else links.empty == Empty.NO


def _triples(links: Links) -> Array:
    """(here, there, partner, local) of every link that is not empty."""
    full = met(links)
    here = np.broadcast_to(np.arange(len(links.index))[:, None], links.index.shape)
    partner = np.full(links.index.shape, -1) if links.partner is None else links.partner
    return np.stack([here[full], links.index[full], partner[full], links.local[full]], axis=1)


def terms_end_in_forward(op: Operation, operands: tuple[Array, ...]) -> None:
    made = call(op, operands)
    for out in range(made.output.size):
        terms = op.terms(made, out)
        assert len(terms) == op.term_count()
        everything = list(terms)
        last = everything[-1]
        assert last.holds is not None
        np.testing.assert_allclose(last.holds, made.value(OUTPUT, out), rtol=1e-12, atol=1e-12)
        assert terms[-1] == last
        assert list(terms[: len(terms)]) == everything
        for term in everything:
            for read in term.reads:
                if isinstance(read.slot, int) and read.index >= 0:
                    assert read.value == made.value(read.slot, read.index)
            if term.is_product and not term.empty:
                np.testing.assert_allclose(term.result, prod(read.value for read in term.reads), rtol=1e-15)
            assert not term.empty or term.result == 0


def terms_build_on_each_other(op: Operation, operands: tuple[Array, ...]) -> None:
    """A running sum grows by its term's result; what a term reads under a word was made before it (or is a weight)."""
    made = call(op, operands)
    for out in range(made.output.size):
        sums, results = [0.0], []
        for term in op.terms(made, out):
            for read in term.reads:
                if isinstance(read.slot, str) and read.slot != "weight":
                    assert np.isclose(read.value, [*sums, *results], rtol=1e-12).any(), (
                        f"{read.slot} comes from nowhere"
                    )
            results.append(term.result)
            if term.sum is not None:
                assert np.isclose(term.sum - term.result, sums, rtol=1e-9).any(), "the sum does not run"
                sums.append(term.sum)


def terms_follow_rows(op: Operation, operands: tuple[Array, ...]) -> None:
    """Whatever a row reads, the terms read, and products in the very order."""
    made = call(op, operands)
    for out in range(made.output.size):
        terms = list(op.terms(made, out))
        for slot in _linked_slots(op):
            row = op.row(made, slot, np.array([out])).index[0]
            read = [r.index for t in terms for r in t.reads if r.slot == slot]
            if all(t.is_product for t in terms):
                assert read == row.tolist(), "the terms have another order than the row"
            elif row[row >= 0].size and read:
                assert set(read) <= set(row.tolist())


def formula_gives_the_element(op: Operation, operands: tuple[Array, ...]) -> None:
    made = call(op, operands)
    for out in range(made.output.size):
        value = evaluate(op.formula(made, out), lambda e: made.value(e.slot, e.index))
        np.testing.assert_allclose(value, made.value(OUTPUT, out), rtol=1e-11, atol=1e-12)


def derivatives_give_the_locals(op: Operation, operands: tuple[Array, ...]) -> None:
    made = call(op, operands)
    for slot in _linked_slots(op):
        links = _columns(op, made, slot)
        for into, row in enumerate(links.index):
            for k in np.flatnonzero(met(links)[into]):
                out = row[k]
                partner = -1 if links.partner is None else int(links.partner[into, k])
                written = op.derivative(made, slot, int(out), into, partner)
                value = evaluate(written, lambda e: made.value(e.slot, e.index))
                local = links.local[into, k] if links.partner is not None else links.local[into][row == out].sum()
                np.testing.assert_allclose(value, local, rtol=1e-10, atol=1e-12)


def central_differences_agree(op: Operation, operands: tuple[Array, ...], step: float = 1e-5) -> None:
    made = call(op, operands)
    upstream = _upstream(made)
    gradients = _gradients(op, made, upstream)

    def loss(slot: int, index: int, by: float) -> float:
        moved = operands[slot].copy()
        moved.reshape(-1)[index] += by
        changed = (*operands[:slot], moved, *operands[slot + 1 :])
        return float((op.forward(changed, {}) * upstream).sum())

    for slot in _float_slots(op, operands):
        gradient = gradients[slot]
        assert gradient is not None
        for index in range(operands[slot].size):
            slope = (loss(slot, index, step) - loss(slot, index, -step)) / (2 * step)
            np.testing.assert_allclose(slope, gradient.reshape(-1)[index], rtol=1e-6, atol=1e-7)


def float32_stays(op: Operation, operands: tuple[Array, ...]) -> None:
    single = tuple(o.astype(np.float32) if o.dtype.kind == "f" else o for o in operands)
    inputs = [Spec(o.shape, o.dtype) for o in single[: len(op.inputs)]]
    bound = op.bind(inputs, op.training, np.dtype(np.float32))
    output_is_as_declared(bound, single)
    made, exact = call(bound, single), call(op, operands)
    np.testing.assert_allclose(made.output, exact.output, rtol=2e-5, atol=2e-5)
    assert made.output.dtype == np.float32
    for slot in _float_slots(op, operands):
        assert _rows(bound, made, slot).local.dtype == np.float64


def words_name_what_they_speak_of(op: Operation, operands: tuple[Array, ...]) -> None:
    made, names = call(op, operands), Names()
    assert "x0" in op.tell(names)
    out = made.output.size - 1
    assert op.tell_element(made, out, names)
    assert all(term.does or term.is_product for term in op.terms(made, out))
    for title, numbers in op.intermediates(made, out):
        assert title
        assert numbers.size
    for slot in _linked_slots(op):
        links = _columns(op, made, slot)
        for into in {0, len(links.index) - 1}:
            for k in np.flatnonzero(met(links)[into])[:4]:
                partner = -1 if links.partner is None else int(links.partner[into, k])
                out = int(links.index[into, k])
                text = op.tell_link(made, slot, out, into, partner, names)
                assert f"x{slot}[{into}]" in text
                assert f"out[{out}]" in text
                if op.at_kink(made, slot, np.array([out]), np.array([into]))[0] and op.is_differentiable(slot):
                    assert "torch" in text or "counts as" in text


def empties_are_those_of_the_terms(op: Operation, operands: tuple[Array, ...]) -> None:
    made = call(op, operands)
    told = np.array([empties(op.terms(made, out)) for out in range(made.output.size)])
    codes = op.empties(np.arange(made.output.size))
    if codes is None:
        assert (told == Empty.NO).any(axis=-1).all(), "an element of empty terms alone"
    else:
        assert np.array_equal(codes, told)


CHECKS: list[Callable[[Operation, tuple[Array, ...]], None]] = [
    output_is_as_declared,
    links_are_well_formed,
    rows_give_vjp,
    products_add_up_to_vjp,
    rows_and_columns_are_transposes,
    terms_end_in_forward,
    terms_build_on_each_other,
    terms_follow_rows,
    formula_gives_the_element,
    derivatives_give_the_locals,
    central_differences_agree,
    float32_stays,
    words_name_what_they_speak_of,
    empties_are_those_of_the_terms,
]
