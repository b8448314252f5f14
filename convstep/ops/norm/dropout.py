"""Dropout: in train mode a random mask sets elements, or whole channels, to 0; eval mode changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, Share, require_floats
from convstep.ops.arithmetic.broadcast import Broadcast
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Links, Naming, Operation, Read, Shape, Spec, Term, quiet
from convstep.ops.expression import Element, Expression, Number, Product, Quotient

_MASK = 1
"""The slot of the mask, which is 1 where an element is kept and 0 where it is dropped."""


class Dropout(Operation):
    """torch.nn.Dropout: out = input · mask / (1 − p), each element dropped with probability p.

    `inplace` changes no number.
    """

    p: Share = 0.5
    inplace: Flag = False

    def infer_output(self) -> Spec:
        return self.inputs[0]

    def declare_masks(self) -> dict[str, Shape]:
        require_floats(self.inputs)
        mask = self.mask_shape(self.inputs[0].shape)
        return {"mask": mask} if self.training else {}

    def mask_shape(self, shape: Shape) -> Shape:
        """The mask's shape for an input of this shape."""
        return shape

    def draw(self, mask: str, uniform: Array) -> Array:
        return np.asarray(uniform >= self.p)

    @property
    def scale(self) -> float:
        """What is kept is multiplied by this: on average the sum stays. With p = 1 nothing is kept."""
        return 0.0 if self.p == 1 else 1 / (1 - self.p)

    @cached_property
    def _spread(self) -> Broadcast:
        return Broadcast(self.masks["mask"], self.output.shape)

    # -- the whole tensor

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        return self._masked(operands[0], operands)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        gradient = self._masked(upstream, call.operands) if wanted[0] else None
        return [gradient, None] if self.training else [gradient]

    def _masked(self, x: Array, operands: tuple[Array, ...]) -> Array:
        if not self.training:
            return x
        return np.asarray(x * (operands[_MASK] * x.dtype.type(self.scale)))

    # -- one element

    def row_grid(self, slot: int) -> Shape:
        return (1,)

    def column_grid(self, slot: int) -> Shape:
        return (1,)

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        if not self.training:
            return Links(out[:, None], np.ones((len(out), 1)))
        read = self._spread.reads(out)
        index, other = (read, out) if slot == _MASK else (out, read)
        local: npt.NDArray[np.float64] = call.operands[1 - slot].reshape(-1)[other].astype(np.float64) * self.scale
        return Links(index[:, None], local[:, None])

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        return self.row(call, slot, into)

    def _mask(self, out: int) -> Element:
        return Element(_MASK, int(self._spread.reads(np.array([out]))[0]))

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        if not self.training or self.p == 1:
            return Number(float(not self.training))
        return Quotient(self._mask(out), Number(1 - self.p))

    def term_count(self) -> int:
        return 2 if self.training else 1

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        x = Read(0, out, call.value(0, out))
        if not self.training:
            return [Term((x,), x.value, does="copy", holds=x.value)]
        index = self._mask(out).index
        mask = Read(_MASK, index, call.value(_MASK, index))
        kept = x.value * mask.value
        does = "multiply by 0, as with p = 1 nothing is kept" if self.p == 1 else f"divide by 1 − {self.p:g}"
        result = kept * self.scale
        return [Term((x, mask), kept, does="x · mask"), Term((Read("x · mask", 0, kept),), result, does, holds=result)]

    def formula(self, call: Call, out: int) -> Expression:
        x = Element(0, out)
        if not self.training:
            return x
        if self.p == 1:
            return Product((x, self._mask(out), Number(0.0)))
        return Quotient(Product((x, self._mask(out))), Number(1 - self.p))

    # -- in words

    def tell(self, naming: Naming) -> str:
        x = naming.tensor(0)
        if not self.training:
            return f"does nothing in eval mode: it copies {x}"
        scale = "" if self.p == 1 else f", divides what is kept by 1 − {self.p:g}"
        return f"drops {self._what} of {x} with probability {self.p:g} ({naming.tensor(_MASK)} is 0 there){scale}"

    @property
    def _what(self) -> str:
        return "each element" if self.masks["mask"] == self.output.shape else "each whole channel"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        x = f"{naming.element(0, out)} = {naming.number(call.value(0, out))}"
        if not self.training:
            return f"is a copy of {x}"
        mask = self._mask(out)
        if call.value(_MASK, mask.index) == 0:
            return f"is dropped by {naming.element(_MASK, mask.index)} = 0, whatever {naming.element(0, out)} is"
        return f"is {x}, kept and divided by 1 − {self.p:g}"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        x, made = naming.element(0, into), naming.element(OUTPUT, out)
        if not self.training:
            return f"{made} is a copy of {x}"
        if call.value(_MASK, self._mask(out).index) == 0:
            return f"{x} was dropped, so {made} does not react to it"
        return f"{x} was kept and divided by 1 − {self.p:g}, so {made} changes {self.scale:g} times as much"


class _ChannelDropout(Dropout):
    """Drops whole channels: one number of the mask for each."""

    def mask_shape(self, shape: Shape) -> Shape:
        channels = self.channel_axes(shape)
        return (*shape[:channels], *(1 for _ in shape[channels:]))

    def channel_axes(self, shape: Shape) -> int:
        """How many leading axes the mask has: sample and channel."""
        if len(shape) < 2:
            raise ArgumentError("inputs", f"takes an input (N, C, …), not {list(shape)}")
        return 2


class Dropout1d(_ChannelDropout):
    """torch.nn.Dropout1d: whole channels of (N, C, L) or (C, L)."""

    def channel_axes(self, shape: Shape) -> int:
        if len(shape) not in (2, 3):
            raise ArgumentError("inputs", f"takes an input (N, C, L) or (C, L), not {list(shape)}")
        return len(shape) - 1


class Dropout2d(_ChannelDropout):
    """torch.nn.Dropout2d: whole channels of (N, C, H, W). Three dimensions are (N, C, L), as in torch."""
