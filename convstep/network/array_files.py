"""Arrays in files: .npy, .npz and .safetensors. Nothing in them is ever run."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from convstep.network.words import did_you_mean, listed, nearest_file
from convstep.ops.base import Array

SUFFIXES = (".npy", ".npz", ".safetensors")

_SAFE_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_DAMAGED = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError)


class FileError(Exception):
    """What is wrong with a file, and which key of the network file is to blame: `file` or `key`."""

    def __init__(self, message: str, at: str = "file") -> None:
        super().__init__(message)
        self.at = at


def read_array(path: Path, key: str | None) -> Array:
    """One array of a file. `key` is needed where the file holds several, and wrong where it has no names."""
    if path.suffix == ".npy":
        if key is not None:
            raise FileError("an .npy file holds one array without a name; leave `key` out", "key")
        return _numbers(_load_numpy(path), path.name)
    arrays = _open(path)
    if key is None:
        if len(arrays) != 1:
            raise FileError(f"{path.name} holds {listed(arrays, 'and')}; say which by `key`")
        key = next(iter(arrays))
    if key not in arrays:
        raise FileError(f"{path.name} holds no '{key}'{did_you_mean(key, arrays)}", "key")
    return _numbers(arrays[key], f"'{key}' in {path.name}")


def read_arrays(path: Path) -> dict[str, Array]:
    """Every array of an .npz or .safetensors file, by name."""
    if path.suffix == ".npy":
        raise FileError("an .npy file holds one array without a name; give an .npz or .safetensors file")
    return {key: _numbers(array, f"'{key}' in {path.name}") for key, array in _open(path).items()}


def _open(path: Path) -> dict[str, Array]:
    if path.suffix == ".npz":
        archive = _load_numpy(path)
        with archive:
            try:
                return {key: archive[key] for key in archive.files}
            except _DAMAGED as error:
                raise FileError(_reason(path, error)) from None
    if path.suffix == ".safetensors":
        return _load_safetensors(path)
    raise FileError(f"'{path.name}' is no file of arrays; they end in {listed(SUFFIXES)}")


def _load_numpy(path: Path) -> Any:
    try:
        loaded = np.load(path, allow_pickle=False)
    except _DAMAGED as error:
        raise FileError(_reason(path, error)) from None
    if isinstance(loaded, np.ndarray) != (path.suffix == ".npy"):
        raise FileError(f"{path.name} is no {path.suffix} file inside; give it its right ending")
    return loaded


def _load_safetensors(path: Path) -> dict[str, Array]:
    from safetensors import SafetensorError, deserialize

    try:
        tensors: list[tuple[str, dict[str, Any]]] = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise FileError(f"{path.name} is damaged, or no .safetensors file ({error})") from None
    except OSError as error:
        raise FileError(_reason(path, error)) from None
    arrays = {}
    for name, tensor in sorted(tensors):
        kind, data = tensor["dtype"], bytes(tensor["data"])
        if kind == "BF16":
            # A bfloat16 is the upper half of a float32.
            flat = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
        elif kind in _SAFE_DTYPES:
            flat = np.frombuffer(data, _SAFE_DTYPES[kind])
        else:
            raise FileError(f"'{name}' in {path.name} has the dtype {kind}; float and integer tensors can be read")
        arrays[name] = flat.reshape(tensor["shape"])
    return arrays


def _reason(path: Path, error: Exception) -> str:
    """Why a file could not be read."""
    if isinstance(error, FileNotFoundError):
        around = [p.name for p in path.parent.iterdir() if p.suffix in SUFFIXES] if path.parent.is_dir() else []
        meant = nearest_file(path.name, around)
        there = f"; did you mean '{meant}'?" if meant else "; files are looked for beside the network file"
        return f"there is no file '{path}'{there}"
    if isinstance(error, IsADirectoryError):
        return f"'{path}' is a directory; give a file ending in {listed(SUFFIXES)}"
    if isinstance(error, PermissionError):
        return f"'{path}' may not be read; check its permissions"
    if isinstance(error, ValueError) and "Object arrays" in str(error):
        return f"{path.name} holds Python objects, which are not loaded; save plain arrays of numbers"
    return f"{path.name} is damaged, or no {path.suffix} file"


def _numbers(array: Any, what: str) -> Array:
    """The array in this machine's byte order, if it holds real numbers."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        kind = "no plain numbers" if not isinstance(array, np.ndarray) else f"{array.dtype}, not integers or floats"
        raise FileError(f"{what} holds {kind}; save it as float64 or int64")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).reshape(array.shape)
