"""A convolution seen as convolutions of whole tensors: what slides over what, turned, spread and padded how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import numpy.typing as npt

from convstep.engine.state import Status
from convstep.engine.sums import Floats
from convstep.explain.views.sheet import Codes, OtherView, Sheet, at_one, elements_of, products_of, zeros_put_in
from convstep.explain.views.site import Site
from convstep.explain.views.sums import beside_bias, forward_pairs, with_bias
from convstep.ops.base import IntArray, Shape
from convstep.ops.conv.conv import Conv1d, Conv2d, Conv3d
from convstep.ops.indices import unravel

Conv = Conv1d | Conv2d | Conv3d

_TAKES_PART = "0 that is put in"


def convolutions(site: Site) -> Iterator[OtherView]:
    """Forward a window that slides; backward a full convolution, or a correlation with the upstream gradient."""
    op = site.op
    if not isinstance(op, Conv) or op.padding_mode != "zeros":
        return
    planes = Planes(site, op)
    if not site.is_backward:
        yield planes.sliding()
    elif site.step.slot == 0:
        yield planes.full_convolution()
    elif site.step.slot == 1:
        yield planes.correlation()


@dataclass(frozen=True)
class Planes:
    """The planes of one convolution around one element; an index over planes is (plane, *places)."""

    site: Site
    op: Conv

    @property
    def before(self) -> Shape:
        return tuple(before for before, _ in self.op.pads)

    @property
    def padded(self) -> Shape:
        sizes = zip(self.op.window.size, self.op.pads, strict=True)
        return tuple(size + before + after for size, (before, after) in sizes)

    @property
    def spread(self) -> Shape:
        """The size of the upstream gradient with zeros between its elements."""
        return tuple((n - 1) * s + 1 for n, s in zip(self.op.window.outputs, self.op.stride, strict=True))

    # -- what slides over what

    def sliding(self) -> OtherView:
        """Forward: the kernel on the padded input."""
        site, op = self.site, self.op
        channels, per_group, _, outputs = op.counts
        sample, made, place = (int(a) for a in unravel(site.element, (op.batch, op.out_channels, outputs)))
        first = made // per_group * channels
        full, _, weights, bias = forward_pairs(site, op)
        _, channel, *taps = unravel(weights[full], op.weight_shape)
        at = self._window(unravel(place, op.window.outputs), taps)
        shape, kernel = (channels, *self.padded), (channels, *op.kernel_size)
        planes = sample * op.channels + first
        terms = np.ravel_multi_index((channel, *at), shape)
        taken = weights[full] % prod(kernel)
        sheets = (
            self._input("padded", shape, lambda plane: planes + plane, beside_bias(terms, bias)),
            Sheet(
                f"kernel {site.names.tensor(site.key(1))}",
                kernel,
                elements_of(site.operand(1), lambda index: made * prod(kernel) + index),
                beside_bias(taken, bias),
                lambda k: site.name(1, made * prod(kernel) + k),
                "×",
            ),
        )
        parts = with_bias(site, products_of(*sheets, len(full)), bias)
        made_of = f"{site.written} is where the kernel stands on the padded input"
        return OtherView("sliding window", made_of, sheets, parts)

    def full_convolution(self) -> OtherView:
        """The input's gradient: the kernel turned by 180° over the upstream gradient, spread and padded."""
        site, op = self.site, self.op
        channels, per_group, _, _ = op.counts
        sample, channel, place = (int(a) for a in unravel(site.element, (op.batch, op.channels, prod(op.window.size))))
        first = channel // channels * per_group
        reach = tuple(d * (k - 1) for d, k in zip(op.dilation, op.kernel_size, strict=True))
        shape = (per_group, *(n + r for n, r in zip(op.window.size, reach, strict=True)))
        left = tuple(r - before for r, before in zip(reach, self.before, strict=True))
        kernel = (per_group, *op.kernel_size)
        fed, _, *taps = unravel(site.partner, op.weight_shape)
        turned = [k - 1 - t for k, t in zip(op.kernel_size, taps, strict=True)]
        at = [p + t * d for p, t, d in zip(unravel(place, op.window.size), turned, op.dilation, strict=True)]
        upstream = np.ravel_multi_index((fed - first, *at), shape)
        tap = np.ravel_multi_index((fed - first, *turned), kernel)

        def weight(index: IntArray) -> IntArray:
            plane, *back = unravel(index, kernel)
            taps = tuple(k - 1 - t for k, t in zip(op.kernel_size, back, strict=True))
            return op.weight_at(first + plane, np.full(index.shape, channel), _flat(taps, op.kernel_size))

        spread = self._spread(shape, left, lambda plane: sample * op.out_channels + first + plane, upstream)
        turned_kernel = Sheet(
            f"{site.names.tensor(site.key(1))} turned by 180°",
            kernel,
            elements_of(site.operand(1), weight),
            tap,
            lambda k: site.name(1, at_one(weight, k)),
            "×",
        )
        corner = unravel(place, op.window.size)

        def under(index: IntArray) -> IntArray:
            plane, *back = unravel(index, kernel)
            return _flat((plane, *(p + t * d for p, t, d in zip(corner, back, op.dilation, strict=True))), shape)

        products = self._products(kernel, spread, turned_kernel, under, tap)
        words = f"{site.written} is where the turned kernel stands on {site.upstream_title}"
        words += f", {self._how_spread(left)}" if self._how_spread(left) else ""
        view = (spread, turned_kernel, products)
        return OtherView("full convolution", words, view, products_of(spread, turned_kernel, len(tap)))

    def correlation(self) -> OtherView:
        """The kernel's gradient: the upstream gradient, spread, over the padded input."""
        site, op = self.site, self.op
        channels, per_group, _, outputs = op.counts
        made, channel, *tap = (int(a) for a in unravel(site.element, op.weight_shape))
        read = made // per_group * channels + channel
        sample, _, place = unravel(site.outs, (op.batch, op.out_channels, outputs))
        places = unravel(place, op.window.outputs)
        shape, spread_shape = (op.batch, *self.padded), (op.batch, *self.spread)
        on_input = _flat((sample, *self._window(places, tap)), shape)
        on_upstream = _flat((sample, *(p * s for p, s in zip(places, op.stride, strict=True))), spread_shape)
        x = self._input("padded", shape, lambda plane: plane * op.channels + read, on_input)
        spread = self._spread(spread_shape, (0,) * op.axes, lambda plane: plane * op.out_channels + made, on_upstream)

        def under(index: IntArray) -> IntArray:
            plane, *at = unravel(index, spread_shape)
            return _flat((plane, *(p + t * d for p, t, d in zip(at, tap, op.dilation, strict=True))), shape)

        products = self._products(spread_shape, x, spread, under, on_upstream)
        words = f"{site.written} is where {site.upstream_title} stands as a kernel on the padded input"
        how = self._how_spread((0,) * op.axes)
        view = (x, replace(spread, sign="×"), products)
        return OtherView(
            "correlation", words + (f", {how}" if how else ""), view, products_of(x, spread, len(on_input))
        )

    # -- the sheets

    def _window(self, places: tuple[IntArray, ...], taps: Sequence[IntArray | int]) -> list[IntArray]:
        """Where on the padded input an output's taps are."""
        each = zip(places, self.op.stride, taps, self.op.dilation, strict=True)
        return [np.asarray(p * s + t * d) for p, s, t, d in each]

    def _input(self, how: str, shape: Shape, plane: Callable[[IntArray], IntArray], terms: IntArray) -> Sheet:
        site, sizes, before = self.site, self.op.window.size, self.before

        def element(index: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
            number, *at = unravel(index, shape)
            inner = [a - b for a, b in zip(at, before, strict=True)]
            real = np.logical_and.reduce([(i >= 0) & (i < n) for i, n in zip(inner, sizes, strict=True)])
            clipped = [np.clip(i, 0, n - 1) for i, n in zip(inner, sizes, strict=True)]
            return plane(number) * prod(sizes) + _flat(tuple(clipped), sizes), real

        name = f"{site.names.tensor(site.key(0))}{f', {how}' if any(map(sum, self.op.pads)) else ''}"
        return _sheet(name, shape, element, site.operand(0), terms, lambda i: site.name(0, i), "")

    def _spread(self, shape: Shape, left: Shape, plane: Callable[[IntArray], IntArray], terms: IntArray) -> Sheet:
        """The upstream gradient with zeros between its elements, the first of them at `left`."""
        site, outputs, stride = self.site, self.op.window.outputs, self.op.stride

        def element(index: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
            number, *at = unravel(index, shape)
            split = [np.divmod(a - b, s) for a, b, s in zip(at, left, stride, strict=True)]
            inside = [(r == 0) & (q >= 0) & (q < n) for (q, r), n in zip(split, outputs, strict=True)]
            clipped = [np.clip(q, 0, n - 1) for (q, _), n in zip(split, outputs, strict=True)]
            return plane(number) * prod(outputs) + _flat(tuple(clipped), outputs), np.logical_and.reduce(inside)

        title = site.upstream_title + (", spread" if max(stride) > 1 else "")
        return _sheet(title, shape, element, site.gradient, terms, site.upstream_name, "")

    def _products(
        self, shape: Shape, upper: Sheet, lower: Sheet, under: Callable[[IntArray], IntArray], terms: IntArray
    ) -> Sheet:
        """What lies on what, multiplied; blank where the term is still to come."""
        done = self.site.done
        coming = terms[:0] if done is None else terms[done:]

        def cells(index: IntArray) -> tuple[Floats, Codes]:
            (a, on_a), (b, on_b) = upper.cells(under(index)), lower.cells(index)
            status = np.maximum(on_a, on_b)
            status[np.isin(index, coming)] = Status.BLANK
            with np.errstate(all="ignore"):
                return np.where(status == Status.DONE, a * b, 0.0), status

        return Sheet("products", shape, cells, terms, lambda k: f"{upper.name(at_one(under, k))}·{lower.name(k)}", "=")

    def _how_spread(self, left: Shape) -> str:
        """`with zeros put in between (stride 2) and around (1)`."""
        stride = max(self.op.stride)
        parts = [f"between its elements (stride {stride})"] if stride > 1 else []
        parts += [f"around it ({'×'.join(map(str, left))})"] if max(left) > 0 else []
        cropped = min(left) < 0
        zeros = f"with zeros {' and '.join(parts)}" if parts else ""
        return zeros + (", its edge cropped by the padding" if cropped else "")


def _sheet(
    title: str,
    shape: Shape,
    element: Callable[[IntArray], tuple[IntArray, npt.NDArray[np.bool_]]],
    tensor: Floats,
    terms: IntArray,
    name: Callable[[int], str],
    sign: str,
) -> Sheet:
    """A tensor among zeros that are put in."""

    def cells(index: IntArray) -> tuple[Floats, Codes]:
        at, real = element(index)
        return zeros_put_in(tensor[at].astype(np.float64), real)

    def named(k: int) -> str:
        at, real = element(np.array([k]))
        return name(int(at[0])) if real[0] else _TAKES_PART

    return Sheet(title, shape, cells, terms, named, sign)


def _flat(at: tuple[IntArray, ...], shape: Shape) -> IntArray:
    """Flat indices of places within a shape."""
    return np.asarray(np.ravel_multi_index(tuple(np.broadcast_arrays(*at)), shape))
