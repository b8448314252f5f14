"""Max pooling: every window keeps its largest number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import inf, prod

import numpy as np
import numpy.typing as npt

from convstep.ops.arguments import Flag, Pair, Single
from convstep.ops.base import OUTPUT, Array, Call, Empty, IntArray, Naming, Read, Term, quiet
from convstep.ops.expression import Apply, Element, Expression, Number
from convstep.ops.pool.pool import Pool
from convstep.ops.pool.sliding_pool import PaddedPool1d, PaddedPool2d
from convstep.ops.terms import Terms

_LONG = 8
"""With so many times more taps than outputs, a maximum is found output by output."""


class Maximum(Pool):
    """The largest number of every window. Of equal numbers the first in row-major order wins; a NaN wins over all.

    A window on padding alone gives -Inf.
    """

    @cached_property
    def _first(self) -> IntArray:
        """The first tap of each output of a plane that has a candidate."""
        first = np.full(self.outputs_a_plane, -1)
        for tap, places in enumerate(self.places()):
            first[(first < 0) & (places >= 0)] = tap
        return np.asarray(np.maximum(first, 0), np.min_scalar_type(prod(self.window.taps)))

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        taps = prod(self.window.taps)
        best, winner = (self._by_taps if taps <= self.outputs_a_plane * _LONG else self._by_outputs)(operands[0])
        none = winner < 0
        winner += (np.arange(self.planes) * self.inputs_a_plane)[:, None]
        if none.any():
            winner[none] = -1
        saved["winner"] = winner.reshape(-1)
        return best.reshape(self.output.shape)

    def _by_taps(self, x: Array) -> tuple[Array, IntArray]:
        """The maxima and the places in their planes, (planes, outputs), tap by tap."""
        best = np.full((self.planes, self.outputs_a_plane), -np.inf, dtype=x.dtype)
        # The tap that has won; where nothing is larger than -Inf, the first candidate's.
        tap = np.broadcast_to(self._first, (self.planes, self.outputs_a_plane)).copy()
        has_nan = bool(np.isnan(x.max()))
        for k, candidate in enumerate(self.gather(x, -np.inf)):
            wins = candidate > best
            if has_nan:
                wins |= np.isnan(candidate)  # of several NaN, the last one
            np.maximum(best, candidate, out=best)
            np.maximum(tap, wins * tap.dtype.type(k), out=tap)
        return best, self.places_at(tap)

    def _by_outputs(self, x: Array) -> tuple[Array, IntArray]:
        """The same, output by output: quicker where windows are long and few."""
        planes = x.reshape(self.planes, self.inputs_a_plane)
        best = np.full((self.planes, self.outputs_a_plane), -np.inf, dtype=x.dtype)
        winner = np.full(best.shape, -1)
        for out in range(self.outputs_a_plane):
            (places,), (empty,) = self.window.reads(np.array([out]))
            places = places[empty == Empty.NO]
            if len(places):
                numbers = planes[:, places]
                first, last_nan = numbers.argmax(axis=1), len(places) - 1 - np.isnan(numbers)[:, ::-1].argmax(axis=1)
                won = np.where(np.isnan(numbers).any(axis=1), last_nan, first)
                best[:, out], winner[:, out] = numbers[np.arange(self.planes), won], places[won]
        return best, winner

    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        if not wanted[0]:
            return [None]
        size = call.operands[0].size
        # Where there was no winner, -1, the gradient goes nowhere: to a place of its own before the first.
        gradient = np.bincount(call.saved["winner"] + 1, weights=upstream.reshape(-1), minlength=size + 1)[1:]
        return [gradient.astype(upstream.dtype).reshape(call.operands[0].shape)]

    def _local(self, call: Call, out: IntArray, into: IntArray) -> npt.NDArray[np.float64]:
        return np.asarray(call.saved["winner"][out] == into, dtype=np.float64)

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        return Number(float(call.saved["winner"][out] == into))

    def term_count(self) -> int:
        return prod(self.window.taps)

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        (index,), (empty,) = self.reads(np.array([out]))
        real = empty == Empty.NO
        values = np.where(real, call.operands[0].reshape(-1)[index].astype(np.float64), -inf)
        best = np.maximum.accumulate(values)
        first, last = int(real.argmax()) if real.any() else len(index), len(index) - 1

        def make(k: int) -> Term:
            before = float(best[k - 1]) if k > first else None
            if not real[k]:
                code = Empty(int(empty[k]))
                holds = -inf if before is None and k == last else before
                return Term((), 0.0, does=f"{code.words}, no candidate", holds=holds, empty=code)
            value, largest = float(values[k]), float(best[k])
            return Term((Read(0, int(index[k]), value),), largest, does=_candidate(value, before), holds=largest)

        return Terms(len(index), make, empty)

    def formula(self, call: Call, out: int) -> Expression:
        candidates = self.candidates(out)
        return Apply("max", tuple(Element(0, int(i)) for i in candidates)) if len(candidates) else Number(-inf)

    def tell(self, naming: Naming) -> str:
        return f"keeps the largest number of {self.windows_in_words} of {naming.tensor(0)}"

    def _ties(self, call: Call, out: int) -> int:
        """How many candidates have the maximum, the winner included."""
        return int((call.operands[0].reshape(-1)[self.candidates(out)] == call.output.reshape(-1)[out]).sum())

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        winner, count = int(call.saved["winner"][out]), len(self.candidates(out))
        if not count:
            return "is the largest of no numbers, as its window lies on the padding alone"
        ties = self._ties(call, out)
        also = f"; {ties} of them are equal, and torch takes the first" if ties > 1 else ""
        return f"is the largest of {count}, {naming.element(0, winner)} = {naming.number(call.value(0, winner))}{also}"

    def at_kink(self, call: Call, slot: int, out: IntArray, into: IntArray) -> npt.NDArray[np.bool_]:
        largest = call.operands[0].reshape(-1)[into] == call.output.reshape(-1)[out]
        tied = [bool(top) and self._ties(call, int(k)) > 1 for top, k in zip(largest, out, strict=True)]
        return np.array(tied, dtype=bool)

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made, winner = naming.element(OUTPUT, out), int(call.saved["winner"][out])
        here, best = (f"{naming.element(0, i)} = {naming.number(call.value(0, i))}" for i in (into, winner))
        if into == winner:
            tie = " (there was a tie, and torch takes the first)" if self._ties(call, out) > 1 else ""
            return f"{here} was the largest in its window{tie}, so {made} changes as it does"
        if call.value(0, into) == call.value(0, winner):
            return f"{here} tied with {best}, and torch takes the first, so {made} does not react to it"
        return f"{here} lost to {best}, so {made} does not react to it"


def _candidate(value: float, best: float | None) -> str:
    """What a candidate is to the maximum so far."""
    if value != value:
        return "maximum so far (not a number)"
    if best is None:
        return "maximum so far (the first candidate)"
    if best == value:
        return "maximum so far (a tie, the first stays)"
    return "maximum so far (a new one)" if value > best else "maximum so far (not larger)"


class MaxPool1d(PaddedPool1d, Maximum):
    """torch.nn.MaxPool1d. The layer's tensor are the maxima, also with `return_indices`: who won is in the terms."""

    dilation: Single = (1,)
    return_indices: Flag = False

    @property
    def spread(self) -> tuple[int, ...]:
        return self.dilation


class MaxPool2d(PaddedPool2d, Maximum):
    """torch.nn.MaxPool2d; `return_indices` as in MaxPool1d."""

    dilation: Pair = (1, 1)
    return_indices: Flag = False

    @property
    def spread(self) -> tuple[int, ...]:
        return self.dilation
