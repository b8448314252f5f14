"""What torch's optimizers do in a few steps; run as a script, it stores the answers.

python tests/data/torch_optimizers.py      writes tests/data/torch_answers/optimizers.npz
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

ANSWERS = Path(__file__).with_name("torch_answers") / "optimizers.npz"
START = np.array([[0.3, -0.7], [1.5, 2.0]])
GRADIENTS = [
    np.array(gradient)
    for gradient in ([[1.0, -2.0], [0.5, 0.0]], [[-3.0, 1e-3], [0.5, 0.0]], [[0.2, 4.0], [-1.0, 1e-9]])
] * 2


def _combinations(**choices: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


_ADAM = {"amsgrad": (False, True), "weight_decay": (0.0, 0.1), "maximize": (False, True)}
CASES: list[tuple[str, dict[str, Any]]] = [
    *(("Adam", a) for a in _combinations(**_ADAM, decoupled_weight_decay=(False, True))),
    *(("AdamW", a) for a in _combinations(**_ADAM, lr=(0.1,), betas=((0.5, 0.9),), eps=(1e-4,))),
    *(
        ("RMSprop", a)
        for a in _combinations(
            centered=(False, True), momentum=(0.0, 0.9), weight_decay=(0.0, 0.1), maximize=(False, True), alpha=(0.9,)
        )
    ),
    *(
        ("Adagrad", a)
        for a in _combinations(
            lr_decay=(0.0, 0.5), initial_accumulator_value=(0.0, 0.1), weight_decay=(0.0, 0.1), maximize=(False, True)
        )
    ),
]


def key(name: str, arguments: dict[str, Any]) -> str:
    """The name under which answers are stored."""
    return "-".join([name, *(f"{k}={v}" for k, v in arguments.items())]).replace(" ", "")


def answers(name: str, arguments: dict[str, Any], dtype: Any = np.float64) -> dict[str, Any]:
    """The parameter, and the optimizer's state, after each of a few steps of torch."""
    import torch

    weight = torch.nn.Parameter(torch.from_numpy(START.astype(dtype)))
    optimizer = getattr(torch.optim, name)([weight], **arguments)
    after: dict[str, list[Any]] = {}
    for gradient in GRADIENTS:
        weight.grad = torch.from_numpy(gradient.astype(dtype))
        optimizer.step()
        kept = {k: v for k, v in optimizer.state[weight].items() if k != "step" and v is not None}
        for part, tensor in {"w": weight, **kept}.items():
            after.setdefault(part, []).append(tensor.detach().numpy().copy())
    return {part: np.stack(arrays) for part, arrays in after.items()}


def main() -> None:
    """Stores every answer, under CASE/w, CASE/exp_avg …"""
    stored = {f"{key(*case)}/{part}": array for case in CASES for part, array in answers(*case).items()}
    np.savez_compressed(ANSWERS, **stored)
    print(f"optimizers: {len(stored)} arrays")


if __name__ == "__main__":
    main()
