"""Softmax and its kin: every element of a line becomes its share of the sum of exponentials."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.arguments import IntegerOrNone, dimension, require_floats
from convstep.ops.base import (
    OUTPUT,
    Array,
    Call,
    IntArray,
    Links,
    Naming,
    Operation,
    Read,
    Reads,
    Shape,
    Spec,
    Term,
    quiet,
)
from convstep.ops.expression import (
    Apply,
    Element,
    Expression,
    Negative,
    Number,
    Product,
    Quotient,
    Sum,
    difference,
)
from convstep.ops.feeding import Dense
from convstep.ops.lines import Exponentials, Lines
from convstep.ops.terms import Terms

LARGE_SHARE = 0.5
"""There is one such share in a line at the most."""
_LARGE = 2**18
"""Bytes from which on lines are worked on block by block."""


class AlongLines(Dense, Operation):
    """An operation on the lines of its input along one dimension, each by itself."""

    def infer_output(self) -> Spec:
        require_floats(self.inputs)
        dimension("dim", self.axis, self.inputs[0].shape)
        return self.inputs[0]

    @property
    @abstractmethod
    def axis(self) -> int:
        """The dimension; it may count from the end."""

    @cached_property
    def lines(self) -> Lines:
        shape = self.inputs[0].shape
        return Lines.along(shape, dimension("dim", self.axis, shape))

    def by_lines(self, function: Callable[..., Array], *tensors: Array) -> Array:
        """A function of whole lines, (outer, length, inner), on tensors of the input's shape; large ones in blocks."""
        lines, split = self.lines, [self.lines.split(tensor) for tensor in tensors]
        if tensors[0].nbytes <= _LARGE or lines.count == 1:
            return function(*split).reshape(tensors[0].shape)
        result = np.empty(tensors[0].shape, tensors[0].dtype)
        for block in lines.blocks(_LARGE // (2 * result.itemsize)):
            places = block.outer, slice(None), block.inner
            lines.split(result)[places] = function(*(tensor[places] for tensor in split))
        return result

    def row_grid(self, slot: int) -> Shape:
        return (self.lines.length,)

    def column_grid(self, slot: int) -> Shape:
        return (self.lines.length,)

    def fed(self, slot: int, into: IntArray) -> tuple[IntArray, IntArray]:
        return self.lines.ends(self.lines.place(into)[0])

    def is_dense(self, slot: int) -> bool:
        return True

    def members(self, into: int) -> IntArray:
        members: IntArray = self.lines.elements(self.lines.place(np.array([into]))[0])[0]
        return members

    @quiet
    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        index = self.lines.elements(self.lines.place(into)[0])
        return Links(index, self.slope(call, index, into[:, None]))

    def told_lines(self, naming: Naming) -> str:
        """`the 4 numbers of x`; where there are several lines, `each 4 numbers of x along dimension 1`."""
        length, x = self.lines.length, naming.tensor(0)
        if self.lines.count == 1:
            return f"the {length} numbers of {x}" if length > 1 else f"the number in {x}"
        axis = dimension("dim", self.axis, self.inputs[0].shape)
        return f"each {length} numbers of {x} along dimension {axis}" if length > 1 else f"each number of {x}"

    def line_of(self, call: Call, out: int) -> tuple[IntArray, int, npt.NDArray[np.float64]]:
        """The elements of the line of an output element, where on it that element is, and the numbers."""
        line, position = self.lines.place(np.array([out]))
        index = self.lines.elements(line)[0]
        return index, int(position[0]), call.operands[0].reshape(-1)[index].astype(np.float64)


class ByDim(AlongLines):
    """An operation along `dim`. Without it, torch's old choice: 0 for 0, 1 and 3 dimensions, otherwise 1."""

    dim: IntegerOrNone = None

    @property
    def axis(self) -> int:
        if self.dim is not None:
            return self.dim
        return 0 if len(self.inputs[0].shape) in (0, 1, 3) else 1


class _Shares(AlongLines):
    """y_i = exp(± x_i) / Σ_j exp(± x_j) along each line."""

    sign: ClassVar[int] = 1

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        return self.by_lines(self._shared, operands[0])

    def _shared(self, x: Array) -> Array:
        made = Exponentials.of(x if self.sign > 0 else -x)
        return np.divide(made.powers, made.total, out=made.powers)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        return [self.by_lines(self._pulled, upstream, call.output) if wanted[0] else None]

    def _pulled(self, u: Array, y: Array) -> Array:
        """What comes back: y · (u − Σ y·u), and for a large share y · ((1 − y)·u − Σ y·u of the others)."""
        products = y * u
        gradient: Array = u - products.sum(axis=1, keepdims=True)
        gradient *= y
        if (y > LARGE_SHARE).any():
            top = y.argmax(axis=1, keepdims=True)
            share, given = np.take_along_axis(y, top, axis=1), np.take_along_axis(u, top, axis=1)
            put_exact(gradient, top, share, share * ((1 - share) * given - sum_without(products, top)))
        return gradient if self.sign > 0 else np.negative(gradient, out=gradient)

    # -- one element

    @quiet
    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        index = self.lines.elements(self.lines.place(out)[0])
        made, met = (call.output.reshape(-1)[i].astype(np.float64) for i in (out[:, None], index))
        return Links(index, self.sign * made * ((index == out[:, None]) - met))

    def slope(self, call: Call, out: IntArray, into: IntArray) -> npt.NDArray[np.float64]:
        made, met = (call.output.reshape(-1)[i].astype(np.float64) for i in (into, out))
        slope: npt.NDArray[np.float64] = self.sign * made * ((out == into) - met)
        return slope

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        made, other = Element(OUTPUT, out), Element(OUTPUT, into)
        if out != into:
            return self._signed(Negative(Product((made, other))))
        return self._signed(Product((made, difference(Number(1.0), made))))

    def _signed(self, of: Expression) -> Expression:
        if self.sign > 0:
            return of
        return of.of if isinstance(of, Negative) else Negative(of)

    def term_count(self) -> int:
        return self.lines.length + 2

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        index, position, x = self.line_of(call, out)
        made = Exponentials.of(x[None] * self.sign)
        powers, largest = made.powers[0], float(made.largest[0, 0])
        sums = np.add.accumulate(powers)
        share = float(powers[position] / sums[-1])

        def make(k: int) -> Term:
            if k == 0:
                return Term(Reads(0, index, x), largest, does=f"max of {self._x}" if self.sign < 0 else "max")
            if k <= len(x):
                reads = (Read(0, int(index[k - 1]), float(x[k - 1])), Read("max", 0, largest))
                return Term(reads, float(powers[k - 1]), does=f"exp({self._x} − max)", sum=float(sums[k - 1]))
            reads = (Read("exp", position, float(powers[position])), Read("sum", 0, float(sums[-1])))
            return Term(reads, share, does="divide by the sum", holds=share)

        return Terms(self.term_count(), make)

    def formula(self, call: Call, out: int) -> Expression:
        index, _, x = self.line_of(call, out)
        shift = safe_shift(x * self.sign)
        powers = power_sum(0, index, shift, self.sign)
        return Quotient(power(self._signed(Element(0, out)), shift), powers)

    @property
    def _x(self) -> str:
        return "x" if self.sign > 0 else "−x"

    @quiet
    def intermediates(self, call: Call, out: int) -> list[tuple[str, Array]]:
        made = Exponentials.of(self.line_of(call, out)[2][None] * self.sign)
        return [("max", made.largest[0]), (f"exp({self._x} − max)", made.powers[0]), ("sum", made.total[0])]

    # -- in words

    def tell(self, naming: Naming) -> str:
        return f"turns {self.told_lines(naming)} into shares that add up to 1"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        sign = "" if self.sign > 0 else "−"
        return f"is exp({sign}{naming.element(0, out)}) divided by the sum of {self.lines.length} exponentials"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made, x = naming.element(OUTPUT, out), naming.element(0, into)
        grows, shrinks = ("grows", "shrinks")[:: self.sign]
        if out == into:
            return f"{made} is the share of {x} itself: when {x} grows, {made} {grows}"
        return f"{x} takes part in the sum under {made}: when {x} grows, {made} {shrinks}"


class Softmax(ByDim, _Shares):
    """torch.nn.Softmax: y_i = exp(x_i) / Σ_j exp(x_j) along `dim`."""


class Softmin(ByDim, _Shares):
    """torch.nn.Softmin: y_i = exp(−x_i) / Σ_j exp(−x_j) along `dim`."""

    sign: ClassVar[int] = -1


class Softmax2d(_Shares):
    """torch.nn.Softmax2d: a softmax over the channels of an input (N, C, H, W) or (C, H, W)."""

    @property
    def axis(self) -> int:
        return -3

    def infer_output(self) -> Spec:
        shape = self.inputs[0].shape
        if len(shape) not in (3, 4):
            raise ArgumentError("inputs", f"takes an input (N, C, H, W) or (C, H, W), not {list(shape)}")
        return super().infer_output()


def sum_without(numbers: Array, top: IntArray) -> Array:
    """The sums along axis 1 but for the numbers at `top`, which are overwritten."""
    np.put_along_axis(numbers, top, 0.0, axis=1)
    others: Array = numbers.sum(axis=1, keepdims=True)
    return others


def put_exact(gradient: Array, top: IntArray, share: Array, exact: Array) -> None:
    """Puts the exact gradient of each line's largest share, at `top`, where it is large, in the short formula's place.

    A share close to 1 takes almost all of a sum away again, and nothing would be left but rounding. Where the short
    formula meets Inf or NaN, its answer stands, as in torch.
    """
    short = np.take_along_axis(gradient, top, axis=1)
    lossy = (share > LARGE_SHARE) & np.isfinite(short)
    np.put_along_axis(gradient, top, np.where(lossy, exact, short), axis=1)


def safe_shift(x: npt.NDArray[np.float64]) -> float:
    """What to take away before exp so that it neither overflows nor vanishes: mostly nothing, else the largest."""
    largest = float(x.max())
    return 0.0 if abs(largest) < 500 else largest


def power(of: Expression, shift: float) -> Expression:
    """The expression exp(of − shift)."""
    return Apply("exp", (difference(of, Number(shift)) if shift else of,))


def power_sum(slot: int, index: IntArray, shift: float, sign: int = 1) -> Expression:
    """Σ exp(± x − shift) over some elements x of a slot."""

    def term(k: int) -> Expression:
        element = Element(slot, int(index[k]))
        return power(element if sign > 0 else Negative(element), shift)

    return Sum(len(index), term, lambda values: np.exp(sign * values(slot, index) - shift))
