""".npy files and .npz archives of them: headers first, numbers when they are asked for. No pickle is ever loaded."""

from __future__ import annotations

import io
import zipfile
from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from convstep.network.arrays.stored_arrays import MOST_ARRAYS, FileError, Stored, check_kind, check_room, damaged
from convstep.network.arrays.zip_files import DamagedZipError, decoding
from convstep.ops.base import Array, Shape

_MAGIC = b"\x93NUMPY"
_MOST_DIMENSIONS = 32
_LARGEST_PACKED = 64 * 2**20
_STRONGEST_PACKING = 200
"""Real numbers are packed a few times; what unpacks to more than this, and is large, is a zip bomb."""


def npy_array(path: Path) -> Stored:
    """The array of an .npy file. Raises FileError for what is none, OSError for what cannot be read."""
    with path.open("rb") as file:
        return _stored(file, path.stat().st_size, path.name, path.name, partial(_read_npy, path))


def npz_arrays(path: Path) -> dict[str, Stored | FileError]:
    """Every array of an .npz file, by name, or why it is none. Raises FileError for what is no .npz file at all.

    The file stays open as long as one of them may still be read. Raises OSError where it cannot be opened.
    """
    with path.open("rb"):
        pass  # what cannot be opened at all is told apart from what is no archive
    try:
        with decoding():
            return _members(path, zipfile.ZipFile(path))  # closes its file when nobody holds it any more
    except DamagedZipError:
        raise _damaged(path) from None


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, Stored | FileError]:
    arrays: dict[str, Stored | FileError] = {}
    if len(archive.infolist()) > MOST_ARRAYS:
        raise FileError(f"{path.name} holds {len(archive.infolist())} arrays; {MOST_ARRAYS} are the most")
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name in arrays:
            raise FileError(f"{path.name} holds '{name}' twice; save it again")
        try:
            arrays[name] = _member(path, archive, info, f"'{name}' in {path.name}")
        except FileError as error:
            arrays[name] = error
    return arrays


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, what: str) -> Stored:
    if info.file_size > max(_LARGEST_PACKED, _STRONGEST_PACKING * info.compress_size):
        raise FileError(f"{what} unpacks to {_STRONGEST_PACKING} times its size and more; save it without packing")
    with archive.open(info) as file:
        return _stored(file, info.file_size, what, path.name, partial(_read_member, path, archive, info, what))


def _damaged(path: Path) -> FileError:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) == _MAGIC:
            return FileError(f"{path.name} is no {path.suffix} file inside; give it its right ending")
    return damaged(path.name, path.suffix)


def _stored(file: IO[bytes], size: int, what: str, name: str, read: Any) -> Stored:
    suffix = ".npz" if what != name else ".npy"
    shape, _, dtype = _header(file, what, damaged(name, suffix))
    check_kind(dtype, what)
    shape = tuple(map(int, shape))
    if len(shape) > _MOST_DIMENSIONS or min(shape, default=0) < 0:
        raise damaged(name, suffix)
    if prod(shape) * dtype.itemsize != size - file.tell():
        raise damaged(name, suffix)
    return Stored(what, shape, dtype.newbyteorder("="), str(dtype), read)


def _header(file: IO[bytes], what: str, wrong: FileError) -> tuple[Shape, bool, np.dtype[Any]]:
    """Shape, whether the numbers are in Fortran's order, and dtype."""
    start = file.read(len(_MAGIC) + 2)
    if start[:2] == b"PK":
        raise FileError(f"{what} is no .npy file inside; give it its right ending")
    if start[: len(_MAGIC)] != _MAGIC:
        raise wrong
    try:
        if start[len(_MAGIC)] == 1:
            return np.lib.format.read_array_header_1_0(file)
        # Version 3 differs from 2 in names of fields alone, and plain numbers have none.
        return np.lib.format.read_array_header_2_0(file)
    except Exception:  # the header is parsed as Python text: whatever the parser says of damaged bytes
        raise wrong from None


def _read_npy(path: Path) -> Array:
    with path.open("rb") as file:
        return _numbers(file, path.name, damaged(path.name, path.suffix))


def _read_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, what: str) -> Array:
    try:
        with decoding(), archive.open(info) as file:
            return _numbers(file, what, damaged(path.name, path.suffix))
    except DamagedZipError:
        raise damaged(path.name, path.suffix) from None


def array_of(data: bytes) -> Array:
    """The array in the bytes of an .npy file. Raises FileError for what is none."""
    file = io.BytesIO(data)
    _stored(file, len(data), "it", "it", None)
    file.seek(0)
    return _numbers(file, "it", damaged("it", ".npy"))


def _numbers(file: IO[bytes], what: str, wrong: FileError) -> Array:
    shape, is_fortran, dtype = _header(file, what, wrong)
    check_room(prod(shape) * dtype.itemsize, what)
    flat = np.empty(prod(shape), dtype)
    # zipfile checks a member's CRC when its end is read.
    into = flat.view(np.uint8).data
    done = 0
    while done < len(into):
        count = file.readinto(into[done:])  # type: ignore[attr-defined]
        if not count:
            raise wrong
        done += count
    if file.read(1):
        raise wrong
    array = flat.reshape(shape[::-1]).T if is_fortran else flat.reshape(shape)
    return np.ascontiguousarray(array, dtype=dtype.newbyteorder("=")).reshape(shape)
