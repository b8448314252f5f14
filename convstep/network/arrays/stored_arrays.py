"""An array in a file: known by its shape and dtype before its numbers are read."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import numpy as np

from convstep.memory import available, in_words
from convstep.ops.base import Array, Shape

MOST_ARRAYS = 10_000
"""In one file: more than any network has parameters."""
_ALWAYS_THERE = 2**20
"""Bytes for which nobody needs to ask."""


class FileError(Exception):
    """What is wrong with a file, and which key of the network file is to blame: `file` or `key`."""

    def __init__(self, message: str, at: str = "file") -> None:
        super().__init__(message)
        self.at = at


class Stored(NamedTuple):
    """An array of numbers in a file; `read` gets them, in this machine's byte order. It raises FileError.

    `what` names it in messages ("'w' in net.npz"). `kept_as` is the precision that the file has: bfloat16 is read
    as float32.
    """

    what: str
    shape: Shape
    dtype: np.dtype[np.generic]
    kept_as: str
    read: Callable[[], Array]

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


def check_room(wanted: int, what: str) -> None:
    """Raises FileError where so many bytes of numbers cannot be had."""
    if wanted < _ALWAYS_THERE:
        return
    room = available()
    if room is not None and wanted > room:
        raise FileError(f"{what} holds {in_words(wanted)} of numbers, but there are {in_words(room)} of memory free")


def check_kind(dtype: np.dtype[np.generic], what: str) -> None:
    """Raises FileError where an array holds no real numbers."""
    if dtype.hasobject:
        raise FileError(f"{what} holds Python objects, which are not loaded; save plain arrays of numbers")
    if dtype.kind not in "iuf":
        raise FileError(f"{what} holds {dtype}, not integers or floats; save it as float64 or int64")


def damaged(name: str, suffix: str) -> FileError:
    """For a file that is not what its ending says."""
    return FileError(f"{name} is damaged, or no {suffix} file")
