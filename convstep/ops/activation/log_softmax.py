"""LogSoftmax: the logarithm of every element's share of the sum of exponentials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from convstep.ops.activation.softmax import LARGE_SHARE, ByDim, power_sum, put_exact, safe_shift, sum_without
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Links, Naming, Read, Reads, Term, quiet
from convstep.ops.expression import Apply, Element, Expression, Negative, Number, difference, total
from convstep.ops.lines import Exponentials
from convstep.ops.terms import Terms


class LogSoftmax(ByDim):
    """torch.nn.LogSoftmax: y_i = x_i − log Σ_j exp(x_j) along `dim`."""

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        return self.by_lines(self._logarithms, operands[0])

    def _logarithms(self, x: Array) -> Array:
        made = Exponentials.of(x)
        result: Array = x - made.largest
        result -= np.log(made.total)
        return result

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        return [self.by_lines(self._pulled, upstream, call.output) if wanted[0] else None]

    def _pulled(self, u: Array, y: Array) -> Array:
        """What comes back: u − share · Σ u, and for a large share (1 − share) · u − share · Σ u of the others."""
        gradient = np.exp(y)
        is_large = bool((gradient > LARGE_SHARE).any())
        gradient *= u.sum(axis=1, keepdims=True)
        np.subtract(u, gradient, out=gradient)
        if is_large:
            top = y.argmax(axis=1, keepdims=True)
            log, given = (np.take_along_axis(numbers, top, axis=1) for numbers in (y, u))
            share = np.exp(log)
            # 1 − share by expm1: where the share is close to 1, little is left of a difference.
            put_exact(gradient, top, share, -np.expm1(log) * given - share * sum_without(u.copy(), top))
        return gradient

    # -- one element

    @quiet
    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        index = self.lines.elements(self.lines.place(out)[0])
        return Links(index, self.slope(call, out[:, None], index))

    def slope(self, call: Call, out: IntArray, into: IntArray) -> npt.NDArray[np.float64]:
        # 1 − share where the input is the output's own, otherwise − share.
        y = call.output.reshape(-1)[into].astype(np.float64)
        return np.where(out == into, -np.expm1(y), -np.exp(y))

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        share = Apply("exp", (Element(OUTPUT, into),))
        return difference(Number(1.0), share) if out == into else Negative(share)

    def term_count(self) -> int:
        return self.lines.length + 3

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        index, position, x = self.line_of(call, out)
        made = Exponentials.of(x[None])
        powers, largest = made.powers[0], float(made.largest[0, 0])
        sums = np.add.accumulate(powers)
        log = float(np.log(sums[-1]))

        def make(k: int) -> Term:
            if k == 0:
                return Term(Reads(0, index, x), largest, does="max")
            if k <= len(x):
                score = Read(0, int(index[k - 1]), float(x[k - 1]))
                return Term(
                    (score, Read("max", 0, largest)), float(powers[k - 1]), does="exp(x − max)", sum=float(sums[k - 1])
                )
            if k == len(x) + 1:
                return Term((Read("sum", 0, float(sums[-1])),), log, does="log of the sum")
            y = float(x[position] - largest - log)
            reads = (Read(0, out, float(x[position])), Read("max", 0, largest), Read("log", 0, log))
            return Term(reads, y, does="x − max − log", holds=y)

        return Terms(self.term_count(), make)

    def formula(self, call: Call, out: int) -> Expression:
        index, _, x = self.line_of(call, out)
        shift = safe_shift(x)
        log: Expression = Apply("log", (power_sum(0, index, shift),))
        return difference(Element(0, out), total([Number(shift), log]) if shift else log)

    @quiet
    def intermediates(self, call: Call, out: int) -> list[tuple[str, Array]]:
        made = Exponentials.of(self.line_of(call, out)[2][None])
        return [("max", made.largest[0]), ("exp(x − max)", made.powers[0]), ("sum", made.total[0])]

    # -- in words

    def tell(self, naming: Naming) -> str:
        return f"takes the logarithm of the softmax of {self.told_lines(naming)}"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        return f"is {naming.element(0, out)} minus the logarithm of the sum of {self.lines.length} exponentials"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made, x = naming.element(OUTPUT, out), naming.element(0, into)
        if out == into:
            return f"{made} is the logarithm of the share of {x} itself: when {x} grows by 1, {made} grows by 1 − share"
        return f"{x} takes part in the sum that {made} takes away: when {x} grows, {made} shrinks by the share of {x}"
