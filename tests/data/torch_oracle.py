"""What torch computes for the cases of `tests/ops/op_cases.py`; run as a script, it stores the answers.

    python tests/data/torch_oracle.py [FAMILY …]      writes tests/data/torch_answers/FAMILY.npz

The tests compare with the stored answers, and with torch itself where it is importable.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

ANSWERS = Path(__file__).with_name("torch_answers")


def answers(op: Any, operands: tuple[Any, ...], upstream: Any = None) -> dict[str, Any]:
    """Torch's output, for an upstream gradient (or cos(0), cos(1), …) the gradients, and the buffers afterwards."""
    import torch

    tensors = [torch.from_numpy(o.copy()) for o in operands]
    for slot, tensor in enumerate(tensors):
        tensor.requires_grad_(op.is_differentiable(slot))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        output = _apply(op, tensors)
    upstream = upstream_of(output.detach().numpy()) if upstream is None else upstream
    output.backward(torch.from_numpy(upstream))
    grads = {f"grad{k}": t.grad.numpy() for k, t in enumerate(tensors) if t.grad is not None}
    first = len(op.inputs) + len(op.parameters)
    buffers = {f"buffer_{name}": tensors[first + k].numpy() for k, name in enumerate(op.buffers)}
    return {"output": output.detach().numpy(), **grads, **buffers}


def upstream_of(output: Any) -> Any:
    """The upstream gradient with which answers are made."""
    return np.cos(np.arange(output.size)).reshape(output.shape).astype(output.dtype)


FUNCTIONS: dict[str, Any] = {
    "Add": lambda op, *inputs: sum(inputs[1:], start=inputs[0]),
    "Cat": lambda op, *inputs: _torch().cat(inputs, dim=op.dim),
    "Div": lambda op, a, b: a / b,
    "MatMul": lambda op, a, b: a @ b,
    "Mean": lambda op, x: x.mean(op.dim, op.keepdim),
    "Mul": lambda op, a, b: a * b,
    "Permute": lambda op, x: x.permute(op.dims),
    "Reshape": lambda op, x: x.reshape(op.shape),
    "Sub": lambda op, a, b: a - b,
    "Sum": lambda op, x: x.sum(op.dim, op.keepdim),
}
"""The operations that are no torch.nn class, as torch computes them."""


def _torch() -> Any:
    import torch

    return torch


def _apply(op: Any, tensors: list[Any]) -> Any:
    """The same operation in torch, its parameters taken from the last tensors."""
    import torch

    name = type(op).__name__
    count, names = len(op.inputs), [*op.parameters, *op.buffers]
    inputs, owned, masks = tensors[:count], tensors[count : count + len(names)], tensors[count + len(names) :]
    if name in FUNCTIONS:
        return FUNCTIONS[name](op, *inputs)
    if masks:
        return inputs[0] * masks[0] * (0 if op.p == 1 else 1 / (1 - op.p))
    # A loss's weights are tensors where the file has `weight: <tensor>` and the operation `weight: true`.
    given = {n: t for n, t in zip(names, owned, strict=True) if op.is_loss}
    module = getattr(torch.nn, name)(**{**_arguments(op), **given}).train(op.training)
    output = torch.func.functional_call(module, dict(zip(names, owned, strict=True)), tuple(inputs))
    # With `return_indices` the maxima come first.
    return output[0] if isinstance(output, tuple) else output


def _arguments(op: Any) -> dict[str, Any]:
    """The arguments in the form that torch takes them."""
    # Torch forbids `inplace` on a tensor whose gradient is wanted.
    arguments = {name: getattr(op, name) for name in op.fields() if name != "inplace"}
    if op.is_loss:
        return {name: value for name, value in arguments.items() if name not in op.buffer_names}
    if type(op).__name__ == "LPPool1d":
        # Torch takes a list of one size everywhere but here.
        return {name: value[0] if isinstance(value, tuple) else value for name, value in arguments.items()}
    return arguments


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
    from op_cases import FAMILIES, SGD_ARGUMENTS

    for family in sys.argv[1:] or FAMILIES:
        stored: dict[str, Any] = {}
        for case in FAMILIES[family]:
            op, operands = case.build()
            stored |= {f"{case.id}/operand{k}": operand for k, operand in enumerate(operands)}
            stored |= {f"{case.id}/{name}": array for name, array in answers(op, operands).items()}
        if family == "first":
            stored |= {sgd_key(arguments): sgd_answers(arguments) for arguments in SGD_ARGUMENTS}
        ANSWERS.mkdir(exist_ok=True)
        np.savez_compressed(ANSWERS / f"{family}.npz", **stored)
        print(f"{family}: {len(stored)} arrays")


if __name__ == "__main__":
    main()
