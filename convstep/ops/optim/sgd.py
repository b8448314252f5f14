"""torch.optim.SGD: the plain step along the gradient, with weight decay and momentum."""

from __future__ import annotations

from typing import Any

from convstep.ops.arguments import Flag, FlagOrNone, FromZero, Real
from convstep.ops.checked import Mistake, Wrong
from convstep.ops.expression import Negative, times, total
from convstep.ops.optim.assignments import Assignment, Stepwise

_BUFFER = "momentum_buffer"


class SGD(Stepwise):
    """w ← w − lr·g, where g first takes up weight decay, then momentum.

    The first momentum buffer is the gradient itself, as in torch.
    """

    lr: FromZero = 1e-3
    momentum: FromZero = 0.0
    dampening: Real = 0.0
    weight_decay: FromZero = 0.0
    nesterov: Flag = False
    maximize: Flag = False
    fused: FlagOrNone = None

    def __init__(self, /, **given: Any) -> None:
        super().__init__(**given)
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise Wrong([Mistake((), "nesterov needs a momentum above 0 and a dampening of 0")])

    @property
    def state_names(self) -> tuple[str, ...]:
        return (_BUFFER,) if self.momentum else ()

    def assignments(self, step: int, first: bool) -> list[Assignment]:
        w, g = self.name("w"), self.name("g")
        steps, direction = [], g
        if self.maximize:
            steps.append(Assignment("g", Negative(g)))
        if self.weight_decay:
            steps.append(Assignment("g", total([g, times(self.weight_decay, w)])))
        if self.momentum:
            buffer = self.name(_BUFFER)
            if first:
                steps.append(Assignment(_BUFFER, g, "g, the first one"))
            else:
                new = total([times(self.momentum, buffer), times(1 - self.dampening, g)])
                steps.append(Assignment(_BUFFER, new))
            if self.nesterov:
                steps.append(Assignment("g", total([g, times(self.momentum, buffer)])))
            else:
                direction = buffer
        return [*steps, Assignment("w", total([w, Negative(times(self.lr, direction))]))]

    def tell(self) -> str:
        direction = "momentum_buffer" if self.momentum and not self.nesterov else "g"
        parts = [f"w ← w − lr·{direction} with lr = {self.lr:g}"]
        if self.maximize:
            parts.append("g turned round to climb")
        if self.weight_decay:
            parts.append(f"g takes up {self.weight_decay:g}·w (weight decay)")
        if self.momentum:
            fresh = "" if self.dampening == 0 else f"{1 - self.dampening:g}·"
            parts.append(f"the buffer is {self.momentum:g} of the last one + {fresh}g (momentum)")
        if self.nesterov:
            parts.append(f"and g takes up {self.momentum:g}·buffer (Nesterov)")
        return ", ".join(parts)
