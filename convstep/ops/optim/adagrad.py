"""torch.optim.Adagrad: the gradient divided by the root of the sum of all its squares so far."""

from __future__ import annotations

from convstep.ops.arguments import Flag, FlagOrNone, FromZero, constant
from convstep.ops.expression import Apply, Negative, Number, Power, Quotient, times, total
from convstep.ops.optim.assignments import Assignment, Stepwise

_SUM = "sum"


class Adagrad(Stepwise):
    """w ← w − lr·g / (√Σ g² + eps), where lr falls to lr / (1 + (step − 1) · lr_decay)."""

    lr: FromZero = 1e-2
    lr_decay: FromZero = 0.0
    weight_decay: FromZero = 0.0
    initial_accumulator_value: FromZero = 0.0
    eps: FromZero = 1e-10
    maximize: Flag = False
    fused: FlagOrNone = None

    @property
    def state_names(self) -> tuple[str, ...]:
        return (_SUM,)

    def initial(self, name: str) -> float:
        return self.initial_accumulator_value

    def assignments(self, step: int, first: bool) -> list[Assignment]:
        w, g, squares = self.name("w"), self.name("g"), self.name(_SUM)
        steps = []
        if self.maximize:
            steps.append(Assignment("g", Negative(g)))
        if self.weight_decay:
            steps.append(Assignment("g", total([g, times(self.weight_decay, w)])))
        steps.append(Assignment(_SUM, total([squares, Power(g, 2)])))
        rate = self.lr / (1 + (step - 1) * self.lr_decay)
        move = Quotient(times(rate, g), total([Apply("sqrt", (squares,)), Number(self.eps)]))
        return [*steps, Assignment("w", total([w, Negative(move)]))]

    def tell(self) -> str:
        parts = [f"w ← w − lr·g / (√sum + {constant(self.eps)}) with lr = {self.lr:g}", "the sum of all g² so far"]
        if self.lr_decay:
            parts.append(f"lr divided by 1 + {self.lr_decay:g} for every step before")
        if self.maximize:
            parts.append("g turned round to climb")
        if self.weight_decay:
            parts.append(f"weight decay {self.weight_decay:g}")
        return ", ".join(parts)
