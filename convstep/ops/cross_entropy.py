"""Cross entropy: how surprised the scores are by the right class."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.arguments import Integer, Reduction, Share, require_floats
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Links, Naming, Operation, Shape, Spec, Term, quiet
from convstep.ops.cross_entropy_terms import Floats, Samples, cross_entropy_terms
from convstep.ops.expression import (
    Apply,
    Element,
    Expression,
    Number,
    Product,
    Quotient,
    Sum,
    difference,
    total,
)
from convstep.ops.lines import Exponentials, Lines
from convstep.ops.softmax import power, power_sum, safe_shift


class CrossEntropyLoss(Operation):
    """torch.nn.CrossEntropyLoss of scores (N, C, …) or (C) and class labels (N, …), or probabilities like the scores.

    Per sample Σ_c p_c · (log Σ_j exp(x_j) − x_c), where p is 1 at the labelled class, or the given
    probabilities, smoothed: p · (1 − label_smoothing) + label_smoothing / C.
    """

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 2
    is_loss: ClassVar[bool] = True

    ignore_index: Integer = -100
    reduction: Reduction = "mean"
    label_smoothing: Share = 0.0

    # -- shapes

    def infer_output(self) -> Spec:
        scores, target = self.inputs
        require_floats(self.inputs[:1])
        if not scores.shape:
            raise ArgumentError("inputs", "takes scores of shape (C) or (N, C, …), not a scalar")
        if self.by_label and target.shape != self.samples:
            raise ArgumentError(
                "inputs",
                f"for scores of shape {list(scores.shape)} the class labels have the shape {list(self.samples)}, "
                f"not {list(target.shape)}",
            )
        if not self.by_label and target.shape != scores.shape:
            raise ArgumentError(
                "inputs",
                f"class labels need `dtype: int64`; the target is {target.dtype} of shape {list(target.shape)}, "
                f"and probabilities would have the scores' shape {list(scores.shape)}",
            )
        if not self.by_label and self.ignore_index >= 0:
            raise ArgumentError("ignore_index", "goes with class labels, not with probabilities")
        return Spec(self.samples if self.reduction == "none" else (), scores.dtype)

    @property
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

    def _counted(self, target: Array) -> npt.NDArray[np.bool_]:
        """Which samples count, (samples,): those whose label is not `ignore_index`."""
        if not self.by_label:
            return np.ones(self.lines.count, dtype=bool)
        return np.asarray(target.reshape(-1) != self.ignore_index)

    def _divisor(self, target: Array) -> int:
        return int(self._counted(target).sum()) if self.reduction == "mean" else 1

    def _labels(self, target: Array) -> IntArray:
        """The labels, (samples,), 0 for ignored ones."""
        return np.where(self._counted(target), target.reshape(-1), 0).astype(np.intp)

    def _shares(self, target: Array) -> Floats:
        """The weight p of each class, smoothed, (samples, classes); all 0 for an ignored sample."""
        if self.by_label:
            shares = np.zeros((self.lines.count, self.classes))
            shares[np.arange(self.lines.count), self._labels(target)] = 1.0
        else:
            shares = self.lines.rows(target).astype(np.float64)
        if self.label_smoothing:
            shares = shares * (1 - self.label_smoothing) + self.label_smoothing / self.classes
        shares[~self._counted(target)] = 0.0
        return shares

    @property
    def _one_score(self) -> bool:
        """Whether only the labelled class's score is taken away, or every class's, weighted."""
        return self.by_label and not self.label_smoothing

    def check_data(self, slot: int, values: Array) -> None:
        if slot == 1 and self.by_label:
            self._check_labels(values)

    def _check_labels(self, target: Array) -> None:
        labels = self._labels(target)
        wrong = np.flatnonzero((labels < 0) | (labels >= self.classes))
        if wrong.size:
            raise ArgumentError(
                None,
                f"the class label {labels[wrong[0]]} is out of range: there are the classes 0 to {self.classes - 1}",
            )

    # -- the whole tensor

    def _surprise(self, scores: Array, target: Array) -> Array:
        """The loss of each sample, (samples,)."""
        rows = self.lines.rows(scores)
        made = Exponentials.of(rows)
        # In torch's order: the largest goes first, so that huge scores keep their small differences.
        surprise = np.log(made.total) - (rows - made.largest)
        if not self._one_score:
            losses = (surprise * self._shares(target)).sum(axis=1)
        else:
            losses = np.take_along_axis(surprise, self._labels(target)[:, None], axis=1)[:, 0]
        return np.where(self._counted(target), losses, 0.0)

    @quiet
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        scores, target = operands
        if self.by_label:
            self._check_labels(target)
        losses = self._surprise(scores, target)
        if self.reduction == "none":
            return losses.reshape(self.samples).astype(self.output.dtype)
        return np.asarray(np.divide(losses.sum(), self._divisor(target)), dtype=self.output.dtype)

    @quiet
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        scores, target = call.operands
        counted = self._counted(target)
        # Per sample what one unit of its loss changes; nothing reaches an ignored sample.
        share = np.where(counted, np.divide(upstream.reshape(-1), self._divisor(target)), 0.0)[:, None]
        rows = self.lines.rows(scores)
        made = Exponentials.of(rows)
        gradients: list[Array | None] = [None, None]
        if wanted[0]:
            shares = self._shares(target)
            # The small difference first: multiplied apart, a confident score would lose its digits.
            by_score = (made.softmax * shares.sum(axis=1, keepdims=True) - shares) * share
            gradients[0] = self.lines.unrows(by_score.astype(scores.dtype), scores.shape)
        if wanted[1] and not self.by_label:
            by_share = (np.log(made.total) - (rows - made.largest)) * share * (1 - self.label_smoothing)
            gradients[1] = self.lines.unrows(by_share.astype(target.dtype), target.shape)
        return gradients

    # -- one element

    def _samples_of(self, out: IntArray) -> IntArray:
        """The samples that make up each output element, (m, n)."""
        if self.reduction == "none":
            return out[:, None]
        return np.broadcast_to(np.arange(self.lines.count), (len(out), self.lines.count))

    def _local(self, call: Call, slot: int) -> Floats:
        """∂loss/∂operand for every element of an operand, flat."""
        # In the scores' own dtype, as `vjp` has it: p − 1 of a single-precision p near 1 has few digits.
        gradient = self.vjp(call, np.ones(self.output.shape), [slot == 0, slot == 1])[slot]
        return np.zeros(self.inputs[slot].size) if gradient is None else gradient.reshape(-1).astype(np.float64)

    def _per_class(self, slot: int) -> bool:
        return slot == 0 or not self.by_label

    def row_grid(self, slot: int) -> Shape:
        samples = () if self.reduction == "none" else self.samples
        return (*samples, self.classes) if self._per_class(slot) else samples or (1,)

    def column_grid(self, slot: int) -> Shape:
        return (1,)

    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        index = self._samples_of(out)
        if self._per_class(slot):
            index = self.lines.elements(index.reshape(-1)).reshape(len(out), -1)
        return Links(index, self._local(call, slot)[index])

    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        sample = self.lines.place(into)[0] if self._per_class(slot) else into
        out = sample if self.reduction == "none" else np.zeros_like(into)
        return Links(out[:, None], self._local(call, slot)[into][:, None])

    def term_count(self) -> int:
        samples = 1 if self.reduction == "none" else self.lines.count
        return samples * self._terms_a_sample + (self.reduction == "mean")

    @property
    def _terms_a_sample(self) -> int:
        return 2 + self.classes + (1 if self._one_score else self.classes)

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        sample = self._samples_of(np.array([out]))[0]
        scores, target = call.operands
        samples = Samples(
            scores=self.lines.rows(scores)[sample].astype(np.float64),
            index=self.lines.elements(sample),
            shares=self._shares(target)[sample],
            counted=self._counted(target)[sample],
            chosen=np.stack([self._labels(target)[sample], sample], axis=1) if self._one_score else None,
            probabilities=None if self.by_label else self.lines.rows(target)[sample].astype(np.float64),
            divisor=self._divisor(target) if self.reduction == "mean" else None,
        )
        return cross_entropy_terms(samples)

    @quiet
    def intermediates(self, call: Call, out: int) -> list[tuple[str, Array]]:
        sample = self._samples_of(np.array([out]))[0]
        made = Exponentials.of(self.lines.rows(call.operands[0])[sample].astype(np.float64))
        rows = made.powers[0] if len(sample) == 1 else made.powers
        return [("max", made.largest[:, 0]), ("exp(x − max)", rows), ("sum", made.total[:, 0])]

    # -- as expressions

    def _log_sum(self, call: Call, sample: int) -> tuple[Expression, Expression, IntArray, float]:
        """Log Σ exp and Σ exp of one sample's scores, their indices, and what is taken away before exp."""
        index = self.lines.elements(np.array([sample]))[0]
        shift = safe_shift(call.operands[0].reshape(-1)[index].astype(np.float64))
        powers = power_sum(0, index, shift)
        log = Apply("log", (powers,))
        return total([log, Number(shift)]) if shift else log, powers, index, shift

    def _share(self, call: Call, index: int, sample: int, position: int) -> Expression:
        """The weight p of one class of one sample."""
        if self.by_label:
            hit = self._labels(call.operands[1])[sample] == position
            smooth = self.label_smoothing
            return Number(float(hit * (1 - smooth) + smooth / self.classes))
        if not self.label_smoothing:
            return Element(1, index)
        kept = Product((Number(1 - self.label_smoothing), Element(1, index)))
        return total([kept, Number(self.label_smoothing / self.classes)])

    def _sample_formula(self, call: Call, sample: int) -> Expression:
        log, _, index, _ = self._log_sum(call, sample)
        if not self._counted(call.operands[1])[sample]:
            return Number(0.0)
        if self._one_score:
            return difference(log, Element(0, int(index[self._labels(call.operands[1])[sample]])))

        def term(c: int) -> Expression:
            score = int(index[c])
            return Product((self._share(call, score, sample, c), difference(log, Element(0, score))))

        return Sum(self.classes, term)

    def formula(self, call: Call, out: int) -> Expression:
        if self.reduction == "none":
            return self._sample_formula(call, out)
        count = self.lines.count
        whole = self._sample_formula(call, 0) if count == 1 else Sum(count, lambda s: self._sample_formula(call, s))
        return self._averaged(whole, call)

    def _averaged(self, whole: Expression, call: Call) -> Expression:
        divisor = self._divisor(call.operands[1])
        return whole if divisor == 1 else Quotient(whole, Number(float(divisor)))

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        if not self._per_class(slot):
            return Number(0.0)
        sample, position = (int(a[0]) for a in self.lines.place(np.array([into])))
        if not self._counted(call.operands[1])[sample] or (self.reduction == "none" and sample != out):
            return Number(0.0)
        log, powers, _, shift = self._log_sum(call, sample)
        if slot == 1:
            slope = difference(log, Element(0, into))
            kept = 1 - self.label_smoothing
            return self._averaged(slope if kept == 1 else Product((Number(kept), slope)), call)
        softmax: Expression = Quotient(power(Element(0, into), shift), powers)
        if self.by_label:
            share = self._share(call, into, sample, position)
            slope = softmax if share == Number(0.0) else difference(softmax, share)
            return self._averaged(slope, call)
        index = self.lines.elements(np.array([sample]))[0]
        shares = Sum(self.classes, lambda c: self._share(call, int(index[c]), sample, c))
        return self._averaged(difference(Product((softmax, shares)), self._share(call, into, sample, position)), call)

    # -- in words

    def tell(self, naming: Naming) -> str:
        what = {"mean": "averages", "sum": "adds up", "none": "lists"}[self.reduction]
        return f"{what} how surprised the scores {naming.tensor(0)} are by the right classes {naming.tensor(1)}"

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        count = 1 if self.reduction == "none" else self.lines.count
        of = {"mean": "the mean over", "sum": "the sum over"}.get(self.reduction, "")
        over = f"{of} {count} samples of " if count > 1 else ""
        return f"is {over}log Σ exp(score) − score of the right class"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made, name = naming.element(OUTPUT, out), naming.element(slot, into)
        here = f"{name} = {naming.number(call.value(slot, into))}"
        if not self._per_class(slot):
            return f"{name} is a class label: {made} has no derivative by it"
        sample, position = (int(a[0]) for a in self.lines.place(np.array([into])))
        if slot == 1:
            return f"{here} is how probable class {position} should be, which weighed its part in {made}"
        if not self._counted(call.operands[1])[sample]:
            return f"{here} is a score of a sample that is ignored, so {made} does not react to it"
        if not self.by_label:
            wanted = naming.number(call.value(1, into))
            return f"{here} is the score of class {position}, which should have the probability {wanted} in {made}"
        right = "the right class" if self._labels(call.operands[1])[sample] == position else "a wrong class"
        return f"{here} is the score of class {position}, {right}, when {made} was made"
