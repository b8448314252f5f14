"""A document's form is checked, section by section. Numbers are looked at later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from convstep.network.problems import Problem, owner, raise_first, validate
from convstep.network.sections import MOST_ENTRIES, ClaimForm, Document, LayerHead, LossHead, RuleHead, check_name
from convstep.network.source import Source, Where
from convstep.network.words import did_you_mean, show
from convstep.ops.base import Operation
from convstep.ops.checked import Checked
from convstep.ops.optim.optimizers import Optimizer
from convstep.ops.optim.schedulers import Scheduler
from convstep.ops.registry import OPERATIONS, OPTIMIZERS, SCHEDULERS

_YES_NO = ("yes", "no", "on", "off", "y", "n")


class Layer(NamedTuple):
    """A layer (or the loss) in the checked form; `tensors` are its parameters and buffers as the file has them."""

    where: Where
    name: str
    op: Operation
    inputs: tuple[str, ...] | None
    arguments: Mapping[str, Any]
    tensors: Mapping[str, Any]


class Form(NamedTuple):
    """A document whose form is right; `written` is how it was given."""

    document: Document
    written: dict[str, Any]
    layers: tuple[Layer, ...]
    loss: Layer | None
    optimizer: Optimizer | None
    scheduler: Scheduler | None
    claims: tuple[ClaimForm, ...]


def check(source: Source) -> Form:
    """Raises ConvstepError about the first mistake in the document's form."""
    data = source.document
    if not isinstance(data, dict):
        raise source.error((), f"a network is a mapping with `inputs` and `layers`, not {show(data)}")
    for section, entries in data.items():
        if isinstance(entries, (dict, list)) and len(entries) > MOST_ENTRIES:
            what = f"{section} holds {len(entries):,} entries; {MOST_ENTRIES:,} are the most: leave some out"
            raise source.error((section,), what, key=True)
    data = _names_as_text(source, data)
    document, problems = validate(Document, data, (), "the network")
    problems += _wrong_names(data.get("inputs"))
    items = data.get("layers")
    layers = _until_wrong(_layer, "layers", items, problems)
    loss = _layer(("loss",), data.get("loss"), problems)
    optimizer = _rule("optimizer", OPTIMIZERS, data.get("optimizer"), problems)
    scheduler = _rule("scheduler", SCHEDULERS, data.get("scheduler"), problems)
    if data.get("scheduler") is not None and data.get("optimizer") is None:
        problems.append(Problem(("scheduler",), "a scheduler changes an optimizer's lr; add `optimizer`", key=True))
    if isinstance(items, list) and not items:
        problems.append(Problem(("layers",), "there are no layers; a layer is written - {name: relu, op: ReLU}"))
    claims = _until_wrong(_claim, "claims", data.get("claims"), problems)
    raise_first(source, problems)
    assert document is not None
    return Form(document, data, layers, loss, optimizer, scheduler, claims)


_Read = TypeVar("_Read")


def _until_wrong(
    read: Callable[[Where, Any, list[Problem]], _Read | None], section: str, items: Any, problems: list[Problem]
) -> tuple[_Read, ...]:
    """The items of a section up to the first that is wrong: that one is told, and no later one."""
    found: list[_Read] = []
    for k, item in enumerate(items if isinstance(items, list) else []):
        one = read((section, k), item, problems)
        if one is None:
            break
        found.append(one)
    return tuple(found)


def _wrong_names(inputs: Any) -> list[Problem]:
    """The first input whose name is none."""
    for name in inputs if isinstance(inputs, dict) else ():
        try:
            check_name(name)
        except ValueError as error:
            return [Problem(("inputs", name), str(error), key=True)]
    return []


def _claim(where: Where, data: Any, problems: list[Problem]) -> ClaimForm | None:
    if not isinstance(data, dict):
        return None
    claim, wrong = validate(ClaimForm, data, where, owner(where, ""))
    problems += wrong
    return claim


_Head = TypeVar("_Head", bound=Checked)


def _head(kind: type[_Head], data: dict[str, Any], where: Where, problems: list[Problem]) -> _Head | None:
    """What every layer or rule has, whatever it does."""
    own = {key: value for key, value in data.items() if key in kind.fields()}
    head, wrong = validate(kind, own, where, owner(where, ""))
    problems += wrong
    return head


def _layer(where: Where, data: Any, problems: list[Problem]) -> Layer | None:
    """A layer whose arguments are right; mistakes are added to the problems."""
    if not isinstance(data, dict):
        return None
    is_loss = where == ("loss",)
    head = _head(LossHead if is_loss else LayerHead, data, where, problems)
    if not isinstance(data.get("op"), str):
        return None
    kind = OPERATIONS.get(data["op"])
    if kind is None or (is_loss and not kind.is_loss):
        losses = [name for name, op in OPERATIONS.items() if op.is_loss]
        known = losses if is_loss else list(OPERATIONS)
        what = (
            f"there is no {'loss' if is_loss else 'operation'} '{data['op']}'"
            if kind is None
            else (f"{data['op']} is no loss")
        )
        problems.append(Problem((*where, "op"), what + did_you_mean(data["op"], known)))
        return None
    tensor_names = (*kind.parameter_names, *kind.buffer_names)
    for key in tensor_names:
        if key in kind.fields() and isinstance(data.get(key), str) and data[key] in _YES_NO:
            what = f"{key} takes true, false or a tensor, not {show(data[key])}"
            problems.append(Problem((*where, key), what))
            return None
    arguments, tensors = _split(kind, {k: v for k, v in data.items() if k not in LayerHead.fields()})
    implied = {name: True for name in tensors if name in kind.fields()}
    extra = ["name", "op", "inputs", *tensor_names]
    op, wrong = validate(kind, {**arguments, **implied}, where, data["op"], extra)
    problems += wrong
    if op is None or head is None:
        return None
    return Layer(where, head.name, op, None if head.inputs is None else tuple(head.inputs), arguments, tensors)


def _split(kind: type[Operation], given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments (`bias: true` too), and parameters (`bias: <tensor>`) and buffers of a layer."""
    tensors = {
        key: value
        for key, value in given.items()
        if key in (*kind.parameter_names, *kind.buffer_names)
        and not (key in kind.fields() and (value is None or isinstance(value, bool)))
    }
    arguments = {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in given.items()
        if key not in tensors
    }
    return arguments, tensors


_Rule = TypeVar("_Rule", bound=Checked)


def _rule(section: str, registry: Mapping[str, type[_Rule]], data: Any, problems: list[Problem]) -> _Rule | None:
    """The optimizer or the scheduler; mistakes are added to the problems."""
    if not isinstance(data, dict) or _head(RuleHead, data, (section,), problems) is None:
        return None
    kind = registry.get(data["op"])
    if kind is None:
        message = f"there is no {section} '{data['op']}'{did_you_mean(data['op'], registry)}"
        problems.append(Problem((section, "op"), message))
        return None
    arguments = {key: value for key, value in data.items() if key != "op"}
    rule, wrong = validate(kind, arguments, (section,), data["op"], ["op"])
    problems += wrong
    return rule


def _names_as_text(source: Source, data: dict[str, Any]) -> dict[str, Any]:
    """The document in which integers that stand for names are their text."""

    def named(value: Any, *where: str | int) -> Any:
        return source.text(where) if isinstance(value, (int, float)) and not isinstance(value, bool) else value

    def section(value: Any, *where: str | int) -> Any:
        if not isinstance(value, dict):
            return value
        result = {**value}
        if "name" in value:
            result["name"] = named(value["name"], *where, "name")
        if isinstance(value.get("inputs"), list):
            result["inputs"] = [named(v, *where, "inputs", k) for k, v in enumerate(value["inputs"])]
        if "of" in value:
            result["of"] = named(value["of"], *where, "of")
        return result

    result = {**data}
    for key in ("layers", "claims"):
        if isinstance(data.get(key), list):
            result[key] = [section(item, key, k) for k, item in enumerate(data[key])]
    result["loss"] = section(data.get("loss"), "loss")
    if isinstance(data.get("symbols"), dict):
        result["symbols"] = {k: named(v, "symbols", k) for k, v in data["symbols"].items()}
    if "name" in data:
        result["name"] = named(data["name"], "name")
    return {key: value for key, value in result.items() if key in data}
