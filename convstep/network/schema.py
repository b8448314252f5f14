"""The form of a network file: which keys there are, and what each may hold. Numbers are looked at later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, FailFast, Field

from convstep.network.problems import Problem, raise_first, validate
from convstep.network.source import Source, Where
from convstep.network.words import did_you_mean, show
from convstep.ops.arguments import Integer, Positive
from convstep.ops.base import Operation
from convstep.ops.optim.optimizers import Optimizer
from convstep.ops.optim.schedulers import Scheduler
from convstep.ops.registry import OPERATIONS, OPTIMIZERS, SCHEDULERS

_NAME = re.compile(r"\w+(\.\w+)*")

MOST_DIMENSIONS = 32
MOST_ENTRIES = 10_000
"""In one section: more than any network has layers."""
_YES_NO = ("yes", "no", "on", "off", "y", "n")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{show(text)} is no name; names are letters, digits and _, in parts joined by dots (layer1.0)"
        )
    return text


def _version(value: Any) -> Any:
    if value != 1 or isinstance(value, bool):
        raise ValueError("takes 1, the only version of the format")
    return value


def _names(value: Any) -> Any:
    if not isinstance(value, list):
        raise ValueError("takes a list of tensor names in brackets, such as [x] or [a, b]")
    if len(value) > MOST_ENTRIES:
        raise ValueError(f"takes up to {MOST_ENTRIES:,} tensors")
    return value


def _text(text: str) -> str:
    wrong = next((c for c in text if not c.isprintable() and c not in "\n\t"), None)
    if wrong is not None:
        raise ValueError(f"takes text without control characters such as {ascii(wrong)[1:-1]}")
    return text


def _line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise ValueError("takes one line of text, without tabs")
    return _text(text)


Line = Annotated[str, AfterValidator(_line)]
Text = Annotated[str, AfterValidator(_text)]
Name = Annotated[str, AfterValidator(_name)]
Names = Annotated[list[str], BeforeValidator(_names)]


class Section(BaseModel):
    """A mapping of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class LayerHead(BaseModel):
    """What every layer has; all other keys are its operation's."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    name: Name
    op: str
    inputs: Names | None = None


class LossHead(LayerHead):
    """The loss is written like a layer."""

    name: Name = "loss"


class RuleHead(BaseModel):
    """Which optimizer or scheduler; all other keys are its arguments."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    op: str


class ClaimForm(Section):
    """A derivative that someone worked out by hand."""

    of: str
    index: list[Integer] | None = Field(None, max_length=MOST_DIMENSIONS)
    # `is` is a keyword of Python.
    claimed: Any = Field(alias="is")


class Document(Section):
    """The whole file."""

    convstep: Annotated[Any, BeforeValidator(_version)] = 1
    name: Line | None = None
    about: Text = ""
    dtype: Literal["float64", "float32"] = "float64"
    seed: Integer = 0
    mode: Literal["train", "eval"] = "train"
    inputs: dict[Name, Any] = {}
    layers: Annotated[list[LayerHead], FailFast()]
    weights: str | None = None
    loss: LossHead | None = None
    gradient: dict[str, Any] | None = None
    optimizer: RuleHead | None = None
    scheduler: RuleHead | None = None
    iterations: Positive = 1
    batch_size: Positive | None = None
    symbols: dict[str, Name] = {}
    indexing: Literal["torch", "flat1"] = "torch"
    claims: Annotated[list[ClaimForm], FailFast()] = []


class Layer(NamedTuple):
    """A layer (or the loss) in the checked form; `tensors` are its parameters and buffers as the file has them."""

    where: Where
    name: str
    op: Operation
    inputs: tuple[str, ...] | None
    arguments: Mapping[str, Any]
    tensors: Mapping[str, Any]


class Form(NamedTuple):
    """A document whose form is right."""

    document: Document
    layers: tuple[Layer, ...]
    loss: Layer | None
    optimizer: Optimizer | None
    scheduler: Scheduler | None


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
    items = data.get("layers")
    layers = []
    for k, item in enumerate(items if isinstance(items, list) else []):
        layers.append(_layer(("layers", k), item, problems))
        if layers[-1] is None:
            break  # the first mistake is told, and no later layer has it
    loss = _layer(("loss",), data.get("loss"), problems)
    optimizer = _rule("optimizer", OPTIMIZERS, data.get("optimizer"), problems)
    scheduler = _rule("scheduler", SCHEDULERS, data.get("scheduler"), problems)
    if data.get("scheduler") is not None and data.get("optimizer") is None:
        problems.append(Problem(("scheduler",), "a scheduler changes an optimizer's lr; add `optimizer`", key=True))
    if isinstance(items, list) and not items:
        problems.append(Problem(("layers",), "there are no layers; a layer is written - {name: relu, op: ReLU}"))
    raise_first(source, problems)
    assert document is not None
    return Form(document, tuple(layer for layer in layers if layer is not None), loss, optimizer, scheduler)


def _layer(where: Where, data: Any, problems: list[Problem]) -> Layer | None:
    """A layer whose arguments are right; mistakes are added to the problems."""
    if not isinstance(data, dict) or not isinstance(data.get("op"), str):
        return None
    kind = OPERATIONS.get(data["op"])
    is_loss = where == ("loss",)
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
        if key in kind.model_fields and isinstance(data.get(key), str) and data[key] in _YES_NO:
            what = f"{key} takes true, false or a tensor, not {show(data[key])}"
            problems.append(Problem((*where, key), what))
            return None
    arguments, tensors = _split(kind, {k: v for k, v in data.items() if k not in LayerHead.model_fields})
    implied = {name: True for name in tensors if name in kind.model_fields}
    extra = ["name", "op", "inputs", *tensor_names]
    op, wrong = validate(kind, {**arguments, **implied}, where, data["op"], extra)
    problems += wrong
    if op is None:
        return None
    inputs = data.get("inputs")
    names = tuple(map(str, inputs)) if isinstance(inputs, list) else None
    return Layer(where, str(data.get("name", "loss")), op, names, arguments, tensors)


def _split(kind: type[Operation], given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments (`bias: true` too), and parameters (`bias: <tensor>`) and buffers of a layer."""
    tensors = {
        key: value
        for key, value in given.items()
        if key in (*kind.parameter_names, *kind.buffer_names)
        and not (key in kind.model_fields and (value is None or isinstance(value, bool)))
    }
    arguments = {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in given.items()
        if key not in tensors
    }
    return arguments, tensors


_Rule = TypeVar("_Rule", bound=BaseModel)


def _rule(section: str, registry: Mapping[str, type[_Rule]], data: Any, problems: list[Problem]) -> _Rule | None:
    """The optimizer or the scheduler; mistakes are added to the problems."""
    if not isinstance(data, dict) or not isinstance(data.get("op"), str):
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

    def text(value: Any, *where: str | int) -> Any:
        return source.text(where) if isinstance(value, (int, float)) and not isinstance(value, bool) else value

    def section(value: Any, *where: str | int) -> Any:
        if not isinstance(value, dict):
            return value
        result = {**value}
        if "name" in value:
            result["name"] = text(value["name"], *where, "name")
        if isinstance(value.get("inputs"), list):
            result["inputs"] = [text(v, *where, "inputs", k) for k, v in enumerate(value["inputs"])]
        if "of" in value:
            result["of"] = text(value["of"], *where, "of")
        return result

    result = {**data}
    for key in ("layers", "claims"):
        if isinstance(data.get(key), list):
            result[key] = [section(item, key, k) for k, item in enumerate(data[key])]
    result["loss"] = section(data.get("loss"), "loss")
    if isinstance(data.get("symbols"), dict):
        result["symbols"] = {k: text(v, "symbols", k) for k, v in data["symbols"].items()}
    if "name" in data:
        result["name"] = text(data["name"], "name")
    return {key: value for key, value in result.items() if key in data}
