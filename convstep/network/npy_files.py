""".npy files and .npz archives of them: headers first, numbers when they are asked for. No pickle is ever loaded."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from convstep.network.stored_arrays import FileError, Stored, check_kind, check_room, damaged
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


def npz_arrays(path: Path) -> dict[str, Stored]:
    """Every array of an .npz file, by name. Raises FileError for what is none, OSError for what cannot be read."""
    arrays: dict[str, Stored] = {}
    with _archive(path) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            if name in arrays:
                raise FileError(f"{path.name} holds '{name}' twice; save it again")
            if info.file_size > max(_LARGEST_PACKED, _STRONGEST_PACKING * info.compress_size):
                raise FileError(f"'{name}' in {path.name} unpacks to {_STRONGEST_PACKING} times its size and more")
            what = f"'{name}' in {path.name}"
            with archive.open(info) as file:
                read = partial(_read_npz, path, info.filename)
                arrays[name] = _stored(file, info.file_size, what, path.name, read)
    return arrays


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) == _MAGIC:
            raise FileError(f"{path.name} is no {path.suffix} file inside; give it its right ending")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (FileError, MemoryError):
        raise
    except OSError as error:
        # A damaged archive makes zipfile seek to where there is nothing: an error without a file's name.
        if error.filename is not None or not path.is_file():
            raise
        raise damaged(path.name, path.suffix) from None
    except (EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(path.name, path.suffix) from error
    except Exception as error:  # bz2's and lzma's own, struct.error …: whatever a decoder says of damaged bytes
        raise damaged(path.name, path.suffix) from error


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


def _read_npz(path: Path, member: str) -> Array:
    with _archive(path) as archive, archive.open(member) as file:
        return _numbers(file, f"'{member.removesuffix('.npy')}' in {path.name}", damaged(path.name, path.suffix))


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
