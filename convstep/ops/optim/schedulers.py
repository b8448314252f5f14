"""Schedulers of torch.optim.lr_scheduler: the learning rate of each iteration."""

from __future__ import annotations

import math
from abc import abstractmethod

from pydantic import BaseModel, ConfigDict

from convstep.ops.arguments import FromTheStart, Positive, Real


class Scheduler(BaseModel):
    """A torch.optim.lr_scheduler class; its fields are its arguments. It steps after each update."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    last_epoch: FromTheStart = -1

    @abstractmethod
    def rate(self, lr: float, iteration: int) -> float:
        """The learning rate in an iteration, from 0, where the optimizer was given `lr`."""

    @abstractmethod
    def tell(self) -> str:
        """The rule, as a clause: "lr is multiplied by 0.1 every 10 iterations"."""


class StepLR(Scheduler):
    """lr · gamma^⌊iteration / step_size⌋."""

    step_size: Positive
    gamma: Real = 0.1

    def rate(self, lr: float, iteration: int) -> float:
        for _ in range(iteration // self.step_size):
            lr *= self.gamma
        return lr

    def tell(self) -> str:
        often = "every iteration" if self.step_size == 1 else f"every {self.step_size} iterations"
        return f"lr is multiplied by {self.gamma:g} {often}"


class CosineAnnealingLR(Scheduler):
    """eta_min + (lr − eta_min) · (1 + cos(π · iteration / T_max)) / 2."""

    T_max: Positive
    eta_min: Real = 0.0

    def rate(self, lr: float, iteration: int) -> float:
        return self.eta_min + (lr - self.eta_min) * (1 + math.cos(math.pi * iteration / self.T_max)) / 2

    def tell(self) -> str:
        return f"lr follows half a cosine down to {self.eta_min:g} over {self.T_max} iterations"
