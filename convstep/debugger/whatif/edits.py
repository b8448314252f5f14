"""What a person may change to see what would follow: `w1[3] = 0.5`, `o1[2] = -i[2]`, `lr = 0.01`, `act.p = 0.2`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from convstep.engine.recording import Iteration
from convstep.engine.state import split_name
from convstep.errors import ArgumentError, ConvstepError
from convstep.explain.naming import Names
from convstep.explain.numbers import short
from convstep.network.forced import Forced, set_numbers
from convstep.network.graph import Graph
from convstep.network.words import did_you_mean
from convstep.ops.base import Array

Where = tuple[str | int, ...]

EXAMPLES = "w1[3] = 0.5, o1[2] = 2*o1[2], lr = 0.01"
_WORD = re.compile(r"[a-z][a-z_-]*")


@dataclass(frozen=True)
class Setting:
    """An argument of a layer, the loss, the optimizer or the scheduler: where it stands in the network's document.

    It holds in the whole run. `name` is how a person writes it: `lr`, `act.negative_slope`.
    """

    name: str
    where: Where
    value: Any


Edit = Forced | Setting


def settings(graph: Graph) -> dict[str, Where]:
    """Every argument that may be changed, by each name under which it may be typed: `lr`, `optimizer.lr`."""
    found: dict[str, Where] = {}
    for section, rule in (("scheduler", graph.scheduler), ("optimizer", graph.optimizer)):
        for argument in rule.fields() if rule is not None else ():
            found[argument] = found[f"{section}.{argument}"] = (section, argument)
    short_names: dict[str, list[Where]] = {}
    for k, node in enumerate(graph.nodes):
        place: Where = ("loss",) if node is graph.loss else ("layers", k)
        for argument in node.op.fields().keys() - set(node.op.parameters):
            found[f"{node.name}.{argument}"] = (*place, argument)
            short_names.setdefault(argument, []).append((*place, argument))
    once = {argument: places[0] for argument, places in short_names.items() if len(places) == 1}
    return {**once, **found}


def changeable(graph: Graph, names: Names) -> list[str]:
    """What may be typed first in an edit: tensors and settings."""
    return [*names.all(), *settings(graph)]


def read_edit(text: str, graph: Graph, names: Names, iteration: Iteration) -> Edit:
    """The edit that a line stands for, made in this iteration. Raises ConvstepError where it is none."""
    left, equals, right = (part.strip() for part in text.partition("="))
    if not equals or not left or not right:
        raise ConvstepError(f"write what is to change, =, and its new value: {EXAMPLES}")
    name = left.partition("[")[0].strip()
    known = settings(graph)
    if name in known and name not in set(names.all()):
        return Setting(left, known[name], _setting_value(right, names, iteration))
    if not re.fullmatch(r"\w+(\.\w+)*", name) and not name.startswith(("grad(", "new(")):
        raise ConvstepError(f"'{left}' is nothing that can change: {EXAMPLES}")
    if name not in set(names.all()) and not name.startswith(("grad(", "new(")) and not name.endswith(".grad"):
        raise ConvstepError(f"there is no tensor and no setting '{name}'{did_you_mean(name, [*names.all(), *known])}")
    key, index = names.parse(left)
    return number_edit(graph, names, iteration, key, index, right)


def number_edit(graph: Graph, names: Names, iteration: Iteration, key: str, index: int | None, value: str) -> Forced:
    """The edit of one element, or with no index of a whole tensor, by its key and what was typed for the number."""
    kind, tensor = split_name(key)
    if kind == "grad":
        raise ConvstepError(
            f"{names.tensor(key)} follows from other numbers: change an input, a parameter or an output"
        )
    if kind == "new":
        raise ConvstepError(f"{names.tensor(key)} follows from {names.tensor(tensor)} and its gradient: change those")
    number = _number(value, names, iteration)
    before = iteration.values[tensor]
    if before.dtype.kind != "f" and not _is_whole(number, before):
        raise ConvstepError(f"{names.tensor(key)} holds whole numbers of {before.dtype}, {short(number)} is none")
    if tensor not in graph.inputs:
        return Forced(iteration.index, tensor, index, number)
    changed = set_numbers(before, [Forced(0, tensor, index, number)])
    for node in graph.nodes:
        for slot, read in enumerate(node.inputs):
            if read == tensor:
                try:
                    node.op.check_data(slot, changed)
                except ArgumentError as error:
                    raise ConvstepError(f"{names.tensor(key)}, which {node.name} reads: {error}") from None
    whole = None if index is None else graph.data_index(tensor, iteration.index, index)
    return Forced(iteration.index, tensor, whole, number)


def _is_whole(number: float, tensor: Array) -> bool:
    """Whether a tensor of integers can hold the number."""
    if tensor.dtype.kind == "b":
        return number in (0, 1)
    limits = np.iinfo(tensor.dtype)
    return number.is_integer() and limits.min <= int(number) <= limits.max


def _number(text: str, names: Names, iteration: Iteration) -> float:
    from convstep.explain.claims.claims import reader
    from convstep.explain.language.evaluation import evaluate
    from convstep.explain.language.language import parse

    if text.lower() in ("nan", "inf", "-inf"):
        return float(text)
    value = evaluate(parse(text, names), reader(iteration))
    if value.size != 1:
        raise ConvstepError(f"{text} is {'×'.join(map(str, value.shape))} numbers, and one is needed: give it an index")
    return float(value.reshape(()))


def _setting_value(text: str, names: Names, iteration: Iteration) -> Any:
    """A number, true, false, null, a list, a word, or an expression."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    if _WORD.fullmatch(text) and text not in set(names.all()):
        return text
    number = _number(text, names, iteration)
    return int(number) if number.is_integer() else number


def described(edit: Edit, graph: Graph, names: Names, iteration: int) -> str:
    """`w1[3] = 0.5`, `lr = 0.01`, as the person writes things, and when it holds where that is not the whole run.

    An input's element is named as it stands in this iteration.
    """
    if isinstance(edit, Setting):
        return f"{edit.name} = {json.dumps(edit.value)}"
    index, shape = edit.index, names.shape(edit.tensor)
    if edit.tensor in graph.data and index is not None:
        here = graph.batch_indices(edit.tensor, iteration, index)
        index, shape = (here[0], shape) if here else (index, graph.data[edit.tensor].shape)
    name = names.tensor(edit.tensor) if index is None else names.element(edit.tensor, index, shape)
    return f"{name} = {short(edit.value)}{_when(edit, graph)}"


def _when(edit: Forced, graph: Graph) -> str:
    lasts = edit.tensor in (*graph.data, *graph.owned)
    if graph.iterations == 1 or (lasts and edit.iteration == 0):
        return ""
    return f" from iteration {edit.iteration} on" if lasts else f" in iteration {edit.iteration}"


def was(edit: Edit, graph: Graph, iteration: Iteration) -> str:
    """What was there before: `3`, in an iteration of the run without edits; "" where that is no single number."""
    if isinstance(edit, Setting):
        value: Any = graph.document
        for key in edit.where:
            value = value.get(key) if isinstance(value, Mapping) else value[key]
        rule = {"optimizer": graph.optimizer, "scheduler": graph.scheduler}.get(str(edit.where[0]))
        default = getattr(rule, str(edit.where[-1]), None)
        return json.dumps(default if value is None else value)
    here = [edit.index]
    if edit.tensor in graph.data and edit.index is not None:
        here = [*graph.batch_indices(edit.tensor, iteration.index, edit.index)]
    tensor = iteration.values[edit.tensor]
    index = 0 if here == [None] and tensor.size == 1 else here[0] if here else None
    return "" if index is None else short(float(tensor.reshape(-1)[index]))


def as_data(edit: Edit) -> dict[str, Any]:
    """The edit as plain data, for a snapshot."""
    if isinstance(edit, Setting):
        return {"name": edit.name, "where": list(edit.where), "value": edit.value}
    return {"tensor": edit.tensor, "iteration": edit.iteration, "index": edit.index, "value": edit.value}


def from_data(data: Any, graph: Graph) -> Edit:
    """The edit in plain data. Raises ConvstepError where that is none for this network."""
    try:
        if "where" in data:
            where = tuple(data["where"])
            if where not in settings(graph).values():
                raise KeyError
            return Setting(str(data["name"]), where, data["value"])
        index = None if data["index"] is None else int(data["index"])
        edit = Forced(int(data["iteration"]), str(data["tensor"]), index, float(data["value"]))
        if edit.iteration < 0 or not 0 <= (index or 0) < _sizes(graph)[edit.tensor]:
            raise KeyError
    except (KeyError, TypeError, ValueError):
        raise ConvstepError("this edit is none of this network's") from None
    return edit


def _sizes(graph: Graph) -> Mapping[str, int]:
    """How many numbers each tensor has that may be changed."""
    masks = {name: node.op.masks[local] for node in graph.nodes for local, name in node.masks.items()}
    return {
        **{name: tensor.size for name, tensor in graph.data.items()},
        **{name: spec.size for name, spec in graph.owned.items()},
        **{name: math.prod(shape) for name, shape in masks.items()},
        **{node.name: node.op.output.size for node in graph.nodes},
    }
