"""A convolution as one product of matrices, by im2col, and its way back by col2im."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from convstep.engine.state import Status
from convstep.engine.sums import Floats
from convstep.explain.views.convolution import Conv
from convstep.explain.views.sheet import Codes, OtherView, Sheet, at_one, elements_of, products_of, zeros_put_in
from convstep.explain.views.site import Site
from convstep.explain.views.sums import beside_bias, forward_pairs, with_bias, written
from convstep.ops.base import OUTPUT, IntArray
from convstep.ops.indices import unravel


def im2col(site: Site) -> Iterator[OtherView]:
    """A convolution as one product of matrices: every window of the input is a column."""
    if isinstance(site.op, Conv) and site.step.slot != 2:
        columns = Columns(site, site.op)
        if not site.is_backward:
            yield columns.forward()
        elif site.step.slot == 0:
            yield columns.input_gradient()
        else:
            yield columns.weight_gradient()


@dataclass(frozen=True)
class Columns:
    """The matrices of one group of a convolution's channels: windows side by side, sample after sample."""

    site: Site
    op: Conv

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Output channels of the group, numbers in a window, windows of all samples."""
        channels, per_group, taps, outputs = self.op.counts
        return per_group, channels * taps, self.op.batch * outputs

    def _matrix(self, made: IntArray, window: IntArray) -> IntArray:
        """Elements of an output-shaped tensor by channel and window."""
        outputs = self.op.counts[3]
        sample, place = np.divmod(window, outputs)
        return np.asarray((sample * self.op.out_channels + made) * outputs + place)

    def _columns(self, group: int, transposed: bool, terms: IntArray, sign: str) -> Sheet:
        """The input as columns, or one row a window."""
        site, op = self.site, self.op
        channels, _, taps, outputs = op.counts
        _, height, width = self.sizes

        def element(index: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
            window, row = np.divmod(index, height) if transposed else np.divmod(index, width)[::-1]
            channel, tap = np.divmod(row, taps)
            sample, place = np.divmod(window, outputs)
            position = op.window.at(place, tap)
            plane = sample * op.channels + group * channels + channel
            return plane * prod(op.window.size) + position, position >= 0

        def cells(index: IntArray) -> tuple[Floats, Codes]:
            at, real = element(index)
            return zeros_put_in(site.operand(0)[at].astype(np.float64), real)

        def name(k: int) -> str:
            at, real = element(np.array([k]))
            return site.name(0, int(at[0])) if real[0] else "0 of the padding"

        shape = (width, height) if transposed else (height, width)
        what = "a row a window" if transposed else "a column a window"
        title = f"{site.names.tensor(site.key(0))} as {'rows' if transposed else 'columns'}"
        return Sheet(title, shape, cells, terms, name, sign, what)

    def _weight(self, first: int, transposed: bool, terms: IntArray, sign: str) -> Sheet:
        site = self.site
        per_group, height, _ = self.sizes

        def at(index: IntArray) -> IntArray:
            row, made = np.divmod(index, per_group) if transposed else np.divmod(index, height)[::-1]
            return np.asarray((first + made) * height + row)

        shape = (height, per_group) if transposed else (per_group, height)
        title = site.names.tensor(site.key(1)) + (" transposed" if transposed else "")
        note = "a column an output channel" if transposed else "a row an output channel"
        return Sheet(
            title, shape, elements_of(site.operand(1), at), terms, lambda k: site.name(1, at_one(at, k)), sign, note
        )

    def _upstream(self, first: int, terms: IntArray, sign: str) -> Sheet:
        site = self.site
        per_group, _, width = self.sizes

        def at(index: IntArray) -> IntArray:
            made, window = np.divmod(index, width)
            return self._matrix(first + made, window)

        cells = elements_of(site.gradient, at)
        return Sheet(
            site.upstream_title, (per_group, width), cells, terms, lambda k: site.upstream_name(at_one(at, k)), sign
        )

    def forward(self) -> OtherView:
        """Weights × columns."""
        site, op = self.site, self.op
        _, per_group, _, outputs = op.counts
        _, height, width = self.sizes
        sample, made, place = (int(a) for a in unravel(site.element, (op.batch, op.out_channels, outputs)))
        group, window = made // per_group, sample * outputs + place
        full, _, _, bias = forward_pairs(site, op)
        weight = self._weight(group * per_group, False, beside_bias(made % per_group * height + full, bias), "")
        columns = self._columns(group, False, beside_bias(full * width + window, bias), "×")

        def at(index: IntArray) -> IntArray:
            row, column = np.divmod(index, width)
            return self._matrix(group * per_group + row, column)

        target = np.full(len(columns.terms), made % per_group * width + window)
        result = written(site, site.key(OUTPUT), (per_group, width), at, target)
        parts = with_bias(site, products_of(weight, columns, len(full)), bias)
        words = f"{site.written} is one row of weights times one column, a window of the input"
        return OtherView("im2col", words, (weight, columns, result), parts)

    def weight_gradient(self) -> OtherView:
        """Upstream × columns, transposed."""
        site, op = self.site, self.op
        _, per_group, _, outputs = op.counts
        _, height, width = self.sizes
        made, row = divmod(site.element, height)
        group = made // per_group
        sample, _, place = unravel(site.outs, (op.batch, op.out_channels, outputs))
        window = sample * outputs + place
        upstream = self._upstream(group * per_group, made % per_group * width + window, "")
        columns = self._columns(group, True, window * height + row, "×")
        target = np.full(len(window), made % per_group * height + row)
        first = group * per_group * height
        result = written(site, site.step.writes, (per_group, height), lambda index: first + index, target)
        words = f"{site.written} is one row of {site.upstream_title} times one column of the windows"
        return OtherView("im2col", words, (upstream, columns, result), products_of(upstream, columns, len(window)))

    def input_gradient(self) -> OtherView:
        """Weights, transposed, × upstream gives the columns' gradient; col2im adds up what belongs together."""
        site, op = self.site, self.op
        channels, per_group, _, outputs = op.counts
        _, height, width = self.sizes
        first = int(unravel(site.element, (op.batch, op.channels, prod(op.window.size)))[1]) // channels * per_group
        sample, made, place = unravel(site.outs, (op.batch, op.out_channels, outputs))
        row, window = site.partner % height, sample * outputs + place
        weight = self._weight(first, True, row * per_group + (made - first), "")
        upstream = self._upstream(first, (made - first) * width + window, "×")
        terms = row * width + window

        def cells(index: IntArray) -> tuple[Floats, Codes]:
            at, column = np.divmod(index, width)
            each = np.arange(per_group)
            left = weight.cells(at[:, None] * per_group + each)[0]
            right = upstream.cells(each * width + column[:, None])[0]
            with np.errstate(all="ignore"):
                values = np.add.accumulate(left * right, axis=1)[:, -1]
            return values, _progress(site, terms, index)

        def name(k: int) -> str:
            return f"what window {k % width + 1} gives to its number {k // width + 1}"

        columns = Sheet("columns", (height, width), cells, terms, name, "=", "col2im adds up the marked ones")
        words = f"each window has a column of gradients; {site.written} adds up the places where it was read (col2im)"
        return OtherView("im2col", words, (weight, upstream, columns), products_of(weight, upstream, len(terms)))


def _progress(site: Site, terms: IntArray, index: IntArray) -> Codes:
    """How far the cells that terms add to are: blank, partial or done; all others are done."""
    status = np.full(index.shape, Status.DONE, np.uint8)
    if site.done is not None:
        coming, begun = np.isin(index, terms[site.done :]), np.isin(index, terms[: site.done])
        status[coming] = np.where(begun[coming], Status.PARTIAL, Status.BLANK)
    return status
