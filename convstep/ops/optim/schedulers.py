"""Schedulers of torch.optim.lr_scheduler: the learning rate of each iteration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import count
from math import prod

from convstep.ops.arguments import Factor, FromTheStart, FromZero, Integers, Positive, Real, Share, constant
from convstep.ops.checked import Checked


class Scheduler(Checked, ABC):
    """A torch.optim.lr_scheduler class; its fields are its arguments. It steps after each update."""

    last_epoch: FromTheStart = -1

    @abstractmethod
    def rates(self, lr: float) -> Iterator[float]:
        """The learning rates of all iterations, where the optimizer was given `lr`; there is no end to them.

        Each is made from the one before wherever torch makes it so: the last digits are torch's, too.
        """

    @abstractmethod
    def tell(self) -> str:
        """The rule, as a clause: "lr is multiplied by 0.1 every 10 iterations"."""


class StepLR(Scheduler):
    """lr · gamma^⌊iteration / step_size⌋."""

    step_size: Positive
    gamma: Real = 0.1

    def rates(self, lr: float) -> Iterator[float]:
        while True:
            for _ in range(self.step_size):
                yield lr
            lr *= self.gamma

    def tell(self) -> str:
        return f"lr is multiplied by {constant(self.gamma)} every {iterations(self.step_size, 'iteration')}"


class MultiStepLR(Scheduler):
    """lr · gamma^(how many milestones have been reached)."""

    milestones: Integers
    gamma: Real = 0.1

    def rates(self, lr: float) -> Iterator[float]:
        for iteration in count():
            lr *= _power(self.gamma, self.milestones.count(iteration))
            yield lr

    def tell(self) -> str:
        milestones = [f"{milestone:,}" for milestone in sorted(self.milestones)]
        if len(milestones) > 4:
            milestones[2:-1] = ["…"]
        return f"lr is multiplied by {constant(self.gamma)} at iteration {', '.join(milestones)}"


class ConstantLR(Scheduler):
    """lr · factor in the first total_iters iterations, then lr."""

    factor: Factor = 1 / 3
    total_iters: Positive = 5

    def rates(self, lr: float) -> Iterator[float]:
        lr *= self.factor
        for _ in range(self.total_iters):
            yield lr
        lr *= 1 / self.factor
        while True:
            yield lr

    def tell(self) -> str:
        return f"lr is multiplied by {constant(self.factor)} in the first {iterations(self.total_iters, 'iteration')}"


class LinearLR(Scheduler):
    """lr · a factor that goes evenly from start_factor to end_factor, and stays there."""

    start_factor: Factor = 1 / 3
    end_factor: Share = 1.0
    total_iters: Positive = 5

    def rates(self, lr: float) -> Iterator[float]:
        lr *= self.start_factor
        yield lr
        rise = self.end_factor - self.start_factor
        for done in range(self.total_iters):
            lr *= 1.0 + rise / (self.total_iters * self.start_factor + done * rise)
            yield lr
        while True:
            yield lr

    def tell(self) -> str:
        factors = f"from {constant(self.start_factor)} to {constant(self.end_factor)}"
        return f"lr is multiplied by a factor that goes evenly {factors} over {iterations(self.total_iters)}"


class ExponentialLR(Scheduler):
    """lr · gamma^iteration."""

    gamma: Real

    def rates(self, lr: float) -> Iterator[float]:
        while True:
            yield lr
            lr *= self.gamma

    def tell(self) -> str:
        return f"lr is multiplied by {constant(self.gamma)} every iteration"


class PolynomialLR(Scheduler):
    """lr · (1 − iteration / total_iters)^power, and 0 from total_iters on."""

    total_iters: Positive = 5
    power: FromZero = 1.0

    def rates(self, lr: float) -> Iterator[float]:
        yield lr
        for done in range(self.total_iters):
            left, left_before = 1.0 - (done + 1) / self.total_iters, 1.0 - done / self.total_iters
            lr *= (left / left_before) ** self.power
            yield lr
        while True:
            yield lr

    def tell(self) -> str:
        course = f"(1 − iteration/{self.total_iters})"
        power = "" if self.power == 1 else f"^{constant(self.power)}"
        return f"lr falls to 0 over {iterations(self.total_iters)}, as {course}{power}"


def _power(base: float, exponent: int) -> float:
    """Rounded once, as torch has it; beyond the largest number, an infinity."""
    try:
        return float(base**exponent)
    except OverflowError:
        return prod([base] * exponent)


def iterations(number: int, one: str = "1 iteration") -> str:
    """How many, in words."""
    return one if number == 1 else f"{number:,} iterations"
