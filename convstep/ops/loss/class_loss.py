"""Losses of scores by class labels: which samples count, which class is right, and what it weighs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.arguments import Flag, Integer, Reduction, require_floats
from convstep.ops.base import Array, Call, IntArray, Links, Naming, Parameter, Shape, Spec, quiet
from convstep.ops.expression import Element, Expression, Number, Quotient, Sum
from convstep.ops.lines import Block, Lines
from convstep.ops.loss.old_reduction import OldReduction

Floats = npt.NDArray[np.float64]

WEIGHT = 2
"""The slot of the class weights."""
_BLOCK = 2**14
"""So many scores are worked on at a time."""


class ClassLoss(OldReduction):
    """A loss of scores (N, C, …) or (C), slot 0, and class labels (N, …) or (), slot 1.

    A sample counts unless its label is `ignore_index`; a buffer `weight` (C) weighs the classes. The mean divides
    by the weights of the labelled classes, added up, which without weights is the number of samples that count.
    """

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 2
    buffer_names: ClassVar[tuple[str, ...]] = ("weight",)
    is_loss: ClassVar[bool] = True

    weight: Flag = False
    ignore_index: Integer = -100
    reduction: Reduction = "mean"

    # -- shapes

    def infer_output(self) -> Spec:
        scores, target = self.inputs
        if self.by_label and target.shape != self.samples:
            raise ArgumentError(
                "inputs",
                f"for scores of shape {list(scores.shape)} the class labels have the shape {list(self.samples)}, "
                f"not {list(target.shape)}",
            )
        return Spec(self.samples if self.reduction == "none" else (), scores.dtype)

    def declare_buffers(self) -> dict[str, Parameter]:
        require_floats(self.inputs[:1])
        if not self.inputs[0].shape:
            raise ArgumentError("inputs", "takes scores of shape (C) or (N, C, …), not a scalar")
        return {"weight": Parameter((self.classes,), {"init": "ones"})} if self.weight else {}

    @cached_property
    def by_label(self) -> bool:
        """Whether the target holds class labels; otherwise it holds probabilities."""
        return not self.inputs[1].is_float

    @property
    def samples(self) -> Shape:
        """The shape of the samples: the scores' without the classes."""
        shape = self.inputs[0].shape
        return () if len(shape) == 1 else (shape[0], *shape[2:])

    @cached_property
    def lines(self) -> Lines:
        """The scores of one sample are a line."""
        shape = self.inputs[0].shape
        return Lines.along(shape, 0 if len(shape) == 1 else 1)

    @property
    def classes(self) -> int:
        return self.lines.length

    # -- the target, in one form

    def counted(self, target: Array) -> npt.NDArray[np.bool_]:
        """Which samples count, (samples,): those whose label is not `ignore_index`."""
        if not self.by_label:
            return np.ones(target.size // self.classes, dtype=bool)
        return np.asarray(target.reshape(-1) != self.ignore_index)

    def labels(self, target: Array) -> IntArray:
        """The labels, (samples,), 0 for ignored ones."""
        return (target.reshape(-1) * self.counted(target)).astype(np.intp, copy=False)

    def weights(self, operands: Sequence[Array]) -> Floats:
        """What each class weighs, (classes,)."""
        return operands[WEIGHT].astype(np.float64) if self.weight else np.ones(self.classes)

    def label_weights(self, target: Array, operands: Sequence[Array]) -> Floats:
        """What the labelled class of each sample weighs, (samples,); 0 for an ignored sample."""
        return np.where(self.counted(target), self.weights(operands)[self.labels(target)], 0.0)

    def target_rows(self, target: Array, block: Block) -> Array:
        """The labels of a block of samples, or their probabilities, (samples, classes)."""
        return target.reshape(-1)[block.lines] if self.by_label else self.lines.rows(target, block)

    def divisor(self, operands: Sequence[Array]) -> float:
        """What the sum of all losses is divided by."""
        if self.reduction != "mean":
            return 1.0
        if not self.by_label:
            return float(self.lines.count)
        counted = self.label_weights(operands[1], operands) if self.weight else self.counted(operands[1])
        return float(counted.sum())

    def check_data(self, slot: int, values: Array) -> None:
        if slot == 1 and self.by_label:
            self.check_labels(values)

    def check_labels(self, target: Array) -> None:
        """Raises ArgumentError where a label is no class."""
        labels = self.labels(target)
        wrong = np.flatnonzero((labels < 0) | (labels >= self.classes))
        if wrong.size:
            raise ArgumentError(
                None,
                f"the class label {labels[wrong[0]]} is out of range: there are the classes 0 to {self.classes - 1}",
            )

    # -- the whole tensor

    @abstractmethod
    def losses(self, rows: Array, target: Array, operands: Sequence[Array]) -> Array:
        """The losses of some samples of the scores `rows`, (samples,); 0 for an ignored one."""

    @abstractmethod
    def given(self, slot: int, rows: Array, target: Array, share: Floats, operands: Sequence[Array]) -> Array:
        """What the scores of some samples, or their probabilities, get back, (samples, classes).

        `share` is what one unit of each sample's loss changes, (samples, 1).
        """

    def _all_losses(self, operands: Sequence[Array]) -> Array:
        """The loss of each sample, (samples,); 0 for an ignored one."""
        scores, target = operands[:2]
        blocks = list(self.lines.blocks(_BLOCK))
        parts = [self.losses(self.lines.rows(scores, k), self.target_rows(target, k), operands) for k in blocks]
        return np.concatenate(parts) if parts else np.zeros(0, self.output.dtype)

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        if self.by_label:
            self.check_labels(operands[1])
        losses = self._all_losses(operands)
        if self.reduction == "none":
            return losses.reshape(self.samples).astype(self.output.dtype)
        return np.asarray(np.divide(losses.sum(), self.divisor(operands)), dtype=self.output.dtype)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        gradients: list[Array | None] = [None] * len(call.operands)
        scores, target = call.operands[:2]
        divisor = self.divisor(call.operands)
        for slot in (0, 1):
            if not (wanted[slot] and self.per_class(slot)):
                continue
            gradients[slot] = gradient = np.empty_like(call.operands[slot])
            for block in self.lines.blocks(_BLOCK):
                part = self.target_rows(target, block)
                share = self._shared(part, self._upstream(upstream, block.lines), divisor)
                rows = self.given(slot, self.lines.rows(scores, block), part, share, call.operands)
                self.lines.put(gradient, block, rows)
        return gradients

    def _upstream(self, upstream: Array, samples: slice) -> Array:
        flat = upstream.reshape(-1)
        return flat[samples] if self.reduction == "none" else flat

    def _shared(self, target: Array, upstream: Array, divisor: float) -> Floats:
        """What one unit of each sample's loss changes, (samples, 1); nothing reaches an ignored sample."""
        return np.where(self.counted(target), np.divide(upstream.astype(np.float64), divisor), 0.0)[:, None]

    def sample_upstream(self, call: Call, upstream: Array) -> Floats:
        """The same for all samples."""
        return self._shared(call.operands[1], upstream.reshape(-1), self.divisor(call.operands))

    # -- one element

    def samples_of(self, out: IntArray) -> IntArray:
        """The samples that make up each output element, (m, n)."""
        if self.reduction == "none":
            return out[:, None]
        return np.broadcast_to(np.arange(self.lines.count), (len(out), self.lines.count))

    def of_samples(self, operands: Sequence[Array], samples: IntArray) -> tuple[Array, Array]:
        """The scores of some samples, (samples, classes), and their labels or probabilities."""
        elements = self.lines.elements(samples)
        scores, target = (operand.reshape(-1) for operand in operands[:2])
        return scores[elements], target[samples if self.by_label else elements]

    def _local(self, call: Call, slot: int) -> Floats:
        """∂loss/∂operand for every element of an operand, flat."""
        if not self.is_differentiable(slot):
            return np.zeros(call.operands[slot].size)
        # In the scores' own dtype, as `vjp` has it: p − 1 of a single-precision p near 1 has few digits.
        gradient = self.vjp(call, np.ones(self.output.shape), [k == slot for k in range(len(call.operands))])[slot]
        assert gradient is not None
        return gradient.reshape(-1).astype(np.float64)

    def local_at(self, call: Call, slot: int, into: IntArray) -> Floats:
        """∂loss/∂operand of m elements, (m,)."""
        return self._local(call, slot)[into]

    def per_class(self, slot: int) -> bool:
        """Whether an operand has a number for each class of each sample."""
        return slot == 0 or (slot == 1 and not self.by_label)

    def row_grid(self, slot: int) -> Shape:
        samples = () if self.reduction == "none" else self.samples
        return samples or (1,) if slot == 1 and self.by_label else (*samples, self.classes)

    def column_grid(self, slot: int) -> Shape:
        return (self.lines.count,) if slot == WEIGHT else (1,)

    @quiet
    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        index = self.samples_of(out)
        if self.per_class(slot):
            index = self.lines.elements(index.reshape(-1)).reshape(len(out), -1)
        elif slot == WEIGHT:
            index = np.broadcast_to(np.arange(self.classes), (*index.shape, self.classes)).reshape(len(out), -1)
        return Links(index, self._local(call, slot)[index])

    @quiet
    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        if slot == WEIGHT:
            sample = np.broadcast_to(np.arange(self.lines.count), (len(into), self.lines.count))
        else:
            sample = (self.lines.place(into)[0] if self.per_class(slot) else into)[:, None]
        out = sample if self.reduction == "none" else np.zeros_like(sample)
        return Links(out, np.broadcast_to(self.local_at(call, slot, into)[:, None], out.shape))

    # -- in words

    @property
    @abstractmethod
    def sample_words(self) -> str:
        """The loss of one sample that counts, in words."""

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        counted = self.counted(call.operands[1])
        if self.reduction == "none":
            return f"is {self.sample_words}" if counted[out] else "is 0, as its sample is ignored"
        count, whole = int(counted.sum()), self.lines.count
        by_weights = self.reduction == "mean" and self.weight and self.by_label
        how = "mean" if self.reduction == "mean" and not by_weights else "sum"
        samples = f"{whole} samples" if count == whole else f"{count} of {whole} samples, the others ignored,"
        over = "" if count == whole == 1 else f"the {how} over {samples} of "
        end = ", divided by the weights of the right classes, added up" if by_weights else ""
        return f"is {over}{self.sample_words}{end}"

    # -- as expressions

    @abstractmethod
    def sample_formula(self, call: Call, sample: int) -> Expression:
        """The loss of one sample that counts."""

    @quiet
    def formula(self, call: Call, out: int) -> Expression:
        counted = self.counted(call.operands[1])

        def loss(sample: int) -> Expression:
            return self.sample_formula(call, sample) if counted[sample] else Number(0.0)

        if self.reduction == "none":
            return loss(out)
        count = self.lines.count
        return self.averaged(loss(0) if count == 1 else Sum(count, loss), call)

    def averaged(self, whole: Expression, call: Call) -> Expression:
        """A sum over the samples, divided by what the mean divides by."""
        if self.reduction != "mean":
            return whole
        if self.weight and self.by_label:
            labels = self.labels(call.operands[1])[self.counted(call.operands[1])]
            return Quotient(whole, Sum(len(labels), lambda k: Element(WEIGHT, int(labels[k]))))
        divisor = self.divisor(call.operands)
        return whole if divisor == 1 else Quotient(whole, Number(divisor))
