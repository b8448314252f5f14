"""The sections of a network file: which keys there are, and what each may hold."""

from __future__ import annotations

import re
from typing import Annotated, Any

from convstep.network.words import show
from convstep.ops.arguments import Integer, Positive, PositiveOrNone, integer
from convstep.ops.checked import Checked, choice, each, or_none, text, within

_NAME = re.compile(r"\w+(\.\w+)*")

MOST_DIMENSIONS = 32
MOST_ENTRIES = 10_000
"""In one section: more than any network has layers."""


def check_name(value: Any) -> Any:
    """The check of a tensor's name."""
    if not _NAME.fullmatch(text(value)):
        raise ValueError(
            f"{show(value)} is no name; names are letters, digits and _, in parts joined by dots (layer1.0)"
        )
    return value


def _version(value: Any) -> Any:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value != 1:
        raise ValueError("takes 1, the only version of the format")
    return value


def _names(value: Any) -> Any:
    if not isinstance(value, list):
        raise ValueError("takes a list of tensor names in brackets, such as [x] or [a, b]")
    if len(value) > MOST_ENTRIES:
        raise ValueError(f"takes up to {MOST_ENTRIES:,} tensors")
    return each(text, MOST_ENTRIES)(value)


def _prose(value: Any) -> Any:
    wrong = next((c for c in text(value) if not c.isprintable() and c not in "\n\t"), None)
    if wrong is not None:
        raise ValueError(f"takes text without control characters such as {ascii(wrong)[1:-1]}")
    return value


def _line(value: Any) -> Any:
    if isinstance(value, str) and ("\n" in value or "\t" in value):
        raise ValueError("takes one line of text, without tabs")
    return _prose(value)


def _mapping(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("takes a mapping")
    return value


def _symbols(value: Any) -> Any:
    return {target: within(target, (check_name,), symbol) for target, symbol in _mapping(value).items()}


Text = Annotated[str, text]
Name = Annotated[str, check_name]
MappingOrNone = Annotated[dict[str, Any] | None, or_none(_mapping)]


class LayerHead(Checked):
    """What every layer has; all other keys are its operation's."""

    name: Name
    op: Text
    inputs: Annotated[list[str] | None, or_none(_names)] = None


class LossHead(LayerHead):
    """The loss is written like a layer."""

    name: Name = "loss"


class RuleHead(Checked):
    """Which optimizer or scheduler; all other keys are its arguments."""

    op: Text


class ClaimForm(Checked):
    """A derivative that someone worked out by hand."""

    of: Text
    index: Annotated[list[int] | None, or_none(each(integer(), MOST_DIMENSIONS))] = None
    is_: Any


class Document(Checked):
    """The whole file; what its sections hold is looked at one by one."""

    convstep: Annotated[int, _version] = 1
    name: Annotated[str | None, or_none(_line)] = None
    about: Annotated[str, _prose] = ""
    dtype: Annotated[str, choice("float64", "float32")] = "float64"
    seed: Integer = 0
    mode: Annotated[str, choice("train", "eval")] = "train"
    inputs: Annotated[dict[str, Any], _mapping] = {}
    layers: Annotated[list[dict[str, Any]], each(_mapping, MOST_ENTRIES)]
    weights: Annotated[str | None, or_none(text)] = None
    loss: MappingOrNone = None
    gradient: MappingOrNone = None
    optimizer: MappingOrNone = None
    scheduler: MappingOrNone = None
    iterations: Positive = 1
    batch_size: PositiveOrNone = None
    symbols: Annotated[dict[str, str], _symbols] = {}
    indexing: Annotated[str, choice("torch", "flat1")] = "torch"
    claims: Annotated[list[dict[str, Any]], each(_mapping, MOST_ENTRIES)] = []
