"""Plain data with arrays in it, as one file that holds nothing but data and knows whether it is whole.

It is a zip file whose entries are stored, not compressed: `snapshot.json` (the data, with a number in place of each
array), one `.npy` per array, and `checksum`, the SHA-256 of all that. No pickle.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from convstep.network.arrays.npy_files import array_of
from convstep.network.arrays.stored_arrays import FileError, check_room
from convstep.network.arrays.zip_files import DamagedZipError, open_zip
from convstep.ops.base import Array

META, CHECKSUM = "snapshot.json", "checksum"
_ARRAY = "$array"


class ContainerError(Exception):
    """What is wrong with a file, and what would be right."""


def pack(data: Mapping[str, Any]) -> bytes:
    """The bytes of a file. An array that stands in several places is written once."""
    arrays: dict[int, tuple[int, Array]] = {}
    plain = _without_arrays(data, arrays)
    entries = {META: json.dumps(plain, ensure_ascii=False).encode("utf-8", "surrogatepass")}
    for number, array in arrays.values():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        entries[f"{number}.npy"] = buffer.getvalue()
    entries[CHECKSUM] = checksum(entries).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def size_of_arrays(value: Any) -> int:
    """How many bytes the arrays in plain data take."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return sum(size_of_arrays(item) for item in items)


def checksum(entries: Mapping[str, bytes]) -> str:
    """Of all entries, with their names and sizes."""
    digest = hashlib.sha256()
    for name in sorted(entries):
        digest.update(f"{name}\0{len(entries[name])}\0".encode("utf-8", "surrogatepass"))
        digest.update(entries[name])
    return digest.hexdigest()


def unpack(path: Path) -> dict[str, Any]:
    """The data of a file. Raises ContainerError for what is none or not whole, OSError for what cannot be read."""
    try:
        with open_zip(path) as archive:
            entries = _entries(archive, path.stat().st_size)
    except DamagedZipError:
        raise ContainerError("this snapshot is damaged or cut short: take an older copy") from None
    if entries.pop(CHECKSUM, b"").decode("ascii", "replace") != checksum(entries):
        raise ContainerError("this snapshot is damaged (its checksum is wrong): take an older copy")
    try:
        data = _with_arrays(json.loads(entries[META]), entries, {})
    except (FileError, KeyError, TypeError, ValueError, RecursionError):
        raise ContainerError("this snapshot does not hold what it should: take an older copy") from None
    if not isinstance(data, dict):
        raise ContainerError("this snapshot does not hold what it should: take an older copy")
    return data


def _entries(archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    if META not in archive.namelist():
        raise ContainerError("this zip file is no convstep snapshot and no network file")
    if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
        raise ContainerError("this snapshot was packed anew; save it from convstep again")
    if sum(info.file_size for info in archive.infolist()) > size:
        raise ContainerError("this snapshot is damaged (its parts overlap): take an older copy")
    try:
        check_room(2 * size, "this snapshot")
    except FileError as error:
        raise ContainerError(str(error)) from None
    return {name: archive.read(name) for name in archive.namelist()}


def _without_arrays(value: Any, arrays: dict[int, tuple[int, Array]]) -> Any:
    """Plain data with `{"$array": k}` where array k stood; `arrays` has number and array by identity."""
    if isinstance(value, np.ndarray):
        number, _ = arrays.setdefault(id(value), (len(arrays), value))
        return {_ARRAY: number}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): _without_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(item, arrays) for item in value]
    return value


def _with_arrays(value: Any, entries: Mapping[str, bytes], read: dict[int, Array]) -> Any:
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            number = int(value[_ARRAY])
            if number not in read:
                read[number] = array_of(entries[f"{number}.npy"])
            return read[number]
        return {key: _with_arrays(item, entries, read) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_arrays(item, entries, read) for item in value]
    return value
