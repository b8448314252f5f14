"""The parameters and buffers of all layers: given, shared, loaded from a state dict, or drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from math import prod
from typing import Any, NamedTuple

import numpy as np

from convstep.network.arrays.array_files import find_arrays, read_array
from convstep.network.arrays.stored_arrays import FileError, Stored
from convstep.network.blank import blank, cast, is_blank
from convstep.network.late import Late
from convstep.network.schema import Layer
from convstep.network.source import Source, Where
from convstep.network.tensors import Tensors
from convstep.network.words import did_you_mean, listed
from convstep.ops.base import Array, Operation, Parameter

_OPTIONAL = "num_batches_tracked"
"""The buffer that a state dict may have or not (torch's older ones do not)."""


class Slot(NamedTuple):
    """One parameter or buffer of one layer: its name, what it must be, and what the file says (`given`)."""

    name: str
    local: str
    layer: Layer
    declared: Parameter
    in_weights: bool
    is_buffer: bool

    @property
    def where(self) -> Where:
        """The place of its tensor in the file, where there is one."""
        return (*self.layer.where, self.local)

    @property
    def given(self) -> Any:
        """What the file says, or `None`."""
        return self.layer.tensors.get(self.local)


def slots_of(source: Source, layer: Layer, op: Operation, in_weights: bool = True) -> list[Slot]:
    """The tensors that the bound operation owns. Raises ConvstepError for a tensor that it has no place for."""
    owned = {**op.parameters, **op.buffers}
    for local, tensor in layer.tensors.items():
        if local in op.buffers and isinstance(tensor, str):
            raise source.error((*layer.where, local), f"{local} is a buffer, and only parameters can be shared")
        if local not in owned:
            has = listed(owned, "and")
            what = f"with these arguments {type(op).__name__} has no {local} (it has: {has}); leave it out"
            raise source.error((*layer.where, local), what, key=True)
    return [
        Slot(f"{layer.name}.{local}", local, layer, declared, in_weights, local in op.buffers)
        for local, declared in owned.items()
    ]


class Parameters(NamedTuple):
    """Numbers by stored name; `aliases` maps every name to the stored one, `shared` a name to the one it refers to."""

    values: Mapping[str, Array | Late]
    aliases: Mapping[str, str]
    shared: Mapping[str, str]


def resolve(source: Source, tensors: Tensors, slots: Iterable[Slot], weights: str | None) -> Parameters:
    """Every parameter's numbers, in file order of the stored names."""
    by_name = {slot.name: slot for slot in slots}
    shared = {name: slot.given for name, slot in by_name.items() if isinstance(slot.given, str)}
    owner = {name: _owner(source, by_name, shared, name) for name in by_name}
    stored: dict[str, str] = {}
    for name in by_name:
        stored.setdefault(owner[name], name)
    loaded = {} if weights is None else _load(source, tensors, weights, by_name, owner)
    values = {first: _value(tensors, by_name[own], loaded) for own, first in stored.items()}
    return Parameters(values, {name: stored[own] for name, own in owner.items()}, shared)


def _owner(source: Source, slots: Mapping[str, Slot], shared: Mapping[str, str], name: str) -> str:
    """The end of a chain of references."""
    seen = [name]
    while seen[-1] in shared:
        here = slots[seen[-1]]
        target = shared[here.name]
        if target not in slots:
            others = [other for other in slots if other != name]
            what = f"there is no parameter '{target}' to share{did_you_mean(target, others)}"
            raise source.error(here.where, what)
        if target in seen:
            circle = " → ".join([*seen, target])
            raise source.error(slots[name].where, f"{circle} is a circle; one of them needs numbers")
        shape, wanted = slots[target].declared.shape, here.declared.shape
        if shape != wanted:
            what = f"{here.name} has the shape {list(wanted)} and cannot be {target} of the shape {list(shape)}"
            raise source.error(here.where, what)
        seen.append(target)
    return seen[-1]


def _value(tensors: Tensors, slot: Slot, loaded: Mapping[str, Array]) -> Array | Late:
    if slot.local in slot.layer.tensors:
        value = _given(tensors, slot)
        return value if slot.declared.dtype is None else cast(value, slot.declared.dtype)
    if slot.name in loaded:
        return cast(loaded[slot.name], slot.declared.dtype or tensors.dtype)
    return tensors.initial(slot.layer.where, slot.declared, slot.name)


def _given(tensors: Tensors, slot: Slot) -> Array:
    if slot.declared.stretches:
        given = tensors.read(slot.where, slot.name)
        with suppress(ValueError):
            stretched = np.broadcast_to(given, slot.declared.shape)
            is_made = stretched.size == given.size or tensors.makes(stretched.size)
            return cast(stretched, tensors.dtype) if is_made else blank(stretched.shape, tensors.dtype)
    return tensors.read(slot.where, slot.name, slot.declared.shape)


def _load(
    source: Source, tensors: Tensors, file: str, slots: Mapping[str, Slot], owner: Mapping[str, str]
) -> dict[str, Array]:
    """A state dict whose names and shapes are exactly the network's; a shared parameter may be there once."""
    where = ("weights",)
    try:
        stored = find_arrays(tensors.file(file))
    except FileError as error:
        raise source.error(where, str(error)) from None
    stored = {name: array for name, array in stored.items() if name in slots or not name.endswith(_OPTIONAL)}
    unknown = [name for name in stored if name not in slots]
    if unknown:
        what = f"{file} holds '{unknown[0]}', which is no parameter of this network{did_you_mean(unknown[0], slots)}"
        raise source.error(where, what)
    for name, array in stored.items():
        shape = slots[name].declared.shape
        if array.shape != shape:
            raise source.error(where, f"{name} is {list(array.shape)} in {file}, but {list(shape)} in this network")
    there = {owner[name] for name in stored}
    needed = [name for name, slot in slots.items() if slot.in_weights and not name.endswith(_OPTIONAL)]
    missing = [name for name in needed if owner[name] not in there]
    if missing:
        raise source.error(where, f"{file} lacks {listed(missing, 'and')}; it holds {listed(stored, 'and')}")
    return _read_all(source, tensors, file, stored, owner)


def _read_all(
    source: Source, tensors: Tensors, file: str, stored: Mapping[str, Stored], owner: Mapping[str, str]
) -> dict[str, Array]:
    """The numbers by owner. Names of one shared parameter must hold the same."""
    numbers: dict[str, Array] = {}
    first: dict[str, str] = {}
    for name, array in stored.items():
        try:
            read = read_array(array) if tensors.makes(prod(array.shape)) else blank(array.shape, array.dtype)
        except FileError as error:
            raise source.error(("weights",), str(error)) from None
        own = owner[name]
        other = numbers.setdefault(own, read)
        if other is not read and not is_blank(read) and not np.array_equal(other, read, equal_nan=True):
            what = f"{first[own]} and {name} are one shared parameter, but differ in {file}"
            raise source.error(("weights",), what)
        first.setdefault(own, name)
    return numbers
