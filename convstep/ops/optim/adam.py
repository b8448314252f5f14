"""torch.optim.Adam and AdamW: steps of a size that does not depend on the size of the gradient."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from convstep.ops.arguments import Betas, Flag, FlagOrNone, FromZero, constant
from convstep.ops.expression import Apply, Element, Expression, Negative, Number, Power, Product, Quotient, times, total
from convstep.ops.optim.assignments import Assignment, Stepwise

_MEAN, _SQUARE, _LARGEST = "exp_avg", "exp_avg_sq", "max_exp_avg_sq"


class _Adam(Stepwise):
    """w ← w − lr·m̂ / (√v̂ + eps) with running means of g and g², which the first steps correct for their start at 0.

    `amsgrad` takes the largest mean of g² so far. Weight decay adds to g; decoupled, it shrinks w itself.
    """

    temporaries: ClassVar[tuple[str, ...]] = ("m̂", "v̂")

    lr: FromZero = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: FromZero = 1e-8
    weight_decay: FromZero
    amsgrad: Flag = False
    maximize: Flag = False
    capturable: Flag = False
    fused: FlagOrNone = None

    @property
    def state_names(self) -> tuple[str, ...]:
        return (_MEAN, _SQUARE, _LARGEST) if self.amsgrad else (_MEAN, _SQUARE)

    @property
    @abstractmethod
    def decoupled(self) -> bool:
        """Whether weight decay shrinks w itself: w ← (1 − lr · weight_decay) · w."""

    def assignments(self, step: int, first: bool) -> list[Assignment]:
        w, g, mean, square = (self.name(n) for n in ("w", "g", _MEAN, _SQUARE))
        steps = []
        if self.maximize:
            steps.append(Assignment("g", Negative(g)))
        if self.weight_decay:
            if self.decoupled:
                steps.append(Assignment("w", times(1 - self.lr * self.weight_decay, w)))
            else:
                steps.append(Assignment("g", total([g, times(self.weight_decay, w)])))
        by_mean, by_square = self.betas
        steps.append(Assignment(_MEAN, blend(by_mean, mean, g)))
        steps.append(Assignment(_SQUARE, blend(by_square, square, Power(g, 2))))
        largest = square
        if self.amsgrad:
            largest = self.name(_LARGEST)
            steps.append(Assignment(_LARGEST, Apply("max", (largest, square))))
        steps.append(Assignment("m̂", Quotient(mean, Number(1 - by_mean**step))))
        steps.append(Assignment("v̂", Quotient(largest, Number(1 - by_square**step))))
        size = total([Apply("sqrt", (self.name("v̂"),)), Number(self.eps)])
        move = Quotient(times(self.lr, self.name("m̂")), size)
        return [*steps, Assignment("w", total([w, Negative(move)]))]

    def tell(self) -> str:
        parts = [
            f"w ← w − lr·m̂ / (√v̂ + {constant(self.eps)}) with lr = {self.lr:g}",
            f"running means m of g (beta {self.betas[0]:g}) and v of g² (beta {self.betas[1]:g})",
        ]
        if self.maximize:
            parts.append("g turned round to climb")
        if self.weight_decay:
            what = "weight decay {:g} of w itself" if self.decoupled else "weight decay {:g}"
            parts.append(what.format(self.weight_decay))
        if self.amsgrad:
            parts.append("the largest v so far")
        return ", ".join(parts)


class Adam(_Adam):
    """torch.optim.Adam."""

    weight_decay: FromZero = 0.0
    decoupled_weight_decay: Flag = False

    @property
    def decoupled(self) -> bool:
        return self.decoupled_weight_decay


class AdamW(_Adam):
    """torch.optim.AdamW: weight decay shrinks w itself, before the step."""

    weight_decay: FromZero = 0.01

    @property
    def decoupled(self) -> bool:
        return True


def blend(beta: float, old: Element, new: Expression) -> Expression:
    """A running mean: beta · old + (1 − beta) · new."""
    parts: list[Expression] = [Product((Number(beta), old)), Product((Number(1 - beta), new))]
    return total(parts)
