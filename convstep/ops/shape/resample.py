"""What padding and upsampling have in common: each output reads a few inputs of its plane, with fixed weights."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from convstep.ops.axes.axis import Codes
from convstep.ops.axis_maps import AxisMap, give_all_back, read_all
from convstep.ops.base import OUTPUT, Array, Call, Empty, IntArray, Links, Naming, Operation, Read, Shape, Term, quiet
from convstep.ops.expression import Element, Expression, Number, Product, total
from convstep.ops.windows import Window

Floats = npt.NDArray[np.float64]


class Resample(Operation):
    """The last axes of the input read through one table each (`maps`); what stands before them are planes.

    With weights an output is the sum of weight · input over its taps; without, it is a copy of one input, or
    `fill` where its place has none.
    """

    @property
    def fill(self) -> float:
        """What stands where an output's place has no input."""
        return 0.0

    @cached_property
    @abstractmethod
    def maps(self) -> tuple[AxisMap, ...]:
        """One table for each of the last axes."""

    @cached_property
    def window(self) -> Window:
        return Window(tuple(m.axis for m in self.maps))

    @cached_property
    def weighs(self) -> bool:
        """Whether outputs are weighted sums, not copies."""
        return any(m.weights is not None for m in self.maps)

    @property
    def output_shape(self) -> Shape:
        return (*self.inputs[0].shape[: -len(self.maps)], *self.window.outputs)

    @property
    def kept_bytes(self) -> int:
        return self.window.nbytes

    # -- the whole tensor

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        output = read_all(operands[0], self.maps, self.fill)
        return output.copy() if output is operands[0] else output

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        return [give_all_back(upstream, self.maps) if wanted[0] else None]

    # -- which elements meet

    def _weights(self, place: IntArray, tap: IntArray) -> Floats:
        """The weight with which outputs at places of their plane read at a tap."""
        weights = np.ones(np.broadcast_shapes(place.shape, tap.shape))
        at, taps = np.unravel_index(place, self.window.outputs), np.unravel_index(tap, self.window.taps)
        for axis_map, o, t in zip(self.maps, at, taps, strict=True):
            if axis_map.weights is not None:
                weights = weights * axis_map.weights[o, t]
        return weights

    def reads(self, out: IntArray) -> tuple[IntArray, Codes, Floats]:
        """For m outputs, the input element of each tap, the `Empty` codes and the weights, (m, taps)."""
        plane, place = np.divmod(out, prod(self.window.outputs))
        position, empty = self.window.reads(place)
        full = empty == Empty.NO
        index = np.where(full, plane[:, None] * prod(self.window.size) + position, -1)
        weights = self._weights(place[:, None], np.arange(index.shape[1]))
        return index, empty, np.where(full, weights, 0.0)

    def row_grid(self, slot: int) -> Shape:
        return self.window.taps

    def column_grid(self, slot: int) -> Shape:
        return self.window.feed_grid

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        index, empty, weights = self.reads(out)
        return Links(index, weights, empty)

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        plane, place = np.divmod(into, prod(self.window.size))
        position, tap, empty = self.window.feeds(place)
        full = empty == Empty.NO
        weights = self._weights(np.where(full, position, 0), np.where(full, tap, 0))
        index = np.where(full, plane[:, None] * prod(self.window.outputs) + position, -1)
        return Links(index, np.where(full, weights, 0.0), empty)

    # -- how one element is made

    def term_count(self) -> int:
        return prod(self.window.taps)

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        (index,), (empty,), (weights,) = self.reads(np.array([out]))
        if not self.weighs:
            return [self._copy(call, int(index[0]), Empty(int(empty[0])))]
        terms, so_far = [], 0.0
        for read, code, weight in zip(index, empty, weights, strict=True):
            if code:
                does = f"{Empty(code).words}, adds nothing"
                terms.append(Term((), 0.0, does=does, sum=so_far, holds=so_far, empty=Empty(code)))
                continue
            x = call.value(0, int(read))
            so_far = x * float(weight) + so_far
            reads = (Read(0, int(read), x), Read("weight", 0, float(weight)))
            terms.append(Term(reads, x * float(weight), sum=so_far, holds=so_far))
        return terms

    def empties(self, out: IntArray) -> Codes | None:
        return None if self.weighs or self.fill else self.reads(out)[1]

    def _copy(self, call: Call, read: int, empty: Empty) -> Term:
        if not empty:
            value = call.value(0, read)
            return Term((Read(0, read, value),), value, does="copy", holds=value)
        if self.fill == 0:
            return Term((), 0.0, does="padding", holds=0.0, empty=empty)
        return Term((), self.fill, does=f"the padding's constant {self.fill:g}", holds=self.fill)

    def formula(self, call: Call, out: int) -> Expression:
        (index,), (empty,), (weights,) = self.reads(np.array([out]))
        if not self.weighs:
            return Number(self.fill) if empty[0] else Element(0, int(index[0]))
        read = [(int(i), float(w)) for i, code, w in zip(index, empty, weights, strict=True) if not code]
        return total([Product((Element(0, i), Number(w))) for i, w in read])

    # -- in words

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        (index,), (empty,), _ = self.reads(np.array([out]))
        if self.weighs:
            count = int((empty == Empty.NO).sum())
            return f"is a weighted sum of {count} neighbour{'s' * (count > 1)} in {naming.tensor(0)}"
        if empty[0]:
            return "lies on the padding"
        return f"is a copy of {naming.element(0, int(index[0]))}"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made, read = naming.element(OUTPUT, out), naming.element(0, into)
        if not self.weighs:
            return f"{made} is a copy of {read}"
        index, _, weights = self.reads(np.array([out]))
        shares = [naming.number(float(w)) for i, w in zip(index[0], weights[0], strict=True) if i == into]
        if len(shares) == 1:
            return f"{read} entered {made} with the weight {shares[0]}"
        return f"{read} entered {made} with the weights {', '.join(shares[:-1])} and {shares[-1]}"
