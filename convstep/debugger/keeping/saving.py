"""Writing a file whole or not at all: whoever looks, at whatever moment, finds the old one or the new one."""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

_BESIDE = ".convstep-{}-{}.tmp"
_LEFT_BEHIND = re.compile(r"\.convstep-(\d+)-[0-9a-f]+\.tmp")
_OLD = 60.0
"""Seconds after which what a dead process was writing is surely nobody's any more."""


def write_whole(path: Path, data: bytes | Callable[[IO[bytes]], None]) -> None:
    """Write beside `path`, make sure that it is on the disk, and move it into place; `data` may write it itself.

    Raises OSError where that is impossible, ValueError for a name with a NUL; what stood there before still does then.
    """
    path = Path(os.path.realpath(path))
    mode = _mode_of(path)
    beside = path.parent / _BESIDE.format(os.getpid(), secrets.token_hex(4))
    try:
        with open(
            os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), "wb"
        ) as file:
            if callable(data):
                data(file)
            else:
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(beside, mode)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)
    _tidy(path.parent)


def unused_name(stem: str, suffix: str) -> str:
    """A file name that does not exist yet, in the current directory: `two_conv-1.convstep`."""
    number = 1
    while os.path.lexists(f"{stem}-{number}{suffix}"):
        number += 1
    return f"{stem}-{number}{suffix}"


def _mode_of(path: Path) -> int | None:
    """The permissions of the file that is there; None where there is none. Raises OSError for what is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(0, "it is a directory")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is a pipe or a device, not a file")
    if not os.access(path, os.W_OK):
        raise PermissionError(0, "that file may not be written")
    return stat.S_IMODE(found.st_mode)


def _sync_directory(directory: Path) -> None:
    """The new name, too, outlives a power cut. Where directories cannot be synced, the file itself is there."""
    with suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _tidy(directory: Path) -> None:
    """Takes away what processes that were killed while saving have left behind."""
    with suppress(OSError):
        for entry in os.scandir(directory):
            left = _LEFT_BEHIND.fullmatch(entry.name)
            with suppress(OSError):
                if left and time.time() - entry.stat().st_mtime > _OLD and not is_alive(int(left[1])):
                    os.unlink(entry.path)


def start_of(process: int) -> str:
    """When a process was started, where the system tells: so that its number, used again, is not taken for it."""
    with suppress(OSError, ValueError, IndexError):
        return Path(f"/proc/{process}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[19]
    return ""


def is_alive(process: int) -> bool:
    """Whether there is a process of this number here, as far as one can tell."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
