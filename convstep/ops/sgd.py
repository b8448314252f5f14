"""torch.optim.SGD: the plain step along the gradient, with weight decay and momentum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import model_validator

from convstep.ops.arguments import Flag, FromZero, Real
from convstep.ops.base import Array, Read, Term, quiet
from convstep.ops.expression import Element, Expression, Negative, Number, Product, total
from convstep.ops.optimizers import GRADIENT, PARAMETER, STATE, Optimizer, Update

_BUFFER = "momentum_buffer"


@dataclass(frozen=True)
class _Step:
    """One assignment: what is computed from which names, under which name it goes on, and the numbers."""

    does: str
    reads: tuple[str, ...]
    writes: str
    value: Array


class SGD(Optimizer):
    """w ← w − lr·g, where g first takes up weight decay, then momentum.

    The first momentum buffer is the gradient itself, as in torch.
    """

    lr: FromZero = 1e-3
    momentum: FromZero = 0.0
    dampening: Real = 0.0
    weight_decay: FromZero = 0.0
    nesterov: Flag = False
    maximize: Flag = False

    @model_validator(mode="after")
    def _check_nesterov(self) -> Self:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError("nesterov needs a momentum above 0 and a dampening of 0")
        return self

    @property
    def state_names(self) -> tuple[str, ...]:
        return (_BUFFER,) if self.momentum else ()

    @quiet
    def update(
        self, step: int, parameter: Array, gradient: Array, state: Mapping[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        steps = self._steps(parameter, gradient, state.get(_BUFFER))
        return steps[-1].value, {s.writes: s.value for s in steps if s.writes in self.state_names}

    def _steps(self, w: Array, g: Array, buffer: Array | None) -> list[_Step]:
        """The update as one assignment after the other; the last one gives the new parameter."""
        kind = w.dtype.type
        steps: list[_Step] = []
        direction = "g"
        if self.maximize:
            g = -g
            steps.append(_Step("−g", ("g",), "g", g))
        if self.weight_decay:
            g = g + kind(self.weight_decay) * w
            steps.append(_Step(f"g + {self.weight_decay:g}·w", ("g", "w"), "g", g))
        if self.momentum:
            fresh = 1 - self.dampening
            if buffer is None:
                buffer = g
                steps.append(_Step("first momentum_buffer, g itself", ("g",), _BUFFER, buffer))
            else:
                buffer = kind(self.momentum) * buffer + kind(fresh) * g
                does = f"{self.momentum:g}·{_BUFFER} + {'g' if fresh == 1 else f'{fresh:g}·g'}"
                steps.append(_Step(does, (_BUFFER, "g"), _BUFFER, buffer))
            if self.nesterov:
                g = g + kind(self.momentum) * buffer
                steps.append(_Step(f"g + {self.momentum:g}·{_BUFFER}", ("g", _BUFFER), "g", g))
            else:
                g, direction = buffer, _BUFFER
        new = w - kind(self.lr) * g
        return [*steps, _Step(f"w − {self.lr:g}·{direction}", ("w", direction), "w", new)]

    def term_count(self) -> int:
        return 1 + sum(map(bool, (self.maximize, self.weight_decay, self.momentum, self.nesterov)))

    @quiet
    def terms(self, update: Update, index: int) -> Sequence[Term]:
        tensors = {"w": update.parameter, "g": update.gradient, **update.state}
        slots = {"w": PARAMETER, "g": GRADIENT, _BUFFER: STATE}
        numbers = {name: tensor.reshape(-1)[index : index + 1] for name, tensor in tensors.items()}
        known = {name: Read(slots[name], index, float(number[0])) for name, number in numbers.items()}
        steps = self._steps(numbers["w"], numbers["g"], numbers.get(_BUFFER))
        terms = []
        for step in steps:
            reads, result = tuple(known[name] for name in step.reads), float(step.value[0])
            terms.append(Term(reads, result, does=step.does, holds=result if step is steps[-1] else None))
            known[step.writes] = Read(step.writes, index, result)
        return terms

    def formula(self, update: Update, index: int) -> Expression:
        w, g = Element(PARAMETER, index), Element(GRADIENT, index)
        step: Expression = Negative(g) if self.maximize else g
        if self.weight_decay:
            step = total([step, _times(self.weight_decay, w)])
        if self.momentum:
            new = step
            if update.state.get(_BUFFER) is not None:
                old = _times(self.momentum, Element(STATE, index))
                new = total([old, _times(1 - self.dampening, step)])
            step = total([step, _times(self.momentum, new)]) if self.nesterov else new
        return total([w, Negative(_times(self.lr, step))])

    def tell(self) -> str:
        parts = [f"w ← w − lr·g with lr = {self.lr:g}"]
        if self.maximize:
            parts.append("g turned round to climb")
        if self.weight_decay:
            parts.append(f"weight decay {self.weight_decay:g}")
        if self.momentum:
            parts.append(f"{'Nesterov ' if self.nesterov else ''}momentum {self.momentum:g}")
        return ", ".join(parts)


def _times(factor: float, of: Expression) -> Expression:
    return of if factor == 1 else Product((Number(factor), of))
