"""What operations are asked about, and what they answer with: specs, calls, links, terms.

Elements are named by *slots* and *flat indices*. Slot 0, 1, … is an operand (the data inputs, then parameters,
buffers and masks, in order); `OUTPUT` is the tensor that the operation writes. A flat index is row-major from 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from math import prod
from typing import Any, NamedTuple, Protocol, overload

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
IntArray = npt.NDArray[np.intp]
Shape = tuple[int, ...]

OUTPUT = -1

quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
"""Decorates what may meet overflow, Inf − Inf or 0 / 0: those numbers are the answer, as in torch."""


class Empty(IntEnum):
    """Why a term reads nothing. Such a term is counted and adds 0."""

    NO = 0
    PADDING = 1
    STRIDE = 2
    WINDOW = 3

    @property
    def words(self) -> str:
        """Where such a term falls."""
        return ("", "padding", "between two strides", "past the edge")[self]


class Spec(NamedTuple):
    """Shape and dtype of a tensor whose numbers are not known yet."""

    shape: Shape
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"


class Parameter(NamedTuple):
    """A parameter or a buffer that an operation owns.

    `init` is torch's default scheme, written as in a network file; `dtype` is the net's unless given.
    Where it `stretches`, numbers of any shape that broadcasts to this one may be given. `zero_row` starts at 0.
    """

    shape: Shape
    init: Mapping[str, Any]
    dtype: np.dtype[Any] | None = None
    stretches: bool = False
    zero_row: int | None = None


@dataclass(frozen=True)
class Call:
    """One use of an operation: what it read, what it wrote, and what `forward` kept for the way back.

    While `forward` runs, `output` is empty; it may put arrays into `saved`.
    """

    operands: tuple[Array, ...]
    output: Array
    saved: dict[str, Array] = field(default_factory=dict)

    def value(self, slot: int, index: int) -> float:
        """The number of one element (float64)."""
        tensor = self.output if slot == OUTPUT else self.operands[slot]
        return float(tensor.reshape(-1)[index])

    def many(self, slot: int, index: IntArray) -> npt.NDArray[np.float64]:
        """The numbers of some elements (float64)."""
        tensor = self.output if slot == OUTPUT else self.operands[slot]
        return tensor.reshape(-1)[index].astype(np.float64)


@dataclass(frozen=True)
class Links:
    """Jacobian rows or columns: for each of m elements, the n elements on the other side.

    All arrays have the shape (m, n). `index` is the flat index of the element met, -1 where there is none;
    `local` is ∂output/∂input in float64, 0 where empty; `empty` holds `Empty` codes (`None`: no empties);
    `partner` is the flat index of the other factor where the operation multiplies (in slot
    `Operation.partner_slot`), -1 where there is none.
    """

    index: IntArray
    local: npt.NDArray[np.float64]
    empty: npt.NDArray[np.uint8] | None = None
    partner: IntArray | None = None

    @cached_property
    def met(self) -> npt.NDArray[np.bool_]:
        """Where an element is met: everywhere but at the empties, (m, n)."""
        there: npt.NDArray[np.bool_] = self.index >= 0
        return there if self.empty is None else there & (self.empty == Empty.NO)

    @cached_property
    def totals(self) -> tuple[IntArray, npt.NDArray[np.float64]]:
        """Of a single row, the elements that it reads, ascending, each with the sum of its derivatives."""
        read, local = self.index[0], self.local[0]
        if not (read >= 0).all():
            read, local = read[read >= 0], local[read >= 0]
        if (read[1:] > read[:-1]).all():
            return read, local + 0.0  # a sum of one number is no -0
        elements, where = np.unique(read, return_inverse=True)
        return elements, np.asarray(np.bincount(where, weights=local, minlength=len(elements)), dtype=np.float64)

    @cached_property
    def full(self) -> IntArray:
        """Of a single row or column, the links at which an element is met."""
        return np.flatnonzero(self.met[0])


@dataclass(frozen=True)
class Read:
    """A number that a term reads: an element of a slot, or an intermediate with a name (`slot` is then text)."""

    slot: int | str
    index: int
    value: float


class Reads(Sequence[Read]):
    """Many elements of one slot, (n,), each a `Read` when it is looked at."""

    def __init__(self, slot: int, index: IntArray, values: npt.NDArray[np.float64]) -> None:
        self.slot, self.elements, self.values = slot, index, values

    def __len__(self) -> int:
        return len(self.elements)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    @overload
    def __getitem__(self, k: int) -> Read: ...
    @overload
    def __getitem__(self, k: slice) -> Sequence[Read]: ...
    def __getitem__(self, k: int | slice) -> Read | Sequence[Read]:
        if isinstance(k, slice):
            return Reads(self.slot, self.elements[k], self.values[k])
        return Read(self.slot, int(self.elements[k]), float(self.values[k]))


class Term(NamedTuple):
    """One step inside one output element.

    Without `does` the term is the product of its reads (one read: that number itself, as a bias).
    `sum` is the running sum where one runs; `holds` is what the output element holds after this term,
    `None` while there is nothing that could be called so.
    """

    reads: Sequence[Read]
    result: float
    does: str = ""
    sum: float | None = None
    holds: float | None = None
    empty: Empty = Empty.NO

    @property
    def is_product(self) -> bool:
        return not self.does


class Naming(Protocol):
    """How a person writes the elements of one call: `w1[3]` or `o1.weight[0, 0, 1, 0]`."""

    def tensor(self, slot: int) -> str: ...
    def element(self, slot: int, index: int) -> str: ...
    def number(self, value: float) -> str: ...
