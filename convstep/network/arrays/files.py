"""Reading files that anybody may have made: only regular ones, and no more of them than a limit."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

_PIECE = 2**20


class NoFileError(OSError):
    """A pipe, a terminal or a device stands where a file is needed: reading it might never end."""

    def __init__(self) -> None:
        super().__init__(0, "it is a pipe or a device, not a file")


def size_of(path: Path) -> int:
    """The size in bytes of a regular file. Raises OSError where there is none, ValueError for a NUL in its name."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(0, "it is a directory")
    if not stat.S_ISREG(found.st_mode):
        raise NoFileError
    return found.st_size


def names_in(directory: Path) -> list[str]:
    """The names of what is in a directory; none where there is none, or it may not be listed."""
    with suppress(OSError, ValueError):
        return sorted(os.listdir(directory))
    return []


def read_at_most(path: Path, most: int) -> bytes | None:
    """The bytes of a regular file; None where there are more than `most`.

    Raises OSError where it cannot be read, ValueError for a NUL in its name.
    """
    size = size_of(path)
    if size > most:
        return None
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        data = file.read(size)
        # What /proc and the like call empty is not, and may be endless.
        while len(data) <= most and (more := file.read(_PIECE)):
            data += more
    return data if len(data) <= most else None
