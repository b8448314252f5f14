"""Learning rates of torch's schedulers; run as a script, it stores the answers.

python tests/data/torch_schedulers.py      writes tests/data/torch_answers/schedulers.npz
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

ANSWERS = Path(__file__).with_name("torch_answers") / "schedulers.npz"
LR, ITERATIONS = 0.7, 60
CASES: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 3, 30]}),
    ("MultiStepLR", {"milestones": [7, 0, 7], "gamma": 0.3}),
    ("MultiStepLR", {"milestones": [3, 0, 3, 0, 0], "gamma": 0.15}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.7, "total_iters": 1}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.9, "end_factor": 0.0, "total_iters": 7}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 40, "power": 1.7}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 4}),
    ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.1}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
]


def key(name: str, arguments: dict[str, Any]) -> str:
    """The name under which answers are stored."""
    return "-".join([name, *(f"{k}={v}" for k, v in arguments.items())]).replace(" ", "")


def answers(name: str, arguments: dict[str, Any]) -> list[float]:
    """The rate of each iteration, by torch."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **arguments)
    rates = []
    for _ in range(ITERATIONS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def main() -> None:
    """Stores every answer."""
    np.savez_compressed(ANSWERS, **{key(*case): np.array(answers(*case)) for case in CASES})
    print(f"schedulers: {len(CASES)} arrays")


if __name__ == "__main__":
    main()
