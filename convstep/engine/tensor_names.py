"""The names of tensors, as `State.read` takes them: `o1`, `grad(o1)`, `new(o1.weight)`."""

from __future__ import annotations

from convstep.engine.recording import Iteration
from convstep.ops.base import Array


def split_name(name: str) -> tuple[str, str]:
    """`grad(o1)` is ("grad", "o1"), `new(w)` ("new", "w"), anything else ("value", name)."""
    for kind in ("grad", "new"):
        if name.startswith(f"{kind}(") and name.endswith(")"):
            return kind, name[len(kind) + 1 : -1]
    return "value", name


def tensor_of(iteration: Iteration, name: str) -> Array:
    """The finished tensor of `o1`, `grad(o1)` or `new(o1.weight)`. Raises KeyError where there is none."""
    kind, tensor = split_name(name)
    if kind == "grad":
        return iteration.grads[tensor]
    return iteration.updates[tensor].new_parameter if kind == "new" else iteration.values[tensor]
