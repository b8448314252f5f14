"""Nested lists of numbers: regular ones become an array at once, the others a message with the place."""

from __future__ import annotations

from typing import Any

import numpy as np

from convstep.network.source import Source, Where
from convstep.network.words import show
from convstep.ops.base import Array, Shape


def numbers(source: Source, where: Where, value: Any) -> Array:
    """A number or a nested list as an array whose shape is the nesting.

    Raises ConvstepError about the first item that is no number, or that breaks the nesting.
    """
    shape, flat = _flatten(source, where, value)
    return np.array(flat).reshape(shape)


def _flatten(source: Source, where: Where, value: Any) -> tuple[Shape, list[int | float]]:
    """The shape, and the numbers in row-major order."""
    if not isinstance(value, list):
        return (), [_number(source, where, value)]
    kinds = set(map(type, value))
    if kinds <= {int, float}:
        return (len(value),), value
    if list not in kinds:
        return (len(value),), [_number(source, (*where, k), item) for k, item in enumerate(value)]
    first: Shape | None = None
    flat: list[int | float] = []
    for k, item in enumerate(value):
        shape, part = _flatten(source, (*where, k), item)
        if first is None:
            first = shape
        elif shape != first:
            raise source.error((*where, k), f"the list is ragged: {_size(shape)} here, {_size(first)} before")
        flat += part
    assert first is not None
    return (len(value), *first), flat


def _number(source: Source, where: Where, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise source.error(where, f"{show(value)} is no number; tensors hold numbers (.nan and .inf too)")
    return value


def _size(shape: Shape) -> str:
    if not shape:
        return "a number"
    return f"a list of {shape[0]}" if len(shape) == 1 else f"a nested list of shape {list(shape)}"
