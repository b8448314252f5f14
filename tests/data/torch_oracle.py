"""What torch computes for the cases of `tests/ops/op_cases.py`; run as a script, it stores the answers.

    python tests/data/torch_oracle.py      writes tests/data/torch_answers.npz

The tests compare with the stored answers, and with torch itself where it is importable.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

ANSWERS = Path(__file__).with_name("torch_answers.npz")


def answers(op: Any, operands: tuple[Any, ...]) -> dict[str, Any]:
    """Torch's output, and for the upstream gradient cos(0), cos(1), … the gradient of each float operand."""
    import torch

    tensors = [torch.from_numpy(o.copy()) for o in operands]
    for tensor in tensors:
        tensor.requires_grad_(tensor.is_floating_point())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        output = _apply(op, tensors)
    output.backward(torch.from_numpy(upstream_of(output.detach().numpy())))
    grads = {f"grad{k}": t.grad.numpy() for k, t in enumerate(tensors) if t.grad is not None}
    return {"output": output.detach().numpy(), **grads}


def upstream_of(output: Any) -> Any:
    """The upstream gradient with which answers are made."""
    return np.cos(np.arange(output.size)).reshape(output.shape).astype(output.dtype)


def _apply(op: Any, tensors: list[Any]) -> Any:
    """The same operation in torch, its parameters taken from the last tensors."""
    import torch

    name = type(op).__name__
    inputs, parameters = tensors[: len(op.inputs)], tensors[len(op.inputs) :]
    if name == "Add":
        return sum(inputs[1:], start=inputs[0])
    if name == "Cat":
        return torch.cat(inputs, dim=op.dim)
    module = getattr(torch.nn, name)(**_arguments(op))
    names = list(op.parameters)
    return torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), tuple(inputs))


def _arguments(op: Any) -> dict[str, Any]:
    """The arguments in the form that torch takes them."""
    # Torch forbids `inplace` on a tensor whose gradient is wanted.
    return {name: getattr(op, name) for name in type(op).model_fields if name != "inplace"}


def sgd_key(arguments: dict[str, Any]) -> str:
    """The name under which the answers of SGD with these arguments are stored."""
    return "SGD-" + "_".join(f"{name}={value:g}" for name, value in arguments.items())


def sgd_answers(arguments: dict[str, Any], dtype: Any = np.float64) -> Any:
    """The parameter after each of a few steps of torch's SGD."""
    import torch
    from op_cases import SGD_GRADIENTS, SGD_START

    weight = torch.nn.Parameter(torch.from_numpy(SGD_START.astype(dtype)))
    optimizer = torch.optim.SGD([weight], **arguments)
    after = []
    for gradient in SGD_GRADIENTS:
        weight.grad = torch.from_numpy(gradient.astype(dtype))
        optimizer.step()
        after.append(weight.detach().numpy().copy())
    return np.stack(after)


def main() -> None:
    """Stores operands and answers of every case, under CASE/operand0, CASE/output, CASE/grad0 …"""
    sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))
    from op_cases import CASES, EXTREME_CASES, SGD_ARGUMENTS

    stored: dict[str, Any] = {}
    for case in [*CASES, *EXTREME_CASES]:
        op, operands = case.build()
        stored |= {f"{case.id}/operand{k}": operand for k, operand in enumerate(operands)}
        stored |= {f"{case.id}/{name}": array for name, array in answers(op, operands).items()}
    stored |= {sgd_key(arguments): sgd_answers(arguments) for arguments in SGD_ARGUMENTS}
    np.savez_compressed(ANSWERS, **stored)
    print(f"{ANSWERS}: {len(stored)} arrays")


if __name__ == "__main__":
    main()
