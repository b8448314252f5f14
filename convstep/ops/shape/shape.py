"""Operations that give the same numbers another shape: Flatten, Unflatten, Reshape, Permute, PixelShuffle, Identity."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import prod

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import Integer, Integers, Positive, dimension
from convstep.ops.base import Array, Call, IntArray, Naming, Shape, Spec
from convstep.ops.indices import unravel
from convstep.ops.shape.copying import Copying


class _Relaid(Copying):
    """The same numbers in the same row-major order."""

    @abstractmethod
    def infer_shape(self, shape: Shape) -> Shape:
        """The output's shape for the input's."""

    def infer_output(self) -> Spec:
        spec = self.inputs[0]
        return Spec(self.infer_shape(spec.shape), spec.dtype)

    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        return operands[0].reshape(self.output.shape)

    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        return [upstream.reshape(self.inputs[0].shape) if wanted[0] else None]

    def source(self, out: IntArray) -> tuple[IntArray, IntArray]:
        return np.zeros_like(out), out

    def target(self, slot: int, into: IntArray) -> IntArray:
        return into

    def tell(self, naming: Naming) -> str:
        before, after = ("×".join(map(str, s.shape)) or "a scalar" for s in (self.inputs[0], self.output))
        return f"lays out {naming.tensor(0)} as {after} instead of {before}"


class Flatten(_Relaid):
    """torch.nn.Flatten: the dimensions from `start_dim` to `end_dim` become one."""

    start_dim: Integer = 1
    end_dim: Integer = -1

    def infer_shape(self, shape: Shape) -> Shape:
        start = dimension("start_dim", self.start_dim, shape)
        end = dimension("end_dim", self.end_dim, shape)
        if start > end:
            raise ArgumentError("start_dim", f"{self.start_dim} comes after end_dim {self.end_dim}")
        return (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])


class Unflatten(_Relaid):
    """torch.nn.Unflatten: dimension `dim` becomes several; one of their sizes may be -1."""

    dim: Integer
    unflattened_size: Integers

    def infer_shape(self, shape: Shape) -> Shape:
        if not shape:
            raise ArgumentError("inputs", "takes an input of at least one dimension, not a scalar")
        dim = dimension("dim", self.dim, shape)
        if not self.unflattened_size:
            raise ArgumentError("unflattened_size", "takes one size or more, not []")
        return (*shape[:dim], *_filled("unflattened_size", self.unflattened_size, shape[dim]), *shape[dim + 1 :])


class Reshape(_Relaid):
    """torch.reshape: the same numbers in the shape `shape`; one of its sizes may be -1."""

    shape: Integers

    def infer_shape(self, shape: Shape) -> Shape:
        return _filled("shape", self.shape, prod(shape))


def _filled(argument: str, sizes: Sequence[int], count: int) -> Shape:
    """Sizes that hold `count` elements: what -1 stands for, filled in."""
    unknown = [k for k, size in enumerate(sizes) if size == -1]
    known = prod(size for size in sizes if size != -1)
    if len(unknown) > 1 or any(size < -1 for size in sizes):
        raise ArgumentError(argument, f"takes sizes of 0 or more, and -1 for one of them at most, not {list(sizes)}")
    if known != count and not (unknown and known and count % known == 0):
        raise ArgumentError(argument, f"{list(sizes)} does not hold the {count} elements that there are")
    return tuple(count // known if size == -1 else size for size in sizes)


class Identity(_Relaid):
    """torch.nn.Identity: the input as it is."""

    def infer_shape(self, shape: Shape) -> Shape:
        return shape

    def tell(self, naming: Naming) -> str:
        return f"hands on {naming.tensor(0)} as it is"


class _Exchanged(Copying):
    """The input, read as the shape `split`, with its dimensions in another `order`, then read as the output's shape."""

    @property
    @abstractmethod
    def split(self) -> Shape:
        """The input's shape, a dimension perhaps taken apart."""

    @property
    @abstractmethod
    def order(self) -> tuple[int, ...]:
        """The dimensions of `split` in the order in which the output has them."""

    @property
    def _exchanged(self) -> Shape:
        return tuple(self.split[k] for k in self.order)

    @cached_property
    def _back(self) -> tuple[int, ...]:
        return tuple(int(k) for k in np.argsort(self.order))

    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        exchanged = operands[0].reshape(self.split).transpose(self.order)
        return np.ascontiguousarray(exchanged).reshape(self.output.shape)

    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        if not wanted[0]:
            return [None]
        back = upstream.reshape(self._exchanged).transpose(self._back)
        return [np.ascontiguousarray(back).reshape(self.inputs[0].shape)]

    def source(self, out: IntArray) -> tuple[IntArray, IntArray]:
        return np.zeros_like(out), _moved(out, self._exchanged, self._back)

    def target(self, slot: int, into: IntArray) -> IntArray:
        return _moved(into, self.split, self.order)


def _moved(index: IntArray, shape: Shape, order: tuple[int, ...]) -> IntArray:
    """Where elements at flat indices of a tensor are once its dimensions stand in another order."""
    at, moved = unravel(index, shape), np.zeros_like(index)
    for k in order:
        moved = moved * shape[k] + at[k]
    return moved


class Permute(_Exchanged):
    """torch.permute: the dimensions in the order `dims`."""

    dims: Integers

    def infer_output(self) -> Spec:
        spec = self.inputs[0]
        count = len(spec.shape)
        if len(self.dims) != count or sorted(d % count if -count <= d < count else d for d in self.dims) != [
            *range(count)
        ]:
            raise ArgumentError(
                "dims", f"takes each of the {count} dimensions of the input once, not {list(self.dims)}"
            )
        return Spec(self._exchanged, spec.dtype)

    @property
    def split(self) -> Shape:
        return self.inputs[0].shape

    @property
    def order(self) -> tuple[int, ...]:
        return tuple(d % len(self.dims) for d in self.dims)

    def tell(self, naming: Naming) -> str:
        return (
            f"puts the dimensions of {naming.tensor(0)} in the order {', '.join(map(str, self.order)) or 'they have'}"
        )


class PixelShuffle(_Exchanged):
    """torch.nn.PixelShuffle: r² channels become the r×r pixels of one, (…, C·r², H, W) → (…, C, H·r, W·r)."""

    upscale_factor: Positive

    def infer_output(self) -> Spec:
        spec, r = self.inputs[0], self.upscale_factor
        if len(spec.shape) < 3:
            raise ArgumentError("inputs", f"takes an input (…, C, H, W), not {list(spec.shape)}")
        *outer, channels, height, width = spec.shape
        if channels % r**2:
            raise ArgumentError("upscale_factor", f"{r}: its square does not divide the {channels} channels")
        return Spec((*outer, channels // r**2, height * r, width * r), spec.dtype)

    @property
    def split(self) -> Shape:
        *outer, channels, height, width = self.inputs[0].shape
        r = self.upscale_factor
        return (prod(outer), channels // r**2, r, r, height, width)

    @property
    def order(self) -> tuple[int, ...]:
        return (0, 1, 4, 2, 5, 3)

    def tell(self, naming: Naming) -> str:
        r = self.upscale_factor
        return f"lays every {r**2} channels of {naming.tensor(0)} out as {r}×{r} pixels of one channel"


class PixelUnshuffle(_Exchanged):
    """torch.nn.PixelUnshuffle: the r×r pixels of a channel become r² channels, (…, C, H·r, W·r) → (…, C·r², H, W)."""

    downscale_factor: Positive

    def infer_output(self) -> Spec:
        spec, r = self.inputs[0], self.downscale_factor
        if len(spec.shape) < 3:
            raise ArgumentError("inputs", f"takes an input (…, C, H, W), not {list(spec.shape)}")
        *outer, channels, height, width = spec.shape
        if height % r or width % r:
            raise ArgumentError("downscale_factor", f"{r} does not divide height {height} and width {width}")
        return Spec((*outer, channels * r**2, height // r, width // r), spec.dtype)

    @property
    def split(self) -> Shape:
        *outer, channels, height, width = self.inputs[0].shape
        r = self.downscale_factor
        return (prod(outer), channels, height // r, r, width // r, r)

    @property
    def order(self) -> tuple[int, ...]:
        return (0, 1, 3, 5, 2, 4)

    def tell(self, naming: Naming) -> str:
        r = self.downscale_factor
        return f"lays the pixels of every {r}×{r} square of {naming.tensor(0)} out as {r**2} channels"
