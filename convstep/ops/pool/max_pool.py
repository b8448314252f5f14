"""Max pooling: every window keeps its largest number."""

from __future__ import annotations

from collections.abc import Sequence
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
_AT_ONCE = 2**15
"""So many numbers of a gradient are given back at a time."""


class Maximum(Pool):
    """The largest number of every window. Of equal numbers the first in row-major order wins; a NaN wins over all.

    A window on padding alone gives -Inf.
    """

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        taps = prod(self.window.taps)
        best, winner = (self._by_taps if taps <= self.outputs_a_plane * _LONG else self._by_outputs)(operands[0])
        saved["winner"] = winner.reshape(-1)
        return best.reshape(self.output.shape)

    def _empty(self, x: Array) -> tuple[Array, Array]:
        """Room for the maxima, and for the elements that won: (planes, outputs)."""
        shape = self.planes, self.outputs_a_plane
        return np.full(shape, -np.inf, x.dtype), np.full(shape, -1, np.int32 if x.size < 2**31 else np.intp)

    def _by_taps(self, x: Array) -> tuple[Array, IntArray]:
        """The maxima and the elements that won, (planes, outputs), tap by tap."""
        best, winner = self._empty(x)
        has_nan, planes = bool(np.isnan(x.max(initial=0))), x.reshape(self.planes, -1)
        for some, outputs in self.blocks():
            place = self._in_block(planes[some], outputs, has_nan, best[some, outputs])
            first = np.arange(some.start, some.start + len(place))[:, None] * self.inputs_a_plane
            np.add(place, first, out=winner[some, outputs], where=place >= 0)
        return best, winner

    def _in_block(self, planes: Array, outputs: slice, has_nan: bool, best: Array) -> IntArray:
        """Puts the maxima of some outputs in the place of -Inf; where in its plane each stood."""
        tap = np.zeros(best.shape, np.min_scalar_type(prod(self.window.taps)))
        for k, candidate in enumerate(self.gather(planes, outputs, -np.inf)):
            wins = candidate > best
            if has_nan:
                wins |= np.isnan(candidate)  # of several NaN, the last one
            np.maximum(best, candidate, out=best)
            np.maximum(tap, wins * tap.dtype.type(k), out=tap)
        least = best == -np.inf
        if least.any():
            # Where nothing is larger than -Inf, the first candidate has won.
            tap[least] = np.broadcast_to(self._first(outputs), best.shape)[least]
        return self.places_at(tap, outputs)

    def _first(self, outputs: slice) -> IntArray:
        """The first tap of each of some outputs of a plane that has a candidate."""
        first = np.full(outputs.stop - outputs.start, -1)
        for tap, places in enumerate(self.places(outputs)):
            first[(first < 0) & (places >= 0)] = tap
        return np.maximum(first, 0)

    def _by_outputs(self, x: Array) -> tuple[Array, IntArray]:
        """The same, output by output: quicker where windows are long and few."""
        best, winner = self._empty(x)
        planes = x.reshape(self.planes, *self.window.size)
        for out, place in enumerate(np.ndindex(self.window.outputs)):
            spans = [axis.span(at)[0] for axis, at in zip(self.window_axes, place, strict=True)]
            window = planes[(slice(None), *spans)]
            numbers = window.reshape(self.planes, -1)
            if numbers.shape[1]:
                won = numbers.argmax(axis=1)
                best[:, out] = numbers[np.arange(self.planes), won]
                for k in np.flatnonzero(np.isnan(best[:, out])):  # of several NaN, the last one
                    won[k] = np.flatnonzero(np.isnan(numbers[k]))[-1]
                winner[:, out] = self._elements(np.unravel_index(won, window.shape[1:]), spans)
        return best, winner

    def _elements(self, at: Sequence[IntArray], spans: Sequence[slice]) -> IntArray:
        """The elements of each plane at places within spans of its axes."""
        element = np.arange(self.planes)
        for place, span, size in zip(at, spans, self.window.size, strict=True):
            element = element * size + span.start + place * (span.step or 1)
        return element

    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        if not wanted[0]:
            return [None]
        # Where there was no winner, -1, the gradient goes nowhere: to a place of its own before the first.
        gradient, flat = np.zeros(call.operands[0].size + 1, upstream.dtype), upstream.reshape(-1)
        for start in range(0, flat.size, _AT_ONCE):
            winner = call.saved["winner"][start : start + _AT_ONCE].astype(np.intp)
            np.add.at(gradient, winner + 1, flat[start : start + _AT_ONCE])
        return [gradient[1:].reshape(call.operands[0].shape)]

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
