"""Schedulers that follow a cosine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from math import cos, pi

from convstep.ops.arguments import Positive, Real, constant
from convstep.ops.optim.schedulers import Scheduler, iterations


class CosineAnnealingLR(Scheduler):
    """eta_min + (lr − eta_min) · (1 + cos(π · iteration / T_max)) / 2."""

    T_max: Positive
    eta_min: Real = 0.0

    def rates(self, lr: float) -> Iterator[float]:
        first = lr
        yield lr
        for iteration in count(1):
            if (iteration - 1 - self.T_max) % (2 * self.T_max) == 0:
                lr += (first - self.eta_min) * (1 - cos(pi / self.T_max)) / 2
            else:
                change = (1 + cos(pi * iteration / self.T_max)) / (1 + cos(pi * (iteration - 1) / self.T_max))
                lr = change * (lr - self.eta_min) + self.eta_min
            yield lr

    def tell(self) -> str:
        return f"lr follows half a cosine down to {constant(self.eta_min)} over {iterations(self.T_max)}"


class CosineAnnealingWarmRestarts(Scheduler):
    """eta_min + (lr − eta_min) · (1 + cos(π · T_cur / T_i)) / 2, anew after T_i iterations; T_i grows by T_mult."""

    T_0: Positive
    T_mult: Positive = 1
    eta_min: Real = 0.0

    def rates(self, lr: float) -> Iterator[float]:
        length = self.T_0
        while True:
            for done in range(length):
                yield self.eta_min + (lr - self.eta_min) * (1 + cos(pi * done / length)) / 2
            length *= self.T_mult

    def tell(self) -> str:
        growth = "" if self.T_mult == 1 else f", each time {self.T_mult} times as long"
        course = f"down to {constant(self.eta_min)} over {iterations(self.T_0)}"
        return f"lr follows half a cosine {course}, again and again{growth}"
