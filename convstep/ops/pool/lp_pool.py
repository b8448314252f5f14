"""Power-average pooling: the p-norm of every window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import Annotated

import numpy as np
import numpy.typing as npt

from convstep.ops.arguments import Real
from convstep.ops.base import OUTPUT, Array, Call, Empty, IntArray, Naming, Read, Term, quiet
from convstep.ops.blocks import broadcast_in_blocks
from convstep.ops.expression import Apply, Element, Expression, Number, Product, Quotient, Sum
from convstep.ops.pool.sliding_pool import Pool1d, Pool2d, SlidingPool
from convstep.ops.terms import Terms

_BLOCK = 2**15
"""So many numbers are worked on at a time."""


def _not_zero(value: float) -> float:
    if value == 0:
        raise ValueError("takes a number other than 0")
    return value


class LPPool(SlidingPool):
    """y = (c · Σ x^p)^(1/p), p being `norm_type`.

    c is 1 for a whole window; what `ceil_mode` lets hang over the edge counts as though it were full, as in torch.
    """

    norm_type: Annotated[Real, _not_zero]

    @cached_property
    def _scales(self) -> npt.NDArray[np.float64]:
        """The c of each output of a plane."""
        scales: npt.NDArray[np.float64] = prod(self.kernel_size) / self.counts(padding=False)
        return scales

    @property
    def _root(self) -> float:
        return 1 / self.norm_type

    # -- the whole tensor

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        total = self.add_up(_raised(operands[0], self.norm_type))
        total *= self._scales.astype(total.dtype)
        saved["total"] = total
        output: Array = total**self._root
        return output.reshape(self.output.shape)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        if not wanted[0]:
            return [None]
        scales = self._scales.astype(upstream.dtype)
        share = broadcast_in_blocks(self._shared, upstream.dtype, self.by_plane(upstream), call.saved["total"], scales)
        gradient, x = self.give_back(share).reshape(-1), call.operands[0].reshape(-1)
        for start in range(0, x.size, _BLOCK):
            gradient[start : start + _BLOCK] *= _raised(x[start : start + _BLOCK], self.norm_type - 1)
        return [gradient.reshape(call.operands[0].shape)]

    def _shared(self, upstream: Array, total: Array, scale: Array) -> Array:
        share: Array = upstream * self._outer(total, scale)
        share[total == 0] = 0  # be the upstream gradient infinite
        return share

    def _outer(self, total: Array, scale: Array) -> Array:
        """The derivative but for the factor x^(p − 1). Where all is 0, torch takes 0; its sign of NaN is 0, too."""
        has_sign = (total > 0) | (total < 0)
        return np.asarray(np.where(total == 0, total.dtype.type(0), scale * total ** (self._root - 1) * has_sign))

    # -- one element

    @quiet
    def _local(self, call: Call, out: IntArray, into: IntArray) -> npt.NDArray[np.float64]:
        x = call.operands[0].reshape(-1)[into].astype(np.float64)
        total = call.saved["total"].reshape(-1)[out].astype(np.float64)
        outer = self._outer(total, self.of_output(self._scales, out))
        local: npt.NDArray[np.float64] = outer * _raised(x, self.norm_type - 1)
        return local

    def _scale(self, out: int) -> float:
        return float(self.of_output(self._scales, np.array(out)))

    def _total(self, out: int) -> Expression:
        """What the root of one output element is taken of: c · Σ x^p."""
        index = self.candidates(out)
        powers = Sum(len(index), lambda k: _power(Element(0, int(index[k])), self.norm_type))
        scale = self._scale(out)
        return powers if scale == 1 else Product((Number(scale), powers))

    def formula(self, call: Call, out: int) -> Expression:
        return _power(self._total(out), self._root)

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        if call.saved["total"].reshape(-1)[out] == 0:
            return Number(0.0)
        inner = _power(Element(0, into), self.norm_type - 1)
        scaled = inner if self._scale(out) == 1 else Product((Number(self._scale(out)), inner))
        return Quotient(scaled, _power(self._total(out), 1 - self._root))

    def term_count(self) -> int:
        return prod(self.window.taps) + 1

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        (index,), (empty,) = self.reads(np.array([out]))
        numbers = call.operands[0].reshape(-1)[index].astype(np.float64)
        powers = np.where(empty == Empty.NO, _raised(numbers, self.norm_type), 0.0)
        sums = np.add.accumulate(powers)
        total = float(sums[-1])
        scale = self._scale(out)
        norm = float(np.float64(total * scale) ** self._root)

        def make(k: int) -> Term:
            if k == len(index):
                does = f"{'sum' if scale == 1 else f'({scale:g} · sum)'}^(1/{self.norm_type:g})"
                return Term((Read("sum", 0, total),), norm, does=does, holds=norm)
            code, so_far = Empty(int(empty[k])), float(sums[k])
            if code:
                return Term((), 0.0, does=f"{code.words}, adds nothing", sum=so_far, empty=code)
            read = Read(0, int(index[k]), float(numbers[k]))
            return Term((read,), float(powers[k]), does=f"add x^{self.norm_type:g}", sum=so_far)

        return Terms(len(index) + 1, make, np.append(empty, np.uint8(Empty.NO)))

    # -- in words

    def tell(self, naming: Naming) -> str:
        return f"takes the {self.norm_type:g}-norm of {self.windows_in_words} of {naming.tensor(0)}"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        count, scale = len(self.candidates(out)), self._scale(out)
        full = "" if scale == 1 else f" times {naming.number(scale)} (as though the window were full)"
        return f"is (the sum of {count} powers x^{self.norm_type:g}{full})^(1/{self.norm_type:g})"

    def at_kink(self, call: Call, slot: int, out: IntArray, into: IntArray) -> npt.NDArray[np.bool_]:
        return np.asarray(call.saved["total"].reshape(-1)[out] == 0)

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made = naming.element(OUTPUT, out)
        x = f"{naming.element(0, into)} = {naming.number(call.value(0, into))}"
        if call.saved["total"].reshape(-1)[out] == 0:
            return f"{x} is part of a sum of 0, where {made} has no derivative; torch takes 0"
        return f"{x} put its power x^{self.norm_type:g} into the sum whose root is {made}"


def _raised(x: Array, exponent: float) -> Array:
    """The power, by products and roots where torch takes these: they treat both signs alike, which pow need not."""
    if exponent == 3:
        return np.asarray(x * x * x)
    return np.asarray(1 / np.sqrt(x) if exponent == -0.5 else x**exponent)


def _power(of: Expression, exponent: float) -> Expression:
    return of if exponent == 1 else Apply("pow", (of, Number(exponent)))


class LPPool1d(Pool1d, LPPool):
    """torch.nn.LPPool1d."""


class LPPool2d(Pool2d, LPPool):
    """torch.nn.LPPool2d."""
