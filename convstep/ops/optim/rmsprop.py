"""torch.optim.RMSprop: the gradient divided by the root of its running mean square."""

from __future__ import annotations

from typing import ClassVar

from convstep.ops.arguments import Flag, FromZero, constant
from convstep.ops.expression import Apply, Expression, Negative, Number, Power, Quotient, times, total
from convstep.ops.optim.adam import blend
from convstep.ops.optim.assignments import Assignment, Stepwise

_SQUARE, _BUFFER, _MEAN = "square_avg", "momentum_buffer", "grad_avg"


class RMSprop(Stepwise):
    """w ← w − lr·g / (√v + eps) with a running mean v of g².

    `centered` takes the running mean of g, squared, away from v; momentum gathers the quotients.
    """

    temporaries: ClassVar[tuple[str, ...]] = ("root", "step")

    lr: FromZero = 1e-2
    alpha: FromZero = 0.99
    eps: FromZero = 1e-8
    weight_decay: FromZero = 0.0
    momentum: FromZero = 0.0
    centered: Flag = False
    maximize: Flag = False
    capturable: Flag = False

    @property
    def state_names(self) -> tuple[str, ...]:
        return (_SQUARE, *([_BUFFER] if self.momentum else []), *([_MEAN] if self.centered else []))

    def assignments(self, step: int, first: bool) -> list[Assignment]:
        w, g, square = (self.name(n) for n in ("w", "g", _SQUARE))
        steps = []
        if self.maximize:
            steps.append(Assignment("g", Negative(g)))
        if self.weight_decay:
            steps.append(Assignment("g", total([g, times(self.weight_decay, w)])))
        steps.append(Assignment(_SQUARE, blend(self.alpha, square, Power(g, 2))))
        spread: Expression = square
        if self.centered:
            mean = self.name(_MEAN)
            steps.append(Assignment(_MEAN, blend(self.alpha, mean, g)))
            spread = total([square, Negative(Power(mean, 2))])
        steps.append(Assignment("root", total([Apply("sqrt", (spread,)), Number(self.eps)])))
        steps.append(Assignment("step", Quotient(g, self.name("root"))))
        direction = self.name("step")
        if self.momentum:
            buffer = self.name(_BUFFER)
            steps.append(Assignment(_BUFFER, total([times(self.momentum, buffer), direction])))
            direction = buffer
        return [*steps, Assignment("w", total([w, Negative(times(self.lr, direction))]))]

    def tell(self) -> str:
        spread = "√(v − m²)" if self.centered else "√v"
        step = f"g / ({spread} + {constant(self.eps)})"
        parts = [
            f"w ← w − lr·{_BUFFER if self.momentum else step} with lr = {self.lr:g}",
            f"running mean{'s m of g and' if self.centered else ''} v of g² (alpha {self.alpha:g})",
        ]
        if self.maximize:
            parts.append("g turned round to climb")
        if self.weight_decay:
            parts.append(f"weight decay {self.weight_decay:g}")
        if self.momentum:
            parts.append(f"the buffer is {self.momentum:g} of the last one + {step} (momentum)")
        return ", ".join(parts)
