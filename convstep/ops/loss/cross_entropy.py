"""Cross entropy: how surprised the scores are by the right class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convstep.errors import ArgumentError
from convstep.ops.activation.softmax import power, power_sum, safe_shift
from convstep.ops.arguments import Share
from convstep.ops.base import OUTPUT, Array, Call, IntArray, Naming, Spec, Term, quiet
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
from convstep.ops.lines import Exponentials
from convstep.ops.loss.class_loss import WEIGHT, ClassLoss, Floats
from convstep.ops.loss.cross_entropy_terms import Samples, cross_entropy_terms


class CrossEntropyLoss(ClassLoss):
    """torch.nn.CrossEntropyLoss of scores (N, C, …) or (C) and class labels (N, …), or probabilities like the scores.

    Per sample Σ_c w_c · p_c · (log Σ_j exp(x_j) − x_c), where p is 1 at the labelled class, or the given
    probabilities, smoothed: p · (1 − label_smoothing) + label_smoothing / C; w are the class weights, or 1.
    """

    label_smoothing: Share = 0.0

    def infer_output(self) -> Spec:
        scores, target = self.inputs
        if not self.by_label and target.shape != scores.shape:
            raise ArgumentError(
                "inputs",
                f"class labels need `dtype: int64`; the target is {target.dtype} of shape {list(target.shape)}, "
                f"and probabilities would have the scores' shape {list(scores.shape)}",
            )
        if not self.by_label and self.ignore_index >= 0:
            raise ArgumentError("ignore_index", "goes with class labels, not with probabilities")
        return super().infer_output()

    @property
    def _one_score(self) -> bool:
        """Whether only the labelled class's score is taken away, or every class's, weighted."""
        return self.by_label and not self.label_smoothing

    def shares(self, target: Array, operands: Sequence[Array]) -> Floats:
        """The factor w · p of each class, (samples, classes), of some samples; 0 for an ignored one."""
        if self.by_label:
            labels = self.labels(target)
            shares = np.zeros((len(labels), self.classes))
            shares[np.arange(len(labels)), labels] = 1.0
        else:
            shares = target.astype(np.float64)
        if self.label_smoothing:
            shares = shares * (1 - self.label_smoothing) + self.label_smoothing / self.classes
        if self.weight:
            shares = shares * self.weights(operands)
        shares[~self.counted(target)] = 0.0
        return shares

    # -- the whole tensor

    def losses(self, rows: Array, target: Array, operands: Sequence[Array]) -> Array:
        made = Exponentials.of(rows)
        # In torch's order: the largest goes first, so that huge scores keep their small differences.
        surprise = np.log(made.total) - (rows - made.largest)
        if not self._one_score:
            losses = (surprise * self.shares(target, operands)).sum(axis=1)
        else:
            losses = np.take_along_axis(surprise, self.labels(target)[:, None], axis=1)[:, 0]
            if self.weight:
                losses = losses * self.label_weights(target, operands)
        return np.where(self.counted(target), losses, 0.0)

    def given(self, slot: int, rows: Array, target: Array, share: Floats, operands: Sequence[Array]) -> Array:
        made = Exponentials.of(rows)
        if slot == 1:
            given = (np.log(made.total) - (rows - made.largest)) * share * (1 - self.label_smoothing)
            given = given * self.weights(operands)
        else:
            shares = self.shares(target, operands)
            if np.isfinite(share).all():
                # The small difference first: multiplied apart, a confident score would lose its digits.
                given = (made.softmax * shares.sum(axis=1, keepdims=True) - shares) * share
            else:
                # Torch's way: of labels, only the right class has a part.
                parts = np.where(self.by_label & (shares == 0), 0.0, shares * share)
                given = made.softmax * parts.sum(axis=1, keepdims=True) - parts
        return np.asarray(given, dtype=operands[slot].dtype)

    # -- one element

    def local_at(self, call: Call, slot: int, into: IntArray) -> Floats:
        if not self.per_class(slot):
            return super().local_at(call, slot, into)
        # The samples of these elements alone, each once.
        sample, position = self.lines.place(into)
        some, nth = np.unique(sample, return_inverse=True)
        share = self.sample_upstream(call, np.ones(self.output.shape))[some]
        given = self.given(slot, *self.of_samples(call.operands, some), share, call.operands)
        return given[nth, position].astype(np.float64)

    def term_count(self) -> int:
        samples = 1 if self.reduction == "none" else self.lines.count
        return samples * self._terms_a_sample + (self.reduction == "mean")

    @property
    def _terms_a_sample(self) -> int:
        return 2 + self.classes + (1 if self._one_score else self.classes)

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        sample = self.samples_of(np.array([out]))[0]
        scores, target = self.of_samples(call.operands, sample)
        samples = Samples(
            scores=scores.astype(np.float64),
            index=self.lines.elements(sample),
            shares=self.shares(target, call.operands),
            counted=self.counted(target),
            chosen=np.stack([self.labels(target), sample], axis=1) if self._one_score else None,
            probabilities=None if self.by_label else target.astype(np.float64),
            weights=self.weights(call.operands) if self.weight else None,
            divisor=self.divisor(call.operands) if self.reduction == "mean" else None,
        )
        return cross_entropy_terms(samples)

    @quiet
    def intermediates(self, call: Call, out: int) -> list[tuple[str, Array]]:
        sample = self.samples_of(np.array([out]))[0]
        made = Exponentials.of(self.of_samples(call.operands, sample)[0].astype(np.float64))
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
        """The factor w · p of one class of one sample."""
        smooth = self.label_smoothing
        if self.by_label:
            hit = self.labels(call.operands[1])[sample] == position
            share: Expression = Number(float(hit * (1 - smooth) + smooth / self.classes))
        else:
            share = Element(1, index)
            if smooth:
                share = total([Product((Number(1 - smooth), share)), Number(smooth / self.classes)])
        if not self.weight or share == Number(0.0):
            return share
        weight = Element(WEIGHT, position)
        return weight if share == Number(1.0) else Product((weight, share))

    def sample_formula(self, call: Call, sample: int) -> Expression:
        log, _, index, _ = self._log_sum(call, sample)
        if self._one_score:
            label = int(self.labels(call.operands[1])[sample])
            surprise = difference(log, Element(0, int(index[label])))
            return Product((Element(WEIGHT, label), surprise)) if self.weight else surprise

        def term(c: int) -> Expression:
            score = int(index[c])
            return Product((self._share(call, score, sample, c), difference(log, Element(0, score))))

        return Sum(self.classes, term)

    @quiet
    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        if not self.per_class(slot):
            return Number(0.0)
        sample, position = (int(a[0]) for a in self.lines.place(np.array([into])))
        if not self.counted(call.operands[1])[sample] or (self.reduction == "none" and sample != out):
            return Number(0.0)
        by = self._by_share if slot == 1 else self._by_score
        return self.averaged(by(call, into, sample, position), call)

    def _by_share(self, call: Call, into: int, sample: int, position: int) -> Expression:
        """The derivative of a sample's loss by a given probability."""
        slope = difference(self._log_sum(call, sample)[0], Element(0, into))
        factors: list[Expression] = [Number(1 - self.label_smoothing)] if self.label_smoothing else []
        if self.weight:
            factors.append(Element(WEIGHT, position))
        return Product((*factors, slope)) if factors else slope

    def _by_score(self, call: Call, into: int, sample: int, position: int) -> Expression:
        """The derivative of a sample's loss by a score: softmax · Σ w·p − w·p."""
        _, powers, index, shift = self._log_sum(call, sample)
        softmax: Expression = Quotient(power(Element(0, into), shift), powers)
        share = self._share(call, into, sample, position)
        if self._one_score and self.weight:
            softmax = Product((Element(WEIGHT, int(self.labels(call.operands[1])[sample])), softmax))
        elif not self.by_label or self.weight:
            shares = Sum(self.classes, lambda c: self._share(call, int(index[c]), sample, c))
            softmax = Product((softmax, shares))
        return softmax if share == Number(0.0) else difference(softmax, share)

    # -- in words

    def tell(self, naming: Naming) -> str:
        what = {"mean": "averages", "sum": "adds up", "none": "lists"}[self.reduction]
        wanted = "right classes" if self.by_label else "probabilities"
        return f"{what} how surprised the scores {naming.tensor(0)} are by the {wanted} {naming.tensor(1)}"

    @property
    def sample_words(self) -> str:
        if not self._one_score:
            weighted = "weight · " if self.weight else ""
            smoothed = "smoothed " if self.label_smoothing else ""
            return f"Σ {weighted}{smoothed}probability · (log Σ exp(score) − score) of every class"
        words = "log Σ exp(score) − score of the right class"
        return f"weight · ({words})" if self.weight else words

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made, name = naming.element(OUTPUT, out), naming.element(slot, into)
        here = f"{name} = {naming.number(call.value(slot, into))}"
        if slot == WEIGHT:
            return f"{here} is a class weight, a constant, which took part when {made} was made"
        if not self.per_class(slot):
            return f"{name} is a class label: {made} has no derivative by it"
        sample, position = (int(a[0]) for a in self.lines.place(np.array([into])))
        if slot == 1:
            return f"{here} is how probable class {position} should be, which weighed its part in {made}"
        if not self.counted(call.operands[1])[sample]:
            return f"{here} is a score of a sample that is ignored, so {made} does not react to it"
        if not self.by_label:
            wanted = naming.number(call.value(1, into))
            return f"{here} is the score of class {position}, which should have the probability {wanted} in {made}"
        right = "the right class" if self.labels(call.operands[1])[sample] == position else "a wrong class"
        return f"{here} is the score of class {position}, {right}, when {made} was made"
