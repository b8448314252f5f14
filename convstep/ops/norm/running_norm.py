"""Norms that may keep running statistics: BatchNorm over the batch, InstanceNorm within each sample."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import ClassVar, Self

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, PositiveOrNone, Real, RealOrNone, require_floats
from convstep.ops.base import Array, Call, Naming, Parameter, Shape, Spec, quiet
from convstep.ops.norm.norm import Norm
from convstep.ops.norm.norm_layout import Layout


class _RunningNorm(Norm):
    """A norm of each channel; a subclass says over what.

    Running statistics take the unbiased variance (divided by n − 1), the output takes the biased one, as in torch.
    """

    buffer_names: ClassVar[tuple[str, ...]] = ("running_mean", "running_var", "num_batches_tracked")
    axes: ClassVar[int]
    over_batch: ClassVar[bool]
    ranks: ClassVar[tuple[int, ...]]
    """How many dimensions the input may have, and how these are written."""
    forms: ClassVar[str]

    each: ClassVar[str] = "channel"

    num_features: PositiveOrNone = None
    eps: Real = 1e-5
    momentum: RealOrNone = 0.1
    affine: Flag
    track_running_stats: Flag
    bias: Flag = True

    # -- shapes

    def infer(self, inputs: Sequence[Spec]) -> Self:
        require_floats(inputs)
        shape = inputs[0].shape
        if len(shape) not in self.ranks:
            raise ArgumentError("inputs", f"takes an input {self.forms}, not {list(shape)}")
        channels = shape[self._channel_axis(shape)]
        if self.num_features not in (None, channels) and self._needs_features:
            raise ArgumentError("num_features", f"is {self.num_features}, but the input has {channels} channels")
        return self.replace(num_features=channels)

    @property
    def _needs_features(self) -> bool:
        return True

    def _channel_axis(self, shape: Shape) -> int:
        """An unbatched input begins with its channels."""
        return 1 if self.over_batch or len(shape) == self.axes + 2 else 0

    def declare(self) -> dict[str, Parameter]:
        if not self.affine:
            return {}
        weight, bias = (Parameter((self._channels,), {"init": init}) for init in ("ones", "zeros"))
        return {"weight": weight, "bias": bias} if self.bias else {"weight": weight}

    def declare_buffers(self) -> dict[str, Parameter]:
        if not self.track_running_stats:
            return {}
        mean, var = (Parameter((self._channels,), {"init": init}) for init in ("zeros", "ones"))
        tracked = Parameter((), {"init": "zeros"}, np.dtype(np.int64))
        return {"running_mean": mean, "running_var": var, "num_batches_tracked": tracked}

    def infer_output(self) -> Spec:
        if not self.fixed and self._too_few:
            what = f"an input {list(self.inputs[0].shape)} has one"
            raise ArgumentError("inputs", f"takes more than one number per channel {self._when}, and {what}")
        if self.over_batch and not self.fixed and self.eps <= 0:
            raise ArgumentError("eps", f"takes a number above 0 where statistics are taken, not {self.eps:g}")
        return self.inputs[0]

    @property
    def _too_few(self) -> bool:
        """Whether torch refuses to take statistics over so few numbers."""
        return self.layout.group_size == 1

    @property
    def _when(self) -> str:
        return "when it takes their mean and variance" if not self.training else "in training"

    @property
    def _channels(self) -> int:
        return self.inputs[0].shape[self._channel_axis(self.inputs[0].shape)]

    @property
    def _spatial(self) -> Shape:
        shape = self.inputs[0].shape
        return shape[self._channel_axis(shape) + 1 :]

    @cached_property
    def layout(self) -> Layout:
        shape = self.inputs[0].shape
        samples = prod(shape[: self._channel_axis(shape)])
        return Layout(samples, self._channels, 1, prod(self._spatial), pooled=self.over_batch or self.fixed)

    @property
    def epsilon(self) -> float:
        return self.eps

    @property
    def fixed(self) -> bool:
        return self.track_running_stats and not self.training

    @property
    def group_grid(self) -> Shape:
        return self.channel_grid if self.over_batch else self._spatial or (1,)

    @property
    def channel_grid(self) -> Shape:
        shape = self.inputs[0].shape
        return (*shape[: self._channel_axis(shape)], *self._spatial) or (1,)

    # -- running statistics

    @quiet
    def new_buffers(self, call: Call) -> dict[str, Array]:
        if not self.track_running_stats:
            return {}
        tracked = call.operands[self.slots["num_batches_tracked"]]
        count = np.asarray(tracked + self.over_batch, dtype=tracked.dtype)
        share = self._share(int(count))
        size = self.layout.group_size
        if not call.output.size:
            return {"num_batches_tracked": count}
        fresh = {"running_mean": call.saved["mean"], "running_var": call.saved["var"] * (size / (size - 1))}
        buffers = {}
        for name, now in fresh.items():
            old = call.operands[self.slots[name]]
            mean = now.reshape(-1, len(old)).mean(axis=0)
            buffers[name] = ((1 - share) * old + share * mean).astype(old.dtype)
        return {**buffers, "num_batches_tracked": count}

    def _share(self, count: int) -> float:
        """How much of the running statistics the newest ones replace, at the `count`-th batch."""
        return self.momentum if self.momentum is not None else 1 / count

    def tell(self, naming: Naming) -> str:
        words = super().tell(naming)
        if self.fixed or not self.track_running_stats:
            return words
        mean, var = (naming.tensor(self.slots[name]) for name in ("running_mean", "running_var"))
        return f"{words}, moves {mean} and {var} {self._moves}"

    @property
    def _moves(self) -> str:
        """How far the running statistics move, in words."""
        if self.momentum is None:
            return "to the average over all batches so far"
        return f"{self.momentum:g} of the way to this mean and variance"


class _BatchNorm(_RunningNorm):
    """out[n, c, …] = (input[n, c, …] − mean[c]) / √(var[c] + eps) · weight[c] + bias[c].

    Mean and variance are those of a channel over the batch; in eval mode, the running ones.
    """

    over_batch: ClassVar[bool] = True
    own_group: ClassVar[str] = "its channel"

    affine: Flag = True
    track_running_stats: Flag = True


class BatchNorm1d(_BatchNorm):
    """torch.nn.BatchNorm1d."""

    axes: ClassVar[int] = 1
    ranks: ClassVar[tuple[int, ...]] = (2, 3)
    forms: ClassVar[str] = "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """torch.nn.BatchNorm2d."""

    axes: ClassVar[int] = 2
    ranks: ClassVar[tuple[int, ...]] = (4,)
    forms: ClassVar[str] = "(N, C, H, W)"


class _InstanceNorm(_RunningNorm):
    """As BatchNorm, but with the mean and variance of each channel of each sample.

    As in torch, num_batches_tracked stays where it is, and without a momentum the running statistics do, too.
    """

    over_batch: ClassVar[bool] = False
    own_group: ClassVar[str] = "its channel in its sample"

    affine: Flag = False
    track_running_stats: Flag = False

    @property
    def _needs_features(self) -> bool:
        return self.affine or self.track_running_stats

    def _share(self, count: int) -> float:
        return self.momentum or 0.0

    @property
    def _moves(self) -> str:
        return f"{self._share(1):g} of the way to the mean over the samples"


class InstanceNorm1d(_InstanceNorm):
    """torch.nn.InstanceNorm1d."""

    axes: ClassVar[int] = 1
    ranks: ClassVar[tuple[int, ...]] = (2, 3)
    forms: ClassVar[str] = "(N, C, L) or (C, L)"


class InstanceNorm2d(_InstanceNorm):
    """torch.nn.InstanceNorm2d."""

    axes: ClassVar[int] = 2
    ranks: ClassVar[tuple[int, ...]] = (3, 4)
    forms: ClassVar[str] = "(N, C, H, W) or (C, H, W)"
