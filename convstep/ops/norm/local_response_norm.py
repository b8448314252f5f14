"""LocalResponseNorm: every number is divided by what its neighbours across the channels amount to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.arguments import Positive, Real, require_floats
from convstep.ops.axes.axis import Codes
from convstep.ops.axes.limits import check_axis
from convstep.ops.axes.sliding import SlidingAxis
from convstep.ops.base import (
    OUTPUT,
    Array,
    Call,
    Empty,
    IntArray,
    Links,
    Naming,
    Operation,
    Read,
    Shape,
    Spec,
    Term,
    quiet,
)
from convstep.ops.expression import Apply, Element, Expression, Negative, Number, Power, Product, Quotient, Sum, total
from convstep.ops.indices import unravel
from convstep.ops.lines import Lines
from convstep.ops.terms import Terms

Floats = npt.NDArray[np.float64]

_BLOCK = 2**15
"""So many elements are worked on at a time."""


class LocalResponseNorm(Operation):
    """torch.nn.LocalResponseNorm: y = x / (k + alpha / size · Σ x²)^beta.

    The sum runs over `size` channels around that of x, at the same place; beyond the edges there is nothing.
    """

    size: Positive
    alpha: Real = 1e-4
    beta: Real = 0.75
    k: Real = 1.0

    # -- shapes

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        shape = self.inputs[0].shape
        if len(shape) < 3:
            raise ArgumentError("inputs", f"takes an input of 3 or more dimensions (N, C, …), not {list(shape)}")
        check_axis(shape[1] + self.size)
        return self.inputs[0]

    @cached_property
    def _sizes(self) -> Shape:
        """Samples, channels, places."""
        shape = self.inputs[0].shape
        return shape[0], shape[1], prod(shape[2:])

    @cached_property
    def axis(self) -> SlidingAxis:
        """The window over the channels."""
        channels, size = self._sizes[1], self.size
        return SlidingAxis(channels, size, 1, size // 2, (size - 1) // 2, 1, channels)

    # -- the whole tensor

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        x = operands[0].reshape(self._sizes)
        y, saved["base"] = np.empty_like(x), np.empty_like(x)
        for places in self._blocks():
            part, base = x[places], saved["base"][places]
            base[...] = self.axis.add_up(part * part, 1)
            base *= self.alpha / self.size
            base += self.k
            np.divide(part, base**self.beta, out=y[places])
        return y.reshape(self.output.shape)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        if not wanted[0]:
            return [None]
        x, given = call.operands[0].reshape(self._sizes), upstream.reshape(self._sizes)
        gradient = np.empty_like(x)
        for places in self._blocks():
            gradient[places] = self._pulled(x[places], given[places], call.saved["base"][places])
        return [gradient.reshape(upstream.shape)]

    def _blocks(self) -> Iterator[tuple[slice, slice, slice]]:
        """A few places of a few samples at a time, all channels of them."""
        for block in Lines(*self._sizes).blocks(_BLOCK):
            yield block.outer, slice(None), block.inner

    def _pulled(self, x: Array, given: Array, base: Array) -> Array:
        """What comes back to some places."""
        under = base**self.beta
        gradient: Array = given / under
        by_base = gradient * x / under * (self.beta * base ** (self.beta - 1))
        gradient -= self.axis.give_back(by_base, 1) * x * (2 * self.alpha / self.size)
        return gradient

    # -- one element

    def row_grid(self, slot: int) -> Shape:
        return (self.size,)

    def column_grid(self, slot: int) -> Shape:
        return (self.axis.longest,)

    def _across(self, index: IntArray, feeds: bool = False) -> tuple[IntArray, Codes]:
        """For m elements, those at the same place of the channels that it reads, or feeds, and the `Empty` codes."""
        sample, channel, place = unravel(index, self._sizes)
        channels, empty = self.axis.feeds(channel)[::2] if feeds else self.axis.reads(channel)
        across = (sample[:, None] * self._sizes[1] + channels) * self._sizes[2] + place[:, None]
        return np.where(empty == Empty.NO, across, -1), empty

    def _local(self, call: Call, out: IntArray, into: IntArray, empty: Codes) -> Floats:
        x = call.operands[0].reshape(-1)
        made, read = x[out].astype(np.float64), x[into].astype(np.float64)
        base = call.saved["base"].reshape(-1)[out].astype(np.float64)
        through = 2 * self.alpha * self.beta / self.size * made * read * base ** (-self.beta - 1)
        local: Floats = np.where(out == into, base**-self.beta, 0.0) - through
        local[empty != Empty.NO] = 0.0
        return local

    @quiet
    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        index, empty = self._across(out)
        return Links(index, self._local(call, out[:, None], index, empty), empty)

    @quiet
    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        index, empty = self._across(into, feeds=True)
        return Links(index, self._local(call, index, into[:, None], empty), empty)

    def _window(self, out: int) -> tuple[IntArray, Codes]:
        index, empty = self._across(np.array([out]))
        return index[0], empty[0]

    def _base(self, out: int) -> Expression:
        index, empty = self._window(out)
        full = index[empty == Empty.NO]
        squares = Sum(len(full), lambda j: Power(Element(0, int(full[j])), 2))
        return total([Number(self.k), Product((Number(self.alpha / self.size), squares))])

    def formula(self, call: Call, out: int) -> Expression:
        return Quotient(Element(0, out), Apply("pow", (self._base(out), Number(self.beta))))

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        base = self._base(out)
        factor = Number(2 * self.alpha * self.beta / self.size)
        over = Product((factor, Element(0, out), Element(0, into)))
        through = Negative(Quotient(over, Apply("pow", (base, Number(self.beta + 1)))))
        if out != into:
            return through
        return total([Quotient(Number(1.0), Apply("pow", (base, Number(self.beta)))), through])

    def term_count(self) -> int:
        return self.size + 3

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        index, empty = self._window(out)
        x = call.operands[0].reshape(-1)[index].astype(np.float64)
        squares = np.where(empty == Empty.NO, x * x, 0.0)
        sums = np.add.accumulate(squares)
        here = Read(0, out, call.value(0, out))
        base = self.k + self.alpha / self.size * sums[-1]
        under = base**self.beta
        value = float(here.value / under)

        def make(j: int) -> Term:
            if j < self.size:
                code, so_far = Empty(int(empty[j])), float(sums[j])
                if code:
                    return Term((), 0.0, does="beyond the first or last channel, adds nothing", sum=so_far, empty=code)
                return Term((Read(0, int(index[j]), float(x[j])),), float(squares[j]), does="add x²", sum=so_far)
            if j == self.size:
                does = f"base, {self.k:g} + {self.alpha:g} / {self.size} · sum"
                return Term((Read("sum", 0, float(sums[-1])),), float(base), does=does)
            power = f"base^{self.beta:g}"
            if j == self.size + 1:
                return Term((Read("base", 0, float(base)),), float(under), does=power)
            return Term((here, Read(power, 0, float(under))), value, does=f"divide x by {power}", holds=value)

        return Terms(self.term_count(), make, np.append(empty, np.zeros(3, np.uint8)))

    # -- in words

    def tell(self, naming: Naming) -> str:
        x = naming.tensor(0)
        return (
            f"divides every number of {x} by ({self.k:g} + {self.alpha:g} · mean of {self.size} squares)^{self.beta:g}"
        )

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        x = f"{naming.element(0, out)} = {naming.number(call.value(0, out))}"
        under = naming.number(float(call.saved["base"].reshape(-1)[out] ** self.beta))
        count = int((self._window(out)[1] == Empty.NO).sum())
        squares = f"the squares of {count} channels" if count > 1 else "its own square alone"
        return f"is {x} divided by {under}, into which went {squares}"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made, x = naming.element(OUTPUT, out), f"{naming.element(0, into)} = {naming.number(call.value(0, into))}"
        if out == into:
            return f"{made} is {x} divided, and its square is also part of the divisor"
        return f"{x} reached {made} only through its square in the divisor"
