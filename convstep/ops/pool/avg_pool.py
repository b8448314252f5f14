"""Average pooling: the sum of every window, divided by its size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from convstep.ops.arguments import Flag, NonzeroOrNone
from convstep.ops.base import OUTPUT, Array, Call, Empty, IntArray, Naming, Read, Term, quiet
from convstep.ops.expression import Expression, Number, Quotient, sum_of
from convstep.ops.pool.pool import Pool
from convstep.ops.pool.sliding_pool import PaddedPool1d, PaddedPool2d
from convstep.ops.terms import Terms


class Average(Pool):
    """The sum of every window, divided by its size."""

    @cached_property
    def divisors(self) -> IntArray:
        """What each output of a plane is divided by: how many numbers its window holds, as `counts` has it."""
        return self.counts(self.counts_padding)

    @property
    def passing_bytes(self) -> int:
        return 2 * self.output.size * self.output.dtype.itemsize

    @property
    def counts_padding(self) -> bool:
        """Whether places on the padding are counted in the size of a window."""
        return False

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        sums = self.add_up(operands[0])
        sums /= self.divisors.astype(sums.dtype)
        return sums.reshape(self.output.shape)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        if not wanted[0]:
            return [None]
        return [self.give_back(self.by_plane(upstream) / self.divisors.astype(upstream.dtype))]

    def _local(self, call: Call, out: IntArray, into: IntArray) -> npt.NDArray[np.float64]:
        local = 1.0 / self.of_output(self.divisors, out)
        return np.broadcast_to(local, np.broadcast_shapes(out.shape, into.shape))

    def _divisor(self, out: int) -> int:
        return int(self.of_output(self.divisors, np.array(out)))

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        if into not in self.candidates(out):
            return Number(0.0)
        return Quotient(Number(1.0), Number(float(self._divisor(out))))

    def term_count(self) -> int:
        return prod(self.window.taps) + 1

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        (index,), (empty,) = self.reads(np.array([out]))
        numbers = call.operands[0].reshape(-1)[index].astype(np.float64)
        numbers[empty != Empty.NO] = 0.0
        sums = np.add.accumulate(numbers)
        divisor = self._divisor(out)

        def make(k: int) -> Term:
            if k == len(index):
                mean = float(sums[-1]) / divisor
                return Term((Read("sum", 0, float(sums[-1])),), mean, does=f"divide by {divisor}", holds=mean)
            code, number, so_far = Empty(int(empty[k])), float(numbers[k]), float(sums[k])
            if code:
                return Term((), 0.0, does=f"{code.words}, adds nothing", sum=so_far, empty=code)
            return Term((Read(0, int(index[k]), number),), number, does="add", sum=so_far)

        return Terms(len(index) + 1, make, np.append(empty, np.uint8(Empty.NO)))

    def formula(self, call: Call, out: int) -> Expression:
        index = self.candidates(out)
        return Quotient(sum_of(0, index), Number(float(self._divisor(out))))

    def tell(self, naming: Naming) -> str:
        return f"averages {self.windows_in_words} of {naming.tensor(0)}"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        count = len(self.candidates(out))
        return (
            f"is the sum of {count} element{'s' * (count > 1)} of {naming.tensor(0)}, divided by {self._divisor(out)}"
        )

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made = naming.element(OUTPUT, out)
        return f"{naming.element(0, into)} was one of the numbers whose sum, divided by {self._divisor(out)}, is {made}"


class AvgPool1d(PaddedPool1d, Average):
    """torch.nn.AvgPool1d: places on the padding count in the divisor, unless `count_include_pad` is false."""

    count_include_pad: Flag = True

    @property
    def counts_padding(self) -> bool:
        return self.count_include_pad


class AvgPool2d(PaddedPool2d, Average):
    """torch.nn.AvgPool2d: as AvgPool1d; `divisor_override` is divided by whatever the size."""

    count_include_pad: Flag = True
    divisor_override: NonzeroOrNone = None

    @cached_property
    def divisors(self) -> IntArray:
        if self.divisor_override is None:
            return super().divisors
        return np.array(self.divisor_override)

    @property
    def counts_padding(self) -> bool:
        return self.count_include_pad
