"""Arrays in files: .npy, .npz and .safetensors. Nothing in them is ever run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from convstep.network.arrays.files import NoFileError, names_in, size_of
from convstep.network.arrays.npy_files import npy_array, npz_arrays
from convstep.network.arrays.safetensors_files import safetensors_arrays
from convstep.network.arrays.stored_arrays import FileError, Stored, check_room
from convstep.network.words import did_you_mean, listed, nearest_file
from convstep.ops.base import Array

SUFFIXES = (".npy", ".npz", ".safetensors")

_READERS = {".npz": npz_arrays, ".safetensors": safetensors_arrays}


def find_array(path: Path, key: str | None) -> Stored:
    """One array of a file. `key` is needed where the file holds several, and wrong where it has no names.

    Raises FileError for what is no such file.
    """
    if path.suffix == ".npy":
        if key is not None:
            raise FileError("an .npy file holds one array without a name; leave `key` out", "key")
        try:
            size_of(path)
            return npy_array(path)
        except (OSError, ValueError) as error:
            raise FileError(_reason(path, error)) from None
    arrays = _found(path, SUFFIXES)
    if key is None:
        if len(arrays) != 1:
            raise FileError(f"{path.name} holds {listed(arrays, 'and')}; say which by `key`")
        key = next(iter(arrays))
    if key not in arrays:
        raise FileError(f"{path.name} holds no '{key}'{did_you_mean(key, arrays)}", "key")
    return _checked(arrays[key])


def find_arrays(path: Path) -> dict[str, Stored]:
    """Every array of an .npz or .safetensors file, by name. Raises FileError for what is no such file."""
    return {name: _checked(array) for name, array in _found(path, tuple(_READERS)).items()}


def _checked(array: Stored | FileError) -> Stored:
    if isinstance(array, FileError):
        raise array
    return array


def _found(path: Path, suffixes: tuple[str, ...]) -> dict[str, Stored | FileError]:
    """The arrays of a file, and what else is in it, by name; `suffixes` are the kinds of file that would do."""
    if path.suffix == ".npy":
        raise FileError("an .npy file holds one array without a name; give an .npz or .safetensors file")
    if path.suffix not in _READERS:
        raise FileError(f"'{path.name}' is no file of arrays; they end in {listed(suffixes)}")
    try:
        size_of(path)
        return _READERS[path.suffix](path)
    except (OSError, ValueError) as error:
        raise FileError(_reason(path, error)) from None


def read_array(stored: Stored) -> Array:
    """The numbers of an array. Raises FileError where they cannot be read any more."""
    try:
        return stored.read()
    except (OSError, ValueError):
        raise FileError(f"{stored.what} cannot be read; has the file changed?") from None


def read_arrays(arrays: Mapping[str, Stored], what: str) -> dict[str, Array]:
    """The numbers of arrays, by name, if there is room for all. `what` names their file in messages."""
    check_room(sum(stored.nbytes for stored in arrays.values()), what)
    return {name: read_array(stored) for name, stored in arrays.items()}


def _reason(path: Path, error: Exception) -> str:
    """Why a file could not be read."""
    if isinstance(error, FileNotFoundError):
        around = [name for name in names_in(path.parent) if name.endswith(SUFFIXES) and name != path.name]
        meant = nearest_file(path.name, around)
        there = f"; did you mean '{meant}'?" if meant else "; files are looked for beside the network file"
        return f"there is no file '{path}'{there}"
    if isinstance(error, IsADirectoryError):
        return f"'{path}' is a directory; give a file ending in {listed(SUFFIXES)}"
    if isinstance(error, NoFileError):
        return f"'{path}' is a pipe or a device; give a file ending in {listed(SUFFIXES)}"
    if isinstance(error, PermissionError):
        return f"'{path}' may not be read; check its permissions"
    reason = error.strerror if isinstance(error, OSError) else "its name holds a NUL character"
    return f"'{path}' cannot be read ({reason}); give a file ending in {listed(SUFFIXES)}"
