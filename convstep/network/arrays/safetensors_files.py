""".safetensors files: a JSON header with the place of each tensor, then the numbers. Nothing in them is ever run."""

from __future__ import annotations

import json
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from convstep.network.arrays.stored_arrays import MOST_ARRAYS, FileError, Stored, check_room, damaged
from convstep.ops.base import Array

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BF16": "<u2",
}  # fmt: skip
_LARGEST_HEADER = 2**24
_METADATA = "__metadata__"


def safetensors_arrays(path: Path) -> dict[str, Stored | FileError]:
    """Every tensor, by name, or why it is none. Raises FileError for no sound file, and OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_LARGEST_HEADER, size - 8):
            raise damaged(path.name, path.suffix)
        try:
            header = json.loads(file.read(length), object_pairs_hook=_once)
            places = {name: _place(tensor) for name, tensor in header.items() if name != _METADATA}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise damaged(path.name, path.suffix) from None
    if len(places) > MOST_ARRAYS:
        raise FileError(f"{path.name} holds {len(places)} arrays; {MOST_ARRAYS} are the most")
    end = 0
    for _, _, start, stop in sorted(places.values(), key=lambda place: place[2:]):
        if start != end:
            raise damaged(path.name, path.suffix)
        end = stop
    if end != size - 8 - length:
        raise damaged(path.name, path.suffix)
    return {
        name: _stored(path, name, kind, shape, 8 + length + start)
        for name, (kind, shape, start, _) in sorted(places.items())
    }


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a name is there twice")
    return mapping


def _place(tensor: dict[str, Any]) -> tuple[str, tuple[int, ...], int, int]:
    """dtype, shape, first byte and the one after the last, where they go together. Raises ValueError otherwise."""
    kind, shape, (start, stop) = tensor["dtype"], tensor["shape"], tensor["data_offsets"]
    if not isinstance(kind, str) or any(type(n) is not int or n < 0 for n in (*shape, start, stop)) or len(shape) > 32:
        raise ValueError("no tensor")
    if kind in _DTYPES and prod(shape) * np.dtype(_DTYPES[kind]).itemsize != stop - start:
        raise ValueError("size")
    return kind, tuple(shape), start, stop


def _stored(path: Path, name: str, kind: str, shape: tuple[int, ...], start: int) -> Stored | FileError:
    what = f"'{name}' in {path.name}"
    if kind not in _DTYPES:
        return FileError(f"{what} has the dtype {kind}; float and integer tensors can be read")
    dtype = np.dtype("f4") if kind == "BF16" else np.dtype(_DTYPES[kind]).newbyteorder("=")
    kept_as = "bfloat16" if kind == "BF16" else str(dtype)
    return Stored(what, shape, dtype, kept_as, partial(_read, path, what, kind, shape, start))


def _read(path: Path, what: str, kind: str, shape: tuple[int, ...], start: int) -> Array:
    dtype = np.dtype(_DTYPES[kind])
    check_room(prod(shape) * dtype.itemsize, what)
    with path.open("rb") as file:
        file.seek(start)
        flat: Array = np.fromfile(file, dtype, prod(shape))
    if flat.size != prod(shape):
        raise damaged(path.name, path.suffix)
    if kind == "BF16":
        # A bfloat16 is the upper half of a float32.
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    return np.ascontiguousarray(flat, dtype=flat.dtype.newbyteorder("=")).reshape(shape)
