"""A linear layer as a product of two matrices, and its weight's gradient as a sum of outer products."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from convstep.engine.sums import Floats
from convstep.explain.views.sheet import Codes, OtherView, Sheet, at_one, elements_of, products_of
from convstep.explain.views.site import Site
from convstep.explain.views.sums import beside_bias, forward_pairs, with_bias, written
from convstep.ops.base import OUTPUT, IntArray
from convstep.ops.linear.linear import Linear


def matrices(site: Site) -> Iterator[OtherView]:
    """The product of two matrices; the weight's gradient also as outer products."""
    if not isinstance(site.op, Linear) or site.step.slot == 2:
        return
    layer = Matrices(site, site.op)
    if not site.is_backward:
        yield layer.forward()
    elif site.step.slot == 0:
        yield layer.input_gradient()
    else:
        yield layer.weight_gradient()
        yield layer.outer_products()


@dataclass(frozen=True)
class Matrices:
    """The matrices of a linear layer: x (rows × into), weight (out × into), upstream (rows × out)."""

    site: Site
    op: Linear

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Rows, numbers read of each, numbers made of each."""
        return self.op.rows, self.op.inputs[0].shape[-1], self.op.out_features

    def title(self, slot: int) -> str:
        return self.site.names.tensor(self.site.key(slot))

    def _operand(self, slot: int, terms: IntArray, sign: str = "") -> Sheet:
        rows, into, out = self.sizes
        shape, site = (out if slot else rows, into), self.site
        cells = elements_of(site.operand(slot), lambda index: index)
        return Sheet(self.title(slot), shape, cells, terms, lambda k: site.name(slot, k), sign)

    def forward(self) -> OtherView:
        """X × weight transposed."""
        site, (rows, into, out) = self.site, self.sizes
        full, inputs, _, bias = forward_pairs(site, self.op)
        left = self._operand(0, beside_bias(inputs, bias))
        terms = beside_bias(full * out + site.element % out, bias)
        right = _turned(self.title(1), (into, out), site.operand(1), terms, lambda k: site.name(1, k), "×")
        target = np.full(len(left.terms), site.element)
        result = written(site, site.key(OUTPUT), (rows, out), lambda index: index, target)
        parts = with_bias(site, products_of(left, right, len(full)), bias)
        words = f"{site.written} is a row of {left.title} times a column of {right.title}"
        return OtherView("matrix product", words, (left, right, result), parts)

    def input_gradient(self) -> OtherView:
        """Upstream × weight."""
        site, (rows, into, out) = self.site, self.sizes
        cells = elements_of(site.gradient, lambda index: index)
        left = Sheet(site.upstream_title, (rows, out), cells, site.outs, site.upstream_name)
        right = self._operand(1, site.partner, "×")
        target = np.full(len(site.outs), site.element)
        result = written(site, site.step.writes, (rows, into), lambda index: index, target)
        words = f"{site.written} is a row of {left.title} times a column of {right.title}"
        return OtherView("matrix product", words, (left, right, result), products_of(left, right, len(target)))

    def weight_gradient(self) -> OtherView:
        """Upstream transposed × x."""
        site, (rows, into, out) = self.site, self.sizes
        terms = site.element // into * rows + site.outs // out
        left = _turned(site.upstream_title, (out, rows), site.gradient, terms, site.upstream_name)
        right = self._operand(0, site.partner, "×")
        target = np.full(len(site.outs), site.element)
        result = written(site, site.step.writes, (out, into), lambda index: index, target)
        words = f"{site.written} is a row of {left.title} times a column of {right.title}"
        return OtherView("matrix product", words, (left, right, result), products_of(left, right, len(target)))

    def outer_products(self) -> OtherView:
        """One row of the batch at a time: its upstream gradient, a column, times its input, a row."""
        site, (_, into, out) = self.site, self.sizes
        row = site.outs // out
        count, (unit, feature) = len(row), divmod(site.element, into)
        now = int(row[-1 if site.done is None else max(site.done - 1, 0)])
        left = elements_of(site.gradient, lambda index: now * out + index)
        right = elements_of(site.operand(0), lambda index: now * into + index)

        def cells(index: IntArray) -> tuple[Floats, Codes]:
            (a, status), (b, _) = left(index // into), right(index % into)
            with np.errstate(all="ignore"):
                return a * b, status

        def above(k: int) -> str:
            return site.upstream_name(now * out + k)

        def beside(k: int) -> str:
            return site.name(0, now * into + k)

        sheets = (
            Sheet(site.upstream_title, (out, 1), left, np.full(count, unit), above),
            Sheet(self.title(0), (1, into), right, np.full(count, feature), beside, "×"),
            Sheet(
                "outer product",
                (out, into),
                cells,
                np.full(count, site.element),
                lambda k: f"{above(k // into)}·{beside(k % into)}",
                "=",
            ),
        )
        with np.errstate(all="ignore"):
            parts = site.gradient[row * out + unit].astype(np.float64) * site.operand(0)[row * into + feature]
        which = f" (here row {now + 1} of {count})" if count > 1 else ""
        words = (
            f"each row of the batch gives an outer product{which}; {site.names.tensor(site.step.writes)} is their sum"
        )
        return OtherView("outer products", words, sheets, np.asarray(parts, np.float64))


def _turned(
    title: str,
    shape: tuple[int, int],
    tensor: Floats,
    terms: IntArray,
    name: Callable[[int], str],
    sign: str = "",
) -> Sheet:
    """A matrix transposed; `shape` is the transposed one."""
    rows, columns = shape

    def at(index: IntArray) -> IntArray:
        return np.asarray(index % columns * rows + index // columns)

    cells = elements_of(tensor, at)
    return Sheet(f"{title} transposed", shape, cells, terms, lambda k: name(at_one(at, k)), sign)
