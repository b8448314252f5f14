"""What torch computes for a network file: values, gradients, parameters, optimizer state and losses.

    python tests/data/networks/torch_networks.py      writes answers.npz for the networks of picked.py

The tests compare with the stored answers, and with torch itself where it is importable.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

ANSWERS = Path(__file__).with_name("answers.npz")


def answers(graph: Any) -> dict[str, Any]:
    """The arrays that `run --out` should write for a graph, computed by torch alone from its initial parameters."""
    import torch

    parameters = {name: torch.tensor(array, requires_grad=True) for name, array in graph.parameters.items()}
    buffers = {name: torch.tensor(array) for name, array in graph.buffers.items()}
    optimizer, scheduler = _optimizer(graph, parameters)
    losses, arrays = [], {}
    for iteration in range(graph.iterations):
        for parameter in parameters.values():
            parameter.grad = None
        values = _forward(graph, iteration, parameters, buffers)
        arrays = {f"values/{name}": tensor.detach().numpy().copy() for name, tensor in values.items()}
        if graph.loss is not None:
            losses.append(float(values[graph.loss.name].detach()))
            values[graph.loss.name].backward()
        elif graph.seeds:
            roots = [values[name] for name in graph.seeds]
            torch.autograd.backward(roots, [torch.from_numpy(np.array(seed)) for seed in graph.seeds.values()])
        grads = {name: tensor.grad for name, tensor in values.items() if tensor.is_floating_point()}
        arrays |= {f"grads/{name}": grad.numpy().copy() for name, grad in grads.items() if grad is not None}
        if optimizer is not None:
            optimizer.step()
        if scheduler is not None:
            scheduler.step()
    arrays |= {f"buffers/{name}": tensor.numpy() for name, tensor in buffers.items()}
    owned = {name: parameters[stored] for name, stored in graph.aliases.items() if stored in parameters}
    arrays |= {f"params/{name}": parameter.detach().numpy() for name, parameter in owned.items()}
    if optimizer is not None:
        for name, parameter in owned.items():
            for part, kept in optimizer.state[parameter].items():
                if part != "step" and kept is not None and parameter.grad is not None:
                    arrays[f"optim/{name}.{part}"] = kept.numpy()
    return {**arrays, "losses": np.array(losses)}


def _optimizer(graph: Any, parameters: dict[str, Any]) -> tuple[Any, Any]:
    """The optimizer and the scheduler, as far as there are any."""
    import torch

    if graph.optimizer is None or not parameters:
        return None, None

    def named(key: str) -> tuple[str, dict[str, Any]]:
        return graph.document[key]["op"], {k: v for k, v in graph.document[key].items() if k != "op"}

    op, arguments = named("optimizer")
    optimizer = getattr(torch.optim, op)(list(parameters.values()), **arguments)
    if "scheduler" not in graph.document:
        return optimizer, None
    op, arguments = named("scheduler")
    return optimizer, getattr(torch.optim.lr_scheduler, op)(optimizer, **arguments)


def _forward(graph: Any, iteration: int, parameters: dict[str, Any], buffers: dict[str, Any]) -> dict[str, Any]:
    """All tensors of a forward pass by name, each keeping its gradient."""
    import torch

    values: dict[str, Any] = {name: torch.tensor(array) for name, array in graph.batch(iteration).items()}
    for tensor in values.values():
        tensor.requires_grad_(tensor.is_floating_point())
    values |= {name: parameters[stored] for name, stored in graph.aliases.items() if stored in parameters}
    for node in graph.nodes:
        reads = [values[name] for name in node.inputs]
        owned = {local: parameters[stored] for local, stored in node.parameters.items()}
        owned |= {local: buffers[stored] for local, stored in node.buffers.items()}
        values[node.name] = _apply(node.op, reads, owned)
        if values[node.name].requires_grad:
            values[node.name].retain_grad()
    return values


def _apply(op: Any, reads: list[Any], owned: dict[str, Any]) -> Any:
    import torch

    name = type(op).__name__
    if name == "Add":
        return sum(reads[1:], start=reads[0])
    if name == "Cat":
        return torch.cat(reads, dim=op.dim)
    flags = ("inplace", *(op.buffer_names if op.is_loss else ()))
    arguments = {key: getattr(op, key) for key in op.fields() if key not in flags}
    module = getattr(torch.nn, name)(**arguments).to(reads[0].dtype)
    return torch.func.functional_call(module, owned, tuple(reads))


def main() -> None:
    """Stores the answers for every picked network, under NETWORK/values/o1 and so on."""
    sys.path.insert(0, str(Path(__file__).parent))
    from picked import PICKED

    from convstep.network import load

    stored = {f"{name}/{key}": array for name, source in PICKED.items() for key, array in answers(load(source)).items()}
    np.savez_compressed(ANSWERS, **stored)
    print(f"{ANSWERS}: {len(stored)} arrays")


if __name__ == "__main__":
    main()
