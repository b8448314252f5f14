"""NLLLoss: the score of the right class, turned round: a cross entropy after a LogSoftmax."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.base import OUTPUT, Array, Call, Naming, Read, Spec, Term, quiet
from convstep.ops.expression import Element, Expression, Negative, Number, Product
from convstep.ops.loss.class_loss import WEIGHT, ClassLoss, Floats
from convstep.ops.terms import Terms


class NLLLoss(ClassLoss):
    """torch.nn.NLLLoss of log-probabilities (N, C, …) or (C) and class labels: −w · x of the labelled class."""

    def infer_output(self) -> Spec:
        if not self.by_label:
            raise ArgumentError("inputs", f"class labels need `dtype: int64`; the target is {self.inputs[1].dtype}")
        return super().infer_output()

    # -- the whole tensor

    def losses(self, rows: Array, target: Array, operands: Sequence[Array]) -> Array:
        losses = -rows[np.arange(len(rows)), self.labels(target)]
        if self.weight:
            losses = losses * self.label_weights(target, operands)
        return np.where(self.counted(target), losses, 0.0)

    def given(self, slot: int, rows: Array, target: Array, share: Floats, operands: Sequence[Array]) -> Array:
        given = np.zeros(rows.shape)
        share = -share[:, 0]
        if self.weight:
            share = share * self.label_weights(target, operands)
        given[np.arange(len(rows)), self.labels(target)] = np.where(self.counted(target), share, 0.0)
        return given

    # -- one element

    def term_count(self) -> int:
        return (1 if self.reduction == "none" else self.lines.count) + (self.reduction == "mean")

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        samples = self.samples_of(np.array([out]))[0]
        losses = self.losses(*self.of_samples(call.operands, samples), call.operands).astype(np.float64)
        sums = np.add.accumulate(losses)
        labels, counted = self.labels(call.operands[1]), self.counted(call.operands[1])
        mean, divisor = self.reduction == "mean", self.divisor(call.operands)

        def make(k: int) -> Term:
            so_far = float(sums[min(k, len(samples) - 1)])
            if k == len(samples):
                result = float(np.divide(so_far, divisor))
                return Term((Read("sum", 0, so_far),), result, does=f"divide by {divisor:.6g}", holds=result)
            sample = int(samples[k])
            running, holds = None if self.reduction == "none" else so_far, None if mean else so_far
            if not counted[sample]:
                return Term((), 0.0, does="the sample is ignored", sum=running, holds=holds)
            elements = [Element(0, self._score(sample, labels[sample])), Element(1, sample)]
            elements += [Element(WEIGHT, int(labels[sample]))] if self.weight else []
            reads = tuple(Read(e.slot, e.index, call.value(e.slot, e.index)) for e in elements)
            does = f"−{'weight · ' if self.weight else ''}the score of the right class"
            return Term(reads, float(losses[k]), does=does, sum=running, holds=holds)

        return Terms(self.term_count(), make)

    def _score(self, sample: int, label: int) -> int:
        """The index of one sample's score of a class."""
        return int(self.lines.elements(np.array([sample]))[0, label])

    # -- as expressions

    def sample_formula(self, call: Call, sample: int) -> Expression:
        label = int(self.labels(call.operands[1])[sample])
        score = Element(0, self._score(sample, label))
        return Negative(Product((Element(WEIGHT, label), score)) if self.weight else score)

    @quiet
    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        if slot != 0:
            return Number(0.0)
        sample, position = (int(a[0]) for a in self.lines.place(np.array([into])))
        right = self.counted(call.operands[1])[sample] and self.labels(call.operands[1])[sample] == position
        if not right or (self.reduction == "none" and sample != out):
            return Number(0.0)
        return self.averaged(Negative(Element(WEIGHT, position)) if self.weight else Number(-1.0), call)

    # -- in words

    def tell(self, naming: Naming) -> str:
        what = {"mean": "averages", "sum": "adds up", "none": "lists"}[self.reduction]
        return f"{what} the negated scores in {naming.tensor(0)} of the right classes {naming.tensor(1)}"

    @property
    def sample_words(self) -> str:
        return f"−{'weight · ' if self.weight else ''}score of the right class"

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made, name = naming.element(OUTPUT, out), naming.element(slot, into)
        here = f"{name} = {naming.number(call.value(slot, into))}"
        if slot == 1:
            return f"{name} is a class label: {made} has no derivative by it"
        if slot == WEIGHT:
            return f"{here} is a class weight, a constant, which took part when {made} was made"
        sample, position = (int(a[0]) for a in self.lines.place(np.array([into])))
        if not self.counted(call.operands[1])[sample]:
            return f"{here} is a score of a sample that is ignored, so {made} does not react to it"
        if self.labels(call.operands[1])[sample] != position:
            return f"{here} is the score of class {position}, a wrong class, so {made} does not react to it"
        return f"{here} is the score of class {position}, the right class, when {made} was made"
