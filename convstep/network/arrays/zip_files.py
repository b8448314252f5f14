"""Zip archives that anybody may have made."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DamagedZipError(Exception):
    """No zip archive, or one whose parts do not fit together."""


@contextmanager
def decoding() -> Iterator[None]:
    """What a damaged archive brings about inside becomes DamagedZipError; errors of ours pass."""
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, EOFError, IndexError, OverflowError) as error:
        # Damaged offsets make zipfile seek to where there is nothing, which is an OSError, too.
        raise DamagedZipError from error
    except Exception as error:
        # BadZipFile, and what zlib, bz2, lzma and struct call their own.
        if type(error).__module__.partition(".")[0] in _DECODERS:
            raise DamagedZipError from error
        raise


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, for reading. Raises OSError where there is no such file, DamagedZipError for what is wrong in it."""
    with path.open("rb") as file, decoding(), zipfile.ZipFile(file) as archive:
        yield archive


_DECODERS = ("zipfile", "zlib", "bz2", "_bz2", "lzma", "_lzma", "struct", "_struct", "zstd", "_zstd", "compression")
