"""The numbers of every norm: groups are brought to mean 0 and variance 1, then scaled and shifted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convstep.ops.base import Array, Call, Empty, IntArray, Links, Operation, Shape, Spec, quiet
from convstep.ops.expression import Apply, Element, Expression, Named, Negative, Number, Product, Quotient, total
from convstep.ops.feeding import Dense
from convstep.ops.norm.norm_layout import Layout

Floats = npt.NDArray[np.float64]

_FEW = 8
"""A group of at most so many numbers is small: there gradients are added up product by product."""
_BLOCK = 2**14
"""So many elements are looked at, or so many lists of products made, at a time."""


class Standardise(Dense, Operation):
    """y = (x − mean) / √(var + eps) · weight + bias, mean and variance taken over each group of numbers.

    A subclass says what the groups are (`layout`), and gives eps and its parameters. Where
    running statistics are read instead (`fixed`), they are its buffers `running_mean` and `running_var`.
    """

    parameter_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    centred: ClassVar[bool] = True
    """Whether the mean is taken away; otherwise `var` stands for the mean square."""

    @property
    def passing_bytes(self) -> int:
        return 3 * self.output.size * self.output.dtype.itemsize

    @property
    @abstractmethod
    def layout(self) -> Layout: ...

    @property
    @abstractmethod
    def epsilon(self) -> float:
        """What is added to the variance."""

    @property
    def fixed(self) -> bool:
        """Whether running statistics are read, as in eval mode."""
        return False

    def infer_output(self) -> Spec:
        return self.inputs[0]

    @cached_property
    def slots(self) -> dict[str, int]:
        """The slot of each parameter and buffer."""
        return {name: slot for slot, name in enumerate((*self.parameters, *self.buffers), start=1)}

    # -- the whole tensor

    def _centre(self, x: Array, operands: tuple[Array, ...]) -> tuple[Array, Array, Array]:
        """Each number minus the mean, the mean and the variance of each group, in the layout's dimensions."""
        if self.fixed:
            mean, var = (operands[self.slots[name]].reshape(1, -1, 1, 1) for name in ("running_mean", "running_var"))
            return x - mean, mean, var
        mean = self._mean(x) if self.centred else np.zeros_like(x, shape=(1,) * x.ndim)
        centred = x - mean
        var = self._mean(np.square(centred))
        return centred, np.broadcast_to(mean, var.shape), var

    def _mean(self, x: Array) -> Array:
        """The mean of each group; of an empty one, NaN without numpy's warning."""
        mean: Array = x.sum(axis=self.layout.axes, keepdims=True) / x.dtype.type(self.layout.group_size)
        return mean

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        x = operands[0].reshape(self.layout.shape)
        y, mean, var = self._centre(x, operands)
        rate = 1 / np.sqrt(var + x.dtype.type(self.epsilon))
        saved.update(mean=mean, var=var, rate=rate)
        y *= rate
        if "weight" in self.slots:
            y *= self._channelwise(operands, "weight")
        if "bias" in self.slots:
            y += self._channelwise(operands, "bias")
        return y.reshape(self.output.shape)

    def _channelwise(self, operands: tuple[Array, ...], name: str) -> Array:
        return operands[self.slots[name]].reshape(1, self.layout.groups, self.layout.channels, 1)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        gradients: list[Array | None] = [None] * len(call.operands)
        if not any(wanted):
            return gradients
        given = upstream.reshape(self.layout.shape)
        standard: Array = call.operands[0].reshape(self.layout.shape) - call.saved["mean"]
        standard *= call.saved["rate"]
        sums = self._sums(call, given, standard)
        for name, slot in self.slots.items():
            if wanted[slot]:
                gradients[slot] = sums[name].sum(axis=0).reshape(call.operands[slot].shape)
        if wanted[0] and self.fixed:
            del standard, sums
            gradients[0] = (given * self._factor(call)).reshape(upstream.shape)
        elif wanted[0]:
            gradients[0] = self._input_gradient(call, given, standard, sums).reshape(upstream.shape)
        return gradients

    def _factor(self, call: Call) -> Array:
        """By what a number is multiplied: weight · rate."""
        rate: Array = call.saved["rate"]
        return self._channelwise(call.operands, "weight") * rate if "weight" in self.slots else rate

    def _sums(self, call: Call, given: Array, standard: Array) -> dict[str, Array]:
        """Sums over the places of each channel: all further sums are sums of these."""
        products = given * standard
        if self.layout.places == 1:
            return {"weight": products, "bias": given}
        return {"weight": products.sum(axis=3, keepdims=True), "bias": given.sum(axis=3, keepdims=True)}

    def _input_gradient(self, call: Call, given: Array, standard: Array, sums: dict[str, Array]) -> Array:
        """What comes back to the input; `standard` and the sums for the weight are used up."""
        rate, one = call.saved["rate"], np.ones((1, 1, 1, 1), given.dtype)
        weight = self._channelwise(call.operands, "weight") if "weight" in self.slots else one
        axes, size = self.layout.axes, self.layout.group_size
        weighted = sums.pop("weight")
        weighted *= weight
        through = weighted.sum(axis=axes, keepdims=True) * rate / size
        del weighted
        hard = self._hard(standard)
        standard *= through
        through = (weight * sums["bias"]).sum(axis=axes, keepdims=True) * rate / size
        scale = self._factor(call)
        gradient = np.multiply(given, scale, out=scale if scale.shape == given.shape and scale is not rate else None)
        gradient -= standard
        if self.centred:
            gradient -= through
        # An infinite upstream gradient leaves Inf − Inf in its group, as in torch.
        if np.isfinite(sums["bias"]).all():
            for some in hard:
                links = self.column(call, 0, some)
                gradient.reshape(-1)[some] = (links.local * given.reshape(-1)[links.index]).sum(axis=1)
        return np.asarray(gradient)

    def _hard(self, standard: Array) -> Iterable[IntArray]:
        """The elements whose gradient the short formula loses to cancellation; the products stepped through do not.

        They are few in a group, or one that outweighs its group. In blocks.
        """
        size, count = self.layout.group_size, standard.size
        if size <= _FEW:
            return (np.arange(k, min(k + _BLOCK, count)) for k in range(0, count, _BLOCK))
        limit = (size / 2) ** 0.5
        if standard.max() <= limit and standard.min() >= -limit:
            return ()
        flat = standard.reshape(-1)
        return [k + np.flatnonzero(np.abs(flat[k : k + _BLOCK]) > limit) for k in range(0, count, _BLOCK)]

    # -- one element

    def row_grid(self, slot: int) -> Shape:
        return (1,) if slot or self.fixed else self.group_grid

    def column_grid(self, slot: int) -> Shape:
        return self.channel_grid if slot else self.row_grid(0)

    @property
    @abstractmethod
    def group_grid(self) -> Shape:
        """How the numbers of a group are laid out."""

    @property
    @abstractmethod
    def channel_grid(self) -> Shape:
        """How the numbers that meet one element of the weight are laid out."""

    def _statistic(self, call: Call, name: str, index: IntArray) -> Floats:
        """The mean, var or rate that goes with each element."""
        which = self.layout.channel(index) if self.fixed else self.layout.group(index)
        numbers: Floats = call.saved[name].reshape(-1)[which].astype(np.float64)
        return numbers

    @quiet
    def standard(self, call: Call, index: IntArray, kin: IntArray | None = None) -> Floats:
        """x̂ = (x − mean) / √(var + eps) of some elements; `kin` are others of the same groups, perhaps fewer."""
        kin = index if kin is None else kin
        x = call.operands[0].reshape(-1)[index].astype(np.float64)
        return (x - self._statistic(call, "mean", kin)) * self._statistic(call, "rate", kin)

    def _scale(self, call: Call, out: IntArray, few: IntArray) -> Floats:
        """∂output[out]/∂input[out] where the statistics are fixed; `few` as `kin` of `standard`."""
        scale = self._statistic(call, "rate", few)
        if "weight" in self.slots:
            of = few if self.layout.channels == 1 else out
            scale = scale * call.operands[self.slots["weight"]].reshape(-1)[self.layout.channel(of)]
        return scale

    def is_dense(self, slot: int) -> bool:
        return slot == 0 and not self.fixed

    def members(self, into: int) -> IntArray:
        members: IntArray = self.layout.members(self.layout.group(np.array([into])))[0]
        return members

    def slope(self, call: Call, out: IntArray, into: IntArray) -> Floats:
        few = out if out.size <= into.size or self.fixed else into  # a group's statistics are the same
        slope = self._scale(call, out, few)
        if self.fixed:
            return slope
        beside = few if out.ndim == into.ndim == 2 and len(out) == len(into) else None
        pair = self.standard(call, out, beside) * self.standard(call, into, beside)
        pair += self.centred
        pair /= self.layout.group_size
        np.subtract(out == into, pair, out=pair)
        pair *= slope
        return pair

    @quiet
    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        if slot > len(self.parameters):
            return self._buffer_row(slot, out)
        if slot:
            local = self._parameter_slope(call, slot, out[:, None])
            return Links(self.layout.channel(out)[:, None], local)
        index = out[:, None] if self.fixed else self.layout.members(self.layout.group(out))
        return Links(index, self.slope(call, out[:, None], index))

    def _buffer_row(self, slot: int, out: IntArray) -> Links:
        """Which running statistics an output reads, if it reads any; none of them has a gradient."""
        read = self.fixed and slot != self.slots["num_batches_tracked"]
        index = self.layout.channel(out) if read else np.full(out.shape, -1)
        empty = np.full((len(out), 1), Empty.NO if read else Empty.WINDOW, np.uint8)
        return Links(index[:, None], np.zeros((len(out), 1)), empty)

    @quiet
    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        if slot:
            index = self.layout.channel_members(into)
            return Links(index, self._parameter_slope(call, slot, index))
        index = into[:, None] if self.fixed else self.layout.members(self.layout.group(into))
        return Links(index, self.slope(call, index, into[:, None]))

    def fed(self, slot: int, into: IntArray) -> tuple[IntArray, IntArray]:
        if slot:
            return self.layout.channel_ends(into)
        return (into, into) if self.fixed else self.layout.ends(self.layout.group(into))

    def _parameter_slope(self, call: Call, slot: int, out: IntArray) -> Floats:
        return self.standard(call, out) if slot == self.slots.get("weight") else np.ones(out.shape)

    # -- as expressions

    def _named(self, call: Call, name: str, out: int) -> Expression:
        """The mean or the variance that goes with an element."""
        if self.fixed:
            return Element(self.slots[f"running_{name}"], int(self.layout.channel(np.array(out))))
        value = float(self._statistic(call, name, np.array([out]))[0])
        return Named(name if self.centred else "mean square", value)

    def _deviation(self, call: Call, index: int) -> Expression:
        x = Element(0, index)
        return total([x, Negative(self._named(call, "mean", index))]) if self.centred else x

    def _spread(self, call: Call, out: int) -> Expression:
        """The variance + eps."""
        return total([self._named(call, "var", out), Number(self.epsilon)])

    def _parameter(self, name: str, out: int) -> Element:
        return Element(self.slots[name], int(self.layout.channel(np.array(out))))

    def formula(self, call: Call, out: int) -> Expression:
        made: Expression = Quotient(self._deviation(call, out), Apply("sqrt", (self._spread(call, out),)))
        if "weight" in self.slots:
            made = Product((made, self._parameter("weight", out)))
        return total([made, self._parameter("bias", out)]) if "bias" in self.slots else made

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        root = Apply("sqrt", (self._spread(call, out),))
        if slot:
            weight = slot == self.slots.get("weight")
            return Quotient(self._deviation(call, out), root) if weight else Number(1.0)
        scale: Expression = self._parameter("weight", out) if "weight" in self.slots else Number(1.0)
        slope = Quotient(scale, root)
        if self.fixed:
            return slope
        size = Number(float(self.layout.group_size))
        met = Product((self._deviation(call, out), self._deviation(call, into)))
        parts: list[Expression] = [Number(1.0)] if out == into else []
        if self.centred:
            parts.append(Negative(Quotient(Number(1.0), size)))
        parts.append(Negative(Quotient(met, Product((size, self._spread(call, out))))))
        return Product((slope, total(parts)))
