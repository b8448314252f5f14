"""Optimizers of torch.optim: one update steps like any operation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from convstep.ops.arguments import Flag, FlagOrNone, Real
from convstep.ops.base import Array, Term
from convstep.ops.checked import Checked
from convstep.ops.expression import Expression

PARAMETER, GRADIENT, STATE = 0, 1, 2
"""Slots of an update: the parameter before, its gradient, then the optimizer's state before, in order."""


class Update(NamedTuple):
    """One update of one parameter: what was there before and after. `step` counts updates from 1.

    `optimizer` has the learning rate of this step.
    `state` is what the optimizer kept before this step (empty before the first), `new_state` after it.
    """

    optimizer: Optimizer
    step: int
    parameter: Array
    gradient: Array
    state: Mapping[str, Array]
    new_parameter: Array
    new_state: Mapping[str, Array]


class Optimizer(Checked, ABC):
    """A torch.optim class; its fields are its arguments.

    `foreach`, `fused`, `capturable` and `differentiable` say how torch computes, not what: here they change nothing.
    """

    lr: Real = 1e-3
    foreach: FlagOrNone = None
    differentiable: Flag = False

    @property
    @abstractmethod
    def state_names(self) -> tuple[str, ...]:
        """The arrays kept per parameter, as torch names them (`momentum_buffer`), with these arguments."""

    @abstractmethod
    def update(
        self, step: int, parameter: Array, gradient: Array, state: Mapping[str, Array], spent: bool = False
    ) -> tuple[Array, dict[str, Array]]:
        """The new parameter and the new state, which may be written over the old one where that is `spent`."""

    @abstractmethod
    def term_count(self) -> int:
        """Steps inside the update of one element, the same in every iteration."""

    @abstractmethod
    def terms(self, update: Update, index: int) -> Sequence[Term]:
        """The steps of one element; reads use the slots above. The last one's result is the new value."""

    @abstractmethod
    def formula(self, update: Update, index: int) -> Expression:
        """The new value of one element."""

    @abstractmethod
    def tell(self) -> str:
        """The rule, as a clause: "w ← w − lr·g with lr = 0.1"."""
