"""Zip archives that anybody may have made."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DamagedZipError(Exception):
    """No zip archive, or one whose parts do not fit together."""


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, for reading. What is wrong with it while it is open becomes DamagedZipError.

    Raises OSError where the file itself cannot be read. Errors of ours pass: they are no OSError, and not of the
    decoders.
    """
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive
        except (OSError, ValueError, KeyError, RuntimeError, EOFError, IndexError, OverflowError) as error:
            # Damaged offsets make zipfile seek to where there is nothing, which is an OSError, too.
            raise DamagedZipError from error
        except Exception as error:
            # BadZipFile, and what zlib, bz2, lzma and struct call their own.
            if type(error).__module__.partition(".")[0] in _DECODERS:
                raise DamagedZipError from error
            raise


_DECODERS = ("zipfile", "zlib", "bz2", "_bz2", "lzma", "_lzma", "struct", "_struct", "zstd", "_zstd", "compression")
